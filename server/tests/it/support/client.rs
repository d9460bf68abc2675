//! A client for gRPC, for each form of gRPC-Web and for Connect, over each version of HTTP, which gives access to raw responses.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, HttpBody};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf as _, Bytes, BytesMut};
use drawbridge::PeerAddr;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::channel::Channel;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::TcpStream;
use tower::ServiceExt as _;

use super::soon;
use super::trailers::{parse_trailers, status_of_connect, trailers_of_connect};

/// A form of gRPC over a version of HTTP. For Connect it is that of streams; methods that are known to be unary are called as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire {
    pub version: Version,
    pub content_type: &'static str,
}

impl Wire {
    pub const GRPC: Self = Self { version: Version::HTTP_2, content_type: "application/grpc" };
    pub const WEB_H1: Self = Self { version: Version::HTTP_11, content_type: "application/grpc-web+proto" };
    pub const WEB_H2: Self = Self { version: Version::HTTP_2, content_type: "application/grpc-web+proto" };
    pub const TEXT_H1: Self = Self { version: Version::HTTP_11, content_type: "application/grpc-web-text" };
    pub const TEXT_H2: Self = Self { version: Version::HTTP_2, content_type: "application/grpc-web-text" };

    pub const CONNECT_H1: Self =
        Self { version: Version::HTTP_11, content_type: "application/connect+proto" };
    pub const CONNECT_H2: Self = Self { version: Version::HTTP_2, content_type: "application/connect+proto" };

    pub const ALL: [Self; 7] = [
        Self::GRPC,
        Self::WEB_H1,
        Self::WEB_H2,
        Self::TEXT_H1,
        Self::TEXT_H2,
        Self::CONNECT_H1,
        Self::CONNECT_H2,
    ];

    /// The forms of gRPC and gRPC-Web.
    pub const GRPC_AND_WEB: [Self; 5] =
        [Self::GRPC, Self::WEB_H1, Self::WEB_H2, Self::TEXT_H1, Self::TEXT_H2];

    /// Returns whether a call to this path is one of unary Connect.
    pub fn is_unary_connect(self, path: &str) -> bool {
        self.is_connect()
            && ["/SayHello", "/GetUser", "/Get", "/Cancel", "/Services", "/Check"]
                .iter()
                .any(|name| path.ends_with(name))
    }

    pub fn is_connect(self) -> bool {
        self.content_type.contains("connect")
    }

    fn is_text(self) -> bool {
        self.content_type.to_ascii_lowercase().contains("text")
    }

    fn is_web(self) -> bool {
        self.content_type.to_ascii_lowercase().contains("web")
    }

    /// Opens a connection with this version of HTTP.
    pub async fn connect(self, address: SocketAddr) -> Connection {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let stream = TokioIo::new(stream);
        if self.version == Version::HTTP_2 {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
            tokio::spawn(connection);
            Connection::H2(sender)
        } else {
            let (sender, connection) = http1::handshake(stream).await.unwrap();
            tokio::spawn(connection);
            Connection::H1(sender)
        }
    }

    /// Calls a method with one message, over a new connection.
    pub async fn call(self, address: SocketAddr, path: &str, message: &impl Message) -> Answer {
        self.call_with_headers(address, path, message, &[]).await
    }

    /// Calls a method with one message and more headers, over a new connection.
    pub async fn call_with_headers(
        self,
        address: SocketAddr,
        path: &str,
        message: &impl Message,
        headers: &[(&str, &str)],
    ) -> Answer {
        self.call_with(&mut self.connect(address).await, path, frame(message), headers).await
    }

    /// Calls a method over this connection, with a body of gRPC frames and more headers.
    pub async fn call_with(
        self,
        connection: &mut Connection,
        path: &str,
        body: Bytes,
        headers: &[(&str, &str)],
    ) -> Answer {
        let response = connection.send(self.request_with(path, body, headers)).await;
        Answer::new(self, response)
    }

    /// Calls a method over this connection, with a body of gRPC frames and more headers, which may have any bytes.
    pub async fn call_with_map(
        self,
        connection: &mut Connection,
        path: &str,
        body: Bytes,
        headers: HeaderMap,
    ) -> Answer {
        let mut request = self.request_with(path, body, &[]);
        request.headers_mut().extend(headers);
        let response = connection.send(request).await;
        Answer::new(self, response)
    }

    /// Opens an HTTP/2 connection for requests whose messages are sent one by one.
    pub async fn connect_streaming(self, address: SocketAddr) -> http2::SendRequest<Channel<Bytes>> {
        let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(connection);
        sender
    }

