//! What follows on Trunk's build of the page: the program is split into modules, and written in its shortest form.

use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use wasm_split_cli_support::{Options, transform};
use xshell::{Shell, cmd};

use super::{glue, wasm};
use crate::tools::Tool;
use crate::workspace::{self, WASM};

/// The name of the program.
const NAME: &str = "drawbridge-web";

/// The name under which the program imports wasm-bindgen's JavaScript, and a shorter one.
const BINDINGS: (&str, &str) = ("./drawbridge-web_bg.js", "$");

/// The files of the program.
struct Program {
    glue: String,
    main: Vec<u8>,
    /// The later modules, with the names under which the glue loads them.
    later: Vec<(String, Vec<u8>)>,
}

/// Replaces the program that Trunk has put into `staging` by its modules. With `short`, they are in their shortest form.
///
/// Trunk names the files after a hash of the compiler's output. Here they are named after a hash of what is written, so that
/// another version of a tool makes another name.
pub(crate) fn finish(sh: &Shell, staging: &Path, compiled: &Path, short: bool) -> Result<()> {
    let index = staging.join("index.html");
    let html = sh.read_file(&index)?;
    let trunk_hash = hash_in(&html).context("index.html names no program")?;
    let mut program = split(sh, compiled, short)?;
    if short {
        program.shorten()?;
    }
    let hash = program.hash();
    for (name, module) in &program.later {
        let named = format!("{NAME}-{hash}_{name}");
        program.glue = program.glue.replace(&format!("./{name}"), &format!("./{named}"));
        fs::write(staging.join(named), module)?;
    }
    for end in [".js", "_bg.wasm"] {
        sh.remove_path(staging.join(format!("{NAME}-{trunk_hash}{end}")))?;
    }
    sh.write_file(staging.join(format!("{NAME}-{hash}.js")), &program.glue)?;
    fs::write(staging.join(format!("{NAME}-{hash}_bg.wasm")), &program.main)?;
    Ok(sh.write_file(&index, html.replace(trunk_hash, &hash))?)
}

/// Returns the compiler's output for the page, in the profile that `static/index.html` names for Trunk's `release`.
pub(crate) fn compiled(release: bool) -> PathBuf {
    let profile = if release { "page" } else { "debug" };
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    workspace::root().join(target).join(WASM).join(profile).join(format!("{NAME}.wasm"))
}

/// Splits the compiler's output, and lets wasm-bindgen write the glue of the main module.
fn split(sh: &Shell, compiled: &Path, short: bool) -> Result<Program> {
    let folder = workspace::root().join("target/page-modules");
    sh.remove_path(&folder)?;
    let main = folder.join("main.wasm");
    let input = fs::read(compiled).with_context(|| format!("cannot read {}", compiled.display()))?;
    let mut options = Options::new(&input);
    options.output_dir = &folder;
    options.main_out_path = &main;
    options.link_name = glue::LOADER;
    let modules =
        transform(options).map_err(|error| anyhow!("cannot split the page's program: {error:#}"))?;

    let wasm_bindgen = Tool::wasm_bindgen()?.ensure(sh)?;
    // The later modules import the function table, an export of the linker.
    let mut options = vec!["--target=web", "--no-typescript", "--keep-lld-exports"];
    options.extend(short.then_some("--remove-name-section"));
    cmd!(sh, "{wasm_bindgen} {options...} --out-dir {folder}/bound --out-name {NAME} {main}")
        .quiet()
        .run()?;
    let later = modules.split_modules.iter().map(|path| {
        let name = path.file_name().context("a module has no name")?.to_string_lossy().into_owned();
        Ok((name, fs::read(path)?))
    });
    Ok(Program {
        glue: glue::join(
            &sh.read_file(folder.join("bound").join(format!("{NAME}.js")))?,
            &sh.read_file(folder.join(glue::LOADER))?,
        )?,
        main: fs::read(folder.join("bound").join(format!("{NAME}_bg.wasm")))?,
        later: later.collect::<Result<_>>()?,
    })
}

impl Program {
    fn shorten(&mut self) -> Result<()> {
        let mut names = HashMap::new();
        wasm::short_names(&self.main, &mut names)?;
        self.glue = glue::minify(&glue::rename(&self.glue, &names))?;
        self.glue = self.glue.replace(BINDINGS.0, BINDINGS.1);
        names.insert(BINDINGS.0.to_owned(), BINDINGS.1.to_owned());
        for module in [&mut self.main].into_iter().chain(self.later.iter_mut().map(|(_, module)| module)) {
            *module = wasm::shorten(module, &names)?;
        }
        Ok(())
    }

    fn hash(&self) -> String {
        let mut hasher = DefaultHasher::new();
        (&self.glue, &self.main, &self.later).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }
}

/// Returns the hash in the name of the program in Trunk's HTML.
fn hash_in(html: &str) -> Option<&str> {
    let (_, rest) = html.split_once(&format!("{NAME}-"))?;
    rest.split_once(".js").map(|(hash, _)| hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_found_in_trunks_html() {
        let html = r#"<script type="module">import init from '/drawbridge-web-504b83d2547295cb.js';"#;
        assert_eq!(hash_in(html), Some("504b83d2547295cb"));
        assert_eq!(hash_in("<p>drawbridge</p>"), None);
    }
}
