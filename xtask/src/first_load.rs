//! The first visit to the page: its files, and their bytes, compressed with brotli as the server does.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

/// The most bytes that a first visit may transfer.
const BYTES: usize = 150_000;

/// The most files, each of which is a request.
const REQUESTS: usize = 6;

/// One file of the page.
struct File {
    name: String,
    bytes: usize,
    compressed_bytes: usize,
}

/// The files of the page, largest first.
pub(crate) struct FirstLoad {
    /// What the browser loads at the first visit.
    first: Vec<File>,
    /// What the program loads later.
    later: Vec<File>,
}

impl FirstLoad {
    /// Measures the page in `dist`. The first load is `index.html` and what it names. Other files are loaded by the program.
    pub(crate) fn of(dist: &Path) -> Result<Self> {
        let mut files = Vec::new();
        let html = std::fs::read_to_string(dist.join("index.html"))
            .and_then(|html| measure(dist, dist, &mut files).map_err(std::io::Error::other).map(|()| html))
            .with_context(|| format!("cannot read the page in {}", dist.display()))?;
        files.sort_by_key(|file| std::cmp::Reverse(file.compressed_bytes));
        let (first, later) =
            files.into_iter().partition(|file| file.name == "index.html" || html.contains(&file.name));
        Ok(FirstLoad { first, later })
    }

    /// Prints the size of each file and the total of the first load, and fails if the first load is over a limit.
    pub(crate) fn report(&self) -> Result<()> {
        println!("{:<52} {:>9} {:>10}", "First load of the page, in bytes:", "built", "brotli");
        print(&self.first);
        let total: usize = self.first.iter().map(|file| file.compressed_bytes).sum();
        let built: usize = self.first.iter().map(|file| file.bytes).sum();
        println!("  {:<50} {built:>9} {total:>10}", format!("total, in {} requests", self.first.len()));
        println!("Loaded later:");
        print(&self.later);
        ensure!(total <= BYTES, "a first visit transfers {total} bytes, more than the limit of {BYTES}");
        let requests = self.first.len();
        ensure!(
            requests <= REQUESTS,
            "a first visit makes {requests} requests, more than the limit of {REQUESTS}"
        );
        Ok(())
    }
}

fn print(files: &[File]) {
    for File { name, bytes, compressed_bytes } in files {
        println!("  {name:<50} {bytes:>9} {compressed_bytes:>10}");
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
        FirstLoad { first: sizes.iter().map(file).collect(), later: vec![file(&BYTES)] }
    }

    #[test]
    fn a_first_load_over_a_limit_fails() {
        assert!(of_sizes(&[BYTES - 1, 1]).report().is_ok());
        assert!(of_sizes(&[BYTES, 1]).report().is_err());
        assert!(of_sizes(&[1; REQUESTS]).report().is_ok());
        assert!(of_sizes(&[1; REQUESTS + 1]).report().is_err());
    }

    #[test]
    fn files_that_the_html_does_not_name_are_loaded_later() {
        let folder = tempfile::tempdir().unwrap();
        for (file, content) in
            [("index.html", "<script src=/a.js></script>"), ("a.js", "fetch(`b.wasm`)"), ("b.wasm", "b")]
        {
            std::fs::write(folder.path().join(file), content).unwrap();
        }
        let load = FirstLoad::of(folder.path()).unwrap();
        let names = |files: &[File]| files.iter().map(|file| file.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&load.later), ["b.wasm"]);
        assert_eq!(load.first.len(), 2);
    }

    #[test]
    fn incompressible_files_count_with_their_plain_size() {
        assert_eq!(compressed_bytes(b"x").unwrap(), 1);
        assert!(compressed_bytes(&[b'x'; 10_000]).unwrap() < 100);
    }
}
