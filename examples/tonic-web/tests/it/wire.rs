//! HTTP/1.1 as it is on the wire: what a browser's gRPC-Web client sends and gets.

use std::fmt::Write as _;
use std::net::SocketAddr;

use axum::Router;
use prost::Message;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The flag of a gRPC-Web frame that has trailers.
const TRAILERS: u8 = 0x80;

/// Serves a router on a free port.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

/// A request.
#[derive(Clone)]
pub(crate) struct Request {
    method: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
}

impl Request {
    /// A gRPC-Web call with one message.
    pub(crate) fn call(path: &'static str, message: &impl Message) -> Self {
        let headers = vec![("content-type", "application/grpc-web+proto")];
        Self { method: "POST", path, headers, body: frame(0, &message.encode_to_vec()) }
    }

    /// Sets a header.
    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value));
        self
    }

    pub(crate) fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    pub(crate) fn without_header(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends the request on a connection of its own.
    pub(crate) async fn send(&self, address: SocketAddr) -> TcpStream {
        let Self { method, path, headers, body } = self;
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        write!(head, "content-length: {}\r\n\r\n", body.len()).unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
        stream
    }

    /// Sends the request, and reads the response to its end.
    pub(crate) async fn response(&self, address: SocketAddr) -> Response {
        let mut bytes = Vec::new();
        self.send(address).await.read_to_end(&mut bytes).await.unwrap();
        Response::parse(&bytes)
    }
}

/// A frame of gRPC: its flag, its length, and what is in it.
pub(crate) fn frame(flag: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[flag], &length[..], payload].concat()
}

/// A response.
#[derive(Debug)]
pub(crate) struct Response {
    /// The status of HTTP. Zero: the connection was closed without a response.
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    /// The chunks of the body: hyper makes one of each frame that a service's body gives it.
    pub(crate) chunks: Vec<Vec<u8>>,
    /// Whether the body has the end that HTTP/1.1 wants.
    pub(crate) complete: bool,
}

impl Response {
    fn parse(bytes: &[u8]) -> Self {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|end| end + 4) else {
            // The connection was closed without a response.
            return Self { status: 0, headers: Vec::new(), chunks: Vec::new(), complete: false };
        };
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        let mut response = Self { status, headers, chunks: Vec::new(), complete: false };
        response.read_body(&bytes[end..]);
        response
    }

    fn read_body(&mut self, mut body: &[u8]) {
        if self.header("transfer-encoding").is_none() {
            self.complete = true;
            self.chunks = Some(body.to_vec()).into_iter().filter(|body| !body.is_empty()).collect();
            return;
        }
        while let Some(end) = body.windows(2).position(|two| two == b"\r\n") {
            let length = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
            if length == 0 {
                self.complete = true;
                return;
            }
            self.chunks.push(body[end + 2..][..length].to_vec());
            body = &body[end + 2 + length + 2..];
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Returns the body as gRPC-Web frames, binary ones if the response is text.
    fn frames(&self) -> Vec<(u8, Vec<u8>)> {
        use base64::prelude::{BASE64_STANDARD, Engine as _};

        let mut bytes = self.chunks.concat();
        if self.header("content-type").is_some_and(|value| value.contains("-text")) {
            // Each part may have a padding of its own, so the text is read four characters at a time.
            bytes = bytes.chunks(4).flat_map(|four| BASE64_STANDARD.decode(four).unwrap()).collect();
        }
        let mut frames = Vec::new();
        let mut rest = bytes.as_slice();
        while let [flag, a, b, c, d, after @ ..] = rest {
            let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
            let Some((payload, after)) = after.split_at_checked(length) else { break };
            frames.push((*flag, payload.to_vec()));
            rest = after;
        }
        frames
    }

    /// Returns how many messages there are.
    pub(crate) fn messages(&self) -> usize {
        self.frames().iter().filter(|(flag, _)| flag & TRAILERS == 0).count()
    }

    /// Returns the gRPC status, from the trailers frame that the body ends with, or from the head of a trailers-only response.
    pub(crate) fn grpc_status(&self) -> Option<String> {
        let frames = self.frames();
        let trailers = frames.last().filter(|(flag, _)| flag & TRAILERS != 0);
        let in_body = trailers.and_then(|(_, trailers)| {
            let trailers = std::str::from_utf8(trailers).unwrap();
            trailers.lines().find_map(|line| line.strip_prefix("grpc-status:")).map(str::trim)
        });
        in_body.or_else(|| self.header("grpc-status")).map(str::to_owned)
    }
}
