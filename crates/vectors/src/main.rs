//! Generates the published test vectors, test/vectors/*.json, from the reference implementation.
//!
//! ```text
//! tokenbed-vectors            writes the files
//! tokenbed-vectors --check    compares the files with the reference; on a difference it prints the first file and case
//!                             that differ and exits with code 1
//! ```
//! A file is `{ "about": [...], "cases": [...] }`, one case per line, sorted by name, with its inputs. Floats are f32
//! bits in hexadecimal, eight digits each, one string per array. In results `7fc00000` means any NaN, because the sign
//! and payload of a NaN from arithmetic are unspecified. That NaN occurs nowhere else, so all other NaNs are exact.

mod add;
mod bag;
mod bag_backward;
mod dropout;
mod file;
mod gather;
mod gradient;
mod init;
mod inputs;
mod json;
mod layer;
mod loss;
mod mean_pool;
mod optimizer;
mod positions;
mod rng;
mod rotary;
mod sampler;
mod score;
mod sinusoid;

#[path = "../../core/tests/reference/mod.rs"]
mod reference;

use file::{difference, File};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/vectors");
/// A folder in it: bytes of other programs.
const GOLDEN: &str = "golden";

fn files() -> [File; 16] {
    [
        add::file(),
        bag::file(),
        bag_backward::file(),
        dropout::file(),
        gather::file(),
        gradient::file(),
        init::file(),
        layer::file(),
        loss::file(),
        mean_pool::file(),
        optimizer::file(),
        rng::file(),
        rotary::file(),
        sampler::file(),
        score::file(),
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
        Ok(message) => {
            println!("{message}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &Path, files: &[File]) -> Result<String, String> {
    let describe = |error: io::Error| format!("test/vectors: {error}");
    fs::create_dir_all(folder).map_err(describe)?;
    for file in files {
        fs::write(folder.join(file.name), file.text()).map_err(describe)?;
    }
    Ok(format!("wrote {}", summary(files)))
}

/// Checks that the folder contains exactly these files, byte for byte, and [`GOLDEN`].
fn check(folder: &Path, files: &[File]) -> Result<String, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("test/vectors: {error}"))?;
    for entry in entries {
        let name = entry.map_err(|error| error.to_string())?.file_name();
        if name != GOLDEN && !files.iter().any(|file| name == file.name) {
            return Err(format!("{}: unexpected file", name.to_string_lossy()));
        }
    }
    for file in files {
        let name = file.name;
        let actual = fs::read_to_string(folder.join(name)).map_err(|error| format!("{name}: {error}"))?;
        if let Some(difference) = difference(&file.text(), &actual) {
            return Err(format!("{name}: {difference}"));
        }
    }
    Ok(format!("checked {}", summary(files)))
}

fn summary(files: &[File]) -> String {
    let cases: usize = files.iter().map(|file| file.cases.len()).sum();
    let bytes: usize = files.iter().map(|file| file.text().len()).sum();
    format!("{cases} cases in {} files, {} KiB", files.len(), bytes / 1024)
}
