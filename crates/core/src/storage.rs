//! Where the bytes of a table live.
//!
//! Either Rust's own zeroed memory, or memory that JavaScript allocated and keeps alive (a SharedArrayBuffer on
//! the native backend). Both look the same to the kernels: a [`Table`] of rows.

use crate::dtype::DType;
use crate::error::Error;
use crate::table::Table;
use std::alloc::{alloc_zeroed, dealloc, Layout};
use std::ptr::NonNull;

/// `calloc` serves this alignment with untouched zero pages; a larger one would write every byte.
const ALIGN: usize = 16;

/// A block of bytes, 16-byte aligned, valid for reads and writes as long as this value lives.
struct Bytes {
    start: NonNull<u8>,
    len: usize,
    owned: bool,
}

// SAFETY: the block has no owner but this value (for adopted memory: the caller of `adopt` promised so), and
// nothing about it is bound to a thread.
unsafe impl Send for Bytes {}

impl Bytes {
    fn zeroed(len: usize) -> Option<Bytes> {
        let layout = Layout::from_size_align(len.max(1), ALIGN).ok()?;
        // SAFETY: the layout's size is not zero.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Bytes {
            start,
            len,
            owned: true,
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
        if self.owned {
            // SAFETY: allocated in `zeroed` with this layout, and dropped once.
            unsafe {
                dealloc(
                    self.start.as_ptr(),
                    Layout::from_size_align_unchecked(self.len.max(1), ALIGN),
                )
            }
        }
    }
}

/// A table and the memory under it: `rows` x `dim` stored values, row-major.
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
    /// Errors: `ERR_SHAPE` when `len` bytes are not `rows` x `dim` values, or `start` is not aligned.
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
        let bytes = Bytes {
            start,
            len,
            owned: false,
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
