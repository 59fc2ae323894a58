//! i4: integers 0 to 15, with a scale and a bias for each row.
//!
//! ```text
//! a row: ceil(D / 2) bytes, the low nibble first, padding, scale as f16, bias as f16
//! value = f32(f32(q scale) + bias)
//! bias = f16(min);  range = f32(max - bias)
//! scale = f16(f32(range / 15)), 1 if range or scale is 0 or f32(1 / scale) is infinite
//! q = f32(f32(x - bias) f32(1 / scale)), rounded to nearest, ties to even, clamped to 0 .. 15
//! ```
//! The bytes are those of PyTorch's `embedding_bag_4bit_prepack`.

#![expect(unsafe_code, reason = "a row is opened from a pointer into its table")]

use super::{nearest, only_first, Row, Stored, Unfit, ValueRange};
use crate::dtype::DType;
use crate::simd::{f16_to_f32, f32_to_f16, Simd, MAX_LANES};
use std::ops::Range;
use std::slice;

/// Bytes of scale and bias, at the end of a row.
const HEADER: usize = DType::I4.header_bytes();

/// A row of such integers. It may begin at any byte.
#[derive(Debug, Clone, Copy)]
pub struct I4Row<'a> {
    bytes: &'a [u8],
    /// The nibble of column 0: 0 or 1.
    first: usize,
    scale: f32,
    bias: f32,
}

impl I4Row<'_> {
    #[inline(always)]
    fn place(self, col: usize) -> (usize, usize) {
        let nibble = self.first + col;
        (nibble / 2, nibble % 2)
    }

    /// Nibbles from column `col` on, the first one lowest.
    #[inline(always)]
    fn nibbles(self, col: usize, n: usize) -> u64 {
        let (byte, odd) = self.place(col);
        let mut word = [0; MAX_LANES / 2];
        let whole = n.div_ceil(2);
        word[..whole].copy_from_slice(&self.bytes[byte..byte + whole]);
        let word = u64::from_le_bytes(word);
        match odd {
            0 => word,
            // An even number of nibbles from an odd one on ends in another byte.
            _ if n > 0 && n.is_multiple_of(2) => {
                word >> 4 | u64::from(self.bytes[byte + whole]) << (4 * (n - 1))
            }
            _ => word >> 4,
        }
    }
}

impl I4Row<'_> {
    /// The values of 16 nibbles.
    #[inline(always)]
    fn sixteen<S: Simd>(self, simd: S, bytes: [u8; 8], out: &mut [f32; 16]) {
        let (word, scale, bias) = (
            u64::from_le_bytes(bytes),
            simd.splat(self.scale),
            simd.splat(self.bias),
        );
        for (k, to) in out.chunks_exact_mut(S::LANES).enumerate() {
            let q = simd.load_u4(word >> (4 * S::LANES * k));
            simd.store(simd.add(simd.mul(q, scale), bias), to);
        }
    }
}

impl Row for I4Row<'_> {
    #[inline(always)]
    fn cols(self, cols: Range<usize>) -> Self {
        let (byte, first) = self.place(cols.start);
        let bytes = &self.bytes[byte..(self.first + cols.end).div_ceil(2)];
        I4Row { bytes, first, ..self }
    }

    #[inline(always)]
    fn get(self, col: usize) -> f32 {
        let (byte, odd) = self.place(col);
        let q = self.bytes[byte] >> (4 * odd) & 15;
        f32::from(q) * self.scale + self.bias
    }

    #[inline(always)]
    fn load<S: Simd>(self, simd: S, col: usize, n: usize) -> S::F32 {
        let q = simd.load_u4(self.nibbles(col, n));
        let x = simd.add(simd.mul(q, simd.splat(self.scale)), simd.splat(self.bias));
        only_first(simd, x, n)
    }

    /// 16 columns at a time: with few lanes, reading their bytes one by one takes longer than the arithmetic.
    #[inline(always)]
    fn copy_to<S: Simd>(self, simd: S, out: &mut [f32]) {
        if self.first != 0 {
            // A window that begins at an odd column.
            for (col, to) in out.iter_mut().enumerate() {
                *to = self.get(col);
            }
            return;
        }
        let (words, bytes) = self.bytes.as_chunks::<8>();
        let (blocks, rest) = out.as_chunks_mut::<16>();
        for (block, word) in blocks.iter_mut().zip(words) {
            self.sixteen(simd, *word, block);
        }
        // The bytes of a window end with it, or with a row of 16 columns more.
        let (mut last, mut values) = ([0; 8], [0.0; 16]);
        let bytes = words.get(blocks.len()).map_or(bytes, |word| word);
        last[..bytes.len()].copy_from_slice(bytes);
        self.sixteen(simd, last, &mut values);
        rest.copy_from_slice(&values[..rest.len()]);
    }
}

impl<'a> Stored<'a> for I4Row<'a> {
    const DTYPE: DType = DType::I4;
    type Header = Header;

    #[inline(always)]
    unsafe fn open(bytes: *const u8, dim: usize, len: usize) -> Self {
        // SAFETY: the caller promises `len` bytes, at least `ceil(dim / 2) + HEADER`; arrays of bytes need no alignment.
        let (bytes, [scale, bias]) = unsafe {
            let header = bytes.add(len - HEADER).cast::<[[u8; 2]; 2]>().read();
            (slice::from_raw_parts(bytes, dim.div_ceil(2)), header)
        };
        I4Row {
            bytes,
            first: 0,
            scale: f16_to_f32(u16::from_le_bytes(scale)),
            bias: f16_to_f32(u16::from_le_bytes(bias)),
        }
    }

    fn header(values: &ValueRange) -> Result<Header, Unfit> {
        values.expect_finite()?;
        let bias = f32_to_f16(values.min);
        if f16_to_f32(bias).is_infinite() {
            return Err(Unfit::Equal(values.min));
        }
        let range = values.max - f16_to_f32(bias);
        let mut scale = f32_to_f16(range / 15.0);
        if f16_to_f32(scale).is_infinite() {
            return Err(Unfit::Equal(values.max));
        }
        if range == 0.0 || (1.0 / f16_to_f32(scale)).is_infinite() {
            scale = f32_to_f16(1.0);
        }
        Ok(Header { scale, bias })
    }

    #[inline(always)]
    fn write(header: Header, values: &[f32], col: usize, row: &mut [u8]) {
        let (bias, inverse) = (f16_to_f32(header.bias), 1.0 / f16_to_f32(header.scale));
        let quantize = |x: f32| nearest((x - bias) * inverse).clamp(0.0, 15.0) as u8;
        let (bytes, end) = row.split_at_mut(row.len() - HEADER);
        for (to, pair) in bytes[col / 2..].iter_mut().zip(values.chunks(2)) {
            *to = quantize(pair[0]) | pair.get(1).map_or(0, |&x| quantize(x)) << 4;
        }
        end[..2].copy_from_slice(&header.scale.to_le_bytes());
        end[2..].copy_from_slice(&header.bias.to_le_bytes());
    }
}

/// Scale and bias of a row, as f16.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    scale: u16,
    bias: u16,
}
