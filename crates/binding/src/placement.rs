//! Which processors helper threads may use.
//!
//! ```text
//! the caller runs on another processor than at its last call:
//!     the helpers may use every processor of the caller but this one
//! ```
//! Linux wakes a thread on the processor of the thread that wakes it, unless it finds an idle one. A halted processor of a
//! virtual machine does not count as idle, since the host may use it for another machine. Helpers then waited for the
//! caller's own processor, and a call of less than some milliseconds ended before they ran: two threads took as long
//! as one. Woken elsewhere, they run after 30 to 100 microseconds (Granite Rapids, Linux 6.18 as a guest).
//!
//! On other systems than Linux nothing is done.

#![cfg_attr(
    target_os = "linux",
    expect(unsafe_code, reason = "system calls about processors and threads")
)]

/// The helper threads, and the processor that they were moved away from.
#[derive(Debug)]
pub struct Placement {
    #[cfg(target_os = "linux")]
    threads: Vec<libc::pid_t>,
    #[cfg(target_os = "linux")]
    left: libc::c_int,
}

#[cfg(not(target_os = "linux"))]
impl Placement {
    pub const fn new() -> Self {
        Placement {}
    }

    pub fn add_own_thread(&mut self) {}

    pub fn leave_own_processor(&mut self) {}
}

#[cfg(target_os = "linux")]
impl Placement {
    pub const fn new() -> Self {
        Placement {
            threads: Vec::new(),
            left: -1,
        }
    }

    /// Adds the calling thread to the helpers.
    pub fn add_own_thread(&mut self) {
        // SAFETY: the call takes nothing, and always succeeds.
        self.threads.push(unsafe { libc::gettid() });
        self.left = -1;
    }

    /// Lets the helpers run on the processors of the calling thread, except the one that it runs on. Does nothing if that is
    /// its only one, or if the system refuses.
    pub fn leave_own_processor(&mut self) {
        // SAFETY: the call takes nothing, and returns -1 if the system does not know.
        let own = unsafe { libc::sched_getcpu() };
        if own < 0 || own == self.left {
            return;
        }
        self.left = own;
        const BYTES: usize = size_of::<libc::cpu_set_t>();
        // SAFETY: a set of no processors is valid.
        let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: `set` has the bytes that it is said to have; 0 is the calling thread.
        if unsafe { libc::sched_getaffinity(0, BYTES, &mut set) } != 0 {
            return;
        }
        let own = own as usize;
        // SAFETY: the kernel accepted the set for its processors, of which this one is one.
        unsafe { libc::CPU_CLR(own, &mut set) };
        // SAFETY: it reads the set.
        if unsafe { libc::CPU_COUNT(&set) } == 0 {
            return;
        }
        for &thread in &self.threads {
            // SAFETY: helpers never end, so the ids are those of helpers; the call reads the set.
            unsafe { libc::sched_setaffinity(thread, BYTES, &set) };
        }
    }
}
