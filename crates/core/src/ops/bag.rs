//! Bags: many rows become one, their sum, mean or maximum, column by column.
//!
//! ```text
//! held = [+0; cols]                        (max: -infinity, which every other value replaces)
//! for i in the bag:                        in index order
//!     if ids[i] is padding: continue
//!     sum, mean:  held = f32(held + row)   or f32(held + f32(row * weights[i]))
//!     max:        held = row where row > held, or row is NaN and held is not
//! mean:  held = held / f32(ids kept)       or held / (f32 sum of the weights kept, in index order)
//! nothing kept:  held = 0
//! ```
//!
//! Departures from that loop, none of which changes a bit: columns are independent, so they are done in
//! blocks that stay in registers while the ids are walked inside; and ids are taken in runs, padding left out
//! beforehand, so that nothing in the inner loop asks about padding or the type of the ids.

use crate::checked::{Bags, Indices, Run};
use crate::row::{with_rows, Row};
use crate::simd::{dispatch, for_each_vector, Isa, Simd};
use crate::table::{Rows, Table};
use crate::tuning::{tuning, Ahead};
use std::ops::Range;

/// What becomes of the rows of a bag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Their sum.
    Sum,
    /// Their sum, divided by how many there are (or by the sum of their weights).
    Mean,
    /// The largest value of each column; NaN if there is one.
    Max,
}

/// What a bag does with its ids.
#[derive(Debug, Clone, Copy)]
pub struct Bag<'a> {
    /// The rows, `[V, D]`.
    pub table: Table<'a>,
    /// What becomes of them.
    pub mode: Mode,
    /// The id that counts for nothing.
    pub padding: Option<usize>,
}

/// What must be remembered of a bag, beside its accumulators, between one part of its ids and the next.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct BagState {
    /// Ids kept so far: not padding.
    kept: usize,
    /// The sum of their weights, in index order, where there are weights.
    weight: Option<f32>,
}

/// Takes more ids into one bag.
///
/// ```text
/// table [V, D], ids [n], weights [n] -> acc [cols.len()]
/// ```
/// A bag begins with `BagState::default()` and any `acc`; its ids may come in any number of parts, in order;
/// it ends with [`bag_finish`]. A column range of a bag is a bag of its own, with a state of its own.
///
/// # Panics
/// When lengths do not fit each other or the table, or weights are given for a maximum.
pub fn bag_extend(
    isa: Isa,
    bag: &Bag<'_>,
    ids: Indices<'_>,
    weights: Option<&[f32]>,
    cols: Range<usize>,
    state: &mut BagState,
    acc: &mut [f32],
) {
    check(bag, ids, weights);
    let dim = bag.table.dim();
    assert!(
        cols.start <= cols.end && cols.end <= dim,
        "columns {cols:?} of {dim}"
    );
    assert_eq!(
        cols.len(),
        acc.len(),
        "columns {cols:?} do not fit the accumulators"
    );
    dispatch!(isa, simd => with_rows!(bag.table, rows => {
        Bagger::new(simd, rows, bag, ids).extend(cols, 0..ids.len(), weights, state, acc)
    }));
}

/// Ends a bag: `acc` becomes its result.
pub fn bag_finish(isa: Isa, bag: &Bag<'_>, state: &BagState, acc: &mut [f32]) {
    dispatch!(isa, simd => finish(simd, bag.mode, state, acc));
}

/// Whole bags.
///
/// ```text
/// table [V, D], ids [n], weights [n], bags -> out [bags, D]
/// ```
/// The same bits as [`bag_extend`] and [`bag_finish`] for each bag. `out` is wholly written.
///
/// # Panics
/// When lengths do not fit each other or the table, or weights are given for a maximum.
pub fn bag(
    isa: Isa,
    bag: &Bag<'_>,
    ids: Indices<'_>,
    bags: &Bags<'_>,
    weights: Option<&[f32]>,
    out: &mut [f32],
) {
    check(bag, ids, weights);
    let (dim, count) = (bag.table.dim(), bags.bags());
    assert_eq!(
        count.checked_mul(dim),
        Some(out.len()),
        "{count} bags of {dim} columns do not fit the output"
    );
    let end = if count == 0 { 0 } else { bags.bag(count - 1).end };
    assert_eq!(end, ids.len(), "the bags do not take every id");
    dispatch!(isa, simd => with_rows!(bag.table, rows => {
        let mut bagger = Bagger::new(simd, rows, bag, ids);
        for (b, out) in out.chunks_exact_mut(dim).enumerate() {
            let part = bags.bag(b);
            let mut state = BagState::default();
            bagger.extend(0..dim, part, weights, &mut state, out);
            finish(simd, bag.mode, &state, out);
        }
    }));
}

fn check(bag: &Bag<'_>, ids: Indices<'_>, weights: Option<&[f32]>) {
    let Some(weights) = weights else { return };
    assert_eq!(weights.len(), ids.len(), "one weight for each id");
    assert!(bag.mode != Mode::Max, "a maximum has no weights");
}

#[inline(always)]
fn finish<S: Simd>(simd: S, mode: Mode, state: &BagState, acc: &mut [f32]) {
    if state.kept == 0 {
        acc.fill(0.0);
    } else if mode == Mode::Mean {
        let divisor = simd.splat(state.weight.unwrap_or(state.kept as f32));
        for_each_vector(
            simd,
            acc,
            #[inline(always)]
            |_, _, held| simd.div(simd.load(held), divisor),
        );
    }
}

