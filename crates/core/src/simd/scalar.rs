//! One lane: the reference that all other instruction sets must match bit for bit.

use super::{arch, flush, Simd};

/// The scalar implementation. It needs no proof.
#[derive(Clone, Copy)]
pub struct Scalar;

impl Simd for Scalar {
    const LANES: usize = 1;
    const ACCUMULATORS: usize = if arch::SCALAR_ALONE { 8 } else { 1 };
    const EVERY_DTYPE: bool = false;
    const FUSED: bool = arch::SCALAR_ALONE;
    type F32 = f32;

    #[inline(always)]
    fn vectorize<T>(self, f: impl FnOnce() -> T) -> T {
        f()
    }

    #[inline(always)]
    fn splat(self, x: f32) -> f32 {
        x
    }

    #[inline(always)]
    fn load_bytes(self, from: &[[u8; 4]]) -> f32 {
        from.first().map_or(0.0, |&bytes| f32::from_ne_bytes(bytes))
    }

    #[inline(always)]
    fn store(self, x: f32, to: &mut [f32]) {
        if let Some(first) = to.first_mut() {
            *first = x;
        }
    }

    #[inline(always)]
    fn add(self, a: f32, b: f32) -> f32 {
        a + b
    }

    #[inline(always)]
    fn mul(self, a: f32, b: f32) -> f32 {
        a * b
    }

    #[inline(always)]
    fn div(self, a: f32, b: f32) -> f32 {
        a / b
    }

    #[inline(always)]
    fn sqrt(self, x: f32) -> f32 {
        x.sqrt()
    }

    #[inline(always)]
    fn flush(self, x: f32) -> f32 {
        flush(x)
    }

    #[inline(always)]
    fn greater(self, acc: f32, x: f32) -> f32 {
        if x > acc {
            x
        } else {
            acc
        }
    }

    #[inline(always)]
    fn max(self, acc: f32, x: f32) -> f32 {
        if x > acc || (x.is_nan() && !acc.is_nan()) {
            x
        } else {
            acc
        }
    }
}
