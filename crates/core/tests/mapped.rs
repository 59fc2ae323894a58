//! Tables in mapped files: at any byte of the file, checked for their length, and with a file that becomes shorter while
//! its pages are read.

#![cfg(unix)]
#![expect(unsafe_code, reason = "signals of the test process")]

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use tokenbed_core::memory::{CutFile, Memory, Read};

/// A file in the temporary folder, removed when it is dropped.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let name = format!("tokenbed-mapped-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, bytes).unwrap();
        Temporary(path)
    }

    fn map(&self, offset: usize, len: usize) -> Memory<Read> {
        let file = File::open(&self.0).unwrap();
        let opened = file.metadata().unwrap().len();
        // The descriptor is duplicated: this one is closed on return.
        Memory::map(file.as_raw_fd(), &self.0, offset as u64, len, opened)
            .unwrap()
            .unwrap()
    }

    fn set_len(&self, len: usize) {
        let file = OpenOptions::new().write(true).open(&self.0).unwrap();
        file.set_len(len as u64).unwrap();
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 % 251) as u8).collect()
}

const MIB: usize = 1 << 20;

#[test]
fn any_part_of_a_file_can_be_mapped() {
    let all = bytes(40_000);
    let file = Temporary::new("parts", &all);
    for offset in [0, 1, 511, 4095, 4096, 4097, 8192, 39_999] {
        for len in [1, 100, 4096, 10_000] {
            if offset + len <= all.len() {
                let memory = file.map(offset, len);
                assert_eq!(memory.bytes(), &all[offset..offset + len], "{len} from {offset}");
                assert_eq!(memory.check(), Ok(()));
                for range in [0..len, 0..1, len - 1..len, 0..len + 9000, len..len + 1] {
                    memory.will_need(range);
                }
                assert_eq!(memory.bytes(), &all[offset..offset + len]);
            }
        }
    }
}

#[test]
fn what_is_no_regular_file_is_not_mapped() {
    let file = Temporary::new("kinds", &bytes(10));
    let open = File::open(&file.0).unwrap();
    assert!(Memory::map(open.as_raw_fd(), &file.0, 0, 0, 10)
        .unwrap()
        .is_none());
    for path in [std::env::temp_dir(), "/dev/zero".into()] {
        let open = File::open(&path).unwrap();
        assert!(Memory::map(open.as_raw_fd(), &path, 0, 1, 10).unwrap().is_none());
    }
    assert!(Memory::map(-1, &file.0, 0, 1, 10).unwrap().is_none());
    // Another file, and one that has another name now.
    let other = Temporary::new("another", &bytes(10));
    assert!(Memory::map(open.as_raw_fd(), &other.0, 0, 1, 10)
        .unwrap()
        .is_none());
    let gone = file.0.with_extension("gone");
    assert!(Memory::map(open.as_raw_fd(), &gone, 0, 1, 10).unwrap().is_none());
}

#[test]
fn a_file_that_is_shorter_is_an_error_and_one_that_grows_is_none() {
    let file = Temporary::new("length", &bytes(5000));
    let open = File::open(&file.0).unwrap();
    let cut = |opened, found| CutFile {
        opened,
        found: Some(found),
    };
    let short = Memory::map(open.as_raw_fd(), &file.0, 0, 100, 5001).err();
    assert_eq!(short, Some(cut(5001, 5000)));
    let memory = file.map(10, 20);
    file.set_len(6000);
    assert_eq!(memory.check(), Ok(()));
    file.set_len(4999);
    assert_eq!(memory.check(), Err(cut(5000, 4999)));
    // Nothing beyond the end was read.
    file.set_len(5000);
    assert_eq!(memory.check(), Ok(()));
}

#[cfg(target_os = "linux")]
#[test]
fn pages_that_a_file_no_longer_has_read_as_zeros_on_every_thread_and_mark_it() {
    let all = bytes(8 * MIB);
    let (file, other) = (Temporary::new("cut", &all), Temporary::new("other", &all));
    // One mapping more than once, between others, as entries of the list are used again.
    for round in 0..3 {
        std::fs::write(&file.0, &all).unwrap();
        let before = other.map(1, MIB);
        let memory = file.map(3, 8 * MIB - 3);
        let after = other.map(2, MIB);
        assert_eq!(memory.bytes()[5 * MIB], all[5 * MIB + 3]);
        file.set_len(MIB);
        std::thread::scope(|scope| {
            for first in [0, 2 * MIB, 4 * MIB, 6 * MIB] {
                let memory = &memory;
                scope.spawn(move || {
                    let read = &memory.bytes()[first + MIB..first + 2 * MIB - 3];
                    assert!(read.iter().all(|&byte| byte == 0), "from {first}");
                });
            }
        });
        assert_eq!(memory.bytes()[..MIB - 3], all[3..MIB], "what the file still has");
        let (opened, found) = (8 * MIB as u64, Some(MIB as u64));
        assert_eq!(memory.check(), Err(CutFile { opened, found }));
        // The mark stays when the file is long again.
        file.set_len(8 * MIB);
        let found = None;
        assert_eq!(memory.check(), Err(CutFile { opened, found }), "round {round}");
        for (memory, from) in [(before, 1), (after, 2)] {
            assert_eq!(memory.check(), Ok(()));
            assert_eq!(memory.bytes(), &all[from..from + MIB]);
        }
    }
}

