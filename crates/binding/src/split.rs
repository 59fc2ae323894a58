//! Splits a call into parts of whole rows, for several threads.
//!
//! ```text
//! small, or one thread:       work(all rows, out)
//! otherwise, on every thread: while a part is left: take it; work(its rows, its piece of out)
//! ```
//!
//! Operations do not depend on threads: `work` calls one for some rows, as a window. Windows do not affect the bits of
//! a result (see [`Window`](tokenbed_core::Window)), so neither do the number of threads and the order of the parts.
//!
//! Parts are not assigned; threads take them. A thread that is slow, or that the system does not run at all, takes
//! fewer. Parts are taken in order, so that all threads write near each other.

use crate::pool::fork_join;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;
use tokenbed_core::ops::Bags;

/// A call that accesses fewer bytes of rows runs on one thread.
///
/// Two threads against one, call after call on a machine whose host is busy, lookups of 4.2 / 8 / 16 / 48 MB: 1.36 /
/// 1.70 / 1.78 / 1.83; layers, bags and normal draws of 12 MB and more 1.75 to 2.0. A helper runs 5
/// to 20 microseconds after it was woken if its processor is awake, otherwise 30 to 100, and later if the host is busy.
pub const LEAST_BYTES: usize = 4_000_000;

/// The approximate bytes of rows in a part. A call may have to wait for one part if a helper loses its processor.
///
/// Sizes from 128 KiB to 8 MiB made no difference (1.0, fresh and reused outputs of 6 and 48 MB). A part of this size
/// takes a fraction of a millisecond, and still many thousand times as long as taking the part.
pub const PART_BYTES: usize = 512 << 10;

/// The most threads of a call: fewer already use the whole memory bandwidth.
pub const MOST: usize = 64;

/// Bytes in a value of a result.
const VALUE: usize = size_of::<f32>();

/// The number of threads that a call may use if `wanted` are requested. 0 requests the number of processors available
/// to the process.
pub fn threads(wanted: usize) -> usize {
    match wanted {
        0 => available_parallelism()
            .map_or(1, |processors| processors.get())
            .min(MOST),
        _ => wanted.min(MOST),
    }
}

/// Writes `out`, rows of `width` values, with `work(rows, their piece of out)` on up to `threads` threads.
///
/// # Panics
/// If `work` panics, or `width` is 0 and `out` is not empty.
pub fn by_rows(
    threads: usize,
    width: usize,
    out: &mut [f32],
    work: impl Fn(Range<usize>, &mut [f32]) + Sync,
) {
    by_costly_rows(threads, width, 1, 1, out, work)
}

/// The same for a result of which each value costs as much as `cost` values that are only written. A part has at least
/// `least` rows.
///
/// # Panics
/// If `work` panics, or `width` is 0 and `out` is not empty.
pub fn by_costly_rows(
    threads: usize,
    width: usize,
    cost: usize,
    least: usize,
    out: &mut [f32],
    work: impl Fn(Range<usize>, &mut [f32]) + Sync,
) {
    let bytes = size_of_val(out).saturating_mul(cost);
    let rows = (PART_BYTES / VALUE / width.saturating_mul(cost).max(1))
        .max(least)
        .max(1);
    share(threads, bytes, width, out, |row| row + rows, work);
}

/// Parts of rows that are read, for results that are not rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    rows: usize,
    part: usize,
    /// The most threads that can share the work.
    pub threads: usize,
}

impl Parts {
    /// `rows` rows in parts of `part`, on up to `threads` threads, each of which has a part at least.
    pub fn new(threads: usize, rows: usize, part: usize) -> Self {
        let threads = threads.min(rows / part).max(1);
        Parts { rows, part, threads }
    }

    /// `rows` rows that cost as much as reading `bytes` bytes each, on up to `threads` threads. A part has at least
    /// `least` rows.
    pub fn of(threads: usize, rows: usize, bytes: usize, least: usize) -> Self {
        let part = (PART_BYTES / bytes.max(1)).max(least).max(1);
        let all = rows.saturating_mul(bytes);
        let threads = match all < LEAST_BYTES {
            true => 1,
            false => threads.min(all / PART_BYTES).min(rows.div_ceil(part)).max(1),
        };
        Parts { rows, part, threads }
    }
}

/// Reads rows with `work(state, rows)`, on a thread for each of `states`, or on fewer.
///
/// # Panics
/// If `work` panics, or there are no states.
pub fn by_parts<T: Send>(parts: Parts, states: &mut [T], work: impl Fn(&mut T, Range<usize>) + Sync) {
    let Parts { rows, part, .. } = parts;
    if let [state] = states {
        return work(state, 0..rows);
    }
    let threads = states.len();
    assert!(threads > 0, "a state for each thread");
    let (states, next) = (Mutex::new(states.iter_mut()), AtomicUsize::new(0));
    fork_join(threads, &|| {
        let Some(state) = lock(&states).next() else {
            return;
        };
        loop {
            let start = next.fetch_add(part, Ordering::Relaxed);
            if start >= rows {
                return;
            }
            work(state, start..rows.min(start + part));
        }
    });
}

/// Calls `work` with each of `items`, on up to `threads` threads.
///
/// # Panics
/// If `work` panics.
pub fn each<T: Send>(threads: usize, items: Vec<T>, work: impl Fn(T) + Sync) {
    let items = Mutex::new(items.into_iter());
    fork_join(threads, &|| loop {
        let item = lock(&items).next();
        let Some(item) = item else {
            return;
        };
        work(item);
    });
}

/// No code that can panic runs under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same for a result of which row `b` is bag `b`: `work(bags, their piece of out)`.
///
/// A bag costs its row and those of its ids, so the parts hold equally many rows of both.
///
/// # Panics
/// If `work` panics, or `width` is 0 and `out` is not empty.
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
    // The cost before a bag increases from bag to bag, so a binary search locates the first bag after a part.
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

/// `cut(row)` proposes the end of a part that begins at `row`. A part has at least one row, and ends at the last row.
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
    if bytes < LEAST_BYTES || threads <= 1 || cut(0) >= rows {
        return work(0..rows, out);
    }
    let rest = Mutex::new((0, out));
    let next = || {
        let mut rest = lock(&rest);
        let (first, out) = (rest.0, std::mem::take(&mut rest.1));
        if out.is_empty() {
            return None;
        }
        let end = cut(first).clamp(first + 1, rows);
        let (part, left) = out.split_at_mut((end - first) * width);
        *rest = (end, left);
        Some((first..end, part))
    };
    fork_join(threads.min(bytes / PART_BYTES), &|| {
        while let Some((rows, out)) = next() {
            work(rows, out);
        }
    });
}
