//! Vectors for the initial values of seeded tables.

use crate::file::{Case, File};
use crate::json::{Exact, Wide};
use crate::reference::init::{normal, uniform};

const ABOUT: &[&str] = &[
    "out holds the rows `rows` of a table [vocabSize, embeddingDim] after construction.",
    "stream 0 is a table of tokens, 1 a table of learned positions (whose maxSeqLength is vocabSize).",
    "std, where given, is the spread of normal; paddingIdx, where given, names the row that is +0.",
    "seed is decimal digits; floats are the bits of f32, eight hexadecimal digits each.",
];

struct Table {
    kind: &'static str,
    rows: usize,
    dim: usize,
    seed: u64,
    stream: u32,
    std: Option<f64>,
    padding: Option<usize>,
}

impl Table {
    fn new(kind: &'static str, [rows, dim]: [usize; 2], seed: u64, stream: u32) -> Self {
        let (std, padding) = (None, None);
        Self {
            kind,
            rows,
            dim,
            seed,
            stream,
            std,
            padding,
        }
    }

    fn element(&self, i: usize) -> f32 {
        let Self { seed, stream, .. } = *self;
        let default = 1.0 / (self.dim as f64).sqrt();
        if self.padding == Some(i / self.dim) {
            return 0.0;
        }
        match self.kind {
            "uniform" => uniform(seed, stream, default, i as u64),
            "xavier" => uniform(
                seed,
                stream,
                (6.0 / (self.rows + self.dim) as f64).sqrt(),
                i as u64,
            ),
            "normal" => normal(seed, stream, self.std.unwrap_or(default), i as u64),
            "zeros" => 0.0,
            kind => panic!("unknown initializer {kind}"),
        }
    }

    fn case(&self, selected: &[usize]) -> Case {
        let Self {
            kind,
            rows,
            dim,
            seed,
            stream,
            ..
        } = *self;
        let std = self.std.map_or(String::new(), |std| format!(" std {std}"));
        let padding = self
            .padding
            .map_or(String::new(), |row| format!(" paddingIdx {row}"));
        let out: Vec<f32> = selected
            .iter()
            .flat_map(|row| row * dim..(row + 1) * dim)
            .map(|i| self.element(i))
            .collect();
        Case::new(format!(
            "{kind} {rows}x{dim} seed {seed} stream {stream}{std}{padding}"
        ))
        .with("initType", kind)
        .with("vocabSize", rows)
        .with("embeddingDim", dim)
        .with("seed", Wide(seed))
        .with("stream", stream)
        .maybe("std", self.std)
        .maybe("paddingIdx", self.padding)
        .with("rows", selected)
        .with("out", Exact(&out))
    }

    fn all_rows(&self) -> Case {
        self.case(&(0..self.rows).collect::<Vec<_>>())
    }
}

/// The elements of a long normal table that are so close to the midpoint of two f32 that a relative change of 2^-40
/// changes their rounding. They detect tiny differences in ln, sin, cos and the generator.
fn near_rounding_boundaries() -> Case {
    let table = Table {
        std: Some(1.0),
        ..Table::new("normal", [1_000_000, 1], 7, 0)
    };
    let epsilon = 1.0 / (1_u64 << 40) as f64;
    let element = |std, row: usize| normal(table.seed, table.stream, std, row as u64);
    let is_near = |&row: &usize| element(1.0 - epsilon, row) != element(1.0 + epsilon, row);
    table.case(&(0..table.rows).filter(is_near).collect::<Vec<_>>())
}

/// init.json
pub fn file() -> File {
    const SEEDS: [u64; 5] = [0, 7, (1 << 32) + 5, (1 << 53) - 1, u64::MAX];
    const SIZES: [[usize; 2]; 5] = [[1, 1], [7, 3], [5, 13], [3, 33], [1, 130]];
    let mut cases = Vec::new();
    for kind in ["uniform", "normal", "xavier"] {
        for (i, seed) in SEEDS.into_iter().enumerate() {
            for stream in [0, 1] {
                let size = SIZES[(i + stream as usize) % SIZES.len()];
                cases.push(Table::new(kind, size, seed, stream).all_rows());
            }
        }
        // Far into the stream, where a row begins in the middle of a pair and of a block.
        let large = [10_007, 129];
        cases.push(Table::new(kind, large, 7, 0).case(&[4_095, 10_006]));
        cases.push(
            Table {
                padding: Some(3),
                ..Table::new(kind, [5, 6], 7, 0)
            }
            .all_rows(),
        );
    }
    cases.push(near_rounding_boundaries());
    cases.push(Table::new("zeros", [3, 5], 7, 0).all_rows());
    cases.push(Table::new("zeros", [3, 5], 7, 1).all_rows());
    for (std, seed, stream) in [
        (0.0, 7, 0),
        (0.02, 7, 0),
        (1.0, u64::MAX, 0),
        (1.0, 0, 1),
        (1e-40, 7, 0),
        (3e38, 7, 0),
    ] {
        let std = Some(std);
        cases.push(
            Table {
                std,
                ..Table::new("normal", [3, 11], seed, stream)
            }
            .all_rows(),
        );
    }
    File::new("init.json", ABOUT, cases)
}
