//! Vectors for optimizers, clipping and the renormalization of rows.

use crate::file::{Case, File};
use crate::inputs::{ids, numbers, odd_numbers, others};
use crate::json::{Computed, Exact};
use crate::reference::optimizer::{add_squares, renorm, Optimizer, Rule};
use std::collections::BTreeMap;

const ABOUT: &[&str] = &[
    "optimizer: a table [vocabSize, embeddingDim] takes one step per entry of ids, with that learning rate.",
    "Row i of gradients[step] is the contribution to row ids[step][i]; the first one is stored, others are added.",
    "table, out: before and after all steps. rows: those with state. tensors: their values, [rows, width].",
    "clip: gradients of tables, whose rows are 0, 1, ...; norm is that before, out the gradients after.",
    "renorm: every row of table, and out. Floats are the bits of f32, eight hexadecimal digits each; 7fc00000 is any NaN.",
];

const ROWS: usize = 6;
const PADDING: usize = 2;

/// The names and options of an optimizer.
fn start(optimizer: &Optimizer, lazy: bool, dim: usize) -> Case {
    let wd = optimizer.weight_decay;
    let (class, options): (_, Vec<(&str, f64)>) = match optimizer.rule {
        Rule::Sgd { momentum, .. } => ("SGD", vec![("momentum", momentum)]),
        Rule::Adagrad { eps, initial } => ("Adagrad", vec![("eps", eps), ("initialAccumulator", initial)]),
        Rule::RowwiseAdagrad { eps, initial } => (
            "RowwiseAdagrad",
            vec![("eps", eps), ("initialAccumulator", initial)],
        ),
        Rule::Adam { betas: [b1, b2], eps } => ("Adam", vec![("beta1", b1), ("beta2", b2), ("eps", eps)]),
        Rule::AdamW { betas: [b1, b2], eps } => ("AdamW", vec![("beta1", b1), ("beta2", b2), ("eps", eps)]),
    };
    let nesterov = matches!(optimizer.rule, Rule::Sgd { nesterov: true, .. });
    let shown: String = options
        .iter()
        .map(|(name, value)| format!(" {name} {value}"))
        .collect();
    let name = format!(
        "{class}{shown}{} weightDecay {wd} lazy {lazy} dim {dim}",
        if nesterov { " nesterov" } else { "" },
    );
    let mut case = Case::new(name).with("optimizer", class);
    for (name, value) in options {
        case = case.with(name, value);
    }
    if class == "SGD" {
        case = case.with("nesterov", nesterov);
    }
    case.with("weightDecay", wd).with("lazy", lazy)
}

/// The rows of a gradient.
fn sums(ids: &[usize], contributions: &[f32], dim: usize) -> BTreeMap<usize, Vec<f32>> {
    let mut rows: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
    for (&id, contribution) in ids.iter().zip(contributions.chunks(dim)) {
        if id == PADDING {
            continue;
        }
        match rows.get_mut(&id) {
            None => {
                rows.insert(id, contribution.to_vec());
            }
            Some(sum) => sum.iter_mut().zip(contribution).for_each(|(sum, c)| *sum += c),
        }
    }
    rows
}

