//! From which sizes on a kernel changes its way: the one place for numbers that were measured.
//!
//! Nothing here changes a bit of a result. An operation asks once, at its entry, with the bytes of the table,
//! of a row and of the output, and runs one body:
//!
//! ```text
//! the table fits the inner caches       nothing is asked for ahead: it is there, or soon will be
//! it fits the outer ones                small rows are asked for a few ahead, into every cache
//! it does not                           rows are asked for many ahead, into the outer caches
//! the output is larger than the caches  it is written past them
//! ```
//!
//! The numbers belong to a class of machines, which is found once for the process. Ratios in the comments are
//! medians of interleaved runs with random ids, against the same kernel without; the class says on which
//! machine. A class that nobody has measured takes from its neighbour what can do no harm.

use crate::simd::{self, Hint, Machine, Vendor};
use std::cell::Cell;
use std::sync::OnceLock;

/// How far ahead of the row that is being read, and how near, rows are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ahead {
    /// Into which caches.
    pub hint: Hint,
    /// How many rows further on.
    pub rows: usize,
}

impl Ahead {
    /// Nothing is asked for: no ids reach that far.
    pub const NONE: Ahead = Ahead {
        hint: Hint::Far,
        rows: usize::MAX,
    };
}

/// How a kernel goes through its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// What is asked for ahead.
    pub ahead: Ahead,
    /// Whether the output is written past the caches.
    pub streamed: bool,
}

impl Plan {
    /// Nothing ahead, nothing streamed.
    pub const PLAIN: Plan = Plan {
        ahead: Ahead::NONE,
        streamed: false,
    };
}

/// From a size of the table on, and up to a length of its rows, what is asked for ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Bytes of the smallest table.
    pub table: usize,
    /// Bytes of the longest row.
    pub row: usize,
    /// What is asked for.
    pub ahead: Ahead,
}

/// The numbers of a class of machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// For rows that are looked up one by one. The last step that fits counts.
    pub lookup: [Step; 3],
    /// The same for rows that go into bags.
    pub bag: [Step; 2],
    /// Bytes of the smallest output that is streamed.
    pub stream: usize,
    /// Bytes of the shortest rows that are.
    pub stream_row: usize,
}

const MIB: usize = 1 << 20;

/// Bytes of the smallest output that is written past the caches: 1.05 to 1.2 at 25 to 100 MB. Below 1 MiB it
/// costs 10 to 35 %, since whoever reads the output next has to get it back from memory.
const STREAM: usize = 8 * MIB;

/// Bytes of the shortest rows that are. 512: 1.05; 256: 1.2 where the output begins at a line, but 0.87 where it
/// does not, and JavaScript's arrays begin 16 bytes behind one.
const STREAM_ROW: usize = 512;

impl Tuning {
    /// Nothing ahead, nothing streamed.
    pub const PLAIN: Tuning = Tuning {
        lookup: [Step::NEVER; 3],
        bag: [Step::NEVER; 2],
        stream: usize::MAX,
        stream_row: usize::MAX,
    };

    /// The numbers of a machine.
    pub fn of(machine: Machine) -> Tuning {
        // Where nobody says how large the L2 cache is, it is a common one.
        let l2 = if machine.l2 == 0 { MIB } else { machine.l2 };
        match machine.vendor {
            // Sapphire Rapids, 2 vCPUs of a shared machine, rows of 256 to 4096 bytes.
            Vendor::Intel => Tuning {
                lookup: [
                    Step::NEVER,
                    // 4 rows: 1.02 to 1.1 at 1200 and 1536 bytes. From 3 KiB on the processor's own prefetcher is
                    // better (asking too: 0.85 to 0.98).
                    Step::ask(16 * MIB, 2048, Hint::Near, 4),
                    // 8 short ones: 1.03 to 1.15, from 32 MiB to 512; with a streamed output 1.3 times as fast as
                    // without asking. Tables of 8 MiB: 0.92 to 1.01. Far instead of near, 16 to 64 rows: 0.95 to
                    // 1.04. Every second line, for the adjacent-line prefetcher to bring the other: 0.75.
                    Step::ask(16 * MIB, 512, Hint::Near, 8),
                ],
                bag: [
                    Step::NEVER,
                    // 1.10 to 1.16 at 256 bytes, from 8 MiB to 512. Longer rows lose: 1.0 at 1024 bytes (0.9 in a
                    // table of 8 MiB), 0.8 from 1536 on.
                    Step::ask(4 * l2, 512, Hint::Near, 8),
                ],
                stream: STREAM,
                stream_row: STREAM_ROW,
            },
            // Zen 4: 16 rows into every cache gave 1.3 to 1.5 for tables in memory.
            Vendor::Amd => Tuning {
                lookup: [
                    Step::NEVER,
                    Step::NEVER,
                    Step::ask(64 * MIB, 2048, Hint::Near, 16),
                ],
                bag: [Step::NEVER, Step::ask(64 * MIB, 512, Hint::Near, 16)],
                stream: STREAM,
                stream_row: STREAM_ROW,
            },
            // Not measured: a few short rows, which cannot push anything out.
            Vendor::Arm => Tuning {
                lookup: [Step::NEVER, Step::NEVER, Step::ask(64 * MIB, 2048, Hint::Near, 4)],
                bag: [Step::NEVER; 2],
                stream: STREAM,
                stream_row: STREAM_ROW,
            },
            Vendor::Other => Tuning {
                stream: STREAM,
                stream_row: STREAM_ROW,
                ..Tuning::PLAIN
            },
        }
    }

    /// How rows of `row` bytes are looked up one by one in a table of `table` bytes, for an output of `out`
    /// bytes.
    pub fn lookup(&self, table: usize, row: usize, out: usize) -> Plan {
        Plan {
            ahead: last(&self.lookup, table, row),
            streamed: self.streams(row, out),
        }
    }

