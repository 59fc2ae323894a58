//! How wide: vectors of f32, one file for each instruction set.
//!
//! A kernel is written once, over [`Simd`]. Lanes run along columns and no operation mixes two lanes, so a
//! kernel gives the same bits whatever the width, and a wider instruction set is only a faster one.
//!
//! A value of a type that implements [`Simd`] is a proof that the instruction set is there: only this module
//! makes one. `dispatch!` does, once at the entry of an operation, from an [`Isa`] that was detected at run
//! time:
//!
//! ```text
//! dispatch!(isa, simd => kernel(simd, ...))
//! match isa { Avx2 => { simd = the proof of AVX2; run the kernel, compiled for AVX2 }, ... }
//! ```
//!
//! "Compiled for AVX2" means inlined into the function inside [`Simd::vectorize`] that carries the target
//! feature. That is why every kernel, and every method here, is `#[inline(always)]`: a kernel that stayed a
//! function of its own would be compiled without the feature, and each instruction would become a call.

mod processor;
mod scalar;
pub use processor::{Processor, Vendor};
pub use scalar::Scalar;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod x86;
#[cfg(target_arch = "x86_64")]
pub use {avx2::Avx2, avx512::Avx512, x86::processor};

#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "aarch64")]
pub use neon::Neon;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub use simd128::Simd128;

/// What the kernels need of an instruction set, and no more.
///
/// Every operation is IEEE 754 binary32, lane by lane, rounded once. There is no fused multiply-add here, and
/// no sum across lanes: both would make the bits depend on the machine.
pub trait Simd: Copy {
    /// f32 values in a vector.
    const LANES: usize;

    /// Vectors that a kernel may hold at once (16, 8, 4, 2 or 1) and still have registers to work with.
    const ACCUMULATORS: usize;

    /// Whether [`Simd::store_non_temporal`] is anything else than [`Simd::store`].
    const NON_TEMPORAL: bool = false;

    /// A vector.
    type F32: Copy;

    /// Runs `f`, which must be inlined, as code for this instruction set.
    fn vectorize<T>(self, f: impl FnOnce() -> T) -> T;

    /// `x` in every lane.
    fn splat(self, x: f32) -> Self::F32;

    /// The first `LANES` values of `from`. Where there are fewer, the lanes without a value are +0.
    #[inline(always)]
    fn load(self, from: &[f32]) -> Self::F32 {
        self.load_bytes(bytes_of(from))
    }

    /// The same of values that may begin at any byte.
    fn load_bytes(self, from: &[[u8; 4]]) -> Self::F32;

    /// Writes the lanes to the first `LANES` places of `to`. Where there are fewer, the other lanes are
    /// dropped.
    fn store(self, x: Self::F32, to: &mut [f32]);

    /// `a + b`
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32;

    /// `a * b`
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32;

    /// `a / b`
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32;

    /// `x` where it is greater than `held`, or is NaN and `held` is not; elsewhere `held`, to the bit.
    fn max(self, held: Self::F32, x: Self::F32) -> Self::F32;

    /// Lanes 1, 0, 3, 2, ...: each pair exchanged. With a single lane there are no pairs.
    #[inline(always)]
    fn swap_pairs(self, x: Self::F32) -> Self::F32 {
        pick_lanes(self, x, |lane| lane ^ 1)
    }

    /// Lanes 0, 0, 2, 2, ...: the first of each pair.
    #[inline(always)]
    fn first_of_pairs(self, x: Self::F32) -> Self::F32 {
        pick_lanes(self, x, |lane| lane & !1)
    }

    /// Lanes 1, 1, 3, 3, ...: the second of each pair.
    #[inline(always)]
    fn second_of_pairs(self, x: Self::F32) -> Self::F32 {
        pick_lanes(self, x, |lane| lane | 1)
    }

    /// The lanes of `a` from `from` on (at most `LANES`), then the first of `b`.
    #[inline(always)]
    fn slide(self, a: Self::F32, b: Self::F32, from: usize) -> Self::F32 {
        let mut lanes = [0.0; 2 * MAX_LANES];
        self.store(a, &mut lanes);
        self.store(b, &mut lanes[Self::LANES..]);
        self.load(&lanes[from..])
    }

    /// Asks for the cache line at `at` before it is needed. Any address will do: nothing is read, and the
    /// default asks for nothing.
    #[inline(always)]
    fn prefetch(self, _hint: Hint, _at: *const u8) {}

    /// As [`Simd::store`], past the caches where `to` is a whole vector on a boundary of its own size. The
    /// line that it belongs to should be finished at once, and [`Simd::fence`] must follow in the end.
    #[inline(always)]
    fn store_non_temporal(self, x: Self::F32, to: &mut [f32]) {
        self.store(x, to)
    }

    /// Orders streamed stores before all later ones.
    #[inline(always)]
    fn fence(self) {}
}

/// Into which caches a line is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// Into all of them: it is needed at once.
    Near,
    /// Into all but the innermost, which keeps what is being worked on.
    Far,
}

/// Bytes in a cache line, of every machine that has prefetches here.
pub const LINE: usize = 64;

/// Lanes of the widest instruction set.
pub const MAX_LANES: usize = 16;

/// Lane `pick(k)` of `x` in lane k, through memory.
#[inline(always)]
fn pick_lanes<S: Simd>(simd: S, x: S::F32, pick: impl Fn(usize) -> usize) -> S::F32 {
    let (mut lanes, mut picked) = ([0.0; MAX_LANES], [0.0; MAX_LANES]);
    simd.store(x, &mut lanes);
    for (k, to) in picked.iter_mut().enumerate() {
        *to = lanes[pick(k)];
    }
    simd.load(&picked)
}

