//! Small parts that several views share.

use std::time::Duration;

use leptos::prelude::*;

use crate::model::{Failure, Life, State, words};
use crate::page::bridge;
use crate::page::call::Call;
use crate::page::left::Gone;
use crate::page::part::{Part, part, part_while};
use crate::page::plain::{self, plain};
use crate::page::proofs::Proofs;
use crate::page::rows::rows;
use crate::page::text::text;

/// Shows the head of a view: what it is for, in a few short `sentences` and in the words of `more`, beside the bridge.
pub(super) fn hero(sentences: &[&'static str], more: &'static str) -> Part {
    let sentences = sentences
        .iter()
        .flat_map(|sentence| [plain("span", &[], [plain::words(*sentence)]), plain::words(" ")]);
    let parts = [plain("h1", &[], sentences), plain("p", &[], [plain::words(more)]), part(bridge::whole())];
    plain("header", &[("class", "hero")], parts)
}

/// Heads a column of a table. Roles are written out, because a style sheet that lays a table out anew takes them away.
pub(super) fn column_head(head: &str) -> Part {
    plain("th", &[("role", "columnheader"), ("scope", "col")], [plain::words(head)])
}

/// Says what the last leave has dropped, if anything, and what the server saw of it.
pub(super) fn left_notice(dropped: &[Gone]) -> Option<Part> {
    let named: Vec<_> = dropped.iter().map(|gone| gone.words.as_str()).collect();
    let words = format!("You left, so this was dropped: {}.", named.join(" and "));
    let told = [plain("p", &[], [plain::words(words)])].into_iter().chain(left_receipts(dropped));
    (!dropped.is_empty()).then(|| plain("div", &[("id", "left"), ("role", "status")], told))
}

/// Tells for each of the dropped calls what the server saw of it.
pub(super) fn left_receipts(dropped: &[Gone]) -> Vec<Part> {
    let several = dropped.len() > 1;
    let proofs = expect_context::<Proofs>();
    let receipt = |gone: &Gone| {
        let name = if several { format!("{}. ", words::key(&gone.words)) } else { String::new() };
        let request_id = gone.sent.request_id.clone();
        let told = part(text(move || proofs.of(&request_id).receipt()));
        plain("p", &[("class", "receipt")], [plain::words(name), told])
    };
    dropped.iter().map(receipt).collect()
}

/// Tells what the server saw of a call that its user has cancelled, if one was.
pub(super) fn receipt(call: Call) -> Part {
    part_while(move || {
        let cancelled = call.life().read().as_ref().is_some_and(|life| *life.state() == State::Cancelled);
        cancelled.then(|| {
            let told = part(text(move || call.proof().receipt()));
            plain("p", &[("class", "receipt"), ("role", "status")], [told])
        })
    })
}

/// Shows why a call failed: what it means, then the code and the message as they came. It is made of what may stand in a
/// line of text, so that it may stand in an `<output>` too.
pub(super) fn reason(failure: &Failure) -> Part {
    let words = plain("span", &[], [plain::words(failure.words())]);
    plain("span", &[("class", "reason")], [words, plain::words(" "), status(failure)])
}

/// Shows the status of a call that failed: its code by name, and the message that came with it.
pub(super) fn status(failure: &Failure) -> Part {
    let code = plain("code", &[], [plain::words(failure.code_name())]);
    plain("span", &[("class", "status")], [code, plain::words(format!(" {}", failure.message()))])
}

/// Lists the messages of a call as they came.
pub(super) fn messages(call: Call) -> Part {
    let numbers = move || call.life().read().as_ref().map(Life::numbers).into_iter().flatten().collect();
    let message = move |number| {
        let life = call.life().read_untracked();
        life.as_ref().and_then(|life| life.message(number)).unwrap_or_default().to_owned()
    };
    rows(numbers, move |number| plain("li", &[], [plain::words(message(number))]))
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
