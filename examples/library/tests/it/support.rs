//! Servers on free ports, and clients of both kinds.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use drawbridge::{CallContext, Calls, EndReason};
use drawbridge_proto::greet::HelloRequest;
use drawbridge_proto::greet::greeter_client::GreeterClient;
use prost::Message as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tonic::transport::{Channel, Endpoint};

/// Binds a free port.
pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Serves a router with axum.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Returns the address of a port at which nothing listens.
pub(crate) async fn nowhere() -> String {
    url(listen().await.1)
}

pub(crate) fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

pub(crate) fn channel(address: SocketAddr) -> Channel {
    Endpoint::try_from(url(address)).unwrap().connect_lazy()
}

pub(crate) fn greeter(address: SocketAddr) -> GreeterClient<Channel> {
    GreeterClient::new(channel(address))
}

/// The request that greets Bob.
pub(crate) fn bob() -> HelloRequest {
    HelloRequest { name: "Bob".to_owned() }
}

/// How long a test waits for what a correct program does at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// How the calls of a list end.
pub(crate) struct Ends(UnboundedReceiver<(String, EndReason)>);

impl Ends {
    /// Waits for the next end of a call, and returns the call's method with it.
    pub(crate) async fn next(&mut self) -> (String, EndReason) {
        let end = tokio::time::timeout(PATIENCE, self.0.recv()).await;
        end.expect("a call ends soon").expect("the list of calls lives as long as its server")
    }
}

/// Records how each call of a list ends.
pub(crate) fn ends(calls: &Calls) -> Ends {
    let (sender, ends) = unbounded_channel();
    calls.on_end(move |call: &CallContext| {
        let end = call.end_reason().expect("a hook runs after the end").clone();
        // A test that is over needs no more ends.
        let _ = sender.send((call.method().to_owned(), end));
    });
    Ends(ends)
}

/// Sends an HTTP/1.1 request, and returns the whole response as text, which gRPC-Web is for the most part.
pub(crate) async fn http(address: SocketAddr, start: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
    http_on(TcpStream::connect(address).await.unwrap(), start, headers, body).await
}

/// The same on a connection that is open.
pub(crate) async fn http_on(
    mut connection: impl AsyncRead + AsyncWrite + Unpin,
    start: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> String {
    let headers: String = headers.iter().map(|(name, value)| [name, ": ", value, "\r\n"].concat()).collect();
    let length = body.len();
    let head = format!(
        "{start} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n"
    );
    connection.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    let mut response = Vec::new();
    connection.read_to_end(&mut response).await.unwrap();
    String::from_utf8_lossy(&response).into_owned()
}

/// Calls `SayHello` for Bob over gRPC-Web, with these additional headers.
pub(crate) async fn say_hello(address: SocketAddr, headers: &[(&str, &str)]) -> String {
    let message = bob().encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let body = [&[0], &length[..], &message].concat();
    let headers = [&[("content-type", "application/grpc-web+proto")], headers].concat();
    http(address, "POST /greet.Greeter/SayHello", &headers, &body).await
}

/// Returns all values of a header, in the order in which they came.
pub(crate) fn values<'a>(response: &'a str, name: &str) -> Vec<&'a str> {
    let head = response.split("\r\n\r\n").next().unwrap_or_default();
    let headers = head.lines().filter_map(|line| line.split_once(": "));
    headers.filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
}
