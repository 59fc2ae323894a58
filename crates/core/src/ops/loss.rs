//! Losses and their gradients, in f64 from f32, each gradient rounded once.
//!
//! ```text
//! cross entropy         z = x_j - max              loss = ln(sum e^z) - z_t            (e^z / sum - [j = t]) / N
//! binary cross entropy                             max(s, 0) - s y + ln(1 + e^-|s|)    (sigma(s) - y) / N
//! squared error                                    (x - t)^2                           2 (x - t) / N
//! ```
//!
//! # Order of sums
//! A sum over the columns of a row, or over elements, is cut into blocks of [`BLOCK`] terms:
//!
//! ```text
//! for each block:                lanes = [+0; 8];  lanes[c mod 8] += term of column c, ascending
//!                                for h in 4, 2, 1: lanes[j] += lanes[j + h] for j < h
//! over the columns of a row:     sum = +0; sum += lanes[0] for each block
//! over rows, or over elements:   a compensated sum (Knuth's two-sum) of the losses of rows, or of lanes[0]
//! ```
//! No order depends on the instruction set, and the compiler vectorizes both the terms and the lanes. Callers cut rows
//! and elements at multiples of a block only, so tiles do not affect the bits.
//!
//! # Cancellation
//! If almost all of the probability is that of the target, its loss and its gradient are tiny differences of large
//! numbers. Therefore the term of the first maximum, which is 1, is not in the sum: with `others` = the sum of the
//! other terms, the loss is ln(1 + others) - z_t, a sum of two numbers >= 0, and the gradient of a target that has the
//! maximum is -others / (1 + others). The gradient of the binary cross entropy uses sigma(s) = 1 - sigma(-s) likewise.

use crate::indices::Ids;
use crate::math::{exp, ln_1p};
use crate::ops::position::Source;
use crate::simd::{dispatch_plain, Isa};
use std::ops::Range;

/// Terms in a block: the scratch of a kernel stays in the L1 cache.
pub const BLOCK: usize = 1024;

/// Partial sums of a block.
const LANES: usize = 8;

/// The most rows that are computed together.
const ROWS: usize = 128;

/// A compensated sum.
#[derive(Debug, Clone, Copy, Default)]
pub struct Total {
    sum: f64,
    /// What rounding has removed from `sum`.
    rest: f64,
}

impl Total {
    #[inline(always)]
    fn add(&mut self, x: f64) {
        let sum = self.sum + x;
        let added = sum - self.sum;
        self.rest += (self.sum - (sum - added)) + (x - added);
        self.sum = sum;
    }

    /// The sum.
    pub fn value(&self) -> f64 {
        // The compensation of an infinite sum is NaN.
        match self.sum.is_finite() {
            true => self.sum + self.rest,
            false => self.sum,
        }
    }
}

/// The targets of rows.
#[derive(Debug, Clone, Copy)]
pub struct Targets<'a> {
    /// One for each row; column 0 for each without them.
    pub ids: Option<Ids<'a>>,
    /// The target of the rows that are excluded.
    pub ignored: Option<i64>,
}

impl Targets<'_> {
    /// The target column of a row; `None` if the row is excluded.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline(always)]
    pub fn of(&self, row: usize) -> Option<usize> {
        let target = self.ids.map_or(0, |ids| ids.value(row));
        (self.ignored != Some(target)).then_some(target as usize)
    }
}

/// f32 values that are compared together.
const COMPARED: usize = 16;

/// The largest of the values, -Infinity without any. A NaN is not larger than any.
#[inline(always)]
fn largest(x: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let (chunks, rest) = x.as_chunks::<COMPARED>();
    let mut max = rest.iter().fold(f32::NEG_INFINITY, |max, &x| larger(max, x));
    // A few values need no lanes.
    if !chunks.is_empty() {
        let mut lanes = [max; COMPARED];
        for chunk in chunks {
            for (lane, &x) in lanes.iter_mut().zip(chunk) {
                *lane = larger(*lane, x);
            }
        }
        max = lanes.iter().fold(max, |max, &x| larger(max, x));
    }
    max
}

