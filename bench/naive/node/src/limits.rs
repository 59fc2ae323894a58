//! Limiting loops: the memory accesses of a kernel, and as few instructions as possible beside them.
//!
//! ```text
//! copy_rows    out[i] = table[ids[i]]                  the accesses of a lookup
//! xor_rows     out[b] = xor of the lines of its rows   the accesses of a bag
//! fill         out = a constant                        the accesses of a table that is computed
//! ```
//!
//! The bench varies how they prefetch and store: the fastest way is the limit of the machine.

use crate::streaming;
use napi::bindgen_prelude::{Float32Array, Float32ArraySlice, Int32ArraySlice};
use napi::{Error, Result, Status};
use napi_derive::napi;

/// Values in a cache line.
const LINE: usize = 16;

/// How rows are read and results are written.
#[derive(Clone, Copy)]
struct Way {
    /// The prefetch distance in rows; 0: no prefetch.
    ahead: usize,
    /// Whether prefetches go into the outer caches only.
    far: bool,
    /// Whether results are written with non-temporal stores.
    non_temporal: bool,
}

/// A table of rows, and ids that were checked.
#[derive(Clone, Copy)]
struct Lookup<'a> {
    table: &'a [f32],
    dim: usize,
    ids: &'a [i32],
    way: Way,
}

impl<'a> Lookup<'a> {
    fn new(table: &'a [f32], dim: usize, ids: &'a [i32], way: Way) -> Result<Self> {
        let rows = table.len().checked_div(dim).unwrap_or(0);
        match ids
            .iter()
            .find(|&&id| usize::try_from(id).map_or(true, |id| id >= rows))
        {
            Some(id) => Err(Error::new(Status::InvalidArg, format!("no row {id}"))),
            None => Ok(Lookup { table, dim, ids, way }),
        }
    }

    #[inline(always)]
    fn row(&self, id: i32) -> &'a [f32] {
        let start = id as usize * self.dim;
        // SAFETY: every id is a row of the table.
        unsafe { self.table.get_unchecked(start..start + self.dim) }
    }

    /// The row of entry `i`, after a request for the one that is used later.
    #[inline(always)]
    fn advance(&self, i: usize) -> &'a [f32] {
        let Way { ahead, far, .. } = self.way;
        if ahead > 0 {
            if let Some(&later) = self.ids.get(i + ahead) {
                let lines = self.row(later).chunks(LINE);
                lines.for_each(|line| request(line, far));
            }
        }
        self.row(self.ids[i])
    }

    #[inline(always)]
    fn copy(&self, out: &mut [f32]) {
        for (i, to) in out.chunks_exact_mut(self.dim).enumerate() {
            let row = self.advance(i);
            match self.way.non_temporal {
                true => streaming::row(row, to),
                false => to.copy_from_slice(row),
            }
        }
        streaming::fence();
    }

    /// Four vectors hold the xor, so that no line waits for the one before it.
    #[inline(always)]
    fn xor(&self, out: &mut [f32]) {
        let per_bag = self.ids.len() / (out.len() / self.dim);
        for (b, to) in out.chunks_exact_mut(self.dim).enumerate() {
            let mut all = [0_u32; 4 * LINE];
            for i in b * per_bag..(b + 1) * per_bag {
                for lines in self.advance(i).as_chunks::<{ 4 * LINE }>().0 {
                    for k in 0..4 * LINE {
                        all[k] ^= lines[k].to_bits();
                    }
                }
            }
            let line: [f32; LINE] = std::array::from_fn(|k| {
                f32::from_bits(all[k] ^ all[k + LINE] ^ all[k + 2 * LINE] ^ all[k + 3 * LINE])
            });
            to.as_chunks_mut::<LINE>().0.fill(line);
        }
    }
}

/// `body`, which must be inlined, with the widest vectors of this machine.
fn widest(body: impl FnOnce()) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx512vl")]
        fn avx512(body: impl FnOnce()) {
            body();
        }
        #[target_feature(enable = "avx2")]
        fn avx2(body: impl FnOnce()) {
            body();
        }
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
            // SAFETY: the features were detected.
            return unsafe { avx512(body) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the feature was detected.
            return unsafe { avx2(body) };
        }
    }
    body();
}