    /// Calls a method with a body that is sent message by message.
    pub async fn stream_with(
        self,
        connection: &mut http2::SendRequest<Channel<Bytes>>,
        path: &str,
        body: Channel<Bytes>,
    ) -> Answer {
        let request = self.request(path).map(|()| body);
        Answer::new(self, soon("an answer", connection.send_request(request)).await.unwrap())
    }

    /// Calls a method without a socket, so that time can be paused, as a client of this machine. Only the test polls the response.
    pub async fn call_router(
        self,
        router: Router,
        path: &str,
        body: Bytes,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self.request_with(path, body, headers).map(Body::new);
        request.extensions_mut().insert(PeerAddr(([127, 0, 0, 1], 50_000).into()));
        let Ok(response) = router.oneshot(request).await;
        Answer::new(self, response)
    }

    /// A request of a method, with a body of gRPC frames and more headers.
    pub fn request_with(self, path: &str, body: Bytes, headers: &[(&str, &str)]) -> Request<Full<Bytes>> {
        let body = if self.is_text() {
            STANDARD.encode(body).into()
        } else if self.is_unary_connect(path) {
            body.slice(5.min(body.len())..)
        } else {
            body
        };
        let mut request = self.request(path);
        for (name, value) in headers {
            request
                .headers_mut()
                .append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        request.map(|()| Full::from(body))
    }

    fn request(self, path: &str) -> Request<()> {
        let uri =
            if self.version == Version::HTTP_2 { format!("http://localhost{path}") } else { path.to_owned() };
        let content_type = if self.is_unary_connect(path) { "application/proto" } else { self.content_type };
        let mut request = Request::post(uri).version(self.version).header("content-type", content_type);
        if self.version == Version::HTTP_2 {
            request = request.header("te", "trailers");
        } else {
            request = request.header("host", "localhost");
        }
        request.body(()).unwrap()
    }
}

/// An open connection. Dropping it closes it.
pub enum Connection {
    H1(http1::SendRequest<Full<Bytes>>),
    H2(http2::SendRequest<Full<Bytes>>),
}

impl Connection {
    /// Waits until the connection takes a request. Returns `false` if it never will.
    pub async fn is_ready(&mut self) -> bool {
        match self {
            Self::H1(sender) => soon("an idle connection", sender.ready()).await.is_ok(),
            Self::H2(sender) => sender.ready().await.is_ok(),
        }
    }

    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        let response = match self {
            Self::H1(sender) => soon("an answer", sender.send_request(request)).await,
            Self::H2(sender) => soon("an answer", sender.send_request(request)).await,
        };
        response.unwrap()
    }
}

/// Encodes a message as a gRPC frame.
pub fn frame(message: &impl Message) -> Bytes {
    let payload = message.encode_to_vec();
    let length = u32::try_from(payload.len()).unwrap();
    [&[0], &length.to_be_bytes()[..], &payload].concat().into()
}

/// A response, read as it arrives. Dropping it resets the stream, or closes the connection over HTTP/1.1.
pub struct Answer {
    pub http_status: StatusCode,
    pub headers: HeaderMap,
    wire: Wire,
    body: Body,
    encoded: BytesMut,
    plain: BytesMut,
    trailers: Option<HeaderMap>,
}