#[cfg(target_os = "linux")]
mod signals {
    use super::*;
    use std::ffi::{c_int, c_void};
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;
    use std::ptr::null_mut;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    /// A page of a file that is longer than the file, mapped by somebody else.
    fn foreign_page() -> *const u8 {
        let file = Temporary::new("foreign", &bytes(10));
        let open = File::open(&file.0).unwrap();
        // SAFETY: a new mapping.
        let page = unsafe {
            let (read, shared) = (libc::PROT_READ, libc::MAP_SHARED);
            libc::mmap(null_mut(), 8192, read, shared, open.as_raw_fd(), 0)
        };
        assert_ne!(page, libc::MAP_FAILED);
        page.cast::<u8>().wrapping_add(4096)
    }

    /// A mapping whose file is cut and read, so that the handler is installed and works.
    fn survive_a_cut() -> Memory<Read> {
        let file = Temporary::new("own", &bytes(3 * 4096));
        let memory = file.map(0, 3 * 4096);
        file.set_len(0);
        assert_eq!(memory.bytes()[8192], 0);
        assert!(memory.check().is_err());
        memory
    }

    static SEEN: AtomicUsize = AtomicUsize::new(0);

    extern "C" fn with_information(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
        // SAFETY: the information of a fault.
        let address = unsafe { (*info).si_addr().addr() };
        SEEN.store(address, SeqCst);
        // SAFETY: maps a page at the page of the fault.
        unsafe {
            let (read, flags) = (
                libc::PROT_READ,
                libc::MAP_FIXED | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            );
            libc::mmap((address / 4096 * 4096) as *mut _, 4096, read, flags, -1, 0);
        }
    }

    extern "C" fn plain(signal: c_int) {
        SEEN.fetch_add(signal as usize, SeqCst);
    }

    fn install(handler: usize, flags: c_int) {
        // SAFETY: a valid action of this process.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            (action.sa_sigaction, action.sa_flags) = (handler, flags);
            libc::sigaction(libc::SIGBUS, &action, null_mut());
        }
    }

    /// A name, what happens after a mapping was cut, and the signal that ends the process.
    type Scenario = (&'static str, fn(), Option<c_int>);

    const SCENARIOS: [Scenario; 5] = [
        ("a fault in another mapping", fault_elsewhere, Some(libc::SIGBUS)),
        ("a signal of a process", signal_of_a_process, Some(libc::SIGBUS)),
        ("a handler with information", handler_with_information, None),
        ("a plain handler", plain_handler, None),
        ("an ignored signal", ignored_signal, None),
    ];

    fn fault_elsewhere() {
        // SAFETY: the page is mapped; the file does not have it, so the read ends the process.
        unsafe { foreign_page().read_volatile() };
    }

    fn signal_of_a_process() {
        // SAFETY: a signal to this process.
        unsafe { libc::kill(libc::getpid(), libc::SIGBUS) };
        std::thread::sleep(std::time::Duration::from_secs(60));
    }

    fn handler_with_information() {
        assert_eq!(SEEN.load(SeqCst), 0, "a fault of a mapping is not passed on");
        let page = foreign_page();
        // SAFETY: the handler maps the page.
        assert_eq!(unsafe { page.read_volatile() }, 0);
        assert_eq!(SEEN.load(SeqCst), page.addr());
    }

    fn plain_handler() {
        // SAFETY: a signal to this thread.
        unsafe { libc::raise(libc::SIGBUS) };
        assert_eq!(SEEN.load(SeqCst), libc::SIGBUS as usize);
    }

    fn ignored_signal() {
        // SAFETY: a signal to this thread.
        unsafe { libc::raise(libc::SIGBUS) };
        survive_a_cut();
    }

    /// The variable that names the scenario of a process.
    const SCENARIO: &str = "TOKENBED_TEST_SCENARIO";

    /// This program, under the emulator that cargo runs it with, if there is one (`scripts/test-neon.sh`).
    fn this_program() -> Command {
        let program = std::env::current_exe().unwrap();
        let emulator = std::env::var("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER").unwrap_or_default();
        let mut words = emulator.split_whitespace();
        match words.next().filter(|_| std::env::consts::ARCH == "aarch64") {
            Some(emulator) => {
                let mut command = Command::new(emulator);
                command.args(words).arg(program);
                command
            }
            None => Command::new(program),
        }
    }

    #[test]
    fn other_faults_and_signals_go_where_they_went_before() {
        if let Ok(wanted) = std::env::var(SCENARIO) {
            match &wanted[..] {
                "a handler with information" => {
                    install(with_information as *const () as usize, libc::SA_SIGINFO)
                }
                "a plain handler" => install(plain as *const () as usize, 0),
                "an ignored signal" => install(libc::SIG_IGN, 0),
                _ => install(libc::SIG_DFL, 0), // Rust's own runtime has a handler
            }
            let _memory = survive_a_cut();
            let (_, scenario, _) = SCENARIOS.iter().find(|(name, ..)| *name == wanted).unwrap();
            return scenario();
        }
        for (name, _, signal) in SCENARIOS {
            let mut child = this_program();
            child.args([
                "--exact",
                "signals::other_faults_and_signals_go_where_they_went_before",
            ]);
            let output = child.env(SCENARIO, name).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert_eq!(output.status.signal(), signal, "{name}: {text}");
            assert!(signal.is_some() || output.status.success(), "{name}: {text}");
        }
    }
}
