//! Small parts that several views share.

use std::time::Duration;

use leptos::prelude::*;

use crate::model::{Failure, Life, State, words};
use crate::page::bridge;
use crate::page::call::Call;
use crate::page::left::Gone;
use crate::page::part::{Part, part, part_while};
use crate::page::proofs::Proofs;
use crate::page::rows::rows;
use crate::page::text::text;

/// Shows the head of a view: what it is for, in a few short `sentences` and in the words of `more`, beside the bridge.
pub(super) fn hero(sentences: &[&'static str], more: &'static str) -> impl IntoView + use<> {
    let sentences: Vec<_> = sentences.iter().map(|sentence| view! { <span>{*sentence}</span>" " }).collect();
    view! {
        <header class="hero">
            <h1>{sentences}</h1>
            <p>{more}</p>
            {bridge::whole()}
        </header>
    }
}

/// Says what the last leave has dropped, if anything, and what the server saw of it.
pub(super) fn left_notice(dropped: &[Gone]) -> impl IntoView + use<> {
    let named: Vec<_> = dropped.iter().map(|gone| gone.words.as_str()).collect();
    let words = format!("You left, so this was dropped: {}.", named.join(" and "));
    let receipts = left_receipts(dropped);
    (!dropped.is_empty()).then(|| view! { <div id="left" role="status"><p>{words}</p>{receipts}</div> })
}

/// Tells for each of the dropped calls what the server saw of it.
pub(super) fn left_receipts(dropped: &[Gone]) -> Vec<Part> {
    let several = dropped.len() > 1;
    let proofs = expect_context::<Proofs>();
    let receipt = |gone: &Gone| {
        let name = if several { format!("{}. ", words::key(&gone.words)) } else { String::new() };
        let request_id = gone.sent.request_id.clone();
        part(view! { <p class="receipt">{name} {text(move || proofs.of(&request_id).receipt())}</p> })
    };
    dropped.iter().map(receipt).collect()
}

/// Tells what the server saw of a call that its user has cancelled, if one was.
pub(super) fn receipt(call: Call) -> Part {
    part_while(move || {
        let cancelled = call.life().read().as_ref().is_some_and(|life| *life.state() == State::Cancelled);
        cancelled.then(|| {
            part(view! { <p class="receipt" role="status">{text(move || call.proof().receipt())}</p> })
        })
    })
}

/// Shows why a call failed: what it means, then the code and the message as they came. It is made of what may stand in a
/// line of text, so that it may stand in an `<output>` too.
pub(super) fn reason(failure: &Failure) -> Part {
    part(view! { <span class="reason"><span>{failure.words()}</span>" "{status(failure)}</span> })
}

/// Shows the status of a call that failed: its code by name, and the message that came with it.
pub(super) fn status(failure: &Failure) -> impl IntoView + use<> {
    view! { <span class="status"><code>{failure.code_name()}</code>" "{failure.message().to_owned()}</span> }
}

/// Lists the messages of a call as they came.
pub(super) fn messages(call: Call) -> Part {
    let numbers = move || call.life().read().as_ref().map(Life::numbers).into_iter().flatten().collect();
    let message = move |number| {
        let life = call.life().read_untracked();
        life.as_ref().and_then(|life| life.message(number)).unwrap_or_default().to_owned()
    };
    rows(numbers, move |number| part(view! { <li>{message(number)}</li> }))
}

/// Shows why the call failed, if it did, where it may interrupt.
pub(super) fn failure(call: Call) -> Part {
    part(view! { <div role="status">{why(call)}</div> })
}

/// Shows why the call failed, if it did.
pub(super) fn why(call: Call) -> Part {
    part_while(move || call.life().read().as_ref().and_then(Life::failure).map(reason))
}

/// Tells how long a call has taken, and how much time it has left; or what ended it, and when. A good end is called
/// `completed`.
pub(super) fn timing(call: Call, time: ReadSignal<Duration>, completed: &'static str) -> Part {
    let life = call.life();
    let elapsed = move || life.read().as_ref().map_or_else(Default::default, |life| life.elapsed(time.get()));
    let runs = move || call.runs();
    let ended_by = move || life.read().as_ref().and_then(|life| life.ended_by(completed)).unwrap_or_default();
    let granted = move || life.read().as_ref().and_then(Life::granted);
    let left = move || {
        let life = life.read();
        let left = life.as_ref().filter(|life| life.runs()).and_then(|life| life.remaining(time.get()));
        left.map_or_else(String::new, |left| format!("{} left", words::seconds(left)))
    };
    let remaining =
        move || life.read().as_ref().and_then(|life| life.remaining(time.get())).unwrap_or_default();
    part(view! {
        <div class="timing" hidden=move || life.read().is_none()>
            <p>
                {text(ended_by)}" "
                <span class="elapsed">
                    {text(move || if runs() { words::seconds(elapsed()) } else { words::took(elapsed()) })}
                </span>
                " "
                <span class="countdown">{text(left)}</span>
            </p>
            <progress
                class="fuse"
                aria-hidden="true"
                hidden=move || granted().is_none()
                max=text(move || words::milliseconds(granted().unwrap_or_default()))
                value=text(move || words::milliseconds(remaining()))
            ></progress>
        </div>
    })
}
