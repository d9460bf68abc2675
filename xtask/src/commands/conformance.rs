//! `cargo xtask conformance`: the protocol's own suite, which has the last word on what is gRPC and gRPC-Web.

use std::path::Path;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use xshell::{Shell, cmd};

use crate::browser::Browser;
use crate::commands::test::with_browser;
use crate::steps::Steps;
use crate::{go, node, server};

/// Who is judged.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    /// The bridge, with the suite's service behind it, called by the suite's reference client
    Server,
    /// The bridge, called by browser clients that others wrote, as they come from npm; needs Node.js
    Clients,
}

/// A list of cases.
struct Suite {
    name: &'static str,
    config: &'static str,
    mode: &'static str,
    /// How many cases there are. Fewer would mean that some were lost on the way.
    cases: u32,
}

const SERVER: [Suite; 2] = [
    Suite { name: "server, gRPC-Web", config: "tests/conformance/grpc-web.yaml", mode: "server", cases: 678 },
    Suite { name: "server, gRPC", config: "tests/conformance/grpc.yaml", mode: "server", cases: 564 },
];

/// Judges the named sides, or all when none is named.
pub(crate) fn conformance(sh: &Shell, steps: &mut Steps, sides: &[Side]) -> Result<()> {
    let wanted = |side| sides.is_empty() || sides.contains(&side);
    if wanted(Side::Server) {
        let runner = steps.step("conformance suite", || go::ensure_conformance_runner(sh))?;
        let program = steps.step("conformance, the server under test", || {
            server::build_package(sh, "drawbridge-conformance-server")
        })?;
        for suite in SERVER {
            steps.step(&format!("conformance, {}", suite.name), || suite.run(sh, &runner, &program))?;
        }
    }
    if wanted(Side::Clients) {
        let page = steps.step("clients from npm", || node::bundle_clients(sh))?;
        let browser = steps.step("browser", || Browser::ensure(sh))?;
        steps.step("connect-web and grpc-web in Chromium", || clients(sh, &page, &browser))?;
    }
    Ok(())
}

fn clients(sh: &Shell, page: &Path, browser: &Browser) -> Result<()> {
    let tests = cmd!(sh, "cargo test --locked --package drawbridge-clients");
    Ok(with_browser(sh, tests, browser, page)?.run()?)
}

impl Suite {
    fn run(&self, sh: &Shell, runner: &Path, program: &Path) -> Result<()> {
        let Suite { config, mode, cases, .. } = self;
        let output =
            cmd!(sh, "{runner} --conf {config} --mode {mode} -- {program}").ignore_status().read()?;
        let passed = format!("Total cases: {cases}\n{cases} passed, 0 failed");
        if !output.contains(&passed) {
            println!("{output}");
        }
        ensure!(output.contains(&passed), "expected all of {cases} cases to pass");
        println!("{cases} of {cases} cases pass");
        Ok(())
    }
}
