//! The largest ratios that are allowed. `cargo xtask bench` fails above them.

/// The limits of a unit of work of the bridge, for each version of HTTP.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Of Envoy's CPU time: HTTP/1.1, HTTP/2.
    pub(crate) of_envoy: [f64; 2],
    /// Of the floor's CPU time: HTTP/1.1, HTTP/2.
    pub(crate) of_floor: [f64; 2],
}

/// A unary call.
pub(crate) const UNARY: Limits = Limits { of_envoy: [0.36, 0.33], of_floor: [1.08, 1.15] };

/// A message of 100 bytes in a stream.
pub(crate) const SMALL: Limits = Limits { of_envoy: [0.58, 0.38], of_floor: [1.00, 1.00] };

/// A message of 64 KB in a stream.
pub(crate) const LARGE: Limits = Limits { of_envoy: [0.65, 0.75], of_floor: [1.05, 1.05] };

/// A unary call on two threads, beside Envoy with two workers.
pub(crate) const TWO_THREADS: f64 = 0.45;

/// Instructions of a unary call on two threads, beside one thread.
pub(crate) const INSTRUCTIONS_OF_TWO_THREADS: f64 = 1.03;

/// Memory of an idle stream, beside Envoy.
pub(crate) const IDLE_STREAM: f64 = 0.10;

/// The time from a caller's abort to the drop of the upstream's handler, beside Envoy: median, 99th percentile.
pub(crate) const ABORT: [f64; 2] = [0.7, 0.9];

/// A unary call of a hosted service, beside bare tonic-web in axum.
pub(crate) const HOSTED: f64 = 1.05;

/// A unary call of a hosted service with the CALL layer, beside the same without it.
pub(crate) const CALL_LAYER: f64 = 1.15;
