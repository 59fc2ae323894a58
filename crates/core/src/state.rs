//! The state of an optimizer for one table, and the rows of a step.
//!
//! A row gets a *place* when it first gets state: the number of its values in memory. A map of the table has the place of
//! each row, 4 bytes per row that are resident where rows have state. So the state takes what its rows need.
//!
//! ```text
//! plan     the places of the rows of a step, and memory for new ones; or nothing has changed
//! parts    rows of the table, of the gradient and of the state, for one thread each
//! step     of a part
//! ```

#![expect(
    unsafe_code,
    reason = "threads write rows of the same memory: those of a gradient are distinct"
)]

use crate::gradient::Gradient;
use crate::memory::{Contents, Growing, Memory, Write};
use crate::ops::{update_row, Step, DECAYED};
use crate::simd::{dispatch, flush, Hint, Isa, Simd, LINE};
use std::marker::PhantomData;
use std::ops::Range;

/// The rows of a table that a step updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// The rows of the gradient.
    OfGradient,
    /// All rows but padding.
    AllBut(Option<usize>),
}

/// The place of each row of a table in the state.
///
/// Rows with a place have distinct ones, below the number of places: only [`Places::add`] gives a row a place, the next one.
#[derive(Debug)]
struct Places {
    /// The number of rows of the table.
    rows: usize,
    /// 0, or a place + 1, for each row. Allocated for the first row that gets a place.
    map: Option<Memory<Write>>,
    count: usize,
}

impl Places {
    /// Allocates the map. Returns false if memory is exhausted.
    fn reserve(&mut self) -> bool {
        if self.map.is_none() {
            let bytes = self.rows.checked_mul(size_of::<u32>());
            self.map = bytes.and_then(|bytes| Memory::allocate(bytes, Contents::Zeros));
        }
        self.map.is_some()
    }

    #[inline(always)]
    fn entries(&self) -> &[[u8; 4]] {
        self.map.as_ref().map_or(&[], |map| map.bytes().as_chunks().0)
    }

    /// The place of a row, if it has one.
    #[inline(always)]
    fn get(&self, row: usize) -> Option<u32> {
        let entry = self.entries().get(row)?;
        u32::from_ne_bytes(*entry).checked_sub(1)
    }

    /// Gives a row that has none the next place.
    ///
    /// # Panics
    /// If it has one, or there is no memory for it.
    fn add(&mut self, row: usize) {
        assert!(self.get(row).is_none(), "a row has one place");
        let map = self.map.as_mut().expect("the map of rows with state");
        self.count += 1;
        let entry = u32::try_from(self.count).expect("places below 2^32");
        map.bytes_mut().as_chunks_mut().0[row] = entry.to_ne_bytes();
    }

    #[inline(always)]
    fn prefetch<S: Simd>(&self, simd: S, row: usize) {
        let start = self.entries().as_ptr().cast::<u8>();
        simd.prefetch(Hint::Near, start.wrapping_add(row.wrapping_mul(size_of::<u32>())));
    }
}

/// The most rows with state: places are below 2^32 - 1.
const MOST_ROWS: usize = u32::MAX as usize - 1;

/// The rows by which map entries are prefetched.
const MAP_DISTANCE: usize = 32;

/// The state of an optimizer for one table.
#[derive(Debug)]
pub struct State {
    /// The number of columns of the table.
    dim: usize,
    /// The number of values per row; 0 if the optimizer has no state.
    width: usize,
    /// The values of a row when it gets state.
    initial: f32,
    places: Places,
    /// The values of each place, `[count, width]`.
    values: Growing,
}

impl State {
    /// No state yet: `width` values per row of a table of `rows` x `dim`, which begin at `initial`. Allocates nothing.
    pub fn new(rows: usize, dim: usize, width: usize, initial: f32) -> Self {
        State {
            dim,
            width,
            initial: flush(initial),
            places: Places {
                rows,
                map: None,
                count: 0,
            },
            values: Growing::default(),
        }
    }

    /// The number of rows with state.
    pub fn count(&self) -> usize {
        self.places.count
    }

