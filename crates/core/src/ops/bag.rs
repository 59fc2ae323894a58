//! Bags: reduces many rows to their sum, mean or maximum, column by column.
//!
//! ```text
//! acc = [+0; cols]                         (max: -infinity, which every other value replaces)
//! for i in the bag:                        in index order
//!     if ids[i] is padding: continue
//!     sum, mean:  acc = f32(acc + row)     or f32(acc + f32(row * weights[i]))
//!     max:        acc = row where row > acc, or row is NaN and acc is not
//! mean:  acc = acc / f32(ids kept)         or acc / (f32 sum of the weights kept, in index order)
//! nothing kept:  acc = 0
//! ```
//!
//! The code differs from that loop without changing a bit. Columns are independent, so they are reduced in blocks that
//! stay in registers, with the loop over ids inside. Ids are converted in runs without padding, so that the inner loop
//! tests neither padding nor the type of the ids.

#![expect(unsafe_code, reason = "copies of valid ids are valid")]

use crate::indices::{each_type, Id, Ids, Indices, Offsets};
use crate::ops::mean_pool::{add_precise, finish_precise, normalize, weights_of, Pool, Tokens, PRECISE_COLS};
use crate::ops::tile::Tile;
use crate::row::{is_decoded, is_plain, with_direct_rows, Plain, Stored};
use crate::simd::{dispatch, dispatch_plain, Isa, Simd, MAX_LANES};
use crate::table::{Rows, Table};
use crate::tuning::{Exec, Prefetch};
use std::ops::Range;

/// The reduction of the rows in a bag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Their sum.
    Sum,
    /// Their sum, divided by their number (or by the sum of their weights).
    Mean,
    /// The largest value of each column, or NaN if the column has one.
    Max,
}

/// A bag operation.
#[derive(Debug, Clone, Copy)]
pub struct Bag<'a> {
    /// The rows, `[V, D]`.
    pub table: Table<'a>,
    /// The reduction.
    pub mode: Mode,
    /// The id that is skipped, with its weight.
    pub padding: Option<usize>,
}

/// The state of a bag between two parts of its ids, besides its accumulators.
#[derive(Debug, Clone, Default)]
pub struct BagState {
    kept: Kept,
    /// The accumulators, if the weights of tokens are f64.
    precise: Option<[f64; PRECISE_COLS]>,
}

impl BagState {
    /// The state of a bag that continues from the values of its accumulators.
    pub(crate) fn continued() -> Self {
        let kept = Kept { ids: 1, weight: None };
        BagState { kept, precise: None }
    }
}

/// What a bag has kept so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kept {
    /// Ids that are not padding.
    ids: usize,
    /// The sum of their weights, in index order, if the bag has weights.
    weight: Option<f32>,
}

impl Kept {
    /// Adds more ids of the bag.
    ///
    /// # Panics
    /// If there are fewer weights than ids.
    pub fn extend(&mut self, ids: Indices<'_>, weights: Option<&[f32]>, padding: Option<usize>) {
        for i in 0..ids.len() {
            if padding != Some(ids.get(i)) {
                self.ids += 1;
                if let Some(weights) = weights {
                    self.weight = Some(self.weight.unwrap_or(0.0) + weights[i]);
                }
            }
        }
    }

    /// Whether no id was kept.
    pub fn is_empty(&self) -> bool {
        self.ids == 0
    }

    /// The divisor of a mean: the sum of the weights, or the number of ids.
    pub fn divisor(&self) -> f32 {
        self.weight.unwrap_or(self.ids as f32)
    }
}

