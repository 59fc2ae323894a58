//! model2vec-rs as a contender of ../../models.mjs: `bench-model2vec-rs MODEL TEXTS`. The same lines as contender.mjs.

use cpu_time::ProcessTime;
use model2vec_rs::model::StaticModel;
use std::io::{BufRead, Write};
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let [folder, texts] = std::env::args()
        .skip(1)
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "MODEL TEXTS")?;
    let texts = std::fs::read_to_string(texts)?;
    let texts: Vec<String> = texts
        .split('\0')
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .collect();
    let open = || StaticModel::from_pretrained(&folder, None, None, None);
    let mut model = open()?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let mut out = std::io::stdout();
        if let Some(file) = line.strip_prefix("vectors ") {
            let vectors = model.encode(&texts);
            let bytes: Vec<u8> = vectors
                .iter()
                .flatten()
                .flat_map(|value| value.to_le_bytes())
                .collect();
            std::fs::write(file, bytes)?;
            writeln!(out, "null")?;
            continue;
        }
        if line == "first" {
            model = open()?;
        }
        let (start, before) = (Instant::now(), ProcessTime::now());
        let vectors = model.encode(&texts);
        let (clock, cpu) = (start.elapsed(), before.elapsed());
        drop(vectors);
        writeln!(
            out,
            "[{}, {}]",
            clock.as_secs_f64() * 1e3,
            cpu.as_secs_f64() * 1e3
        )?;
    }
    Ok(())
}
