//! Scores of rows, and their backward pass.

use super::bag_backward::Contribution;
use super::nearest::dot;

/// table [V, dim], x [n, dim], rows [n][k] -> [n, k]; out[b][j] = dot(x[b], row (b, j))
pub fn score(table: &[f32], dim: usize, x: &[f32], rows: &[Vec<usize>]) -> Vec<f32> {
    let mut out = Vec::new();
    for (b, rows) in rows.iter().enumerate() {
        for row in rows {
            out.push(dot(&x[b * dim..][..dim], &table[row * dim..][..dim]));
        }
    }
    out
}

/// The gradient of x, [n, dim]: from +0, for j ascending, acc + gs[b][j] * row (b, j)
pub fn gradient_of_x(table: &[f32], dim: usize, rows: &[Vec<usize>], gs: &[f32]) -> Vec<f32> {
    let mut out = Vec::new();
    for (b, rows) in rows.iter().enumerate() {
        let mut acc = vec![0.0; dim];
        for (j, row) in rows.iter().enumerate() {
            for d in 0..dim {
                acc[d] += gs[b * rows.len() + j] * table[row * dim + d];
            }
        }
        out.extend(acc);
    }
    out
}

/// The contributions to the rows, in flat order of (b, j): gs[b][j] * x[b]
pub fn contributions(dim: usize, x: &[f32], rows: &[Vec<usize>], gs: &[f32]) -> Vec<Contribution> {
    let mut all = Vec::new();
    for (b, rows) in rows.iter().enumerate() {
        for (j, &row) in rows.iter().enumerate() {
            let c = x[b * dim..][..dim].iter().map(|x| gs[b * rows.len() + j] * x);
            all.push((row, c.collect()));
        }
    }
    all
}