/// Adds more ids to one bag.
///
/// ```text
/// table [V, D], ids [n], weights [n] -> acc [cols.len()]
/// ```
/// Start a bag with `BagState::default()` and any `acc`, add its ids in any number of parts, in order, and end it with
/// [`bag_finish`]. Each column range of a bag is a separate bag with a separate state, of at most
/// [`most_cols`](Pool::most_cols) columns.
///
/// # Panics
/// If lengths do not match each other or the table, or a maximum has weights.
pub fn bag_extend<'a>(
    exec: impl Into<Exec>,
    bag: impl Into<Pool<'a>>,
    ids: Indices<'_>,
    weights: Option<&[f32]>,
    cols: Range<usize>,
    state: &mut BagState,
    acc: &mut [f32],
) {
    let (exec, pool) = (exec.into(), bag.into());
    check(&pool, ids, weights);
    // Only WASM reduces bags in parts, where every other dtype is decoded.
    if !is_plain(pool.bag.table.spec().dtype()) {
        return Tile::with(|tile| extend_decoded(exec, tile, &pool, ids, weights, cols, state, acc));
    }
    extend(exec, &pool, ids, weights, cols, state, acc)
}

/// [`bag_extend`] for a table of f32.
#[inline(never)]
pub(crate) fn extend(
    exec: Exec,
    pool: &Pool<'_>,
    ids: Indices<'_>,
    weights: Option<&[f32]>,
    cols: Range<usize>,
    state: &mut BagState,
    acc: &mut [f32],
) {
    let table = pool.bag.table;
    assert!(
        cols.start <= cols.end && cols.end <= table.dim(),
        "columns outside the rows"
    );
    assert!(
        cols.len() == acc.len(),
        "columns that do not fit the accumulators"
    );
    dispatch!(exec.isa, simd => {
        let rows = Rows::<Plain<'_>>::of(table);
        Bagger::new(simd, exec, rows, pool, ids).extend(cols, 0..ids.len(), weights, state, acc)
    });
}

/// Finishes a bag: `acc` becomes its result, which is not yet divided by a norm.
pub fn bag_finish<'a>(isa: Isa, bag: impl Into<Pool<'a>>, state: &BagState, acc: &mut [f32]) {
    finish_any(isa, bag.into().bag.mode, state, acc)
}

#[inline(never)]
fn finish_any(isa: Isa, mode: Mode, state: &BagState, acc: &mut [f32]) {
    dispatch_plain!(isa, finish(mode, state, acc));
}

/// Whole bags.
///
/// ```text
/// table [V, D], ids [n], weights [n], bags -> out [bags, D]
/// ```
/// The same bits as [`bag_extend`] and [`bag_finish`] for each bag, divided by its norm if there is one. Every value of
/// `out` is written.
///
/// # Panics
/// If lengths do not match each other or the table, or a maximum has weights.
pub fn bag<'a>(
    exec: impl Into<Exec>,
    bag: impl Into<Pool<'a>>,
    ids: Indices<'_>,
    bags: &Bags<'_>,
    weights: Option<&[f32]>,
    out: &mut [f32],
) {
    reduce(exec.into(), &bag.into(), ids, bags, weights, out)
}

#[inline(never)]
fn reduce(
    exec: Exec,
    pool: &Pool<'_>,
    ids: Indices<'_>,
    bags: &Bags<'_>,
    weights: Option<&[f32]>,
    out: &mut [f32],
) {
    check(pool, ids, weights);
    let table = pool.bag.table;
    let (dim, count) = (table.dim(), bags.bags());
    assert!(
        count.checked_mul(dim) == Some(out.len()),
        "bags that do not fit the output"
    );
    let end = if count == 0 { 0 } else { bags.bag(count - 1).end };
    assert!(end == ids.len(), "the bags do not take every id");
    let normalize = |row: &mut [f32]| {
        if let Some(norm) = pool.norm {
            normalize(exec.isa, norm, row);
        }
    };
    // One part, unless there is a limit.
    let most = pool.most_cols().min(dim);
    let parts = || (0..dim).step_by(most);
    if is_decoded(exec.isa, table.spec().dtype()) {
        return Tile::with(|tile| {
            for (b, out) in out.chunks_exact_mut(dim).enumerate() {
                let part = bags.bag(b);
                let weights = weights.map(|weights| &weights[part.clone()]);
                let ids = ids.slice(part);
                for (first, acc) in parts().zip(out.chunks_mut(most)) {
                    let (cols, mut state) = (first..first + acc.len(), BagState::default());
                    extend_decoded(exec, tile, pool, ids, weights, cols, &mut state, acc);
                    bag_finish(exec.isa, pool, &state, acc);
                }
                normalize(out);
            }
        });
    }
    dispatch!(exec.isa, simd => with_direct_rows!(simd, table, rows => {
        let mut bagger = Bagger::new(simd, exec, rows, pool, ids);
        for (b, out) in out.chunks_exact_mut(dim).enumerate() {
            let part = bags.bag(b);
            for (first, acc) in parts().zip(out.chunks_mut(most)) {
                let (cols, mut state) = (first..first + acc.len(), BagState::default());
                bagger.extend(cols, part.clone(), weights, &mut state, acc);
                finish(pool.bag.mode, &state, acc);
            }
            normalize(out);
        }
    }));
}

