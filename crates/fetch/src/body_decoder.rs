//! Decodes a response body of either form of gRPC-Web.

use bytes::Bytes;
use http::HeaderMap;

use crate::cardinality::ResponseCardinality;
use crate::frame_decoder::{FrameDecoder, Part};
use crate::malformed::Malformed;
use crate::response_head::BodyForm;
use crate::text_decoder::TextDecoder;

/// Decodes the chunks of a response body to message bytes and trailers.
#[derive(Debug)]
pub(crate) struct BodyDecoder {
    text: Option<TextDecoder>,
    frames: FrameDecoder,
    cardinality: ResponseCardinality,
}

impl BodyDecoder {
    pub(crate) fn new(form: BodyForm, cardinality: ResponseCardinality) -> Self {
        let text = (form == BodyForm::Text).then(TextDecoder::default);
        Self { text, frames: FrameDecoder::default(), cardinality }
    }

    /// Takes the next chunk. Call [`Self::next`] until it returns `None` before the next chunk.
    pub(crate) fn push(&mut self, chunk: Bytes) -> Result<(), Malformed> {
        let chunk = match &mut self.text {
            Some(text) => text.push(&chunk)?,
            None => chunk,
        };
        self.frames.push(chunk);
        Ok(())
    }

    /// Returns the next part, or `None` if that needs another chunk.
    pub(crate) fn next(&mut self) -> Result<Option<Part>, Malformed> {
        let part = self.frames.next()?;
        self.cardinality.check_begun(self.frames.begun())?;
        Ok(part)
    }

    /// Returns how many messages have begun so far.
    pub(crate) fn begun(&self) -> usize {
        self.frames.begun()
    }

    /// Checks that a response with the messages so far may end with these trailers.
    pub(crate) fn check_trailers(&self, trailers: &HeaderMap) -> Result<(), Malformed> {
        self.cardinality.check_end(self.frames.begun(), trailers)
    }

    /// Takes the end of the body. The last chunk of text may be decoded only now: call [`Self::next`] again, and then
    /// [`Self::check_complete`].
    pub(crate) fn finish(&mut self) -> Result<(), Malformed> {
        if let Some(text) = &mut self.text {
            self.frames.push(text.finish()?);
        }
        Ok(())
    }

    /// Checks that the body did not end inside a frame.
    pub(crate) fn check_complete(&self) -> Result<(), Malformed> {
        self.frames.check_complete()
    }
}

#[cfg(test)]
mod tests;
