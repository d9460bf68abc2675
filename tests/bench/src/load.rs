//! Calls in gRPC-Web, over HTTP/1.1 and HTTP/2.

use std::fmt;
use std::net::SocketAddr;

use anyhow::{Result, ensure};
use bytes::Bytes;
use drawbridge_proto::greet::HelloRequest;
use drawbridge_proto::message::Request as KeyRequest;
use futures_util::future::try_join_all;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::certificate::Certificate;

/// A version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    H1,
    H2,
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::H1 => "HTTP/1.1",
            Self::H2 => "HTTP/2",
        })
    }
}

/// A connection.
pub(crate) enum Client {
    H1(http1::SendRequest<Full<Bytes>>),
    H2(http2::SendRequest<Full<Bytes>>),
}

impl Client {
    pub(crate) async fn connect(wire: Wire, address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Self::handshake(wire, stream).await
    }

    /// Connects over HTTP/1.1 and TLS, with a full handshake.
    pub(crate) async fn connect_tls(address: SocketAddr, certificate: &Certificate) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost")?;
        Self::handshake(Wire::H1, certificate.connector().connect(name, stream).await?).await
    }

    async fn handshake(
        wire: Wire,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    ) -> Result<Self> {
        let stream = TokioIo::new(stream);
        Ok(match wire {
            Wire::H1 => {
                let (sender, connection) = http1::handshake(stream).await?;
                tokio::spawn(connection);
                Self::H1(sender)
            }
            Wire::H2 => {
                let (sender, connection) = http2::Builder::new(TokioExecutor::new())
                    .initial_stream_window_size(1024 * 1024)
                    .initial_connection_window_size(64 * 1024 * 1024)
                    .handshake(stream)
                    .await?;
                tokio::spawn(connection);
                Self::H2(sender)
            }
        })
    }

    /// Connects `count` clients. Over HTTP/2 they share so many `connections`.
    pub(crate) async fn some(
        wire: Wire,
        address: SocketAddr,
        count: usize,
        connections: usize,
    ) -> Result<Vec<Self>> {
        let mut clients: Vec<Self> = Vec::new();
        for index in 0..count {
            clients.push(match index.checked_sub(connections).and_then(|before| clients.get(before)) {
                Some(Self::H2(sender)) => Self::H2(sender.clone()),
                _ => Self::connect(wire, address).await?,
            });
        }
        Ok(clients)
    }

    /// Makes a unary call of the bench's own service.
    pub(crate) async fn unary(&mut self) -> Result<()> {
        self.call("/greet.Greeter/SayHello", &HelloRequest { name: "ada".to_owned() }).await
    }

    /// Makes a unary call of the health service, with an empty message.
    pub(crate) async fn health(&mut self) -> Result<()> {
        self.call("/grpc.health.v1.Health/Check", &()).await
    }

    async fn call(&mut self, path: &str, message: &impl Message) -> Result<()> {
        let answer = self.send(path, message).await?;
        ensure!(answer.status() == 200 && !answer.headers().contains_key("grpc-status"), "{answer:?}");
        let body = answer.into_body().collect().await?.to_bytes();
        ensure!(body.len() > 20, "the answer to {path} lacks a message or trailers: {body:?}");
        Ok(())
    }

    /// Reads a stream to its end, and returns its length in bytes.
    pub(crate) async fn stream(&mut self, key: &str) -> Result<usize> {
        let mut body = self.open(key).await?.into_body();
        let mut bytes = 0;
        while let Some(frame) = body.frame().await {
            bytes += frame?.data_ref().map_or(0, Bytes::len);
        }
        Ok(bytes)
    }

    /// Opens a stream, which ends when the answer is dropped.
    pub(crate) async fn open(&mut self, key: &str) -> Result<Response<Incoming>> {
        self.send("/Message/Stream", &KeyRequest { key: key.to_owned() }).await
    }

    async fn send(&mut self, path: &str, message: &impl Message) -> Result<Response<Incoming>> {
        let payload = message.encode_to_vec();
        let length = u32::try_from(payload.len())?.to_be_bytes();
        let body = Full::from(Bytes::from([&[0], &length[..], &payload].concat()));

        let uri = if let Self::H2(_) = self { format!("http://localhost{path}") } else { path.to_owned() };
        let mut request = Request::post(uri)
            .header("content-type", "application/grpc-web+proto")
            .header("x-grpc-web", "1")
            .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)")
            .body(body)?;
        Ok(match self {
            Self::H1(sender) => {
                request.headers_mut().insert("host", HeaderValue::from_static("localhost"));
                sender.ready().await?;
                sender.send_request(request).await?
            }
            Self::H2(sender) => sender.send_request(request).await?,
        })
    }
}

/// Has each client make `each` calls, one after the other.
pub(crate) async fn repeat<C>(
    clients: &mut [C],
    each: usize,
    call: impl AsyncFn(&mut C) -> Result<()>,
) -> Result<()> {
    let call = &call;
    try_join_all(clients.iter_mut().map(|client| async move {
        for _ in 0..each {
            call(client).await?;
        }
        anyhow::Ok(())
    }))
    .await?;
    Ok(())
}

/// Has each client make `each` calls, where no client begins its next call before all have ended their last.
pub(crate) async fn repeat_together(
    clients: &mut [Client],
    each: usize,
    call: impl AsyncFn(&mut Client) -> Result<()>,
) -> Result<()> {
    for _ in 0..each {
        try_join_all(clients.iter_mut().map(|client| call(client))).await?;
    }
    Ok(())
}

/// Has each client read one stream of `messages` messages of `size` bytes.
pub(crate) async fn streams(clients: &mut [Client], size: usize, messages: usize) -> Result<()> {
    let key = &format!("{size}x{messages}");
    let bytes = try_join_all(clients.iter_mut().map(|client| client.stream(key))).await?;
    ensure!(bytes.iter().all(|bytes| *bytes > size * messages), "a stream has ended early: {bytes:?}");
    Ok(())
}