/// [`bag_extend`] for rows that are decoded first: into a tile, without padding, to be added from there.
fn extend_decoded(
    exec: Exec,
    tile: &mut Tile,
    pool: &Pool<'_>,
    ids: Indices<'_>,
    weights: Option<&[f32]>,
    cols: Range<usize>,
    state: &mut BagState,
    acc: &mut [f32],
) {
    // Sums in f64 are not reset: their columns fit one tile.
    const { assert!(PRECISE_COLS <= Tile::COLS) };
    let (Pool { bag, tokens, .. }, before) = (*pool, state.kept);
    let (mut factors, mut precise) = ([1.0; Tile::ROWS], [1.0; Tile::ROWS]);
    for (t, acc) in acc.chunks_mut(Tile::COLS).enumerate() {
        state.kept = before;
        tile.clear(acc.len());
        for i in 0..ids.len() {
            let (id, place) = (ids.get(i), tile.rows());
            if bag.padding != Some(id) {
                if let Some(weights) = weights {
                    factors[place] = weights[i];
                } else if let Some(weights) = tokens.weights {
                    factors[place] = weights[id];
                } else if let Some(weights) = tokens.precise {
                    precise[place] = weights[id];
                }
                let first_col = cols.start + t * Tile::COLS;
                tile.push(exec.isa, bag.table, tokens.row(id), first_col);
            }
            if tile.is_full() || i + 1 == ids.len() {
                let (table, factors) = (tile.table(), &factors[..tile.rows()]);
                let tokens = Tokens {
                    rows: None,
                    weights: tokens.weights.map(|_| factors),
                    precise: tokens.precise.map(|_| &precise[..tile.rows()]),
                    rounded: tokens.rounded,
                };
                let bag = Bag {
                    table,
                    mode: bag.mode,
                    padding: None,
                };
                let part = Pool {
                    bag,
                    tokens,
                    norm: None,
                };
                let ids = Indices::first(table.rows());
                extend(
                    exec,
                    &part,
                    ids,
                    weights.map(|_| factors),
                    0..acc.len(),
                    state,
                    acc,
                );
                tile.clear(acc.len());
            }
        }
    }
}

/// Whether the arguments match. A kernel asserts the rest where it reads them.
fn check(pool: &Pool<'_>, ids: Indices<'_>, weights: Option<&[f32]>) {
    let Pool { bag, tokens, .. } = pool;
    let of_tokens = tokens.weights.is_some() || tokens.precise.is_some();
    if let Some(weights) = weights {
        assert!(weights.len() == ids.len(), "one weight for each id");
        assert!(!of_tokens, "weights of both ids and tokens");
    }
    assert!(
        bag.mode != Mode::Max || !of_tokens && weights.is_none(),
        "a maximum has no weights"
    );
    assert!(
        tokens.precise.is_none() || bag.mode == Mode::Mean && bag.padding.is_none(),
        "a sum in f64 is that of a mean without padding"
    );
}

#[inline(always)]
fn finish(mode: Mode, state: &BagState, acc: &mut [f32]) {
    let BagState { kept, precise } = state;
    if let Some(sums) = precise {
        finish_precise(kept.ids, sums, acc);
    } else if kept.is_empty() {
        acc.fill(0.0);
    } else if mode == Mode::Mean {
        let divisor = kept.divisor();
        for sum in acc {
            *sum /= divisor;
        }
    }
}

