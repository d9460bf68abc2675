//! Files with descriptors.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use drawbridge_json::{Schema, SchemaError};

/// How often the files are looked at, at most.
const INTERVAL: Duration = Duration::from_secs(1);

/// Files with the contracts of services, for calls with JSON: each is an encoded `google.protobuf.FileDescriptorSet`, as
/// `protoc --include_imports --descriptor_set_out` and `buf build` write it.
///
/// A call with JSON looks whether a file has changed, at most once a second, and then reads all of them again. If one of them cannot
/// be read or decoded, the contracts stay as they were, and the log says why. A clone is the same files.
#[derive(Clone)]
pub struct DescriptorFiles(Arc<Shared>);

struct Shared {
    paths: Vec<PathBuf>,
    state: Mutex<State>,
}

struct State {
    schema: Schema,
    stamps: Vec<Stamp>,
    looked_at: Instant,
}

/// What changes when a file does.
type Stamp = Option<(SystemTime, u64)>;

/// A file with descriptors cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptorFilesError {
    /// The file cannot be read.
    #[error("cannot read the descriptors in {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not a `FileDescriptorSet`.
    #[error("{} is not an encoded FileDescriptorSet: {source}", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SchemaError,
    },
}

impl DescriptorFiles {
    /// Reads files.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be read or decoded.
    pub fn open(paths: impl IntoIterator<Item = PathBuf>) -> Result<Self, DescriptorFilesError> {
        let paths: Vec<_> = paths.into_iter().collect();
        let stamps = stamps(&paths);
        let schema = read(&paths)?;
        let state = Mutex::new(State { schema, stamps, looked_at: Instant::now() });
        Ok(Self(Arc::new(Shared { paths, state })))
    }

    /// Returns the contracts, after reading the files again if they have changed.
    pub(super) fn schema(&self) -> Schema {
        let Shared { paths, state } = &*self.0;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked_at.elapsed() >= INTERVAL {
            state.looked_at = Instant::now();
            let stamps = stamps(paths);
            if stamps != state.stamps {
                // Noted even if reading fails: the same fault is logged once.
                state.stamps = stamps;
                match read(paths) {
                    Ok(schema) => {
                        tracing::info!("read the descriptors again: a file has changed");
                        state.schema = schema;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the new descriptors cannot be used, the old ones stay");
                    }
                }
            }
        }
        state.schema.clone()
    }
}

impl fmt::Debug for DescriptorFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DescriptorFiles").field(&self.0.paths).finish()
    }
}

fn read(paths: &[PathBuf]) -> Result<Schema, DescriptorFilesError> {
    let mut sets = Vec::with_capacity(paths.len());
    for path in paths {
        let set = std::fs::read(path)
            .map_err(|source| DescriptorFilesError::Read { path: path.clone(), source })?;
        // By itself first, so that the error names the file.
        Schema::from_sets([&set])
            .map_err(|source| DescriptorFilesError::Decode { path: path.clone(), source })?;
        sets.push(set);
    }
    let all =
        |source| DescriptorFilesError::Decode { path: paths.first().cloned().unwrap_or_default(), source };
    Schema::from_sets(sets).map_err(all)
}

fn stamps(paths: &[PathBuf]) -> Vec<Stamp> {
    let stamp = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    paths.iter().map(|path| stamp(path)).collect()
}