    /// What is asked for ahead of rows that go into bags.
    pub fn bag(&self, table: usize, row: usize) -> Ahead {
        last(&self.bag, table, row)
    }

    /// Whether an output of `out` bytes, in rows of `row`, is streamed; of a part of one, the whole decides.
    pub fn streams(&self, row: usize, out: usize) -> bool {
        WHOLE.get().unwrap_or(out) >= self.stream && row >= self.stream_row
    }
}

impl Step {
    /// From `table` bytes on and up to `row`: `rows` rows ahead.
    const fn ask(table: usize, row: usize, hint: Hint, rows: usize) -> Step {
        Step {
            table,
            row,
            ahead: Ahead { hint, rows },
        }
    }

    /// No table is that large.
    pub const NEVER: Step = Step {
        table: usize::MAX,
        row: 0,
        ahead: Ahead::NONE,
    };
}

fn last(steps: &[Step], table: usize, row: usize) -> Ahead {
    let fits = |step: &&Step| table >= step.table && row <= step.row;
    steps
        .iter()
        .rev()
        .find(fits)
        .map_or(Ahead::NONE, |step| step.ahead)
}

thread_local! {
    static FORCED: Cell<Option<&'static Tuning>> = const { Cell::new(None) };
    static WHOLE: Cell<Option<usize>> = const { Cell::new(None) };
    static UNTOUCHED: Cell<*const f32> = const { Cell::new(std::ptr::null()) };
}

/// Says that the memory from `start` on was taken from the system and not written yet: the next output that begins
/// there on this thread is not streamed.
///
/// The system has just zeroed each page when it is written first, so its lines are in the caches: stores that go past
/// them have to push them out. A fresh result of 48 MB: 1.15 to 1.2 times as fast as streamed.
pub fn untouched(start: *const f32) {
    UNTOUCHED.set(start);
}

/// What decides whether `out` is streamed: its bytes, or 0 for memory that is [`untouched`].
pub fn stream_bytes(out: &[f32]) -> usize {
    match UNTOUCHED.replace(std::ptr::null()) == out.as_ptr() {
        true => 0,
        false => size_of_val(out),
    }
}

/// Runs `work` on a part of an output of which `bytes` are to decide (see [`stream_bytes`]).
pub fn part_of<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    let _restore = Restore(&WHOLE, WHOLE.replace(Some(bytes)));
    work()
}

/// Puts a value back, also when what lies between panics.
struct Restore<T: 'static>(&'static std::thread::LocalKey<Cell<Option<T>>>, Option<T>);

impl<T> Drop for Restore<T> {
    fn drop(&mut self) {
        self.0.set(self.1.take());
    }
}

/// The numbers in use: this machine's, unless others are forced.
#[inline]
pub fn tuning() -> &'static Tuning {
    static DETECTED: OnceLock<Tuning> = OnceLock::new();
    FORCED
        .get()
        .unwrap_or_else(|| DETECTED.get_or_init(|| Tuning::of(simd::machine())))
}

/// Up to so many lookups, the question what is best takes longer than the answer saves: no id is that far ahead.
const FEW: usize = 8;

/// How `ids` rows of `row` bytes are looked up in a table of `table` bytes, for an output of `out` bytes.
#[inline]
pub fn lookup_plan(ids: usize, table: usize, row: usize, out: usize) -> Plan {
    match ids <= FEW {
        true => Plan::PLAIN,
        false => tuning().lookup(table, row, out),
    }
}

/// Runs `work` with other numbers than this machine's, on this thread: for tests and measurements.
pub fn forced<T>(tuning: &'static Tuning, work: impl FnOnce() -> T) -> T {
    let _restore = Restore(&FORCED, FORCED.replace(Some(tuning)));
    work()
}

/// When a call is worth several threads, and how it is cut for them.
pub mod threads {
    /// A call that touches fewer bytes of rows runs on its own thread alone.
    ///
    /// Two threads against one, call after call on a machine whose host is busy, lookups of 4.2 / 8 / 16 / 48 MB:
    /// 1.36 / 1.70 / 1.78 / 1.83; a layer, bags and normal draws of 12 MB and more 1.75 to 2.0. Waking a helper takes
    /// 5 to 20 microseconds where its processor is awake, and a millisecond where the host must first give it back:
    /// then a call on 4 MB that follows a pause ends before the helper begins (1.0), and a smaller one always would.
    pub const LEAST_BYTES: usize = 4_000_000;

    /// About as many bytes of rows in a part: what a call may have to wait for when a helper loses its processor.
    ///
    /// Between 128 KiB and 8 MiB no difference was seen (1.0, fresh and reused outputs of 6 and 48 MB), so it is
    /// one that costs a fraction of a millisecond, and still many thousand times what it costs to take it.
    pub const PART_BYTES: usize = 512 << 10;

    /// More threads than this never serve one call: the memory is busy long before.
    pub const MOST: usize = 64;
}

/// Large pages.
pub mod pages {
    /// Bytes in one on x86-64, and on ARM with pages of 4 KiB.
    ///
    /// Under a fresh result of 48 MB: 1.65 times as fast as without (the same advice and all pages written at once
    /// by the system beforehand: 1.5; that without large pages: 1.1).
    pub const LARGE: usize = 2 << 20;
}

/// Lines of the caches.
pub mod lines {
    /// Bytes in two of them, which processors fetch together: a table begins at a multiple.
    ///
    /// A row of 256 bytes then lies in 4 lines and 2 pairs. In memory 16 bytes off, where an engine's arrays begin, it
    /// lies in 5 and 3: bags over rows of a table of 256 MiB took 1.6 times as long.
    pub const PAIR: usize = 128;
}
