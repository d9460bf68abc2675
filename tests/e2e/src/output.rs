//! What a child process prints.

use std::{
    io::{BufRead, BufReader, Read},
    thread,
};

use tokio::sync::watch;

use crate::PATIENCE;

/// Collects `pipe` line by line, each as `read` understands it, for as long as the process prints.
///
/// The receiver holds all of it so far, and closes when the process has ended. It is a thread that reads, and not a task,
/// so that a pipe never fills up while a test's runtime does other things.
pub(crate) fn collect<T: Send + Sync + 'static>(
    pipe: impl Read + Send + 'static,
    read: impl Fn(String) -> T + Send + 'static,
) -> watch::Receiver<Vec<T>> {
    let (sender, receiver) = watch::channel(Vec::new());
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            sender.send_modify(|lines| lines.push(read(line)));
        }
    });
    receiver
}

/// Waits until `pipe` has a line that says something to `read`. Later lines are read and dropped.
pub(crate) async fn announcement<T: Clone + Send + Sync + 'static>(
    pipe: impl Read + Send + 'static,
    read: impl Fn(&str) -> Option<T> + Send + 'static,
) -> Option<T> {
    let mut lines = collect(pipe, move |line| read(&line));
    let announced = lines.wait_for(|lines| lines.iter().any(Option::is_some));
    let lines = tokio::time::timeout(PATIENCE, announced).await.ok()?.ok()?;
    lines.iter().flatten().next().cloned()
}
