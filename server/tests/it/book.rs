//! README and book, done as they say: each page from top to bottom, in a shell and with programs of its own.
//!
//! A block marked `sh` is either the start of the program, or a command with curl, and the `text` block after it is what the
//! command prints. What is only shown is marked `bash`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::support::program::{Program, text};
use crate::support::soon;

/// The address of a program that is started without `--listen`.
const DEFAULT: &str = "127.0.0.1:8080";

/// Returns README and the pages of the book.
fn pages() -> Vec<PathBuf> {
    fn add(folder: &Path, pages: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                add(&path, pages);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut pages = vec![root.join("README.md")];
    add(&root.join("docs/src"), &mut pages);
    pages
}

/// Returns the language and the content of each block of code.
fn blocks(page: &str) -> impl Iterator<Item = (&str, &str)> {
    page.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'))
}

/// The programs that a page has started, by the address that it has for them.
#[derive(Default)]
struct Programs(HashMap<String, Program>);

impl Programs {
    /// Starts the program as a page says, on a free port. It takes the place of one with the same address.
    async fn start(&mut self, arguments: &str) {
        let mut address = DEFAULT.to_owned();
        let mut own = Vec::new();
        let mut words = arguments.split_whitespace();
        while let Some(word) = words.next() {
            if word == "--listen" {
                words.next().expect("an address after --listen").clone_into(&mut address);
            } else {
                own.push(self.at_their_own_addresses(word));
            }
        }
        let own: Vec<_> = own.iter().map(String::as_str).collect();
        let program = Program::start(&own).await;
        self.0.insert(address, program);
    }

    /// Puts the addresses that the programs have in the place of those that the page has for them.
    fn at_their_own_addresses(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (address, program)| {
            text.replace(&format!("http://{address}"), &program.address)
        })
    }
}

/// Does what a page says, and returns how many commands it had.
async fn follow(page: &str, name: &str) -> usize {
    let mut programs = Programs::default();
    let mut commands = 0;
    let mut blocks = blocks(page);
    while let Some((language, command)) = blocks.next() {
        if language != "sh" {
            continue;
        }
        if let Some(arguments) = command.strip_prefix("drawbridge ") {
            programs.start(arguments).await;
            continue;
        }
        assert!(command.contains("curl "), "{name}: a block that is only shown is marked `bash`: {command}");
        let Some(("text", expected)) = blocks.next() else {
            panic!("{name}: what does this print? {command}")
        };
        if !programs.0.contains_key(DEFAULT) {
            programs.start("").await;
        }
        let command = programs.at_their_own_addresses(command);
        let mut shell = Command::new("sh");
        let output = soon("curl", shell.args(["-c", &command]).env("LC_ALL", "C").output()).await.unwrap();
        assert_eq!(text(&output.stderr), "", "{name}: this needs curl and binutils' strings: {command}");
        // JSON has no end of line.
        assert_eq!(text(&output.stdout).trim_end(), expected.trim_end(), "{name}: {command}");
        commands += 1;
    }
    commands
}

#[tokio::test]
async fn each_command_with_curl_prints_what_its_page_says() {
    let mut commands = 0;
    for path in pages() {
        let page = std::fs::read_to_string(&path).unwrap();
        commands += follow(&page, &path.display().to_string()).await;
    }
    assert!(commands >= 18, "{commands} commands were found: are some not marked `sh`?");
}

/// The book's table of flags and the program's own list say the same.
#[test]
fn the_book_names_each_flag_with_its_variable_and_default() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/src/flags.md")).unwrap();
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `--")).collect();
    let command = drawbridge_gateway::command();
    let flags: Vec<_> = command.get_arguments().filter(|flag| flag.get_env().is_some()).collect();
    assert_eq!(rows.len(), flags.len(), "one row for each flag");
    for (row, flag) in rows.iter().zip(flags) {
        let long = flag.get_long().unwrap();
        assert!(row.starts_with(&format!("| `--{long}")), "{row}: expected --{long}, in the order of --help");
        let variable = flag.get_env().unwrap().to_str().unwrap();
        assert!(row.contains(&format!("`{variable}`")), "{row}: expected {variable}");
        if let Some(default) = flag.get_default_values().first() {
            let default = default.to_str().unwrap();
            assert!(row.contains(&format!("`{default}`")), "{row}: expected the default {default}");
        }
    }
}
