//! The backward pass of bags: the gradient of a bag's result, added to the gradients of its rows.
//!
//! ```text
//! q = G, the gradient of the result          mean: f32(G / n), with the divisor n of the forward pass
//! for i in the bag, without padding, in order:
//!     c = q                                  with weights: f32(q weights[i])
//!     max: c = G in the columns where i has the maximum, +0 in the others
//!     counts: c = f32(c / count of the slot)
//!     add c to the slot of i
//! ```
//! A score is the gradient of a weight of a sum: s = dot(x, row). So the gradient of rows that were scored is that of bags,
//! with rows of `x` for gradients and gradients of scores for weights. There all bags may have the same ids.

use crate::expr::{Divided, Scaled};
use crate::indices::Indices;
use crate::ops::gradient::{add_part, Slot, Sums};
use crate::row::{Plain, Row};
use crate::simd::{dispatch, Isa, Simd};
use crate::table::{Rows, Table};
use std::ops::Range;

/// The most columns of [`Maxima`].
pub const BAG_COLS: usize = 1024;

/// The columns that are divided at once.
const QUOTIENTS: usize = 256;

/// The slots of the ids of bags.
#[derive(Debug, Clone, Copy)]
pub struct BagSlots<'a> {
    /// Those of all bags, or of the ids that all bags have. More may follow: their sums are prefetched.
    pub slots: &'a [Slot],
    /// The number of ids in each bag.
    pub len: usize,
    /// If all bags have the same ids: whether their slots may be first ones in the first of these bags.
    pub shared: Option<bool>,
    /// The ids of a group that goes through all bags before the next one. It may only be smaller than `len` if all bags
    /// have the same ids, and no slot twice.
    pub group: usize,
}

/// What the gradient of a bag's result is multiplied with and divided by.
#[derive(Debug, Clone, Copy, Default)]
pub struct BagFactors<'a> {
    /// The divisor of a mean.
    pub divisor: Option<f32>,
    /// The weights of the ids, bag by bag.
    pub weights: Option<&'a [f32]>,
    /// The number of contributions to each slot.
    pub counts: Option<&'a [u32]>,
}

/// Adds columns `cols` of the contributions of sums and means: `rows`, `[bags, cols.len()]`, are the gradients of the bags.
///
/// # Panics
/// If lengths do not match each other, or `cols` are not columns of the sums.
#[inline(never)]
pub fn add_bags(
    isa: Isa,
    sums: &mut Sums<'_>,
    bags: BagSlots<'_>,
    cols: Range<usize>,
    rows: &[f32],
    factors: BagFactors<'_>,
) {
    let BagSlots { slots, len, .. } = bags;
    sums.expect_cols(&cols);
    let width = cols.len();
    if rows.is_empty() || len == 0 {
        return;
    }
    let count = rows.len() / width;
    assert!(count * width == rows.len(), "a row for each bag");
    let different = if bags.shared.is_some() { 1 } else { count };
    assert!(different * len <= slots.len(), "a slot for each id");
    assert!(
        factors.weights.is_none_or(|weights| weights.len() == count * len),
        "a weight for each id"
    );
    assert!(
        bags.group >= len || bags.shared.is_some(),
        "groups of ids that all bags have"
    );
    dispatch!(isa, simd => add_groups(simd, sums, bags, cols, rows, factors))
}

#[inline(always)]
fn add_groups<S: Simd>(
    simd: S,
    sums: &mut Sums<'_>,
    bags: BagSlots<'_>,
    cols: Range<usize>,
    rows: &[f32],
    factors: BagFactors<'_>,
) {
    let (
        BagSlots {
            slots,
            len,
            shared,
            group,
        },
        width,
    ) = (bags, cols.len());
    let BagFactors {
        divisor,
        weights,
        counts,
    } = factors;
    let mut quotient = [0.0; QUOTIENTS];
    let wide = if divisor.is_some() { QUOTIENTS } else { width };
    for start in (0..len).step_by(group) {
        let end = len.min(start.saturating_add(group));
        for (b, grad) in rows.chunks_exact(width).enumerate() {
            let (at, first) = match shared {
                None => (b * len, true),
                Some(first) => (0, first && b == 0),
            };
            let part = at + start..at + end;
            let weights = weights.map(|weights| &weights[b * len + start..b * len + end]);
            for (grad, col) in grad.chunks(wide).zip((cols.start..).step_by(wide)) {
                let cols = col..col + grad.len();
                let mut row = Plain::of(grad);
                if let Some(divisor) = divisor {
                    let quotient = &mut quotient[..grad.len()];
                    Divided(row, divisor).copy_to(simd, quotient);
                    row = Plain::of(quotient);
                }
                // The product with 1 changes no quotient.
                let weight = |i: usize| weights.map_or(1.0, |weights| weights[i - part.start]);
                match counts {
                    Some(counts) => add_part(
                        simd,
                        sums,
                        slots,
                        part.clone(),
                        first,
                        &cols,
                        #[inline(always)]
                        |i| Divided(Scaled(row, weight(i)), slots[i].count(counts)),
                        |_| (),
                    ),
                    None if weights.is_some() => add_part(
                        simd,
                        sums,
                        slots,
                        part.clone(),
                        first,
                        &cols,
                        #[inline(always)]
                        |i| Scaled(row, weight(i)),
                        |_| (),
                    ),
                    None => add_part(simd, sums, slots, part.clone(), first, &cols, |_| row, |_| ()),
                }
            }
        }
    }
}

