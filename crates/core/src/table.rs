//! A table: a [`TableSpec`] over bytes, and access to the row of a checked id.

#![expect(unsafe_code, reason = "reads the row of a checked id without a second check")]

use crate::dtype::DType;
use crate::error::Error;
use crate::indices::Indices;
use crate::memory::TableSpec;
use crate::row::{cut, with_stored, Stored};
use crate::simd::{bytes_of, Hint, Simd, LINE};
use std::marker::PhantomData;
use std::ops::Range;

/// A `[rows, dim]` table, borrowed for reading. It may begin at any byte.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    spec: TableSpec,
    bytes: &'a [u8],
}

impl<'a> Table<'a> {
    /// Creates the table over `bytes`.
    ///
    /// Errors: `ERR_SHAPE` if `bytes` is not exactly as long as `spec` says.
    pub fn new(spec: TableSpec, bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.len() != spec.bytes() {
            return Err(Error::TableShape {
                rows: spec.rows(),
                dim: spec.dim(),
            });
        }
        Ok(Table { spec, bytes })
    }

    /// Creates a table over f32 values. Errors: as for [`TableSpec::new`] and [`Table::new`].
    pub fn f32(rows: usize, dim: usize, values: &'a [f32]) -> Result<Self, Error> {
        Table::new(
            TableSpec::new(DType::F32, rows, dim)?,
            bytes_of(values).as_flattened(),
        )
    }

    /// Its sizes.
    #[inline(always)]
    pub fn spec(&self) -> TableSpec {
        self.spec
    }

    /// Its bytes.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The number of rows.
    #[inline(always)]
    pub fn rows(&self) -> usize {
        self.spec.rows()
    }

    /// The number of values in a row.
    #[inline(always)]
    pub fn dim(&self) -> usize {
        self.spec.dim()
    }

    /// Copies bytes of the rows without their padding, from byte `from` of all these bytes on.
    ///
    /// # Panics
    /// If there are fewer bytes.
    pub fn copy_packed(&self, from: usize, out: &mut [u8]) {
        let (spec, packed) = (self.spec, self.spec.packed_row_bytes());
        if spec.is_dense() {
            return out.copy_from_slice(&self.bytes[from..][..out.len()]);
        }
        let values = spec.dtype().value_bytes(spec.dim());
        let (mut row, mut at, mut out) = (from / packed, from % packed, out);
        while !out.is_empty() {
            // Values, then the header, which ends with the row.
            let (end, start) = match at < values {
                true => (values, at),
                false => (packed, spec.row_bytes() - packed + at),
            };
            let (part, rest) = out.split_at_mut(out.len().min(end - at));
            part.copy_from_slice(&self.row(row)[start..][..part.len()]);
            at += part.len();
            if at == values {
                part[part.len() - 1] &= spec.dtype().last_byte(spec.dim());
            }
            if at == packed {
                (row, at) = (row + 1, 0);
            }
            out = rest;
        }
    }

    /// Rows `rows` as a table. Panics if they are out of range.
    pub(crate) fn part(self, rows: Range<usize>) -> Table<'a> {
        let stride = self.spec.row_bytes();
        Table {
            spec: self.spec.with_rows(rows.len()),
            bytes: &self.bytes[rows.start * stride..rows.end * stride],
        }
    }

    /// The bytes of row `row`. Panics if it is out of range.
    pub(crate) fn row(&self, row: usize) -> &'a [u8] {
        let stride = self.spec.row_bytes();
        &self.bytes[row * stride..][..stride]
    }
}

/// A `[rows, dim]` table, borrowed for writing. It may begin at any byte.
#[derive(Debug)]
pub struct TableMut<'a> {
    spec: TableSpec,
    bytes: &'a mut [u8],
}

impl<'a> TableMut<'a> {
    /// Creates the table over `bytes`. Errors: as for [`Table::new`].
    pub fn new(spec: TableSpec, bytes: &'a mut [u8]) -> Result<Self, Error> {
        Table::new(spec, bytes)?;
        Ok(TableMut { spec, bytes })
    }

    /// Its sizes.
    pub fn spec(&self) -> TableSpec {
        self.spec
    }

