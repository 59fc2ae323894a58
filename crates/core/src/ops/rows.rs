//! The loop over rows of kernels that compute a row at a time, with ordinary or non-temporal stores.
//!
//! Writing a result that is larger than the caches evicts their contents, and every line is read from memory before it
//! is overwritten. Non-temporal stores avoid both if each line is written whole and at once. Rows and lines do not end
//! at the same bytes, so the loop iterates over the lines of the output:
//!
//! ```text
//! values before the first line boundary: ordinary stores
//! for vector in the lines of the output:
//!     if it is inside one row:         store it
//!     else if rows are long enough:    combine the last vector of a row and the first of the next; store it
//!     else:                            assemble it in memory; store it
//! values after the last line boundary: ordinary stores
//! fence
//! ```
//!
//! If the end of a row and the beginning of the next are stored separately, with a wait for memory between them, the
//! line usually reaches memory in two parts: rows of 256 bytes then took 1.6 times as long. The end of a row is read
//! with a full vector that ends with the row: a short load would touch the next line of the table, which is not needed,
//! and wait for it.

use crate::row::Row;
use crate::simd::{Simd, LINE, MAX_LANES};

/// f32 values in a line: a whole number of vectors of every instruction set.
const LINE_VALUES: usize = LINE / size_of::<f32>();
const _: () = assert!(LINE_VALUES == MAX_LANES);

/// `out[r * width..][..width] = open(r)`, vector by vector, with non-temporal stores if `non_temporal` and the
/// instruction set has them.
///
/// Rows are opened one after the other, each once. `out` holds whole rows; `width` is not 0.
#[inline(always)]
pub(crate) fn for_each_row<S: Simd, R: Row>(
    simd: S,
    non_temporal: bool,
    width: usize,
    out: &mut [f32],
    mut open: impl FnMut(usize) -> R,
) {
    if S::NON_TEMPORAL && non_temporal {
        return store_lines(simd, width, out, open);
    }
    for (r, out) in out.chunks_exact_mut(width).enumerate() {
        open(r).copy_to(simd, out);
    }
}

#[inline(always)]
fn store_lines<S: Simd, R: Row>(simd: S, width: usize, out: &mut [f32], mut open: impl FnMut(usize) -> R) {
    if out.is_empty() {
        return;
    }
    let _fence = Fence(simd);
    let (mut r, mut col, mut row) = (0, 0, open(0));
    let beyond = out.as_ptr().addr() / size_of::<f32>() % LINE_VALUES;
    let (first, out) = out.split_at_mut(((LINE_VALUES - beyond) % LINE_VALUES).min(out.len()));
    let (mut lines, last) = out.split_at_mut(out.len() / LINE_VALUES * LINE_VALUES);
    let mut lanes = [0.0; MAX_LANES];
    let mut part = Part::First;
    // One loop stores the values of all parts: it is long, as it opens rows.
    loop {
        let mut to: &mut [f32] = match part {
            Part::First => first,
            Part::Across => &mut lanes[..S::LANES],
            Part::Last => last,
        };
        while !to.is_empty() {
            if col == width {
                (r, col) = (r + 1, 0);
                row = open(r);
            }
            let n = to.len().min(width - col).min(S::LANES);
            let (values, rest) = to.split_at_mut(n);
            simd.store(row.load(simd, col, n), values);
            (col, to) = (col + n, rest);
        }
        match part {
            Part::First => {}
            Part::Across => {
                let (across, rest) = lines.split_at_mut(S::LANES);
                simd.store_non_temporal(simd.load(&lanes[..S::LANES]), across);
                lines = rest;
            }
            Part::Last => return,
        }
        part = loop {
            let whole = (width - col).min(lines.len()) / S::LANES * S::LANES;
            let (inside, rest) = lines.split_at_mut(whole);
            for vector in inside.chunks_exact_mut(S::LANES) {
                simd.store_non_temporal(row.load(simd, col, S::LANES), vector);
                col += S::LANES;
            }
            lines = rest;
            if lines.is_empty() {
                break Part::Last;
            }
            if width < S::LANES {
                break Part::Across;
            }
            let (across, rest) = lines.split_at_mut(S::LANES);
            let (end, ends) = (row.load(simd, width - S::LANES, S::LANES), width - col);
            (r, col) = (r + 1, S::LANES - ends);
            row = open(r);
            let x = simd.slide(end, row.load(simd, 0, S::LANES), col);
            simd.store_non_temporal(x, across);
            lines = rest;
        };
    }
}

/// What is stored value by value.
#[derive(Clone, Copy)]
enum Part {
    /// The values before the first line.
    First,
    /// The vector of a line that several short rows share.
    Across,
    /// The values after the last line.
    Last,
}

/// The fence after non-temporal stores. It also runs if a closure panics.
struct Fence<S: Simd>(S);

impl<S: Simd> Drop for Fence<S> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.fence();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{available, dispatch};
    use std::ops::Range;

    /// Consecutive numbers from a start value on.
    #[derive(Clone, Copy)]
    struct Numbers(usize);

    impl Row for Numbers {
        fn cols(self, cols: Range<usize>) -> Self {
            Numbers(self.0 + cols.start)
        }

        fn get(self, col: usize) -> f32 {
            (self.0 + col) as f32
        }
    }

    #[test]
    fn every_way_of_storing_writes_the_same_rows_each_opened_once() {
        #[inline(always)]
        fn check<S: Simd>(simd: S) {
            for width in [1, 3, 15, 16, 17, 40, 64] {
                for (rows, at) in [(0, 0), (1, 5), (2, 0), (7, 3), (9, 15)] {
                    let mut all = vec![0.5; rows * width + 2 * MAX_LANES];
                    let line = all.as_ptr().addr() / size_of::<f32>() % MAX_LANES;
                    let from = (MAX_LANES - line) % MAX_LANES + at;
                    for non_temporal in [false, true] {
                        let mut opened = 0;
                        let out = &mut all[from..from + rows * width];
                        out.fill(0.5);
                        for_each_row(
                            simd,
                            non_temporal,
                            width,
                            out,
                            #[inline(always)]
                            |r| {
                                assert_eq!(r, opened);
                                opened += 1;
                                Numbers(r * width)
                            },
                        );
                        assert_eq!(opened, rows);
                        assert!(
                            out.iter().enumerate().all(|(i, &x)| x == i as f32),
                            "{rows} x {width}"
                        );
                    }
                    all[from..from + rows * width].fill(0.5);
                    assert!(
                        all.iter().all(|&x| x == 0.5),
                        "values around the rows were written"
                    );
                }
            }
        }
        for &isa in available() {
            dispatch!(isa, simd => check(simd));
        }
    }
}