/// Reduces bags. Holds the values that all bags share, and the current run of ids.
struct Bagger<'a, 'i, S, R> {
    simd: S,
    rows: Rows<'a, R>,
    mode: Mode,
    padding: Option<usize>,
    tokens: Tokens<'i>,
    /// The ids of all bags, one after the other.
    ids: Indices<'i>,
    prefetch: Prefetch,
    run: Run,
    /// The rows at the prefetch distance after the entries of the run, of this bag or of later ones.
    ahead: Ahead,
}

impl<'a, 'i, S: Simd, R: Stored<'a>> Bagger<'a, 'i, S, R> {
    #[inline(always)]
    fn new(simd: S, exec: Exec, rows: Rows<'a, R>, pool: &Pool<'i>, ids: Indices<'i>) -> Self {
        let Pool { bag, tokens, .. } = *pool;
        Bagger {
            simd,
            rows,
            mode: bag.mode,
            padding: bag.padding,
            tokens,
            ids,
            prefetch: exec
                .tuning
                .bag(bag.table.spec().bytes(), bag.table.spec().row_bytes()),
            run: Run::default(),
            ahead: Ahead::default(),
        }
    }

    /// Reduces entries `part` of the ids, and their weights, into `acc`.
    #[inline(always)]
    fn extend(
        &mut self,
        cols: Range<usize>,
        part: Range<usize>,
        weights: Option<&[f32]>,
        state: &mut BagState,
        acc: &mut [f32],
    ) {
        let kept = &mut state.kept;
        for start in part.clone().step_by(Run::LEN) {
            let part = start..part.end.min(start + Run::LEN);
            self.look_ahead(&cols, part.clone());
            let weights = weights.map(|weights| &weights[part.clone()]);
            let ids = self.ids.slice(part);
            self.run.fill(ids, weights, self.padding, &self.tokens);
            if self.run.is_empty() {
                self.prefetch_from(0);
                continue;
            }
            if let Some(weights) = self.tokens.precise {
                let sums = state.precise.get_or_insert([0.0; PRECISE_COLS]);
                self.precise_columns(ids, weights, cols.clone(), &mut sums[..acc.len()]);
                kept.ids += ids.len();
                continue;
            }
            let weighted = weights.is_some() || self.tokens.weights.is_some();
            self.columns(cols.clone(), weighted, kept.ids == 0, acc);
            self.prefetch_from(self.run.len());
            kept.ids += self.run.len();
            if weights.is_some() {
                let sum = kept.weight.unwrap_or(0.0);
                kept.weight = Some(self.run.weights().iter().fold(sum, |sum, weight| sum + weight));
            }
        }
    }

    /// Whether a block of `n` vectors of the first columns prefetches rows between those that it reads. Shorter blocks and
    /// sums in f64 prefetch everything before the run: their inner loops would need as much code again.
    #[inline(always)]
    fn interleaves(&self, n: usize) -> bool {
        n >= 2 && S::LANES > 1 && !S::LOADS_AHEAD && self.tokens.precise.is_none()
    }

    /// Prefetches the rows at the prefetch distance after entries `part`, or notes them for the first block of `cols`.
    #[inline(always)]
    fn look_ahead(&mut self, cols: &Range<usize>, part: Range<usize>) {
        let Prefetch { hint, rows } = self.prefetch;
        let (end, len) = (part.end.saturating_add(rows), self.ids.len());
        let part = part.start.saturating_add(rows).min(len)..end.min(len);
        self.ahead.len = 0;
        let interleaved = cols.start == 0 && self.interleaves(cols.len() / S::LANES);
        if interleaved && !part.is_empty() {
            self.ahead.fill(self.ids.slice(part), &self.tokens);
        } else {
            for i in part {
                let row = self.tokens.row(self.ids.get(i));
                self.rows.prefetch(self.simd, hint, row);
            }
        }
    }

    #[inline(always)]
    fn ahead(&self) -> &[u32] {
        &self.ahead.rows[..self.ahead.len]
    }

    /// Prefetches the rows that were noted, from the one on that belongs to entry `i` of the run.
    #[inline(always)]
    fn prefetch_from(&self, i: usize) {
        for &row in self.ahead().get(i..).unwrap_or_default() {
            self.rows.prefetch(self.simd, self.prefetch.hint, row as usize);
        }
    }

    /// Reduces the run into `acc`, block by block of columns. If `fresh`, the values of `acc` are ignored.
    #[inline(always)]
    fn columns(&self, cols: Range<usize>, weighted: bool, fresh: bool, acc: &mut [f32]) {
        let (mut col, mut rest, mut nan) = (cols.start, &mut *acc, false);
        macro_rules! blocks {
            ($($vectors:literal)*) => {$(
                while $vectors <= S::ACCUMULATORS && $vectors * S::LANES <= rest.len() {
                    let (block, after) = rest.split_at_mut($vectors * S::LANES);
                    nan |= self.block::<$vectors>(col, S::LANES, weighted, fresh, block);
                    (col, rest) = (col + $vectors * S::LANES, after);
                }
            )*};
        }
        blocks!(16 8 4 2 1);
        if !rest.is_empty() {
            nan |= self.block::<1>(col, rest.len(), weighted, fresh, rest);
        }
        if nan {
            self.add_nans(cols, acc);
        }
    }

    /// Adds the NaNs of the run to maxima of its other values, which do not change them again.
    #[inline(always)]
    fn add_nans(&self, cols: Range<usize>, acc: &mut [f32]) {
        let simd = self.simd;
        for (k, acc) in acc.chunks_mut(S::LANES).enumerate() {
            let col = cols.start + k * S::LANES;
            let [max] = self.walk(
                col..col + acc.len(),
                acc.len(),
                [simd.load(acc)],
                #[inline(always)]
                |_, max, x, _| simd.max(max, x),
            );
            simd.store(max, acc);
        }
    }

    /// Adds the columns of the run, times the weights of `ids`, to sums in f64.
    #[inline(always)]
    fn precise_columns(&self, ids: Indices<'_>, weights: &[f64], cols: Range<usize>, sums: &mut [f64]) {
        let (mut factors, rounded) = ([0.0; Run::LEN], self.tokens.rounded);
        weights_of(ids, weights, &mut factors);
        let (ids, mut col) = (self.run.ids(), cols.start);
        let factors = factors[..ids.len()].iter().enumerate();
        // Otherwise all columns are the rest: few lanes gain little, and rounded products are rare.
        let blocks = if S::LANES > 4 && !rounded {
            sums.len() / MAX_LANES
        } else {
            0
        };
        let (blocks, rest) = sums.split_at_mut(blocks * MAX_LANES);
        for sums in blocks.as_chunks_mut::<MAX_LANES>().0 {
            let mut accumulators = *sums; // in registers
            for (i, &factor) in factors.clone() {
                let row = self.rows.of_id(ids, i).cols(col..col + MAX_LANES);
                let mut values = [0.0; MAX_LANES];
                row.copy_to(self.simd, &mut values);
                for (sum, x) in accumulators.iter_mut().zip(values) {
                    add_precise(sum, x, factor, false);
                }
            }
            *sums = accumulators;
            col += MAX_LANES;
        }
        for (i, &factor) in factors {
            let row = self.rows.of_id(ids, i).cols(col..cols.end);
            for (c, sum) in rest.iter_mut().enumerate() {
                add_precise(sum, row.get(c), factor, rounded);
            }
        }
    }

    /// Reduces the columns of the run from `col` on into `N` vectors of `n` lanes each. Returns whether a maximum may lack a
    /// NaN.
    #[inline(always)]
    fn block<const N: usize>(
        &self,
        col: usize,
        n: usize,
        weighted: bool,
        fresh: bool,
        acc: &mut [f32],
    ) -> bool {
        let simd = self.simd;
        let mut nan = false;
        let mut accumulators = [simd.splat(if self.mode == Mode::Max {
            f32::NEG_INFINITY
        } else {
            0.0
        }); N];
        if !fresh {
            for (accumulator, acc) in accumulators.iter_mut().zip(acc.chunks(S::LANES)) {
                *accumulator = simd.load(acc);
            }
        }
        let cols = col..col + acc.len();
        let accumulators = match (self.mode, weighted) {
            (Mode::Max, _) => {
                // `greater` is one instruction on most machines, but loses a NaN, which a sum keeps. Nothing waits for the
                // sums before the end.
                let mut sums = [simd.splat(0.0); 4];
                let maxima = self.walk(
                    cols,
                    n,
                    accumulators,
                    #[inline(always)]
                    |k, max, x, _| {
                        sums[k % 4] = simd.add(sums[k % 4], x);
                        simd.greater(max, x)
                    },
                );
                nan = any_nan(simd, sums);
                maxima
            }
            (_, false) => self.walk(
                cols,
                n,
                accumulators,
                #[inline(always)]
                |_, sum, x, _| simd.add(sum, x),
            ),
            (_, true) => self.walk(
                cols,
                n,
                accumulators,
                #[inline(always)]
                |_, sum, x, weight| simd.add(sum, simd.mul(x, simd.splat(weight))),
            ),
        };
        for (accumulator, acc) in accumulators.into_iter().zip(acc.chunks_mut(S::LANES)) {
            simd.store(accumulator, acc);
        }
        nan
    }

    /// The inner loop: `N` vectors of every row in the run.
    #[inline(always)]
    fn walk<const N: usize>(
        &self,
        cols: Range<usize>,
        n: usize,
        mut accumulators: [S::F32; N],
        mut step: impl FnMut(usize, S::F32, S::F32, f32) -> S::F32,
    ) -> [S::F32; N] {
        let ids = self.run.ids();
        let weights = &self.run.weights()[..ids.len()];
        let ahead = match cols.start == 0 && self.interleaves(N) {
            true => self.ahead(),
            false => &[],
        };
        for i in 0..ids.len() {
            if let Some(&row) = ahead.get(i) {
                self.rows.prefetch(self.simd, self.prefetch.hint, row as usize);
            }
            // `weights[i]` would check a bound even for sums without weights, which do not use the value.
            let weight = weights.get(i).copied().unwrap_or(1.0);
            let row = self.rows.of_id(ids, i).cols(cols.clone());
            for (k, accumulator) in accumulators.iter_mut().enumerate() {
                *accumulator = step(k, *accumulator, row.load(self.simd, k * S::LANES, n), weight);
            }
        }
        accumulators
    }
}

