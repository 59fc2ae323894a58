//! f32: the values themselves.

#![expect(unsafe_code, reason = "a row is opened from a pointer into its table")]

use super::{Row, Stored, Unfit, ValueRange};
use crate::dtype::DType;
use crate::simd::{bytes_of, bytes_of_mut, Simd};
use std::ops::Range;
use std::slice;

/// A row of f32 values. It may begin at any byte.
#[derive(Debug, Clone, Copy)]
pub struct F32Row<'a>(&'a [[u8; 4]]);

impl<'a> F32Row<'a> {
    /// The row of those values.
    #[inline(always)]
    pub fn of(values: &'a [f32]) -> Self {
        F32Row(bytes_of(values))
    }
}

impl Row for F32Row<'_> {
    #[inline(always)]
    fn cols(self, cols: Range<usize>) -> Self {
        F32Row(&self.0[cols])
    }

    #[inline(always)]
    fn get(self, col: usize) -> f32 {
        f32::from_ne_bytes(self.0[col])
    }

    #[inline(always)]
    fn load<S: Simd>(self, simd: S, col: usize, n: usize) -> S::F32 {
        simd.load_bytes(&self.0[col..col + n])
    }

    /// Copies bit for bit, without arithmetic: one `memcpy`, or one `memory.copy` on WebAssembly.
    #[inline(always)]
    fn copy_to<S: Simd>(self, _: S, out: &mut [f32]) {
        let from = &self.0[..out.len()];
        bytes_of_mut(out).copy_from_slice(from);
    }
}

impl<'a> Stored<'a> for F32Row<'a> {
    const DTYPE: DType = DType::F32;
    type Header = ();

    #[inline(always)]
    unsafe fn open(bytes: *const u8, dim: usize, _: usize) -> Self {
        // SAFETY: the caller promises `4 * dim` bytes; an array of bytes needs no alignment.
        F32Row(unsafe { slice::from_raw_parts(bytes.cast(), dim) })
    }

    fn header(_: &ValueRange) -> Result<(), Unfit> {
        Ok(())
    }

    #[inline(always)]
    fn write((): (), values: &[f32], col: usize, row: &mut [u8]) {
        let row = row.as_chunks_mut::<4>().0;
        row[col..][..values.len()].copy_from_slice(bytes_of(values));
    }

    fn floats(bytes: &mut [u8]) -> Option<&mut [f32]> {
        // SAFETY: any bytes are f32 values.
        match unsafe { bytes.align_to_mut::<f32>() } {
            ([], floats, []) => Some(floats),
            _ => None,
        }
    }
}
