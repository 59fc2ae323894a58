//! A row with rotated pairs of columns.
//!
//! ```text
//! pair (a, b):  a' = f32(f32(a cos) - f32(b sin));  b' = f32(f32(b cos) + f32(a sin))
//! ```
//! A difference is computed as a sum with the negative sine. The bits are the same, and the inverse rotation only flips
//! the sign.

use crate::row::Row;
use crate::simd::{for_each_vector, Simd, MAX_LANES};
use std::ops::Range;

/// Pairs are columns `i` and `half + i`; `turn` holds all sines, then all cosines. Columns from `2 half` on are
/// unchanged.
#[derive(Debug, Clone, Copy)]
pub struct RotatedHalves<X, T> {
    /// The row that is rotated, as a whole.
    pub x: X,
    /// Sines and cosines.
    pub turn: T,
    /// Columns of each half.
    pub half: usize,
    /// 1 for the rotation, -1 for its inverse.
    pub direction: f32,
    /// The column of `x` that is column 0 of this row.
    pub first: usize,
}

/// Pairs are columns `2 i` and `2 i + 1`; `turn` holds the sine and the cosine of each pair. Columns from `len` on are
/// unchanged.
#[derive(Debug, Clone, Copy)]
pub struct RotatedPairs<X, T> {
    /// The row that is rotated, as a whole.
    pub x: X,
    /// Sines and cosines.
    pub turn: T,
    /// The number of rotated columns, which is even.
    pub len: usize,
    /// 1 for the rotation, -1 for its inverse.
    pub direction: f32,
    /// The column of `x` that is column 0 of this row.
    pub first: usize,
}

/// `own cos + other sin`
#[inline(always)]
fn turned<S: Simd>(simd: S, own: S::F32, cos: S::F32, other: S::F32, sin: S::F32) -> S::F32 {
    simd.add(simd.mul(own, cos), simd.mul(other, sin))
}

/// Writes both halves of a row, a vector of each at a time. `turn` holds all sines, then all cosines;
/// `read(column, lanes, first, second)` loads the same columns of both halves before the rotation.
#[inline(always)]
pub fn rotate_halves<S: Simd>(
    simd: S,
    turn: impl Row,
    direction: f32,
    first: &mut [f32],
    second: &mut [f32],
    read: impl Fn(usize, usize, &[f32], &[f32]) -> (S::F32, S::F32),
) {
    let turn = (turn, first.len(), direction);
    let (mut firsts, mut seconds) = (
        first.chunks_exact_mut(S::LANES),
        second.chunks_exact_mut(S::LANES),
    );
    let mut i = 0;
    for (first, second) in firsts.by_ref().zip(seconds.by_ref()) {
        let (a, b) = turned_pair(simd, turn, i, S::LANES, read(i, S::LANES, first, second));
        simd.store(a, first);
        simd.store(b, second);
        i += S::LANES;
    }
    let (first, second) = (firsts.into_remainder(), seconds.into_remainder());
    if !first.is_empty() {
        let n = first.len();
        let (a, b) = turned_pair(simd, turn, i, n, read(i, n, first, second));
        simd.store(a, first);
        simd.store(b, second);
    }
}

/// Columns `i .. i + n` of both halves, rotated by `(turn, half, direction)`.
#[inline(always)]
fn turned_pair<S: Simd>(
    simd: S,
    (turn, half, direction): (impl Row, usize, f32),
    i: usize,
    n: usize,
    (a, b): (S::F32, S::F32),
) -> (S::F32, S::F32) {
    let (sin, cos) = (turn.load(simd, i, n), turn.load(simd, half + i, n));
    let minus_sin = simd.mul(sin, simd.splat(-direction));
    let sin = simd.mul(sin, simd.splat(direction));
    (turned(simd, a, cos, b, minus_sin), turned(simd, b, cos, a, sin))
}

/// The `n` lanes of a vector that crosses a boundary, one by one. A separate function, because it is rarely called.
#[inline(never)]
fn each(row: impl Row, col: usize, n: usize) -> [f32; MAX_LANES] {
    let mut values = [0.0; MAX_LANES];
    for (k, value) in values[..n].iter_mut().enumerate() {
        *value = row.get(col + k);
    }
    values
}

impl<X: Row, T: Row> Row for RotatedHalves<X, T> {
    #[inline(always)]
    fn cols(self, cols: Range<usize>) -> Self {
        let first = self.first + cols.start;
        RotatedHalves { first, ..self }
    }

    #[inline(always)]
    fn get(self, col: usize) -> f32 {
        let RotatedHalves { x, turn, half, .. } = self;
        let col = self.first + col;
        if col >= 2 * half {
            return x.get(col);
        }
        let (i, other, sign) = if col < half {
            (col, col + half, -self.direction)
        } else {
            (col - half, col - half, self.direction)
        };
        x.get(col) * turn.get(half + i) + x.get(other) * (turn.get(i) * sign)
    }

