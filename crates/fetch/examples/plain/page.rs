//! Three buttons, and a list of messages.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use drawbridge_fetch::{CallOptions, CancelHandle, Cause, RequestExt as _, Transport};
use drawbridge_proto::greet::HelloRequest;
use drawbridge_proto::greet::greeter_client::GreeterClient;
use tonic::{Request, Status};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Document, Element, HtmlInputElement};

/// Makes the buttons start and cancel calls. The empty URL means the server that the page came from.
pub(crate) fn start() -> Result<(), JsValue> {
    let client = GreeterClient::new(Transport::new(""));
    // One handle for all calls until the next cancel. A used handle would cancel new calls.
    let cancel = Rc::new(RefCell::new(CancelHandle::new()));

    for (button, options) in
        [("stream", CallOptions::new()), ("limited", CallOptions::new().with_timeout(Duration::from_secs(3)))]
    {
        let (client, cancel) = (client.clone(), Rc::clone(&cancel));
        on_click(button, move || {
            let options = options.clone().with_cancel(&cancel.borrow());
            let client = client.clone();
            spawn_local(async move {
                let end = greet(client, options).await;
                show(
                    &end.map_or_else(
                        |status| message(&status),
                        |()| "The server ended the stream.".to_owned(),
                    ),
                );
            });
        })?;
    }
    on_click("cancel", move || cancel.take().cancel())
}

/// Shows greetings until the call ends. Leaving the page ends it too.
async fn greet(mut client: GreeterClient<Transport>, options: CallOptions) -> Result<(), Status> {
    let name =
        element("name").map_or_else(String::new, |input| input.unchecked_into::<HtmlInputElement>().value());
    let request = Request::new(HelloRequest { name }).with_options(options);
    let mut greetings = client.say_hellos(request).await?.into_inner();
    while let Some(greeting) = greetings.message().await? {
        show(&greeting.message);
    }
    Ok(())
}

/// Returns the message for the end of a call.
fn message(status: &Status) -> String {
    match Cause::of(status) {
        Some(Cause::Cancelled) => "You cancelled the call.".to_owned(),
        Some(Cause::DeadlineExceeded) => "The deadline passed.".to_owned(),
        Some(Cause::Unreachable { .. }) => "The server cannot be reached. Is it running?".to_owned(),
        Some(Cause::ConnectionBroke { .. }) => "The connection broke.".to_owned(),
        _ => format!("{:?}: {}", status.code(), status.message()),
    }
}

fn show(text: &str) {
    if let (Some(list), Some(document)) = (element("messages"), document())
        && let Ok(item) = document.create_element("li")
    {
        item.set_text_content(Some(text));
        let _ = list.append_child(&item);
    }
}

fn on_click(button: &str, action: impl Fn() + 'static) -> Result<(), JsValue> {
    let button = element(button).ok_or("a button is missing in the page")?;
    // The button exists as long as the page.
    let action = Closure::<dyn Fn()>::new(action).into_js_value();
    button.add_event_listener_with_callback("click", action.unchecked_ref())
}

fn element(id: &str) -> Option<Element> {
    document()?.get_element_by_id(id)
}

fn document() -> Option<Document> {
    web_sys::window()?.document()
}