/// The place of the first of the values that is `max`; any place if there is none, because one is NaN.
#[inline(always)]
fn place_of(x: &[f32], max: f32) -> usize {
    let has_max = |chunk: &[f32; COMPARED]| chunk.iter().fold(false, |found, &x| found | (x == max));
    let (chunks, _) = x.as_chunks::<COMPARED>();
    let start = chunks.iter().take_while(|chunk| !has_max(chunk)).count() * COMPARED;
    let place = x[start..].iter().position(|&x| x == max);
    place.map_or(0, |place| start + place)
}

/// The sum of the lanes, in the order of the tree.
#[inline(always)]
fn tree(mut lanes: [f64; LANES]) -> f64 {
    for half in [4, 2, 1] {
        for j in 0..half {
            lanes[j] += lanes[j + half];
        }
    }
    lanes[0]
}

/// The sum of a block.
#[inline(always)]
fn block_sum(values: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += x;
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane += x;
    }
    tree(lanes)
}

/// The sum of the terms of a block without the one at `place`, which is that of the maximum.
#[inline(always)]
fn sum_without(terms: &mut [f64], place: Option<usize>) -> f64 {
    // 1 - 1 is 0, but a NaN stays one.
    place.into_iter().for_each(|place| terms[place] -= 1.0);
    let sum = block_sum(terms);
    place.into_iter().for_each(|place| terms[place] += 1.0);
    sum
}

/// z = x - max
#[inline(always)]
fn differences(x: &[f32], max: f32, z: &mut [f64]) {
    for (z, &x) in z.iter_mut().zip(x) {
        *z = f64::from(x) - f64::from(max);
    }
}

// The polynomials are in functions of their own, which all losses call with a block of values.

/// z = e^z
#[inline(never)]
fn exp_each(isa: Isa, z: &mut [f64]) {
    dispatch_plain!(isa, z.iter_mut().for_each(|z| *z = exp(*z)));
}

/// x = ln(1 + x)
#[inline(never)]
fn ln_1p_each(isa: Isa, x: &mut [f64]) {
    dispatch_plain!(isa, x.iter_mut().for_each(|x| *x = ln_1p(*x)));
}

/// What the loss and the gradient of a row need besides its scores.
#[derive(Debug, Clone, Copy)]
struct Row {
    max: f32,
    others: f64,
    /// 1 / sum
    inverse: f64,
    divisor: f64,
}

impl Row {
    #[inline(always)]
    fn new(max: f32, others: f64, divisor: f64) -> Self {
        let inverse = 1.0 / (1.0 + others);
        Row {
            max,
            others,
            inverse,
            divisor,
        }
    }

    /// The gradients of columns that are not the target, from their terms.
    #[inline(always)]
    fn gradients(&self, terms: &[f64], out: &mut [f32]) {
        let scale = self.inverse / self.divisor;
        for (out, &term) in out.iter_mut().zip(terms) {
            *out = (term * scale) as f32;
        }
    }

    /// The same from their scores, in place.
    #[inline(always)]
    fn gradients_again(&self, isa: Isa, out: &mut [f32]) {
        let mut terms = [0.0; BLOCK];
        for out in out.chunks_mut(BLOCK) {
            let terms = &mut terms[..out.len()];
            differences(out, self.max, terms);
            exp_each(isa, terms);
            self.gradients(terms, out);
        }
    }

    /// The gradient of the score `x` of the target, which has the term `term`.
    #[inline(always)]
    fn of_target(&self, x: f32, term: f64) -> f32 {
        let gradient = match x == self.max {
            true => 0.0 - self.others * self.inverse,
            false => term * self.inverse - 1.0,
        };
        (gradient / self.divisor) as f32
    }

    /// The loss of the row, if the target has the score `x`; `logarithm` is ln(1 + others).
    #[inline(always)]
    fn loss(&self, x: f32, logarithm: f64) -> f64 {
        logarithm - (f64::from(x) - f64::from(self.max))
    }
}

/// The cross entropy of rows of a call.
pub struct CrossEntropy<'a> {
    /// The instruction set.
    pub isa: Isa,
    /// The number of columns of a row.
    pub columns: usize,
    /// N.
    pub divisor: f64,
    /// Room for the terms of a row that is wider than a block. Terms without room are computed twice.
    pub terms: &'a mut [f64],
    /// The sum of the losses of rows.
    pub total: Total,
}

