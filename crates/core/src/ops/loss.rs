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
//! numbers. Therefore the sum never contains its largest term, which is 1: with `others` = the sum without one of the
//! maxima, the loss is ln(1 + others) - z_t, a sum of two numbers >= 0, and the gradient of a target that has the
//! maximum is -others / (1 + others). The gradient of the binary cross entropy uses sigma(s) = 1 - sigma(-s) likewise.

use crate::error::Error;
use crate::indices::{each_type, Ids};
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

impl<'a> Targets<'a> {
    /// Checks that every target is a column or the ignored one. Returns the number of rows that are kept, of `rows` rows.
    ///
    /// Errors: `ERR_ID_OUT_OF_RANGE` with the position of the first target that is neither.
    pub fn check(&self, isa: Isa, rows: usize, columns: usize) -> Result<usize, Error> {
        let bound = (columns as u64).min(1 << 32);
        match (self.ids, self.ignored) {
            (None, ignored) => Ok(if ignored == Some(0) { 0 } else { rows }),
            (Some(ids), None) => ids.check(isa, bound).map(|_| rows),
            (Some(ids), Some(ignored)) => each_type!(ids, ids => kept(ids, ignored, bound))
                .map_err(|position| Error::IdOutOfRange { position, bound }),
        }
    }

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

/// The number of ids that are not the ignored one; `Err` is the position of the first other id that is not below `bound`.
fn kept<T: Copy + Into<i64>>(ids: &[T], ignored: i64, bound: u64) -> Result<usize, usize> {
    let mut kept = 0;
    for (position, &id) in ids.iter().enumerate() {
        let id = id.into();
        if id != ignored {
            if !(0..bound as i64).contains(&id) {
                return Err(position);
            }
            kept += 1;
        }
    }
    Ok(kept)
}

/// The largest of `max` and the values. A NaN is not larger than any.
#[inline(always)]
fn largest(x: &[f32], max: f32) -> f32 {
    const LANES: usize = 16;
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut max = rest.iter().fold(max, |max, &x| larger(max, x));
    // A few values need no lanes.
    if !chunks.is_empty() {
        let mut lanes = [max; LANES];
        for chunk in chunks {
            for (lane, &x) in lanes.iter_mut().zip(chunk) {
                *lane = larger(*lane, x);
            }
        }
        max = lanes.iter().fold(max, |max, &x| larger(max, x));
    }
    max
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

/// The sum of a block, `term(x)` for each of `values`.
#[inline(always)]
fn block_sum(values: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += term(x);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane += term(x);
    }
    tree(lanes)
}

/// The sum of e^(x_j - max) over the columns of a row.
#[derive(Debug, Clone, Copy)]
struct Softmax {
    max: f32,
    /// The number of terms that are 1.
    ones: f64,
    /// The sum of the other terms.
    rest: f64,
}

impl Softmax {
    fn new(max: f32) -> Self {
        let (ones, rest) = (0.0, 0.0);
        Softmax { max, ones, rest }
    }

    /// The sum without one of the largest terms.
    #[inline(always)]
    fn others(&self) -> f64 {
        (self.ones - 1.0) + self.rest
    }

    /// Adds the terms of one block.
    #[inline(always)]
    fn add(&mut self, terms: &[f64]) {
        self.ones += block_sum(terms, |x| if x == 1.0 { 1.0 } else { 0.0 });
        self.rest += block_sum(terms, |x| if x == 1.0 { 0.0 } else { x });
    }

