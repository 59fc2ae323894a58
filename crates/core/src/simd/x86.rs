//! What every x86-64 processor supports: prefetches, the store fence, and CPUID.

#![expect(unsafe_code, reason = "intrinsics of every x86-64")]

use super::{Class, Hint, Processor};
use std::arch::x86_64::*;

/// Prefetches the cache line at `address`.
#[inline(always)]
pub fn prefetch(hint: Hint, address: *const u8) {
    // SAFETY: x86-64 includes SSE, and a prefetch never faults, whatever the address.
    unsafe {
        match hint {
            Hint::Near => _mm_prefetch::<_MM_HINT_T0>(address.cast()),
            Hint::Far => _mm_prefetch::<_MM_HINT_T1>(address.cast()),
        }
    }
}

/// Orders non-temporal stores before all later stores.
#[inline(always)]
pub fn fence() {
    // SAFETY: x86-64 includes SSE.
    unsafe { _mm_sfence() }
}

/// The family of the processor: the base family plus, if that is 15, the extended family.
fn family() -> u32 {
    let signature = __cpuid(1).eax;
    match signature >> 8 & 15 {
        15 => 15 + (signature >> 20 & 255),
        base => base,
    }
}

/// Whether the processor has AVX10. A virtual machine may hide the model of its processor, and rarely hides this.
fn has_avx10() -> bool {
    __cpuid(0).eax >= 7 && __cpuid_count(7, 0).eax >= 1 && __cpuid_count(7, 1).edx >> 19 & 1 == 1
}

/// The class of the processor, and the size of its L2 cache.
pub fn processor() -> Processor {
    let leaf = __cpuid(0);
    let mut name = [0; 12];
    for (part, register) in name.chunks_exact_mut(4).zip([leaf.ebx, leaf.edx, leaf.ecx]) {
        part.copy_from_slice(&register.to_le_bytes());
    }
    let class = match (&name, family()) {
        (b"GenuineIntel", _) if has_avx10() => Class::Granite,
        (b"GenuineIntel", _) => Class::Intel,
        (b"AuthenticAMD", 0x19) => Class::Zen4,
        (b"AuthenticAMD", 0x1a) => Class::Zen5,
        (b"AuthenticAMD" | b"HygonGenuine", _) => Class::Amd,
        _ => Class::Other,
    };
    // The upper half of ECX of leaf 0x80000006 is the size of the L2 cache in KiB, on Intel and AMD.
    let l2 = if __cpuid(0x8000_0000).eax >= 0x8000_0006 {
        (__cpuid(0x8000_0006).ecx >> 16) as usize * 1024
    } else {
        0
    };
    Processor { class, l2 }
}
