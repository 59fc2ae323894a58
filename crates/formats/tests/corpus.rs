//! The kept corpus of the fuzzer, and the golden files of the package, are read as the fuzzer reads them.

mod common;

use common::allocation::Counting;
use common::check::check;
use std::path::{Path, PathBuf};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect()
}

#[test]
fn files_of_the_corpus() {
    let corpus = files("corpus");
    let bytes: u64 = corpus.iter().map(|path| path.metadata().unwrap().len()).sum();
    assert!(
        corpus.len() >= 100 && bytes <= 300_000,
        "{} files, {bytes} bytes",
        corpus.len()
    );
    let mut ends = std::collections::BTreeSet::new();
    for path in corpus.iter().chain(&files("../../test/vectors/golden/files")) {
        println!("{}", path.display());
        let file = std::fs::read(path).unwrap();
        for seed in 0..3 {
            ends.extend(check(&file, seed));
        }
    }
    // Nearly every rule is broken by some file.
    assert!(ends.len() >= 150, "{} ends", ends.len());
}

#[test]
fn golden_files_are_read() {
    for path in files("../../test/vectors/golden/files") {
        let file = std::fs::read(&path).unwrap();
        let ends = check(&file, 0);
        assert_eq!(ends[0].1, "read", "{}", path.display());
        assert!(
            ends[1..].iter().any(|(_, end)| end == "read"),
            "{}: {ends:?}",
            path.display()
        );
    }
}
