//! A client of Connect, which returns raw responses, and bridges whose upstream answers it.

use std::io::Write as _;

use bytes::Bytes;
use drawbridge::Bridge;
use drawbridge_proto::greet::HelloRequest;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, Request, Version};
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;
use serde_json::Value;

use super::client::Wire;
use super::upstream::{Answering, Arrived, RawUpstream};
use super::{Server, soon};

pub const HELLO: &str = "/greet.Greeter/SayHello";
pub const HELLOS: &str = "/greet.Greeter/SayHellos";
pub const FORWARDED: &str = "/any.Service/Method";

/// A response, whole.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/json", "{:?}", self.body);
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Returns the end of a stream.
    pub fn end(&self) -> Value {
        assert_eq!((self.status, self.header("content-type")), (200, Some("application/connect+proto")));
        let mut rest = &self.body[..];
        loop {
            let length = u32::from_be_bytes(rest[1..5].try_into().unwrap()) as usize;
            let (flags, payload) = (rest[0], &rest[5..5 + length]);
            rest = &rest[5 + length..];
            if flags & 2 != 0 {
                assert!(rest.is_empty(), "nothing follows the end");
                return serde_json::from_slice(payload).unwrap();
            }
        }
    }
}

/// Sends a request over both versions of HTTP, and returns the responses.
pub async fn send(
    server: &Server,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> [Answer; 2] {
    let mut answers = Vec::new();
    for wire in [Wire::CONNECT_H1, Wire::CONNECT_H2] {
        let is_h2 = wire.version == Version::HTTP_2;
        let uri = if is_h2 { format!("http://localhost{target}") } else { target.to_owned() };
        let mut request = Request::builder().method(method).uri(uri).version(wire.version);
        if !is_h2 {
            request = request.header("host", "localhost");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(Bytes::copy_from_slice(body))).unwrap();
        let (head, body) = wire.connect(server.address).await.send(request).await.into_parts();
        let body = soon("the body", body.collect()).await.unwrap().to_bytes();
        answers.push(Answer { status: head.status.as_u16(), headers: head.headers, body });
    }
    answers.try_into().unwrap_or_else(|_| unreachable!("two answers"))
}

pub async fn post(server: &Server, path: &str, headers: &[(&str, &str)], body: &[u8]) -> [Answer; 2] {
    send(server, "POST", path, headers, body).await
}

pub const PROTO: (&str, &str) = ("content-type", "application/proto");
pub const STREAM: (&str, &str) = ("content-type", "application/connect+proto");

pub fn hello(name: &str) -> Vec<u8> {
    HelloRequest { name: name.to_owned() }.encode_to_vec()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A bridge in front of an upstream that answers each call in this way.
pub async fn forwarding<F>(answer: F) -> (Server, Answering)
where
    F: Fn(&mut Arrived, Vec<u8>) + Clone + Send + 'static,
{
    forwarding_with(|bridge| bridge, answer).await
}

pub async fn forwarding_with<F>(configure: impl FnOnce(Bridge) -> Bridge, answer: F) -> (Server, Answering)
where
    F: Fn(&mut Arrived, Vec<u8>) + Clone + Send + 'static,
{
    let upstream = RawUpstream::start().await;
    let server = Server::start(configure(upstream.bridge())).await;
    let answering = upstream.answering(move |mut call| {
        let answer = answer.clone();
        async move {
            let body = call.read().await;
            answer(&mut call, body);
        }
    });
    (server, answering)
}
