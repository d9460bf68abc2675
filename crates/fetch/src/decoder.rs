//! A response body, from its chunks to messages and trailers, in either form of gRPC-Web.

use bytes::Bytes;
use http::HeaderMap;

use crate::arity::Arity;
use crate::frame::{FrameDecoder, Part};
use crate::malformed::Malformed;
use crate::text::TextDecoder;

/// The two forms of a gRPC-Web body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Binary,
    Text,
}

/// Reads a response body of either form.
#[derive(Debug)]
pub(crate) struct Decoder {
    text: Option<TextDecoder>,
    frames: FrameDecoder,
    arity: Arity,
}

impl Decoder {
    pub(crate) fn new(form: Form, arity: Arity) -> Self {
        let text = (form == Form::Text).then(TextDecoder::default);
        Self { text, frames: FrameDecoder::default(), arity }
    }

    /// Takes the next chunk. All parts of the one before must have been taken out with [`Self::next`].
    pub(crate) fn push(&mut self, chunk: Bytes) -> Result<(), Malformed> {
        let chunk = match &mut self.text {
            Some(text) => text.push(&chunk)?,
            None => chunk,
        };
        self.frames.push(chunk);
        Ok(())
    }

    /// Returns the next part, or `None` when more of the body is needed.
    pub(crate) fn next(&mut self) -> Result<Option<Part>, Malformed> {
        let part = self.frames.next()?;
        self.arity.check_begun(self.frames.begun())?;
        Ok(part)
    }

    /// Checks that this verdict may stand behind the messages that were taken out.
    pub(crate) fn check_verdict(&self, verdict: &HeaderMap) -> Result<(), Malformed> {
        self.arity.check_verdict(self.frames.begun(), verdict)
    }

    /// Takes the end of the body. Parts that came only with it are taken out with [`Self::next`] once more, before
    /// [`Self::check_end`] is asked.
    pub(crate) fn finish(&mut self) -> Result<(), Malformed> {
        if let Some(text) = &mut self.text {
            self.frames.push(text.finish()?);
        }
        Ok(())
    }

    /// Checks that the body did not end inside a frame.
    pub(crate) fn check_end(&self) -> Result<(), Malformed> {
        self.frames.finish()
    }
}