/// Requests the cache line at the start of `line`.
#[inline(always)]
fn request(line: &[f32], far: bool) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_mm_prefetch, _MM_HINT_T0, _MM_HINT_T1};
        let at = line.as_ptr().cast();
        // SAFETY: a prefetch reads nothing that the program can see.
        unsafe {
            match far {
                true => _mm_prefetch::<_MM_HINT_T1>(at),
                false => _mm_prefetch::<_MM_HINT_T0>(at),
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (line, far);
}

/// `out[i] = table[ids[i]]`, rows of `out.len() / ids.len()` values, on `threads` threads.
///
/// # Errors
/// An id outside the table.
#[napi]
#[expect(
    clippy::too_many_arguments,
    reason = "an object would take longer to read than a few rows"
)]
pub fn copy_rows(
    table: Float32ArraySlice,
    ids: Int32ArraySlice,
    mut out: Float32Array,
    ahead: u32,
    far: bool,
    non_temporal: bool,
    threads: u32,
) -> Result<()> {
    // SAFETY: as in `gather`.
    let out = unsafe { out.as_mut() };
    let (ids, way) = (ids.as_ref(), way(ahead, far, non_temporal));
    let dim = out.len().checked_div(ids.len()).unwrap_or(0);
    let all = Lookup::new(table.as_ref(), dim, ids, way)?;
    if threads <= 1 || dim == 0 {
        widest(
            #[inline(always)]
            || all.copy(out),
        );
        return Ok(());
    }
    let part = ids.len().div_ceil(threads as usize);
    std::thread::scope(|scope| {
        for (ids, out) in ids.chunks(part).zip(out.chunks_mut(part * dim)) {
            scope.spawn(move || {
                widest(
                    #[inline(always)]
                    || Lookup { ids, ..all }.copy(out),
                )
            });
        }
    });
    Ok(())
}

/// The same into memory that is allocated for the call and freed after it.
///
/// # Errors
/// An id outside the table.
#[napi]
pub fn copy_rows_fresh(
    table: Float32ArraySlice,
    ids: Int32ArraySlice,
    dim: u32,
    ahead: u32,
    far: bool,
    non_temporal: bool,
) -> Result<()> {
    let (ids, dim) = (ids.as_ref(), dim as usize);
    let lookup = Lookup::new(table.as_ref(), dim, ids, way(ahead, far, non_temporal))?;
    let mut out = Box::<[f32]>::new_uninit_slice(ids.len() * dim);
    // SAFETY: `copy` writes every value, and reads none.
    let out = unsafe { &mut *(std::ptr::from_mut(&mut *out) as *mut [f32]) };
    widest(
        #[inline(always)]
        || lookup.copy(out),
    );
    Ok(())
}

/// Each line of `out[b]` is the xor of all lines of the rows of bag `b`, bit by bit. Rows are multiples of four lines,
/// bags of equal length.
///
/// # Errors
/// An id outside the table.
#[napi]
pub fn xor_rows(
    table: Float32ArraySlice,
    ids: Int32ArraySlice,
    dim: u32,
    mut out: Float32Array,
    ahead: u32,
    far: bool,
) -> Result<()> {
    // SAFETY: as in `gather`.
    let out = unsafe { out.as_mut() };
    let lookup = Lookup::new(table.as_ref(), dim as usize, ids.as_ref(), way(ahead, far, false))?;
    widest(
        #[inline(always)]
        || lookup.xor(out),
    );
    Ok(())
}

/// `out = value`.
#[napi]
pub fn fill(mut out: Float32Array, value: f64, non_temporal: bool) {
    // SAFETY: as in `gather`.
    let out = unsafe { out.as_mut() };
    match non_temporal {
        true => streaming::fill(out, value as f32),
        false => widest(
            #[inline(always)]
            || out.fill(value as f32),
        ),
    }
}

fn way(ahead: u32, far: bool, non_temporal: bool) -> Way {
    Way {
        ahead: ahead as usize,
        far,
        non_temporal,
    }
}
