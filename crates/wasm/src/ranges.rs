//! The second index argument of a call, part by part: position ids, and the ranges of bags.

use crate::borrow::{rows_of, windows, FloatsOut, Integers, INDEX_TILE, SECOND};
use std::ops::Range;
use tokenbed_core::checked::{Indices, Offsets};
use tokenbed_core::host::{self, Failure};
use tokenbed_core::simd::Isa;
use tokenbed_core::window::Window;
use wasm_bindgen::prelude::*;

/// Position ids, if there are any: a list that repeats for every sequence.
pub struct PositionIds<'a> {
    ids: Option<Integers<'a>>,
    /// How many positions there are; set before `check`.
    pub bound: u64,
}

impl<'a> PositionIds<'a> {
    /// Borrows the argument, which may be `undefined`.
    pub fn new(array: &'a JsValue) -> Result<PositionIds<'a>, Failure> {
        Ok(PositionIds {
            ids: Integers::optional(array, &SECOND)?,
            bound: 0,
        })
    }

    /// Refuses the call when the output shares their bytes.
    pub fn disjoint(&self, out: &FloatsOut<'_>) -> Result<(), Failure> {
        self.ids.iter().try_for_each(|ids| out.disjoint(ids))
    }

    /// Checks all of them: `Err` is the first bad entry.
    pub fn check(&mut self, isa: Isa) -> Result<(), usize> {
        let bound = self.bound;
        self.ids.iter_mut().try_for_each(|ids| ids.check(isa, bound))
    }

    /// The rows after which the list begins anew, when it is too long to be in the scratch area as a whole.
    fn period(&self) -> Option<usize> {
        self.ids
            .as_ref()
            .map(Integers::len)
            .filter(|&len| len > INDEX_TILE)
    }

    /// Windows as of [`windows`], each with its positions in one piece.
    pub fn windows(
        &self,
        rows: usize,
        dim: usize,
        most_rows: usize,
        most_values: usize,
    ) -> impl Iterator<Item = Window> {
        let most_rows = self.period().map_or(most_rows, |_| most_rows.min(INDEX_TILE));
        let period = self.period().unwrap_or(rows).max(1);
        (0..rows).step_by(period).flat_map(move |first_row| {
            windows(period.min(rows - first_row), dim, most_rows, most_values).map(move |window| Window {
                first_row: first_row + window.first_row,
                ..window
            })
        })
    }

    /// The positions of a window, with the row that takes the first of them.
    pub fn of(&mut self, isa: Isa, window: &Window) -> Option<(Indices<'_>, usize)> {
        let (bound, period) = (self.bound, self.period());
        let ids = self.ids.as_mut()?;
        let (range, first) = match period {
            None => (0..ids.len(), 0),
            Some(period) => {
                let (rows, turn) = (rows_of(window), window.first_row / period * period);
                (rows.start - turn..rows.end - turn, rows.start)
            }
        };
        Some((ids.checked(isa, bound, range), first))
    }
}

/// Which ids each bag takes.
pub enum BagRanges<'a> {
    /// From one offset to the next.
    At {
        offsets: Integers<'a>,
        count: usize,
        include_last: bool,
    },
    /// Equal parts.
    Equal { bags: usize, len: usize },
}

impl<'a> BagRanges<'a> {
    /// Bags of `count` ids at `offsets`, still unchecked.
    pub fn at(offsets: Integers<'a>, count: usize, include_last: bool) -> BagRanges<'a> {
        BagRanges::At {
            offsets,
            count,
            include_last,
        }
    }

    /// `bags` bags of `count` ids together.
    pub fn equal(bags: usize, count: usize) -> BagRanges<'a> {
        BagRanges::Equal {
            bags,
            len: count.checked_div(bags).unwrap_or(0),
        }
    }

    /// How many bags.
    pub fn len(&self) -> usize {
        match self {
            BagRanges::At {
                offsets,
                include_last,
                ..
            } => offsets.len().saturating_sub(usize::from(*include_last)),
            BagRanges::Equal { bags, .. } => *bags,
        }
    }

    /// Refuses the call when the output shares bytes with the offsets.
    pub fn disjoint(&self, out: &FloatsOut<'_>) -> Result<(), Failure> {
        match self {
            BagRanges::At { offsets, .. } => out.disjoint(offsets),
            BagRanges::Equal { .. } => Ok(()),
        }
    }

    /// The rules of [`Offsets::check`], tile by tile: `Err` is the first offset that breaks one.
    pub fn check(&mut self) -> Result<(), usize> {
        let BagRanges::At {
            offsets,
            count,
            include_last,
        } = self
        else {
            return Ok(());
        };
        let mut last = None;
        for range in offsets.tiles() {
            let start = range.start;
            let tile = offsets.tile(range);
            Offsets::check_part(tile, *count, last).map_err(|error| start + host::position_of(error))?;
            last = Some(tile.value(tile.len() - 1) as usize);
        }
        match (last, *include_last) {
            (None, last_wanted) if last_wanted || *count > 0 => Err(0),
            (Some(last), true) if last != *count => Err(offsets.len() - 1),
            _ => Ok(()),
        }
    }

    /// The ids of one bag.
    pub fn range(&mut self, bag: usize) -> Range<usize> {
        match self {
            BagRanges::Equal { len, .. } => bag * *len..(bag + 1) * *len,
            BagRanges::At { offsets, count, .. } => {
                let mut offset = |i: usize| match i < offsets.len() {
                    true => offsets.tile(i..i + 1).value(0) as usize,
                    false => *count,
                };
                offset(bag)..offset(bag + 1)
            }
        }
    }
}
