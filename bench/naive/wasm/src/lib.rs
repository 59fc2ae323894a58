//! The naive WASM gather: the caller puts table and ids into the exported memory, and reads the rows there.
//!
//! ```text
//! for each id:  check it;  memory.copy of its row
//! ```

use std::alloc::{alloc as allocate, Layout};

/// Memory that is never freed: the bench drops the whole instance. A null pointer if there is no memory left.
#[no_mangle]
pub extern "C" fn alloc(bytes: usize) -> *mut u8 {
    match Layout::from_size_align(bytes.max(1), 64) {
        // SAFETY: the size is not 0.
        Ok(layout) => unsafe { allocate(layout) },
        Err(_) => std::ptr::null_mut(),
    }
}

/// `out[i] = table[ids[i]]` for `n` ids, each in `0 .. vocab`; returns the number of rows written, which is less
/// than `n` if an id is out of range.
///
/// # Safety
/// `vocab * dim` values at `table`, `n` ids at `ids`, room for `n * dim` values at `out`, none overlapping.
#[no_mangle]
pub unsafe extern "C" fn gather(
    table: *const f32,
    ids: *const u32,
    n: usize,
    dim: usize,
    vocab: usize,
    out: *mut f32,
) -> usize {
    for i in 0..n {
        // SAFETY: `i < n`, and the id is checked before its row is read.
        unsafe {
            let id = *ids.add(i) as usize;
            if id >= vocab {
                return i;
            }
            std::ptr::copy_nonoverlapping(table.add(id * dim), out.add(i * dim), dim);
        }
    }
    n
}
