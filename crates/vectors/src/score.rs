//! Vectors for scores and their backward pass.

use crate::file::{Case, File};
use crate::inputs::{ids, numbers, odd_numbers, others};
use crate::json::{Computed, Exact};
use crate::reference::bag_backward::add;
use crate::reference::gradient::Gradient;
use crate::reference::score::{contributions, gradient_of_x, score};

const ABOUT: &[&str] = &[
    "out [n, k]: out[b][j] = dot(x[b], row (b, j) of table [vocabSize, embeddingDim]), where row (b, j) is that of ids[b][j]",
    "if ids have the shape [n, k], that of ids[j] if it is [k], and row j without ids. dot has 16 lanes, column c in lane",
    "c mod 16, which are added in a tree. xGrad [n, embeddingDim]: from +0, for j ascending, f32(acc + f32(gradScores[b][j]",
    "row (b, j))). rows and values [rows, embeddingDim]: the gradient of the table; c = f32(gradScores[b][j] x[b]) to row (b, j)",
    "in order, except to paddingIdx; scaleGradByFreq: c = f32(c / (contributions to the row)). The first c is stored, later",
    "ones are added. Floats are the bits of f32, eight hexadecimal digits each; in results 7fc00000 is any NaN.",
];

const ROWS: usize = 7;

/// The rows that are scored.
#[derive(Clone, Copy)]
enum Ids<'a> {
    All,
    Shared(&'a [usize]),
    Each(&'a [usize]),
}

fn case(
    name: String,
    table: &[f32],
    padding: Option<usize>,
    x: &[f32],
    form: Ids<'_>,
    gs: &[f32],
    by_freq: bool,
) -> Case {
    let dim = table.len() / ROWS;
    let n = x.len() / dim;
    let rows: Vec<Vec<usize>> = (0..n)
        .map(|b| match form {
            Ids::All => (0..ROWS).collect(),
            Ids::Shared(ids) => ids.to_vec(),
            Ids::Each(ids) => ids[b * ids.len() / n..(b + 1) * ids.len() / n].to_vec(),
        })
        .collect();
    let mut gradient = Gradient::default();
    add(&mut gradient, &contributions(dim, x, &rows, gs), padding, by_freq);
    let (ids, shape) = match form {
        Ids::All => (None, None),
        Ids::Shared(ids) => (Some(ids), Some(vec![ids.len()])),
        Ids::Each(ids) => (Some(ids), Some(vec![n, ids.len() / n])),
    };
    Case::new(name)
        .with("vocabSize", ROWS)
        .with("embeddingDim", dim)
        .with("table", Exact(table))
        .maybe("paddingIdx", padding)
        .with("x", Exact(x))
        .maybe("ids", ids)
        .maybe("shape", shape)
        .with("gradScores", Exact(gs))
        .with("scaleGradByFreq", by_freq)
        .with("out", Computed(&score(table, dim, x, &rows)))
        .with("xGrad", Computed(&gradient_of_x(table, dim, &rows, gs)))
        .with("rows", gradient.rows())
        .with("values", Computed(&gradient.values()))
}

/// score.json
pub fn file() -> File {
    const N: usize = 3;
    let mut cases = Vec::new();
    let (shared, each) = (ids(5, ROWS), ids(N * 6, ROWS));
    let forms = [
        ("all rows", Ids::All, ROWS),
        ("[k]", Ids::Shared(&shared), 5),
        ("[n, k]", Ids::Each(&each), 6),
    ];
    for dim in [1, 5, 15, 16, 17, 33] {
        for (odd, table, x) in [
            ("", numbers(ROWS * dim), others(N * dim)),
            (" odd values", odd_numbers(ROWS * dim), others(N * dim)),
        ] {
            // Special values once, at a width with several vectors and a rest.
            if !odd.is_empty() && dim != 33 {
                continue;
            }
            for (form_name, form, k) in forms {
                for (padding, by_freq) in [(None, false), (Some(shared[1]), true)] {
                    let flags = if by_freq { " padding scaleGradByFreq" } else { "" };
                    let name = format!("D {dim} {form_name}{flags}{odd}");
                    let gs = if odd.is_empty() {
                        numbers(N * k)
                    } else {
                        odd_numbers(N * k)
                    };
                    cases.push(case(name, &table, padding, &x, form, &gs, by_freq));
                }
            }
        }
    }
    let table = numbers(ROWS * 3);
    for (form_name, form) in [("[0]", Ids::Shared(&[])), ("[n, 0]", Ids::Each(&[]))] {
        cases.push(case(
            format!("no scores {form_name}"),
            &table,
            None,
            &others(6),
            form,
            &[],
            false,
        ));
    }
    let zeros = [-0.0; 2 * ROWS];
    cases.push(case(
        "gradients -0".into(),
        &table,
        None,
        &others(6),
        Ids::All,
        &zeros,
        false,
    ));
    File::new("score.json", ABOUT, cases)
}