/// Whether the sums have added a NaN. Also true for infinities of both signs.
#[inline(always)]
fn any_nan<S: Simd>(simd: S, [a, b, c, d]: [S::F32; 4]) -> bool {
    let mut lanes = [0.0f32; MAX_LANES];
    simd.store(simd.add(simd.add(a, b), simd.add(c, d)), &mut lanes);
    lanes.iter().fold(false, |nan, x| nan | x.is_nan())
}

#[inline(always)]
fn as_u32<T: Id>(ids: &[T], to: &mut [u32]) {
    for (to, id) in to.iter_mut().zip(ids) {
        *to = id.bits().into();
    }
}

/// The rows that the inner loop prefetches.
struct Ahead {
    rows: [u32; Run::LEN],
    len: usize,
}

impl Default for Ahead {
    fn default() -> Self {
        Ahead {
            rows: [0; Run::LEN],
            len: 0,
        }
    }
}

impl Ahead {
    /// Replaces the rows by those of all `ids` (at most `Run::LEN`). Padding has a row, too: skipping it takes longer than
    /// prefetching it. Compiled once, as `Run::fill`.
    #[inline(never)]
    fn fill(&mut self, ids: Indices<'_>, tokens: &Tokens<'_>) {
        self.len = ids.len();
        let rows = &mut self.rows[..self.len];
        each_type!(ids.ids(), ids => as_u32(ids, rows));
        if tokens.rows.is_some() {
            for row in rows {
                *row = tokens.row(*row as usize) as u32;
            }
        }
    }
}

