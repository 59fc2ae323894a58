//! AVX2 and F16C: 8 lanes.

#![expect(
    unsafe_code,
    reason = "intrinsics: a value of the type proves that the machine has them"
)]

use super::{whole, x86, Hint, Isa, Simd};
use std::arch::x86_64::*;

/// Proves that this machine supports AVX2 and F16C.
#[derive(Clone, Copy)]
pub struct Avx2(());

impl Avx2 {
    /// Panics if the machine does not support it.
    #[inline]
    pub fn get() -> Self {
        Isa::Avx2.require();
        Avx2(())
    }

    /// A mask of the first `n` lanes.
    #[inline(always)]
    fn mask(self, n: usize) -> __m256i {
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
        #[target_feature(enable = "avx2,f16c")]
        fn compiled_for_avx2<T>(f: impl FnOnce() -> T) -> T {
            f()
        }
        // SAFETY: `self` proves AVX2 and F16C.
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
            // SAFETY: `self` proves AVX2, and `from` has 8 elements.
            unsafe { _mm256_loadu_ps(from.as_ptr().cast()) }
        } else {
            // SAFETY: `self` proves AVX2, and lanes outside the mask are not accessed.
            unsafe { _mm256_maskload_ps(from.as_ptr().cast(), self.mask(from.len())) }
        }
    }

    #[inline(always)]
    fn load_f16(self, from: &[[u8; 2]]) -> __m256 {
        let mut short = [[0; 2]; 8];
        let from = whole(from, &mut short);
        // SAFETY: `self` proves F16C, and `from` has 16 bytes.
        unsafe { _mm256_cvtph_ps(_mm_loadu_si128(from.as_ptr().cast())) }
    }

    #[inline(always)]
    fn load_bf16(self, from: &[[u8; 2]]) -> __m256 {
        let mut short = [[0; 2]; 8];
        let from = whole(from, &mut short);
        // SAFETY: `self` proves AVX2, and `from` has 16 bytes.
        unsafe {
            let halves = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.as_ptr().cast()));
            _mm256_castsi256_ps(_mm256_slli_epi32::<16>(halves))
        }
    }

    #[inline(always)]
    fn load_u8(self, from: &[u8]) -> __m256 {
        let mut short = [0; 8];
        let from = whole(from, &mut short);
        // SAFETY: `self` proves AVX2, and `from` has 8 bytes.
        unsafe { _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(from.as_ptr().cast()))) }
    }

    #[inline(always)]
    fn load_u4(self, nibbles: u64) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe {
            let shifts = _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28);
            let shifted = _mm256_srlv_epi32(_mm256_set1_epi32(nibbles as i32), shifts);
            _mm256_cvtepi32_ps(_mm256_and_si256(shifted, _mm256_set1_epi32(15)))
        }
    }

    #[inline(always)]
    fn store(self, x: __m256, to: &mut [f32]) {
        if to.len() >= Self::LANES {
            // SAFETY: `self` proves AVX2, and `to` has 8 elements.
            unsafe { _mm256_storeu_ps(to.as_mut_ptr(), x) }
        } else {
            // SAFETY: `self` proves AVX2, and lanes outside the mask are not accessed.
            unsafe { _mm256_maskstore_ps(to.as_mut_ptr(), self.mask(to.len()), x) }
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

    #[inline(always)]
    fn sqrt(self, x: __m256) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe { _mm256_sqrt_ps(x) }
    }

    /// The comparison is true for NaN.
    #[inline(always)]
    fn flush(self, x: __m256) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe {
            let magnitude = _mm256_andnot_ps(_mm256_set1_ps(-0.0), x);
            let kept = _mm256_cmp_ps::<_CMP_NLT_UQ>(magnitude, _mm256_set1_ps(f32::MIN_POSITIVE));
            _mm256_and_ps(x, kept)
        }
    }

    #[inline(always)]
    fn select(self, first: bool, a: __m256, b: __m256) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe { _mm256_blendv_ps(b, a, _mm256_castsi256_ps(_mm256_set1_epi32(-i32::from(first)))) }
    }

    /// `maxps` returns the first operand if it is greater; otherwise, and if either is NaN, the second.
    #[inline(always)]
    fn greater(self, acc: __m256, x: __m256) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe { _mm256_max_ps(x, acc) }
    }

    /// `maxps` is unsuitable: it returns the second operand if either is NaN, or if both are zeros of any sign.
    #[inline(always)]
    fn max(self, acc: __m256, x: __m256) -> __m256 {
        // SAFETY: `self` proves AVX2.
        unsafe {
            let greater_or_nan = _mm256_cmp_ps::<_CMP_NLE_UQ>(x, acc);
            let acc_is_number = _mm256_cmp_ps::<_CMP_ORD_Q>(acc, acc);
            _mm256_blendv_ps(acc, x, _mm256_and_ps(greater_or_nan, acc_is_number))
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
            // Lane indices are taken modulo 8, so both vectors use the same rotation.
            let lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            let rotation = _mm256_add_epi32(lane, _mm256_set1_epi32(from as i32));
            let a = _mm256_permutevar8x32_ps(a, rotation);
            let b = _mm256_permutevar8x32_ps(b, rotation);
            _mm256_blendv_ps(b, a, _mm256_castsi256_ps(self.mask(Self::LANES - from)))
        }
    }

    #[inline(always)]
    fn prefetch(self, hint: Hint, address: *const u8) {
        x86::prefetch(hint, address)
    }

    #[inline(always)]
    fn store_non_temporal(self, x: __m256, to: &mut [f32]) {
        if to.len() >= Self::LANES && to.as_ptr().addr().is_multiple_of(32) {
            // SAFETY: `self` proves AVX2, and `to` has 8 elements and is aligned.
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
