//! The kept corpus of the fuzzer is read as the fuzzer reads it: see `examples/fuzz.rs`.

use std::collections::BTreeSet;
use std::path::Path;

use tokenbed_text_reference::mutate::check;

#[test]
fn files_of_the_corpus() {
    // The reference panics with some files.
    tokenbed_text_reference::compare::silence_reference();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let entries = std::fs::read_dir(folder).unwrap();
    let paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    let mut ends = BTreeSet::new();
    let (mut bytes, mut wrong) = (0, Vec::new());
    for path in &paths {
        let file = std::fs::read_to_string(path).unwrap();
        bytes += file.len();
        match std::panic::catch_unwind(|| check(&file)) {
            Ok(end) => drop(ends.insert(end)),
            Err(_) => wrong.push(path),
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(
        paths.len() >= 100 && bytes <= 300_000,
        "{} files, {bytes} bytes",
        paths.len()
    );
    // Nearly every file breaks another rule.
    assert!(ends.len() * 10 >= paths.len() * 9, "{} ends", ends.len());
}
