//! A copy with non-temporal stores: the fastest way to write data that is not read soon.
//!
//! ```text
//! head to the next 64-byte line;  lines with non-temporal stores;  fence;  tail
//! ```

/// `to = from`, of equal lengths.
pub fn copy(from: &[f32], to: &mut [f32]) {
    assert_eq!(from.len(), to.len());
    #[cfg(target_arch = "x86_64")]
    {
        // `align_offset` always succeeds here: the distance from an f32 to the next line is a multiple of 4 bytes.
        let head = to.as_ptr().align_offset(LINE).min(to.len());
        let lines = (to.len() - head) / FLOATS;
        let tail = head + lines * FLOATS;
        to[..head].copy_from_slice(&from[..head]);
        // SAFETY: `lines` whole lines follow `head` in both, and those in `to` are aligned; the features that each
        // function names were detected.
        unsafe {
            let (from, to) = (from.as_ptr().add(head), to.as_mut_ptr().add(head));
            match () {
                () if is_x86_feature_detected!("avx512f") => x86::avx512(from, to, lines),
                () if is_x86_feature_detected!("avx") => x86::avx(from, to, lines),
                () => x86::sse(from, to, lines),
            }
        }
        to[tail..].copy_from_slice(&from[tail..]);
    }
    #[cfg(not(target_arch = "x86_64"))]
    to.copy_from_slice(from);
}

/// `to = from` for one row of several, before a [`fence`]: the arrays of JavaScript begin at a multiple of 16 bytes, so
/// the stores have 16 bytes. Rows that begin elsewhere are copied with ordinary stores.
#[inline(always)]
pub fn row(from: &[f32], to: &mut [f32]) {
    assert_eq!(from.len(), to.len());
    #[cfg(target_arch = "x86_64")]
    if to.as_ptr().addr() % 16 == 0 && to.len() % 4 == 0 {
        use std::arch::x86_64::{_mm_loadu_ps, _mm_stream_ps};
        for at in (0..to.len()).step_by(4) {
            // SAFETY: four values follow `at` in both, and those in `to` are aligned.
            unsafe { _mm_stream_ps(to.as_mut_ptr().add(at), _mm_loadu_ps(from.as_ptr().add(at))) };
        }
        return;
    }
    to.copy_from_slice(from);
}

/// `to = value` for all of `to`, with a fence.
#[inline(always)]
pub fn fill(to: &mut [f32], value: f32) {
    let line = [value; 16];
    to.chunks_mut(16).for_each(|to| row(&line[..to.len()], to));
    fence();
}

/// Ends a sequence of non-temporal stores.
#[inline(always)]
pub fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the instruction exists on every x86-64.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

#[cfg(target_arch = "x86_64")]
const LINE: usize = 64;
#[cfg(target_arch = "x86_64")]
const FLOATS: usize = LINE / 4;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::FLOATS;
    use std::arch::x86_64::*;

    macro_rules! streaming_copy {
        ($name:ident, $feature:literal, $load:ident, $store:ident, $width:literal) => {
            /// # Safety
            /// `lines` lines of 16 values at both; `to` on a 64-byte line; the machine has the feature.
            #[target_feature(enable = $feature)]
            pub unsafe fn $name(from: *const f32, to: *mut f32, lines: usize) {
                let mut at = 0;
                while at < lines * FLOATS {
                    // SAFETY: `at + $width` is at most the length, and a multiple of it from an aligned start.
                    unsafe { $store(to.add(at), $load(from.add(at))) };
                    at += $width;
                }
                _mm_sfence();
            }
        };
    }

    streaming_copy!(avx512, "avx512f", _mm512_loadu_ps, _mm512_stream_ps, 16);
    streaming_copy!(avx, "avx", _mm256_loadu_ps, _mm256_stream_ps, 8);
    streaming_copy!(sse, "sse2", _mm_loadu_ps, _mm_stream_ps, 4);
}
