//! The backward pass of bags.

use super::bag::{bag, Mode};
use super::gradient::{self, Gradient};
use super::nearest::dot;

/// A contribution to a row.
pub type Contribution = (usize, Vec<f32>);

/// Adds contributions to a gradient, in order. With `by_freq` each is divided by the number of those to its row.
pub fn add(gradient: &mut Gradient, call: &[Contribution], padding: Option<usize>, by_freq: bool) {
    let ids: Vec<usize> = call.iter().map(|(row, _)| *row).collect();
    let rows: Vec<f32> = call.iter().flat_map(|(_, c)| c.clone()).collect();
    let rows = if by_freq {
        gradient::by_freq(&ids, &rows)
    } else {
        rows
    };
    gradient.add(&ids, &rows, padding);
}

/// table [V, dim], the ids of one bag and their weights, the gradient of its result [dim] -> contributions
///
/// sum: g, or g * weight; mean: q = g / divisor, then q, or q * weight; max: in each column g for the first id with the
/// maximum, or the first NaN, +0 for the others.
pub fn contributions(
    table: &[f32],
    dim: usize,
    mode: Mode,
    padding: Option<usize>,
    ids: &[usize],
    weights: Option<&[f32]>,
    g: &[f32],
) -> Vec<Contribution> {
    let kept: Vec<usize> = (0..ids.len()).filter(|&i| Some(ids[i]) != padding).collect();
    let q = divided(mode, padding, ids, weights, g);
    let mut all = Vec::new();
    for &i in &kept {
        let mut c = Vec::new();
        for d in 0..dim {
            c.push(match (mode, weights) {
                (Mode::Max, _) => {
                    let value = |i: usize| table[ids[i] * dim + d];
                    let mut best = kept[0];
                    for &j in &kept[1..] {
                        if value(j) > value(best) || (value(j).is_nan() && !value(best).is_nan()) {
                            best = j;
                        }
                    }
                    if best == i {
                        g[d]
                    } else {
                        0.0
                    }
                }
                (_, None) => q[d],
                (_, Some(weights)) => q[d] * weights[i],
            });
        }
        all.push((ids[i], c));
    }
    all
}

/// The gradient of the weights of one bag: dot(g, row) of a sum, dot(q, row) - dot(q, mean) of a mean, +0 of padding.
pub fn weights_gradient(
    table: &[f32],
    dim: usize,
    mode: Mode,
    padding: Option<usize>,
    ids: &[usize],
    weights: &[f32],
    g: &[f32],
) -> Vec<f32> {
    let q = divided(mode, padding, ids, Some(weights), g);
    let y = bag(table, dim, mode, padding, ids, Some(weights));
    let mut out = Vec::new();
    for &id in ids {
        let row = &table[id * dim..][..dim];
        out.push(if Some(id) == padding {
            0.0
        } else if mode == Mode::Mean {
            dot(&q, row) - dot(&q, &y)
        } else {
            dot(&q, row)
        });
    }
    out
}

/// g, or in a mean g / divisor
fn divided(
    mode: Mode,
    padding: Option<usize>,
    ids: &[usize],
    weights: Option<&[f32]>,
    g: &[f32],
) -> Vec<f32> {
    if mode != Mode::Mean {
        return g.to_vec();
    }
    let (mut divisor, mut kept) = (0.0, 0);
    for i in 0..ids.len() {
        if Some(ids[i]) != padding {
            divisor += weights.map_or(0.0, |weights| weights[i]);
            kept += 1;
        }
    }
    if weights.is_none() {
        divisor = kept as f32;
    }
    g.iter().map(|x| x / divisor).collect()
}
