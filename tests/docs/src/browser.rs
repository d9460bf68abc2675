//! Code of pages. It is compiled for the WASM target, where the transport is, by `cargo xtask lint`.

// ANCHOR: greet
use drawbridge_fetch::Transport;
use drawbridge_proto::greet::HelloRequest;
use drawbridge_proto::greet::greeter_client::GreeterClient;
use tonic::Status;

/// Returns the greeting of the server that the page came from.
pub async fn greet(name: String) -> Result<String, Status> {
    let mut client = GreeterClient::new(Transport::new(""));
    let reply = client.say_hello(HelloRequest { name }).await?;
    Ok(reply.into_inner().message)
}
// ANCHOR_END: greet