    /// Adds the terms of columns that begin with a block.
    #[inline(always)]
    fn extend(&mut self, x: &[f32]) {
        let mut terms = [0.0; BLOCK];
        for x in x.chunks(BLOCK) {
            let terms = &mut terms[..x.len()];
            differences(x, self.max, terms);
            exp_each(terms);
            self.add(terms);
        }
    }
}

/// z = x - max
#[inline(always)]
fn differences(x: &[f32], max: f32, z: &mut [f64]) {
    for (z, &x) in z.iter_mut().zip(x) {
        *z = f64::from(x) - f64::from(max);
    }
}

/// z = e^z
#[inline(always)]
fn exp_each(z: &mut [f64]) {
    for z in z {
        *z = exp(*z);
    }
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

    /// The factor of e^z.
    #[inline(always)]
    fn scale(&self) -> f64 {
        self.inverse / self.divisor
    }

    /// The gradient of the score `x` of the target.
    #[inline(always)]
    fn of_target(&self, x: f32) -> f32 {
        let gradient = match x == self.max {
            true => 0.0 - self.others * self.inverse,
            false => exp(f64::from(x) - f64::from(self.max)) * self.inverse - 1.0,
        };
        (gradient / self.divisor) as f32
    }

    /// The loss of the row, if the target has the score `x`; `logarithm` is ln(1 + others).
    #[inline(always)]
    fn loss(&self, x: f32, logarithm: f64) -> f64 {
        logarithm - (f64::from(x) - f64::from(self.max))
    }
}

/// Computes the cross entropy of whole rows, and replaces scores by gradients.
///
/// ```text
/// x [rows, columns], a target for each row -> out [rows, columns];  total += the loss of each row that is kept
/// ```
/// `divisor` is N. Excluded rows get +0.
///
/// # Panics
/// If `out` is not rows of `columns` values, or there is not a target for each row, or one is not a column.
#[inline(never)]
pub fn cross_entropy(
    isa: Isa,
    columns: usize,
    targets: &Targets<'_>,
    divisor: f64,
    x: Source<'_>,
    out: &mut [f32],
    total: &mut Total,
) {
    assert!(
        columns > 0 && out.len().is_multiple_of(columns),
        "rows of other widths"
    );
    let rows = out.len() / columns;
    assert!(
        targets.ids.is_none_or(|ids| ids.len() == rows),
        "a target for each row"
    );
    if columns > BLOCK {
        for (row, out) in out.chunks_exact_mut(columns).enumerate() {
            if let Source::Slice(x) = x {
                out.copy_from_slice(&x[row * columns..][..columns]);
            }
            let mut edit =
                |cols: Range<usize>, _: bool, work: &mut dyn FnMut(&mut [f32])| work(&mut out[cols]);
            cross_entropy_parts(isa, columns, columns, targets.of(row), divisor, total, &mut edit);
        }
        return;
    }
    dispatch_plain!(isa, narrow_rows(columns, targets, divisor, &x, out, total))
}

/// Rows of at most one block each: as many as a block holds are computed together.
#[inline(always)]
fn narrow_rows(
    columns: usize,
    targets: &Targets<'_>,
    divisor: f64,
    x: &Source<'_>,
    out: &mut [f32],
    total: &mut Total,
) {
    let group = (BLOCK / columns).min(ROWS);
    let mut terms = [0.0; BLOCK];
    let (mut max, mut others, mut logarithms) = ([0.0; ROWS], [0.0; ROWS], [0.0; ROWS]);
    for (g, out) in out.chunks_mut(group * columns).enumerate() {
        let first = g * group;
        if let Source::Slice(x) = x {
            out.copy_from_slice(&x[first * columns..][..out.len()]);
        }
        let terms = &mut terms[..out.len()];
        for ((x, z), max) in out
            .chunks_exact(columns)
            .zip(terms.chunks_exact_mut(columns))
            .zip(&mut max)
        {
            *max = largest(x, f32::NEG_INFINITY);
            differences(x, *max, z);
        }
        exp_each(terms);
        for ((terms, others), &max) in terms.chunks_exact(columns).zip(&mut others).zip(&max) {
            let mut softmax = Softmax::new(max);
            softmax.add(terms);
            *others = softmax.others();
        }
        for (logarithm, &others) in logarithms.iter_mut().zip(&others) {
            *logarithm = ln_1p(others);
        }
        for (r, (out, terms)) in out
            .chunks_exact_mut(columns)
            .zip(terms.chunks_exact(columns))
            .enumerate()
        {
            let Some(target) = targets.of(first + r) else {
                out.fill(0.0);
                continue;
            };
            let (row, score) = (Row::new(max[r], others[r], divisor), out[target]);
            total.add(row.loss(score, logarithms[r]));
            let scale = row.scale();
            for (out, &term) in out.iter_mut().zip(terms) {
                *out = (term * scale) as f32;
            }
            out[target] = row.of_target(score);
        }
    }
}

/// Calls its last argument with the values of some columns of a row, which it replaces. The flag is set the first time
/// that the values are edited.
pub type EditRow<'a> = dyn FnMut(Range<usize>, bool, &mut dyn FnMut(&mut [f32])) + 'a;

/// The cross entropy of one row of `columns` values, of any width, in place. `edit` is called with at most `most`
/// columns, of which there must be at least a block.
pub fn cross_entropy_parts(
    isa: Isa,
    columns: usize,
    most: usize,
    target: Option<usize>,
    divisor: f64,
    total: &mut Total,
    edit: &mut EditRow<'_>,
) {
    assert!(
        most >= BLOCK && target.is_none_or(|target| target < columns),
        "a target that is not a column"
    );
    let most = most / BLOCK * BLOCK;
    let parts = || {
        (0..columns)
            .step_by(most)
            .map(|start| start..columns.min(start + most))
    };
    let Some(target) = target else {
        return parts().for_each(|cols| edit(cols, true, &mut |out| out.fill(0.0)));
    };
    let (mut max, mut score) = (f32::NEG_INFINITY, 0.0);
    for cols in parts() {
        edit(cols.clone(), true, &mut |x| {
            if cols.contains(&target) {
                score = x[target - cols.start];
            }
            max = dispatch_plain!(isa, largest(x, max));
        });
    }
    let mut softmax = Softmax::new(max);
    for cols in parts() {
        edit(cols, false, &mut |x| dispatch_plain!(isa, softmax.extend(x)));
    }
    let others = softmax.others();
    let row = Row::new(max, others, divisor);
    total.add(row.loss(score, ln_1p(others)));
    for cols in parts() {
        edit(cols.clone(), false, &mut |out| {
            dispatch_plain!(isa, gradients(&row, out));
            if cols.contains(&target) {
                out[target - cols.start] = row.of_target(score);
            }
        });
    }
}

/// The gradients of columns that are not the target, in place.
#[inline(always)]
fn gradients(row: &Row, out: &mut [f32]) {
    let (mut terms, scale) = ([0.0; BLOCK], row.scale());
    for out in out.chunks_mut(BLOCK) {
        let terms = &mut terms[..out.len()];
        differences(out, row.max, terms);
        exp_each(terms);
        for (out, &term) in out.iter_mut().zip(terms.iter()) {
            *out = (term * scale) as f32;
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
    #[inline(always)]
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
/// `divisor` is N. The first element is at a multiple of [`BLOCK`] of all elements.
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
    dispatch_plain!(
        isa,
        each_element(
            &labels,
            &x,
            out,
            total,
            #[inline(always)]
            |s, y| {
                let e = exp(-s.abs());
                let above = if s > 0.0 { s } else { 0.0 };
                // sigma(-|s|)
                let q = e / (1.0 + e);
                let gradient = if s >= 0.0 { (1.0 - y) - q } else { q - y };
                ((above - s * y) + ln_1p(e), gradient * scale)
            }
        )
    )
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
    dispatch_plain!(
        isa,
        each_element(
            &target,
            &x,
            out,
            total,
            #[inline(always)]
            |x, target| {
                let difference = x - target;
                (difference * difference, difference * scale)
            }
        )
    )
}

/// The loss and the gradient of each element, `term(x, label)`, block by block.
#[inline(always)]
fn each_element(
    labels: &Labels<'_>,
    x: &Source<'_>,
    out: &mut [f32],
    total: &mut Total,
    term: impl Fn(f64, f64) -> (f64, f64),
) {
    let (mut losses, mut targets) = ([0.0; BLOCK], [0.0; BLOCK]);
    for (b, out) in out.chunks_mut(BLOCK).enumerate() {
        let range = b * BLOCK..b * BLOCK + out.len();
        let (losses, targets) = (&mut losses[..out.len()], &mut targets[..out.len()]);
        if let Source::Slice(x) = x {
            out.copy_from_slice(&x[range.clone()]);
        }
        labels.copy_to(range, targets);
        for ((out, loss), &target) in out.iter_mut().zip(losses.iter_mut()).zip(targets.iter()) {
            let gradient;
            (*loss, gradient) = term(f64::from(*out), f64::from(target));
            *out = gradient as f32;
        }
        total.add(block_sum(losses, |loss| loss));
    }
}
