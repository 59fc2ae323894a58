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
//! A text is a bag, so the rows are added by `bag.rs`: only [`Tokens`] and [`normalize`] are added to it. Sums in f64 are
//! rare (models with a quantized vocabulary), and have a loop here.

use crate::indices::{Indices, Mapping};
use crate::ops::bag::{Bag, Mode};
use crate::ops::nearest::norms;
use crate::ops::tile::decode;
use crate::simd::{dispatch, dispatch_plain, for_each_vector, Isa};
use crate::table::Table;
use std::ops::Range;

/// What the ids of a bag are. By default they are rows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tokens<'a> {
    /// The row of each id.
    pub rows: Option<&'a Mapping>,
    /// The weight of each id. It is a factor of the row; a mean is divided by the number of ids all the same.
    pub weights: Option<&'a [f32]>,
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
    /// f32(f32(sqrt(s)) + f32(1e-32)), where s is the sum of squares in the order of numpy, see [`pairwise`].
    Model2vec,
    /// max(f32(sqrt(dot(mean, mean))), f32(1e-12)), NaN if the dot product is, see [`dot`](crate::simd::dot).
    SentenceTransformers,
}

impl Norm {
    /// The divisor, from f32(sqrt(the sum of squares)).
    pub fn divisor(self, root: f32) -> f32 {
        const LEAST: f32 = 1e-12;
        match self {
            Norm::Model2vec => root + 1e-32,
            Norm::SentenceTransformers if root < LEAST => LEAST,
            Norm::SentenceTransformers => root,
        }
    }
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

/// row = f32(row / divisor), column by column.
#[inline(never)]
pub fn normalize(isa: Isa, norm: Norm, row: &mut [f32]) {
    let root = match norm {
        Norm::Model2vec => pairwise(0..row.len(), &mut |block| squares(&row[block])).sqrt(),
        Norm::SentenceTransformers => {
            let mut root = [0.0];
            norms(isa, row, row.len(), &mut root);
            root[0]
        }
    };
    divide(isa, norm.divisor(root), row)
}

/// row = f32(row / divisor), for any part of a row.
#[inline(never)]
pub fn divide(isa: Isa, divisor: f32, row: &mut [f32]) {
    dispatch!(isa, simd => {
        let divisor = simd.splat(divisor);
        for_each_vector(
            simd,
            row,
            #[inline(always)]
            |_, _, x| simd.div(simd.load(x), divisor),
        )
    });
}

/// The sum of blocks of at most 128 columns, in the order of numpy: that of both halves, the first of which is a multiple
/// of 8. `block` gives the sum of one block.
pub fn pairwise(cols: Range<usize>, block: &mut dyn FnMut(Range<usize>) -> f32) -> f32 {
    if cols.len() <= 128 {
        return block(cols);
    }
    let middle = cols.start + cols.len() / 2 / 8 * 8;
    pairwise(cols.start..middle, block) + pairwise(middle..cols.end, block)
}

/// The sum of the squares of a block, in the order of numpy: 8 sums, then a tree, then the rest one by one.
pub fn squares(block: &[f32]) -> f32 {
    let mut sums = [0.0; 8];
    let mut eights = block.chunks_exact(8);
    for eight in &mut eights {
        for (sum, x) in sums.iter_mut().zip(eight) {
            *sum += x * x;
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    let sum = ((a + b) + (c + d)) + ((e + f) + (g + h));
    eights.remainder().iter().fold(sum, |sum, x| sum + x * x)
}

/// Sums in f64 of the columns of a text from one on.
pub struct Precise {
    sums: [f64; Precise::COLS],
    row: [f32; Precise::COLS],
    rounded: bool,
}

impl Precise {
    /// The most columns.
    pub const COLS: usize = 512;

    /// +0 in each column. If `rounded`, products and sums are rounded to f32, as if the table stored weighted rows.
    pub fn new(rounded: bool) -> Self {
        Precise {
            sums: [0.0; Precise::COLS],
            row: [0.0; Precise::COLS],
            rounded,
        }
    }

    /// Adds columns `cols` of the rows of `ids`, times their weights.
    ///
    /// # Panics
    /// If there are more columns than [`Precise::COLS`], or the table or the weights are too short.
    #[inline(never)]
    pub fn add(
        &mut self,
        isa: Isa,
        table: Table<'_>,
        rows: Option<&Mapping>,
        weights: &[f64],
        ids: Indices<'_>,
        cols: Range<usize>,
    ) {
        let tokens = Tokens { rows, weights: None };
        let (sums, row) = (&mut self.sums[..cols.len()], &mut self.row[..cols.len()]);
        for i in 0..ids.len() {
            let id = ids.get(i);
            decode(isa, table, tokens.row(id), cols.clone(), row);
            dispatch_plain!(isa, add(row, weights[id], self.rounded, sums));
        }
    }

    /// Writes the mean of `ids` ids to `out`, as many columns as were added, and begins anew.
    pub fn finish(&mut self, ids: usize, out: &mut [f32]) {
        for (sum, out) in self.sums.iter_mut().zip(out) {
            *out = if ids == 0 { 0.0 } else { (*sum / ids as f64) as f32 };
            *sum = 0.0;
        }
    }
}

#[inline(always)]
fn add(row: &[f32], weight: f64, rounded: bool, sums: &mut [f64]) {
    for (sum, x) in sums.iter_mut().zip(row) {
        let product = f64::from(*x) * weight;
        *sum = if rounded {
            f64::from(*sum as f32 + product as f32)
        } else {
            *sum + product
        };
    }
}
