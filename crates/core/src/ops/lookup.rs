//! Rows by id, one after the other, each prefetched before it is read.

use crate::indices::Indices;
use crate::row::Stored;
use crate::simd::{Hint, Simd};
use crate::table::Rows;
use crate::tuning::Prefetch;

/// The rows that a list of ids names, in its order.
#[derive(Clone, Copy)]
pub(crate) struct Lookup<'t, 'i, R> {
    rows: Rows<'t, R>,
    ids: Indices<'i>,
    hint: Hint,
    distance: usize,
    /// Entries before this one are followed by another one at the prefetch distance. With prefetches by loads: all, or none.
    prefetching: usize,
}

impl<'t, 'i, R: Stored<'t>> Lookup<'t, 'i, R> {
    #[inline(always)]
    pub fn new<S: Simd>(_: S, rows: Rows<'t, R>, ids: Indices<'i>, prefetch: Prefetch) -> Self {
        let last = match S::LOADS_AHEAD && prefetch != Prefetch::NONE {
            true => 0,
            false => prefetch.rows,
        };
        Lookup {
            rows,
            ids,
            hint: prefetch.hint,
            distance: prefetch.rows,
            prefetching: ids.len().saturating_sub(last),
        }
    }

    /// The number of values in a row.
    #[inline(always)]
    pub fn dim(&self) -> usize {
        self.rows.dim()
    }

    /// The entries from `i` on.
    #[inline(always)]
    pub fn after(&self, i: usize) -> Self {
        Lookup {
            ids: self.ids.slice(i..self.ids.len()),
            prefetching: self.prefetching.saturating_sub(i),
            ..*self
        }
    }

    /// The number of entries, from the first one on, that prefetch a row.
    #[inline(always)]
    pub fn prefetching(&self) -> usize {
        self.prefetching
    }

    /// Prefetches the row at the prefetch distance behind entry `i`, one of the first `prefetching()`.
    #[inline(always)]
    pub fn prefetch<S: Simd>(&self, simd: S, i: usize) {
        self.rows
            .prefetch(simd, self.hint, self.ids.get(i + self.distance));
    }

    /// Prefetches what is due before entry `i`, one of the first `prefetching()`, is read: the row at the prefetch distance,
    /// or, with prefetches by loads, the next rows, as many as the distance.
    #[inline(always)]
    pub fn advance<S: Simd>(&self, simd: S, i: usize) {
        if !S::LOADS_AHEAD {
            self.prefetch(simd, i);
        } else if i.is_multiple_of(self.distance) {
            for k in i..self.ids.len().min(i + self.distance) {
                self.rows.prefetch(simd, self.hint, self.ids.get(k));
            }
        }
    }

    /// The row of entry `i`.
    #[inline(always)]
    pub fn row(&self, i: usize) -> R {
        self.rows.of_id(self.ids, i)
    }

    /// The row of entry `i`, after the prefetch that belongs to it.
    #[inline(always)]
    pub fn open<S: Simd>(&self, simd: S, i: usize) -> R {
        if i < self.prefetching {
            self.advance(simd, i);
        }
        self.row(i)
    }
}
