//! `cargo xtask …`: every developer command of Drawbridge. CI runs `cargo xtask ci`.
//!
//! [`cli`] parses the command line, and [`commands`] has one file for each command. The other modules are shared by them:
//!
//! - folders and packages of the workspace: [`workspace`], [`metadata`], [`dependencies`];
//! - what is installed: [`toolchain`], [`tools`], [`browser`], [`firefox`], [`packages`], [`python`], [`glibc`], [`go`],
//!   [`node`], [`valgrind`];
//! - what is built: [`page`], [`server`], [`revision`], [`rustdoc`];
//! - what is checked: [`modules`], [`manifest`], [`markdown`], [`first_load`];
//! - how a command of many steps reports: [`steps`].

mod browser;
mod cli;
mod commands;
mod dependencies;
mod firefox;
mod first_load;
mod glibc;
mod go;
mod manifest;
mod markdown;
mod metadata;
mod modules;
mod node;
mod packages;
mod page;
mod python;
mod revision;
mod rustdoc;
mod server;
mod steps;
mod toolchain;
mod tools;
mod valgrind;
mod workspace;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    if let Some(code) = rustdoc::stand_in() {
        return code;
    }
    match cli::Xtask::parse().execute() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
