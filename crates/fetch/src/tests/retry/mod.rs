//! Retries: `which` failures are retried, and the `backoff` between two attempts. `steps` is for both.

mod backoff;
mod steps;
mod which;
