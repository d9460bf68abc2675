//! The program as a process.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use super::soon;

/// The program's command, without the variables `DRAWBRIDGE_*` of the environment.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drawbridge"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DRAWBRIDGE_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// The running program.
pub struct Program {
    pub address: String,
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
}

impl Program {
    pub async fn start(arguments: &[&str]) -> Self {
        Self::start_by(command(), arguments).await
    }

    /// Starts the program with a command that may set more than arguments.
    pub async fn start_by(mut command: Command, arguments: &[&str]) -> Self {
        let mut child = command
            // `--listen` among the arguments overrides it.
            .env("DRAWBRIDGE_LISTEN", "127.0.0.1:0")
            .args(["--log-format", "json"])
            .args(arguments)
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = soon("the address", out.next_line()).await.unwrap().expect("a line with the address");
        let start = line.find("http").expect("an address");
        let address = line[start..].split(' ').next().unwrap().to_owned();
        Self { address, child, log }
    }

    /// Closes the reading end of the log.
    pub fn close_log(self) -> SilentProgram {
        let Self { address, child, log } = self;
        drop(log);
        SilentProgram { address, _child: child }
    }

    pub fn socket(&self) -> std::net::SocketAddr {
        self.address.strip_prefix("http://").unwrap().parse().unwrap()
    }

    /// Waits for the next log line, and returns its fields.
    pub async fn line(&mut self) -> Value {
        let line = soon("a line of the log", self.log.next_line()).await.unwrap().expect("the log goes on");
        let mut line: Value = serde_json::from_str(&line).expect("a JSON object on each line");
        line["fields"].take()
    }

    /// Waits for the next log line with this message, and returns its fields.
    pub async fn logged(&mut self, message: &str) -> Value {
        loop {
            let fields = self.line().await;
            if fields["message"] == message {
                return fields;
            }
        }
    }

    /// Returns the resident anonymous memory of the program, in bytes. It does not include the code.
    #[cfg(target_os = "linux")]
    pub fn resident_bytes(&self) -> u64 {
        let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id().unwrap()));
        let rollup = rollup.unwrap();
        let line = rollup.lines().find_map(|line| line.strip_prefix("Anonymous:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Stops the program, and returns how many of its remaining log lines contain a text.
    pub async fn stop_and_count_lines(&mut self, part: &str) -> usize {
        self.send("-TERM").await;
        let mut count = 0;
        while let Some(line) = soon("the end of the log", self.log.next_line()).await.unwrap() {
            count += usize::from(line.contains(part));
        }
        count
    }

    /// Sends a signal.
    pub async fn send(&self, signal: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().await.unwrap().success());
    }

    /// Sends a signal, and waits for the exit.
    pub async fn signal(mut self, signal: &str) -> Option<i32> {
        self.send(signal).await;
        self.exit().await
    }

    /// Waits for the exit, and returns its code.
    pub async fn exit(&mut self) -> Option<i32> {
        soon("the program's end", self.child.wait()).await.unwrap().code()
    }
}

/// The running program, whose log cannot be read.
pub struct SilentProgram {
    address: String,
    _child: Child,
}

impl SilentProgram {
    pub fn socket(&self) -> std::net::SocketAddr {
        self.address.strip_prefix("http://").unwrap().parse().unwrap()
    }
}

pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}
