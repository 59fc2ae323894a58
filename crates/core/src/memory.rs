//! The memory of a table: its size, its owner and its access rights.
//!
//! [`TableSpec`] alone computes sizes from rows, columns and dtype. [`Memory`] alone allocates, aligns, advises, reuses
//! and frees the bytes of a table:
//!
//! ```text
//! small                   zeroed memory from the allocator, aligned to a pair of cache lines
//! large, on Linux         mapped pages, on large pages if the table is large enough for one
//! freed                   up to KEPT bytes of large memory are kept for the next table of the same size
//! lent                    memory with another owner, used in place
//! a file                  mapped pages, read-only; see `file.rs` for a file that becomes shorter
//! ```
//!
//! Alignment is not required: lent memory may begin at any byte, and rows are read with unaligned loads. The access
//! right is part of the type: a `Memory<Read>` has no method that writes.

#![expect(
    unsafe_code,
    reason = "allocates the memory of tables and advises the system about it"
)]

#[cfg(unix)]
mod file;
mod growing;

#[cfg(unix)]
pub use file::CutFile;
pub use growing::Growing;

use crate::dtype::{Block, DType};
use crate::error::Error;
use std::alloc::{alloc_zeroed, dealloc, Layout};
use std::marker::PhantomData;
use std::ptr::NonNull;

/// Bytes of two cache lines, which processors fetch as a pair. Owned memory is aligned to it.
///
/// An aligned row of 256 bytes covers 4 lines and 2 pairs. A row that starts 16 bytes after a line covers 5 lines and 3
/// pairs: bags over rows of a table of 256 MiB took 1.6 times as long.
pub const PAIR: usize = 128;

/// Bytes of a large page on x86-64, and on ARM with pages of 4 KiB.
///
/// For a fresh result of 48 MB, 1.65 times as fast as small pages. (Populating all pages first: 1.5 times on large
/// pages, 1.1 times on small ones.)
#[cfg(target_os = "linux")]
const LARGE_PAGE: usize = 2 << 20;

/// The sizes of a table: `rows` x `dim` values of a dtype, row-major.
///
/// ```text
/// a row: its values, padding, its header        packed_row_bytes() without the padding, row_bytes() with it
/// ```
/// A row of a wider table in a file is one of fewer values with padding: the header stays at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableSpec {
    dtype: DType,
    rows: usize,
    dim: usize,
    packed: usize,
    stride: usize,
    bytes: usize,
}

impl TableSpec {
    /// Errors: `ERR_SHAPE` if `dim` is 0 or not whole blocks of the dtype, or the bytes exceed the address space.
    pub fn new(dtype: DType, rows: usize, dim: usize) -> Result<Self, Error> {
        TableSpec::with_stride(dtype, rows, dim, dtype.row_bytes(dim).unwrap_or(0))
    }

    /// Sizes of a table whose rows begin `stride` bytes apart.
    ///
    /// Errors: as for [`TableSpec::new`], and if `stride` is less than the bytes of a row.
    pub fn with_stride(dtype: DType, rows: usize, dim: usize, stride: usize) -> Result<Self, Error> {
        let packed = dtype.row_bytes(dim).filter(|&packed| packed <= stride);
        let bytes = rows.checked_mul(stride).filter(|&all| all <= isize::MAX as usize);
        let (Some(packed), Some(bytes)) = (packed, bytes) else {
            return Err(Error::TableShape { rows, dim });
        };
        Ok(TableSpec {
            dtype,
            rows,
            dim,
            packed,
            stride,
            bytes,
        })
    }

    /// The same with fewer rows.
    pub(crate) fn with_rows(self, rows: usize) -> Self {
        assert!(rows <= self.rows, "more rows than the table has");
        TableSpec {
            rows,
            bytes: rows * self.stride,
            ..self
        }
    }

    /// The storage type of the values.
    #[inline(always)]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The block type, if rows are made of blocks.
    #[inline(always)]
    pub fn block(&self) -> Option<Block> {
        self.dtype.block()
    }

    /// Whether rows are made of blocks, so that they are decoded before they are read, and never written.
    #[inline(always)]
    pub fn is_blocks(&self) -> bool {
        self.block().is_some()
    }

    /// The number of rows.
    #[inline(always)]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of values in a row.
    #[inline(always)]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The number of values.
    #[inline(always)]
    pub fn values(&self) -> usize {
        self.rows * self.dim
    }

    /// Bytes from one row to the next, padding included.
    #[inline(always)]
    pub fn row_bytes(&self) -> usize {
        self.stride
    }

    /// Bytes of a row without padding.
    #[inline(always)]
    pub fn packed_row_bytes(&self) -> usize {
        self.packed
    }

