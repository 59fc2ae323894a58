//! Vectors for lookups.

use crate::file::{Case, File};
use crate::inputs::{ids, numbers, odd_numbers};
use crate::json::Exact;
use crate::reference::gather::gather;

const ABOUT: &[&str] = &[
    "out [shape + embeddingDim] holds the rows `ids` (of shape `shape`) of table [vocabSize, embeddingDim], to the bit.",
    "Floats are the bits of f32, eight hexadecimal digits each.",
];

fn case(name: String, table: &[f32], rows: usize, shape: &[usize]) -> Case {
    let dim = table.len() / rows;
    let ids = ids(shape.iter().product(), rows);
    let out = gather(table, dim, &ids);
    Case::new(name)
        .with("vocabSize", rows)
        .with("embeddingDim", dim)
        .with("table", Exact(table))
        .with("ids", ids)
        .with("shape", shape)
        .with("out", Exact(&out))
}

/// gather.json
pub fn file() -> File {
    const ROWS: usize = 4;
    let mut cases = Vec::new();
    for dim in [1, 2, 3, 8, 17, 33, 68] {
        for (kind, table) in [
            ("numbers", numbers(ROWS * dim)),
            ("odd values", odd_numbers(ROWS * dim)),
        ] {
            cases.push(case(format!("{kind} D {dim}"), &table, ROWS, &[6]));
        }
    }
    let table = odd_numbers(ROWS * 4);
    for shape in [&[][..], &[0], &[1], &[2, 3], &[3, 1, 2], &[2, 0], &[1, 2, 1, 2]] {
        cases.push(case(format!("shape {shape:?}"), &table, ROWS, shape));
    }
    cases.push(case("one row".into(), &odd_numbers(9), 1, &[3]));
    cases.push(case("many rows".into(), &numbers(300), 300, &[4, 5]));
    File::new("gather.json", ABOUT, cases)
}
