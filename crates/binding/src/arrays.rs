//! Traits for the caller's arrays.
//!
//! On the native backend an array is one slice. On WebAssembly it is read and written through a scratch area of fixed
//! size, tile by tile, so that no call grows the memory. Operations are generic over both: they check their ids in one
//! pass, and compute their result window by window.

#![expect(unsafe_code, reason = "tiles of valid ids are valid")]

use crate::environment::Environment;
use crate::status::{position_of, Failure};
use std::ops::Range;
use tokenbed_core::indices::{Ids, Indices, Offsets};
use tokenbed_core::ops::{Pool, PositionRows};
use tokenbed_core::simd::Isa;
use tokenbed_core::{Output, Window};

/// Ids, offsets or positions: integers of up to 32 bits.
///
/// # Safety
/// [`IdArray::tile`] returns the same entries for the same range for the lifetime of the value. The caller's code does
/// not run during a call, and arrays that another thread could write were copied before.
#[allow(clippy::len_without_is_empty, reason = "no operation needs it")]
pub unsafe trait IdArray: Clone + Send + Sync {
    /// The number of entries.
    fn len(&self) -> usize;

    /// The most entries that a tile may have.
    fn most(&self) -> usize;

    /// The first `len` entries. Panics if there are fewer.
    fn first(self, len: usize) -> Self;

    /// Entries `range`, at most [`IdArray::most`] of them, unchecked.
    fn tile(&mut self, range: Range<usize>) -> Ids<'_>;

    /// The bytes they cover, in the address space of outputs; empty elsewhere.
    fn address(&self) -> Range<usize>;
}

/// Input floats.
#[allow(clippy::len_without_is_empty, reason = "no operation needs it")]
pub trait FloatArray: Clone + Send + Sync {
    /// The number of values.
    fn len(&self) -> usize;

    /// The most values that a tile may have.
    fn most(&self) -> usize;

    /// Values `range`, at most [`FloatArray::most`] of them.
    fn tile(&mut self, range: Range<usize>) -> &[f32];

    /// Copies all values to `to`, which has the same length, on up to `threads` threads.
    fn copy_to(&mut self, threads: usize, to: &mut [f32]);

    /// The bytes they cover, in the address space of outputs; empty elsewhere.
    fn address(&self) -> Range<usize>;
}

/// Input doubles.
#[allow(clippy::len_without_is_empty, reason = "no operation needs it")]
pub trait DoubleArray {
    /// The number of values.
    fn len(&self) -> usize;

    /// Copies all values to `to`, which has the same length.
    fn copy_to(&mut self, to: &mut [f64]);
}

/// Input bytes.
#[allow(clippy::len_without_is_empty, reason = "no operation needs it")]
pub trait ByteArray {
    /// The number of bytes.
    fn len(&self) -> usize;

    /// The most bytes that a tile may have.
    fn most(&self) -> usize;

    /// Bytes `range`, at most [`ByteArray::most`] of them.
    fn tile(&mut self, range: Range<usize>) -> &[u8];

    /// Copies all bytes to `to`, which has the same length.
    fn copy_to(&mut self, to: &mut [u8]);
}

/// The limits for cutting a result into windows.
#[derive(Debug, Clone)]
pub struct Cut {
    /// The number of rows.
    pub rows: usize,
    /// The number of values in a row.
    pub dim: usize,
    /// The most rows of a window.
    pub most_rows: usize,
    /// The most values of a window.
    pub most_values: usize,
    /// The number of rows after which a window must end, if any: the length of a list of positions that is longer than
    /// a tile.
    pub period: Option<usize>,
    /// Whether every value is overwritten; otherwise an operation continues from the values of `out`.
    pub overwrite: bool,
    /// The fewest rows of a window for one thread, unless there are fewer.
    pub least_rows: usize,
    /// The cost of a value, for the choice of the number of threads. A value that is copied costs 1.
    pub cost: usize,
}

impl Cut {
    /// Any windows of `rows` x `dim` values.
    pub fn any(rows: usize, dim: usize) -> Self {
        Cut {
            rows,
            dim,
            most_rows: usize::MAX,
            most_values: usize::MAX,
            period: None,
            overwrite: true,
            least_rows: 1,
            cost: 1,
        }
    }

    /// The windows, of at most `most_values` values: whole rows if a row fits, otherwise parts of one row.
    pub fn windows(&self, most_values: usize) -> Windows {
        let Cut { rows, dim, .. } = *self;
        let most = most_values.min(self.most_values);
        let (tall, wide) = if most >= dim {
            ((most / dim.max(1)).clamp(1, self.most_rows.max(1)), dim)
        } else {
            (1, most.max(1))
        };
        Windows {
            rows: if dim == 0 { 0 } else { rows },
            dim,
            period: self.period.unwrap_or(rows).max(1),
            tall,
            wide,
            row: 0,
            col: 0,
        }
    }
}

