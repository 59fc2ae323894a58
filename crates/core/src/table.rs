//! A table: `rows` rows of `dim` values in a block of bytes, and the way from a proven id to its row.

use crate::checked::Indices;
use crate::dtype::DType;
use crate::error::Error;
use crate::row::Row;
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
