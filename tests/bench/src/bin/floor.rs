//! The least that a bridge of these libraries can do: hyper's server, a connection of the `h2` crate, and each piece handed from one
//! to the other, with the trailers put into the body.
//!
//! It has no deadlines, one upstream and no record of calls, and it validates
//! nothing. The difference to the bridge is the cost of the bridge's own features.

#![allow(clippy::unwrap_used)]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{BufMut as _, Bytes, BytesMut};
use h2::client::SendRequest;
use h2::{RecvStream, client};
use http::{HeaderMap, HeaderValue, Request, Response, Uri, Version, header};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use mimalloc::MiMalloc;
use tokio::net::{TcpListener, TcpStream};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() {
    let upstream: SocketAddr = std::env::args().nth(1).unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(serve(upstream));
}

async fn serve(upstream: SocketAddr) {
    let stream = TcpStream::connect(upstream).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (sender, connection) = client::Builder::new()
        .initial_window_size(64 * 1024)
        .initial_connection_window_size((1 << 31) - 1)
        .max_frame_size(256 * 1024)
        .handshake::<_, Bytes>(stream)
        .await
        .unwrap();
    tokio::spawn(connection);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http2().max_concurrent_streams(1_000);
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (builder, sender) = (builder.clone(), sender.clone());
        tokio::spawn(async move {
            let service = hyper::service::service_fn(|request| forward(sender.clone(), request));
            drop(builder.serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

async fn forward(
    sender: SendRequest<Bytes>,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    let (mut head, mut body) = request.into_parts();
    let mut uri = http::uri::Parts::default();
    uri.scheme = Some(http::uri::Scheme::HTTP);
    uri.authority = Some(http::uri::Authority::from_static("localhost"));
    uri.path_and_query = head.uri.into_parts().path_and_query;
    head.uri = Uri::from_parts(uri).unwrap();
    head.version = Version::HTTP_2;
    head.headers.remove(header::HOST);
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    head.headers.insert(header::TE, HeaderValue::from_static("trailers"));
    let message = body.frame().await.unwrap().unwrap().into_data().unwrap();
    let mut sender = sender.ready().await.unwrap();
    let (answer, mut stream) = sender.send_request(Request::from_parts(head, ()), false).unwrap();
    stream.send_data(message, true).unwrap();
    let mut answer = answer.await.unwrap();
    let content_type = HeaderValue::from_static("application/grpc-web+proto");
    answer.headers_mut().insert(header::CONTENT_TYPE, content_type);
    *answer.version_mut() = Version::default();
    Ok(answer.map(|stream| Answer { stream, over: false }))
}

/// All that is there at one time, as one piece.
struct Answer {
    stream: RecvStream,
    over: bool,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(None);
        }
        let mut piece = Piece::default();
        while piece.len() < 16 * 1024 {
            match this.stream.poll_data(cx)? {
                Poll::Ready(Some(data)) => piece.push(data),
                Poll::Ready(None) => {
                    let trailers = ready!(this.stream.poll_trailers(cx))?.unwrap_or_default();
                    put_trailers(piece.joined(), &trailers);
                    this.over = true;
                    break;
                }
                Poll::Pending if piece.len() == 0 => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        let piece = piece.into_bytes();
        drop(this.stream.flow_control().release_capacity(piece.len()));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.over
    }
}

/// What was there at one time. The first data is copied only if more follows.
#[derive(Default)]
struct Piece {
    first: Bytes,
    joined: Option<BytesMut>,
}

impl Piece {
    fn len(&self) -> usize {
        self.joined.as_ref().map_or(self.first.len(), BytesMut::len)
    }

    fn push(&mut self, data: Bytes) {
        if self.len() == 0 {
            self.first = data;
        } else {
            self.joined().put_slice(&data);
        }
    }

    fn joined(&mut self) -> &mut BytesMut {
        self.joined.get_or_insert_with(|| {
            let mut joined = BytesMut::with_capacity(512.max(self.first.len() + 128));
            joined.put_slice(&self.first);
            joined
        })
    }

    fn into_bytes(self) -> Bytes {
        self.joined.map_or(self.first, BytesMut::freeze)
    }
}

fn put_trailers(all: &mut BytesMut, trailers: &HeaderMap) {
    let length: usize = trailers.iter().map(|(name, value)| name.as_str().len() + value.len() + 3).sum();
    all.put_u8(0x80);
    all.put_u32(u32::try_from(length).unwrap());
    for (name, value) in trailers {
        for part in [name.as_str().as_bytes(), b":", value.as_bytes(), b"\r\n"] {
            all.put_slice(part);
        }
    }
}