/// The windows of a [`Cut`], in the order of their elements.
#[derive(Debug)]
pub struct Windows {
    rows: usize,
    dim: usize,
    period: usize,
    tall: usize,
    wide: usize,
    row: usize,
    col: usize,
}

impl Iterator for Windows {
    type Item = Window;

    #[inline(never)]
    fn next(&mut self) -> Option<Window> {
        let (first_row, first_col) = (self.row, self.col);
        if first_row >= self.rows {
            return None;
        }
        let end = self
            .rows
            .min((first_row / self.period + 1).saturating_mul(self.period));
        let rows = self.tall.min(end - first_row);
        let cols = self.wide.min(self.dim - first_col);
        self.col += cols;
        if self.col == self.dim {
            (self.row, self.col) = (first_row + rows, 0);
        }
        Some(Window {
            first_row,
            rows,
            first_col,
            cols,
        })
    }
}

/// Output floats.
#[allow(clippy::len_without_is_empty, reason = "no operation needs it")]
pub trait OutArray: Sized {
    /// The number of values.
    fn len(&self) -> usize;

    /// The bytes they cover.
    fn address(&self) -> Range<usize>;

    /// The most values that one call of `edit` may have.
    fn most(&self) -> usize;

    /// Calls `edit` with values `range`, at most [`OutArray::most`] of them. `overwrite` states whether it overwrites
    /// all of them or continues from their values.
    fn edit(&mut self, range: Range<usize>, overwrite: bool, edit: impl FnOnce(&mut [f32]));

    /// Computes a result in windows: `work(inputs, window, output)` for each, on the threads of the environment.
    fn compute<I: Clone + Send + Sync>(
        &mut self,
        env: &Environment,
        cut: Cut,
        inputs: I,
        work: impl Fn(&mut I, Window, Output<'_>) + Sync,
    );

    /// Computes bags.
    fn reduce<I: IdArray, B: IdArray, F: FloatArray>(
        &mut self,
        env: &Environment,
        pool: &Pool<'_>,
        inputs: BagInputs<I, B, F>,
    );

    /// Returns an error if this output shares bytes with an input, or is shorter than `needed`.
    fn expect(&self, needed: Option<usize>, inputs: &[Range<usize>]) -> Result<(), Failure> {
        expect_output("out", self.len(), self.address(), needed, inputs)
    }
}

/// Output integers: ids, or bytes.
#[allow(clippy::len_without_is_empty, reason = "no operation needs it")]
pub trait IntegersOut<T> {
    /// The number of integers.
    fn len(&self) -> usize;

    /// The bytes they cover.
    fn address(&self) -> Range<usize>;

    /// The most integers that one call of `edit` may have.
    fn most(&self) -> usize;

    /// Calls `edit` with integers `range`, at most [`IntegersOut::most`] of them. It overwrites all of them.
    fn edit(&mut self, range: Range<usize>, edit: impl FnOnce(&mut [T]));

    /// Returns an error if this output shares bytes with an input, or is shorter than `needed`.
    fn expect(&self, needed: Option<usize>, inputs: &[Range<usize>]) -> Result<(), Failure> {
        expect_output("ids", self.len(), self.address(), needed, inputs)
    }
}

fn expect_output(
    name: &'static str,
    len: usize,
    out: Range<usize>,
    needed: Option<usize>,
    inputs: &[Range<usize>],
) -> Result<(), Failure> {
    let shared = |input: &Range<usize>| !input.is_empty() && input.start < out.end && out.start < input.end;
    if inputs.iter().any(shared) {
        return Err(Failure::Overlap);
    }
    match needed {
        Some(needed) if needed <= len => Ok(()),
        _ => Err(Failure::Short(name, len, needed.unwrap_or(usize::MAX))),
    }
}

/// Cuts a range into pieces of at most `most`; an empty range has none.
pub fn pieces(range: Range<usize>, most: usize) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range
        .step_by(most.max(1))
        .map(move |start| start..end.min(start.saturating_add(most)))
}

/// Ids that were checked once for the whole call, so that every tile of them is valid.
#[derive(Clone)]
pub struct Proven<A> {
    array: A,
    bound: u64,
}

impl<A: IdArray> Proven<A> {
    /// Checks in one pass that every id is in `[0, bound)`: `Err` is the position of the first one that is not.
    pub fn check(mut array: A, isa: Isa, bound: u64) -> Result<Self, usize> {
        let (len, most) = (array.len(), array.most());
        for start in (0..len).step_by(most) {
            let tile = array.tile(start..len.min(start.saturating_add(most)));
            tile.check(isa, bound)
                .map_err(|error| start + position_of(error))?;
        }
        Ok(Proven { array, bound })
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.array.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most entries that a tile may have.
    pub fn most(&self) -> usize {
        self.array.most()
    }

    /// Entries `range`, at most [`Proven::most`] of them.
    pub fn tile(&mut self, range: Range<usize>) -> Indices<'_> {
        // SAFETY: `check` has checked every entry, and an IdArray does not change.
        unsafe { Indices::proven(self.array.tile(range), self.bound) }
    }
}