/// Calls its last argument with the values of some columns of a row, which it replaces. The flag is set the first time
/// that the values are edited.
pub type EditRow<'a> = dyn FnMut(Range<usize>, bool, &mut dyn FnMut(&mut [f32])) + 'a;

impl CrossEntropy<'_> {
    /// Computes whole rows, and replaces scores by gradients.
    ///
    /// ```text
    /// x [rows, columns], a target for each row -> out [rows, columns];  total += the loss of each row that is kept
    /// ```
    /// Excluded rows get +0.
    ///
    /// # Panics
    /// If `out` or `x` is not rows of this width, there is not a target for each row, or one is not a column.
    #[inline(never)]
    pub fn rows(&mut self, targets: &Targets<'_>, x: Source<'_>, out: &mut [f32]) {
        let (isa, columns) = (self.isa, self.columns);
        assert!(
            columns > 0 && out.len().is_multiple_of(columns),
            "rows of other widths"
        );
        let rows = out.len() / columns;
        assert!(
            targets.ids.is_none_or(|ids| ids.len() == rows),
            "a target for each row"
        );
        if columns <= BLOCK {
            let (divisor, total) = (self.divisor, &mut self.total);
            return dispatch_plain!(isa, narrow_rows(isa, columns, targets, divisor, &x, out, total));
        }
        for (row, out) in out.chunks_exact_mut(columns).enumerate() {
            if let Source::Slice(x) = x {
                out.copy_from_slice(&x[row * columns..][..columns]);
            }
            self.wide_row(targets.of(row), columns, &mut |cols, _, work| {
                work(&mut out[cols])
            });
        }
    }

    /// Computes one row of any width in place, in parts. `edit` is called with at most `most` columns, and `most` is at
    /// least [`BLOCK`].
    ///
    /// # Panics
    /// If the target is not a column.
    pub fn wide_row(&mut self, target: Option<usize>, most: usize, edit: &mut EditRow<'_>) {
        let (isa, columns) = (self.isa, self.columns);
        let most = most / BLOCK * BLOCK;
        let parts = || {
            (0..columns)
                .step_by(most)
                .map(|start| start..columns.min(start + most))
        };
        let Some(target) = target else {
            return parts().for_each(|cols| edit(cols, true, &mut |out| out.fill(0.0)));
        };
        assert!(target < columns, "a target that is not a column");
        let (mut score, mut highest) = (0.0, Highest::default());
        for cols in parts() {
            edit(cols.clone(), true, &mut |x| {
                if cols.contains(&target) {
                    score = x[target - cols.start];
                }
                dispatch_plain!(isa, highest.extend(cols.start, x));
            });
        }
        let kept = self.terms.len() >= columns;
        let place = |cols: &Range<usize>| if kept { cols.clone() } else { 0..0 };
        let mut others = 0.0;
        for cols in parts() {
            let terms = &mut self.terms[place(&cols)];
            edit(cols.clone(), false, &mut |x| {
                others = dispatch_plain!(isa, highest.sum_others(isa, others, cols.start, x, terms))
            });
        }
        let row = Row::new(highest.max, others, self.divisor);
        let (mut logarithm, mut term) = ([others], [0.0]);
        ln_1p_each(isa, &mut logarithm);
        self.total.add(row.loss(score, logarithm[0]));
        differences(&[score], row.max, &mut term);
        exp_each(isa, &mut term);
        for cols in parts() {
            let terms = &self.terms[place(&cols)];
            edit(cols.clone(), false, &mut |out| {
                match kept {
                    true => dispatch_plain!(isa, row.gradients(terms, out)),
                    false => dispatch_plain!(isa, row.gradients_again(isa, out)),
                }
                if cols.contains(&target) {
                    out[target - cols.start] = row.of_target(score, term[0]);
                }
            });
        }
    }
}

/// The maximum of a row of several blocks.
#[derive(Debug, Clone, Copy)]
struct Highest {
    max: f32,
    /// The first column of the first block that has it.
    block: usize,
}

