//! WebAssembly simd128: 4 lanes. Only an engine that supports it compiles the module, so there is no detection.
//! Relaxed SIMD is not used, because its results may differ between engines.

#![expect(
    unsafe_code,
    reason = "intrinsics: a value of the type proves that the machine has them"
)]

use super::{whole, Isa, Simd};
use std::arch::wasm32::*;

/// Proves that this module was built with simd128.
#[derive(Clone, Copy)]
pub struct Simd128(());

impl Simd128 {
    /// Never panics: this file is compiled only into a module with simd128.
    #[inline]
    pub fn get() -> Self {
        Isa::Simd128.require();
        Simd128(())
    }
}

impl Simd for Simd128 {
    const LANES: usize = 4;
    /// V8 on x86-64 has 15 registers, and stores what exceeds them to memory. Sums of bags on Zen 5: 1.5 to 2 times as
    /// fast as with 16 accumulators, 1.1 times as with 8.
    const ACCUMULATORS: usize = 4;
    const THREADS: bool = false;
    const EVERY_DTYPE: bool = false;
    const LOADS_AHEAD: bool = true;
    type F32 = v128;

    #[inline(always)]
    fn vectorize<T>(self, f: impl FnOnce() -> T) -> T {
        f()
    }

    #[inline(always)]
    fn splat(self, x: f32) -> v128 {
        f32x4_splat(x)
    }

    /// There are no masked loads.
    #[inline(always)]
    fn load_bytes(self, from: &[[u8; 4]]) -> v128 {
        if from.len() < Self::LANES {
            return load_short(from);
        }
        // SAFETY: `from` has 4 elements, and v128 loads need no alignment.
        unsafe { v128_load(from.as_ptr().cast()) }
    }

    /// There is no conversion instruction. Exponent and fraction, moved to those of an f32, have a value that is 2^112 times
    /// too small, for subnormals too.
    #[inline(always)]
    fn load_f16(self, from: &[[u8; 2]]) -> v128 {
        let halves = halves(from);
        let magnitude = v128_and(halves, u32x4_splat(0x7fff));
        let sign = u32x4_shl(v128_xor(halves, magnitude), 16);
        let scaled = f32x4_mul(u32x4_shl(magnitude, 13), u32x4_splat((127 + 112) << 23));
        let special = v128_and(i32x4_gt(magnitude, i32x4_splat(0x7bff)), u32x4_splat(0x7f80_0000));
        let quiet = v128_and(i32x4_gt(magnitude, i32x4_splat(0x7c00)), u32x4_splat(0x0040_0000));
        v128_or(v128_or(scaled, sign), v128_or(special, quiet))
    }

    #[inline(always)]
    fn load_bf16(self, from: &[[u8; 2]]) -> v128 {
        u32x4_shl(halves(from), 16)
    }

    #[inline(always)]
    fn load_u8(self, from: &[u8]) -> v128 {
        let mut short = [0; 4];
        let from = whole(from, &mut short);
        // SAFETY: `from` has 4 bytes, and the load needs no alignment.
        let bytes = unsafe { v128_load32_zero(from.as_ptr().cast()) };
        f32x4_convert_i32x4(u32x4_extend_low_u16x8(u16x8_extend_low_u8x16(bytes)))
    }

    /// There are no shifts by a vector: each nibble is converted where it is, and scaled by a power of two.
    #[inline(always)]
    fn load_u4(self, nibbles: u64) -> v128 {
        let masked = v128_and(u32x4_splat(nibbles as u32), u32x4(0xf, 0xf0, 0xf00, 0xf000));
        f32x4_mul(
            f32x4_convert_i32x4(masked),
            f32x4(1.0, 1.0 / 16.0, 1.0 / 256.0, 1.0 / 4096.0),
        )
    }

    #[inline(always)]
    fn store(self, x: v128, to: &mut [f32]) {
        if to.len() < Self::LANES {
            return store_short(x, to);
        }
        // SAFETY: `to` has 4 elements, and v128 stores need no alignment.
        unsafe { v128_store(to.as_mut_ptr().cast(), x) }
    }

