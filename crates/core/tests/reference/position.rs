//! Position rows added to vectors.

use super::dropout::dropout;

/// The dropout parameters of one training call.
#[derive(Clone, Copy)]
pub struct Drop {
    pub p: f64,
    pub seed: u64,
    pub call: u32,
}

impl Drop {
    /// Applies dropout to every element `i` of the result.
    pub fn apply(self, out: &mut [f32]) {
        for (i, x) in out.iter_mut().enumerate() {
            *x = dropout(self.p, self.seed, self.call, i as u64, *x);
        }
    }
}

/// x [rows, dim], pe [P, dim] -> f32(x + pe), then dropout. Row r uses position row `position(r)`.
pub fn add_positions(
    x: &[f32],
    dim: usize,
    pe: &[f32],
    position: impl Fn(usize) -> usize,
    drop: Option<Drop>,
) -> Vec<f32> {
    let mut out = x.to_vec();
    for (i, x) in out.iter_mut().enumerate() {
        let (r, c) = (i / dim, i % dim);
        *x += pe[position(r) * dim + c];
    }
    if let Some(drop) = drop {
        drop.apply(&mut out);
    }
    out
}
