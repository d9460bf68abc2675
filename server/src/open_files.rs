//! How many files and connections the program may have open.

/// How many connections from clients are allowed by default.
const DEFAULT_CONNECTIONS: usize = 10_000;

/// How many open files are kept for upstreams, the log, the database and the like.
const RESERVE: usize = 512;

/// Raises the soft limit of open files to the hard one, and returns how many connections from clients are allowed by default.
pub fn raise_limit() -> usize {
    let Some(limit) = raise() else { return DEFAULT_CONNECTIONS };
    connections(limit)
}

/// Returns the default for this limit of open files: at least half of them, if there are few.
fn connections(limit: usize) -> usize {
    limit.saturating_sub(RESERVE).max(limit / 2).clamp(1, DEFAULT_CONNECTIONS)
}

/// Returns the limit, or `None` if there is none.
#[cfg(unix)]
fn raise() -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let limit = if raised.is_ok() { maximum } else { current };
    limit.and_then(|limit| usize::try_from(limit).ok())
}

/// Other systems have no such limit.
#[cfg(not(unix))]
fn raise() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::connections;

    #[test]
    fn a_reserve_is_kept_unless_there_are_few_files() {
        for (limit, expected) in
            [(1_048_576, 10_000), (10_512, 10_000), (4_096, 3_584), (1_024, 512), (64, 32), (1, 1)]
        {
            assert_eq!(connections(limit), expected, "{limit}");
        }
    }
}
