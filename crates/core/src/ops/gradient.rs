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
        Slot(place as u32 | if first { Slot::FIRST } else { 0 })
    }

    /// The place of the row; `None` for padding.
    #[inline(always)]
    pub(crate) fn place(self) -> Option<usize> {
        (self != Slot::NONE).then_some((self.0 & !Slot::FIRST) as usize)
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
    dim: usize,
    values: &'a mut [f32],
}

impl<'a> Sums<'a> {
    /// The sums of all slots, `[slots, dim]`.
    pub(crate) fn all(dim: usize, values: &'a mut [f32]) -> Self {
        Sums {
            first: 0,
            dim,
            values,
        }
    }

    /// Splits the sums into at most `parts` with about as many of the contributions `call` each.
    pub fn split(self, call: &[Slot], parts: usize) -> Vec<Sums<'a>> {
        let slots = self.values.len() / self.dim.max(1);
        let mut counts = vec![0u32; slots];
        for place in call.iter().filter_map(|slot| slot.place()) {
            counts[place] += 1;
        }
        let (mut split, mut rest) = (Vec::with_capacity(parts), self);
        // The contributions that no part before has; those that this part has so far; its first slot.
        let (mut left, mut taken, mut start) = (call.len(), 0, 0);
        for (slot, count) in counts.into_iter().enumerate() {
            taken += count as usize;
            if split.len() + 1 < parts && taken * (parts - split.len()) >= left {
                let (part, after) = rest.values.split_at_mut((slot + 1 - start) * rest.dim);
                split.push(Sums { values: part, ..rest });
                (left, taken, start) = (left - taken, 0, slot + 1);
                rest = Sums {
                    first: start,
                    dim: rest.dim,
                    values: after,
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

    /// Columns `cols` of the sum at `slot`, if it is one of these.
    #[inline(always)]
    fn row(&mut self, slot: Slot, cols: &Range<usize>) -> Option<&mut [f32]> {
        let start = slot.place()?.checked_sub(self.first)?.checked_mul(self.dim)?;
        self.values.get_mut(start + cols.start..start + cols.end)
    }

    /// Prefetches the sum at `slot`. One that is not of these may be prefetched, too.
    #[inline(always)]
    fn prefetch<S: Simd>(&self, simd: S, slot: Slot, cols: &Range<usize>) {
        let Some(place) = slot.place() else { return };
        let value = place
            .wrapping_sub(self.first)
            .wrapping_mul(self.dim)
            .wrapping_add(cols.start);
        let start = self.values.as_ptr().wrapping_add(value).cast::<u8>();
        for line in (0..cols.len() * size_of::<f32>()).step_by(LINE) {
            simd.prefetch(Hint::Near, start.wrapping_add(line));
        }
    }
}

/// The prefetch distance, in contributions.
const DISTANCE: usize = 16;

/// The bytes of a row up to which it is prefetched whole: hardware prefetchers follow longer rows.
const LONGEST: usize = 1024;

/// Adds columns `cols` of contributions: contribution i is `row(i)`, which has `cols.len()` columns, and goes to
/// `slots[i]`.
#[inline(always)]
pub(crate) fn add_each<S: Simd, R: Row>(
    simd: S,
    sums: &mut Sums<'_>,
    slots: &[Slot],
    cols: &Range<usize>,
    row: impl Fn(usize) -> R,
) {
    add_part(simd, sums, slots, 0..slots.len(), true, cols, row)
}

/// [`add_each`] for a range of contributions; the slots of later ones are prefetched, too. Without `first`, the slots are those
/// of an earlier range: no contribution is the first one of its slot, and the sums are not prefetched again.
#[inline(always)]
pub(crate) fn add_part<S: Simd, R: Row>(
    simd: S,
    sums: &mut Sums<'_>,
    slots: &[Slot],
    part: Range<usize>,
    first: bool,
    cols: &Range<usize>,
    row: impl Fn(usize) -> R,
) {
    let prefetching = first && cols.len() * size_of::<f32>() <= LONGEST;
    for i in part {
        let slot = slots[i];
        if let Some(&ahead) = slots.get(i + DISTANCE).filter(|_| prefetching) {
            sums.prefetch(simd, ahead, cols);
        }
        let Some(sum) = sums.row(slot, cols) else {
            continue;
        };
        let contribution = row(i);
        if first && slot.is_first() {
            contribution.copy_to(simd, sum);
        } else {
            for_each_vector(
                simd,
                sum,
                #[inline(always)]
                |col, n, sum| simd.add(simd.load(sum), contribution.load(simd, col, n)),
            );
        }
    }
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
    let row = |i: usize| Plain::of(&rows[i * width..][..width]);
    dispatch!(isa, simd => match factor {
        Factor::One => add_each(simd, sums, slots, &cols, row),
        Factor::Scale(factor) => add_each(simd, sums, slots, &cols, |i| Scaled(row(i), factor)),
        Factor::PerCount(counts) => {
            add_each(simd, sums, slots, &cols, |i| Divided(row(i), slots[i].count(counts)))
        }
    });
}
