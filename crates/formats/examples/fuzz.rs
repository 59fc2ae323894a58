//! A fuzzer on stable Rust: mutates the kept corpus and the golden files, and checks what holds for every file.
//!
//! ```sh
//! npm run fuzz -- [seconds] [seed] [--keep]
//! ```
//!
//! It ends at the first file that panics, takes too long or holds too much memory: the file is written beside the corpus.
//! With `--keep` a short file of every rule that no file of the corpus breaks yet is added to the corpus.

#[path = "../tests/common/mod.rs"]
mod common;

use common::allocation::Counting;
use common::check::check;
use common::Random;
use std::collections::BTreeSet;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// No file of the corpus takes milliseconds; the machine may be busy.
const LONGEST: Duration = Duration::from_secs(5);
/// Longer files are not mutated further.
const LARGEST: usize = 64 << 10;
/// Longer files are not kept.
const KEPT: usize = 2 << 10;

/// Texts that readers look for.
const TEXTS: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b"(",
    b")",
    b",",
    b":",
    b"\"",
    b"'",
    b"\\",
    b"\\u0041",
    b"\\ud83d\\ude00",
    b"\\ud800",
    b"\n",
    b"\r\n",
    b" ",
    b"\t",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b"\xef\xbb\xbf",
    b"1",
    b"0",
    b"-1",
    b"1.5",
    b".5",
    b"1e39",
    b"1e-46",
    b"16777217",
    b"18446744073709551615",
    b"18446744073709551616",
    b"null",
    b"true",
    b"True",
    b"False",
    b"<f4",
    b">f4",
    b"|O",
    b"\"dtype\":",
    b"\"shape\":",
    b"\"data_offsets\":",
    b"\"__metadata__\":",
    b"\"weight_map\":{",
    b"\"metadata\":{",
    b"\"F32\"",
    b"\"I8\"",
    b"\"F4\"",
    b"'descr': ",
    b"'shape': ",
    b"'fortran_order': ",
    b"GGUF",
    b"\x93NUMPY\x01\0",
    b"general.alignment",
    b"tokenizer.ggml.tokens",
    b"__proto__",
    b"PK\x03\x04",
    b"..",
    b"/",
];
/// Numbers at which arithmetic goes wrong.
const NUMBERS: &[u64] = &[
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    9,
    12,
    13,
    16,
    31,
    32,
    33,
    63,
    64,
    127,
    128,
    255,
    256,
    1 << 16,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    1 << 61,
    1 << 62,
    (1 << 63) - 1,
    1 << 63,
    u64::MAX - 31,
    u64::MAX - 7,
    u64::MAX,
];

fn mutate(file: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let at = random.below(file.len() as u64 + 1) as usize;
    let length = 1 + random.small(6) as usize;
    let end = (at + length).min(file.len());
    match random.below(12) {
        0 if at < file.len() => file[at] ^= 1 << random.below(8),
        1 if at < file.len() => file[at] = random.below(256) as u8,
        2 => drop(file.drain(at..end)),
        3 => {
            let copy = file[at..end].to_vec();
            let to = random.below(file.len() as u64 + 1) as usize;
            file.splice(to..to, copy);
        }
        4 => {
            let text = random.one(TEXTS);
            file.splice(at..at, text.iter().copied());
        }
        5 => {
            let text = random.one(TEXTS);
            file.splice(at..(at + text.len()).min(file.len()), text.iter().copied());
        }
        6 | 7 => {
            let number = random
                .one(NUMBERS)
                .wrapping_add(random.below(3))
                .wrapping_sub(1)
                .to_le_bytes();
            let width = random.one(&[1, 2, 4, 8]);
            file.splice(at..(at + width).min(file.len()), number[..width].iter().copied());
        }
        8 => file.truncate(at),
        9 => file.resize(file.len() + length, random.one(b"\0 \n1x")),
        10 => {
            // The end of another file.
            let from = random.below(other.len() as u64 + 1) as usize;
            file.truncate(at);
            file.extend(&other[from..]);
        }
        _ => {
            // Another number in place of one in the text.
            let digit = |byte: &u8| byte.is_ascii_digit();
            if let Some(start) = file[at..].iter().position(digit) {
                let start = at + start;
                let count = file[start..].iter().take_while(|byte| digit(byte)).count();
                let number = random
                    .one(NUMBERS)
                    .wrapping_add(random.below(3))
                    .wrapping_sub(1)
                    .to_string();
                file.splice(start..start + count, number.into_bytes());
            }
        }
    }
    // The length of a JSON header is right more often than by chance.
    if random.below(2) == 0 && file.get(8) == Some(&b'{') {
        if let Some(close) = file.iter().rposition(|&byte| byte == b'}') {
            let length = close.saturating_sub(7) as u64;
            file[..8].copy_from_slice(&length.to_le_bytes());
        }
    }
}

fn read_folder(folder: &Path) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> = match std::fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
        Err(_) => Vec::new(),
    };
    paths.sort();
    paths
        .iter()
        .filter(|path| path.is_file())
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| {
        let given = arguments
            .iter()
            .filter(|argument| !argument.starts_with('-'))
            .nth(index)?;
        Some(
            given
                .parse::<u64>()
                .expect("npm run fuzz -- [seconds] [seed] [--keep]"),
        )
    };
    let seconds = number(0).unwrap_or(60);
    let clock = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let seed = number(1).unwrap_or(clock.as_secs());
    let keep = arguments.iter().any(|argument| argument == "--keep");

    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kept = read_folder(&here.join("corpus"));
    let mut files = kept.clone();
    files.extend(read_folder(&here.join("../../test/vectors/golden/files")));
    println!("seed {seed}, {} files, {seconds} s", files.len());

    let mut ends = BTreeSet::new();
    for file in &kept {
        ends.extend(check(file, 0));
    }
    let mut random = Random(seed);
    let (start, mut runs, mut read, mut told) = (Instant::now(), 0u64, 0u64, 10);
    while start.elapsed().as_secs() < seconds {
        let mut file = files[random.below(files.len() as u64) as usize].clone();
        let other = files[random.below(files.len() as u64) as usize].clone();
        for _ in 0..=random.small(4) {
            mutate(&mut file, &other, &mut random);
        }
        file.truncate(LARGEST);
        let began = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| check(&file, runs)));
        let failed = match &result {
            Err(_) => "panics",
            Ok(_) if began.elapsed() > LONGEST => "takes too long",
            Ok(_) => "",
        };
        if !failed.is_empty() {
            let path = here.join(format!("failed-{seed}-{runs}"));
            std::fs::write(&path, &file).unwrap();
            println!("{} {failed}", path.display());
            std::process::exit(1);
        }
        let found = result.unwrap_or_default();
        read += found[1..].iter().any(|(_, end)| end == "read") as u64;
        let new: Vec<_> = found.into_iter().filter(|end| !ends.contains(end)).collect();
        if !new.is_empty() && file.len() <= KEPT {
            if keep {
                std::fs::write(here.join(format!("corpus/{seed}-{runs}")), &file).unwrap();
            }
            ends.extend(new);
            files.push(file);
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