impl Answer {
    pub fn new<B>(wire: Wire, response: Response<B>) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let (head, body) = response.map(Body::new).into_parts();
        let (encoded, plain) = (BytesMut::new(), BytesMut::new());
        Self { http_status: head.status, headers: head.headers, wire, body, encoded, plain, trailers: None }
    }

    /// Returns the next message, or `None` after the last one.
    pub async fn message<M: Message + Default>(&mut self) -> Option<M> {
        loop {
            if let Some((flags, payload)) = self.take_frame() {
                if flags & 0x82 == 0 {
                    return Some(M::decode(payload).unwrap());
                }
                if self.wire.is_connect() {
                    assert_eq!(flags, 2);
                    self.trailers = Some(trailers_of_connect(&payload));
                    continue;
                }
                assert!(self.wire.is_web(), "gRPC has no trailers frame");
                assert!(self.trailers.is_none(), "a second trailers frame");
                self.trailers = Some(parse_trailers(&payload));
            }
            if self.is_unary() {
                return self.unary().await;
            }
            let frame = soon("the next frame", self.body.frame()).await?.expect("a complete body");
            match frame.into_data() {
                Ok(data) if self.wire.is_text() => {
                    self.encoded.extend_from_slice(&data);
                    let whole = self.encoded.len() / 4 * 4;
                    for group in self.encoded.split_to(whole).chunks(4) {
                        self.plain.extend_from_slice(&STANDARD.decode(group).unwrap());
                    }
                }
                Ok(data) => self.plain.extend_from_slice(&data),
                Err(frame) => {
                    assert!(!self.wire.is_web(), "gRPC-Web has its trailers in the body");
                    self.trailers = Some(frame.into_trailers().unwrap());
                }
            }
        }
    }

    fn is_unary(&self) -> bool {
        let content_type = self.headers.get("content-type").map_or(&b""[..], HeaderValue::as_bytes);
        self.wire.is_connect() && content_type != self.wire.content_type.as_bytes()
    }

    /// Reads the message of a unary response of Connect, once.
    async fn unary<M: Message + Default>(&mut self) -> Option<M> {
        if self.trailers.is_some() {
            return None;
        }
        let body = std::mem::replace(&mut self.body, Body::empty());
        let body = soon("the body", body.collect()).await.expect("a complete body").to_bytes();
        let succeeded = self.http_status == StatusCode::OK;
        let mut trailers =
            if succeeded { status_of_connect(&serde_json::Value::Null) } else { self.error(&body) };
        for (name, value) in &self.headers {
            let name = name.as_str();
            trailers.append(
                name.strip_prefix("trailer-").unwrap_or(name).parse::<HeaderName>().unwrap(),
                value.clone(),
            );
        }
        self.trailers = Some(trailers);
        succeeded.then(|| M::decode(body).unwrap())
    }

    fn error(&self, body: &[u8]) -> HeaderMap {
        assert_eq!(self.headers["content-type"], "application/json", "{}", self.http_status);
        status_of_connect(&serde_json::from_slice(body).unwrap())
    }

    /// Reads to the end, and returns the messages and the status.
    pub async fn finish<M: Message + Default>(mut self) -> (Vec<M>, Ending) {
        let mut messages = Vec::new();
        while let Some(message) = self.message().await {
            messages.push(message);
        }
        assert!(self.plain.is_empty() && self.encoded.is_empty(), "the body ends inside a frame");
        let trailers = self.trailers.as_ref().unwrap_or(&self.headers);
        (messages, Ending::read(trailers))
    }

    /// Reads to the end, and returns the trailers.
    pub async fn trailers(mut self) -> HeaderMap {
        while let Some(()) = self.message().await {}
        self.trailers.expect("trailers")
    }

    /// Reads messages of this kind to the end, and returns the trailers.
    pub async fn trailers_after<M: Message + Default>(mut self) -> HeaderMap {
        while self.message::<M>().await.is_some() {}
        self.trailers.expect("trailers")
    }

    /// Reads to the end, whatever is cut. Returns the bytes of the frames, the trailers if there are any, and whether the body
    /// ended as HTTP wants it.
    pub async fn bytes(mut self) -> (Bytes, Option<HeaderMap>, bool) {
        let mut whole = true;
        while let Some(frame) = soon("the next frame", self.body.frame()).await {
            match frame.map(http_body::Frame::into_data) {
                Ok(Ok(data)) if self.wire.is_text() => {
                    self.encoded.extend_from_slice(&data);
                    let groups = self.encoded.len() / 4 * 4;
                    for group in self.encoded.split_to(groups).chunks(4) {
                        self.plain.extend_from_slice(&STANDARD.decode(group).unwrap());
                    }
                }
                Ok(Ok(data)) => self.plain.extend_from_slice(&data),
                Ok(Err(frame)) => self.trailers = frame.into_trailers().ok(),
                Err(_) => {
                    whole = false;
                    break;
                }
            }
        }
        (self.plain.freeze(), self.trailers, whole)
    }

    /// Reads to the end of a response without messages, and returns the status.
    pub async fn ending(self) -> Ending {
        let (messages, ending) = self.finish::<()>().await;
        assert!(messages.is_empty(), "an unexpected message");
        ending
    }

    fn take_frame(&mut self) -> Option<(u8, Bytes)> {
        let length = u32::from_be_bytes(self.plain.get(1..5)?.try_into().unwrap()) as usize;
        if self.plain.len() < 5 + length {
            return None;
        }
        let flags = self.plain.get_u8();
        self.plain.advance(4);
        Some((flags, self.plain.split_to(length).freeze()))
    }
}

/// The status of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    pub code: i32,
    pub words: String,
}

impl Ending {
    fn read(trailers: &HeaderMap) -> Self {
        let status = trailers.get("grpc-status").expect("a status at the end");
        let words = trailers.get("grpc-message").map_or("", |value| value.to_str().unwrap());
        let words = percent_encoding::percent_decode_str(words).decode_utf8().unwrap().into_owned();
        Self { code: status.to_str().unwrap().parse().unwrap(), words }
    }
}
