//! AVX2: 8 lanes.

#![expect(
    unsafe_code,
    reason = "intrinsics: a value of the type proves that the machine has them"
)]

use super::{x86, Hint, Isa, Simd};
use std::arch::x86_64::*;

/// The proof that this machine has AVX2.
#[derive(Clone, Copy)]
pub struct Avx2(());

impl Avx2 {
    /// Panics on a machine without it.
    #[inline]
    pub fn get() -> Self {
        Isa::Avx2.require();
        Avx2(())
    }

    /// All bits set in the first `n` lanes.
    #[inline(always)]
    fn first(self, n: usize) -> __m256i {
        // SAFETY: `self` proves AVX2.
        unsafe {
            _mm256_cmpgt_epi32(
                _mm256_set1_epi32(n as i32),
                _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7),
            )
        }
    }
}

impl Simd for Avx2 {
    const LANES: usize = 8;
    const ACCUMULATORS: usize = 8;
    const NON_TEMPORAL: bool = true;
    type F32 = __m256;

    #[inline(always)]
    fn vectorize<T>(self, f: impl FnOnce() -> T) -> T {
        #[target_feature(enable = "avx2")]
        fn compiled_for_avx2<T>(f: impl FnOnce() -> T) -> T {
            f()
        }
        // SAFETY: `self` proves AVX2.
        unsafe { compiled_for_avx2(f) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    fn load_bytes(self, from: &[[u8; 4]]) -> __m256 {
        if from.len() >= Self::LANES {
            // SAFETY: `self` proves AVX2, and there are 8 values.
            unsafe { _mm256_loadu_ps(from.as_ptr().cast()) }
        } else {
            // SAFETY: `self` proves AVX2, and lanes outside the mask are not touched.
            unsafe { _mm256_maskload_ps(from.as_ptr().cast(), self.first(from.len())) }
        }
    }

    #[inline(always)]
    fn store(self, x: __m256, to: &mut [f32]) {
        if to.len() >= Self::LANES {
            // SAFETY: `self` proves AVX2, and there are 8 places.
            unsafe { _mm256_storeu_ps(to.as_mut_ptr(), x) }
        } else {
            // SAFETY: `self` proves AVX2, and lanes outside the mask are not touched.
            unsafe { _mm256_maskstore_ps(to.as_mut_ptr(), self.first(to.len()), x) }
        }
    }

    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe { _mm256_div_ps(a, b) }
    }

    /// Not `maxps`: it takes the second operand when either is NaN, or when both are zeros of whatever sign.
    #[inline(always)]
    fn max(self, held: __m256, x: __m256) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe {
            let greater_or_nan = _mm256_cmp_ps::<_CMP_NLE_UQ>(x, held);
            let held_is_number = _mm256_cmp_ps::<_CMP_ORD_Q>(held, held);
            _mm256_blendv_ps(held, x, _mm256_and_ps(greater_or_nan, held_is_number))
        }
    }

    #[inline(always)]
    fn swap_pairs(self, x: __m256) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe { _mm256_permute_ps::<0b10_11_00_01>(x) }
    }

    #[inline(always)]
    fn first_of_pairs(self, x: __m256) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe { _mm256_permute_ps::<0b10_10_00_00>(x) }
    }

    #[inline(always)]
    fn second_of_pairs(self, x: __m256) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe { _mm256_permute_ps::<0b11_11_01_01>(x) }
    }

    #[inline(always)]
    fn slide(self, a: __m256, b: __m256, from: usize) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe {
            // A lane's number counts modulo 8, so one turn serves both.
            let lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            let turned = _mm256_add_epi32(lane, _mm256_set1_epi32(from as i32));
            let (a, b) = (
                _mm256_permutevar8x32_ps(a, turned),
                _mm256_permutevar8x32_ps(b, turned),
            );
            _mm256_blendv_ps(b, a, _mm256_castsi256_ps(self.first(Self::LANES - from)))
        }
    }

    #[inline(always)]
    fn prefetch(self, hint: Hint, at: *const u8) {
        x86::prefetch(hint, at)
    }

    #[inline(always)]
    fn store_non_temporal(self, x: __m256, to: &mut [f32]) {
        if to.len() >= Self::LANES && to.as_ptr().addr().is_multiple_of(32) {
            // SAFETY: `self` proves AVX2, and there are 8 places on a boundary of a vector.
            unsafe { _mm256_stream_ps(to.as_mut_ptr(), x) }
        } else {
            self.store(x, to)
        }
    }

    #[inline(always)]
    fn fence(self) {
        x86::fence()
    }
}