impl Default for Highest {
    fn default() -> Self {
        Highest {
            max: f32::NEG_INFINITY,
            block: 0,
        }
    }
}

impl Highest {
    /// Considers the columns from `start` on, where a block begins.
    #[inline(always)]
    fn extend(&mut self, start: usize, x: &[f32]) {
        for (b, x) in x.chunks(BLOCK).enumerate() {
            let max = largest(x);
            if max > self.max {
                *self = Highest {
                    max,
                    block: start + b * BLOCK,
                };
            }
        }
    }

    /// `sum` and their terms without that of the first maximum. Keeps the terms if there is room for them.
    #[inline(always)]
    fn sum_others(&self, isa: Isa, sum: f64, start: usize, x: &[f32], kept: &mut [f64]) -> f64 {
        let (mut sum, mut block) = (sum, [0.0; BLOCK]);
        for (b, x) in x.chunks(BLOCK).enumerate() {
            let terms = match kept.is_empty() {
                true => &mut block[..x.len()],
                false => &mut kept[b * BLOCK..][..x.len()],
            };
            differences(x, self.max, terms);
            exp_each(isa, terms);
            let has_max = start + b * BLOCK == self.block;
            sum += sum_without(terms, has_max.then(|| place_of(x, self.max)));
        }
        sum
    }
}

/// Rows of at most one block each: as many as a block holds are computed together.
#[inline(always)]
fn narrow_rows(
    isa: Isa,
    columns: usize,
    targets: &Targets<'_>,
    divisor: f64,
    x: &Source<'_>,
    out: &mut [f32],
    total: &mut Total,
) {
    let group = (BLOCK / columns).min(ROWS);
    let mut terms = [0.0; BLOCK];
    let (mut max, mut places) = ([0.0; ROWS], [0; ROWS]);
    let mut others = [0.0; ROWS];
    for (g, out) in out.chunks_mut(group * columns).enumerate() {
        let first = g * group;
        if let Source::Slice(x) = x {
            out.copy_from_slice(&x[first * columns..][..out.len()]);
        }
        let terms = &mut terms[..out.len()];
        let rows = out.chunks_exact(columns).zip(terms.chunks_exact_mut(columns));
        for (r, (x, z)) in rows.enumerate() {
            max[r] = largest(x);
            places[r] = place_of(x, max[r]);
            differences(x, max[r], z);
        }
        exp_each(isa, terms);
        for (r, terms) in terms.chunks_exact_mut(columns).enumerate() {
            others[r] = sum_without(terms, Some(places[r]));
        }
        let mut logarithms = others;
        ln_1p_each(isa, &mut logarithms[..out.len() / columns]);
        let rows = out.chunks_exact_mut(columns).zip(terms.chunks_exact(columns));
        for (r, (out, terms)) in rows.enumerate() {
            let Some(target) = targets.of(first + r) else {
                out.fill(0.0);
                continue;
            };
            let (row, score) = (Row::new(max[r], others[r], divisor), out[target]);
            total.add(row.loss(score, logarithms[r]));
            row.gradients(terms, out);
            out[target] = row.of_target(score, terms[target]);
        }
    }
}

/// The labels of elements.
#[derive(Debug, Clone, Copy)]
pub enum Labels<'a> {
    /// One for each element.
    Slice(&'a [f32]),
    /// 1 for the first element of each row, 0 for the rest.
    First {
        /// The number of columns of a row.
        columns: usize,
        /// The place of the first element among all elements.
        start: usize,
    },
}

impl Labels<'_> {
    /// Writes the labels of elements `range` to `to`.
    fn copy_to(&self, range: Range<usize>, to: &mut [f32]) {
        match *self {
            Labels::Slice(labels) => to.copy_from_slice(&labels[range]),
            Labels::First { columns, start } => {
                let place = start + range.start;
                to.fill(0.0);
                let first = place.next_multiple_of(columns) - place;
                to.iter_mut()
                    .skip(first)
                    .step_by(columns)
                    .for_each(|label| *label = 1.0);
            }
        }
    }
}

