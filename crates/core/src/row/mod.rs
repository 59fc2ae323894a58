//! How stored: one file for each storage type, each a [`Row`].
//!
//! A row is a small value: borrowed bytes, and whatever stands once per row (nothing for f32; scale and bias of a
//! quantised row), already read. It gives f32 vectors of any width, so an operation over [`Row`] and
//! [`Simd`] is written once for all storage types and all instruction sets.

mod f32;

pub use f32::F32Row;

use crate::dtype::DType;
use crate::simd::{for_each_vector, Simd, MAX_LANES};
use std::ops::Range;

/// One row of a table, opened.
pub trait Row<'a>: Copy {
    /// What a table of such rows calls itself.
    const DTYPE: DType;

    /// Opens the row that starts at `bytes`.
    ///
    /// # Safety
    /// `DTYPE.row_bytes(dim)` bytes can be read there for as long as `'a`, and nobody writes to them; `bytes` is a
    /// multiple of `DTYPE.align()`.
    unsafe fn open(bytes: *const u8, dim: usize) -> Self;

    /// The same row seen through a window: its column 0 is column `cols.start` of this one.
    fn cols(self, cols: Range<usize>) -> Self;

    /// The value at `col`, as f32.
    fn get(self, col: usize) -> f32;

    /// The `n` values from `col` on, as f32, in the first `n` lanes; +0 in the rest. `n` is at most `S::LANES`, and
    /// equal to it in all but the last step of a loop, where the compiler sees that it is.
    #[inline(always)]
    fn load<S: Simd>(self, simd: S, col: usize, n: usize) -> S::F32 {
        let mut values = [0.0; MAX_LANES];
        for (k, value) in values[..n].iter_mut().enumerate() {
            *value = self.get(col + k);
        }
        simd.load(&values[..S::LANES])
    }

    /// Writes the first `out.len()` values, as f32.
    #[inline(always)]
    fn copy_to<S: Simd>(self, simd: S, out: &mut [f32]) {
        for_each_vector(simd, out, #[inline(always)] |col, n, _| self.load(simd, col, n));
    }
}

/// `with_rows!(table, rows => expression)`: the value of the expression, with `rows` as the [`Rows`] of the
/// table's storage type. The only match on a [`DType`] outside `dtype.rs`.
///
/// [`Rows`]: crate::table::Rows
macro_rules! with_rows {
    ($table:expr, $rows:ident => $body:expr) => {{
        let table: $crate::table::Table<'_> = $table;
        match table.dtype() {
            $crate::dtype::DType::F32 => {
                let $rows = $crate::table::Rows::<$crate::row::F32Row<'_>>::of(table);
                $body
            }
        }
    }};
}
pub(crate) use with_rows;
