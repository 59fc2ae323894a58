//! A call cut into parts of whole rows, for several threads.
//!
//! ```text
//! small, or one thread:  work(all rows, out)
//! else, on every thread: while a part is left: take it; work(its rows, its piece of out)
//! ```
//!
//! An op knows nothing of it: `work` calls the op for some rows, as a window. No bit depends on how a result is cut
//! (see [`Window`](crate::window::Window)), so none depends on how many threads there are or who took which part.
//!
//! Parts are taken, not dealt out: a thread that is slow, or that the system does not run at all, takes fewer. They
//! come in order, so that all threads write near each other.

use crate::checked::Bags;
use crate::pool::together;
use crate::tuning::threads::{LEAST_BYTES, MOST, PART_BYTES};
use crate::tuning::{part_of, stream_bytes};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;

/// Bytes in a value of a result.
const VALUE: usize = size_of::<f32>();

/// How many threads a call may use where `wanted` were asked for: 0 stands for as many as the process has processors.
pub fn threads(wanted: usize) -> usize {
    match wanted {
        0 => available_parallelism()
            .map_or(1, |processors| processors.get())
            .min(MOST),
        _ => wanted.min(MOST),
    }
}

/// Has `out`, rows of `width` values, written by `work(rows, their piece of out)`, on up to `threads` threads.
///
/// # Panics
/// When `work` does, or `width` is 0 and `out` is not empty.
pub fn by_rows(
    threads: usize,
    width: usize,
    out: &mut [f32],
    work: impl Fn(Range<usize>, &mut [f32]) + Sync,
) {
    let bytes = size_of_val(out);
    let rows = (PART_BYTES / VALUE / width.max(1)).max(1);
    share(threads, bytes, width, out, |row| row + rows, work);
}

/// The same for a result of which row `b` is bag `b`: `work(bags, their piece of out)`.
///
/// What a bag costs is its row and those of its ids, so the parts hold equally many rows of both together.
///
/// # Panics
/// When `work` does, or `width` is 0 and `out` is not empty.
pub fn by_bags(
    threads: usize,
    bags: &Bags<'_>,
    width: usize,
    out: &mut [f32],
    work: impl Fn(Range<usize>, &mut [f32]) + Sync,
) {
    let cost = |bag: usize| bags.start(bag) + bag;
    let rows = PART_BYTES / VALUE / width.max(1);
    let bytes = cost(bags.bags()).saturating_mul(width * VALUE);
    // The cost before a bag grows with each, so the first one beyond a part is found by halving.
    let cut = |bag: usize| {
        let (mut low, mut high) = (bag, bags.bags());
        while low < high {
            let middle = low + (high - low) / 2;
            match cost(middle) - cost(bag) < rows {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        low
    };
    share(threads, bytes, width, out, cut, work);
}

/// `cut(row)` is where a part that begins at `row` should end: at least one row goes with it, and no more than are left.
fn share(
    threads: usize,
    bytes: usize,
    width: usize,
    out: &mut [f32],
    cut: impl Fn(usize) -> usize + Sync,
    work: impl Fn(Range<usize>, &mut [f32]) + Sync,
) {
    if out.is_empty() {
        return work(0..0, out);
    }
    let rows = out.len() / width;
    if bytes < LEAST_BYTES {
        return work(0..rows, out);
    }
    // A part is small where the whole is streamed.
    let whole = stream_bytes(out);
    let work = |rows: Range<usize>, out: &mut [f32]| part_of(whole, || work(rows, out));
    if threads <= 1 || cut(0) >= rows {
        return work(0..rows, out);
    }
    let rest = Mutex::new((0, out));
    let next = || {
        let mut rest = rest.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, out) = (rest.0, std::mem::take(&mut rest.1));
        if out.is_empty() {
            return None;
        }
        let end = cut(first).clamp(first + 1, rows);
        let (part, left) = out.split_at_mut((end - first) * width);
        *rest = (end, left);
        Some((first..end, part))
    };
    together(threads.min(bytes / PART_BYTES), &|| {
        while let Some((rows, out)) = next() {
            work(rows, out);
        }
    });
}
