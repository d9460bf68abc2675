//! The bytes that a first visit to the page transfers, compressed with brotli as the server does.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

/// The most bytes that a first visit may transfer.
const LIMIT: usize = 200_000;

/// One file of the page.
struct File {
    name: String,
    bytes: usize,
    compressed_bytes: usize,
}

/// The files of a first visit, largest first.
pub(crate) struct FirstLoad {
    files: Vec<File>,
}

impl FirstLoad {
    /// Measures every file in `dist`: the page loads all of them at the first visit.
    pub(crate) fn of(dist: &Path) -> Result<Self> {
        let mut files = Vec::new();
        measure(dist, dist, &mut files)
            .with_context(|| format!("cannot read the page in {}", dist.display()))?;
        files.sort_by_key(|file| std::cmp::Reverse(file.compressed_bytes));
        Ok(FirstLoad { files })
    }

    /// Prints the size of each file and the total, and fails if the total is over the limit.
    pub(crate) fn report(&self) -> Result<()> {
        let total = self.compressed_bytes();
        println!("First load of the page, in bytes:     built     brotli");
        for File { name, bytes, compressed_bytes } in &self.files {
            println!("  {name:<32} {bytes:>9} {compressed_bytes:>10}");
        }
        println!(
            "  {:<32} {:>9} {total:>10}",
            "total",
            self.files.iter().map(|file| file.bytes).sum::<usize>()
        );
        ensure!(total <= LIMIT, "a first visit transfers {total} bytes, more than the limit of {LIMIT}");
        Ok(())
    }

    fn compressed_bytes(&self) -> usize {
        self.files.iter().map(|file| file.compressed_bytes).sum()
    }
}

fn measure(dist: &Path, folder: &Path, files: &mut Vec<File>) -> Result<()> {
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if path.is_dir() {
            measure(dist, &path, files)?;
            continue;
        }
        let content = std::fs::read(&path)?;
        let name = path.strip_prefix(dist)?.display().to_string();
        files.push(File { name, bytes: content.len(), compressed_bytes: compressed_bytes(&content)? });
    }
    Ok(())
}

/// Returns the size with brotli at its best quality, or the plain size if that is smaller, as with pictures.
fn compressed_bytes(content: &[u8]) -> Result<usize> {
    let mut compressor = brotli::CompressorWriter::new(Vec::new(), 4096, 11, 22);
    compressor.write_all(content)?;
    Ok(compressor.into_inner().len().min(content.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_sizes(sizes: &[usize]) -> FirstLoad {
        let file = |&size: &usize| File { name: "file".to_owned(), bytes: size, compressed_bytes: size };
        FirstLoad { files: sizes.iter().map(file).collect() }
    }

    #[test]
    fn a_total_over_the_limit_fails() {
        assert!(of_sizes(&[LIMIT - 1, 1]).report().is_ok());
        assert!(of_sizes(&[LIMIT, 1]).report().is_err());
    }

    #[test]
    fn incompressible_files_count_with_their_plain_size() {
        assert_eq!(compressed_bytes(b"x").unwrap(), 1);
        assert!(compressed_bytes(&[b'x'; 10_000]).unwrap() < 100);
    }
}
