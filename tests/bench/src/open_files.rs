//! How many files and connections this process, and the processes that it starts, may have open.

use anyhow::{Result, ensure};

/// Allows so many files to be open, by raising the soft limit.
///
/// # Errors
///
/// When the hard limit is lower.
#[cfg(target_os = "linux")]
pub(crate) fn allow(count: usize) -> Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = u64::try_from(count)?;
    if current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    ensure!(
        maximum.is_none_or(|maximum| maximum >= wanted),
        "this row needs {wanted} open files, and the hard limit is {maximum:?}: raise it with `ulimit -Hn {wanted}`"
    );
    Ok(setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })?)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn allow(_: usize) -> Result<()> {
    anyhow::bail!("only Linux raises the limit of open files here")
}