    /// The number of values per row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        self.places.entries().len() * size_of::<u32>() + self.values.bytes()
    }

    /// The rows with state and their places, in ascending order of the rows.
    pub fn rows(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let rows = match self.places.count {
            0 => 0,
            _ => self.places.rows,
        };
        (0..rows).filter_map(|row| Some((row, self.places.get(row)? as usize)))
    }

    /// The values of all places, `[count, width]`.
    pub fn values(&self) -> &[f32] {
        &self.values.values()[..self.places.count * self.width]
    }

    /// The same, mutable.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values.values_mut()[..self.places.count * self.width]
    }

    /// Makes room for the places of `more` rows. Returns false if memory is exhausted: then no row has changed.
    #[must_use]
    pub fn reserve(&mut self, more: usize) -> bool {
        if more == 0 {
            return true;
        }
        let count = self.places.count + more;
        let most = self.places.rows.saturating_mul(self.width);
        let len = count.checked_mul(self.width).filter(|_| count <= MOST_ROWS);
        let kept = self.places.count * self.width;
        self.places.reserve() && len.is_some_and(|len| self.values.reserve(len, kept, most))
    }

    /// Gives a row the next place, with unspecified values.
    ///
    /// # Panics
    /// If it has one, or no room was made for it.
    pub fn add(&mut self, row: usize) {
        assert!(
            (self.places.count + 1) * self.width <= self.values.capacity(),
            "room for the values"
        );
        self.places.add(row);
    }

    /// Computes the places of the rows of a step, and makes room for new ones. Returns false if memory is exhausted: then
    /// no row has changed. A step follows, or nothing.
    #[must_use]
    #[inline(never)]
    pub fn plan(&mut self, isa: Isa, gradient: &mut Gradient, update: Update) -> bool {
        dispatch!(isa, simd => self.plan_in(simd, gradient, update))
    }

    #[inline(always)]
    fn plan_in<S: Simd>(&mut self, simd: S, gradient: &mut Gradient, update: Update) -> bool {
        if self.width == 0 {
            return true;
        }
        let more = match update {
            Update::AllBut(padding) => {
                let all = 0..self.places.rows;
                let new = |&row: &usize| self.places.get(row).is_none() && padding != Some(row);
                all.filter(new).count()
            }
            Update::OfGradient => {
                let (rows, places) = gradient.plan();
                places.clear();
                if places.try_reserve(rows.len()).is_err() {
                    return false;
                }
                let mut next = self.places.count;
                for (i, &row) in rows.iter().enumerate() {
                    if let Some(&ahead) = rows.get(i + MAP_DISTANCE) {
                        self.places.prefetch(simd, ahead as usize);
                    }
                    places.push(self.places.get(row as usize).unwrap_or_else(|| {
                        next += 1;
                        (next - 1) as u32
                    }));
                }
                next - self.places.count
            }
        };
        self.reserve(more)
    }

    /// The rows of a step in at most `parts` parts: those of `table`, `[rows, dim]`, of the gradient and of the state, which
    /// were planned. New rows get their places.
    ///
    /// # Panics
    /// If sizes do not match, or the step was not planned.
    pub fn parts<'a>(
        &'a mut self,
        table: &'a mut [f32],
        gradient: &'a Gradient,
        update: Update,
        parts: usize,
    ) -> Vec<Part<'a>> {
        let (dim, width, old) = (self.dim, self.width, self.places.count);
        assert!(
            Some(table.len()) == self.places.rows.checked_mul(dim) && gradient.dim() == dim,
            "the table of the state"
        );
        let rows = match update {
            Update::AllBut(padding) => {
                for row in 0..self.places.rows {
                    if width > 0 && padding != Some(row) && self.places.get(row).is_none() {
                        self.add(row);
                    }
                }
                self.places.rows
            }
            Update::OfGradient => {
                let rows = gradient.rows();
                assert!(
                    width == 0 || gradient.places().len() == rows.len(),
                    "a step that was planned"
                );
                for (&row, &place) in rows.iter().zip(gradient.places()) {
                    if width > 0 && place as usize >= old {
                        assert!(place as usize == self.places.count, "the next place");
                        self.add(row as usize);
                    }
                }
                rows.len()
            }
        };
        let table = Scattered::of(table, dim);
        let state = Scattered::of(self.values.values_mut(), width);
        let count = parts.clamp(1, rows.max(1));
        let cut = |part: usize| (rows as u128 * part as u128 / count as u128) as usize;
        let part = |part: usize| Part {
            table,
            state,
            places: &self.places,
            gradient,
            update,
            range: cut(part)..cut(part + 1),
            old,
            initial: self.initial,
        };
        (0..count).map(part).collect()
    }
}

/// Rows that are written by several threads, each of them by one.
#[derive(Debug, Clone, Copy)]
struct Scattered<'a> {
    start: *mut f32,
    rows: usize,
    width: usize,
    borrowed: PhantomData<&'a mut [f32]>,
}

// SAFETY: whoever calls `row` makes sure that no other thread has that row.
unsafe impl Send for Scattered<'_> {}

