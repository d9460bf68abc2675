//! What happens in one simulation, chosen by its seed.

use std::time::Duration;

use fastrand::Rng;

use crate::upstream::PoolOptions;

/// The name that stands for servers, where a plan does not address them directly.
pub(super) const NAME: &str = "pods.test";

/// All that happens in one simulation. Times are milliseconds from its start.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) servers: Vec<ServerPlan>,
    /// The servers behind [`NAME`], and since when. Empty: lookups fail. `None`: the bridge knows the addresses of all servers.
    pub(super) names: Option<Vec<(u64, Vec<usize>)>>,
    pub(super) options: PoolOptions,
    pub(super) retry: Option<Retry>,
    pub(super) calls: Vec<CallPlan>,
    /// When the bridge ends all calls.
    pub(super) drain: Option<u64>,
}

/// The retry policy of all calls.
#[derive(Debug)]
pub(super) struct Retry {
    pub(super) attempts: u32,
    pub(super) codes: &'static [(u16, &'static str)],
    /// The first backoff in milliseconds.
    pub(super) initial: u64,
}

impl Retry {
    /// Returns the policy as the text of a rule.
    pub(super) fn rule(&self) -> String {
        let codes: Vec<_> = self.codes.iter().map(|(_, name)| *name).collect();
        format!("{}:{}:{}ms..200ms", self.attempts, codes.join(","), self.initial)
    }

    /// Returns whether a call that fails with this code is retried.
    pub(super) fn retries(&self, code: u16) -> bool {
        self.codes.iter().any(|(retried, _)| *retried == code)
    }
}

/// A server.
#[derive(Debug)]
pub(super) struct ServerPlan {
    /// How long it takes to connect to it.
    pub(super) connect: u64,
    pub(super) max_streams: u32,
    /// After how many calls each connection is closed, with GOAWAY or without.
    pub(super) connection_calls: Option<(u32, Close)>,
    pub(super) temper: Temper,
    /// What it does, and since when.
    pub(super) modes: Vec<(u64, Mode)>,
}

/// What a server does with its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// It works.
    Up,
    /// It refuses new connections.
    Refuses,
    /// New connections are never opened.
    Unreachable,
    /// New connections are accepted, and it never speaks on them.
    Mute,
    /// It speaks HTTP/1.1 on new connections.
    Foreign,
    /// It neither reads nor writes, as a process after SIGSTOP does.
    Stopped,
    /// It closes its connections and refuses new ones.
    Crashed,
    /// It sends GOAWAY on its connections, and works.
    Draining,
}

/// How a server closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Close {
    /// By GOAWAY. Its calls go on.
    Graceful,
    /// By GOAWAY with an error code.
    Abrupt,
    /// Without a word.
    Lost,
}

/// How a server answers calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Temper {
    /// Nearly always well.
    Good,
    /// In any way.
    Moody,
    /// Always with a failure, at once.
    Failing,
    /// Never.
    Silent,
}

/// A call.
#[derive(Debug)]
pub(super) struct CallPlan {
    pub(super) at: u64,
    pub(super) timeout: Option<u64>,
    /// After which time its caller leaves.
    pub(super) leaves: Option<u64>,
    /// How many messages its request has, of how many bytes, and how long it takes to the next one.
    pub(super) request: (u32, usize, u64),
    /// How long its caller waits before it reads on.
    pub(super) pause: u64,
}

impl Plan {
    /// Chooses a plan.
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let rng = &mut rng;
        // In some plans most servers fail, and there are more calls.
        let fails = one_in(rng, 4);
        let servers: Vec<_> = (0..rng.usize(1..=4)).map(|_| server(rng, fails)).collect();
        let span = *rng.choice(&[50, 500, 3_000, 20_000][..]).unwrap_or(&50);
        Self {
            seed,
            names: rng.bool().then(|| names(rng, servers.len(), span)),
            options: options(rng),
            retry: rng.bool().then(|| retry(rng)),
            calls: (0..rng.usize(1..=if fails { 80 } else { 25 })).map(|_| call(rng, span)).collect(),
            drain: one_in(rng, 4).then(|| rng.u64(0..span)),
            servers: servers
                .into_iter()
                .map(|server| ServerPlan { modes: modes(rng, span), ..server })
                .collect(),
        }
    }
}

