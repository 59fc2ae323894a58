//! f32 vectors, one file per instruction set.
//!
//! Kernels are generic over [`Simd`]. Lanes run along columns and no operation mixes lanes, so a kernel gives the
//! same bits at every width; a wider instruction set is only faster.
//!
//! A value of a type that implements [`Simd`] proves that the CPU supports the instruction set: only this module
//! can create one. `dispatch!` does so once, at the entry of an operation, from an [`Isa`] detected at run time:
//!
//! ```text
//! dispatch!(isa, simd => kernel(simd, ...))
//! match isa { Avx2 => { simd = proof of AVX2; run the kernel, compiled for AVX2 }, ... }
//! ```
//!
//! "Compiled for AVX2" means inlined into the function inside [`Simd::vectorize`] that has the target feature
//! enabled. That is why every kernel and every method here is `#[inline(always)]`: a kernel that is not inlined
//! would be compiled without the feature, and each intrinsic would become a call.

pub mod dot;
mod half;
mod processor;
mod scalar;
pub use half::{bf16_to_f32, f16_to_f32, f32_to_bf16, f32_to_f16};
pub use processor::{Class, Processor};
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

/// The vector operations that kernels need.
///
/// Every operation is IEEE 754 binary32, lane by lane, rounded once. There is no fused multiply-add and no sum
/// across lanes: both would make the bits depend on the machine. [`dot`] adds 16 lanes on every one.
pub trait Simd: Copy {
    /// The number of f32 values in a vector.
    const LANES: usize;

    /// The number of accumulators (16, 8, 4, 2 or 1) that leaves enough registers for other values.
    const ACCUMULATORS: usize;

    /// Whether operations have kernels for every dtype. Otherwise they have kernels for f32, and decode other rows into a
    /// tile of f32 first, which takes less code.
    const EVERY_DTYPE: bool = true;

    /// Whether operations have kernels for their steps together. Otherwise they run one step after the other, with the same
    /// bits in less code.
    const FUSED: bool = true;

    /// Whether several threads may share an operation.
    const THREADS: bool = true;

    /// Whether [`Simd::store_non_temporal`] differs from [`Simd::store`].
    const NON_TEMPORAL: bool = false;

    /// Whether rows are prefetched by loads, because there are no prefetches. A processor keeps a load until it is done, and
    /// has no room for many instructions in between. So the loads of many rows follow each other, right before the first
    /// of these rows is read.
    const LOADS_AHEAD: bool = false;

    /// A vector.
    type F32: Copy;

    /// Runs `f` compiled for this instruction set. `f` must be inlined.
    fn vectorize<T>(self, f: impl FnOnce() -> T) -> T;

    /// `x` in every lane.
    fn splat(self, x: f32) -> Self::F32;

    /// Loads the first `LANES` values of `from`. If there are fewer, the remaining lanes are +0.
    #[inline(always)]
    fn load(self, from: &[f32]) -> Self::F32 {
        self.load_bytes(bytes_of(from))
    }

    /// Like [`Simd::load`], for values at any byte address.
    fn load_bytes(self, from: &[[u8; 4]]) -> Self::F32;

    /// Like [`Simd::load`], for f16 values: their exact f32 values. NaNs become quiet.
    #[inline(always)]
    fn load_f16(self, from: &[[u8; 2]]) -> Self::F32 {
        load_each(self, from, |&bytes| f16_to_f32(u16::from_le_bytes(bytes)))
    }

    /// Like [`Simd::load`], for bf16 values.
    #[inline(always)]
    fn load_bf16(self, from: &[[u8; 2]]) -> Self::F32 {
        load_each(self, from, |&bytes| bf16_to_f32(u16::from_le_bytes(bytes)))
    }

    /// Like [`Simd::load`], for integers of 8 bits.
    #[inline(always)]
    fn load_u8(self, from: &[u8]) -> Self::F32 {
        load_each(self, from, |&byte| f32::from(byte))
    }

    /// Lane k is bits `4k .. 4k + 4` of `nibbles`, an integer below 16.
    #[inline(always)]
    fn load_u4(self, nibbles: u64) -> Self::F32 {
        let mut values = [0.0; MAX_LANES];
        for (k, value) in values.iter_mut().enumerate() {
            *value = (nibbles >> (4 * k) & 15) as f32;
        }
        self.load(&values)
    }

    /// Stores the lanes to the first `LANES` elements of `to`. If there are fewer, the remaining lanes are dropped.
    fn store(self, x: Self::F32, to: &mut [f32]);

    /// `a + b`
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32;

    /// `a * b`
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32;

    /// `a / b`
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32;

    /// The square root, rounded once.
    #[inline(always)]
    fn sqrt(self, x: Self::F32) -> Self::F32 {
        map_lanes(self, x, f32::sqrt)
    }

