//! AVX-512: 16 lanes. Mask registers replace blends and scalar tails.

#![expect(
    unsafe_code,
    reason = "intrinsics: a value of the type proves that the machine has them"
)]

use super::{whole, x86, Hint, Isa, Simd};
use std::arch::x86_64::*;

/// Proves that this machine supports AVX-512 F, BW, DQ and VL.
#[derive(Clone, Copy)]
pub struct Avx512(());

impl Avx512 {
    /// Panics if the machine does not support it.
    #[inline]
    pub fn get() -> Self {
        Isa::Avx512.require();
        Avx512(())
    }
}

/// A mask of the first `n` lanes. `n` must be below 16.
#[inline(always)]
fn mask(n: usize) -> __mmask16 {
    (1 << n) - 1
}

impl Simd for Avx512 {
    const LANES: usize = 16;
    const ACCUMULATORS: usize = 16;
    const NON_TEMPORAL: bool = true;
    type F32 = __m512;

    #[inline(always)]
    fn vectorize<T>(self, f: impl FnOnce() -> T) -> T {
        #[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl")]
        fn compiled_for_avx512<T>(f: impl FnOnce() -> T) -> T {
            f()
        }
        // SAFETY: `self` proves AVX-512, which implies AVX2.
        unsafe { compiled_for_avx512(f) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    fn load_bytes(self, from: &[[u8; 4]]) -> __m512 {
        if from.len() >= Self::LANES {
            // SAFETY: `self` proves AVX-512, and `from` has 16 elements.
            unsafe { _mm512_loadu_ps(from.as_ptr().cast()) }
        } else {
            // SAFETY: `self` proves AVX-512, and lanes outside the mask are not accessed.
            unsafe { _mm512_maskz_loadu_ps(mask(from.len()), from.as_ptr().cast()) }
        }
    }

    #[inline(always)]
    fn load_f16(self, from: &[[u8; 2]]) -> __m512 {
        let mut short = [[0; 2]; 16];
        let from = whole(from, &mut short);
        // SAFETY: `self` proves AVX-512, and `from` has 32 bytes.
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.as_ptr().cast())) }
    }

    #[inline(always)]
    fn load_bf16(self, from: &[[u8; 2]]) -> __m512 {
        let mut short = [[0; 2]; 16];
        let from = whole(from, &mut short);
        // SAFETY: `self` proves AVX-512, and `from` has 32 bytes.
        unsafe {
            let halves = _mm512_cvtepu16_epi32(_mm256_loadu_si256(from.as_ptr().cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(halves))
        }
    }

    #[inline(always)]
    fn load_u8(self, from: &[u8]) -> __m512 {
        let mut short = [0; 16];
        let from = whole(from, &mut short);
        // SAFETY: `self` proves AVX-512, and `from` has 16 bytes.
        unsafe { _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.as_ptr().cast()))) }
    }

    #[inline(always)]
    fn load_u4(self, nibbles: u64) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe {
            let bytes = _mm_cvtsi64_si128(nibbles as i64);
            let low = _mm_and_si128(bytes, _mm_set1_epi8(15));
            let high = _mm_and_si128(_mm_srli_epi16::<4>(bytes), _mm_set1_epi8(15));
            _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_unpacklo_epi8(low, high)))
        }
    }

    #[inline(always)]
    fn store(self, x: __m512, to: &mut [f32]) {
        if to.len() >= Self::LANES {
            // SAFETY: `self` proves AVX-512, and `to` has 16 elements.
            unsafe { _mm512_storeu_ps(to.as_mut_ptr(), x) }
        } else {
            // SAFETY: `self` proves AVX-512, and lanes outside the mask are not accessed.
            unsafe { _mm512_mask_storeu_ps(to.as_mut_ptr(), mask(to.len()), x) }
        }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_div_ps(a, b) }
    }

    #[inline(always)]
    fn sqrt(self, x: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_sqrt_ps(x) }
    }

    /// The comparison is true for NaN.
    #[inline(always)]
    fn flush(self, x: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe {
            let least = _mm512_set1_ps(f32::MIN_POSITIVE);
            let kept = _mm512_cmp_ps_mask::<_CMP_NLT_UQ>(_mm512_abs_ps(x), least);
            _mm512_maskz_mov_ps(kept, x)
        }
    }

    #[inline(always)]
    fn select(self, first: bool, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_mask_blend_ps(u16::from(first).wrapping_neg(), b, a) }
    }

    /// `vmaxps` selects an operand as `maxps` does; see `avx2.rs`.
    #[inline(always)]
    fn greater(self, acc: __m512, x: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_max_ps(x, acc) }
    }

    /// `vmaxps` is unsuitable for the same reason as `maxps`; see `avx2.rs`.
    #[inline(always)]
    fn max(self, acc: __m512, x: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe {
            let acc_is_number = _mm512_cmp_ps_mask::<_CMP_ORD_Q>(acc, acc);
            let replace = _mm512_mask_cmp_ps_mask::<_CMP_NLE_UQ>(acc_is_number, x, acc);
            _mm512_mask_blend_ps(replace, acc, x)
        }
    }

    #[inline(always)]
    fn swap_pairs(self, x: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_permute_ps::<0b10_11_00_01>(x) }
    }

    #[inline(always)]
    fn first_of_pairs(self, x: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_permute_ps::<0b10_10_00_00>(x) }
    }

    #[inline(always)]
    fn second_of_pairs(self, x: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_permute_ps::<0b11_11_01_01>(x) }
    }

    #[inline(always)]
    fn slide(self, a: __m512, b: __m512, from: usize) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe {
            // Index 16 + k is lane k of `b`.
            let lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            _mm512_permutex2var_ps(a, _mm512_add_epi32(lane, _mm512_set1_epi32(from as i32)), b)
        }
    }

    #[inline(always)]
    fn prefetch(self, hint: Hint, address: *const u8) {
        x86::prefetch(hint, address)
    }

    #[inline(always)]
    fn store_non_temporal(self, x: __m512, to: &mut [f32]) {
        if to.len() >= Self::LANES && to.as_ptr().addr().is_multiple_of(64) {
            // SAFETY: `self` proves AVX-512, and `to` has 16 elements and is aligned.
            unsafe { _mm512_stream_ps(to.as_mut_ptr(), x) }
        } else {
            self.store(x, to)
        }
    }

    #[inline(always)]
    fn fence(self) {
        x86::fence()
    }
}
