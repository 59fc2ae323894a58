//! Rows by id, one after the other, each asked for before its turn.

use crate::checked::Indices;
use crate::row::Row;
use crate::simd::{Hint, Simd};
use crate::table::Rows;
use crate::tuning::Ahead;

/// The rows that a list of ids names, in its order.
#[derive(Clone, Copy)]
pub(crate) struct Lookup<'t, 'i, R> {
    rows: Rows<'t, R>,
    ids: Indices<'i>,
    hint: Hint,
    /// How many rows ahead is asked.
    distance: usize,
    /// Entries before this one have another that many further on.
    led: usize,
}

impl<'t, 'i, R: Row<'t>> Lookup<'t, 'i, R> {
    #[inline(always)]
    pub fn new(rows: Rows<'t, R>, ids: Indices<'i>, ahead: Ahead) -> Self {
        Lookup {
            rows,
            ids,
            hint: ahead.hint,
            distance: ahead.rows,
            led: ids.len().saturating_sub(ahead.rows),
        }
    }

    /// The entries from `i` on.
    #[inline(always)]
    pub fn after(&self, i: usize) -> Self {
        Lookup {
            ids: self.ids.slice(i..self.ids.len()),
            led: self.led.saturating_sub(i),
            ..*self
        }
    }

    /// How many entries have a later one to ask for.
    #[inline(always)]
    pub fn led(&self) -> usize {
        self.led
    }

    /// Asks for the row that comes after that of entry `i`, which must be one of the first `led()`.
    #[inline(always)]
    pub fn ask<S: Simd>(&self, simd: S, i: usize) {
        self.rows
            .prefetch(simd, self.hint, self.ids.get(i + self.distance));
    }

    /// The row of entry `i`.
    #[inline(always)]
    pub fn row(&self, i: usize) -> R {
        self.rows.of_id(self.ids, i)
    }

    /// The row of entry `i`; asks for the later one where there is one.
    #[inline(always)]
    pub fn open<S: Simd>(&self, simd: S, i: usize) -> R {
        if i < self.led {
            self.ask(simd, i);
        }
        self.row(i)
    }
}