    /// `x`, or +0 where its magnitude is less than 2^-126.
    #[inline(always)]
    fn flush(self, x: Self::F32) -> Self::F32 {
        map_lanes(self, x, flush)
    }

    /// `a` or `b`, without a branch where it costs more than both values.
    #[inline(always)]
    fn select(self, first: bool, a: Self::F32, b: Self::F32) -> Self::F32 {
        if first {
            a
        } else {
            b
        }
    }

    /// `x` where it is greater than `acc`; otherwise, and where either is NaN, the bits of `acc`.
    fn greater(self, acc: Self::F32, x: Self::F32) -> Self::F32;

    /// `x` where it is greater than `acc`, or where `x` is NaN and `acc` is not; otherwise the bits of `acc`.
    fn max(self, acc: Self::F32, x: Self::F32) -> Self::F32;

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

    /// The lanes of `a` from `from` on, followed by the first lanes of `b`. `from` is at most `LANES`.
    #[inline(always)]
    fn slide(self, a: Self::F32, b: Self::F32, from: usize) -> Self::F32 {
        let mut lanes = [0.0; 2 * MAX_LANES];
        self.store(a, &mut lanes);
        self.store(b, &mut lanes[Self::LANES..]);
        self.load(&lanes[from..])
    }

    /// Prefetches the cache line at `address`. Any address is allowed. The default does nothing.
    #[inline(always)]
    fn prefetch(self, _hint: Hint, _address: *const u8) {}

    /// Like [`Simd::store`], but with a non-temporal store if `to` is a full, aligned vector. The rest of the cache
    /// line should be written right away, and [`Simd::fence`] must follow at the end.
    #[inline(always)]
    fn store_non_temporal(self, x: Self::F32, to: &mut [f32]) {
        self.store(x, to)
    }

    /// Orders non-temporal stores before all later stores.
    #[inline(always)]
    fn fence(self) {}
}

/// The cache level to prefetch into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// All levels: the line is needed soon.
    Near,
    /// All levels but L1, which keeps the current working set.
    Far,
}

/// The size of a cache line in bytes, on every machine where prefetching is implemented.
pub const LINE: usize = 64;

/// The number of lanes of the widest instruction set.
pub const MAX_LANES: usize = 16;

/// Whether an instruction set has non-temporal stores.
#[inline(always)]
pub fn has_non_temporal<S: Simd>(_: S) -> bool {
    S::NON_TEMPORAL
}

/// Whether operations have kernels of an instruction set for every dtype.
#[inline(always)]
pub fn has_every_dtype<S: Simd>(_: S) -> bool {
    S::EVERY_DTYPE
}

/// Whether operations have kernels of an instruction set for their steps together.
#[inline(always)]
pub fn is_fused<S: Simd>(_: S) -> bool {
    S::FUSED
}

/// `x`, or +0 if its magnitude is less than 2^-126: a subnormal number, or -0.
#[inline(always)]
pub fn flush(x: f32) -> f32 {
    match x.abs() < f32::MIN_POSITIVE {
        true => 0.0,
        false => x,
    }
}

/// `map` of each lane, through memory.
#[inline(always)]
fn map_lanes<S: Simd>(simd: S, x: S::F32, map: impl Fn(f32) -> f32) -> S::F32 {
    let mut lanes = [0.0; MAX_LANES];
    simd.store(x, &mut lanes);
    simd.load(&lanes.map(map))
}

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

/// The first `N` elements of `from`; if there are fewer, all of them and the rest of `short`.
#[inline(always)]
#[cfg_attr(
    not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "wasm32")),
    expect(dead_code)
)]
fn whole<'a, T: Copy, const N: usize>(from: &'a [T], short: &'a mut [T; N]) -> &'a [T; N] {
    match from.first_chunk() {
        Some(whole) => whole,
        None => {
            short[..from.len()].copy_from_slice(from);
            short
        }
    }
}

/// The first `LANES` of `from`, converted one by one.
#[inline(always)]
fn load_each<S: Simd, T>(simd: S, from: &[T], convert: impl Fn(&T) -> f32) -> S::F32 {
    let mut values = [0.0; MAX_LANES];
    for (value, from) in values[..S::LANES].iter_mut().zip(from) {
        *value = convert(from);
    }
    simd.load(&values)
}

/// The bytes of each of `values`: f32 values that need no alignment.
#[inline(always)]
#[expect(unsafe_code, reason = "floats as bytes")]
pub fn bytes_of(values: &[f32]) -> &[[u8; 4]] {
    // SAFETY: the same memory. Bytes need no alignment, and every byte of an f32 is initialized.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), values.len()) }
}

/// The same, to be written.
#[inline(always)]
#[expect(unsafe_code, reason = "floats as bytes")]
pub fn bytes_of_mut(values: &mut [f32]) -> &mut [[u8; 4]] {
    // SAFETY: as in `bytes_of`, and any bytes are valid f32 values.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), values.len()) }
}

