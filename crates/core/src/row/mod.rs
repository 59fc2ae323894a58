//! Storage types, one file each.
//!
//! A [`Row`] yields f32 lanes and can be copied. A [`Stored`] row is a row of a table: it borrows bytes, and has
//! already read the values that a row stores once (none for f32; scale and bias of a quantized row). An operation over
//! [`Row`] and [`Simd`] is written once for all storage types and all instruction sets.

#![expect(unsafe_code, reason = "a row is opened from a pointer into its table")]

mod bf16;
pub(crate) mod blocks;
mod f16;
mod f32;
mod i4;
mod i8;
mod range;

pub use bf16::Bf16Row;
pub use f16::F16Row;
pub use f32::F32Row;
pub use i4::I4Row;
pub use i8::I8Row;
pub use range::{Unfit, ValueRange};

/// Plain floats as a row: the caller's, or a row of a second table, which is always f32.
pub type Plain<'a> = F32Row<'a>;

use crate::dtype::DType;
use crate::simd::{dispatch, for_each_vector, has_every_dtype, Isa, Simd, MAX_LANES};
use std::ops::Range;

/// Values in columns.
pub trait Row: Copy {
    /// A part of this row: its column 0 is column `cols.start` of this one.
    fn cols(self, cols: Range<usize>) -> Self;

    /// The value at `col`, as f32.
    fn get(self, col: usize) -> f32;

    /// The `n` values from `col` on, as f32, in the first `n` lanes; +0 in the rest. `n` is at most
    /// `S::LANES`, and equal to it in all but the last step of a loop, so that the compiler can specialize the others.
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
        for_each_vector(
            simd,
            out,
            #[inline(always)]
            |col, n, _| self.load(simd, col, n),
        );
    }
}

/// A row of a table.
pub trait Stored<'a>: Row {
    /// The dtype of a table of such rows.
    const DTYPE: DType;

    /// What a row stores once besides its values.
    type Header: Copy;

    /// Opens the row of `dim` values, not 0, in the `len` bytes at `bytes`, at any address. Its header ends with them.
    ///
    /// # Safety
    /// The bytes are valid for reads for `'a`, and are not written meanwhile; a row of `dim` values has at most `len`.
    unsafe fn open(bytes: *const u8, dim: usize, len: usize) -> Self;

    /// The header of a row whose values have this range. Errors: the values that the dtype cannot store.
    fn header(values: &ValueRange) -> Result<Self::Header, Unfit>;

    /// Stores the header at the end of a row, and `values` from column `col` on, which is even.
    fn write(header: Self::Header, values: &[f32], col: usize, row: &mut [u8]);

    /// The values in `bytes`, if they are f32 and aligned.
    fn floats(_bytes: &mut [u8]) -> Option<&mut [f32]> {
        None
    }
}

/// The first `n` lanes of `x`, +0 in the rest.
#[inline(always)]
fn only_first<S: Simd>(simd: S, x: S::F32, n: usize) -> S::F32 {
    if n >= S::LANES {
        return x;
    }
    let mut lanes = [0.0; MAX_LANES];
    simd.store(x, &mut lanes[..n]);
    simd.load(&lanes[..S::LANES])
}

/// The integer nearest to `x`, ties to even, for magnitudes below 2^22: a sum of this size has no fraction.
#[inline(always)]
fn nearest(x: f32) -> f32 {
    const INTEGERS: f32 = 12_582_912.0; // 1.5 * 2^23
    (x + INTEGERS) - INTEGERS
}

/// Copies a row to one of `dim` columns, of the same dtype: the first values, and the header, which ends with the row.
/// Padding of the copy is not written.
///
/// ```text
/// from: values, padding, header  ->  to: the first dim values, padding, header
/// ```
///
/// # Panics
/// If one of them is shorter than a row of `dim` columns.
pub fn cut(dtype: DType, from: &[u8], dim: usize, to: &mut [u8]) {
    let (len, header) = (dtype.value_bytes(dim), dtype.header_bytes());
    assert!(
        from.len().min(to.len()) >= len + header,
        "a row that is too short"
    );
    to[..len].copy_from_slice(&from[..len]);
    to[len - 1] &= dtype.last_byte(dim);
    let end = to.len() - header;
    to[end..].copy_from_slice(&from[from.len() - header..]);
}

/// `with_stored!(dtype, R => expression)`: the value of the expression, with `R` as the [`Stored`] type of the dtype.
/// The only match on a [`DType`] outside `dtype.rs`.
macro_rules! with_stored {
    ($dtype:expr, $R:ident => $body:expr) => {
        match $dtype {
            $crate::dtype::DType::F32 => {
                use $crate::row::F32Row as $R;
                $body
            }
            $crate::dtype::DType::F16 => {
                use $crate::row::F16Row as $R;
                $body
            }
            $crate::dtype::DType::Bf16 => {
                use $crate::row::Bf16Row as $R;
                $body
            }
            $crate::dtype::DType::I8 => {
                use $crate::row::I8Row as $R;
                $body
            }
            $crate::dtype::DType::I4 => {
                use $crate::row::I4Row as $R;
                $body
            }
            $crate::dtype::DType::Block(_) => $crate::row::not_decoded(),
        }
    };
}
pub(crate) use with_stored;