    /// The values from row `first` on as a slice, if they are stored as f32 at an aligned address, without padding.
    ///
    /// # Panics
    /// If `first` is greater than the number of rows.
    pub fn values_mut(&mut self, first: usize) -> Option<&mut [f32]> {
        let (dtype, start) = (self.spec.dtype(), first * self.spec.row_bytes());
        let bytes = &mut self.bytes[start..];
        if !self.spec.is_packed() {
            return None;
        }
        with_stored!(dtype, R => R::floats(bytes))
    }

    /// All values, under the conditions of [`values_mut`](TableMut::values_mut).
    pub fn into_values(self) -> Option<&'a mut [f32]> {
        let TableMut { spec, bytes } = self;
        match spec.is_packed() {
            true => with_stored!(spec.dtype(), R => R::floats(bytes)),
            false => None,
        }
    }

    /// Copies rows `rows` of a table of the same dtype to the rows of the same numbers, as they are stored.
    ///
    /// # Panics
    /// If they are out of range, the dtypes differ, or the other table has fewer columns.
    pub fn copy_rows(&mut self, rows: Range<usize>, from: Table<'_>) {
        let (spec, dim) = (from.spec(), self.spec.dim());
        let fits = spec.dtype() == self.spec.dtype() && spec.dim() >= dim;
        assert!(fits, "rows of another dtype, or too narrow");
        if spec == self.spec && spec.is_dense() {
            let bytes = rows.start * spec.row_bytes()..rows.end * spec.row_bytes();
            return self.bytes[bytes.clone()].copy_from_slice(&from.bytes[bytes]);
        }
        for row in rows {
            cut(spec.dtype(), from.row(row), dim, self.row_mut(row));
        }
    }

    /// The bytes of row `row`. Panics if it is out of range.
    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [u8] {
        let stride = self.spec.row_bytes();
        &mut self.bytes[row * stride..][..stride]
    }

    /// All bytes.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes
    }
}

/// A table with a static dtype. `with_rows!` makes it from a [`Table`], and kernels read it.
///
/// It has only the fields that a loop over rows needs, so that they stay in registers.
#[derive(Clone, Copy)]
#[allow(clippy::len_without_is_empty, reason = "no operation needs it")]
pub struct Rows<'a, R> {
    start: *const u8,
    stride: usize,
    rows: usize,
    dim: usize,
    borrowed: PhantomData<(&'a [u8], R)>,
}