/// `out[col..][..n] = value(col, n, out[col..][..n])`, vector by vector. `n` is `S::LANES`, or less for the last
/// vector. This is the loop over columns of every kernel that computes one row at a time.
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
    /// One lane; available everywhere.
    Scalar,
    /// x86-64: 8 lanes (AVX2 and F16C).
    Avx2,
    /// x86-64: 16 lanes (F, BW, DQ and VL).
    Avx512,
    /// aarch64: 4 lanes.
    Neon,
    /// WebAssembly: 4 lanes.
    Simd128,
}

impl Isa {
    /// Every instruction set with an implementation, on any machine.
    pub const ALL: [Isa; 5] = [Isa::Avx512, Isa::Avx2, Isa::Neon, Isa::Simd128, Isa::Scalar];

    /// The name in the public API.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Scalar => "scalar",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
            Isa::Neon => "neon",
            Isa::Simd128 => "simd128",
        }
    }

    /// Panics unless this machine supports it. This makes the proofs sound.
    pub fn require(self) {
        if !available().contains(&self) {
            unsupported(self);
        }
    }
}

/// The panic for an instruction set that this machine does not support.
#[cold]
#[inline(never)]
pub(crate) fn unsupported(isa: Isa) -> ! {
    panic!("this machine does not support {}", isa.name())
}

/// The instruction sets with kernels in this build, the best first, whether or not this machine supports them.
pub fn compiled() -> &'static [Isa] {
    arch::compiled()
}

/// The instruction sets that this machine supports, the best first. `Scalar` is always last.
pub fn available() -> &'static [Isa] {
    arch::available()
}

/// The best instruction set that this machine supports.
pub fn detect() -> Isa {
    available()[0]
}

#[cfg(target_arch = "x86_64")]
mod arch {
    use super::Isa;
    use std::sync::OnceLock;

    /// Whether a machine may have no other instruction set than scalar. Otherwise scalar only serves for comparison.
    pub const SCALAR_ALONE: bool = true;

    pub fn compiled() -> &'static [Isa] {
        &[Isa::Avx512, Isa::Avx2, Isa::Scalar]
    }

    #[allow(clippy::disallowed_macros, reason = "std's detection macro expands to cfg!")]
    pub fn available() -> &'static [Isa] {
        static AVAILABLE: OnceLock<&'static [Isa]> = OnceLock::new();
        AVAILABLE.get_or_init(|| {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("f16c");
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
    use super::{Class, Isa, Processor};

    /// As on x86-64.
    pub const SCALAR_ALONE: bool = available().len() == 1;

    /// The processor, as far as it is known at compile time.
    pub fn processor() -> Processor {
        #[cfg(target_arch = "aarch64")]
        let class = Class::Arm;
        #[cfg(target_arch = "wasm32")]
        let class = Class::WebAssembly;
        #[cfg(not(any(target_arch = "aarch64", target_arch = "wasm32")))]
        let class = Class::Other;
        Processor { class, l2: 0 }
    }

    /// Known at compile time: every aarch64 has NEON, and only engines with simd128 load a module that uses it.
    pub const fn available() -> &'static [Isa] {
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

/// `dispatch!(isa, simd => expression)` evaluates the expression compiled for `isa`, with `simd` as the proof that the
/// CPU supports it. To be used at the entry of an operation only. Panics if the CPU does not support `isa`.
///
/// On WebAssembly, where code size counts, the expression is compiled for `simd128` alone, which then also runs for
/// [`Isa::Scalar`]: every engine that loads the module has it.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
macro_rules! dispatch {
    ($isa:expr, $simd:ident => $body:expr) => {{
        $isa.require();
        let $simd = $crate::simd::Simd128::get();
        $crate::simd::Simd::vectorize(
            $simd,
            #[inline(always)]
            || $body,
        )
    }};
}

/// See above.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
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
            Isa::Scalar => {
                let $simd = $crate::simd::Scalar;
                $simd.vectorize(
                    #[inline(always)]
                    || $body,
                )
            }
            other => $crate::simd::unsupported(other),
        }
    }};
}
pub(crate) use dispatch;

/// `dispatch_plain!(isa, expression)`: as `dispatch!`, for an expression without vectors, which the compiler vectorizes.
/// Where the target has a single set of instructions, the code is the same for every [`Isa`], and compiled once.
macro_rules! dispatch_plain {
    ($isa:expr, $body:expr) => {{
        #[cfg(target_arch = "x86_64")]
        let result = $crate::simd::dispatch!($isa, _simd => $body);
        #[cfg(not(target_arch = "x86_64"))]
        let result = {
            $isa.require();
            $body
        };
        result
    }};
}
pub(crate) use dispatch_plain;

#[cfg(test)]
mod tests;
