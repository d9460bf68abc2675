//! Threads that stay on one CPU.

use anyhow::Result;

/// Keeps the calling thread, and the processes that it starts, on the last CPU that the thread may use.
#[cfg(target_os = "linux")]
pub(crate) fn keep_this_thread_on_one() -> Result<()> {
    use anyhow::Context as _;
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    let allowed = sched_getaffinity(None)?;
    let last = (0..CpuSet::MAX_CPU).rev().find(|cpu| allowed.is_set(*cpu));
    let mut one = CpuSet::new();
    one.set(last.context("this thread may use no CPU")?);
    sched_setaffinity(None, &one).context("cannot keep a thread on one CPU")
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn keep_this_thread_on_one() -> Result<()> {
    anyhow::bail!("only Linux keeps a thread on one CPU")
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{fs, thread};

    #[test]
    fn a_thread_stays_on_one_cpu_and_leaves_the_others_alone() {
        let allowed = || {
            let status = fs::read_to_string("/proc/thread-self/status").unwrap();
            let mask =
                status.lines().find_map(|line| line.strip_prefix("Cpus_allowed:")).unwrap().replace(',', "");
            mask.trim().chars().map(|digit| digit.to_digit(16).unwrap().count_ones()).sum::<u32>()
        };
        let before = allowed();
        thread::spawn(move || {
            super::keep_this_thread_on_one().unwrap();
            assert_eq!(allowed(), 1);
        })
        .join()
        .unwrap();
        assert_eq!(allowed(), before);
    }
}
