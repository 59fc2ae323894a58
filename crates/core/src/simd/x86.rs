//! What every x86-64 has, whatever its vectors: hints about cache lines, the fence behind
//! streamed stores, and CPUID, which says whose processor this is.

#![expect(unsafe_code, reason = "intrinsics that every x86-64 has")]

use super::{Hint, Processor, Vendor};
use std::arch::x86_64::*;

/// Asks for the line at `at`.
#[inline(always)]
pub fn prefetch(hint: Hint, at: *const u8) {
    // SAFETY: SSE belongs to x86-64, and a prefetch of any address whatever never faults.
    unsafe {
        match hint {
            Hint::Near => _mm_prefetch::<_MM_HINT_T0>(at.cast()),
            Hint::Far => _mm_prefetch::<_MM_HINT_T1>(at.cast()),
        }
    }
}

/// Orders streamed stores before all later ones.
#[inline(always)]
pub fn fence() {
    // SAFETY: SSE belongs to x86-64.
    unsafe { _mm_sfence() }
}

/// Whose processor this is, and its L2 cache.
pub fn processor() -> Processor {
    let name = __cpuid(0);
    let mut letters = [0; 12];
    for (part, word) in letters.chunks_exact_mut(4).zip([name.ebx, name.edx, name.ecx]) {
        part.copy_from_slice(&word.to_le_bytes());
    }
    let vendor = match &letters {
        b"GenuineIntel" => Vendor::Intel,
        b"AuthenticAMD" | b"HygonGenuine" => Vendor::Amd,
        _ => Vendor::Other,
    };
    // Leaf 0x80000006, ECX: the L2 cache in KiB, in the upper half; the same on Intel and AMD.
    let l2 = if __cpuid(0x8000_0000).eax >= 0x8000_0006 {
        (__cpuid(0x8000_0006).ecx >> 16) as usize * 1024
    } else {
        0
    };
    Processor { vendor, l2 }
}
