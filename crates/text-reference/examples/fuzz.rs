//! A fuzzer of tokenizer.json and text on stable Rust: mutates generated files and the kept corpus, and compares with
//! the reference.
//!
//! ```sh
//! npm run fuzz:text -- [seconds] [seed] [--keep]
//! ```
//!
//! It ends at the first file that panics, takes too long, has other ids, or is read although the reference refuses it:
//! the file is written beside the corpus. With `--keep` a short file of every new rule is added to the corpus.

use std::collections::BTreeSet;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::Path;
use std::time::{Duration, Instant};

use tokenbed_text_reference::mutate::{check, mutate};
use tokenbed_text_reference::random::Random;
use tokenbed_text_reference::{files, texts};

/// No file of the corpus takes milliseconds; the machine may be busy.
const LONGEST: Duration = Duration::from_secs(5);
/// Longer files are not kept.
const KEPT: usize = 3 << 10;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<u64> = arguments
        .iter()
        .filter_map(|argument| argument.parse().ok())
        .collect();
    let seconds = numbers.first().copied().unwrap_or(60);
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seed = numbers
        .get(1)
        .copied()
        .unwrap_or(clock.map_or(0, |time| time.as_secs()));
    let keep = arguments.iter().any(|argument| argument == "--keep");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(here.join("corpus")).into_iter().flatten();
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let mut kept: Vec<String> = paths
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .collect();
    std::panic::set_hook(Box::new(|_| {}));
    let mut random = Random(seed);
    let mut ends: BTreeSet<String> = kept.iter().map(|file| check(file)).collect();
    let (start, mut runs, mut read, mut told) = (Instant::now(), 0u64, 0u64, 10);
    println!("seed {seed}, {} files, {seconds} s", kept.len());
    while start.elapsed().as_secs() < seconds {
        let generated = files::generated(&mut random);
        let mut file = generated.json;
        let other = files::generated(&mut random).json;
        if !kept.is_empty() && random.one_in(2) {
            file = kept[random.below(kept.len())]
                .split('\0')
                .next()
                .unwrap_or_default()
                .to_string();
        }
        for _ in 0..1 + random.below(3) {
            mutate(&mut file, &other, &mut random);
        }
        file.push('\0');
        file.push_str(&texts::generated(
            &mut random,
            &generated.alphabet,
            &generated.tokens,
        ));
        let began = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| check(&file)));
        let long = began.elapsed() > LONGEST;
        let end = match result {
            Ok(end) if !long => end,
            other => {
                let path = here.join(format!("failed-{seed}-{runs}"));
                let written = std::fs::write(&path, &file);
                let why = match other {
                    Ok(_) => "takes too long".to_string(),
                    Err(panic) => match panic.downcast::<String>() {
                        Ok(message) => *message,
                        Err(_) => "panics".to_string(),
                    },
                };
                println!("{} ({written:?}): {why}", path.display());
                std::process::exit(1);
            }
        };
        read += (end == "read") as u64;
        if ends.insert(end) && file.len() <= KEPT {
            if keep && std::fs::write(here.join(format!("corpus/{seed}-{runs}")), &file).is_err() {
                println!("the corpus cannot be written");
            }
            kept.push(file);
        }
        runs += 1;
        if start.elapsed().as_secs() >= told {
            println!(
                "{told} s: {runs} files, {read} of them are read, {} ends",
                ends.len()
            );
            told += 10;
        }
    }
    println!(
        "{runs} files, {read} of them are read, {} ends; nothing failed",
        ends.len()
    );
}