/// A run of valid rows as u32, without padding, for the inner loop.
pub(crate) struct Run {
    ids: [u32; Run::LEN],
    weights: [f32; Run::LEN],
    len: usize,
    bound: u64,
}

impl Default for Run {
    fn default() -> Self {
        Run {
            ids: [0; Run::LEN],
            weights: [1.0; Run::LEN],
            len: 0,
            bound: 0,
        }
    }
}

impl Run {
    /// The largest number of ids in a run, small enough that they stay in the L1 cache with the rows.
    pub const LEN: usize = 256;

    /// Replaces the run by the rows of all `ids` (at most `LEN`) except those equal to `skip`, and by their weights if
    /// there are any. Compiled once: a copy of at most `LEN` ids gains little from wide vectors, and its code for every
    /// type of ids takes as much as the rest of a kernel.
    #[inline(never)]
    pub fn fill(
        &mut self,
        ids: Indices<'_>,
        weights: Option<&[f32]>,
        skip: Option<usize>,
        tokens: &Tokens<'_>,
    ) {
        self.bound = ids.bound();
        each_type!(ids.ids(), ids => self.keep(ids, weights, skip));
        let ids = &mut self.ids[..self.len];
        if let Some(weights) = tokens.weights {
            for (weight, &id) in self.weights.iter_mut().zip(&*ids) {
                *weight = weights[id as usize];
            }
        }
        if let Some(rows) = tokens.rows {
            for id in ids {
                *id = rows.row(*id as usize) as u32;
            }
            self.bound = rows.bound();
        }
    }