fn steps(mut optimizer: Optimizer, lazy: bool, dim: usize) -> Case {
    let table = numbers(ROWS * dim);
    let mut out = table.clone();
    let mut state: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
    let (mut all_ids, mut gradients, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    for step in 0..3 {
        optimizer.lr /= (step + 1) as f64;
        let ids = ids(3 + step, ROWS);
        let contributions = match step {
            1 => odd_numbers(ids.len() * dim),
            _ => others(ids.len() * dim),
        };
        let rows = sums(&ids, &contributions, dim);
        optimizer.begin_step();
        for (row, w) in out.chunks_mut(dim).enumerate() {
            let zeros = vec![0.0; dim];
            let g = match rows.get(&row) {
                Some(g) => g,
                None if lazy => continue,
                None => &zeros,
            };
            if row != PADDING {
                let initial = optimizer.initial(dim);
                optimizer.step_row(w, g, state.entry(row).or_insert(initial));
            }
        }
        rates.push(optimizer.lr);
        all_ids.push(ids);
        gradients.push(contributions);
    }
    let width = optimizer.initial(dim).len();
    if width == 0 {
        state.clear();
    }
    let rows: Vec<usize> = state.keys().copied().collect();
    let tensor = |range: std::ops::Range<usize>| -> Vec<f32> {
        state
            .values()
            .flat_map(|row| row[range.clone()].to_vec())
            .collect()
    };
    let tensors = match (optimizer.rule, width) {
        (_, 0) => vec![],
        (Rule::Adam { .. } | Rule::AdamW { .. }, _) => vec![tensor(0..dim), tensor(dim..2 * dim)],
        _ => vec![tensor(0..width)],
    };
    let exact: Vec<Exact<'_>> = gradients.iter().map(|values| Exact(values)).collect();
    let computed: Vec<Computed<'_>> = tensors.iter().map(|values| Computed(values)).collect();
    start(&optimizer, lazy, dim)
        .with("embeddingDim", dim)
        .with("paddingIdx", PADDING)
        .with("lr", rates)
        .with("table", Exact(&table))
        .with("ids", all_ids)
        .with("gradients", exact)
        .with("out", Computed(&out))
        .with("rows", rows)
        .with("tensors", computed)
}

fn clip(dim: usize, factor: f64) -> Case {
    let gradients = [numbers(3 * dim), others(2 * dim)];
    let mut sum = 0.0;
    for gradient in &gradients {
        let rows: Vec<&[f32]> = gradient.chunks(dim).collect();
        sum = add_squares(&rows, sum);
    }
    let norm = f64::sqrt(sum);
    let most = norm * factor;
    let c = most / (norm + 1e-6);
    let scaled = gradients.clone().map(|gradient| {
        let scale = |g: &f32| if c < 1.0 { g * c as f32 } else { *g };
        gradient.iter().map(scale).collect::<Vec<f32>>()
    });
    let exact: Vec<Exact<'_>> = gradients.iter().map(|values| Exact(values)).collect();
    let out: Vec<Computed<'_>> = scaled.iter().map(|values| Computed(values)).collect();
    Case::new(format!("clip dim {dim} to {factor} of the norm"))
        .with("embeddingDim", dim)
        .with("maxNorm", most)
        .with("norm", norm)
        .with("gradients", exact)
        .with("out", out)
}

fn renormed(name: &str, table: &[f32], dim: usize, most: f64) -> Case {
    let mut out = table.to_vec();
    out.chunks_mut(dim).for_each(|w| renorm(w, most as f32));
    Case::new(format!("renorm {name} dim {dim} to {most}"))
        .with("embeddingDim", dim)
        .with("maxNorm", most)
        .with("table", Exact(table))
        .with("out", Computed(&out))
}

/// optimizer.json
pub fn file() -> File {
    let mut cases = Vec::new();
    let betas = [0.9, 0.999];
    for (rule, weight_decay, lr) in [
        (sgd(0.0, false), 0.0, 0.1),
        (sgd(0.0, false), 0.01, 0.1),
        (sgd(0.9, false), 0.0, 0.1),
        (sgd(0.9, true), 0.01, 0.1),
        (
            Rule::Adagrad {
                eps: 1e-10,
                initial: 0.0,
            },
            0.0,
            0.01,
        ),
        (
            Rule::Adagrad {
                eps: 0.001,
                initial: 0.1,
            },
            0.01,
            0.5,
        ),
        (
            Rule::RowwiseAdagrad {
                eps: 1e-8,
                initial: 0.0,
            },
            0.0,
            0.01,
        ),
        (
            Rule::RowwiseAdagrad {
                eps: 0.001,
                initial: 0.1,
            },
            0.01,
            0.5,
        ),
        (Rule::Adam { betas, eps: 1e-8 }, 0.0, 0.001),
        (
            Rule::Adam {
                betas: [0.0, 0.5],
                eps: 0.001,
            },
            0.01,
            0.1,
        ),
        (Rule::AdamW { betas, eps: 1e-8 }, 0.01, 0.001),
        (
            Rule::AdamW {
                betas: [0.5, 0.0],
                eps: 1.0,
            },
            0.3,
            0.1,
        ),
    ] {
        for lazy in [true, false] {
            for dim in [3, 17] {
                cases.push(steps(Optimizer::new(rule, weight_decay, lr), lazy, dim));
            }
        }
    }
    for dim in [1, 16, 19] {
        for factor in [0.5, 1.0, 2.0] {
            cases.push(clip(dim, factor));
        }
        for most in [1e-30, 2.5, 1e30] {
            cases.push(renormed("numbers", &numbers(4 * dim), dim, most));
            cases.push(renormed("odd values", &odd_numbers(4 * dim), dim, most));
        }
    }
    File::new("optimizer.json", ABOUT, cases)
}

fn sgd(momentum: f64, nesterov: bool) -> Rule {
    Rule::Sgd { momentum, nesterov }
}
