//! Expressions: rows that are computed from other rows, a vector at a time.
//!
//! An expression implements [`Row`], so an operation writes it like a row of a table. Each step is one f32 operation,
//! rounded once.

mod rotated;
pub use rotated::{rotate_halves, RotatedHalves, RotatedPairs};

use crate::row::Row;
use crate::simd::Simd;
use std::ops::Range;

/// `row * factor`
#[derive(Debug, Clone, Copy)]
pub struct Scaled<R>(pub R, pub f32);

impl<R: Row> Row for Scaled<R> {
    #[inline(always)]
    fn cols(self, cols: Range<usize>) -> Self {
        Scaled(self.0.cols(cols), self.1)
    }

    #[inline(always)]
    fn get(self, col: usize) -> f32 {
        self.0.get(col) * self.1
    }

    #[inline(always)]
    fn load<S: Simd>(self, simd: S, col: usize, n: usize) -> S::F32 {
        simd.mul(self.0.load(simd, col, n), simd.splat(self.1))
    }
}

/// `row / divisor`
#[derive(Debug, Clone, Copy)]
pub struct Divided<R>(pub R, pub f32);

impl<R: Row> Row for Divided<R> {
    #[inline(always)]
    fn cols(self, cols: Range<usize>) -> Self {
        Divided(self.0.cols(cols), self.1)
    }

    #[inline(always)]
    fn get(self, col: usize) -> f32 {
        self.0.get(col) / self.1
    }

    #[inline(always)]
    fn load<S: Simd>(self, simd: S, col: usize, n: usize) -> S::F32 {
        simd.div(self.0.load(simd, col, n), simd.splat(self.1))
    }
}

/// `a + b`
#[derive(Debug, Clone, Copy)]
pub struct Plus<A, B>(pub A, pub B);

impl<A: Row, B: Row> Row for Plus<A, B> {
    #[inline(always)]
    fn cols(self, cols: Range<usize>) -> Self {
        Plus(self.0.cols(cols.clone()), self.1.cols(cols))
    }

    #[inline(always)]
    fn get(self, col: usize) -> f32 {
        self.0.get(col) + self.1.get(col)
    }

    #[inline(always)]
    fn load<S: Simd>(self, simd: S, col: usize, n: usize) -> S::F32 {
        simd.add(self.0.load(simd, col, n), self.1.load(simd, col, n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::F32Row;
    use crate::simd::{available, dispatch, MAX_LANES};

    #[test]
    fn expressions_are_their_arithmetic_at_any_width() {
        let a: Vec<f32> = (0..40).map(|i| i as f32 * 0.3 - 4.0).collect();
        let b: Vec<f32> = (0..40).map(|i| 1.0 / (i as f32 + 3.0)).collect();
        for &isa in available() {
            dispatch!(isa, simd => {
                let sum = Plus(Scaled(F32Row::of(&a), 0.7), F32Row::of(&b)).cols(3..37);
                for col in 0..34 {
                    assert_eq!(sum.get(col), a[col + 3] * 0.7 + b[col + 3]);
                    let mut lanes = [0.5; MAX_LANES];
                    simd.store(sum.load(simd, col, 1), &mut lanes);
                    assert_eq!(lanes[0], sum.get(col));
                }
                let mut out = [0.0; 34];
                sum.copy_to(simd, &mut out);
                assert!(out.iter().enumerate().all(|(col, &x)| x == sum.get(col)));
            });
        }
    }
    /// Every access to a window of a row gives the values of that window.
    fn same<S: Simd>(simd: S, row: impl Row, expected: &[f32]) {
        for (col, &value) in expected.iter().enumerate() {
            assert_eq!(row.get(col), value, "column {col}");
            for n in 1..=S::LANES.min(expected.len() - col) {
                let mut lanes = [0.5; MAX_LANES];
                simd.store(row.load(simd, col, n), &mut lanes);
                assert_eq!(lanes[..n], expected[col..col + n], "{n} from column {col} on");
            }
        }
        for len in 0..=expected.len() {
            let mut out = vec![0.5; len];
            row.copy_to(simd, &mut out);
            assert_eq!(out, expected[..len]);
        }
    }

    #[test]
    fn rotated_rows_are_their_pairs_in_any_window() {
        let (half, dim) = (19, 43);
        let x: Vec<f32> = (0..dim).map(|i| i as f32 * 0.3 - 4.0).collect();
        let turn: Vec<f32> = (0..2 * half).map(|i| 1.0 / (i as f32 + 3.0)).collect();
        for direction in [1.0, -1.0] {
            let (mut halves, mut pairs) = (x.clone(), x.clone());
            for i in 0..half {
                let (sin, cos) = (turn[i] * direction, turn[half + i]);
                let (a, b) = (x[i], x[half + i]);
                (halves[i], halves[half + i]) = (a * cos - b * sin, b * cos + a * sin);
                let (sin, cos) = (turn[2 * i] * direction, turn[2 * i + 1]);
                let (a, b) = (x[2 * i], x[2 * i + 1]);
                (pairs[2 * i], pairs[2 * i + 1]) = (a * cos - b * sin, b * cos + a * sin);
            }
            let (x, turn, first) = (F32Row::of(&x), F32Row::of(&turn), 0);
            for &isa in available() {
                for (from, to) in [(0, dim), (1, 41), (2, 38), (17, 40), (39, 42)] {
                    dispatch!(isa, simd => {
                        let row = RotatedHalves { x, turn, half, direction, first };
                        same(simd, row.cols(from..to), &halves[from..to]);
                        let row = RotatedPairs { x, turn, len: 2 * half, direction, first };
                        same(simd, row.cols(from..to), &pairs[from..to]);
                        let row = RotatedHalves { x, turn, half, direction, first }.cols(1..dim);
                        same(simd, row.cols(from..to - 1), &halves[from + 1..to]);
                        let row = RotatedPairs { x, turn, len: 2 * half, direction, first }.cols(1..dim);
                        same(simd, row.cols(from..to - 1), &pairs[from + 1..to]);
                    });
                }
            }
        }
    }
}