    #[inline(always)]
    fn keep<T: Id>(&mut self, ids: &[T], weights: Option<&[f32]>, skip: Option<usize>) {
        let Some(skip) = skip else {
            as_u32(ids, &mut self.ids);
            if let Some(weights) = weights {
                self.weights[..weights.len()].copy_from_slice(weights);
            }
            self.len = ids.len();
            return;
        };
        self.len = 0;
        for (i, id) in ids.iter().enumerate() {
            let id = id.bits().into();
            self.ids[self.len] = id;
            if let Some(weights) = weights {
                self.weights[self.len] = weights[i];
            }
            self.len += usize::from(id as usize != skip);
        }
    }

    /// The number of ids kept.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no id was kept.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The ids kept.
    #[inline(always)]
    pub fn ids(&self) -> Indices<'_> {
        // SAFETY: copies of valid ids, or rows of a `Mapping` with this bound.
        unsafe { Indices::proven(Ids::U32(&self.ids[..self.len]), self.bound) }
    }

    /// A weight for each id kept; unspecified values if the bag has no weights.
    #[inline(always)]
    pub fn weights(&self) -> &[f32] {
        &self.weights[..self.len]
    }
}

/// The partition of a flat array of ids into bags.
#[derive(Debug, Clone, Copy)]
pub enum Bags<'a> {
    /// Bags that start at offsets.
    Offsets(Offsets<'a>),
    /// `bags` bags of `len` ids each.
    Equal {
        /// The number of bags.
        bags: usize,
        /// Ids in each bag.
        len: usize,
    },
}

impl Bags<'_> {
    /// The number of bags.
    pub fn bags(&self) -> usize {
        match self {
            Bags::Offsets(offsets) => offsets.bags(),
            Bags::Equal { bags, .. } => *bags,
        }
    }

    /// The range of ids in bag `i`. Panics if there is no such bag.
    pub fn bag(&self, i: usize) -> Range<usize> {
        match self {
            Bags::Offsets(offsets) => offsets.bag(i),
            Bags::Equal { bags, len } => {
                assert!(i < *bags, "a bag outside the bags");
                i * len..(i + 1) * len
            }
        }
    }

    /// The number of ids before bag `i`, or before the end if `i` is the number of bags. Panics if `i` is larger.
    pub fn start(&self, i: usize) -> usize {
        match i.checked_sub(1) {
            Some(before) => self.bag(before).end,
            None => 0,
        }
    }

    /// The bags `part`, relative to their own ids, which are `start(part.start) .. start(part.end)`. Panics if
    /// `part` is out of range.
    pub fn slice(self, part: Range<usize>) -> Self {
        let (start, end) = (self.start(part.start), self.start(part.end));
        let bags = part.len();
        match self {
            Bags::Offsets(offsets) => Bags::Offsets(offsets.slice(part, start, end)),
            Bags::Equal { len, .. } => Bags::Equal { bags, len },
        }
    }
}
