//! Helper threads: one pool per process, which starts on first use and sleeps between calls.
//!
//! `split.rs` decides whether a call uses the pool, and passes it a function that takes parts until none is left. The
//! caller runs the function too, so it never waits for a helper that has not started:
//!
//! ```text
//! caller    post the work, wake helpers         helper    sleep until there is work with a free place
//!           run it                                        join, run it, leave
//!           withdraw it: no more helpers join             the last one to leave wakes the caller
//!           sleep until every helper has left
//! ```
//!
//! * Helpers wake on another processor than the caller's: see `placement.rs`.
//! * A helper that is scheduled late finds no work and sleeps again: it costs the call only the wake-up. A helper that
//!   loses its processor delays the part that it works on.
//! * No thread spins: on a busy machine, a spinning helper would take processors from the call itself.
//! * One call at a time uses the pool. Concurrent calls (from worker threads) run alone: the processors are busy.
//! * A panic in a helper is rethrown in the caller after every helper has left: the work borrows the caller's slices.
//! * If a thread cannot be spawned, the call runs without it.
//! * Helpers are never stopped. They hold no resources of a host environment, only wait, and end with the process.

use crate::placement::Placement;
use std::any::Any;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// The function that every thread of a call runs.
type Work<'a> = &'a (dyn Fn() + Sync);

/// Work that helpers may join.
struct Job {
    work: Work<'static>,
    /// The number of helpers that may still join.
    places: usize,
}

struct State {
    /// Whether a call uses the pool: from `post` to the end of `withdraw`.
    in_use: bool,
    job: Option<Job>,
    /// The number of helpers that run the work of the current call.
    running: usize,
    /// The payload of the first panic among them.
    panic: Option<Box<dyn Any + Send>>,
    /// The number of helpers spawned.
    helpers: usize,
    placement: Placement,
    /// Whether the system refused to spawn a thread; then no more are spawned.
    refused: bool,
}

struct Pool {
    state: Mutex<State>,
    /// Signals that there is work.
    work: Condvar,
    /// Signals that the last helper has left.
    done: Condvar,
}

static POOL: Pool = Pool {
    state: Mutex::new(State {
        in_use: false,
        job: None,
        running: 0,
        panic: None,
        helpers: 0,
        placement: Placement::new(),
        refused: false,
    }),
    work: Condvar::new(),
    done: Condvar::new(),
};

/// Runs `work` on the calling thread and, at the same time, on up to `threads - 1` helpers; returns when all of them
/// have finished. It is possible that no helper joins.
///
/// # Panics
/// If `work` panics on any thread, with the same payload.
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
    /// Locks the state. No code that can panic runs under the lock, and the state would be consistent even after a
    /// panic.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Offers `work` to `places` helpers. Returns false if another call uses the pool, or if there is no helper. After
    /// true the caller must always call `withdraw`, also when it panics.
    #[expect(
        unsafe_code,
        reason = "work that borrows the caller's slices, lent to helper threads"
    )]
    fn post(&'static self, work: Work<'_>, places: usize) -> bool {
        let mut state = self.lock();
        if state.in_use {
            return false;
        }
        self.spawn(&mut state, places);
        let places = places.min(state.helpers);
        if places == 0 {
            return false;
        }
        // SAFETY: only the lifetime changes. The one copy of the reference is in `state.job`, from which helpers take
        // it; `withdraw` removes it and returns when no helper runs it. `fork_join` calls that before it returns or
        // unwinds.
        let work = unsafe { std::mem::transmute::<Work<'_>, Work<'static>>(work) };
        state.job = Some(Job { work, places });
        state.in_use = true;
        state.placement.leave_own_processor();
        drop(state);
        (0..places).for_each(|_| self.work.notify_one());
        true
    }

    /// Ends the current call; returns the payload of a helper's panic.
    fn withdraw(&self) -> Option<Box<dyn Any + Send>> {
        let mut state = self.lock();
        state.job = None;
        while state.running > 0 {
            state = self.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.in_use = false;
        state.panic.take()
    }

    /// Spawns helpers until there are `wanted`, or until the system refuses.
    fn spawn(&'static self, state: &mut State, wanted: usize) {
        while state.helpers < wanted && !state.refused {
            let helper = thread::Builder::new().name("tokenbed-helper".to_owned());
            match helper.spawn(|| self.help()) {
                Ok(_) => state.helpers += 1,
                Err(_) => state.refused = true,
            }
        }
    }

    /// The loop of a helper.
    fn help(&self) -> ! {
        let mut state = self.lock();
        state.placement.add_own_thread();
        loop {
            match &mut state.job {
                Some(job) if job.places > 0 => {
                    let work = job.work;
                    job.places -= 1;
                    state.running += 1;
                    drop(state);
                    let finished = catch_unwind(AssertUnwindSafe(work));
                    state = self.lock();
                    state.running -= 1;
                    state.panic = state.panic.take().or(finished.err());
                    if state.running == 0 {
                        self.done.notify_one();
                    }
                }
                _ => state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}
