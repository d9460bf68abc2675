//! WASM modules in their shortest form.

use std::collections::HashMap;

use anyhow::{Result, anyhow};
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{ExportSection, ImportSection, Module};
use wasmparser::{CustomSectionReader, Export, ImportSectionReader, Parser, Payload};

/// The starts of the names that wasm-bindgen and the splitter invent. They are long, most of them end with a hash, and nothing
/// but the page's JavaScript refers to them.
const INVENTED: [&str; 5] = ["__wbg_", "__wbindgen_", "__externref_", "__wasm_split_", "wasm_bindgen__"];

/// Adds a short name for each invented name that `module` imports or exports.
pub(super) fn short_names(module: &[u8], names: &mut HashMap<String, String>) -> Result<()> {
    let mut add = |name: &str| {
        if INVENTED.iter().any(|start| name.starts_with(start)) {
            let short = format!("${}", names.len());
            names.entry(name.to_owned()).or_insert(short);
        }
    };
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    add(import?.name);
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    add(export?.name);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Returns `module` without custom sections, with numbers in their shortest form, and with its imports and exports renamed.
pub(super) fn shorten(module: &[u8], names: &HashMap<String, String>) -> Result<Vec<u8>> {
    let mut shortened = Module::new();
    Shortener { names }
        .parse_core_module(&mut shortened, Parser::new(0), module)
        .map_err(|error| anyhow!("cannot shorten a module of the page: {error}"))?;
    Ok(shortened.finish())
}

struct Shortener<'a> {
    names: &'a HashMap<String, String>,
}

impl Shortener<'_> {
    fn rename<'n>(&'n self, name: &'n str) -> &'n str {
        self.names.get(name).map_or(name, String::as_str)
    }
}

impl Reencode for Shortener<'_> {
    type Error = std::convert::Infallible;

    fn parse_custom_section(
        &mut self,
        _: &mut Module,
        _: CustomSectionReader<'_>,
    ) -> Result<(), reencode::Error<Self::Error>> {
        Ok(())
    }

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: ImportSectionReader<'_>,
    ) -> Result<(), reencode::Error<Self::Error>> {
        for import in section.into_imports() {
            let import = import?;
            let kind = self.entity_type(import.ty)?;
            imports.import(self.rename(import.module), self.rename(import.name), kind);
        }
        Ok(())
    }

    fn parse_export(
        &mut self,
        exports: &mut ExportSection,
        export: Export<'_>,
    ) -> Result<(), reencode::Error<Self::Error>> {
        let kind = self.export_kind(export.kind)?;
        let index = self.external_index(export.kind, export.index)?;
        exports.export(self.rename(export.name), kind, index);
        Ok(())
    }
}
