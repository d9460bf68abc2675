//! The output of a child process.

use std::{
    io::{BufRead, BufReader, Read},
    thread,
};

use tokio::sync::watch;

use crate::TIMEOUT;

/// Collects the lines of `pipe`, each parsed by `parse`, until the process closes it.
///
/// The receiver holds all lines so far, and closes with the pipe. A thread reads the pipe, and not a task, so that the pipe
/// never fills up while a test blocks its runtime.
pub(crate) fn collect<T: Send + Sync + 'static>(
    pipe: impl Read + Send + 'static,
    parse: impl Fn(String) -> T + Send + 'static,
) -> watch::Receiver<Vec<T>> {
    let (sender, receiver) = watch::channel(Vec::new());
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            sender.send_modify(|lines| lines.push(parse(line)));
        }
    });
    receiver
}

/// Waits for the first line of `pipe` that `parse` accepts. Later lines are read and discarded.
pub(crate) async fn first_match<T: Clone + Send + Sync + 'static>(
    pipe: impl Read + Send + 'static,
    parse: impl Fn(&str) -> Option<T> + Send + 'static,
) -> Option<T> {
    let mut lines = collect(pipe, move |line| parse(&line));
    let matched = lines.wait_for(|lines| lines.iter().any(Option::is_some));
    let lines = tokio::time::timeout(TIMEOUT, matched).await.ok()?.ok()?;
    lines.iter().flatten().next().cloned()
}
