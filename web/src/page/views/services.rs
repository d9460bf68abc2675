//! *Services*: which services can be called here, and where their calls go.

use drawbridge_calls_proto::{Forwarding, ServicesResponse};
use leptos::prelude::*;

use crate::model::{Services, services};
use crate::page::components::{flag_hint, hero};
use crate::page::dom::{BoxedView, boxed, element, optional, text};

const HELP: (&str, &str) = ("class", "help");

/// Shows the view.
pub(crate) fn services() -> BoxedView {
    let known = expect_context::<RwSignal<Services>>();
    let lists = optional(move || Some(lists(&known.read())));
    boxed(vec![
        hero(
            &["One address", "for every service."],
            "Browsers and native gRPC clients call all of these services at the address of this page. A forwarded call \
             keeps its deadline, and it ends when its caller leaves.",
        ),
        element("div", &[("class", "services")], [lists]),
    ])
}

fn lists(known: &Services) -> BoxedView {
    match known {
        Services::Pending => help("Loading the services …"),
        Services::Unavailable(why) => element("p", &[("class", "warning"), ("role", "status")], [text(*why)]),
        Services::Known(services) => boxed(vec![
            panel("forwarded", "Forwarded", forwarded(services)),
            panel("hosted", "Hosted", hosted(services)),
        ]),
    }
}

fn panel(id: &str, title: &str, items: Vec<BoxedView>) -> BoxedView {
    element(
        "section",
        &[("class", "panel"), ("id", id)],
        [element("h2", &[], [text(title)]), element("ul", &[], items)],
    )
}

/// Shows one service and what follows its name.
fn item(name: &str, details: Vec<BoxedView>) -> BoxedView {
    let children = [element("strong", &[], [text(name)]), text(" ")];
    element("li", &[], children.into_iter().chain(details))
}

fn help(sentence: &str) -> BoxedView {
    element("p", &[HELP], [text(sentence)])
}

fn forwarded(services: &ServicesResponse) -> Vec<BoxedView> {
    if services.forwarded.is_empty() {
        let before = "No upstream. To forward calls to your gRPC server, start Drawbridge with ";
        let hint = flag_hint(&[HELP], before, "--upstream http://127.0.0.1:50051", ".");
        return vec![element("li", &[], [hint])];
    }
    let row = |Forwarding { name, addresses }: &Forwarding| {
        let addresses = element("code", &[], [text(addresses.join("\n"))]);
        match name {
            Some(name) => item(name, vec![addresses]),
            None => item(
                "All other services",
                vec![addresses, text(" "), help(&services::not_forwarded(services))],
            ),
        }
    };
    services.forwarded.iter().map(row).collect()
}

fn hosted(services: &ServicesResponse) -> Vec<BoxedView> {
    let row = |name: &String| {
        let link = services::view_of(name)
            .map(|(path, title)| element("a", &[("href", path)], [text(format!("Open {title}"))]));
        item(name, link.into_iter().collect())
    };
    let mut rows: Vec<_> = services.hosted.iter().map(row).collect();
    let missing = services::views_without_service(services);
    if !missing.is_empty() {
        let before =
            format!("{missing}: these views need the sample services. To host them, start Drawbridge with ");
        rows.push(element("li", &[], [flag_hint(&[HELP], &before, "--samples", ".")]));
    }
    rows
}
