//! What a first visit to the page moves over the wire, measured the way the server sends it: in brotli.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

/// The most that a first visit may move, in bytes.
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
    /// Weighs every file in `dist`: Trunk puts nothing there that the page does not load at once.
    pub(crate) fn of(dist: &Path) -> Result<Self> {
        let mut files = Vec::new();
        weigh(dist, dist, &mut files)
            .with_context(|| format!("cannot weigh the page in {}", dist.display()))?;
        files.sort_by_key(|file| std::cmp::Reverse(file.compressed_bytes));
        Ok(FirstLoad { files })
    }

    /// Prints each file and the sum, and fails when the sum is over the limit.
    pub(crate) fn report(&self) -> Result<()> {
        let total = self.compressed_bytes();
        println!("First load of the page, in bytes:  as built  in brotli");
        for File { name, bytes, compressed_bytes } in &self.files {
            println!("  {name:<32} {bytes:>9} {compressed_bytes:>10}");
        }
        println!(
            "  {:<32} {:>9} {total:>10}",
            "total",
            self.files.iter().map(|file| file.bytes).sum::<usize>()
        );
        ensure!(total <= LIMIT, "a first visit moves {total} bytes, more than the {LIMIT} it may");
        Ok(())
    }

    fn compressed_bytes(&self) -> usize {
        self.files.iter().map(|file| file.compressed_bytes).sum()
    }
}

fn weigh(dist: &Path, folder: &Path, files: &mut Vec<File>) -> Result<()> {
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if path.is_dir() {
            weigh(dist, &path, files)?;
            continue;
        }
        let content = std::fs::read(&path)?;
        let name = path.strip_prefix(dist)?.display().to_string();
        files.push(File { name, bytes: content.len(), compressed_bytes: compressed_bytes(&content)? });
    }
    Ok(())
}

/// The size in brotli at its best quality, or of the content itself where compression does not help, as with pictures.
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
    fn the_sum_of_all_files_is_held_to_the_limit() {
        assert!(of_sizes(&[LIMIT - 1, 1]).report().is_ok());
        assert!(of_sizes(&[LIMIT, 1]).report().is_err());
    }

    #[test]
    fn what_does_not_compress_counts_as_it_is() {
        assert_eq!(compressed_bytes(b"x").unwrap(), 1);
        assert!(compressed_bytes(&[b'x'; 10_000]).unwrap() < 100);
    }
}
