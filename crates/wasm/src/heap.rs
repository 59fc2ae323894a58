//! The allocator. It uses the initial memory of the module first, then grows it.
//!
//! `ts/backend/wasm.ts` passes a memory that may be far larger than the module needs (in Node all of it is reserved at
//! the start, so that it never moves). A standard allocator only grows the memory and would never use the rest of it;
//! this one claims everything from `__heap_base` to the end first.

#![expect(unsafe_code, reason = "the allocator claims linear memory")]

use std::alloc::Layout;
use std::ptr::NonNull;
use talc::base::binning::Binning;
use talc::base::Talc;
use talc::cell::TalcSyncCell;
use talc::source::Source;
use talc::wasm::WasmBinning;

const PAGE: u64 = 65_536;
/// The last page stays unused, so that an end address never wraps to 0.
const LIMIT: u64 = (1 << 32) - PAGE;

#[derive(Debug)]
struct Reserved {
    end: Option<NonNull<u8>>,
}

/// The current end of the memory.
fn memory_end() -> u64 {
    (core::arch::wasm32::memory_size::<0>() as u64 * PAGE).min(LIMIT)
}

// SAFETY: no Rust allocator is used while acquiring, and only unused memory is claimed: first from __heap_base, which
// the linker puts after all statics and the stack, then the memory that growth appended.
unsafe impl Source for Reserved {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        unsafe extern "C" {
            static __heap_base: u8;
        }
        let Some(end) = talc.source.end else {
            let start = &raw const __heap_base as usize;
            // SAFETY: see above.
            talc.source.end = unsafe { talc.claim(start as *mut u8, memory_end() as usize - start) };
            return talc.source.end.map(|_| ()).ok_or(());
        };
        // Room for the request, its alignment and the allocator's metadata.
        let more = (layout.size() as u64 + layout.align() as u64 + 256).div_ceil(PAGE);
        if memory_end() + more * PAGE > LIMIT {
            return Err(());
        }
        if core::arch::wasm32::memory_grow::<0>(more as usize) == usize::MAX {
            return Err(());
        }
        // SAFETY: see above; only this allocator grows the memory.
        talc.source.end = Some(unsafe { talc.extend(end, memory_end() as *mut u8) });
        Ok(())
    }
}

#[global_allocator]
static HEAP: TalcSyncCell<Reserved, WasmBinning> = TalcSyncCell::new_wasm(Reserved { end: None });
