//! `cargo xtask conformance`: runs the conformance suite of the Connect project, which covers gRPC, gRPC-Web and Connect.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use xshell::{Shell, cmd};

use crate::browser::Browser;
use crate::commands::conformance_json;
use crate::commands::test::with_browser;
use crate::firefox::Firefox;
use crate::steps::Steps;
use crate::{go, node, page, server};

/// What the suite tests.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    /// The bridge, with the suite's service behind it, called by the suite's reference client
    Server,
    /// The bridge, between the suite's clients and servers
    Bridge,
    /// The browser transport, in Chromium and in Firefox, calling the suite's reference server
    Client,
    /// The bridge, called by connect-web and grpc-web in Chromium; needs Node.js
    Clients,
    /// The translation of JSON, by protobuf's own suite and against Python's `json_format`
    Json,
}

/// A browser that runs the client under test, and the environment of the client's program.
struct ClientBrowser {
    name: &'static str,
    environment: [(&'static str, OsString); 4],
}

/// A list of cases.
struct Suite {
    name: &'static str,
    config: &'static str,
    /// The number of cases. A smaller number of results would mean that cases were lost.
    cases: u32,
    /// A file with the cases that the suite's own program fails without the bridge, and their number.
    known_failing: Option<(&'static str, u32)>,
}

const SERVER: [Suite; 1] = [Suite::new(
    "server, gRPC, gRPC-Web and Connect, protobuf and JSON",
    "tests/conformance/server.yaml",
    3800,
)];

/// The suite's runner.
const RUNNER: &str = "connectconformance";

/// The runner's mode, which says what the bridge replaces; the suite's program at the other side of the bridge; and the list.
const BRIDGE: [(&str, &str, Suite); 7] = [
    (
        "server",
        "referenceserver",
        Suite::new(
            "bridge in front of the reference server, gRPC-Web",
            "tests/conformance/grpc-web.yaml",
            1226,
        ),
    ),
    (
        "server",
        "grpcserver",
        Suite {
            known_failing: Some(("tests/conformance/grpc-go-server-known-failing.txt", 16)),
            ..Suite::new(
                "bridge in front of grpc-go's server, gRPC-Web",
                "tests/conformance/grpc-web.yaml",
                1226,
            )
        },
    ),
    (
        "server",
        "referenceserver",
        Suite::new(
            "bridge in front of the reference server, Connect",
            "tests/conformance/connect.yaml",
            1616,
        ),
    ),
    (
        "server",
        "grpcserver",
        Suite {
            known_failing: Some(("tests/conformance/grpc-go-server-connect-known-failing.txt", 16)),
            ..Suite::new(
                "bridge in front of grpc-go's server, Connect",
                "tests/conformance/connect.yaml",
                1616,
            )
        },
    ),
    (
        "client",
        "referenceclient",
        Suite::new("bridge behind the reference client, gRPC", "tests/conformance/grpc-client.yaml", 409),
    ),
    (
        "client",
        "referenceclient",
        Suite::new(
            "bridge behind the reference client, gRPC with TLS",
            "tests/conformance/grpc-client-wide.yaml",
            644,
        ),
    ),
    (
        "client",
        "grpcclient",
        Suite {
            known_failing: Some(("tests/conformance/grpc-go-client-known-failing.txt", 4)),
            ..Suite::new("bridge behind grpc-go's client, gRPC", "tests/conformance/grpc-client.yaml", 409)
        },
    ),
];

const CLIENT: [Suite; 2] = [
    Suite::new("client, the official list", "tests/conformance/grpc-web-client.yaml", 150),
    Suite::new("client, with HTTP/2 and TLS", "tests/conformance/grpc-web-client-wide.yaml", 342),
];

/// Tests `sides`, or all if there are none.
pub(crate) fn conformance(sh: &Shell, steps: &mut Steps, sides: &[Side]) -> Result<()> {
    let wanted = |side| sides.is_empty() || sides.contains(&side);
    if wanted(Side::Server) || wanted(Side::Bridge) || wanted(Side::Client) {
        let runner = steps.step("conformance suite", || go::ensure_conformance(sh, RUNNER))?;
        if wanted(Side::Server) {
            server(sh, steps, &runner)?;
        }
        if wanted(Side::Bridge) {
            bridge(sh, steps, &runner)?;
        }
        if wanted(Side::Client) {
            client(sh, steps, &runner)?;
        }
    }
    if wanted(Side::Clients) {
        let page = steps.step("clients from npm", || node::bundle_clients(sh))?;
        let browser = steps.step("browser", || Browser::ensure(sh))?;
        steps.step("connect-web and grpc-web in Chromium", || clients(sh, &page, &browser))?;
    }
    if wanted(Side::Json) {
        conformance_json::conformance_json(sh, steps)?;
    }
    Ok(())
}

/// Tests the bridge as a server, with a service of the suite.
fn server(sh: &Shell, steps: &mut Steps, runner: &Path) -> Result<()> {
    let program = steps.step("conformance, the server under test", || {
        server::build_package(sh, "drawbridge-conformance-server")
    })?;
    for suite in SERVER {
        steps.step(&format!("conformance, {}", suite.name), || {
            suite.run(sh, runner, "server", &[program.as_os_str()], &[])
        })?;
    }
    Ok(())
}

/// Tests the bridge between programs of the suite.
fn bridge(sh: &Shell, steps: &mut Steps, runner: &Path) -> Result<()> {
    let program = steps.step("conformance, the bridge between", || {
        server::build_package(sh, "drawbridge-conformance-bridge")
    })?;
    for (mode, between, suite) in BRIDGE {
        let between = steps.step(between, || go::ensure_conformance(sh, between))?;
        steps.step(&format!("conformance, {}", suite.name), || {
            suite.run(sh, runner, mode, &[program.as_os_str(), mode.as_ref(), between.as_os_str()], &[])
        })?;
    }
    Ok(())
}

/// Tests the browser transport in each browser.
fn client(sh: &Shell, steps: &mut Steps, runner: &Path) -> Result<()> {
    let page = steps.step("conformance, the page under test", || page::build_conformance(sh))?;
    let program = steps.step("conformance, the client under test", || {
        server::build_package(sh, "drawbridge-conformance-client")
    })?;
    let chromium = steps.step("browser", || Browser::ensure(sh))?;
    let firefox = steps.step("Firefox", || Firefox::ensure(sh))?;
    let browsers = [
        ClientBrowser {
            name: "Chromium",
            environment: [
                ("DRAWBRIDGE_PAGE", page.clone().into()),
                ("DRAWBRIDGE_BROWSER", "chromium".into()),
                ("CHROME", chromium.chrome.into()),
                ("CHROMEDRIVER", chromium.chromedriver.into()),
            ],
        },
        ClientBrowser {
            name: "Firefox",
            environment: [
                ("DRAWBRIDGE_PAGE", page.into()),
                ("DRAWBRIDGE_BROWSER", "firefox".into()),
                ("FIREFOX", firefox.firefox.into()),
                ("GECKODRIVER", firefox.geckodriver.into()),
            ],
        },
    ];
    for ClientBrowser { name, environment } in browsers {
        for suite in CLIENT {
            steps.step(&format!("conformance, {}, {name}", suite.name), || {
                suite.run(sh, runner, "client", &[program.as_os_str()], &environment)
            })?;
        }
    }
    Ok(())
}

fn clients(sh: &Shell, page: &Path, browser: &Browser) -> Result<()> {
    let tests = cmd!(sh, "cargo test --locked --package drawbridge-clients");
    Ok(with_browser(sh, tests, browser, page)?.run()?)
}

impl Suite {
    const fn new(name: &'static str, config: &'static str, cases: u32) -> Self {
        Self { name, config, cases, known_failing: None }
    }

    fn run(
        &self,
        sh: &Shell,
        runner: &Path,
        mode: &str,
        program: &[&OsStr],
        environment: &[(&str, OsString)],
    ) -> Result<()> {
        let Suite { config, cases, known_failing, .. } = self;
        let known = known_failing.map(|(file, _)| ["--known-failing".to_owned(), format!("@{file}")]);
        let known = known.into_iter().flatten();
        let output = cmd!(sh, "{runner} --conf {config} --mode {mode} {known...} -- {program...}")
            .envs(environment.iter().map(|(name, value)| (*name, value)))
            .ignore_status()
            .read()?;
        let pass = cases - known_failing.map_or(0, |(_, failing)| failing);
        let passed = format!("Total cases: {cases}\n{pass} passed, 0 failed");
        if !output.contains(&passed) {
            println!("{output}");
        }
        ensure!(output.contains(&passed), "expected {pass} of {cases} cases to pass");
        println!("{pass} of {cases} cases pass");
        Ok(())
    }
}
