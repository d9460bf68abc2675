//! The value of a `grpc-retry-pushback-ms` header.

use std::time::Duration;

/// When a server wants a failed call to be retried: the value of `grpc-retry-pushback-ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushback {
    /// After exactly this long.
    After(Duration),
    /// Not at all.
    Stop,
}

impl Pushback {
    /// Parses the value of `grpc-retry-pushback-ms`. A negative number, and a value that is not a number, mean
    /// [`Pushback::Stop`].
    pub fn parse(value: &[u8]) -> Self {
        let number = std::str::from_utf8(value).ok().and_then(|text| text.trim().parse::<i32>().ok());
        match number.and_then(|number| u64::try_from(number).ok()) {
            Some(milliseconds) => Self::After(Duration::from_millis(milliseconds)),
            None => Self::Stop,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fuzz_a_pushback_is_a_number_that_is_not_negative() {
        bolero::check!().with_type::<(i64, Vec<u8>)>().with_iterations(20_000).for_each(|(number, bytes)| {
            let expected = match u32::try_from(*number) {
                Ok(number) if i32::try_from(number).is_ok() => {
                    Pushback::After(Duration::from_millis(number.into()))
                }
                _ => Pushback::Stop,
            };
            assert_eq!(Pushback::parse(format!(" {number}").as_bytes()), expected);
            if let Pushback::After(time) = Pushback::parse(bytes) {
                assert!(time <= Duration::from_millis(i32::MAX.unsigned_abs().into()));
            }
        });
    }
}
