//! The allocator. It uses the initial memory of the module first, then grows it.
//!
//! `ts/backend/wasm.ts` passes a memory that is larger than the module needs. A standard allocator only grows the memory
//! and would never use the rest of it; this one claims everything from `__heap_base` to the end first.

#![expect(unsafe_code, reason = "the allocator claims linear memory")]

use core::arch::wasm32::{memory_grow, memory_size};
use std::alloc::Layout;
use std::ptr::NonNull;
use talc::base::binning::Binning;
use talc::base::Talc;
use talc::cell::TalcSyncCell;
use talc::source::Source;
use talc::wasm::WasmBinning;

const PAGE: usize = 65_536;
/// In pages. The last page stays unused, so that an end address never wraps to 0.
const LIMIT: usize = 65_535;

/// Growth at least doubles the memory, up to this many pages, 128 MiB: few large steps instead of one per table, because
/// an engine may collect garbage in each of them. Pages are not resident before they are used.
const STEP: usize = 2048;

#[derive(Debug)]
struct Reserved {
    end: Option<NonNull<u8>>,
}

/// The current end of the memory.
fn memory_end() -> *mut u8 {
    (memory_size::<0>() * PAGE) as *mut u8
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
        // The request, its alignment and at least one page, which has room for the allocator's metadata.
        let least = (layout.size() + layout.align()) / PAGE + 2;
        let size = memory_size::<0>();
        let grow = |pages: usize| size + pages <= LIMIT && memory_grow::<0>(pages) != usize::MAX;
        if !grow(least.max(size.min(STEP))) && !grow(least) {
            return Err(());
        }
        // SAFETY: see above; only this allocator grows the memory.
        talc.source.end = Some(unsafe { talc.extend(end, memory_end()) });
        Ok(())
    }
}

#[global_allocator]
static HEAP: TalcSyncCell<Reserved, WasmBinning> = TalcSyncCell::new_wasm(Reserved { end: None });
