//! Installs Debian packages.

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

/// Installs packages, as root or with a sudo that needs no password, after printing `what` they are and `why` they are needed.
///
/// # Errors
///
/// If they cannot be installed. The error ends with `help`, which names other ways.
pub(crate) fn install(sh: &Shell, packages: &[&str], what: &str, why: &str, help: &str) -> Result<()> {
    let Some((program, first)) = apt_get(sh) else {
        bail!("no {what}: {help}");
    };
    println!("Installing {what} with apt-get: {why}.");
    let update = cmd!(sh, "{program} {first...} --quiet update");
    let install =
        cmd!(sh, "{program} {first...} --quiet --yes --no-install-recommends install {packages...}");
    for command in [update, install] {
        if command.env("DEBIAN_FRONTEND", "noninteractive").run().is_err() {
            bail!("apt-get did not install {what}; its output is above. Otherwise {help}");
        }
    }
    Ok(())
}

/// Returns the command of Debian's installer as a program and its first arguments, if this user may run it without a password.
fn apt_get(sh: &Shell) -> Option<(&'static str, &'static [&'static str])> {
    which::which("apt-get").ok()?;
    if cmd!(sh, "id -u").read().is_ok_and(|id| id == "0") {
        return Some(("apt-get", &[]));
    }
    which::which("sudo").ok()?;
    cmd!(sh, "sudo --non-interactive true").quiet().ignore_stderr().run().ok()?;
    Some(("sudo", &["--non-interactive", "apt-get"]))
}
