//! bf16: the upper two bytes of an f32. Widening is exact; narrowing rounds to nearest, ties to even.

#![expect(unsafe_code, reason = "a row is opened from a pointer into its table")]

use super::{Row, Stored, Unfit, ValueRange};
use crate::dtype::DType;
use crate::simd::{bf16_to_f32, f32_to_bf16, Simd};
use std::ops::Range;
use std::slice;

/// A row of bf16 values. It may begin at any byte.
#[derive(Debug, Clone, Copy)]
pub struct Bf16Row<'a>(&'a [[u8; 2]]);

impl Row for Bf16Row<'_> {
    #[inline(always)]
    fn cols(self, cols: Range<usize>) -> Self {
        Bf16Row(&self.0[cols])
    }

    #[inline(always)]
    fn get(self, col: usize) -> f32 {
        bf16_to_f32(u16::from_le_bytes(self.0[col]))
    }

    #[inline(always)]
    fn load<S: Simd>(self, simd: S, col: usize, n: usize) -> S::F32 {
        simd.load_bf16(&self.0[col..col + n])
    }
}

impl<'a> Stored<'a> for Bf16Row<'a> {
    const DTYPE: DType = DType::Bf16;
    type Header = ();

    #[inline(always)]
    unsafe fn open(bytes: *const u8, dim: usize, _: usize) -> Self {
        // SAFETY: the caller promises `2 * dim` bytes; an array of bytes needs no alignment.
        Bf16Row(unsafe { slice::from_raw_parts(bytes.cast(), dim) })
    }

    /// A finite value from halfway between the largest bf16 and 2^128 on would become infinite.
    fn header(range: &ValueRange) -> Result<(), Unfit> {
        range.expect_below(f32::from_bits(0x7f7f_8000))
    }

    #[inline(always)]
    fn write((): (), values: &[f32], col: usize, row: &mut [u8]) {
        let row = &mut row.as_chunks_mut::<2>().0[col..][..values.len()];
        for (to, &value) in row.iter_mut().zip(values) {
            *to = f32_to_bf16(value).to_le_bytes();
        }
    }
}
