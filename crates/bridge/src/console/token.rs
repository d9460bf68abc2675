//! The token of the console.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::{fmt, io};

use ring::digest::{self, SHA256};
use subtle::ConstantTimeEq as _;

/// The least length of a token, in characters.
const MIN_LENGTH: usize = 20;

/// A secret that opens the [console](crate::CallsService) to clients that are not on this machine. Cloning it gives another
/// handle to the same.
///
/// Only its SHA-256 is kept. `Debug` shows the [fingerprint](ConsoleToken::fingerprint).
#[derive(Clone)]
pub struct ConsoleToken(Arc<Inner>);

struct Inner {
    /// The file that it is from, if that can be read again.
    file: Option<PathBuf>,
    digest: RwLock<[u8; 32]>,
}

/// Why a token cannot be used. The message names the file, if there is one, and does not contain the token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsoleTokenError {
    /// The file cannot be read.
    #[error("cannot read the console's token from {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The token is shorter than 20 characters.
    #[error("the console's token{} has {length} characters: at least {MIN_LENGTH} are required", of(path.as_deref()))]
    TooShort {
        /// The file.
        path: Option<PathBuf>,
        /// The length of the token.
        length: usize,
    },
    /// The token has a character that a header cannot have.
    #[error("the console's token{} has to be one line of printable ASCII characters without spaces", of(path.as_deref()))]
    Malformed {
        /// The file.
        path: Option<PathBuf>,
    },
}

/// Names the file that a token is from.
fn of(path: Option<&Path>) -> String {
    path.map(|path| format!(" in {}", path.display())).unwrap_or_default()
}

impl ConsoleToken {
    /// Creates a token of at least 20 printable ASCII characters.
    ///
    /// # Errors
    ///
    /// Returns an error if it is shorter, or has other characters.
    pub fn new(token: &str) -> Result<Self, ConsoleTokenError> {
        let digest = RwLock::new(hash(token, None)?);
        Ok(Self(Arc::new(Inner { file: None, digest })))
    }

    /// Reads a token from a file of one line.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read, or its line is no token that [`ConsoleToken::new`] accepts.
    pub fn from_file(path: &Path) -> Result<Self, ConsoleTokenError> {
        let digest = RwLock::new(read(path)?);
        Ok(Self(Arc::new(Inner { file: Some(path.to_owned()), digest })))
    }

    /// Reads the token again, if it is [from a file](ConsoleToken::from_file), for all clones of this value. Calls that are open go on.
    /// Returns whether there was a file to read.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`ConsoleToken::from_file`]. The old token is used further then.
    pub fn reload(&self) -> Result<bool, ConsoleTokenError> {
        let Some(path) = &self.0.file else { return Ok(false) };
        let new = read(path)?;
        *self.0.digest.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(true)
    }

    /// Returns what names the token in logs: the first eight hexadecimal digits of its SHA-256.
    pub fn fingerprint(&self) -> String {
        let [a, b, c, d, ..] = self.digest();
        format!("{:08x}", u32::from_be_bytes([a, b, c, d]))
    }

    /// Returns whether this is the token. The time that it takes does not depend on the token.
    pub(super) fn matches(&self, presented: &[u8]) -> bool {
        bool::from(sha256(presented).ct_eq(&self.digest()))
    }

    fn digest(&self) -> [u8; 32] {
        *self.0.digest.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ConsoleToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConsoleToken").field(&self.fingerprint()).finish()
    }
}

fn read(path: &Path) -> Result<[u8; 32], ConsoleTokenError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConsoleTokenError::Unreadable { path: path.to_owned(), source })?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    hash(line.strip_suffix('\r').unwrap_or(line), Some(path))
}

fn hash(token: &str, path: Option<&Path>) -> Result<[u8; 32], ConsoleTokenError> {
    let path = path.map(Path::to_owned);
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ConsoleTokenError::Malformed { path });
    }
    if token.len() < MIN_LENGTH {
        return Err(ConsoleTokenError::TooShort { path, length: token.len() });
    }
    Ok(sha256(token.as_bytes()))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&SHA256, bytes).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "a-token-of-25-characters.";

    #[test]
    fn only_the_whole_token_matches() {
        let token = ConsoleToken::new(TOKEN).unwrap();
        assert!(token.matches(TOKEN.as_bytes()));
        for other in ["", &TOKEN[1..], &TOKEN[..24], &format!("{TOKEN}x"), &TOKEN.to_uppercase()] {
            assert!(!token.matches(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_token_is_one_line_of_at_least_20_printable_characters() {
        for (token, expected) in [
            ("", "has 0 characters"),
            ("nineteen-characters", "has 19 characters"),
            ("with spaces, of more than 20", "one line of printable"),
            ("two-lines-of-more\nthan-20-characters", "one line of printable"),
            ("ümlaut-of-more-than-20", "one line of printable"),
        ] {
            let error = ConsoleToken::new(token).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(token.is_empty() || !error.contains(token), "{error}");
        }
        ConsoleToken::new("exactly-20-character").unwrap();
    }

    #[test]
    fn debug_does_not_show_the_token() {
        let token = ConsoleToken::new(TOKEN).unwrap();
        assert_eq!(format!("{token:?}"), format!("ConsoleToken({:?})", token.fingerprint()));
        assert_eq!(token.fingerprint().len(), 8);
    }
}
