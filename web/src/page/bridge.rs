//! The drawing of the bridge.

use leptos::prelude::*;

/// Draws the bridge: two towers, and between them the two leaves of the deck. The style sheet lowers the leaves while a
/// stream is open anywhere in the page and raises them when none is. It says nothing that is not said in words, so it is
/// hidden from those who listen.
pub(crate) fn bridge(class: &'static str) -> impl IntoView {
    view! {
        <svg class=format!("bridge {class}") viewBox="0 0 480 200" aria-hidden="true" focusable="false">
            <path class="cable" d="M0 62 Q70 118 122 34 M480 62 Q410 118 358 34" />
            <path class="hanger" d="M24 81 V132 M48 92 V132 M72 92 V132 M96 76 V132 M456 81 V132 M432 92 V132 M408 92 V132 M384 76 V132" />
            <path class="road" d="M0 132 H108 V142 H0 Z M480 132 H372 V142 H480 Z" />
            <g class="tower">
                <path d="M108 176 V46 H102 V30 H110 V36 H118 V30 H126 V36 H134 V30 H142 V46 H136 V176 Z" />
                <path d="M372 176 V46 H378 V30 H370 V36 H362 V30 H354 V36 H346 V30 H338 V46 H344 V176 Z" />
            </g>
            <path class="window" d="M118 84 V72 A4 4 0 0 1 126 72 V84 Z M354 84 V72 A4 4 0 0 1 362 72 V84 Z" />
            <path class="leaf left" d="M136 132 H239 V136 L136 150 Z" />
            <path class="leaf right" d="M344 132 H241 V136 L344 150 Z" />
            <circle class="lamp" cx="122" cy="108" r="5" />
            <circle class="lamp" cx="358" cy="108" r="5" />
            <path class="water" d="M0 178 H480" />
            <path class="ripple" d="M152 187 H218 M246 187 H322 M176 195 H206 M230 195 H296" />
        </svg>
    }
}