    /// Whether rows have no padding.
    #[inline(always)]
    pub fn is_packed(&self) -> bool {
        self.packed == self.stride
    }

    /// Whether every bit of the rows is used: no padding, and no half of a byte.
    pub fn is_dense(&self) -> bool {
        self.is_packed() && self.dtype.last_byte(self.dim) == 0xff
    }

    /// Bytes of all rows.
    #[inline(always)]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// The memory may be read.
#[derive(Debug)]
pub struct Read;

/// The memory may be read and written.
#[derive(Debug)]
pub struct Write;

/// The contents of new memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents {
    /// Zeros.
    Zeros,
    /// Unspecified bytes: the owner writes all of them before it reads any.
    Any,
}

/// A block of bytes, valid for reads, and for writes if `Access` is [`Write`], for the lifetime of this value.
#[derive(Debug)]
pub struct Memory<Access> {
    start: NonNull<u8>,
    len: usize,
    keeper: Keeper,
    access: PhantomData<Access>,
}

/// The owner of the bytes, which frees them.
#[derive(Debug)]
enum Keeper {
    /// The allocator. The pointer is the block that it returned, at or before the start.
    Allocator(NonNull<u8>),
    /// The system: pages.
    #[cfg(target_os = "linux")]
    Pages { _unmapped_when_dropped: pages::Mapping },
    /// The system: pages of a file.
    #[cfg(unix)]
    File(file::Mapping),
    /// The caller, which keeps them longer than this value lives.
    Lender,
}

// SAFETY: this value alone accesses the block (the caller of `lent` promises it for lent memory), and the block is not
// bound to a thread.
unsafe impl<Access> Send for Memory<Access> {}
// SAFETY: a shared value only reads.
unsafe impl<Access> Sync for Memory<Access> {}

impl Memory<Write> {
    /// Allocates `len` bytes; `None` if memory is exhausted.
    pub fn allocate(len: usize, contents: Contents) -> Option<Self> {
        #[cfg(target_os = "linux")]
        if len >= pages::LEAST {
            let mapping = pages::Mapping::new(len, contents)?;
            let start = mapping.start();
            let keeper = Keeper::Pages {
                _unmapped_when_dropped: mapping,
            };
            return Some(Self::of(start, len, keeper));
        }
        // The allocator zeroes the bytes in both cases: fresh memory costs nothing, and reading uninitialized bytes
        // would be undefined behavior.
        let _ = contents;
        // SAFETY: the size of the layout is not 0.
        let block = NonNull::new(unsafe { alloc_zeroed(Self::layout(len)?) })?;
        // SAFETY: fewer than PAIR bytes are skipped, and PAIR bytes more than `len` were allocated.
        let start = unsafe { block.add((block.as_ptr() as usize).wrapping_neg() % PAIR) };
        Some(Self::of(start, len, Keeper::Allocator(block)))
    }

    /// Converts the memory to read-only access.
    pub fn read_only(self) -> Memory<Read> {
        let memory = std::mem::ManuallyDrop::new(self);
        // SAFETY: `memory` is never dropped, so the keeper has one owner.
        Memory::of(memory.start, memory.len, unsafe {
            std::ptr::read(&memory.keeper)
        })
    }

    /// All bytes, mutable.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: the block is valid for `len` bytes, and `&mut self` is the only way to it.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

#[cfg(unix)]
impl Memory<Read> {
    /// Maps `len` bytes of an open file from byte `offset` on, which may be any; `None` if it is not a regular file, is
    /// no longer the one at `path`, or cannot be mapped. `opened` is the length that the file had when it was opened; the descriptor is
    /// duplicated. [`Memory::check`] comes before and after the bytes are read. They change if the file is written.
    ///
    /// Errors: the file is shorter.
    ///
    /// # Panics
    /// If the bytes are not in the first `opened` ones.
    pub fn map(
        file: std::os::fd::RawFd,
        path: &std::path::Path,
        offset: u64,
        len: usize,
        opened: u64,
    ) -> Result<Option<Self>, CutFile> {
        let end = offset.checked_add(len as u64);
        assert!(end.is_some_and(|end| end <= opened), "bytes of the file");
        let mapped = file::Mapping::new(file, path, offset, len, opened)?;
        Ok(mapped.map(|(start, mapping)| Self::of(start, len, Keeper::File(mapping))))
    }

    /// An error if the memory is that of a file that has become shorter since it was opened. On Linux also if bytes
    /// that the file no longer had were read, which are zeros then, and at any time after it.
    pub fn check(&self) -> Result<(), CutFile> {
        match &self.keeper {
            Keeper::File(mapping) => mapping.check(),
            _ => Ok(()),
        }
    }