    #[inline(always)]
    fn load<S: Simd>(self, simd: S, col: usize, n: usize) -> S::F32 {
        let RotatedHalves { x, turn, half, .. } = self;
        let at = self.first + col;
        let (i, other, sign) = if at + n <= half {
            (at, at + half, -self.direction)
        } else if at >= half && at + n <= 2 * half {
            (at - half, at - half, self.direction)
        } else if at >= 2 * half {
            return x.load(simd, at, n);
        } else {
            return simd.load(&each(self, col, n)[..S::LANES]);
        };
        let sin = simd.mul(turn.load(simd, i, n), simd.splat(sign));
        let cos = turn.load(simd, half + i, n);
        turned(simd, x.load(simd, at, n), cos, x.load(simd, other, n), sin)
    }

    /// Computes both halves of a whole row in one pass, so that every value is read once.
    #[inline(always)]
    fn copy_to<S: Simd>(self, simd: S, out: &mut [f32]) {
        let RotatedHalves {
            x,
            turn,
            half,
            direction,
            first,
        } = self;
        if first != 0 || out.len() < 2 * half {
            return for_each_vector(
                simd,
                out,
                #[inline(always)]
                |col, n, _| self.load(simd, col, n),
            );
        }
        let (rotated, rest) = out.split_at_mut(2 * half);
        let (first, second) = rotated.split_at_mut(half);
        rotate_halves(
            simd,
            turn,
            direction,
            first,
            second,
            #[inline(always)]
            |i, n, _, _| (x.load(simd, i, n), x.load(simd, half + i, n)),
        );
        x.cols(2 * half..2 * half + rest.len()).copy_to(simd, rest);
    }
}

impl<X: Row, T: Row> Row for RotatedPairs<X, T> {
    #[inline(always)]
    fn cols(self, cols: Range<usize>) -> Self {
        let first = self.first + cols.start;
        RotatedPairs { first, ..self }
    }

    #[inline(always)]
    fn get(self, col: usize) -> f32 {
        let RotatedPairs { x, turn, len, .. } = self;
        let col = self.first + col;
        if col >= len {
            return x.get(col);
        }
        let sign = if col.is_multiple_of(2) {
            -self.direction
        } else {
            self.direction
        };
        x.get(col) * turn.get(col | 1) + x.get(col ^ 1) * (turn.get(col & !1) * sign)
    }

    #[inline(always)]
    fn load<S: Simd>(self, simd: S, col: usize, n: usize) -> S::F32 {
        let RotatedPairs { x, len, .. } = self;
        let at = self.first + col;
        if at >= len {
            return x.load(simd, at, n);
        }
        if S::LANES == 1 {
            return simd.splat(self.get(col));
        }
        if at + n > len || !at.is_multiple_of(2) || !n.is_multiple_of(2) {
            return simd.load(&each(self, col, n)[..S::LANES]);
        }
        self.pairs(simd, self.signs(simd), at, n)
    }

    /// Computes the pairs of a whole row and loads the signs only once.
    #[inline(always)]
    fn copy_to<S: Simd>(self, simd: S, out: &mut [f32]) {
        let whole = self.first == 0 && out.len() >= self.len;
        let (pairs, rest) = out.split_at_mut(if whole { self.len / S::LANES * S::LANES } else { 0 });
        let signs = self.signs(simd);
        let mut col = 0;
        // A vector of one lane is half a pair.
        let step = S::LANES.max(2);
        for out in pairs.chunks_exact_mut(step) {
            if S::LANES == 1 {
                let (sin, cos) = (self.turn.get(col) * self.direction, self.turn.get(col + 1));
                let (a, b) = (self.x.get(col), self.x.get(col + 1));
                (out[0], out[1]) = (a * cos + b * -sin, b * cos + a * sin);
            } else {
                simd.store(self.pairs(simd, signs, col, S::LANES), out);
            }
            col += step;
        }
        for_each_vector(
            simd,
            rest,
            #[inline(always)]
            |at, n, _| self.load(simd, col + at, n),
        );
    }
}

impl<X: Row, T: Row> RotatedPairs<X, T> {
    /// The sign of the sine in each lane.
    #[inline(always)]
    fn signs<S: Simd>(self, simd: S) -> S::F32 {
        let d = self.direction;
        let signs: [f32; MAX_LANES] = std::array::from_fn(|k| if k % 2 == 0 { -d } else { d });
        simd.load(&signs[..S::LANES])
    }

    /// Computes whole pairs: columns `at .. at + n` of `x`, both even.
    #[inline(always)]
    fn pairs<S: Simd>(self, simd: S, signs: S::F32, at: usize, n: usize) -> S::F32 {
        let (own, turn) = (self.x.load(simd, at, n), self.turn.load(simd, at, n));
        let sin = simd.mul(simd.first_of_pairs(turn), signs);
        turned(simd, own, simd.second_of_pairs(turn), simd.swap_pairs(own), sin)
    }
}
