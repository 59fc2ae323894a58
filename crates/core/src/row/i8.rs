//! i8: integers 0 to 255, with a scale and a bias for each row.
//!
//! ```text
//! a row: D bytes q, padding, scale as f32, bias as f32
//! value = f32(f32(q scale) + bias)
//! bias = min;  range = f32(max - min);  scale = f32(range / 255)
//! q = f32(f32(x - bias) f32(255 / f32(range + 1e-8))), rounded to nearest, ties to even
//! ```
//! The bytes are those of PyTorch's `embedding_bag_byte_prepack`.

#![expect(unsafe_code, reason = "a row is opened from a pointer into its table")]

use super::{nearest, only_first, Row, Stored, Unfit, ValueRange};
use crate::dtype::DType;
use crate::simd::Simd;
use std::ops::Range;
use std::slice;

/// Bytes of scale and bias, at the end of a row.
const HEADER: usize = DType::I8.header_bytes();

/// A row of such integers. It may begin at any byte.
#[derive(Debug, Clone, Copy)]
pub struct I8Row<'a> {
    q: &'a [u8],
    scale: f32,
    bias: f32,
}

impl Row for I8Row<'_> {
    #[inline(always)]
    fn cols(self, cols: Range<usize>) -> Self {
        I8Row {
            q: &self.q[cols],
            ..self
        }
    }

    #[inline(always)]
    fn get(self, col: usize) -> f32 {
        f32::from(self.q[col]) * self.scale + self.bias
    }

    #[inline(always)]
    fn load<S: Simd>(self, simd: S, col: usize, n: usize) -> S::F32 {
        let q = simd.load_u8(&self.q[col..col + n]);
        let x = simd.add(simd.mul(q, simd.splat(self.scale)), simd.splat(self.bias));
        only_first(simd, x, n)
    }
}

impl<'a> Stored<'a> for I8Row<'a> {
    const DTYPE: DType = DType::I8;
    type Header = Header;

    #[inline(always)]
    unsafe fn open(bytes: *const u8, dim: usize, len: usize) -> Self {
        // SAFETY: the caller promises `len` bytes, at least `dim + HEADER`; arrays of bytes need no alignment.
        let (q, [scale, bias]) = unsafe {
            let header = bytes.add(len - HEADER).cast::<[[u8; 4]; 2]>().read();
            (slice::from_raw_parts(bytes, dim), header)
        };
        I8Row {
            q,
            scale: f32::from_le_bytes(scale),
            bias: f32::from_le_bytes(bias),
        }
    }

    fn header(values: &ValueRange) -> Result<Header, Unfit> {
        values.expect_finite()?;
        let range = values.max - values.min;
        if range.is_infinite() {
            return Err(Unfit::Equal(values.max));
        }
        Ok(Header {
            scale: range / 255.0,
            bias: values.min,
            inverse: 255.0 / (range + 1e-8),
        })
    }

    #[inline(always)]
    fn write(header: Header, values: &[f32], col: usize, row: &mut [u8]) {
        let Header { scale, bias, inverse } = header;
        let (q, end) = row.split_at_mut(row.len() - HEADER);
        for (to, &x) in q[col..][..values.len()].iter_mut().zip(values) {
            *to = nearest((x - bias) * inverse) as u8;
        }
        end[..4].copy_from_slice(&scale.to_le_bytes());
        end[4..].copy_from_slice(&bias.to_le_bytes());
    }
}

/// Scale and bias of a row, and the factor that quantizes it.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    scale: f32,
    bias: f32,
    inverse: f32,
}