    /// Asks the system to read bytes `range` of a mapped file before they are used. Other memory ignores it.
    pub fn will_need(&self, range: std::ops::Range<usize>) {
        if let Keeper::File(mapping) = &self.keeper {
            mapping.will_need(self.start, range.start.min(self.len)..range.end.min(self.len));
        }
    }
}

impl<Access> Memory<Access> {
    fn of(start: NonNull<u8>, len: usize, keeper: Keeper) -> Self {
        Memory {
            start,
            len,
            keeper,
            access: PhantomData,
        }
    }

    /// Memory with another owner. It may begin at any byte.
    ///
    /// # Safety
    /// `start` is valid for reads of `len` bytes, and for writes if `Access` is [`Write`], until the memory is
    /// dropped. While a method of it runs, no other code writes there, or reads what the method writes.
    pub unsafe fn lent(start: NonNull<u8>, len: usize) -> Self {
        Self::of(start, len, Keeper::Lender)
    }

    /// The layout of an allocation, with room for the alignment to a pair of lines. With an alignment of 16 the
    /// allocator returns untouched zero pages; with a larger one it would write every byte.
    fn layout(len: usize) -> Option<Layout> {
        Layout::from_size_align(len.checked_add(PAIR)?, 16).ok()
    }

    /// All bytes.
    #[inline(always)]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the block is valid for `len` bytes and borrowed with `self`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<Access> Drop for Memory<Access> {
    fn drop(&mut self) {
        if let (Keeper::Allocator(block), Some(layout)) = (&self.keeper, Self::layout(self.len)) {
            // SAFETY: allocated with this layout, and dropped once.
            unsafe { dealloc(block.as_ptr(), layout) }
        }
    }
}

/// Returns whether the system reports the pages of `values` as never written. If so, requests large pages for them.
///
/// Returns false on other systems than Linux, and below a few MiB, where it does not matter.
pub fn fresh(values: &mut [f32]) -> bool {
    #[cfg(target_os = "linux")]
    if size_of_val(values) >= 2 * LARGE_PAGE {
        let (start, len) = (values.as_ptr().cast::<u8>(), size_of_val(values));
        let fresh = !pages::resident(start.wrapping_add(len / 2));
        if fresh {
            pages::prefer_large(start, len);
        }
        return fresh;
    }
    let _ = values;
    false
}

/// Mapped pages.
#[cfg(target_os = "linux")]
mod pages {
    use super::{Contents, LARGE_PAGE, PAIR};
    use std::ptr::NonNull;
    use std::sync::{Mutex, PoisonError};

    /// Bytes of the smallest memory that is mapped instead of allocated.
    pub const LEAST: usize = 256 << 10;

    /// Bytes of freed memory that are kept for the next table of the same size: the first write to a fresh page takes
    /// several times as long as a write to a used page.
    const KEPT: usize = 32 << 20;

    const PAGE: usize = 4096;

    /// The kept pages, oldest first.
    static WAITING: Mutex<Vec<Mapping>> = Mutex::new(Vec::new());

    /// Pages that this value unmaps, or keeps for the next mapping of the same size.
    #[derive(Debug)]
    pub struct Mapping {
        block: NonNull<u8>,
        len: usize,
        /// Bytes of the table.
        used: usize,
    }

    // SAFETY: pages are not bound to a thread.
    unsafe impl Send for Mapping {}

    impl Mapping {
        /// Pages for `used` bytes; `None` if the system refuses.
        pub fn new(used: usize, contents: Contents) -> Option<Self> {
            let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(i) = waiting.iter().rposition(|mapping| mapping.used == used) {
                let mapping = waiting.remove(i);
                drop(waiting);
                if contents == Contents::Zeros {
                    // SAFETY: the pages are mapped for writing, and no other code has their address.
                    unsafe { mapping.start().as_ptr().write_bytes(0, used) }
                }
                return Some(mapping);
            }
            drop(waiting);
            // Room for the alignment to a large page, which costs only addresses.
            let slack = if used >= 2 * LARGE_PAGE { LARGE_PAGE } else { 0 };
            let len = used.checked_add(slack + PAIR + PAGE - 1)? / PAGE * PAGE;
            let (protection, flags) = (
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            );
            // SAFETY: a new mapping does not affect existing memory.
            let block = unsafe { libc::mmap(std::ptr::null_mut(), len, protection, flags, -1, 0) };
            if block == libc::MAP_FAILED {
                return None;
            }
            let block = NonNull::new(block.cast())?;
            let mapping = Mapping { block, len, used };
            prefer_large(mapping.start().as_ptr().wrapping_sub(PAIR), PAIR + used);
            Some(mapping)
        }

