//! Adds contributions to the rows of a gradient.
//!
//! ```text
//! for (slot, c) in contributions, in the order of the call:     c has D values
//!     padding:                 nothing
//!     the first of its slot:   g[slot] = c                      bit for bit
//!     otherwise:               g[slot] = f32(g[slot] + c)
//! ```
//! A contribution is a row expression, so lookups, bags, positions and scores share this reduction. One call takes it in
//! tiles, column ranges and parts of slots for threads: no bit depends on them, because one thread adds all contributions
//! to a slot, in order.

use crate::expr::{Divided, Scaled};
use crate::row::{Plain, Row};
use crate::simd::{dispatch, for_each_vector, Hint, Isa, Simd, LINE};
use std::ops::Range;

/// Where a contribution goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot(u32);

impl Slot {
    /// The slot of padding.
    pub(crate) const NONE: Slot = Slot(u32::MAX);

    /// Marks the first contribution to a row.
    const FIRST: u32 = 1 << 31;

    /// The number of slots.
    pub(crate) const LIMIT: usize = Slot::FIRST as usize - 1;

    /// Slot `place`, of the first contribution to its row or of a later one.
    #[inline(always)]
    pub(crate) fn new(place: usize, first: bool) -> Slot {
        Slot(place as u32 | u32::from(first) << 31)
    }

    /// The place of the row; `None` for padding.
    #[inline(always)]
    pub(crate) fn place(self) -> Option<usize> {
        (self != Slot::NONE).then_some(self.index())
    }

    /// The place of the row; [`Slot::LIMIT`] for padding.
    #[inline(always)]
    fn index(self) -> usize {
        (self.0 & !Slot::FIRST) as usize
    }

    /// The number of contributions to the row, from those of all slots.
    #[inline(always)]
    pub(crate) fn count(self, counts: &[u32]) -> f32 {
        self.place().map_or(1.0, |place| counts[place] as f32)
    }

    /// Whether the contribution is stored instead of added.
    #[inline(always)]
    fn is_first(self) -> bool {
        self.0 & Slot::FIRST != 0
    }
}

/// The sums of a range of slots.
#[derive(Debug)]
pub struct Sums<'a> {
    first: usize,
    count: usize,
    /// Whether they are those of all slots.
    all: bool,
    dim: usize,
    values: &'a mut [f32],
}

impl<'a> Sums<'a> {
    /// The sums of all slots, `[slots, dim]`.
    pub(crate) fn all(dim: usize, values: &'a mut [f32]) -> Self {
        Sums {
            first: 0,
            count: values.len() / dim.max(1),
            all: true,
            dim,
            values,
        }
    }

    /// Splits the sums into at most `parts` with about as many of the contributions `call` each.
    pub fn split(self, call: &[Slot], parts: usize) -> Vec<Sums<'a>> {
        let slots = self.count;
        // A sample of many contributions suffices.
        let step = (call.len() / SAMPLE).max(1);
        let mut counts = vec![0u32; slots];
        for place in call.iter().step_by(step).filter_map(|slot| slot.place()) {
            counts[place] += 1;
        }
        let (mut split, mut rest) = (Vec::with_capacity(parts), self);
        // The contributions that no part before has; those that this part has so far; its first slot.
        let (mut left, mut taken, mut start) = (call.len().div_ceil(step), 0, 0);
        for (slot, count) in counts.into_iter().enumerate() {
            taken += count as usize;
            if split.len() + 1 < parts && taken * (parts - split.len()) >= left {
                let count = slot + 1 - start;
                let (part, after) = rest.values.split_at_mut(count * rest.dim);
                split.push(Sums {
                    count,
                    all: false,
                    values: part,
                    ..rest
                });
                (left, taken, start) = (left - taken, 0, slot + 1);
                rest = Sums {
                    first: start,
                    count: slots - start,
                    all: false,
                    values: after,
                    ..rest
                };
            }
        }
        split.push(rest);
        split
    }

    /// Panics unless `cols` are columns of the sums.
    pub(crate) fn expect_cols(&self, cols: &Range<usize>) {
        assert!(
            cols.start <= cols.end && cols.end <= self.dim,
            "columns outside the rows"
        );
    }

    /// Whether the sum at `slot` is one of these. That of padding is not.
    #[inline(always)]
    fn has(&self, slot: Slot) -> bool {
        slot.index().wrapping_sub(self.first) < self.count
    }

    /// Columns `cols` of the sum at `slot`, if it is one of these.
    #[inline(always)]
    fn row(&mut self, slot: Slot, cols: &Range<usize>) -> Option<&mut [f32]> {
        let start = slot.place()?.checked_sub(self.first)?.checked_mul(self.dim)?;
        self.values.get_mut(start + cols.start..start + cols.end)
    }

    /// Prefetches the sum at `slot`. One that is not of these may be prefetched, too.
    #[inline(always)]
    fn prefetch<S: Simd>(&self, simd: S, slot: Slot, cols: &Range<usize>) {
        let value = slot
            .index()
            .wrapping_sub(self.first)
            .wrapping_mul(self.dim)
            .wrapping_add(cols.start);
        prefetch(simd, self.values.as_ptr().wrapping_add(value), cols.len());
    }
}

