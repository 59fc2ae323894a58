//! Rows of blocks of a GGUF file, decoded by ggml's definition.
//!
//! A block holds small integers, and a scale and a minimum for each 16 or 32 of them. Every type is unpacked to these,
//! and computed by one loop:
//!
//! ```text
//! value = f32(f32(scale (q - offset)) - min)     scale = d sc, min = dmin m, or -m, or +0 if a type has no minimum
//! ```
//! The products `d sc` and `dmin m` are exact in f32, and so is the product with q where a minimum follows: an f16 has
//! 11 bits, the others at most 6 and 5. So each value is rounded once, and no order of the operations changes a bit.
//!
//! Integers are unpacked 8 at a time, as the bytes of a word. This and the loop are fast on every instruction set, so
//! the code exists once and not once per instruction set and type.

use crate::dtype::Block;
use crate::simd::f16_to_f32;
use std::ops::Range;

/// The most values of a block.
const MOST: usize = 256;

/// The fewest values with a common scale.
const GROUP: usize = 16;

/// An unpacked block.
struct Unpacked {
    q: [u8; MOST],
    offset: f32,
    scale: [f32; MOST / GROUP],
    min: [f32; MOST / GROUP],
}

/// Writes columns `cols` of the row to `out`, as f32.
///
/// # Panics
/// If `cols` are not columns of the row, or `out` has another length.
pub(crate) fn decode(block: Block, row: &[u8], cols: Range<usize>, out: &mut [f32]) {
    assert!(cols.len() == out.len(), "columns that do not fit the output");
    let mut unpacked = Unpacked {
        q: [0; MOST],
        offset: 0.0,
        scale: [0.0; MOST / GROUP],
        min: [0.0; MOST / GROUP],
    };
    let (n, size) = (block.values(), block.bytes());
    let (mut col, mut out) = (cols.start, out);
    while !out.is_empty() {
        let from = col % n;
        let (part, rest) = out.split_at_mut(out.len().min(n - from));
        unpack(block, &row[col / n * size..][..size], &mut unpacked);
        if part.len() == n {
            unpacked.compute(part);
        } else {
            let mut values = [0.0; MOST];
            unpacked.compute(&mut values[..n]);
            part.copy_from_slice(&values[from..][..part.len()]);
        }
        (col, out) = (col + part.len(), rest);
    }
}

impl Unpacked {
    fn compute(&self, out: &mut [f32]) {
        let groups = out.as_chunks_mut::<GROUP>().0.iter_mut();
        for (g, (out, q)) in groups.zip(self.q.as_chunks::<GROUP>().0).enumerate() {
            let (scale, min) = (self.scale[g], self.min[g]);
            for (value, q) in out.iter_mut().zip(q) {
                *value = scale * (f32::from(*q) - self.offset) - min;
            }
        }
    }

    /// `q[i] = value i of the plane`, or `q[i] |= value i << up`.
    ///
    /// In a plane of `width` bits and `span` bytes, the lowest bits of the first `span` bytes are the first `span`
    /// values, the next bits of the same bytes are the next ones, and so on; then follow the next `span` bytes.
    #[inline(never)]
    fn plane(&mut self, bytes: &[u8], span: usize, width: usize, up: usize) {
        let mask = 0x0101_0101_0101_0101 * ((1 << width) - 1);
        let mut words = self.q.as_chunks_mut::<8>().0.iter_mut();
        for bytes in bytes.chunks_exact(span) {
            for shift in (0..8).step_by(width) {
                for (eight, q) in bytes.as_chunks::<8>().0.iter().zip(&mut words) {
                    let values = (u64::from_le_bytes(*eight) >> shift & mask) << up;
                    let below = if up == 0 { 0 } else { u64::from_le_bytes(*q) };
                    *q = (below | values).to_le_bytes();
                }
            }
        }
    }

