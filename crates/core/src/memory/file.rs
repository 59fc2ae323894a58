//! A part of a file as memory, for reading.
//!
//! ```text
//! map     the pages around the part; MADV_RANDOM, as lookups read a page here and there
//! check   fstat: an error if the file is shorter than it was when it was opened
//! read    a page that the file no longer has raises SIGBUS: the handler of Linux maps zeros there, and marks the file
//! check   the same again, and the mark: bytes that were read before an error are never a result
//! ```
//! Pages are mapped with the `libc` crate, which this crate needs for `madvise` in any case. `memmap2` would own the
//! mapping, but neither check the file nor answer SIGBUS, and the handler maps pages itself.

use std::fs::{File, Metadata};
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::ptr::NonNull;

/// A file that has become shorter since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutFile {
    /// Its length when it was opened, in bytes.
    pub opened: u64,
    /// Its length now, if it is still shorter.
    pub found: Option<u64>,
}

/// Pages of a file, which this value unmaps.
#[derive(Debug)]
pub struct Mapping {
    pages: NonNull<u8>,
    len: usize,
    /// A duplicate of the caller's descriptor, for its length.
    file: File,
    opened: u64,
    #[cfg(target_os = "linux")]
    watched: faults::Watched,
}

/// The most bytes of an advice. The system reads at most as many as the device takes at once, at least these.
const ADVICE: usize = 128 << 10;

