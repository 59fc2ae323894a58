//! f32: the values themselves.

#![expect(unsafe_code, reason = "a row is opened from a pointer into its table")]

use super::Row;
use crate::dtype::DType;
use crate::simd::Simd;
use std::ops::Range;
use std::slice;

/// A row of f32 values.
#[derive(Debug, Clone, Copy)]
pub struct F32Row<'a>(&'a [f32]);

impl<'a> Row<'a> for F32Row<'a> {
    const DTYPE: DType = DType::F32;

    #[inline(always)]
    unsafe fn open(bytes: *const u8, dim: usize) -> Self {
        // SAFETY: the caller promises `4 * dim` aligned bytes, and any bytes are f32 values.
        F32Row(unsafe { slice::from_raw_parts(bytes.cast(), dim) })
    }

    #[inline(always)]
    fn cols(self, cols: Range<usize>) -> Self {
        F32Row(&self.0[cols])
    }

    #[inline(always)]
    fn get(self, col: usize) -> f32 {
        self.0[col]
    }

    #[inline(always)]
    fn load<S: Simd>(self, simd: S, col: usize, n: usize) -> S::F32 {
        simd.load(&self.0[col..col + n])
    }

    /// Bit for bit: no value passes through arithmetic. One `memcpy`, which on WebAssembly is one
    /// `memory.copy`.
    #[inline(always)]
    fn copy_to<S: Simd>(self, _: S, out: &mut [f32]) {
        out.copy_from_slice(&self.0[..out.len()]);
    }
}
