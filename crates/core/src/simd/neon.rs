//! NEON: 4 lanes. Every aarch64 has it.

#![expect(
    unsafe_code,
    reason = "intrinsics: a value of the type proves that the machine has them"
)]

use super::{whole, Hint, Isa, Simd};
use std::arch::aarch64::*;
use std::arch::asm;

/// Proves that this machine supports NEON.
#[derive(Clone, Copy)]
pub struct Neon(());

impl Neon {
    /// Panics if the machine does not support it.
    #[inline]
    pub fn get() -> Self {
        Isa::Neon.require();
        Neon(())
    }
}

impl Simd for Neon {
    const LANES: usize = 4;
    const ACCUMULATORS: usize = 16;
    type F32 = float32x4_t;

    #[inline(always)]
    fn vectorize<T>(self, f: impl FnOnce() -> T) -> T {
        #[target_feature(enable = "neon")]
        fn compiled_for_neon<T>(f: impl FnOnce() -> T) -> T {
            f()
        }
        // SAFETY: `self` proves NEON.
        unsafe { compiled_for_neon(f) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vdupq_n_f32(x) }
    }

    /// There are no masked loads: a short load goes through a zeroed array.
    #[inline(always)]
    fn load_bytes(self, from: &[[u8; 4]]) -> float32x4_t {
        let mut short = [[0; 4]; 4];
        let from = if from.len() >= Self::LANES {
            from
        } else {
            short[..from.len()].copy_from_slice(from);
            &short
        };
        // SAFETY: `self` proves NEON, and `from` has 4 elements.
        unsafe { vld1q_f32(from.as_ptr().cast()) }
    }

    /// Uses assembly because the intrinsic is unstable.
    #[inline(always)]
    fn load_f16(self, from: &[[u8; 2]]) -> float32x4_t {
        let mut short = [[0; 2]; 4];
        let from = whole(from, &mut short);
        // SAFETY: `self` proves NEON, and `from` has 8 bytes; the conversion only computes.
        unsafe {
            let halves = vld1_u8(from.as_ptr().cast());
            let widened: float32x4_t;
            asm!("fcvtl {to:v}.4s, {from:v}.4h", to = lateout(vreg) widened, from = in(vreg) halves,
                options(pure, nomem, nostack, preserves_flags));
            widened
        }
    }

    #[inline(always)]
    fn load_bf16(self, from: &[[u8; 2]]) -> float32x4_t {
        let mut short = [[0; 2]; 4];
        let from = whole(from, &mut short);
        // SAFETY: `self` proves NEON, and `from` has 8 bytes.
        unsafe {
            let halves = vmovl_u16(vreinterpret_u16_u8(vld1_u8(from.as_ptr().cast())));
            vreinterpretq_f32_u32(vshlq_n_u32::<16>(halves))
        }
    }

    #[inline(always)]
    fn load_u8(self, from: &[u8]) -> float32x4_t {
        let mut short = [0; 4];
        let bytes = u32::from_le_bytes(*whole(from, &mut short));
        // SAFETY: `self` proves NEON.
        unsafe {
            let halves = vmovl_u8(vcreate_u8(u64::from(bytes)));
            vcvtq_f32_u32(vmovl_u16(vget_low_u16(halves)))
        }
    }

    #[inline(always)]
    fn load_u4(self, nibbles: u64) -> float32x4_t {
        const RIGHT: [i32; 4] = [0, -4, -8, -12];
        // SAFETY: `self` proves NEON, and `RIGHT` has 4 elements.
        unsafe {
            let shifted = vshlq_u32(vdupq_n_u32(nibbles as u32), vld1q_s32(RIGHT.as_ptr()));
            vcvtq_f32_u32(vandq_u32(shifted, vdupq_n_u32(15)))
        }
    }

    #[inline(always)]
    fn store(self, x: float32x4_t, to: &mut [f32]) {
        if to.len() >= Self::LANES {
            // SAFETY: `self` proves NEON, and `to` has 4 elements.
            unsafe { vst1q_f32(to.as_mut_ptr(), x) }
        } else {
            let mut lanes = [0.0; 4];
            // SAFETY: `self` proves NEON, and `lanes` has 4 elements.
            unsafe { vst1q_f32(lanes.as_mut_ptr(), x) }
            to.copy_from_slice(&lanes[..to.len()]);
        }
    }

    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vaddq_f32(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vmulq_f32(a, b) }
    }

    #[inline(always)]
    fn div(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vdivq_f32(a, b) }
    }

    #[inline(always)]
    fn sqrt(self, x: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vsqrtq_f32(x) }
    }

    /// The comparison of magnitudes is false for NaN.
    #[inline(always)]
    fn flush(self, x: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe {
            let flushed = vcaltq_f32(x, vdupq_n_f32(f32::MIN_POSITIVE));
            vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(x), flushed))
        }
    }

    #[inline(always)]
    fn select(self, first: bool, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vbslq_f32(vdupq_n_u32(u32::from(first).wrapping_neg()), a, b) }
    }

    /// `fmax` is unsuitable: it prefers NaN, and +0 over -0.
    #[inline(always)]
    fn greater(self, acc: float32x4_t, x: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vbslq_f32(vcgtq_f32(x, acc), x, acc) }
    }

    /// `fmax` is unsuitable: it turns two NaNs into a new one. Keeps `acc` where it is NaN, or where `x <= acc`.
    #[inline(always)]
    fn max(self, acc: float32x4_t, x: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe {
            let acc_is_number = vceqq_f32(acc, acc);
            let replace = vbicq_u32(acc_is_number, vcleq_f32(x, acc));
            vbslq_f32(replace, x, acc)
        }
    }

    /// Uses assembly because the intrinsic is unstable.
    #[inline(always)]
    fn swap_pairs(self, x: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vrev64q_f32(x) }
    }

    #[inline(always)]
    fn first_of_pairs(self, x: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vtrn1q_f32(x, x) }
    }

    #[inline(always)]
    fn second_of_pairs(self, x: float32x4_t) -> float32x4_t {
        // SAFETY: `self` proves NEON.
        unsafe { vtrn2q_f32(x, x) }
    }

    #[inline(always)]
    fn prefetch(self, hint: Hint, address: *const u8) {
        // SAFETY: a prefetch never faults, whatever the address, and changes neither registers nor memory.
        unsafe {
            match hint {
                Hint::Near => {
                    asm!("prfm pldl1keep, [{at}]", at = in(reg) address, options(readonly, nostack, preserves_flags))
                }
                Hint::Far => {
                    asm!("prfm pldl2keep, [{at}]", at = in(reg) address, options(readonly, nostack, preserves_flags))
                }
            }
        }
    }
}
