//! Bodies of both forms in any chunks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

/// The bytes of the message frames, and the block of trailers.
type Decoded = (Vec<u8>, Option<Bytes>);

fn take(decoder: &mut BodyDecoder, body_read: &mut Decoded) -> Result<(), Malformed> {
    while let Some(part) = decoder.next()? {
        match part {
            Part::Messages(bytes) => body_read.0.extend_from_slice(&bytes),
            Part::Trailers(block) => assert_eq!(body_read.1.replace(block), None),
        }
    }
    Ok(())
}

fn read(form: BodyForm, mut body: &[u8], sizes: &[u8]) -> Result<Decoded, Malformed> {
    let mut decoder = BodyDecoder::new(form, ResponseCardinality::Any);
    let mut body_read = Decoded::default();
    for size in sizes {
        let (chunk, rest) = body.split_at(body.len().min(usize::from(*size)));
        decoder.push(Bytes::copy_from_slice(chunk))?;
        take(&mut decoder, &mut body_read)?;
        body = rest;
    }
    decoder.push(Bytes::copy_from_slice(body))?;
    take(&mut decoder, &mut body_read)?;
    decoder.finish()?;
    take(&mut decoder, &mut body_read)?;
    decoder.check_complete().map(|()| body_read)
}

fn frame(flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap();
    [&[flags], &length.to_be_bytes()[..], payload].concat()
}

#[test]
fn fuzz_messages_and_trailers_are_read_in_any_chunks() {
    let check = bolero::check!().with_type::<(Vec<Vec<u8>>, Vec<u8>, Vec<u8>, bool)>();
    check.with_iterations(10_000).for_each(|(messages, trailers, sizes, is_text)| {
        let mut body: Vec<_> = messages.iter().map(|message| frame(0, message)).collect();
        let expected = (body.concat(), Some(Bytes::copy_from_slice(trailers)));
        body.push(frame(0x80, trailers));
        let (form, body) = if *is_text {
            // Each frame is flushed on its own, so that there is padding in the body.
            let text: String = body.iter().map(|frame| STANDARD.encode(frame)).collect();
            (BodyForm::Text, text.into_bytes())
        } else {
            (BodyForm::Binary, body.concat())
        };
        assert_eq!(read(form, &body, sizes), Ok(expected));
    });
}

#[test]
fn fuzz_any_bytes_are_read_the_same_in_any_chunks() {
    let check = bolero::check!().with_type::<(Vec<u8>, Vec<u8>, bool)>();
    check.with_iterations(20_000).for_each(|(bytes, sizes, is_text)| {
        // Mostly flags and short lengths.
        let pick = |byte: &u8| [0, 0, 0, 0, 2, 0x80].get(usize::from(byte / 40)).copied().unwrap_or(*byte);
        let body: Vec<u8> = bytes.iter().map(pick).collect();
        let (form, body) = if *is_text {
            (BodyForm::Text, STANDARD.encode(body).into_bytes())
        } else {
            (BodyForm::Binary, body)
        };
        let whole = read(form, &body, &[]);
        assert_eq!(read(form, &body, sizes), whole);
        if let Ok((messages, trailers)) = whole {
            assert!(messages.len() + trailers.map_or(0, |block| block.len()) <= body.len());
        }
    });
}