    #[inline(always)]
    fn add(self, a: v128, b: v128) -> v128 {
        f32x4_add(a, b)
    }

    #[inline(always)]
    fn mul(self, a: v128, b: v128) -> v128 {
        f32x4_mul(a, b)
    }

    #[inline(always)]
    fn div(self, a: v128, b: v128) -> v128 {
        f32x4_div(a, b)
    }

    #[inline(always)]
    fn sqrt(self, x: v128) -> v128 {
        f32x4_sqrt(x)
    }

    /// The comparison is false for NaN.
    #[inline(always)]
    fn flush(self, x: v128) -> v128 {
        v128_andnot(x, f32x4_lt(f32x4_abs(x), f32x4_splat(f32::MIN_POSITIVE)))
    }

    #[inline(always)]
    fn select(self, first: bool, a: v128, b: v128) -> v128 {
        v128_bitselect(a, b, i32x4_splat(-i32::from(first)))
    }

    /// `f32x4.pmax` returns the second operand if it is greater; otherwise, and if either is NaN, the first.
    #[inline(always)]
    fn greater(self, acc: v128, x: v128) -> v128 {
        f32x4_pmax(acc, x)
    }

    /// `f32x4.max` is unsuitable: it turns two NaNs into a new one and prefers +0 over -0. Keeps `acc` where it is NaN,
    /// or where `x <= acc`.
    #[inline(always)]
    fn max(self, acc: v128, x: v128) -> v128 {
        let acc_is_number = f32x4_eq(acc, acc);
        let replace = v128_andnot(acc_is_number, f32x4_le(x, acc));
        v128_bitselect(x, acc, replace)
    }

    #[inline(always)]
    fn swap_pairs(self, x: v128) -> v128 {
        i32x4_shuffle::<1, 0, 3, 2>(x, x)
    }

    #[inline(always)]
    fn first_of_pairs(self, x: v128) -> v128 {
        i32x4_shuffle::<0, 0, 2, 2>(x, x)
    }

    #[inline(always)]
    fn second_of_pairs(self, x: v128) -> v128 {
        i32x4_shuffle::<1, 1, 3, 3>(x, x)
    }

    #[inline(always)]
    fn slide(self, a: v128, b: v128, from: usize) -> v128 {
        match from {
            0 => a,
            1 => i32x4_shuffle::<1, 2, 3, 4>(a, b),
            2 => i32x4_shuffle::<2, 3, 4, 5>(a, b),
            3 => i32x4_shuffle::<3, 4, 5, 6>(a, b),
            _ => b,
        }
    }
}

/// Fewer than 4 values, and zeros. A separate function, as kernels load vectors in many places, but short ones only at the
/// end of a row.
#[inline(never)]
fn load_short(from: &[[u8; 4]]) -> v128 {
    let mut lanes = [[0; 4]; 4];
    lanes[..from.len()].copy_from_slice(from);
    // SAFETY: `lanes` has 4 elements, and v128 loads need no alignment.
    unsafe { v128_load(lanes.as_ptr().cast()) }
}

/// Stores fewer than 4 lanes. A separate function, as `load_short`.
#[inline(never)]
fn store_short(x: v128, to: &mut [f32]) {
    let mut lanes = [0.0; 4];
    // SAFETY: `lanes` has 4 elements, and v128 stores need no alignment.
    unsafe { v128_store(lanes.as_mut_ptr().cast(), x) }
    to.copy_from_slice(&lanes[..to.len()]);
}

/// The first 4 of `from`, or fewer and zeros, in lanes of 32 bits.
#[inline(always)]
fn halves(from: &[[u8; 2]]) -> v128 {
    let mut short = [[0; 2]; 4];
    let from = whole(from, &mut short);
    // SAFETY: `from` has 8 bytes, and the load needs no alignment.
    u32x4_extend_low_u16x8(unsafe { v128_load64_zero(from.as_ptr().cast()) })
}
