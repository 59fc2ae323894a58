//! What the system is told of the pages under an array. Elsewhere than on Linux: nothing.

#![expect(unsafe_code, reason = "madvise")]

use tokenbed_core::tuning::pages::LARGE;

/// Asks for large pages under those that lie wholly inside `len` bytes from `start` on, which nobody has written yet.
///
/// Each is then one page fault instead of 512, and one entry of the TLB. The system may refuse, which changes nothing.
pub fn prefer_large(start: *const u8, len: usize) {
    let (first, last) = (
        start.addr().next_multiple_of(LARGE),
        (start.addr() + len) / LARGE * LARGE,
    );
    if first < last {
        #[cfg(target_os = "linux")]
        // SAFETY: this advice changes no byte, whatever lies there.
        unsafe {
            libc::madvise(first as *mut _, last - first, libc::MADV_HUGEPAGE);
        }
    }
}

/// Makes all values +0 and, where the system can, gives the whole pages inside back to it.
pub fn give_back(values: &mut [f32]) {
    #[cfg(target_os = "linux")]
    {
        const PAGE: usize = 4096;
        let range = values.as_mut_ptr_range();
        let (start, end) = (range.start as usize, range.end as usize);
        let (first, last) = (start.next_multiple_of(PAGE), end / PAGE * PAGE);
        if first < last {
            // SAFETY: the pages lie wholly inside the array; private anonymous pages read as zeros after
            // MADV_DONTNEED, which is what this function promises.
            let refused = unsafe { libc::madvise(first as *mut _, last - first, libc::MADV_DONTNEED) };
            if refused == 0 {
                let (head, tail) = ((first - start) / 4, (last - start) / 4);
                values[..head].fill(0.0);
                values[tail..].fill(0.0);
                return;
            }
        }
    }
    values.fill(0.0);
}
