//! Where the contract of a method is.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use drawbridge_core::path::service_of;
use drawbridge_json::{Method, MethodError, Schema};
use tonic::{Code, Status};

use super::descriptor_files::DescriptorFiles;
use super::upstream_schema::{UpstreamSchema, is_without_contract};
use crate::upstream::Pool;

/// All contracts of a bridge, for all of its threads.
pub(crate) struct Schemas {
    files: Option<DescriptorFiles>,
    /// The descriptors of hosted services.
    hosted: Option<Schema>,
    /// By the upstream and the name of the service.
    upstreams: Mutex<HashMap<(usize, String), Arc<UpstreamSchema>>>,
}

/// How many services of upstreams are remembered before those are forgotten that do not exist. Callers can name any service.
const MAX_SERVICES: usize = 10_000;

/// A method, and where its contract is from.
pub(super) struct Resolved {
    pub(super) method: Method,
    pub(super) source: Option<Arc<UpstreamSchema>>,
}

impl fmt::Debug for Schemas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schemas").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Schemas {
    /// Creates the contracts of a bridge that hosts services with these descriptors.
    pub(crate) fn new(files: Option<DescriptorFiles>, descriptor_sets: &[Vec<u8>]) -> Self {
        let hosted = Schema::from_sets(descriptor_sets)
            .inspect_err(|error| tracing::warn!(%error, "cannot use the descriptors of hosted services"));
        Self { files, hosted: hosted.ok(), upstreams: Mutex::default() }
    }

    /// Returns a method of a hosted service.
    ///
    /// # Errors
    ///
    /// Returns the status of the call.
    pub(super) fn hosted(&self, path: &str) -> Result<Resolved, Status> {
        let schemas = self.files.as_ref().map(DescriptorFiles::schema).into_iter().chain(self.hosted.clone());
        let mut error = MethodError::Unknown;
        for schema in schemas {
            match schema.method(path) {
                Ok(method) => return Ok(Resolved { method, source: None }),
                Err(other) => error = other,
            }
        }
        Err(match error {
            MethodError::MissingType(_) => incomplete(path, &error),
            _ => Status::unimplemented(format!(
                "{path:?} cannot be called with JSON: this server has no descriptors of it"
            )),
        })
    }

    /// Returns a method of an upstream.
    ///
    /// # Errors
    ///
    /// Returns the status of the call.
    pub(super) async fn forwarded(&self, pool: &Arc<Pool>, path: &str) -> Result<Resolved, Status> {
        if let Some(files) = &self.files
            && let Ok(method) = files.schema().method(path)
        {
            return Ok(Resolved { method, source: None });
        }
        let service = service_of(path).unwrap_or_default();
        let source = self.upstream(pool, service);
        let mut has_asked_again = false;
        loop {
            let schema = source.get(pool, service).await.map_err(|status| no_contract(service, &status))?;
            match schema.method(path) {
                Ok(method) => return Ok(Resolved { method, source: Some(source) }),
                Err(MethodError::Unknown) if !has_asked_again => {
                    // A newer contract may have it.
                    source.lacks_something();
                    has_asked_again = true;
                }
                Err(MethodError::Unknown) => {
                    return Err(Status::unimplemented(format!(
                        "the contract of {service} has no method {path:?}"
                    )));
                }
                Err(error) => return Err(incomplete(path, &error)),
            }
        }
    }

    fn upstream(&self, pool: &Arc<Pool>, service: &str) -> Arc<UpstreamSchema> {
        let mut upstreams = self.upstreams.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (pool.upstream_id(), service.to_owned());
        if let Some(known) = upstreams.get(&key) {
            return Arc::clone(known);
        }
        if upstreams.len() >= MAX_SERVICES {
            upstreams.retain(|_, known| known.has_contract());
        }
        let new = Arc::<UpstreamSchema>::default();
        upstreams.insert(key, Arc::clone(&new));
        new
    }
}

fn incomplete(path: &str, error: &MethodError) -> Status {
    Status::unimplemented(format!("{path:?} cannot be called with JSON: {error}"))
}

/// Returns the status of a call if the upstream does not tell the contract of its service.
fn no_contract(service: &str, status: &Status) -> Status {
    if status.code() == Code::NotFound {
        return Status::unimplemented(format!("the upstream's reflection does not know {service}"));
    }
    let message = format!(
        "JSON needs the contract of {service}: enable reflection on the upstream, or give its descriptors with --descriptors FILE"
    );
    if is_without_contract(status) {
        return Status::unimplemented(message);
    }
    Status::unavailable(format!("{message} (the upstream's reflection answered: {})", status.message()))
}