/// Takes ids into bags: what does not change from bag to bag, and the run of ids it is at.
struct Bagger<'a, 'i, S, R> {
    simd: S,
    rows: Rows<'a, R>,
    mode: Mode,
    padding: Option<usize>,
    /// The ids of all bags, one after the other.
    ids: Indices<'i>,
    ahead: Ahead,
    run: Run,
}

impl<'a, 'i, S: Simd, R: Row<'a>> Bagger<'a, 'i, S, R> {
    #[inline(always)]
    fn new(simd: S, rows: Rows<'a, R>, bag: &Bag<'_>, ids: Indices<'i>) -> Self {
        Bagger {
            simd,
            rows,
            mode: bag.mode,
            padding: bag.padding,
            ids,
            ahead: tuning().bag(bag.table.bytes(), bag.table.row_bytes()),
            run: Run::default(),
        }
    }

    /// Takes entries `part` of the ids, and their weights, into `acc`.
    #[inline(always)]
    fn extend(
        &mut self,
        cols: Range<usize>,
        part: Range<usize>,
        weights: Option<&[f32]>,
        state: &mut BagState,
        acc: &mut [f32],
    ) {
        for start in part.clone().step_by(Run::LEN) {
            let part = start..part.end.min(start + Run::LEN);
            self.ask_ahead(part.clone());
            let weights = weights.map(|weights| &weights[part.clone()]);
            self.run.fill(self.ids.slice(part), weights, self.padding);
            if self.run.is_empty() {
                continue;
            }
            self.columns(cols.clone(), weights.is_some(), state.kept == 0, acc);
            state.kept += self.run.len();
            if weights.is_some() {
                let sum = state.weight.unwrap_or(0.0);
                state.weight = Some(self.run.weights().iter().fold(sum, |sum, weight| sum + weight));
            }
        }
    }

    /// Asks for the rows that come as many entries after those in `part` as is asked ahead, be they of this
    /// bag or of a later one. All at once: the row in the middle of a run was asked for long before.
    #[inline(always)]
    fn ask_ahead(&self, part: Range<usize>) {
        let count = self.ids.len();
        for i in
            part.start.saturating_add(self.ahead.rows)..part.end.saturating_add(self.ahead.rows).min(count)
        {
            let id = self.ids.get(i);
            if self.padding != Some(id) {
                self.rows.prefetch(self.simd, self.ahead.hint, id);
            }
        }
    }

    /// Takes the run into `acc`, block by block of columns. `fresh`: what `acc` holds is not part of the bag.
    #[inline(always)]
    fn columns(&self, cols: Range<usize>, weighted: bool, fresh: bool, acc: &mut [f32]) {
        let mut acc = acc;
        let mut col = cols.start;
        macro_rules! blocks {
            ($($vectors:literal)*) => {$(
                while $vectors <= S::ACCUMULATORS && $vectors * S::LANES <= acc.len() {
                    let (block, rest) = acc.split_at_mut($vectors * S::LANES);
                    self.block::<$vectors>(col, S::LANES, weighted, fresh, block);
                    (col, acc) = (col + $vectors * S::LANES, rest);
                }
            )*};
        }
        blocks!(16 8 4 2 1);
        if !acc.is_empty() {
            self.block::<1>(col, acc.len(), weighted, fresh, acc);
        }
    }

    /// Takes the columns from `col` on of the run into `N` vectors of `n` lanes each.
    #[inline(always)]
    fn block<const N: usize>(&self, col: usize, n: usize, weighted: bool, fresh: bool, acc: &mut [f32]) {
        let simd = self.simd;
        let mut held = [simd.splat(if self.mode == Mode::Max {
            f32::NEG_INFINITY
        } else {
            0.0
        }); N];
        if !fresh {
            for (held, acc) in held.iter_mut().zip(acc.chunks(S::LANES)) {
                *held = simd.load(acc);
            }
        }
        let cols = col..col + acc.len();
        let held = match (self.mode, weighted) {
            (Mode::Max, _) => self.walk(
                cols,
                n,
                held,
                #[inline(always)]
                |held, x, _| simd.max(held, x),
            ),
            (_, false) => self.walk(
                cols,
                n,
                held,
                #[inline(always)]
                |held, x, _| simd.add(held, x),
            ),
            (_, true) => self.walk(
                cols,
                n,
                held,
                #[inline(always)]
                |held, x, weight| simd.add(held, simd.mul(x, simd.splat(weight))),
            ),
        };
        for (held, acc) in held.into_iter().zip(acc.chunks_mut(S::LANES)) {
            simd.store(held, acc);
        }
    }

    /// The inner loop: every row of the run, `N` vectors of it.
    #[inline(always)]
    fn walk<const N: usize>(
        &self,
        cols: Range<usize>,
        n: usize,
        mut held: [S::F32; N],
        step: impl Fn(S::F32, S::F32, f32) -> S::F32,
    ) -> [S::F32; N] {
        let (ids, weights) = (self.run.ids(), self.run.weights());
        for (i, &weight) in weights.iter().enumerate() {
            let row = self.rows.of_id(ids, i).cols(cols.clone());
            for (k, held) in held.iter_mut().enumerate() {
                *held = step(*held, row.load(self.simd, k * S::LANES, n), weight);
            }
        }
        held
    }
}
