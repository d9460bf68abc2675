//! `drawbridge-fetch` for scripts: `globalThis.transport`.

use drawbridge_fetch::{RequestExt as _, Transport};
use drawbridge_proto::greet::HelloRequest;
use drawbridge_proto::greet::greeter_client::GreeterClient;
use drawbridge_proto::message::Request as KeyRequest;
use drawbridge_proto::message::message_client::MessageClient;
use js_sys::{Object, Promise, Reflect, global};
use tonic::{Request, Status};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsError, JsValue};
use wasm_bindgen_futures::{future_to_promise, spawn_local};

/// Sets `globalThis.transport` to functions for the server that the page came from.
pub(crate) fn publish() -> Result<(), JsValue> {
    let origin = Reflect::get(&Reflect::get(&global(), &"location".into())?, &"origin".into())?;
    let transport = Transport::new(origin.as_string().unwrap_or_default());
    let functions = Object::new();
    let set = |name: &str, function: Closure<dyn Fn(String) -> Promise>| {
        Reflect::set(&functions, &name.into(), &function.into_js_value()).map(drop)
    };
    let greeter = GreeterClient::new(transport.clone());
    set("unary", Closure::new(move |name| promise(unary(greeter.clone(), name))))?;
    let messages = MessageClient::new(transport.clone());
    set("drain", Closure::new(move |key| promise(drain(messages.clone(), key))))?;
    let messages = MessageClient::new(transport);
    set("open", Closure::new(move |key| promise(open(messages.clone(), key))))?;
    Reflect::set(&global(), &"transport".into(), &functions).map(drop)
}

/// Makes a unary call, and returns the answer.
async fn unary(mut client: GreeterClient<Transport>, name: String) -> Result<JsValue, Status> {
    let reply = client.say_hello(Request::new(HelloRequest { name }).unary()).await?;
    Ok(reply.into_inner().message.into())
}

/// Reads a stream to its end, and returns the number of its messages.
async fn drain(mut client: MessageClient<Transport>, key: String) -> Result<JsValue, Status> {
    let mut stream = client.stream(KeyRequest { key }).await?.into_inner();
    let mut count = 0;
    while stream.message().await?.is_some() {
        count += 1;
    }
    Ok(count.into())
}

/// Opens a stream that stays open after its first message.
async fn open(mut client: MessageClient<Transport>, key: String) -> Result<JsValue, Status> {
    let mut stream = client.stream(KeyRequest { key }).await?.into_inner();
    stream.message().await?;
    spawn_local(async move { while let Ok(Some(_)) = stream.message().await {} });
    Ok(JsValue::UNDEFINED)
}

fn promise(call: impl Future<Output = Result<JsValue, Status>> + 'static) -> Promise {
    future_to_promise(async move { call.await.map_err(|status| JsError::new(&status.to_string()).into()) })
}
