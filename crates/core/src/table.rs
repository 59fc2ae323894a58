//! A table: `rows` rows of `dim` values in a block of bytes, and the way from a proven id to its row.

#![expect(unsafe_code, reason = "a proven id leads to its row without a second check")]

use crate::checked::Indices;
use crate::dtype::DType;
use crate::error::Error;
use crate::row::Row;
use crate::simd::{Hint, Simd, LINE};
use std::marker::PhantomData;
use std::slice;

/// A `[rows, dim]` table, borrowed, row after row. Its sizes were checked against its bytes when it was made.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    dtype: DType,
    rows: usize,
    dim: usize,
    /// From one row to the next, in bytes.
    stride: usize,
    bytes: &'a [u8],
}

impl<'a> Table<'a> {
    /// The table that `bytes` holds.
    ///
    /// Errors: `ERR_SHAPE` when `dim` is 0, when `bytes` is not exactly the size of such a table, and when it
    /// does not start at a multiple of the dtype's alignment.
    pub fn new(dtype: DType, rows: usize, dim: usize, bytes: &'a [u8]) -> Result<Self, Error> {
        let stride = dtype
            .row_bytes(dim)
            .filter(|&stride| stride > 0 && rows.checked_mul(stride) == Some(bytes.len()));
        let Some(stride) = stride else {
            return Err(Error::TableShape {
                rows,
                dim,
                bytes: bytes.len(),
            });
        };
        if !bytes.as_ptr().addr().is_multiple_of(dtype.align()) {
            return Err(Error::Misaligned { align: dtype.align() });
        }
        Ok(Table {
            dtype,
            rows,
            dim,
            stride,
            bytes,
        })
    }

    /// The table of those values. Errors: as for [`Table::new`].
    pub fn f32(rows: usize, dim: usize, values: &'a [f32]) -> Result<Self, Error> {
        // SAFETY: the same memory, as bytes: no alignment is asked for, and every byte of an f32 is one.
        let bytes = unsafe { slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) };
        Table::new(DType::F32, rows, dim, bytes)
    }

    /// How the values are stored.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many values in a row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Bytes from one row to the next.
    pub fn row_bytes(&self) -> usize {
        self.stride
    }

    /// Bytes of all rows.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

/// A table whose storage type the compiler knows: what `with_rows!` makes of a [`Table`], and kernels read.
#[derive(Clone, Copy)]
pub struct Rows<'a, R> {
    table: Table<'a>,
    stored_as: PhantomData<R>,
}

impl<'a, R: Row<'a>> Rows<'a, R> {
    /// `table`, which must be stored as `R`.
    #[inline(always)]
    pub fn of(table: Table<'a>) -> Self {
        assert_eq!(table.dtype, R::DTYPE);
        Rows {
            table,
            stored_as: PhantomData,
        }
    }

    /// The row that entry `i` of the ids names. They were proven below a bound, so what is checked here, that
    /// the bound is the table's, does not depend on `i` and leaves the loop.
    #[inline(always)]
    pub fn of_id(&self, ids: Indices<'_>, i: usize) -> R {
        let (bound, rows) = (ids.bound(), self.table.rows);
        assert!(
            bound <= rows as u64,
            "ids below {bound} were given for a table of {rows} rows"
        );
        // SAFETY: an entry of `ids` is below its bound, so below `rows`.
        unsafe { self.row_unchecked(ids.get(i)) }
    }

    /// Asks for every line of row `row`, be it one of the table's or not: addresses are computed, nothing is
    /// read.
    #[inline(always)]
    pub fn prefetch<S: Simd>(&self, simd: S, hint: Hint, row: usize) {
        let Table { stride, bytes, .. } = self.table;
        let start = bytes.as_ptr().wrapping_add(row.wrapping_mul(stride));
        let into_line = start.addr() % LINE;
        let mut at = 0;
        while at < into_line + stride {
            simd.prefetch(hint, start.wrapping_sub(into_line).wrapping_add(at));
            at += LINE;
        }
    }

    /// Row `row`, which must be one of the table's.
    #[inline(always)]
    pub fn row(&self, row: usize) -> R {
        let rows = self.table.rows;
        assert!(row < rows, "row {row} of a table of {rows} rows");
        // SAFETY: just checked.
        unsafe { self.row_unchecked(row) }
    }

    /// # Safety
    /// `row` is below `rows`.
    #[inline(always)]
    unsafe fn row_unchecked(&self, row: usize) -> R {
        let Table {
            dim, stride, bytes, ..
        } = self.table;
        // SAFETY: `Table::new` has seen `rows * stride` bytes from an aligned start, and rows keep the
        // alignment; `Rows::of` has seen that they are stored as `R`.
        unsafe { R::open(bytes.as_ptr().add(row * stride), dim) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::F32Row;
    use crate::simd::{available, dispatch, MAX_LANES};
    use std::cell::RefCell;

    /// One lane that writes down what is asked for.
    #[derive(Clone, Copy)]
    struct Asked<'a>(&'a RefCell<Vec<usize>>);

    impl Simd for Asked<'_> {
        const LANES: usize = 1;
        const ACCUMULATORS: usize = 1;
        type F32 = f32;

        fn vectorize<T>(self, f: impl FnOnce() -> T) -> T {
            f()
        }

        fn splat(self, x: f32) -> f32 {
            x
        }

        fn load(self, from: &[f32]) -> f32 {
            from[0]
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

        fn max(self, held: f32, _: f32) -> f32 {
            held
        }

        fn prefetch(self, _: Hint, at: *const u8) {
            self.0.borrow_mut().push(at.addr());
        }
    }

    #[test]
    fn exactly_the_lines_of_a_row_are_asked_for() {
        let values = vec![0.0; 4000];
        for (first, dim) in [(0, 16), (1, 16), (3, 1), (15, 2), (7, 40), (0, 300), (9, 384)] {
            let rows = 3000 / dim;
            let table = Table::f32(rows, dim, &values[first..first + rows * dim]).unwrap();
            let rows_of = Rows::<F32Row<'_>>::of(table);
            for row in [0, 1, rows - 1] {
                let asked = RefCell::new(Vec::new());
                rows_of.prefetch(Asked(&asked), Hint::Near, row);
                let start = table.bytes.as_ptr().addr() + 4 * row * dim;
                let lines: Vec<usize> = (start / LINE..=(start + 4 * dim - 1) / LINE)
                    .map(|l| l * LINE)
                    .collect();
                assert_eq!(asked.into_inner(), lines, "row {row} of {dim} values");
            }
        }
    }

    #[test]
    fn rows_that_are_not_there_may_be_asked_for() {
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
