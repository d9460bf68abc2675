//! Where, when and with what the figures of a table were measured, as Markdown.

use std::fmt;
use std::path::Path;
use std::process::Command;
use std::{fs, thread};

use time::OffsetDateTime;

/// The head of a table.
pub(crate) struct Report<'a> {
    pub(crate) bridge: &'a Path,
    pub(crate) envoy: &'a Path,
    pub(crate) only: &'a str,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let command = if self.only.is_empty() {
            "cargo xtask bench".to_owned()
        } else {
            format!("cargo xtask bench '{}'", self.only)
        };
        let cpus = thread::available_parallelism().map_or(0, usize::from);
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cpu = model(&cpu).unwrap_or("unknown");
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        writeln!(
            f,
            "`{command}`, {}, {cpus} CPUs ({cpu}), Linux {}.",
            OffsetDateTime::now_utc().date(),
            kernel.trim()
        )?;
        let envoy = output(self.envoy, &["--version"]);
        writeln!(
            f,
            "Drawbridge {} ({}), {}, Envoy {}, {}.",
            output(self.bridge, &["--version"]).trim_start_matches("drawbridge "),
            output("git", &["rev-parse", "--short", "HEAD"]),
            output("rustc", &["--version"]).split(" (").next().unwrap_or_default(),
            envoy_version(&envoy).unwrap_or("of an unknown version"),
            go_versions(include_str!("../peers/go.mod")).join(", "),
        )
    }
}

/// Returns what a program prints, without spaces around it; nothing if it fails.
fn output(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}

/// Reads the processor's name from `/proc/cpuinfo`.
fn model(cpuinfo: &str) -> Option<&str> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim())
}

/// Reads the version from a line such as `envoy  version: 1a2b/1.40.0/Clean/RELEASE/BoringSSL`.
fn envoy_version(output: &str) -> Option<&str> {
    output.split_once("version: ")?.1.split('/').nth(1)
}

/// Reads the required modules from a `go.mod`, without those that are only indirect, such as `connect-go v1.19.1`.
fn go_versions(module: &str) -> Vec<String> {
    let required = module.lines().filter(|line| line.starts_with('\t') && !line.contains("// indirect"));
    let required = required.filter_map(|line| line.trim().split_once(' '));
    let connect =
        required.filter_map(|(path, version)| Some((path.strip_prefix("connectrpc.com/")?, version)));
    connect.map(|(name, version)| format!("{name}-go {}", version.trim_start_matches('v'))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        let line = "/x/envoy  version: 8f2d/1.40.0/Clean/RELEASE/BoringSSL";
        assert_eq!(envoy_version(line), Some("1.40.0"));
        assert_eq!(envoy_version(""), None);
        assert_eq!(model("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n"), Some("Some CPU @ 2 GHz"));
        assert_eq!(model(""), None);
        let module = "module x\n\ngo 1.25\n\nrequire (\n\tconnectrpc.com/connect v1.19.1\n\tgoogle.golang.org/protobuf v1.36.11\n)\n\
            require (\n\tconnectrpc.com/other v1.0.0 // indirect\n)\n";
        assert_eq!(go_versions(module), ["connect-go 1.19.1"]);
        assert_eq!(go_versions(include_str!("../peers/go.mod")).len(), 2);
    }
}