impl<'a> Scattered<'a> {
    /// Rows of `width` values.
    fn of(values: &'a mut [f32], width: usize) -> Self {
        Scattered {
            start: values.as_mut_ptr(),
            rows: values.len().checked_div(width).unwrap_or(0),
            width,
            borrowed: PhantomData,
        }
    }

    /// Row `row`. Panics if it is out of range.
    ///
    /// # Safety
    /// There is no other reference to this row as long as the result is in use.
    #[inline(always)]
    unsafe fn row(&mut self, row: usize) -> &mut [f32] {
        assert!(row < self.rows, "a row outside the memory");
        // SAFETY: the memory of `of` is borrowed for 'a and has this row; the caller promises that nobody else has it.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(row * self.width), self.width) }
    }

    /// Prefetches the cache lines of a row, if it is not longer than [`LONGEST`].
    #[inline(always)]
    fn prefetch<S: Simd>(&self, simd: S, row: usize) {
        let bytes = self.width * size_of::<f32>();
        if bytes > LONGEST {
            return;
        }
        let start = self.start.wrapping_add(row.wrapping_mul(self.width)).cast::<u8>();
        for line in (0..bytes).step_by(LINE) {
            simd.prefetch(Hint::Near, start.wrapping_add(line));
        }
    }
}

/// The bytes of a row up to which it is prefetched whole: hardware prefetchers follow longer rows.
const LONGEST: usize = 1024;

/// The rows of a step for one thread.
#[derive(Debug)]
pub struct Part<'a> {
    table: Scattered<'a>,
    state: Scattered<'a>,
    places: &'a Places,
    gradient: &'a Gradient,
    update: Update,
    /// Slots of the gradient, or rows of the table.
    range: Range<usize>,
    /// The number of rows that had state before the step.
    old: usize,
    initial: f32,
}

/// One row of a step.
struct RowOf<'p> {
    /// The row of the table.
    w: &'p mut [f32],
    /// Its gradient; `None` for +0.
    g: Option<&'p [f32]>,
    /// Its state.
    state: &'p mut [f32],
}

/// The prefetch distance, in rows.
const DISTANCE: usize = 16;

impl Part<'_> {
    /// Updates its rows.
    #[inline(never)]
    pub fn step(&mut self, isa: Isa, step: &Step) {
        dispatch!(isa, simd => self.step_in(simd, step))
    }

    #[inline(always)]
    fn step_in<S: Simd>(&mut self, simd: S, step: &Step) {
        let mut decayed = DECAYED;
        for i in self.range.clone() {
            self.prefetch(simd, i + DISTANCE);
            if let Some(RowOf { w, g, state }) = self.row(i) {
                update_row(simd, step, w, g, state, &mut decayed);
            }
        }
    }

    /// Row `i` of the step; `None` for padding.
    ///
    /// # Panics
    /// If it is not in the range.
    #[inline(always)]
    fn row(&mut self, i: usize) -> Option<RowOf<'_>> {
        assert!(self.range.contains(&i), "a row of this part");
        let dim = self.table.width;
        let gradient = self.gradient;
        let sum = |slot: usize| &gradient.sums()[slot * dim..][..dim];
        let (row, g, place) = match self.update {
            Update::AllBut(padding) if padding == Some(i) => return None,
            Update::AllBut(_) => (i, gradient.slot(i).map(sum), self.places.get(i)),
            Update::OfGradient => {
                let place = gradient.places().get(i).copied();
                (gradient.rows()[i] as usize, Some(sum(i)), place)
            }
        };
        // SAFETY: parts have different ranges, and `&mut self` is the only way to a row of this one. Rows of the table are
        // distinct, and so are those of the gradient.
        let w = unsafe { self.table.row(row) };
        if self.state.width == 0 {
            return Some(RowOf { w, g, state: &mut [] });
        }
        let place = place.expect("a place for each row") as usize;
        // SAFETY: as above. Different rows have different places: the map has distinct ones, and a plan has those of the map
        // and the next ones.
        let state = unsafe { self.state.row(place) };
        if place >= self.old {
            state.fill(self.initial);
        }
        Some(RowOf { w, g, state })
    }

    /// Prefetches row `i` of the step, which may be beyond the range. Hardware prefetchers follow steps over all rows.
    #[inline(always)]
    fn prefetch<S: Simd>(&self, simd: S, i: usize) {
        if self.update != Update::OfGradient {
            return;
        }
        if let Some(&row) = self.gradient.rows().get(i) {
            self.table.prefetch(simd, row as usize);
        }
        if let Some(&place) = self.gradient.places().get(i) {
            self.state.prefetch(simd, place as usize);
        }
    }
}