/// The positions of a call, from a number or an index array.
#[derive(Clone)]
pub enum At<P> {
    /// The first position of each sequence.
    From(usize),
    /// A position for each row of a sequence, or for each row of the result.
    Ids(P),
}

impl<P: IdArray> At<P> {
    /// The bytes of the ids, for [`OutArray::expect`].
    pub fn address(&self) -> Range<usize> {
        match self {
            At::From(_) => 0..0,
            At::Ids(ids) => ids.address(),
        }
    }

    /// Checks the ids: `Err` is the position of the first one that is not in `[0, bound)`.
    pub fn check(self, isa: Isa, bound: usize) -> Result<At<Proven<P>>, usize> {
        Ok(match self {
            At::From(start) => At::From(start),
            At::Ids(ids) => At::Ids(Proven::check(ids, isa, bound as u64)?),
        })
    }
}

impl<P: IdArray> At<Proven<P>> {
    /// The number of rows after which a list that is longer than a tile repeats.
    pub fn period(&self) -> Option<usize> {
        match self {
            At::From(_) => None,
            At::Ids(ids) => Some(ids.len()).filter(|&len| len > ids.most()),
        }
    }

    /// The most rows of a window whose positions fit into one tile.
    pub fn most_rows(&self) -> usize {
        match self {
            At::Ids(ids) if self.period().is_some() => ids.most(),
            _ => usize::MAX,
        }
    }

    /// The positions at indices `places` of the list, or all of a list that is not longer than a tile.
    pub fn places(&mut self, places: Range<usize>, seq: usize) -> PositionRows<'_> {
        let period = self.period();
        match self {
            At::From(start) => PositionRows::From { start: *start, seq },
            At::Ids(ids) => {
                let (range, first) = match period {
                    None => (0..ids.len(), 0),
                    Some(period) => {
                        let start = places.start % period;
                        (start..start + places.len(), places.start)
                    }
                };
                PositionRows::At {
                    ids: ids.tile(range),
                    first,
                }
            }
        }
    }

    /// The positions of a window, in sequences of `seq` rows.
    pub fn rows(&mut self, window: &Window, seq: usize) -> PositionRows<'_> {
        self.places(window.rows(), seq)
    }
}

/// The partition of a call's ids into bags.
#[derive(Clone)]
pub enum Cuts<B> {
    /// This many equal bags.
    Equal(usize),
    /// Bags that start at valid offsets. If `include_last`, no bag starts at the last one.
    At {
        /// Where bags begin.
        offsets: B,
        /// Whether the last offset is the end of the last bag.
        include_last: bool,
    },
}

impl<B: IdArray> Cuts<B> {
    /// The number of bags.
    pub fn bags(&self) -> usize {
        match self {
            Cuts::Equal(bags) => *bags,
            Cuts::At {
                offsets,
                include_last,
            } => offsets.len().saturating_sub(usize::from(*include_last)),
        }
    }

    /// The bytes of the offsets, for [`OutArray::expect`].
    pub fn address(&self) -> Range<usize> {
        match self {
            Cuts::Equal(_) => 0..0,
            Cuts::At { offsets, .. } => offsets.address(),
        }
    }

    /// Checks the rules of [`Offsets::check`] tile by tile: `Err` is the first offset that breaks one.
    pub fn check(&mut self, count: usize) -> Result<(), usize> {
        let Cuts::At {
            offsets,
            include_last,
        } = self
        else {
            return Ok(());
        };
        let (len, most) = (offsets.len(), offsets.most());
        let mut last = None;
        for start in (0..len).step_by(most) {
            let tile = offsets.tile(start..len.min(start.saturating_add(most)));
            Offsets::check_part(tile, count, last).map_err(|error| start + position_of(error))?;
            last = Some(tile.value(tile.len() - 1) as usize);
        }
        match last {
            None if *include_last || count > 0 => Err(0),
            Some(last) if *include_last && last != count => Err(len - 1),
            _ => Ok(()),
        }
    }

    /// The range of ids in one bag, out of `count` ids in total.
    pub fn range(&mut self, bag: usize, count: usize) -> Range<usize> {
        match self {
            Cuts::Equal(bags) => {
                let len = count.checked_div(*bags).unwrap_or(0);
                bag * len..(bag + 1) * len
            }
            Cuts::At { offsets, .. } => {
                let mut offset = |i: usize| match i < offsets.len() {
                    true => offsets.tile(i..i + 1).value(0) as usize,
                    false => count,
                };
                offset(bag)..offset(bag + 1)
            }
        }
    }
}

/// The inputs of bags.
#[derive(Clone)]
pub struct BagInputs<I, B, F> {
    /// The ids of all bags.
    pub ids: Proven<I>,
    /// Their valid partition into bags.
    pub cuts: Cuts<B>,
    /// A weight for each id.
    pub weights: Option<F>,
}
