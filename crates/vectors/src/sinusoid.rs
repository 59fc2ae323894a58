//! Vectors for sinusoidal encodings.

use crate::file::{Case, File};
use crate::json::Exact;
use crate::reference::sinusoid::Sinusoid;

const ABOUT: &[&str] = &[
    "out holds the rows of `positions`: PE[p, 2i] = sin(p w_i), PE[p, 2i+1] = cos(p w_i),",
    "w_i = base^(-2i/embeddingDim), each the real number rounded once to f32;",
    "layout halves: the same values, the sines in the first ceil(embeddingDim / 2) columns.",
    "Floats are the bits of f32, eight hexadecimal digits each.",
];

/// The first and last rows of a default table, and positions far beyond it, three of them close to multiples of pi.
const POSITIONS: [u32; 17] = [
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    4_999,
    65_535,
    245_850_922,
    1_068_966_896,
    2_549_491_779,
    4_000_000_007,
    u32::MAX,
];

fn case(dim: usize, base: f64, layout: &str, positions: &[u32]) -> Case {
    let encoding = Sinusoid::new(dim, base, layout == "halves");
    let out: Vec<f32> = positions.iter().flat_map(|&p| encoding.row(p.into())).collect();
    Case::new(format!("{layout} D {dim} base {base}"))
        .with("embeddingDim", dim)
        .with("base", base)
        .with("layout", layout)
        .with("positions", positions)
        .with("out", Exact(&out))
}

/// sinusoid.json
pub fn file() -> File {
    let few = [1, 9, 4_999, 245_850_922, 2_549_491_779, u32::MAX];
    let mut cases = Vec::new();
    for dim in [1, 2, 3, 64, 65] {
        cases.push(case(dim, 10_000.0, "interleaved", &POSITIONS));
        cases.push(case(dim, 10_000.0, "halves", &few));
        for base in [1.0, 10_000.5, 1e12] {
            cases.push(case(dim, base, "interleaved", &few));
        }
    }
    for base in [1.0, 10_000.5, 1e12] {
        cases.push(case(7, base, "halves", &few));
    }
    cases.push(case(384, 10_000.0, "interleaved", &POSITIONS[9..]));
    cases.push(case(384, 10_000.0, "halves", &few[..2]));
    for base in [10_000.5, 1e12] {
        cases.push(case(384, base, "interleaved", &few[4..]));
    }
    File::new("sinusoid.json", ABOUT, cases)
}