impl<'a, R: Stored<'a>> Rows<'a, R> {
    /// `table`, which must be stored as `R`.
    #[inline(always)]
    pub fn of(table: Table<'a>) -> Self {
        let Table { spec, bytes } = table;
        assert!(spec.dtype() == R::DTYPE);
        Rows {
            start: bytes.as_ptr(),
            stride: spec.row_bytes(),
            rows: spec.rows(),
            dim: spec.dim(),
            borrowed: PhantomData,
        }
    }

    /// The number of rows.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// The number of values in a row.
    #[inline(always)]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The row of id `ids[i]`. The ids are below their bound, so this function only compares the bound with the number
    /// of rows. The comparison does not depend on `i`, so the compiler moves it out of the loop.
    #[inline(always)]
    pub fn of_id(&self, ids: Indices<'_>, i: usize) -> R {
        let (bound, rows) = (ids.bound(), self.rows);
        assert!(bound <= rows as u64, "ids proven for a table with more rows");
        // SAFETY: an entry of `ids` is below its bound, so below `rows`.
        unsafe { self.row_unchecked(ids.get(i)) }
    }

    /// Prefetches every cache line of row `row`, padding included: plans do not prefetch long rows. The row may be out of
    /// range: a prefetch only computes addresses and reads nothing.
    #[inline(always)]
    pub fn prefetch<S: Simd>(&self, simd: S, hint: Hint, row: usize) {
        if S::LOADS_AHEAD {
            return self.load(row);
        }
        let start = self.start.wrapping_add(row.wrapping_mul(self.stride));
        let into_line = start.addr() % LINE;
        let mut at = 0;
        while at < into_line + self.stride {
            simd.prefetch(hint, start.wrapping_sub(into_line).wrapping_add(at));
            at += LINE;
        }
    }

    /// Loads every cache line of row `row`, if there is one. As few instructions as possible: the more loads a processor
    /// sees at once, the fewer it waits for.
    #[inline(always)]
    fn load(&self, row: usize) {
        if row >= self.rows {
            return;
        }
        let last = self.stride - 1;
        let mut at = 0;
        while at < last {
            // SAFETY: a byte of a row, which `Table::new` has checked. Volatile, as the value is not used.
            unsafe { self.start.add(row * self.stride + at).read_volatile() };
            at += LINE;
        }
        // The row may end in the next line.
        // SAFETY: as above.
        unsafe { self.start.add(row * self.stride + last).read_volatile() };
    }

    /// Row `row`. Panics if it is out of range.
    #[inline(always)]
    pub fn row(&self, row: usize) -> R {
        let rows = self.rows;
        assert!(row < rows, "a row outside the table");
        // SAFETY: checked above.
        unsafe { self.row_unchecked(row) }
    }

    /// # Safety
    /// `row` is below `rows`.
    #[inline(always)]
    unsafe fn row_unchecked(&self, row: usize) -> R {
        // SAFETY: `Table::new` has checked that the borrowed bytes hold all rows, and `Rows::of` that they are stored
        // as `R`.
        unsafe { R::open(self.start.add(row * self.stride), self.dim, self.stride) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::F32Row;
    use crate::simd::{available, dispatch, MAX_LANES};
    use std::cell::RefCell;

    /// One lane that records prefetches.
    #[derive(Clone, Copy)]
    struct Recorder<'a>(&'a RefCell<Vec<usize>>);

    impl Simd for Recorder<'_> {
        const LANES: usize = 1;
        const ACCUMULATORS: usize = 1;
        type F32 = f32;

        fn vectorize<T>(self, f: impl FnOnce() -> T) -> T {
            f()
        }

        fn splat(self, x: f32) -> f32 {
            x
        }

        fn load_bytes(self, from: &[[u8; 4]]) -> f32 {
            f32::from_ne_bytes(from[0])
        }

        fn store(self, x: f32, to: &mut [f32]) {
            to[0] = x;
        }

        fn add(self, a: f32, b: f32) -> f32 {
            a + b
        }

        fn mul(self, a: f32, b: f32) -> f32 {
            a * b
        }

        fn div(self, a: f32, b: f32) -> f32 {
            a / b
        }

        fn greater(self, accumulator: f32, _: f32) -> f32 {
            accumulator
        }

        fn max(self, accumulator: f32, _: f32) -> f32 {
            accumulator
        }

        fn prefetch(self, _: Hint, at: *const u8) {
            self.0.borrow_mut().push(at.addr());
        }
    }

    #[test]
    fn exactly_the_lines_of_a_row_are_prefetched() {
        let values = vec![0.0; 4000];
        for (first, dim) in [(0, 16), (1, 16), (3, 1), (15, 2), (7, 40), (0, 300), (9, 384)] {
            let rows = 3000 / dim;
            let table = Table::f32(rows, dim, &values[first..first + rows * dim]).unwrap();
            let rows_of = Rows::<F32Row<'_>>::of(table);
            for row in [0, 1, rows - 1] {
                let lines_seen = RefCell::new(Vec::new());
                rows_of.prefetch(Recorder(&lines_seen), Hint::Near, row);
                let start = table.bytes.as_ptr().addr() + 4 * row * dim;
                let lines: Vec<usize> = (start / LINE..=(start + 4 * dim - 1) / LINE)
                    .map(|l| l * LINE)
                    .collect();
                assert_eq!(lines_seen.into_inner(), lines, "row {row} of {dim} values");
            }
        }
    }

    #[test]
    fn rows_outside_the_table_may_be_prefetched() {
        let values = [0.0; 3 * MAX_LANES];
        let rows = Rows::<F32Row<'_>>::of(Table::f32(3, MAX_LANES, &values).unwrap());
        for &isa in available() {
            dispatch!(isa, simd => {
                for row in [3, 1 << 30, usize::MAX / 2, usize::MAX] {
                    rows.prefetch(simd, Hint::Far, row);
                }
            });
        }
    }
}
