//! The published test vectors: what the plain-loop reference computes, as test/vectors/*.json.
//!
//! ```text
//! tokenbed-vectors            writes the files
//! tokenbed-vectors --check    compares them with the reference; exit code 1 names the first file and case that differ
//! ```
//! A file is `{ "about": [...], "cases": [...] }`, one case per line, sorted by name, with its inputs. Floats are the
//! bits of f32 in hexadecimal, eight digits each, one string per array. In results `7fc00000` is any NaN: arithmetic
//! leaves its sign and payload open. No other array holds that NaN, so every other NaN is a copy, to the bit.

mod add;
mod bag;
mod dropout;
mod file;
mod gather;
mod init;
mod inputs;
mod json;
mod layer;
mod positions;
mod rng;
mod rotary;
mod sinusoid;

#[path = "../../core/tests/reference/mod.rs"]
mod reference;

use file::{difference, File};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/vectors");

fn files() -> [File; 9] {
    [
        add::file(),
        bag::file(),
        dropout::file(),
        gather::file(),
        init::file(),
        layer::file(),
        rng::file(),
        rotary::file(),
        sinusoid::file(),
    ]
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => write(Path::new(FOLDER), &files()),
        ["--check"] => check(Path::new(FOLDER), &files()),
        _ => {
            eprintln!("usage: tokenbed-vectors [--check]");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(said) => {
            eprintln!("{said}");
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &Path, files: &[File]) -> Result<String, String> {
    let told = |error: io::Error| format!("test/vectors: {error}");
    fs::create_dir_all(folder).map_err(told)?;
    for file in files {
        fs::write(folder.join(file.name), file.text()).map_err(told)?;
    }
    Ok(format!("wrote {}", summary(files)))
}

/// The folder holds these files, to the byte, and no other.
fn check(folder: &Path, files: &[File]) -> Result<String, String> {
    let found = fs::read_dir(folder).map_err(|error| format!("test/vectors: {error}"))?;
    for entry in found {
        let name = entry.map_err(|error| error.to_string())?.file_name();
        if !files.iter().any(|file| name == file.name) {
            return Err(format!("{}: no such file is written", name.to_string_lossy()));
        }
    }
    for file in files {
        let name = file.name;
        let found = fs::read_to_string(folder.join(name)).map_err(|error| format!("{name}: {error}"))?;
        if let Some(place) = difference(&file.text(), &found) {
            return Err(format!("{name}: {place}"));
        }
    }
    Ok(format!("checked {}", summary(files)))
}

fn summary(files: &[File]) -> String {
    let cases: usize = files.iter().map(|file| file.cases.len()).sum();
    let bytes: usize = files.iter().map(|file| file.text().len()).sum();
    format!("{cases} cases in {} files, {} KiB", files.len(), bytes / 1024)
}
