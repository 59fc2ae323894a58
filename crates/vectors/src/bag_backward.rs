//! Vectors for the backward pass of bags.

use crate::file::{Case, File};
use crate::inputs::{ids, numbers, odd_numbers, others};
use crate::json::{Computed, Exact};
use crate::reference::bag::Mode;
use crate::reference::bag_backward::{add, contributions, weights_gradient};
use crate::reference::gradient::Gradient;

const ABOUT: &[&str] = &[
    "rows and values [rows, embeddingDim]: the gradient of table [vocabSize, embeddingDim] after two backward passes of bags",
    "with gradOutput [bags, embeddingDim]; then with every gradOutput times -3. weightsGrad is that of the first pass.",
    "Bags begin at `offsets`. Ids equal to paddingIdx, where given, contribute nothing, and their weightsGrad is +0.",
    "G = gradOutput[b]; sum: c = G, with weights f32(G w); mean: q = f32(G / divisor), c = q, with weights f32(q w);",
    "max: column d of G for the first id with the maximum, or the first NaN, +0 in the other columns;",
    "scaleGradByFreq: c = f32(c / (contributions to the row in this pass)). The first c of a row is stored, later ones are",
    "added in order. weightsGrad: dot(G, row); mean: f32(dot(q, row) - dot(q, y)), where y is the result of the bag;",
    "dot has 16 lanes, column c in lane c mod 16, which are added in a tree. Floats are the bits of f32, eight hexadecimal",
    "digits each; in results 7fc00000 is any NaN.",
];

const MODES: [(&str, Mode); 3] = [("sum", Mode::Sum), ("mean", Mode::Mean), ("max", Mode::Max)];

struct Call<'a> {
    table: &'a [f32],
    rows: usize,
    padding: Option<usize>,
    ids: &'a [usize],
    offsets: &'a [usize],
    weights: Option<&'a [f32]>,
    grad: &'a [f32],
    by_freq: bool,
}

impl Call<'_> {
    fn case(&self, name: &str, (word, mode): (&str, Mode)) -> Case {
        let (table, dim, padding) = (self.table, self.table.len() / self.rows, self.padding);
        let (mut gradient, mut weights_grad) = (Gradient::default(), Vec::new());
        for pass in 0..2 {
            let mut all = Vec::new();
            for (b, &start) in self.offsets.iter().enumerate() {
                let end = self.offsets.get(b + 1).copied().unwrap_or(self.ids.len());
                let (ids, weights) = (
                    &self.ids[start..end],
                    self.weights.map(|weights| &weights[start..end]),
                );
                let g: Vec<f32> = self.grad[b * dim..][..dim]
                    .iter()
                    .map(|x| if pass == 0 { *x } else { x * -3.0 })
                    .collect();
                all.extend(contributions(table, dim, mode, padding, ids, weights, &g));
                if let (0, Some(weights)) = (pass, weights) {
                    weights_grad.extend(weights_gradient(table, dim, mode, padding, ids, weights, &g));
                }
            }
            add(&mut gradient, &all, padding, self.by_freq);
        }
        Case::new(format!("{name} {word}"))
            .with("mode", word)
            .with("vocabSize", self.rows)
            .with("embeddingDim", dim)
            .with("table", Exact(table))
            .maybe("paddingIdx", padding)
            .with("ids", self.ids)
            .with("offsets", self.offsets)
            .maybe("perSampleWeights", self.weights.map(Exact))
            .with("scaleGradByFreq", self.by_freq)
            .with("gradOutput", Exact(self.grad))
            .with("rows", gradient.rows())
            .with("values", Computed(&gradient.values()))
            .maybe("weightsGrad", self.weights.map(|_| Computed(&weights_grad)))
    }
}

