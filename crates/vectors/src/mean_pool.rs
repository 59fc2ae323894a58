//! Vectors for means of texts.

use crate::file::{Case, File};
use crate::inputs::{ids, numbers, odd_numbers};
use crate::json::{Computed, Exact};
use crate::reference::mean_pool::{mean, normalized, Norm, Weights};

const ABOUT: &[&str] = &[
    "out [texts, embeddingDim]: text t is ids[offsets[t] .. offsets[t + 1]]. Each id is a token, whose row of",
    "table [rows, embeddingDim] is mapping[id], or id itself.",
    "From +0, in order, f32(acc + row), or f32(acc + f32(row * weights[id])); that / f32(ids); no ids: +0.",
    "preciseWeights: product, sum and division are f64, rounded once; if they are rounded, the product is f64 and",
    "rounded, the rest f32. Then, if there is a norm, each column / n:",
    "model2vec: n = sqrt(s) + 1e-32, s the sum of squares in the order of numpy (pairwise);",
    "sentence-transformers: n = max(sqrt(s), 1e-12), s in 16 lanes, added as a tree.",
    "Floats are the bits of f32, eight hexadecimal digits each; in out 7fc00000 is any NaN.",
];

const NORMS: [(&str, Option<Norm>); 3] = [
    ("", None),
    ("model2vec", Some(Norm::Model2vec)),
    ("sentence-transformers", Some(Norm::SentenceTransformers)),
];

struct Call<'a> {
    table: &'a [f32],
    dim: usize,
    mapping: Option<&'a [u32]>,
    weights: Weights<'a>,
    ids: &'a [usize],
    offsets: &'a [usize],
}

impl Call<'_> {
    fn case(&self, name: &str, (word, norm): (&str, Option<Norm>)) -> Case {
        let mut out = Vec::new();
        for pair in self.offsets.windows(2) {
            let ids = &self.ids[pair[0]..pair[1]];
            let row = mean(self.table, self.dim, self.mapping, self.weights, ids);
            out.extend(norm.map_or(row.clone(), |norm| normalized(&row, norm)));
        }
        let case = Case::new(format!("{name} {word}").trim_end())
            .with("embeddingDim", self.dim)
            .with("table", Exact(self.table))
            .maybe("mapping", self.mapping);
        let case = match self.weights {
            Weights::None => case,
            Weights::Single(weights) => case.with("weights", Exact(weights)),
            Weights::Double(weights) => case.with("preciseWeights", weights),
            Weights::Rounded(weights) => case.with("preciseWeights", weights).with("rounded", true),
        };
        case.maybe("norm", norm.map(|_| word))
            .with("ids", self.ids)
            .with("offsets", self.offsets)
            .with("out", Computed(&out))
    }
}

/// Every kind of mapping and weights with every norm, in texts without ids, with one, and with several.
fn models(cases: &mut Vec<Case>) {
    const ROWS: usize = 5;
    let mapping = [3, 0, 4, 4, 1, 2, 0];
    let single: Vec<f32> = numbers(mapping.len()).iter().map(|x| x / 3.0).collect();
    let double: Vec<f64> = single.iter().map(|&x| f64::from(x) / 7.0).collect();
    for (named, mapping) in [("rows", None), ("mapping", Some(&mapping[..]))] {
        let tokens = mapping.map_or(ROWS, <[u32]>::len);
        let (single, double) = (&single[..tokens], &double[..tokens]);
        for (weighted, weights) in [
            ("", Weights::None),
            (" weights", Weights::Single(single)),
            (" weights f64", Weights::Double(double)),
            (" weights f64 rounded", Weights::Rounded(double)),
        ] {
            let call = Call {
                table: &numbers(ROWS * 6),
                dim: 6,
                mapping,
                weights,
                ids: &ids(12, tokens),
                offsets: &[0, 0, 1, 4, 12, 12],
            };
            cases.extend(NORMS.map(|norm| call.case(&format!("{named}{weighted}"), norm)));
        }
    }
}

/// Widths at which the order of a sum changes.
fn widths(cases: &mut Vec<Case>) {
    for dim in [1, 7, 8, 9, 16, 17, 128, 129, 256, 271] {
        let call = Call {
            table: &numbers(2 * dim),
            dim,
            mapping: None,
            weights: Weights::None,
            ids: &[1, 0, 1],
            offsets: &[0, 1, 3],
        };
        cases.extend(
            NORMS[1..]
                .iter()
                .map(|&norm| call.case(&format!("width {dim}"), norm)),
        );
    }
}

/// Special values, and a text longer than the parts in which ids are read.
fn others(cases: &mut Vec<Case>) {
    let weights: Vec<f64> = (1..=4).map(|i| 1.0 / f64::from(i)).collect();
    for (name, weights) in [("", Weights::None), (" weights f64", Weights::Double(&weights))] {
        let odd = Call {
            table: &odd_numbers(4 * 9),
            dim: 9,
            mapping: None,
            weights,
            ids: &[0, 1, 2, 3, 0, 2],
            offsets: &[0, 1, 2, 3, 4, 6],
        };
        cases.extend(NORMS.map(|norm| odd.case(&format!("special values{name}"), norm)));
        let long = Call {
            table: &numbers(4 * 3),
            dim: 3,
            mapping: None,
            weights,
            ids: &ids(600, 4),
            offsets: &[0, 600],
        };
        cases.extend(NORMS.map(|norm| long.case(&format!("600 ids{name}"), norm)));
    }
}

pub fn file() -> File {
    let mut cases = Vec::new();
    models(&mut cases);
    widths(&mut cases);
    others(&mut cases);
    File::new("mean-pool.json", ABOUT, cases)
}
