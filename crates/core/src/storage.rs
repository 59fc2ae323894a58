//! Where the bytes of a table live.
//!
//! Either Rust's own zeroed memory, or memory that JavaScript allocated and keeps alive (a SharedArrayBuffer on
//! the native backend). Both look the same to the kernels: a [`Table`] of rows.

#![expect(unsafe_code, reason = "owned or adopted memory as bytes and values")]

use crate::dtype::DType;
use crate::error::Error;
use crate::table::Table;
use crate::tuning::lines::PAIR;
use std::alloc::{alloc_zeroed, dealloc, Layout};
use std::ptr::NonNull;

/// `calloc` serves this alignment with untouched zero pages; a larger one would write every byte. So more is
/// allocated, and the block begins where a pair of lines does.
const ALIGN: usize = 16;

/// A block of bytes, valid for reads and writes as long as this value lives.
struct Bytes {
    start: NonNull<u8>,
    len: usize,
    /// What `calloc` gave, where the block is Rust's own: it begins at or before `start`.
    owned: Option<NonNull<u8>>,
}

// SAFETY: the block has no owner but this value (for adopted memory: the caller of `adopt` promised so), and
// nothing about it is bound to a thread.
unsafe impl Send for Bytes {}

impl Bytes {
    /// What is allocated for `len` bytes: room to begin at a pair of lines.
    fn layout(len: usize) -> Option<Layout> {
        Layout::from_size_align(len.checked_add(PAIR)?, ALIGN).ok()
    }

    fn zeroed(len: usize) -> Option<Bytes> {
        // SAFETY: the layout's size is not zero.
        let block = NonNull::new(unsafe { alloc_zeroed(Self::layout(len)?) })?;
        // SAFETY: fewer than PAIR bytes are skipped, and PAIR more than `len` were allocated.
        let start = unsafe { block.add((block.as_ptr() as usize).wrapping_neg() % PAIR) };
        Some(Bytes {
            start,
            len,
            owned: Some(block),
        })
    }

    fn as_slice(&self) -> &[u8] {
        // SAFETY: the block is valid for `len` bytes and borrowed with `self`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `&mut self` is the only way to it.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        if let (Some(block), Some(layout)) = (self.owned, Self::layout(self.len)) {
            // SAFETY: allocated in `zeroed` with this layout, and dropped once.
            unsafe { dealloc(block.as_ptr(), layout) }
        }
    }
}

/// A table and the memory under it: `rows` x `dim` stored values, row-major, from the beginning of a pair of cache
/// lines on ([`PAIR`]).
pub struct StoredTable {
    dtype: DType,
    rows: usize,
    dim: usize,
    bytes: Bytes,
}

impl StoredTable {
    /// How many bytes `rows` x `dim` values take; `None` when that is beyond the address space.
    pub fn bytes_for(dtype: DType, rows: usize, dim: usize) -> Option<usize> {
        rows.checked_mul(dtype.row_bytes(dim)?)
            .filter(|&bytes| bytes <= isize::MAX as usize)
    }

    /// A table of zeros in memory of Rust's own; `None` when there is not enough of it.
    pub fn zeroed(dtype: DType, rows: usize, dim: usize) -> Option<StoredTable> {
        let bytes = Bytes::zeroed(Self::bytes_for(dtype, rows, dim)?)?;
        Some(StoredTable {
            dtype,
            rows,
            dim,
            bytes,
        })
    }

    /// A table in memory that somebody else allocated.
    ///
    /// Errors: `ERR_SHAPE` when `len` bytes are not `rows` x `dim` values.
    ///
    /// # Panics
    /// When `start` is not the beginning of a pair of cache lines.
    ///
    /// # Safety
    /// `start` is valid for reads and writes of `len` bytes until the table is dropped, and while a method of
    /// it runs nobody else reads or writes there.
    pub unsafe fn adopt(
        dtype: DType,
        rows: usize,
        dim: usize,
        start: NonNull<u8>,
        len: usize,
    ) -> Result<StoredTable, Error> {
        assert_eq!(
            start.as_ptr() as usize % PAIR,
            0,
            "a table begins at a pair of lines"
        );
        let bytes = Bytes {
            start,
            len,
            owned: None,
        };
        Table::new(dtype, rows, dim, bytes.as_slice())?;
        Ok(StoredTable {
            dtype,
            rows,
            dim,
            bytes,
        })
    }

    /// The rows, to be read by a kernel.
    pub fn table(&self) -> Table<'_> {
        Table::new(self.dtype, self.rows, self.dim, self.bytes.as_slice()).expect("checked when it was made")
    }

    /// All values, to be written, row after row.
    pub fn values_mut(&mut self) -> &mut [f32] {
        // SAFETY: the bytes are 4-byte aligned and a whole number of values long; any bits are an f32.
        unsafe { self.bytes.as_mut_slice().align_to_mut::<f32>().1 }
    }

    /// Where the first value lies.
    pub fn address(&self) -> *const u8 {
        self.bytes.start.as_ptr()
    }

    /// How many bytes lie there.
    pub fn bytes(&self) -> usize {
        self.bytes.len
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    pub fn dim(&self) -> usize {
        self.dim
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_256_bytes_lie_in_two_pairs_of_lines() {
        for (rows, dim) in [(1, 1), (3, 64), (1000, 64), (70_000, 64)] {
            let table = StoredTable::zeroed(DType::F32, rows, dim).expect("memory");
            assert_eq!(table.address() as usize % PAIR, 0, "{rows} x {dim}");
            assert_eq!(table.bytes(), rows * dim * 4);
        }
    }

    #[test]
    #[should_panic(expected = "a pair of lines")]
    fn memory_that_begins_elsewhere_is_refused() {
        let mut memory = [0u8; 4 * PAIR];
        let start = NonNull::from(&mut memory).cast::<u8>();
        let off = (start.as_ptr() as usize).wrapping_neg() % PAIR + 16;
        // SAFETY: 256 bytes from `off` on lie in the array, which nobody else uses.
        drop(unsafe { StoredTable::adopt(DType::F32, 1, 64, start.add(off), 256) });
    }
}