fn one_in(rng: &mut Rng, count: u32) -> bool {
    rng.u32(0..count) == 0
}

fn choice<T: Copy>(rng: &mut Rng, values: &[T]) -> T {
    values[rng.usize(0..values.len())]
}

fn server(rng: &mut Rng, fails: bool) -> ServerPlan {
    let tempers = if fails {
        [Temper::Good, Temper::Moody, Temper::Failing, Temper::Failing, Temper::Failing, Temper::Failing]
    } else {
        [Temper::Good, Temper::Good, Temper::Good, Temper::Moody, Temper::Moody, Temper::Silent]
    };
    ServerPlan {
        connect: choice(rng, &[0, 0, 2, 40, 400]),
        max_streams: choice(rng, &[1, 2, 5, 100]),
        connection_calls: one_in(rng, 3)
            .then(|| (rng.u32(1..10), choice(rng, &[Close::Graceful, Close::Abrupt, Close::Lost]))),
        temper: choice(rng, &tempers),
        modes: Vec::new(),
    }
}

fn modes(rng: &mut Rng, span: u64) -> Vec<(u64, Mode)> {
    use Mode::{Crashed, Draining, Foreign, Mute, Refuses, Stopped, Unreachable, Up};
    let mut modes: Vec<_> = if one_in(rng, 2) {
        vec![(0, Up)]
    } else {
        let mode = |rng: &mut Rng| {
            choice(rng, &[Up, Up, Up, Refuses, Unreachable, Mute, Foreign, Stopped, Crashed, Draining])
        };
        (0..rng.usize(1..=4)).map(|_| (rng.u64(0..span), mode(rng))).collect()
    };
    modes.sort_by_key(|(at, _)| *at);
    modes
}

fn names(rng: &mut Rng, servers: usize, span: u64) -> Vec<(u64, Vec<usize>)> {
    let some = |rng: &mut Rng| (0..servers).filter(|_| rng.u32(0..4) > 0).collect();
    let mut names = vec![(0, some(rng))];
    for _ in 0..rng.usize(0..=3) {
        names.push((rng.u64(0..span), some(rng)));
    }
    names.sort_by_key(|(at, _)| *at);
    names
}

fn options(rng: &mut Rng) -> PoolOptions {
    let millis = |rng: &mut Rng, values: &[u64]| Duration::from_millis(choice(rng, values));
    let mut options = PoolOptions::new()
        .with_max_connections(choice(rng, &[1, 1, 2, 5, 200]))
        .with_min_connections(choice(rng, &[1, 1, 1, 3]))
        .with_max_waiting(choice(rng, &[0, 2, 10_000, 10_000]))
        .with_max_wait(millis(rng, &[50, 1_000, 10_000]))
        .with_connect_timeout(millis(rng, &[300, 5_000]))
        .with_idle(millis(rng, &[100, 60_000]))
        .with_stream_window(choice(rng, &[16 * 1024, 64 * 1024]))
        .with_keepalive(millis(rng, &[200, 20_000]));
    if one_in(rng, 4) {
        options = options.with_max_connection_age(millis(rng, &[30, 1_000]));
    }
    options
}

fn retry(rng: &mut Rng) -> Retry {
    Retry {
        attempts: rng.u32(1..=5),
        codes: choice(
            rng,
            &[&[(14, "UNAVAILABLE")], &[(14, "UNAVAILABLE"), (8, "RESOURCE_EXHAUSTED"), (13, "INTERNAL")]],
        ),
        initial: choice(rng, &[1, 10, 100]),
    }
}

fn call(rng: &mut Rng, span: u64) -> CallPlan {
    CallPlan {
        // Some at the same time.
        at: rng.u64(0..span) / 10 * 10,
        timeout: one_in(rng, 2).then(|| choice(rng, &[1, 20, 100, 1_000, 10_000])),
        // What has no deadline ends somehow.
        leaves: one_in(rng, 5).then(|| rng.u64(0..400)),
        request: choice(
            rng,
            &[(1, 10, 0), (1, 10, 0), (1, 10, 0), (0, 0, 0), (3, 5, 7), (2, 40_000, 0), (4, 100_000, 1)],
        ),
        pause: choice(rng, &[0, 0, 0, 0, 5, 300]),
    }
}