    /// `q[i] |= bit i << 4`: the fifth bits of q5_0 and q5_1.
    fn fifth(&mut self, bytes: &[u8]) {
        for (byte, q) in bytes.iter().zip(self.q.as_chunks_mut::<8>().0) {
            // Bit i in byte i; a byte that is not 0 becomes 1.
            let bits = (u64::from(*byte) * 0x0101_0101_0101_0101) & 0x8040_2010_0804_0201;
            let ones = (bits + 0x7f7f_7f7f_7f7f_7f7f) >> 7 & 0x0101_0101_0101_0101;
            *q = (u64::from_le_bytes(*q) | ones << 4).to_le_bytes();
        }
    }
}

/// The f16 at byte `at` of a block.
fn f16(block: &[u8], at: usize) -> f32 {
    f16_to_f32(u16::from_le_bytes([block[at], block[at + 1]]))
}

fn unpack(kind: Block, block: &[u8], to: &mut Unpacked) {
    match kind {
        Block::Q4_0 => {
            to.plane(&block[2..], 16, 4, 0);
            to.offset = 8.0;
            to.scale[..2].fill(f16(block, 0));
        }
        Block::Q4_1 => {
            to.plane(&block[4..], 16, 4, 0);
            to.scale[..2].fill(f16(block, 0));
            to.min[..2].fill(-f16(block, 2));
        }
        Block::Q5_0 => {
            to.plane(&block[6..], 16, 4, 0);
            to.fifth(&block[2..6]);
            to.offset = 16.0;
            to.scale[..2].fill(f16(block, 0));
        }
        Block::Q5_1 => {
            to.plane(&block[8..], 16, 4, 0);
            to.fifth(&block[4..8]);
            to.scale[..2].fill(f16(block, 0));
            to.min[..2].fill(-f16(block, 2));
        }
        Block::Q8_0 => {
            // A signed byte with its sign flipped is 128 more, without a sign.
            for (q, byte) in to.q.iter_mut().zip(&block[2..]) {
                *q = byte ^ 128;
            }
            to.offset = 128.0;
            to.scale[..2].fill(f16(block, 0));
        }
        Block::Q2K => {
            to.plane(&block[16..80], 32, 2, 0);
            let (d, dmin) = (f16(block, 80), f16(block, 82));
            for (g, byte) in block[..16].iter().enumerate() {
                to.scale[g] = d * f32::from(byte & 15);
                to.min[g] = dmin * f32::from(byte >> 4);
            }
        }
        Block::Q3K => {
            to.plane(&block[32..96], 32, 2, 0);
            to.plane(&block[..32], 32, 1, 2);
            to.offset = 4.0;
            let d = f16(block, 108);
            for g in 0..16 {
                let low = block[96 + g % 8] >> (g / 8 * 4) & 15;
                let high = block[104 + g % 4] >> (g / 4 * 2) & 3;
                to.scale[g] = d * (f32::from(low | high << 4) - 32.0);
            }
        }
        Block::Q4K => {
            to.plane(&block[16..], 32, 4, 0);
            scales(block, to);
        }
        Block::Q5K => {
            to.plane(&block[48..], 32, 4, 0);
            to.plane(&block[16..48], 32, 1, 4);
            scales(block, to);
        }
        Block::Q6K => {
            to.plane(&block[..128], 64, 4, 0);
            to.plane(&block[128..192], 32, 2, 4);
            to.offset = 32.0;
            let d = f16(block, 208);
            for g in 0..16 {
                to.scale[g] = d * f32::from(block[192 + g] as i8);
            }
        }
    }
}

/// The scales and minima of q4_k and q5_k, each for 32 values. They have 6 bits: of the first four, all in one of the
/// first 8 bytes; of the others, the upper 2 in the same byte and the lower 4 in one of the last 4 bytes.
fn scales(block: &[u8], to: &mut Unpacked) {
    let (d, dmin, bytes) = (f16(block, 0), f16(block, 2), &block[4..16]);
    let six = |g: usize, at: usize| match g.checked_sub(4) {
        None => bytes[at + g] & 63,
        Some(g) => bytes[8 + g] >> at & 15 | bytes[at + g] >> 6 << 4,
    };
    for g in 0..16 {
        to.scale[g] = d * f32::from(six(g / 2, 0));
        to.min[g] = dmin * f32::from(six(g / 2, 4));
    }
}