/// An operation must decode the rows of blocks before it reads them, and never writes them.
#[cold]
pub(crate) fn not_decoded() -> ! {
    panic!("rows of blocks are decoded first");
}

/// `with_rows!(table, rows => expression)`: the value of the expression, with `rows` as the [`Rows`] of the table's
/// dtype.
///
/// [`Rows`]: crate::table::Rows
macro_rules! with_rows {
    ($table:expr, $rows:ident => $body:expr) => {{
        let table: $crate::table::Table<'_> = $table;
        $crate::row::with_stored!(table.spec().dtype(), R => {
            let $rows = $crate::table::Rows::<R<'_>>::of(table);
            $body
        })
    }};
}
pub(crate) use with_rows;

/// Whether rows of `dtype` are plain floats.
pub(crate) fn is_plain(dtype: DType) -> bool {
    dtype == DType::F32
}

/// Whether an operation on rows of `dtype` decodes them first, instead of reading them with [`with_direct_rows!`].
pub(crate) fn is_decoded(isa: Isa, dtype: DType) -> bool {
    dtype.block().is_some() || dtype != DType::F32 && !dispatch!(isa, simd => has_every_dtype(simd))
}

/// `with_direct_rows!(simd, table, rows => expression)`: as [`with_rows!`], for the dtypes that are not decoded first.
macro_rules! with_direct_rows {
    ($simd:expr, $table:expr, $rows:ident => $body:expr) => {{
        let table: $crate::table::Table<'_> = $table;
        $crate::row::with_stored!(table.spec().dtype(), R => {
            // A constant: the code of other dtypes is not compiled.
            if $crate::row::is_direct::<R<'_>, _>($simd) {
                let $rows = $crate::table::Rows::<R<'_>>::of(table);
                $body
            } else {
                $crate::row::not_decoded()
            }
        })
    }};
}
pub(crate) use with_direct_rows;

/// Whether operations have kernels for rows `R`.
#[inline(always)]
pub(crate) fn is_direct<'a, R: Stored<'a>, S: Simd>(_: S) -> bool {
    S::EVERY_DTYPE || matches!(R::DTYPE, DType::F32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::available;

    /// A row with only the required methods, as a new storage type may start.
    #[derive(Clone, Copy)]
    struct Plain<'a>(&'a [f32]);

    impl Row for Plain<'_> {
        fn cols(self, cols: Range<usize>) -> Self {
            Plain(&self.0[cols])
        }

        fn get(self, col: usize) -> f32 {
            self.0[col]
        }
    }

    #[inline(always)]
    fn same<S: Simd, R: Row>(simd: S, row: R, wanted: &[f32]) {
        for from in 0..wanted.len() {
            for n in 0..=S::LANES.min(wanted.len() - from) {
                let mut lanes = [0.5; MAX_LANES];
                simd.store(row.load(simd, from, n), &mut lanes);
                assert_eq!(lanes[..n], wanted[from..from + n]);
                assert!(
                    lanes[n..S::LANES].iter().all(|x| x.to_bits() == 0),
                    "+0 in the other lanes"
                );
            }
            assert_eq!(row.get(from), wanted[from]);
        }
        for to in 0..=wanted.len() {
            let mut out = vec![0.5; to];
            row.copy_to(simd, &mut out);
            assert_eq!(out, wanted[..to]);
        }
    }

    /// A row of any bytes, checked against its values one by one, in windows that begin at odd columns, too.
    #[inline(always)]
    fn windows_of<'a, R: Stored<'a>>(isa: Isa, bytes: &'a [u8]) {
        const DIM: usize = 70;
        #[expect(unsafe_code, reason = "a row without a table")]
        // SAFETY: `bytes` is longer than a row of any dtype.
        let row = unsafe { R::open(bytes.as_ptr(), DIM, bytes.len()) };
        let values: Vec<f32> = (0..DIM).map(|col| row.get(col)).collect();
        for (from, to) in [(0, DIM), (0, 1), (3, DIM), (17, 49), (6, 39), (69, DIM)] {
            dispatch!(isa, simd => {
                same(simd, row.cols(from..to), &values[from..to]);
                same(simd, row.cols(1..DIM).cols(from.max(1) - 1..to - 1), &values[from.max(1)..to.max(1)]);
            });
        }
    }

    #[test]
    fn stored_rows_and_their_windows_give_their_values() {
        let bytes: Vec<u8> = (0..300).map(|i| (i * 37 % 89) as u8).collect();
        for &isa in available() {
            for dtype in DType::STORED {
                with_stored!(dtype, R => windows_of::<R<'_>>(isa, &bytes));
            }
        }
    }

    #[test]
    fn rows_and_their_windows_give_their_values_at_any_width() {
        let values: Vec<f32> = (0..70).map(|i| i as f32 + 0.25).collect();
        let (f32s, plain) = (F32Row::of(&values), Plain(&values));
        for &isa in available() {
            for (from, to) in [(0, 70), (0, 1), (3, 70), (17, 49)] {
                dispatch!(isa, simd => {
                    same(simd, f32s.cols(from..to), &values[from..to]);
                    same(simd, plain.cols(from..to), &values[from..to]);
                });
            }
        }
    }
}
