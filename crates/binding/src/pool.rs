//! Threads that help a call: one pool for the process, started when it is first needed, asleep between calls.
//!
//! A call that is worth it (`split.rs` decides) gives the pool its work as a function that takes parts until none
//! is left. The caller runs it too, so it waits for nobody who has not begun:
//!
//! ```text
//! caller    post the work, wake helpers         helper    sleep until there is work with a free seat
//!           run it                                        sit down, run it, stand up
//!           withdraw it: the seats are gone               the last one up wakes the caller
//!           sleep until everyone has stood up
//! ```
//!
//! * A helper that the system runs late finds no seat and sleeps on: it costs the call nothing but the wake-up. One
//!   that loses its processor costs the part that it holds.
//! * Nobody spins: where another program wants the processors, a spinning helper takes them from the call itself.
//! * One call at a time has the pool. Others (worker threads) find it taken and work alone: the processors are busy.
//! * A panic of a helper becomes one of the caller, after everyone has stood up: the work borrows the caller's slices.
//! * A thread that cannot be started is done without.
//! * Helpers are never ended. They hold nothing of any host environment, only wait, and die with the process.

use std::any::Any;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// What every taker runs.
type Work<'a> = &'a (dyn Fn() + Sync);

/// Work that helpers may take.
struct Job {
    work: Work<'static>,
    /// How many more helpers may sit down.
    seats: usize,
}

struct State {
    /// Whether a call has the pool: from `post` to the end of `withdraw`.
    taken: bool,
    job: Option<Job>,
    /// Helpers that run the work of the call that has the pool.
    seated: usize,
    /// What the first of them panicked with.
    panic: Option<Box<dyn Any + Send>>,
    /// Helpers that were started.
    helpers: usize,
    /// Whether the system refused one: it is not asked again.
    refused: bool,
}

struct Pool {
    state: Mutex<State>,
    /// There is work.
    work: Condvar,
    /// The last helper stood up.
    done: Condvar,
}

static POOL: Pool = Pool {
    state: Mutex::new(State {
        taken: false,
        job: None,
        seated: 0,
        panic: None,
        helpers: 0,
        refused: false,
    }),
    work: Condvar::new(),
    done: Condvar::new(),
};

/// Runs `work` on the calling thread and, at the same time, on up to `threads - 1` helpers; returns when it has
/// ended on all of them. How many come is not said: it may be none.
///
/// # Panics
/// When `work` panics on any thread, with what it panicked with.
pub fn fork_join(threads: usize, work: &(dyn Fn() + Sync)) {
    if threads <= 1 || !POOL.post(work, threads - 1) {
        return work();
    }
    let own = catch_unwind(AssertUnwindSafe(work));
    let helped = POOL.withdraw();
    if let Some(panic) = own.err().or(helped) {
        resume_unwind(panic);
    }
}

impl Pool {
    /// No code that can panic runs under the lock; if some did, the state would still be whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Offers `work` to so many helpers; false when another call has the pool, or no helper can be had. After true
    /// the caller must `withdraw`, whatever happens.
    fn post(&'static self, work: Work<'_>, seats: usize) -> bool {
        let mut state = self.lock();
        if state.taken {
            return false;
        }
        self.start(&mut state, seats);
        let seats = seats.min(state.helpers);
        if seats == 0 {
            return false;
        }
        // SAFETY: only the lifetime changes. The one copy of the reference lies in `state.job`, where helpers sit
        // down with it; `withdraw` removes it and returns when none of them is seated. `fork_join` calls that
        // before it returns or unwinds.
        #[expect(unsafe_code, reason = "work that borrows is lent to helper threads")]
        let work = unsafe { std::mem::transmute::<Work<'_>, Work<'static>>(work) };
        state.job = Some(Job { work, seats });
        state.taken = true;
        drop(state);
        (0..seats).for_each(|_| self.work.notify_one());
        true
    }

    /// Ends the call that has the pool: what a helper panicked with.
    fn withdraw(&self) -> Option<Box<dyn Any + Send>> {
        let mut state = self.lock();
        state.job = None;
        while state.seated > 0 {
            state = self.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.taken = false;
        state.panic.take()
    }

    /// Starts what is missing of `wanted` helpers, as far as the system lets it.
    fn start(&'static self, state: &mut State, wanted: usize) {
        while state.helpers < wanted && !state.refused {
            let helper = thread::Builder::new().name("tokenbed-helper".to_owned());
            match helper.spawn(|| self.help()) {
                Ok(_) => state.helpers += 1,
                Err(_) => state.refused = true,
            }
        }
    }

    /// The life of a helper.
    fn help(&self) -> ! {
        let mut state = self.lock();
        loop {
            match &mut state.job {
                Some(job) if job.seats > 0 => {
                    let work = job.work;
                    job.seats -= 1;
                    state.seated += 1;
                    drop(state);
                    let ended = catch_unwind(AssertUnwindSafe(work));
                    state = self.lock();
                    state.seated -= 1;
                    state.panic = state.panic.take().or(ended.err());
                    if state.seated == 0 {
                        self.done.notify_one();
                    }
                }
                _ => state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}
