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

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{CustomSection, EntityType, ExportKind, MemorySection, MemoryType, TypeSection};

    #[test]
    fn invented_names_are_short_and_custom_sections_are_gone() {
        let mut module = Module::new();
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut imports = ImportSection::new();
        imports.import("./glue.js", "__wbg_new_277c27c26f94cbc2", EntityType::Function(0));
        let mut memories = MemorySection::new();
        let memory =
            MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None };
        memories.memory(memory);
        let mut exports = ExportSection::new();
        exports.export("memory", ExportKind::Memory, 0).export("__wbindgen_start", ExportKind::Func, 0);
        module.section(&types).section(&imports).section(&memories).section(&exports);
        module.section(&CustomSection { name: "producers".into(), data: b"rustc".into() });
        let module = module.finish();

        let mut names = HashMap::new();
        short_names(&module, &mut names).unwrap();
        let shortened = shorten(&module, &names).unwrap();

        let has = |text: &str| shortened.windows(text.len()).any(|bytes| bytes == text.as_bytes());
        assert!(has("memory") && has("./glue.js") && has("$0") && has("$1"));
        assert!(!has("__wb") && !has("producers"));
    }
}
