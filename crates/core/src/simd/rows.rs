//! The loop over rows of kernels that compute a row at a time, and the way past the caches.
//!
//! A result that is larger than the caches pushes everything out of them while it is written, and every line of
//! it is read from memory before it is overwritten. Streamed stores do neither, if each line is written whole
//! and at once. Rows do not end where lines do, so the streamed loop goes by the lines of the output:
//!
//! ```text
//! what lies before the first boundary of a line: stored
//! for vector in the lines of the output:
//!     if it lies in one row:           stream it
//!     else if rows are long enough:    the last vector of one row slides out, the first of the next in; stream
//!     else:                            put it together in memory; stream it
//! what lies behind the last boundary: stored
//! fence
//! ```
//!
//! A line that is streamed in two parts, the end of a row and, after a wait for memory, the beginning of the
//! next, mostly reaches memory in two parts: rows of 256 bytes then took 1.6 times as long as whole lines. And the
//! end of a row is read as the vector that ends with it: a short load there would reach into the next line of the
//! table, which nobody needs, and wait for it.

use super::{for_each_vector, Simd, LINE, MAX_LANES};

/// f32 values in a line: a whole number of vectors of every instruction set.
const LINE_VALUES: usize = LINE / size_of::<f32>();
const _: () = assert!(LINE_VALUES == MAX_LANES);

/// `out[r * width + c] = value(open(r), c)`, vector by vector as [`for_each_vector`] does, and past the caches
/// if `streamed` and the instruction set can.
///
/// Rows are opened one after the other, each once. `out` holds whole rows; `width` is not 0.
#[inline(always)]
pub fn for_each_row<S: Simd, R: Copy>(
    simd: S,
    streamed: bool,
    width: usize,
    out: &mut [f32],
    mut open: impl FnMut(usize) -> R,
    mut value: impl FnMut(R, usize, usize) -> S::F32,
) {
    if S::STREAMS && streamed {
        return stream_rows(simd, width, out, open, value);
    }
    for (r, out) in out.chunks_exact_mut(width).enumerate() {
        let row = open(r);
        for_each_vector(
            simd,
            out,
            #[inline(always)]
            |c, n, _| value(row, c, n),
        );
    }
}

#[inline(always)]
fn stream_rows<S: Simd, R: Copy>(
    simd: S,
    width: usize,
    out: &mut [f32],
    mut open: impl FnMut(usize) -> R,
    mut value: impl FnMut(R, usize, usize) -> S::F32,
) {
    if out.is_empty() {
        return;
    }
    let _fence = Fence(simd);
    let (mut r, mut col, mut row) = (0, 0, open(0));
    // Stores what comes next, row by row, until `to` is full.
    macro_rules! fill {
        ($to:expr) => {{
            let mut to: &mut [f32] = $to;
            while !to.is_empty() {
                if col == width {
                    (r, col) = (r + 1, 0);
                    row = open(r);
                }
                let n = to.len().min(width - col).min(S::LANES);
                let (part, rest) = to.split_at_mut(n);
                simd.store(value(row, col, n), part);
                (col, to) = (col + n, rest);
            }
        }};
    }
    let beyond = out.as_ptr().addr() / size_of::<f32>() % LINE_VALUES;
    let (first, out) = out.split_at_mut(((LINE_VALUES - beyond) % LINE_VALUES).min(out.len()));
    fill!(first);
    let (lines, last) = out.split_at_mut(out.len() / LINE_VALUES * LINE_VALUES);
    let mut lines = lines;
    while !lines.is_empty() {
        let whole = (width - col).min(lines.len()) / S::LANES * S::LANES;
        let (inside, rest) = lines.split_at_mut(whole);
        for vector in inside.chunks_exact_mut(S::LANES) {
            simd.stream(value(row, col, S::LANES), vector);
            col += S::LANES;
        }
        lines = rest;
        if lines.is_empty() {
            break;
        }
        let (across, rest) = lines.split_at_mut(S::LANES);
        let ends = width - col;
        let x = if width >= S::LANES {
            let end = value(row, width - S::LANES, S::LANES);
            (r, col) = (r + 1, S::LANES - ends);
            row = open(r);
            simd.slide(end, value(row, 0, S::LANES), col)
        } else {
            let mut lanes = [0.0; MAX_LANES];
            fill!(&mut lanes[..S::LANES]);
            simd.load(&lanes[..S::LANES])
        };
        simd.stream(x, across);
        lines = rest;
    }
    fill!(last);
}

/// The fence behind streamed stores, also when a closure panics among them.
struct Fence<S: Simd>(S);

impl<S: Simd> Drop for Fence<S> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.fence();
    }
}
