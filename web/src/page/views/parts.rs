//! Small parts that several views share.

use leptos::prelude::*;

use crate::model::{Failure, Life};

/// Shows why a call failed: what it means, then the code and the message as they came. It is made of what may stand in a
/// line of text, so that it may stand in an `<output>` too.
pub(super) fn reason(failure: &Failure) -> impl IntoView + use<> {
    let message = failure.message().to_owned();
    view! {
        <span class="reason">
            <span>{failure.words()}</span>
            " "
            <span class="status"><code>{failure.code()}</code>" "{message}</span>
        </span>
    }
}

/// Shows the messages of a call as they came, the newest in sight, in a space that does not grow.
pub(super) fn messages(life: impl Fn() -> Option<Life> + Copy + Send + 'static) -> impl IntoView {
    let numbered = move || {
        life().map_or_else(Vec::new, |life| {
            life.messages().map(|(number, message)| (number, message.to_owned())).collect()
        })
    };
    view! {
        <For each=numbered key=|(number, _)| *number children=|(_, message)| view! { <li>{message}</li> } />
    }
}