/// Prefetches the cache lines of `len` values. Any address is allowed.
#[inline(always)]
fn prefetch<S: Simd>(simd: S, start: *const f32, len: usize) {
    for line in (0..len * size_of::<f32>()).step_by(LINE) {
        simd.prefetch(Hint::Near, start.cast::<u8>().wrapping_add(line));
    }
}

/// The prefetch distance of sums, in contributions.
const DISTANCE: usize = 32;

/// The prefetch distance of contributions: hardware prefetchers do not follow those of one of several threads.
const ROW_DISTANCE: usize = 16;

/// The bytes of a row up to which it is prefetched whole: hardware prefetchers follow longer rows.
const LONGEST: usize = 1024;

/// The contributions that are counted to split sums.
const SAMPLE: usize = 4096;

/// The contributions of which a thread finds its own at once.
const BLOCK: usize = 512;

/// Adds columns `cols` of the contributions `part`: contribution i is `row(i)`, which has `cols.len()` columns, and goes to
/// `slots[i]`. The slots of later ones are prefetched, too, and `ahead(i)` may prefetch contribution i.
///
/// Without `first`, the slots are those of an earlier range: no contribution is the first one of its slot, and the sums are
/// not prefetched again.
#[inline(always)]
pub(crate) fn add_part<S: Simd, R: Row>(
    simd: S,
    sums: &mut Sums<'_>,
    slots: &[Slot],
    part: Range<usize>,
    first: bool,
    cols: &Range<usize>,
    row: impl Fn(usize) -> R,
    ahead: impl Fn(usize),
) {
    let prefetching = first && cols.len() * size_of::<f32>() <= LONGEST;
    if !S::THREADS || sums.all {
        for i in part {
            if let Some(&slot) = slots.get(i + DISTANCE).filter(|_| prefetching) {
                sums.prefetch(simd, slot, cols);
            }
            ahead(i + ROW_DISTANCE);
            add_one(simd, sums, slots[i], first, cols, || row(i));
        }
        return;
    }
    let mut own = [0; BLOCK];
    for start in part.clone().step_by(BLOCK) {
        // No branch: which thread a slot belongs to is hard to predict, too.
        let mut count = 0;
        for (i, &slot) in slots[start..part.end.min(start + BLOCK)].iter().enumerate() {
            own[count] = i as u16;
            count += usize::from(sums.has(slot));
        }
        let own = &own[..count];
        for (j, &i) in own.iter().enumerate() {
            if let Some(&next) = own.get(j + ROW_DISTANCE) {
                let next = start + usize::from(next);
                if prefetching {
                    sums.prefetch(simd, slots[next], cols);
                }
                ahead(next);
            }
            let i = start + usize::from(i);
            add_one(simd, sums, slots[i], first, cols, || row(i));
        }
    }
}

/// Adds a contribution, if the sum at `slot` is one of these.
#[inline(always)]
fn add_one<S: Simd, R: Row>(
    simd: S,
    sums: &mut Sums<'_>,
    slot: Slot,
    first: bool,
    cols: &Range<usize>,
    row: impl FnOnce() -> R,
) {
    let Some(sum) = sums.row(slot, cols) else { return };
    // No branch: whether a contribution is the first one of its row is hard to predict.
    let (contribution, first) = (row(), first && slot.is_first());
    for_each_vector(
        simd,
        sum,
        #[inline(always)]
        |col, n, sum| {
            let c = contribution.load(simd, col, n);
            simd.select(first, c, simd.add(simd.load(sum), c))
        },
    );
}

/// What happens to a row before it is added.
#[derive(Debug, Clone, Copy)]
pub enum Factor<'a> {
    /// Nothing.
    One,
    /// It is multiplied by this number.
    Scale(f32),
    /// It is divided by the number of contributions to its slot.
    PerCount(&'a [u32]),
}

/// Adds rows: contribution i is row i of `rows`, `[slots.len(), cols.len()]`, with `factor`.
///
/// # Panics
/// If lengths do not match each other, or `cols` are not columns of the sums.
#[inline(never)]
pub fn add_rows(
    isa: Isa,
    sums: &mut Sums<'_>,
    slots: &[Slot],
    cols: Range<usize>,
    rows: &[f32],
    factor: Factor<'_>,
) {
    let width = cols.len();
    sums.expect_cols(&cols);
    assert!(slots.len() * width == rows.len(), "a row for each contribution");
    dispatch!(isa, simd => {
        let row = |i: usize| Plain::of(&rows[i * width..][..width]);
        let ahead = |i: usize| prefetch(simd, rows.as_ptr().wrapping_add(i * width), width);
        let all = 0..slots.len();
        match factor {
            Factor::One => add_part(simd, sums, slots, all, true, &cols, row, ahead),
            Factor::Scale(factor) => {
                add_part(simd, sums, slots, all, true, &cols, |i| Scaled(row(i), factor), ahead)
            }
            Factor::PerCount(counts) => {
                let row = |i| Divided(row(i), slots[i].count(counts));
                add_part(simd, sums, slots, all, true, &cols, row, ahead)
            }
        }
    });
}
