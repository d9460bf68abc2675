//! A stream of messages as text.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use tokio::time::{Instant, Sleep, sleep};
use tonic::Code;

use super::error::ConnectError;
use super::messages::Messages;

/// Writes a stream of messages in a form of text.
pub(super) trait WriteText: Unpin {
    /// What is written if nothing else was for a time, and that time.
    const KEEP_ALIVE: Option<(&'static str, Duration)>;

    /// Writes a message, which is JSON.
    fn message(&mut self, to: &mut BytesMut, json: &[u8]);

    /// Writes the end of the stream. It may be nothing.
    fn end(&mut self, to: &mut BytesMut, error: Option<&ConnectError>, trailers: &HeaderMap);
}

/// The body of a response as text. Each message is written once it is whole, with those that are ready at the same time.
pub(super) struct TextStream<B, W> {
    /// `None` behind the end.
    inner: Option<B>,
    messages: Messages,
    writer: W,
    /// Created when there is nothing to write for the first time.
    silence: Option<Pin<Box<Sleep>>>,
}

impl<B, W> TextStream<B, W>
where
    B: HttpBody<Data = Bytes> + Unpin,
    W: WriteText,
{
    /// Writes the messages of `inner`, each of at most `max_bytes` bytes.
    pub(super) fn new(inner: B, writer: W, max_bytes: u32) -> Self {
        Self { inner: Some(inner), messages: Messages::new(max_bytes), writer, silence: None }
    }

    /// Writes the messages that are whole with this data.
    fn write(&mut self, data: &[u8], to: &mut BytesMut) -> Result<(), ConnectError> {
        self.messages.push(data);
        while let Some(message) = self.messages.next()? {
            self.writer.message(to, &message);
        }
        Ok(())
    }

    /// Ends the stream, behind what was written.
    fn end(
        &mut self,
        mut written: BytesMut,
        error: Option<&ConnectError>,
        trailers: &HeaderMap,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.inner = None;
        self.writer.end(&mut written, error, trailers);
        Poll::Ready((!written.is_empty()).then(|| Ok(Frame::data(written.freeze()))))
    }

    /// Writes that the connection is alive, if nothing was written for a time.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let Some((comment, interval)) = W::KEEP_ALIVE else { return Poll::Pending };
        let silence = self.silence.get_or_insert_with(|| Box::pin(sleep(interval)));
        if silence.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.silence = None;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(comment.as_bytes())))))
    }

    fn restart_silence(&mut self) {
        if let (Some(silence), Some((_, interval))) = (&mut self.silence, W::KEEP_ALIVE) {
            silence.as_mut().reset(Instant::now() + interval);
        }
    }
}

impl<B, W> HttpBody for TextStream<B, W>
where
    B: HttpBody<Data = Bytes> + Unpin,
    W: WriteText,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = &mut *self;
        loop {
            let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
            let frame = match Pin::new(inner).poll_frame(cx) {
                Poll::Pending => return this.poll_silence(cx),
                Poll::Ready(Some(Ok(frame))) => frame,
                Poll::Ready(Some(Err(error))) => {
                    this.inner = None;
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(None) => {
                    let error = ConnectError::new(Code::Unknown, "the response ended without a status");
                    return this.end(BytesMut::new(), Some(&error), &HeaderMap::new());
                }
            };
            let mut written = BytesMut::new();
            match frame.into_data().map_err(Frame::into_trailers) {
                Ok(data) => match this.write(&data, &mut written) {
                    Ok(()) if written.is_empty() => {}
                    Ok(()) => {
                        this.restart_silence();
                        return Poll::Ready(Some(Ok(Frame::data(written.freeze()))));
                    }
                    Err(error) => return this.end(written, Some(&error), &HeaderMap::new()),
                },
                Err(trailers) => {
                    let trailers = trailers.unwrap_or_default();
                    return this.end(written, ConnectError::read(&trailers).as_ref(), &trailers);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_none()
    }
}
