//! How a simulated server answers a call.

use std::future::poll_fn;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use fastrand::Rng;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Response};
use tokio::time::sleep;

use super::plan::Temper;
use super::world::{Answered, TICK};

/// How a server answers a call.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// Whether it reads the whole request first.
    reads: bool,
    after: Duration,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// With a head, messages of a size, a pause between them, and then their end.
    Messages { count: u32, bytes: usize, pause: Duration, end: End },
    /// With a status and nothing else.
    Status { code: u16, pushback: Option<i32> },
    /// With a reset.
    Reset(Reason),
    /// With a response that is not gRPC.
    Http(u16),
}

/// How a response ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Status(u16),
    /// Without a status.
    Nothing,
    Reset(Reason),
}

/// As good as never.
const NEVER: Duration = Duration::from_secs(100);

impl Answer {
    /// Chooses an answer.
    pub(super) fn new(rng: &mut Rng, temper: Temper) -> Self {
        let millis = |rng: &mut Rng, most: u64| Duration::from_millis(rng.u64(0..=most));
        let good = Self { reads: rng.bool(), after: millis(rng, 8), kind: ok(rng) };
        match temper {
            Temper::Good if rng.u32(0..30) > 0 => good,
            Temper::Failing => Self { after: Duration::ZERO, kind: failure(rng), ..good },
            Temper::Silent => Self { after: NEVER, ..good },
            Temper::Good | Temper::Moody => match rng.u32(0..12) {
                0..=2 => good,
                3 => Self { after: NEVER, ..good },
                4 => Self { after: millis(rng, 1_500), ..good },
                5..=7 => Self { kind: broken(rng), ..good },
                _ => Self { kind: failure(rng), ..good },
            },
        }
    }
}

fn ok(rng: &mut Rng) -> Kind {
    let (count, bytes) = [(1, 10), (1, 10), (0, 0), (5, 100), (3, 30_000)][rng.usize(0..5)];
    let pause = Duration::from_millis(if rng.bool() { 0 } else { rng.u64(0..40) });
    Kind::Messages { count, bytes, pause, end: End::Status(0) }
}

/// Chooses a failure after the response has begun.
fn broken(rng: &mut Rng) -> Kind {
    let ends = [End::Status(14), End::Status(8), End::Nothing, End::Reset(Reason::INTERNAL_ERROR)];
    let pause = Duration::from_millis(rng.u64(0..40));
    Kind::Messages { count: rng.u32(0..3), bytes: 10, pause, end: ends[rng.usize(0..4)] }
}

/// Chooses a failure before that.
fn failure(rng: &mut Rng) -> Kind {
    let resets = [
        Reason::REFUSED_STREAM,
        Reason::REFUSED_STREAM,
        Reason::INTERNAL_ERROR,
        Reason::CANCEL,
        Reason::ENHANCE_YOUR_CALM,
    ];
    match rng.u32(0..6) {
        0..=2 => {
            let code = [14, 14, 8, 13, 5][rng.usize(0..5)];
            let pushback = (rng.u32(0..4) == 0).then(|| rng.i32(-1..60));
            Kind::Status { code, pushback }
        }
        3 | 4 => Kind::Reset(resets[rng.usize(0..5)]),
        _ => Kind::Http([503, 404, 431][rng.usize(0..3)]),
    }
}

/// Answers a call. `begun` is called when the answer begins. Returns whether the client has reset the call.
pub(super) async fn answer(
    answer: &Answer,
    request: RecvStream,
    mut respond: SendResponse<Bytes>,
    begun: impl FnOnce(Answered),
) -> bool {
    let mut request = Some(request);
    let until_due = async {
        if answer.reads
            && let Some(mut request) = request.take()
        {
            while let Some(Ok(data)) = request.data().await {
                // Fails if the stream is closed.
                let _ = request.flow_control().release_capacity(data.len());
            }
        }
        sleep(answer.after).await;
    };
    tokio::select! {
        biased;
        _ = poll_fn(|cx| respond.poll_reset(cx)) => return true,
        () = until_due => {}
    }
    let head = Response::builder().header("content-type", "application/grpc");
    match answer.kind {
        Kind::Reset(reason) => {
            begun(if reason == Reason::REFUSED_STREAM {
                Answered::Refused
            } else {
                Answered::Reset(code_of(reason))
            });
            respond.send_reset(reason);
        }
        Kind::Http(status) => {
            begun(Answered::Status(if status == 503 { 14 } else { 2 }, None));
            let response = Response::builder().status(status).body(()).expect("a valid response");
            let _ = respond.send_response(response, true);
        }
        Kind::Status { code, pushback } => {
            begun(Answered::Status(code, pushback));
            let mut response = head.header("grpc-status", code).body(()).expect("a valid response");
            if let Some(pushback) = pushback {
                response.headers_mut().insert("grpc-retry-pushback-ms", pushback.into());
            }
            let _ = respond.send_response(response, true);
        }
        Kind::Messages { count, bytes, pause, end } => {
            begun(Answered::Head);
            let Ok(mut stream) = respond.send_response(head.body(()).expect("a valid response"), false)
            else {
                return true;
            };
            for _ in 0..count {
                if send(&mut stream, bytes).await || pause_or_reset(&mut stream, pause).await {
                    return true;
                }
            }
            // A reset discards what is not sent yet, so it comes later than the head.
            let pause = if matches!(end, End::Reset(_)) { pause.max(TICK) } else { pause };
            if pause_or_reset(&mut stream, pause).await {
                return true;
            }
            finish(stream, end);
        }
    }
    false
}

fn finish(mut stream: SendStream<Bytes>, end: End) {
    // They fail if the stream is closed.
    match end {
        End::Reset(reason) => stream.send_reset(reason),
        End::Nothing => {
            let _ = stream.send_data(Bytes::new(), true);
        }
        End::Status(code) => {
            let trailers = HeaderMap::from_iter([("grpc-status".parse().expect("a name"), code.into())]);
            let _ = stream.send_trailers(trailers);
        }
    }
}

/// Waits. Returns whether the client has reset the call meanwhile.
async fn pause_or_reset(stream: &mut SendStream<Bytes>, pause: Duration) -> bool {
    tokio::select! {
        biased;
        _ = poll_fn(|cx| stream.poll_reset(cx)) => true,
        () = sleep(pause) => false,
    }
}

/// Sends a message of this size. Returns whether the client has reset the call meanwhile.
async fn send(stream: &mut SendStream<Bytes>, bytes: usize) -> bool {
    let mut message = BytesMut::new();
    message.put_u8(0);
    message.put_u32(u32::try_from(bytes).expect("a small size"));
    message.put_bytes(0, bytes);
    let mut message = message.freeze();
    while !message.is_empty() {
        stream.reserve_capacity(message.len());
        let Some(Ok(capacity)) = poll_fn(|cx| stream.poll_capacity(cx)).await else { return true };
        if stream.send_data(message.split_to(capacity.min(message.len())), false).is_err() {
            return true;
        }
    }
    false
}

/// Returns the code that a caller gets for a reset.
fn code_of(reason: Reason) -> u16 {
    match reason {
        Reason::CANCEL => 1,
        Reason::ENHANCE_YOUR_CALM => 8,
        _ => 13,
    }
}