/// Which id of a bag has the maximum of each column.
#[derive(Debug)]
pub struct Maxima {
    /// The number of ids so far, with padding.
    seen: u32,
    /// Whether none was kept.
    empty: bool,
    maxima: [f32; BAG_COLS],
    /// The number of the id.
    ids: [u32; BAG_COLS],
    /// A copy of a row, or a contribution.
    row: [f32; BAG_COLS],
}

impl Default for Maxima {
    fn default() -> Self {
        Maxima {
            seen: 0,
            empty: true,
            maxima: [0.0; BAG_COLS],
            ids: [0; BAG_COLS],
            row: [0.0; BAG_COLS],
        }
    }
}

impl Maxima {
    /// Begins another bag.
    pub fn clear(&mut self) {
        (self.seen, self.empty) = (0, true);
    }

    /// Adds more ids of the bag: the first of equal values has the maximum, and the first NaN.
    ///
    /// # Panics
    /// If the table is not one of f32, or has no such columns.
    #[inline(never)]
    pub fn extend(
        &mut self,
        isa: Isa,
        table: Table<'_>,
        padding: Option<usize>,
        ids: Indices<'_>,
        cols: Range<usize>,
    ) {
        assert!(cols.len() <= BAG_COLS, "too many columns");
        dispatch!(isa, simd => self.search(simd, table, padding, ids, cols))
    }

    #[inline(always)]
    fn search<S: Simd>(
        &mut self,
        simd: S,
        table: Table<'_>,
        padding: Option<usize>,
        ids: Indices<'_>,
        cols: Range<usize>,
    ) {
        let rows = Rows::<Plain<'_>>::of(table);
        let (maxima, winners) = (&mut self.maxima[..cols.len()], &mut self.ids[..cols.len()]);
        let values = &mut self.row[..cols.len()];
        for i in 0..ids.len() {
            let id = self.seen;
            self.seen += 1;
            if padding == Some(ids.get(i)) {
                continue;
            }
            let row = rows.of_id(ids, i).cols(cols.clone());
            if self.empty {
                row.copy_to(simd, maxima);
                winners.fill(id);
                self.empty = false;
                continue;
            }
            // A copy, so that the compiler vectorizes the loop.
            row.copy_to(simd, values);
            for ((&x, max), winner) in values.iter().zip(&mut *maxima).zip(&mut *winners) {
                let greater = (x > *max) | (x.is_nan() & !max.is_nan());
                *max = if greater { x } else { *max };
                *winner = if greater { id } else { *winner };
            }
        }
    }
}

/// Adds columns `cols` of the contributions of a maximum: `row`, `[cols.len()]`, is the gradient of the bag, and `slots` are
/// those of its ids.
///
/// # Panics
/// If the lengths do not match, or `cols` are not columns of the sums.
#[inline(never)]
pub fn add_maxima(
    isa: Isa,
    sums: &mut Sums<'_>,
    slots: &[Slot],
    cols: Range<usize>,
    (row, maxima): (&[f32], &mut Maxima),
    counts: Option<&[u32]>,
) {
    sums.expect_cols(&cols);
    assert!(row.len() == cols.len(), "a gradient for each column");
    let Maxima {
        ids,
        row: contribution,
        ..
    } = maxima;
    let (ids, contribution) = (&ids[..row.len()], &mut contribution[..row.len()]);
    dispatch!(isa, simd => for (i, slot) in slots.iter().enumerate() {
        for ((c, &x), &id) in contribution.iter_mut().zip(row).zip(ids) {
            *c = if id == i as u32 { x } else { 0.0 };
        }
        if let Some(counts) = counts {
            let count = slot.count(counts);
            for c in &mut *contribution {
                *c /= count;
            }
        }
        add_part(simd, sums, slots, i..i + 1, true, &cols, |_| Plain::of(contribution), |_| ());
    })
}

/// The row of a mean's gradient: out = row / divisor.
///
/// # Panics
/// If the lengths differ.
#[inline(never)]
pub fn divide(isa: Isa, row: &[f32], divisor: f32, out: &mut [f32]) {
    assert!(row.len() == out.len(), "a quotient for each value");
    dispatch!(isa, simd => Divided(Plain::of(row), divisor).copy_to(simd, out));
}

/// Finishes the gradients of weights, which are dot products with the rows of `ids`: `mean`, the product with a mean, is
/// subtracted from each; those of padding are +0.
///
/// # Panics
/// If there are fewer gradients than ids.
pub fn finish_weights(ids: Indices<'_>, padding: Option<usize>, mean: Option<f32>, out: &mut [f32]) {
    for (i, out) in out[..ids.len()].iter_mut().enumerate() {
        *out = match (padding == Some(ids.get(i)), mean) {
            (true, _) => 0.0,
            (false, Some(mean)) => *out - mean,
            (false, None) => *out,
        };
    }
}

/// The numbers of contributions, if all of `rows` rows contribute as counted.
pub fn repeat_counts(counts: &mut [u32], rows: usize) {
    // A row has 2^32 contributions at most, which u32::MAX is as f32.
    let rows = u32::try_from(rows).unwrap_or(u32::MAX);
    for count in counts {
        *count = count.saturating_mul(rows);
    }
}
