//! The gradient of a table, and the contributions of backward passes.

use super::position::Drop;
use std::collections::BTreeMap;

/// The rows that occurred, and the sum of the contributions to each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gradient(pub BTreeMap<usize, Vec<f32>>);

impl Gradient {
    /// Adds row i of `contributions` to row `ids[i]`, for i ascending, but never to `padding`. The first contribution to
    /// a row is stored; each later one is added, rounded once.
    pub fn add(&mut self, ids: &[usize], contributions: &[f32], padding: Option<usize>) {
        let dim = contributions.len() / ids.len().max(1);
        for (i, &id) in ids.iter().enumerate() {
            let contribution = &contributions[i * dim..][..dim];
            if padding == Some(id) {
                continue;
            }
            match self.0.get_mut(&id) {
                None => {
                    self.0.insert(id, contribution.to_vec());
                }
                Some(sum) => sum.iter_mut().zip(contribution).for_each(|(g, c)| *g += c),
            }
        }
    }

    /// The rows, ascending.
    pub fn rows(&self) -> Vec<usize> {
        self.0.keys().copied().collect()
    }

    /// The sums, in the order of the rows.
    pub fn values(&self) -> Vec<f32> {
        self.0.values().flatten().copied().collect()
    }
}

/// scaleGradByFreq: row i is divided by the number of contributions to row `ids[i]` in the call.
pub fn by_freq(ids: &[usize], rows: &[f32]) -> Vec<f32> {
    let dim = rows.len() / ids.len().max(1);
    let count = |i: usize| ids.iter().filter(|&&id| id == ids[i]).count() as f32;
    rows.iter().enumerate().map(|(i, x)| x / count(i / dim)).collect()
}

/// scale: f32(x * factor)
pub fn scaled(rows: &[f32], factor: f32) -> Vec<f32> {
    rows.iter().map(|x| x * factor).collect()
}

/// The gradient of what dropout was applied to: +0 where it dropped the element, else f32(g / f32(1 - p)).
pub fn undropped(grad: &[f32], drop: Option<Drop>) -> Vec<f32> {
    let mut d = grad.to_vec();
    if let Some(drop) = drop {
        drop.apply(&mut d);
    }
    d
}
