//! `cargo xtask conformance json`: the translation between protobuf and JSON, by protobuf's own suite and against Python's
//! `json_format`.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

use crate::steps::Steps;
use crate::{glibc, python, server, workspace};

/// The cases of the binary format and of JSON, all of which have to pass, recommended ones and those of all editions included.
/// Those of the text format are skipped. A smaller number would mean that cases were lost.
const PASSED: &str = "5640 successes, 0 skipped, 9 expected failures, 0 unexpected failures";

/// The 9 cases that JSON cannot pass, with the reason.
const KNOWN_FAILING: &str = "tests/json/known-failing.txt";

/// What the package with the suite contains.
const CONTRACTS: [&str; 3] =
    ["conformance/conformance.proto", "conformance/messages/*.proto", "google/protobuf/*.proto"];

/// Runs the suite, and compares random messages.
pub(crate) fn conformance_json(sh: &Shell, steps: &mut Steps) -> Result<()> {
    let python = steps.step("protobuf's suite", || python::PROTOBUF.ensure(sh))?;
    let package = steps.step("where it is", || package(sh, &python))?;
    let descriptors = steps.step("its contracts", || descriptors(sh, &package))?;
    let testee =
        steps.step("JSON under test", || server::build_package(sh, "drawbridge-json-conformance"))?;
    steps.step("conformance, JSON", || run(sh, &package, &testee, &descriptors))?;
    steps.step("JSON of random messages, against Python", || {
        Ok(cmd!(sh, "{python} tests/json/json_format.py {descriptors} {testee}").run()?)
    })
}

/// Returns the folder of the installed package.
fn package(sh: &Shell, python: &Path) -> Result<PathBuf> {
    let print = "import os, protoc; print(os.path.dirname(protoc.__file__))";
    Ok(cmd!(sh, "{python} -c {print}").read()?.into())
}

/// Compiles the suite's contracts, and returns the file with their descriptors.
fn descriptors(sh: &Shell, package: &Path) -> Result<PathBuf> {
    let output = workspace::root().join("target/json-conformance.binpb");
    let (protoc, include) = (package.join("_bin/protoc"), package.join("include"));
    let mut files = Vec::new();
    for pattern in CONTRACTS {
        let (folder, name) = pattern.rsplit_once('/').unwrap_or(("", pattern));
        let in_folder = sh.read_dir(include.join(folder))?;
        let is_wanted = |file: &PathBuf| {
            let extension = file.extension().is_some_and(|extension| extension == "proto");
            extension && (name.starts_with('*') || file.ends_with(name))
        };
        files.extend(in_folder.into_iter().filter(is_wanted));
    }
    // One of the files has an edition that is not final.
    cmd!(
        sh,
        "{protoc} --proto_path={include} --experimental_editions --include_imports --descriptor_set_out={output} {files...}"
    )
    .quiet()
    .run()?;
    Ok(output)
}

fn run(sh: &Shell, package: &Path, testee: &Path, descriptors: &Path) -> Result<()> {
    let runner = glibc::command_of(sh, &package.join("_bin/conformance_test_runner"))?;
    let (program, arguments) = runner.split_first().expect("a command has a program");
    let output = cmd!(
        sh,
        "{program} {arguments...} --enforce_recommended --maximum_edition UNSTABLE --failure_list {KNOWN_FAILING} {testee} {descriptors}"
    )
    .ignore_status()
    .output()?;
    let output =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    if !output.contains(PASSED) {
        println!("{output}");
    }
    ensure!(output.contains(PASSED), "expected {PASSED}");
    println!("{PASSED}");
    Ok(())
}
