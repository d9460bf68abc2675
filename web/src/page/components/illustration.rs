//! The illustration of a drawbridge, and the logo.

use leptos::prelude::*;

use crate::page::dom::{BoxedView, boxed};

/// Two towers, and the two leaves of the deck between them.
const DRAWING: &str = r#"
<path class="cable" d="M0 126 Q78 124 122 40 M480 126 Q402 124 358 40" />
<path class="hanger" d="M38 120 V132 M56 112 V132 M74 100 V132 M92 84 V132 M442 120 V132 M424 112 V132 M406 100 V132 M388 84 V132" />
<path class="road" d="M0 132 H108 V142 H0 Z M480 132 H372 V142 H480 Z" />
<path class="leaf left" d="M126 132 H239 V136 L136 150 H126 Z" />
<path class="leaf right" d="M354 132 H241 V136 L344 150 H354 Z" />
<path class="tower" d="M108 176 V46 H102 V30 H110 V36 H118 V30 H126 V36 H134 V30 H142 V46 H136 V176 Z" />
<path class="tower" d="M372 176 V46 H378 V30 H370 V36 H362 V30 H354 V36 H346 V30 H338 V46 H344 V176 Z" />
<path class="window" d="M118 84 V72 A4 4 0 0 1 126 72 V84 Z M354 84 V72 A4 4 0 0 1 362 72 V84 Z" />
<circle class="lamp" cx="122" cy="106" r="5" />
<circle class="lamp" cx="358" cy="106" r="5" />
"#;

/// Shows the whole bridge.
pub(super) fn illustration() -> BoxedView {
    drawing("whole", "0 28 480 148")
}

/// Shows the logo: the towers and the deck between them.
pub(crate) fn logo() -> BoxedView {
    drawing("logo", "92 28 296 148")
}

/// Shows the part of the drawing inside `view_box`. The style sheet lowers the leaves while a call is open on the page. The
/// drawing repeats what the page says in text, so screen readers skip it.
fn drawing(class: &'static str, view_box: &'static str) -> BoxedView {
    boxed(view! {
        <svg class=format!("illustration {class}") viewBox=view_box aria-hidden="true" focusable="false" inner_html=DRAWING></svg>
    })
}
