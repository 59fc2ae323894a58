//! The upper two bytes of an f32: a minimal second dtype, for tests.

#![expect(unsafe_code, reason = "a row is opened from a pointer into its table")]

use super::{Row, Stored};
use crate::dtype::DType;
use std::ops::Range;
use std::slice;

/// A row of such values, from any byte on.
#[derive(Debug, Clone, Copy)]
pub struct HalfRow<'a>(&'a [[u8; 2]]);

impl Row for HalfRow<'_> {
    #[inline(always)]
    fn cols(self, cols: Range<usize>) -> Self {
        HalfRow(&self.0[cols])
    }

    #[inline(always)]
    fn get(self, col: usize) -> f32 {
        f32::from_bits(u32::from(u16::from_ne_bytes(self.0[col])) << 16)
    }
}

impl<'a> Stored<'a> for HalfRow<'a> {
    const DTYPE: DType = DType::Half;

    #[inline(always)]
    unsafe fn open(bytes: *const u8, dim: usize) -> Self {
        // SAFETY: the caller promises `2 * dim` bytes; an array of bytes needs no alignment.
        HalfRow(unsafe { slice::from_raw_parts(bytes.cast(), dim) })
    }

    fn write(values: &[f32], col: usize, row: &mut [u8]) {
        let row = row.as_chunks_mut::<2>().0;
        for (to, value) in row[col..].iter_mut().zip(values) {
            *to = ((value.to_bits() >> 16) as u16).to_ne_bytes();
        }
    }
}
