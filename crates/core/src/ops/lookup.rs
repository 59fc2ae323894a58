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
    /// Entries before this one are followed by another one at the prefetch distance.
    prefetching: usize,
}

impl<'t, 'i, R: Stored<'t>> Lookup<'t, 'i, R> {
    #[inline(always)]
    pub fn new(rows: Rows<'t, R>, ids: Indices<'i>, prefetch: Prefetch) -> Self {
        Lookup {
            rows,
            ids,
            hint: prefetch.hint,
            distance: prefetch.rows,
            prefetching: ids.len().saturating_sub(prefetch.rows),
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

    /// How many entries are followed by another one at the prefetch distance.
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

    /// The row of entry `i`.
    #[inline(always)]
    pub fn row(&self, i: usize) -> R {
        self.rows.of_id(self.ids, i)
    }

    /// The row of entry `i`, after the prefetch that belongs to it.
    #[inline(always)]
    pub fn open<S: Simd>(&self, simd: S, i: usize) -> R {
        if i < self.prefetching {
            self.prefetch(simd, i);
        }
        self.row(i)
    }
}
