//! *Services*: what can be called at this bridge, and where the calls go.

use drawbridge_calls_proto::{Forwarding, ServicesResponse};
use leptos::prelude::*;

use super::parts::hero;
use crate::model::{Services, services};
use crate::page::part::{Part, part, part_while};
use crate::page::plain::{plain, words};

const HELP: (&str, &str) = ("class", "help");

/// Shows the view.
pub(crate) fn services() -> Part {
    let known = expect_context::<RwSignal<Services>>();
    let shown = part_while(move || Some(shown(&known.read())));
    part(vec![
        hero(
            &["One address", "for every service."],
            "A browser calls each of these services at the address of this page, and so do native clients. What is \
             forwarded goes on as it came: with its deadline, and it ends when its caller leaves.",
        ),
        plain("div", &[("class", "services")], [shown]),
    ])
}

fn shown(known: &Services) -> Part {
    match known {
        Services::Asked => help("The server is being asked."),
        Services::Untold(why) => plain("p", &[("class", "stopped"), ("role", "status")], [words(*why)]),
        Services::Told(told) => part(vec![
            plate("forwarded", "Forwarded", forwarded(told)),
            plate("hosted", "Hosted here", hosted(told)),
        ]),
    }
}

fn plate(id: &str, title: &str, lines: Vec<Part>) -> Part {
    plain(
        "section",
        &[("class", "plate"), ("id", id)],
        [plain("h2", &[], [words(title)]), plain("ul", &[], lines)],
    )
}

/// Shows a line: a name, and what there is to say of it.
fn line(name: &str, more: Vec<Part>) -> Part {
    let parts = [plain("strong", &[], [words(name)]), words(" ")];
    plain("li", &[], parts.into_iter().chain(more))
}

fn help(sentence: &str) -> Part {
    plain("p", &[HELP], [words(sentence)])
}

/// Says what a flag of the program is good for, in words around it.
pub(crate) fn hint(attributes: &[(&'static str, &str)], before: &str, flag: &str, after: &str) -> Part {
    plain("p", attributes, [words(before), plain("code", &[], [words(flag)]), words(after)])
}

fn forwarded(told: &ServicesResponse) -> Vec<Part> {
    if told.forwarded.is_empty() {
        let flag = "--upstream http://127.0.0.1:50051";
        let hint =
            hint(&[HELP], "Nothing. With ", flag, ", say, this bridge stands in front of a server of yours.");
        return vec![plain("li", &[], [hint])];
    }
    let row = |Forwarding { name, addresses }: &Forwarding| {
        let to = plain("code", &[], [words(addresses.join("\n"))]);
        match name {
            Some(name) => line(name, vec![to]),
            None => line("All other services", vec![to, words(" "), help(&services::closed(told))]),
        }
    };
    told.forwarded.iter().map(row).collect()
}

fn hosted(told: &ServicesResponse) -> Vec<Part> {
    let row = |name: &String| {
        let view = services::view_of(name);
        line(
            name,
            view.map(|(path, name)| plain("a", &[("href", path)], [words(name)])).into_iter().collect(),
        )
    };
    let mut rows: Vec<_> = told.hosted.iter().map(row).collect();
    let lacking = services::without_service(told);
    if !lacking.is_empty() {
        let why = format!("{lacking}: these views need the sample services, which come with ");
        rows.push(plain("li", &[], [hint(&[HELP], &why, "--samples", ".")]));
    }
    rows
}
