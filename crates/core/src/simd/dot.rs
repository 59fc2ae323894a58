//! The dot product: the sum across columns, with the same bits on every instruction set.
//!
//! ```text
//! lanes = [+0; 16]
//! for c in columns, ascending:   lanes[c mod 16] = f32(lanes[c mod 16] + f32(x_c y_c))
//! for h in 8, 4, 2, 1:           lanes[j] = f32(lanes[j] + lanes[j + h]) for j < h
//! dot = lanes[0]
//! ```
//!
//! 16 is the number of lanes of the widest instruction set. A narrower one adds the columns of its first lanes, then
//! those of the next ones: columns of different lanes never meet before the tree. So one accumulator per pair of rows
//! suffices at every width, and a kernel keeps the accumulators of several pairs in registers.

use super::{Simd, MAX_LANES};

/// The 16 partial sums of a dot product.
///
/// A lane is never -0: it starts at +0, and a sum is -0 only if both terms are.
pub type Lanes = [f32; MAX_LANES];

/// The lanes of an empty row.
pub const ZERO: Lanes = [0.0; MAX_LANES];

/// Adds `len` columns of `P` pairs of rows to their lanes.
///
/// `load(p, col, n)` loads `n` columns of both rows of pair `p` from column `col` on, with +0 in the other lanes (where
/// the product is +0, which does not change a lane). Rows may be added in parts, in order, if each part but the last
/// is a multiple of 16 columns.
#[inline(always)]
pub fn dots<S: Simd, const P: usize>(
    simd: S,
    len: usize,
    lanes: &mut [Lanes; P],
    mut load: impl FnMut(usize, usize, usize) -> (S::F32, S::F32),
) {
    for first in (0..MAX_LANES).step_by(S::LANES) {
        let mut sums = [simd.splat(0.0); P];
        for (sum, lanes) in sums.iter_mut().zip(&*lanes) {
            *sum = simd.load(&lanes[first..first + S::LANES]);
        }
        let mut col = first;
        while col + S::LANES <= len {
            for (p, sum) in sums.iter_mut().enumerate() {
                let (x, y) = load(p, col, S::LANES);
                *sum = simd.add(*sum, simd.mul(x, y));
            }
            col += MAX_LANES;
        }
        if col < len {
            for (p, sum) in sums.iter_mut().enumerate() {
                let (x, y) = load(p, col, len - col);
                *sum = simd.add(*sum, simd.mul(x, y));
            }
        }
        for (&sum, lanes) in sums.iter().zip(&mut *lanes) {
            simd.store(sum, &mut lanes[first..first + S::LANES]);
        }
    }
}

/// The sum of the lanes, in the order of the tree.
#[inline(always)]
pub fn sum<S: Simd>(simd: S, lanes: &Lanes) -> f32 {
    let mut sums = *lanes;
    let mut half = MAX_LANES / 2;
    while half >= S::LANES {
        for first in (0..half).step_by(S::LANES) {
            let (x, y) = (simd.load(&sums[first..]), simd.load(&sums[half + first..]));
            simd.store(simd.add(x, y), &mut sums[first..]);
        }
        half /= 2;
    }
    let mut x = simd.load(&sums[..S::LANES]);
    while half > 0 {
        x = simd.add(x, simd.slide(x, x, half));
        half /= 2;
    }
    simd.store(x, &mut sums[..S::LANES]);
    sums[0]
}