        /// The first byte of the table: a pair of lines behind the start of a page. Results start 16 bytes behind one,
        /// so rows at the same offset in their pages would be read just behind the bytes that are being written, and
        /// the processor compares only those offsets. A cold gather of 4,096 rows of 1,536 bytes took 1.4 times as
        /// long from tables at the start of a page (Zen 4).
        pub fn start(&self) -> NonNull<u8> {
            let slack = if self.used >= 2 * LARGE_PAGE {
                (self.block.as_ptr() as usize).wrapping_neg() % LARGE_PAGE
            } else {
                0
            };
            // SAFETY: `new` has mapped the slack.
            unsafe { self.block.add(slack + PAIR) }
        }
    }

    impl Drop for Mapping {
        fn drop(&mut self) {
            let Mapping { block, len, used } = *self;
            let unmap = |block: NonNull<u8>, len| {
                // SAFETY: mapped in `new`, and the pages are no longer used.
                unsafe { libc::munmap(block.as_ptr().cast(), len) };
            };
            if used > KEPT {
                return unmap(block, len);
            }
            let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push(Mapping { block, len, used });
            let mut kept: usize = waiting.iter().map(|mapping| mapping.used).sum();
            while kept > KEPT {
                let oldest = std::mem::ManuallyDrop::new(waiting.remove(0));
                kept -= oldest.used;
                unmap(oldest.block, oldest.len);
            }
        }
    }

    /// Requests large pages for those that lie wholly inside the `len` bytes at `start`.
    ///
    /// Each takes one page fault instead of 512, and one TLB entry. The system may refuse the request.
    pub fn prefer_large(start: *const u8, len: usize) {
        let first = start.addr().next_multiple_of(LARGE_PAGE);
        let end = (start.addr() + len) / LARGE_PAGE * LARGE_PAGE;
        if first < end {
            // SAFETY: this advice never changes the contents of memory.
            unsafe {
                libc::madvise(first as *mut _, end - first, libc::MADV_HUGEPAGE);
            }
        }
    }

    /// Whether the page at `at` is resident in memory; true if the system does not report it.
    pub fn resident(at: *const u8) -> bool {
        let page = at.addr() / PAGE * PAGE;
        let mut in_memory = 1;
        // SAFETY: the call reads page tables only and writes one byte of answer.
        let refused = unsafe { libc::mincore(page as *mut _, PAGE, &raw mut in_memory) };
        refused != 0 || in_memory & 1 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_begins_at_a_pair_of_lines() {
        for len in [1, 4, 768, 256_000, (1 << 20) + 4, (5 << 20) + 12] {
            for contents in [Contents::Zeros, Contents::Any, Contents::Zeros] {
                let mut memory = Memory::allocate(len, contents).expect("memory");
                assert_eq!(memory.bytes().as_ptr() as usize % PAIR, 0, "{len} bytes");
                assert_eq!(memory.bytes().len(), len);
                #[cfg(target_os = "linux")]
                if len >= pages::LEAST {
                    assert_eq!(memory.bytes().as_ptr() as usize % 4096, PAIR, "{len} bytes");
                }
                if contents == Contents::Zeros {
                    assert!(memory.bytes().iter().all(|&byte| byte == 0), "{len} bytes");
                }
                memory.bytes_mut().fill(7);
            }
        }
    }

    #[test]
    fn sizes_that_no_address_counts_are_refused() {
        for (rows, dim) in [
            (1, 0),
            (usize::MAX, 1),
            (1, usize::MAX),
            (1 << 40, 1 << 40),
            (1 << 62, 1),
        ] {
            assert!(TableSpec::new(DType::F32, rows, dim).is_err(), "{rows} x {dim}");
        }
        assert!(Memory::allocate(isize::MAX as usize, Contents::Any).is_none());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn pages_are_fresh_until_they_are_written() {
        let mut memory = Memory::allocate(64 << 20, Contents::Any).expect("memory");
        // SAFETY: the memory begins at a pair of lines, and any bytes are f32 values.
        let values = unsafe { memory.bytes_mut().align_to_mut::<f32>().1 };
        assert!(fresh(values));
        values.fill(1.0);
        assert!(!fresh(values));
        assert!(!fresh(&mut values[..8]), "too small to query");
    }

    #[test]
    fn memory_outlives_the_right_to_write() {
        let mut memory = Memory::allocate(300, Contents::Zeros).expect("memory");
        memory.bytes_mut()[299] = 9;
        assert_eq!(memory.read_only().bytes()[299], 9);
    }
}