/// The bytes of each of `values`: f32 values that need no alignment.
#[inline(always)]
#[expect(unsafe_code, reason = "floats as bytes")]
pub fn bytes_of(values: &[f32]) -> &[[u8; 4]] {
    // SAFETY: the same memory; bytes need no alignment, and every byte of an f32 has a value.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), values.len()) }
}

/// The same, to be written.
#[inline(always)]
#[expect(unsafe_code, reason = "floats as bytes")]
pub fn bytes_of_mut(values: &mut [f32]) -> &mut [[u8; 4]] {
    // SAFETY: as above, and any bytes are f32 values.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), values.len()) }
}

/// `out[col..][..n] = value(col, n, out[col..][..n])`, a vector at a time: `n` is `S::LANES`, and for the
/// last vector what is left. This is the loop over columns of every kernel that computes a row at a time.
#[inline(always)]
pub fn for_each_vector<S: Simd>(
    simd: S,
    out: &mut [f32],
    mut value: impl FnMut(usize, usize, &[f32]) -> S::F32,
) {
    let mut col = 0;
    let mut vectors = out.chunks_exact_mut(S::LANES);
    for vector in &mut vectors {
        let x = value(col, S::LANES, vector);
        simd.store(x, vector);
        col += S::LANES;
    }
    let rest = vectors.into_remainder();
    if !rest.is_empty() {
        let x = value(col, rest.len(), rest);
        simd.store(x, rest);
    }
}

/// An instruction set by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isa {
    /// One value at a time; every machine has it.
    Scalar,
    /// x86-64: 8 lanes.
    Avx2,
    /// x86-64: 16 lanes (the F, BW, DQ and VL parts).
    Avx512,
    /// aarch64: 4 lanes.
    Neon,
    /// WebAssembly: 4 lanes.
    Simd128,
}

impl Isa {
    /// Every instruction set there is a kernel for, on whatever machine.
    pub const ALL: [Isa; 5] = [Isa::Avx512, Isa::Avx2, Isa::Neon, Isa::Simd128, Isa::Scalar];

    /// The name the public API uses.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Scalar => "scalar",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
            Isa::Neon => "neon",
            Isa::Simd128 => "simd128",
        }
    }

    /// Panics unless this machine has it: what makes a proof sound.
    pub fn require(self) {
        assert!(available().contains(&self), "this machine has no {}", self.name());
    }
}

/// What this build has kernels for, the best first, whether this machine has it or not.
pub fn compiled() -> &'static [Isa] {
    arch::compiled()
}

/// What this machine has, the best first. `Scalar` is always the last.
pub fn available() -> &'static [Isa] {
    arch::available()
}

/// The best that this machine has.
pub fn detect() -> Isa {
    available()[0]
}

#[cfg(target_arch = "x86_64")]
mod arch {
    use super::Isa;
    use std::sync::OnceLock;

    pub fn compiled() -> &'static [Isa] {
        &[Isa::Avx512, Isa::Avx2, Isa::Scalar]
    }

    #[allow(clippy::disallowed_macros, reason = "std's detection holds a cfg! of its own")]
    pub fn available() -> &'static [Isa] {
        static AVAILABLE: OnceLock<&'static [Isa]> = OnceLock::new();
        AVAILABLE.get_or_init(|| {
            let avx2 = is_x86_feature_detected!("avx2");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            match (avx2, avx512) {
                (true, true) => &[Isa::Avx512, Isa::Avx2, Isa::Scalar],
                (true, false) => &[Isa::Avx2, Isa::Scalar],
                _ => &[Isa::Scalar],
            }
        })
    }
}

#[cfg(not(target_arch = "x86_64"))]
pub use arch::processor;

#[cfg(not(target_arch = "x86_64"))]
mod arch {
    use super::{Isa, Processor, Vendor};

    /// The processor, as far as it is known when compiling.
    pub fn processor() -> Processor {
        #[cfg(target_arch = "aarch64")]
        let vendor = Vendor::Arm;
        #[cfg(not(target_arch = "aarch64"))]
        let vendor = Vendor::Other;
        Processor { vendor, l2: 0 }
    }

    /// Known when compiling: NEON belongs to every aarch64, and a module with simd128 loads only where that
    /// is.
    pub fn available() -> &'static [Isa] {
        &[
            #[cfg(target_arch = "aarch64")]
            Isa::Neon,
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Isa::Simd128,
            Isa::Scalar,
        ]
    }

    pub use available as compiled;
}

/// `dispatch!(isa, simd => expression)`: the value of the expression, compiled for that instruction set, with
/// `simd` as the proof that it is there. Only at the entry of an operation. Panics when the machine lacks it.
macro_rules! dispatch {
    ($isa:expr, $simd:ident => $body:expr) => {{
        use $crate::simd::{Isa, Simd};
        match $isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => {
                let $simd = $crate::simd::Avx512::get();
                $simd.vectorize(
                    #[inline(always)]
                    || $body,
                )
            }
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => {
                let $simd = $crate::simd::Avx2::get();
                $simd.vectorize(
                    #[inline(always)]
                    || $body,
                )
            }
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => {
                let $simd = $crate::simd::Neon::get();
                $simd.vectorize(
                    #[inline(always)]
                    || $body,
                )
            }
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Isa::Simd128 => {
                let $simd = $crate::simd::Simd128::get();
                $simd.vectorize(
                    #[inline(always)]
                    || $body,
                )
            }
            Isa::Scalar => {
                let $simd = $crate::simd::Scalar;
                $simd.vectorize(
                    #[inline(always)]
                    || $body,
                )
            }
            other => panic!("this machine has no {}", other.name()),
        }
    }};
}
pub(crate) use dispatch;

#[cfg(test)]
mod tests;
