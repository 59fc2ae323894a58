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

    /// Whether an output of `out` bytes, in rows of `row`, is streamed.
    pub fn streams(&self, row: usize, out: usize) -> bool {
        out >= self.stream && row >= self.stream_row
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
}

/// The numbers in use: this machine's, unless others are forced.
#[inline]
pub fn tuning() -> &'static Tuning {
    static DETECTED: OnceLock<Tuning> = OnceLock::new();
    FORCED
        .get()
        .unwrap_or_else(|| DETECTED.get_or_init(|| Tuning::of(simd::machine())))
}

/// Runs `work` with other numbers than this machine's, on this thread: for tests and measurements.
pub fn forced<T>(tuning: &'static Tuning, work: impl FnOnce() -> T) -> T {
    /// Also when `work` panics.
    struct Restore(Option<&'static Tuning>);
    impl Drop for Restore {
        fn drop(&mut self) {
            FORCED.set(self.0);
        }
    }
    let _restore = Restore(FORCED.replace(Some(tuning)));
    work()
}