fn page_bytes() -> usize {
    // SAFETY: reads a constant of the system.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

impl Mapping {
    /// Maps `len` bytes of a file from byte `offset` on, which may be any. Returns the address of the first one, and
    /// the mapping; `None` if it is not a regular file that can be mapped, or not the one at `path`. `opened` is the
    /// length of the file.
    pub fn new(
        file: RawFd,
        path: &Path,
        offset: u64,
        len: usize,
        opened: u64,
    ) -> Result<Option<(NonNull<u8>, Mapping)>, CutFile> {
        // SAFETY: a number that is not an open descriptor is an error.
        let file = match unsafe { libc::fcntl(file, libc::F_DUPFD_CLOEXEC, 0) } {
            -1 => return Ok(None),
            // SAFETY: the descriptor is new, so this is its only owner.
            file => unsafe { File::from_raw_fd(file) },
        };
        // The number of a file in Deno is no descriptor: it may be that of another file.
        let found = match (file.metadata(), path.metadata()) {
            (Ok(open), Ok(there)) if open.is_file() && place(&open) == place(&there) => open.len(),
            _ => return Ok(None),
        };
        expect_whole(opened, found)?;
        let before = (offset % page_bytes() as u64) as usize;
        let from = libc::off_t::try_from(offset - before as u64);
        let (Ok(from), Some(len)) = (from, len.checked_add(before).filter(|&len| len > 0)) else {
            return Ok(None);
        };
        // SAFETY: a new mapping does not affect existing memory.
        let pages = unsafe {
            let (read, private, file) = (libc::PROT_READ, libc::MAP_PRIVATE, file.as_raw_fd());
            libc::mmap(std::ptr::null_mut(), len, read, private, file, from)
        };
        let Some(pages) = NonNull::new(pages.cast::<u8>()).filter(|_| pages != libc::MAP_FAILED) else {
            return Ok(None);
        };
        // SAFETY: this advice never changes the contents of memory.
        unsafe { libc::madvise(pages.as_ptr().cast(), len, libc::MADV_RANDOM) };
        // SAFETY: the mapping begins `before` bytes before the part.
        let start = unsafe { pages.add(before) };
        let mapping = Mapping {
            pages,
            len,
            file,
            opened,
            #[cfg(target_os = "linux")]
            watched: faults::watch(pages.addr().get(), len),
        };
        Ok(Some((start, mapping)))
    }

    /// An error if the file is shorter than when it was opened, or if bytes that it no longer had were read.
    pub fn check(&self) -> Result<(), CutFile> {
        if let Ok(about) = self.file.metadata() {
            expect_whole(self.opened, about.len())?;
        }
        #[cfg(target_os = "linux")]
        if self.watched.is_cut() {
            let (opened, found) = (self.opened, None);
            return Err(CutFile { opened, found });
        }
        Ok(())
    }

    /// Asks the system to read bytes `range` of memory that begins at `start`, in this mapping, before they are used.
    pub fn will_need(&self, start: NonNull<u8>, range: Range<usize>) {
        let before = start.addr().get() - self.pages.addr().get();
        let page = page_bytes();
        let first = (before + range.start) / page * page;
        let end = (before + range.end).min(self.len);
        for from in (first..end).step_by(ADVICE) {
            let at = self.pages.as_ptr().wrapping_add(from);
            // SAFETY: this advice never changes the contents of memory.
            unsafe { libc::madvise(at.cast(), ADVICE.min(end - from), libc::MADV_WILLNEED) };
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // Before the addresses can belong to another mapping.
        #[cfg(target_os = "linux")]
        self.watched.end();
        // SAFETY: mapped in `new`, and the pages are no longer used.
        unsafe { libc::munmap(self.pages.as_ptr().cast(), self.len) };
    }
}

/// What tells files apart.
fn place(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

fn expect_whole(opened: u64, found: u64) -> Result<(), CutFile> {
    match found < opened {
        true => Err(CutFile {
            opened,
            found: Some(found),
        }),
        false => Ok(()),
    }
}

/// The handler of SIGBUS, and the mappings that it watches.
///
/// A handler may be called at any time, on any thread, so it takes no lock: mappings are in a list that only grows, and
/// whose entries are used again.
#[cfg(target_os = "linux")]
mod faults {
    use super::page_bytes;
    use std::ffi::{c_int, c_void};
    use std::mem::MaybeUninit;
    use std::ptr::{null, null_mut};
    use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering::SeqCst};
    use std::sync::{Mutex, Once, PoisonError};

    /// An entry of the list: the addresses of a mapping.
    #[derive(Debug)]
    struct Entry {
        /// Odd while the other fields change.
        version: AtomicUsize,
        start: AtomicUsize,
        end: AtomicUsize,
        cut: AtomicBool,
        next: *const Entry,
    }

    // SAFETY: `next` never changes, and refers to an entry that is never freed.
    unsafe impl Sync for Entry {}

    /// The newest entry.
    static NEWEST: AtomicPtr<Entry> = AtomicPtr::new(null_mut());
    /// The entries without a mapping.
    static UNUSED: Mutex<Vec<&Entry>> = Mutex::new(Vec::new());
    /// The action that the handler has replaced, never freed.
    static PREVIOUS: AtomicPtr<libc::sigaction> = AtomicPtr::new(null_mut());
    static PAGE: AtomicUsize = AtomicUsize::new(0);

    /// A mapping in the list.
    #[derive(Debug)]
    pub struct Watched(&'static Entry);

    impl Entry {
        fn set(&self, start: usize, len: usize) {
            self.version.fetch_add(1, SeqCst);
            self.start.store(start, SeqCst);
            self.end.store(start + len, SeqCst);
            self.cut.store(false, SeqCst);
            self.version.fetch_add(1, SeqCst);
        }

        /// The end of the mapping, if it contains the address. An entry that changes meanwhile is none in use.
        fn end_around(&self, address: usize) -> Option<usize> {
            let version = self.version.load(SeqCst);
            let (start, end) = (self.start.load(SeqCst), self.end.load(SeqCst));
            let steady = version.is_multiple_of(2) && version == self.version.load(SeqCst);
            (steady && start <= address && address < end).then_some(end)
        }
    }

    impl Watched {
        pub fn is_cut(&self) -> bool {
            self.0.cut.load(SeqCst)
        }

        /// Ends the watch, so that the addresses may belong to another mapping.
        pub fn end(&self) {
            self.0.set(0, 0);
            UNUSED.lock().unwrap_or_else(PoisonError::into_inner).push(self.0);
        }
    }

    /// Adds a mapping to the list, until [`Watched::end`].
    pub fn watch(start: usize, len: usize) -> Watched {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(install);
        let mut unused = UNUSED.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = unused.pop().unwrap_or_else(|| {
            // Under the lock, so nobody else adds an entry.
            let entry = Box::leak(Box::new(Entry {
                version: AtomicUsize::new(0),
                start: AtomicUsize::new(0),
                end: AtomicUsize::new(0),
                cut: AtomicBool::new(false),
                next: NEWEST.load(SeqCst),
            }));
            NEWEST.store(entry, SeqCst);
            entry
        });
        entry.set(start, len);
        Watched(entry)
    }

    fn install() {
        PAGE.store(page_bytes(), SeqCst);
        let previous = Box::into_raw(Box::new(action(libc::SIG_DFL, 0)));
        let own = action(
            on_bus_error as *const () as usize,
            libc::SA_SIGINFO | libc::SA_ONSTACK,
        );
        // SAFETY: the actions are valid. The previous one is known before the handler can be called, and never freed.
        unsafe {
            libc::sigaction(libc::SIGBUS, null(), previous);
            PREVIOUS.store(previous, SeqCst);
            libc::sigaction(libc::SIGBUS, &own, null_mut());
        }
    }

    fn action(handler: usize, flags: c_int) -> libc::sigaction {
        // SAFETY: zeros are a valid action, with an empty mask.
        let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        (action.sa_sigaction, action.sa_flags) = (handler, flags);
        action
    }

    /// Maps zeros from the page of a fault to the end of its mapping, so that the access can be repeated.
    extern "C" fn on_bus_error(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
        // SAFETY: the system passes the information of a signal, whose address is set for faults. `errno` belongs to
        // the interrupted code.
        unsafe {
            let errno = *libc::__errno_location();
            let code = (*info).si_code;
            if !(code == libc::BUS_ADRERR && map_zeros((*info).si_addr().addr())) {
                pass_on(signal, code, info, context);
            }
            *libc::__errno_location() = errno;
        }
    }

    /// Returns false if the address is in no mapping of the list.
    fn map_zeros(address: usize) -> bool {
        let mut next: *const Entry = NEWEST.load(SeqCst);
        // SAFETY: entries are never freed.
        while let Some(entry) = unsafe { next.as_ref() } {
            next = entry.next;
            let Some(end) = entry.end_around(address) else {
                continue;
            };
            entry.cut.store(true, SeqCst);
            let page = address - address % PAGE.load(SeqCst);
            let (read, flags) = (
                libc::PROT_READ,
                libc::MAP_FIXED | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            );
            // SAFETY: replaces pages of a mapping of this module, which is in use as one of its pages was read.
            let zeros = unsafe { libc::mmap(page as *mut _, end - page, read, flags, -1, 0) };
            return zeros != libc::MAP_FAILED;
        }
        false
    }

    /// Does what would have happened without the handler.
    ///
    /// # Safety
    /// The arguments are those of the handler.
    unsafe fn pass_on(signal: c_int, code: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
        // SAFETY: `install` has stored a valid action, whose handler has the type that its flags name.
        unsafe {
            let previous = &*PREVIOUS.load(SeqCst);
            match previous.sa_sigaction {
                libc::SIG_IGN if code <= 0 => {}
                libc::SIG_DFL | libc::SIG_IGN => {
                    libc::sigaction(signal, &action(libc::SIG_DFL, 0), null_mut());
                    // A fault is repeated after the return. A signal that a process has sent is not.
                    if code <= 0 {
                        libc::raise(signal);
                    }
                }
                handler if previous.sa_flags & libc::SA_SIGINFO != 0 => {
                    let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
                        std::mem::transmute(handler);
                    handler(signal, info, context)
                }
                handler => {
                    let handler: extern "C" fn(c_int) = std::mem::transmute(handler);
                    handler(signal)
                }
            }
        }
    }
}