/// Every mode with and without padding, weights and scaleGradByFreq, at widths around the lanes of a dot product.
fn forms(cases: &mut Vec<Case>) {
    const ROWS: usize = 5;
    let ids = ids(12, ROWS);
    let weights: Vec<f32> = numbers(12).iter().map(|x| x / 3.0).collect();
    for dim in [1, 5, 16, 33] {
        let (table, grad) = (numbers(ROWS * dim), others(4 * dim));
        for padding in [None, Some(ids[2])] {
            for by_freq in [false, true] {
                for weighted in [false, true] {
                    let call = Call {
                        table: &table,
                        rows: ROWS,
                        padding,
                        ids: &ids,
                        offsets: &[0, 1, 1, 6],
                        weights: weighted.then_some(&weights[..]),
                        grad: &grad,
                        by_freq,
                    };
                    let flags = [
                        (padding.is_some(), " padding"),
                        (weighted, " weights"),
                        (by_freq, " scaleGradByFreq"),
                    ];
                    let flags: String = flags
                        .iter()
                        .filter(|(on, _)| *on)
                        .map(|(_, name)| *name)
                        .collect();
                    let modes = &MODES[..if weighted { 2 } else { 3 }];
                    cases.extend(
                        modes
                            .iter()
                            .map(|&mode| call.case(&format!("D {dim}{flags}"), mode)),
                    );
                }
            }
        }
    }
}

/// Special gradients, weights and rows.
fn special(cases: &mut Vec<Case>) {
    let (nan, infinity) = (f32::from_bits(0x7fc0_0001), f32::INFINITY);
    let (table, grad) = (numbers(4 * 3), others(3 * 3));
    let mut add = |name: &str, ids: &[usize], offsets: &[usize], weights: Option<&[f32]>, grad: &[f32]| {
        let call = Call {
            table: &table,
            rows: 4,
            padding: Some(1),
            ids,
            offsets,
            weights,
            grad,
            by_freq: false,
        };
        let modes = &MODES[..if weights.is_some() { 2 } else { 3 }];
        cases.extend(modes.iter().map(|&mode| call.case(name, mode)));
    };
    add("empty bags", &[], &[0, 0, 0], None, &[nan; 9]);
    add("all padding", &[1, 1, 1], &[0, 2], None, &[infinity; 6]);
    add(
        "weights of padding",
        &[1, 0, 1, 2],
        &[0],
        Some(&[nan, 0.5, infinity, 0.25]),
        &grad[..3],
    );
    add(
        "weights that cancel",
        &[0, 2, 3],
        &[0],
        Some(&[1.5, -1.0, -0.5]),
        &grad[..3],
    );
    add("gradient -0", &[0, 2, 2, 3], &[0, 2], None, &[-0.0; 6]);
    add("odd gradients", &[0, 2, 3, 0, 2], &[0, 2], None, &odd_numbers(6));
    add(
        "odd weights",
        &[0, 2, 3, 0, 2],
        &[0, 2],
        Some(&odd_numbers(5)),
        &grad[..6],
    );
}

/// The maximum is that of the first of equals, and of the first NaN. Each column is one case of five rows.
fn maximum(cases: &mut Vec<Case>) {
    let (nan, other, low) = (
        f32::from_bits(0x7fc0_0001),
        f32::from_bits(0xffc0_0002),
        f32::NEG_INFINITY,
    );
    let table = [
        [1.0, nan, 0.0, -0.0, low, low, 3.0, 1.0, low],
        [nan, 2.0, -0.0, 0.0, low, 5.0, 2.0, 1.0, nan],
        [2.0, other, 0.0, -0.0, low, nan, 4.0, 1.0, low],
        [other, 9.0, -0.0, 0.0, low, 7.0, 4.0, 1.0, other],
        [3.0, 1.0, -0.0, 0.0, low, low, -4.0, 1.0, low],
    ]
    .concat();
    let grad = numbers(9);
    let orders: [(&str, Option<usize>, &[usize]); 4] = [
        ("stories", None, &[0, 1, 2, 3, 4]),
        ("stories backwards", None, &[4, 3, 2, 1, 0]),
        ("stories padding", Some(1), &[1, 0, 2, 1, 3, 4]),
        ("stories twice", None, &[3, 3, 0, 0, 4, 4]),
    ];
    for (name, padding, ids) in orders {
        let call = Call {
            table: &table,
            rows: 5,
            padding,
            ids,
            offsets: &[0],
            weights: None,
            grad: &grad,
            by_freq: false,
        };
        cases.push(call.case(name, MODES[2]));
    }
}

/// bag-backward.json
pub fn file() -> File {
    let mut cases = Vec::new();
    for part in [forms, special, maximum] {
        part(&mut cases);
    }
    File::new("bag-backward.json", ABOUT, cases)
}
