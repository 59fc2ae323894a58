//! Texts: the mean of the rows of their tokens, and its division by a norm.
//!
//! ```text
//! for id in the text, in order from +0:   x = row rows[id], or row id
//!     acc = f32(acc + x)                  or f32(acc + f32(x * weights[id]))
//! mean = f32(acc / f32(ids))              0 without ids
//!
//! with f64 weights:  acc = f64(acc + f64(x * weights[id])),  mean = f32(f64(acc / f64(ids)))
//!          rounded:  acc = f32(acc + f32(x * weights[id])),  mean = f32(acc / f32(ids))
//! with a norm:       out = f32(mean / divisor), see `Norm`
//! ```
//! A text is a bag, and `bag.rs` adds its rows. This file has what differs: [`Tokens`], [`Norm`], and sums in f64, which
//! are rare (models with a quantized vocabulary).

use crate::indices::{Indices, Mapping};
use crate::ops::bag::{Bag, Mode};
use crate::ops::nearest::{extend_dot, norm, norm_of};
use crate::simd::dot::ZERO;
use crate::simd::{dispatch_plain, Isa};
use crate::table::Table;
use std::ops::Range;

/// What the ids of a bag are. By default they are rows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tokens<'a> {
    /// The row of each id.
    pub rows: Option<&'a Mapping>,
    /// The weight of each id. It is a factor of the row; a mean is divided by the number of ids all the same.
    pub weights: Option<&'a [f32]>,
    /// The same in f64, instead of `weights`. Sum and mean are then computed in f64, too.
    pub precise: Option<&'a [f64]>,
    /// With `precise`: products and sums are rounded to f32, as if the table stored weighted rows.
    pub rounded: bool,
}

impl Tokens<'_> {
    /// The row of `id`. Panics if there is none.
    #[inline(always)]
    pub(crate) fn row(&self, id: usize) -> usize {
        self.rows.map_or(id, |rows| rows.row(id))
    }
}

/// The divisor of a mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Norm {
    /// f32(f32(sqrt(s)) + f32(1e-32)), where s is the sum of the squares in the order of numpy: below 8 columns one by
    /// one; to 128 columns 8 sums, added as ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)), then the rest one by one; above, the
    /// sum of both halves, the first of which is rounded down to a multiple of 8.
    Model2vec,
    /// max(f32(sqrt(dot(mean, mean))), f32(1e-12)), NaN if the dot product is, see [`dot`](crate::simd::dot).
    SentenceTransformers,
}

/// A bag operation over tokens.
#[derive(Debug, Clone, Copy)]
pub struct Pool<'a> {
    /// The table, the reduction and the padding.
    pub bag: Bag<'a>,
    /// The rows and weights of ids.
    pub tokens: Tokens<'a>,
    /// The norm by which each result is divided. It needs whole rows.
    pub norm: Option<Norm>,
}

impl<'a> Pool<'a> {
    /// The mean of the rows of tokens.
    pub fn mean(table: Table<'a>, tokens: Tokens<'a>, norm: Option<Norm>) -> Self {
        let bag = Bag {
            table,
            mode: Mode::Mean,
            padding: None,
        };
        Pool { bag, tokens, norm }
    }

    /// The most columns that a [`BagState`](crate::ops::BagState) can have.
    pub fn most_cols(&self) -> usize {
        self.tokens.precise.map_or(usize::MAX, |_| PRECISE_COLS)
    }
}

impl<'a> From<&Bag<'a>> for Pool<'a> {
    fn from(&bag: &Bag<'a>) -> Self {
        Pool {
            bag,
            tokens: Tokens::default(),
            norm: None,
        }
    }
}

impl<'a> From<&Pool<'a>> for Pool<'a> {
    fn from(&pool: &Pool<'a>) -> Self {
        pool
    }
}

/// Divides a row by its norm: row = f32(row / divisor).
pub fn normalize(isa: Isa, norm: Norm, row: &mut [f32]) {
    let dim = row.len();
    normalize_parts(isa, norm, dim, dim, &mut |cols, work| work(&mut row[cols]))
}

/// Calls its second argument with the values of some columns of a row.
pub type Edit<'a> = dyn FnMut(Range<usize>, &mut dyn FnMut(&mut [f32])) + 'a;

/// The same for a row of `dim` columns that is longer than a tile. `edit` is called with at most `most` columns, which is a
/// multiple of 16 and at least 128.
#[inline(never)]
pub fn normalize_parts(isa: Isa, kind: Norm, dim: usize, most: usize, edit: &mut Edit<'_>) {
    let parts = || (0..dim).step_by(most).map(|start| start..dim.min(start + most));
    let divisor = match kind {
        Norm::Model2vec => {
            let mut square = |cols| {
                let mut sum = 0.0;
                edit(cols, &mut |x| sum = squares(x));
                sum
            };
            norm(pairwise(0..dim, &mut square)) + 1e-32
        }
        Norm::SentenceTransformers => {
            let mut lanes = ZERO;
            for cols in parts() {
                edit(cols, &mut |x| extend_dot(isa, x, x, &mut lanes));
            }
            let norm = norm_of(isa, &lanes);
            if norm < 1e-12 {
                1e-12
            } else {
                norm
            }
        }
    };
    for cols in parts() {
        edit(cols, &mut |x| divide(isa, divisor, x));
    }
}

/// x = f32(x / divisor)
#[inline(never)]
fn divide(isa: Isa, divisor: f32, x: &mut [f32]) {
    dispatch_plain!(isa, x.iter_mut().for_each(|x| *x /= divisor));
}

/// The sum over columns in the order of [`Norm::Model2vec`]. `block` gives the sum over at most 128 columns.
fn pairwise(cols: Range<usize>, block: &mut dyn FnMut(Range<usize>) -> f32) -> f32 {
    if cols.len() <= 128 {
        return block(cols);
    }
    let middle = cols.start + cols.len() / 2 / 8 * 8;
    pairwise(cols.start..middle, block) + pairwise(middle..cols.end, block)
}

/// The sum of the squares of at most 128 columns.
fn squares(x: &[f32]) -> f32 {
    let mut sums = [0.0; 8];
    let mut eights = x.chunks_exact(8);
    for eight in &mut eights {
        for (sum, x) in sums.iter_mut().zip(eight) {
            *sum += x * x;
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    let sum = ((a + b) + (c + d)) + ((e + f) + (g + h));
    eights.remainder().iter().fold(sum, |sum, x| sum + x * x)
}

/// The most columns of sums in f64.
pub(crate) const PRECISE_COLS: usize = 512;

/// The weight of each of `ids`, of which there are at most as many as `to` has places.
#[inline(never)]
pub(crate) fn weights_of(ids: Indices<'_>, weights: &[f64], to: &mut [f64]) {
    for (i, to) in to[..ids.len()].iter_mut().enumerate() {
        *to = weights[ids.get(i)];
    }
}

/// sum = f64(sum + f64(x * weight)), or rounded to f32
#[inline(always)]
pub(crate) fn add_precise(sum: &mut f64, x: f32, weight: f64, rounded: bool) {
    let product = f64::from(x) * weight;
    *sum = match rounded {
        true => f64::from(*sum as f32 + product as f32),
        false => *sum + product,
    };
}

/// acc = the means of `ids` ids, not 0, from their sums.
#[inline(never)]
pub(crate) fn finish_precise(ids: usize, sums: &[f64], acc: &mut [f32]) {
    for (acc, sum) in acc.iter_mut().zip(sums) {
        *acc = (*sum / ids as f64) as f32;
    }
}