/// Computes the binary cross entropy of elements, and replaces scores by gradients.
///
/// ```text
/// s, y [n] -> out [n];  total += max(s, 0) - s y + ln(1 + e^-|s|) for each block
/// ```
/// `divisor` is N. The first element is at a multiple of [`BLOCK`] of all elements. s y is +0 for -Infinity and 0.
///
/// # Panics
/// If lengths differ, or rows have no columns.
#[inline(never)]
pub fn binary_cross_entropy(
    isa: Isa,
    labels: Labels<'_>,
    divisor: f64,
    x: Source<'_>,
    out: &mut [f32],
    total: &mut Total,
) {
    let scale = 1.0 / divisor;
    let mut terms = [0.0; BLOCK];
    each_block(isa, &labels, &x, out, total, |labels, out, losses| {
        let terms = &mut terms[..out.len()];
        dispatch_plain!(isa, minus_sizes(out, terms));
        exp_each(isa, terms);
        losses.copy_from_slice(terms);
        ln_1p_each(isa, losses);
        dispatch_plain!(isa, binary(terms, labels, scale, out, losses));
    });
}

/// z = -|s|
#[inline(always)]
fn minus_sizes(s: &[f32], z: &mut [f64]) {
    for (z, &s) in z.iter_mut().zip(s) {
        *z = -f64::from(s).abs();
    }
}

/// The binary cross entropy of scores, which become gradients, from e = e^-|s|. `losses` has ln(1 + e).
#[inline(always)]
fn binary(terms: &[f64], labels: &[f32], scale: f64, out: &mut [f32], losses: &mut [f64]) {
    for (((out, loss), &e), &y) in out.iter_mut().zip(losses).zip(terms).zip(labels) {
        let (s, y) = (f64::from(*out), f64::from(y));
        let above = if s > 0.0 { s } else { 0.0 };
        // A masked score adds nothing, although its product with 0 is NaN.
        let product = if y == 0.0 && s == f64::NEG_INFINITY {
            0.0
        } else {
            s * y
        };
        *loss += above - product;
        // sigma(-|s|)
        let q = e / (1.0 + e);
        let gradient = if s >= 0.0 { (1.0 - y) - q } else { q - y };
        *out = (gradient * scale) as f32;
    }
}

/// Computes the squared error of elements, and replaces `x` by gradients.
///
/// ```text
/// x, target [n] -> out [n];  total += (x - target)^2 for each block
/// ```
/// `divisor` is N. The first element is at a multiple of [`BLOCK`] of all elements.
///
/// # Panics
/// If lengths differ.
#[inline(never)]
pub fn squared_error(
    isa: Isa,
    target: Labels<'_>,
    divisor: f64,
    x: Source<'_>,
    out: &mut [f32],
    total: &mut Total,
) {
    let scale = 2.0 / divisor;
    each_block(isa, &target, &x, out, total, |target, out, losses| {
        dispatch_plain!(isa, squared(target, scale, out, losses))
    });
}

/// The squared error of values, which become gradients.
#[inline(always)]
fn squared(target: &[f32], scale: f64, out: &mut [f32], losses: &mut [f64]) {
    for ((out, loss), &target) in out.iter_mut().zip(losses).zip(target) {
        let difference = f64::from(*out) - f64::from(target);
        *loss = difference * difference;
        *out = (difference * scale) as f32;
    }
}

/// Computes the losses and the gradients of elements, block by block: `work(labels, values, losses)` replaces the values
/// by gradients.
fn each_block(
    isa: Isa,
    labels: &Labels<'_>,
    x: &Source<'_>,
    out: &mut [f32],
    total: &mut Total,
    mut work: impl FnMut(&[f32], &mut [f32], &mut [f64]),
) {
    let (mut losses, mut targets) = ([0.0; BLOCK], [0.0; BLOCK]);
    for (b, out) in out.chunks_mut(BLOCK).enumerate() {
        let range = b * BLOCK..b * BLOCK + out.len();
        let (losses, targets) = (&mut losses[..out.len()], &mut targets[..out.len()]);
        if let Source::Slice(x) = x {
            out.copy_from_slice(&x[range.clone()]);
        }
        labels.copy_to(range, targets);
        work(targets, out, losses);
        total.add(dispatch_plain!(isa, block_sum(losses)));
    }
}
