//! Thresholds: all measured numbers are in this module.
//!
//! They change no bit of a result. An operation selects a plan once, at its start, from the sizes of the table, a row
//! and the output, and runs the same body for every plan:
//!
//! ```text
//! the table fits the inner caches       no prefetch: the rows are cached, or will be soon
//! it fits the outer caches              short rows are prefetched a few ahead, into every cache
//! it is larger                          rows are prefetched many ahead, into the outer caches
//! the output is larger than the caches  non-temporal stores
//! ```
//!
//! The numbers depend on the class of the processor, which is detected once, or named by `TOKENBED_TUNING`. Ratios in
//! the comments are speed-ups: medians of interleaved runs with random ids, compared with the same kernel without the
//! optimization. Each class names the machine of its measurement; `npm run bench:tune` repeats it on another one. A
//! class that was not measured uses numbers of another class that cannot slow it down much.

use crate::memory::TableSpec;
use crate::simd::{self, Class, Hint, Isa, Processor};
use std::sync::OnceLock;

/// The target caches and the distance of row prefetches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefetch {
    /// The caches to prefetch into.
    pub hint: Hint,
    /// The prefetch distance, in rows.
    pub rows: usize,
}

impl Prefetch {
    /// No prefetch: the distance is larger than any number of ids.
    pub const NONE: Prefetch = Prefetch {
        hint: Hint::Far,
        rows: usize::MAX,
    };
}

/// The memory access plan of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The target caches and the distance of row prefetches.
    pub prefetch: Prefetch,
    /// Whether the output is written with non-temporal stores.
    pub non_temporal: bool,
}

impl Plan {
    /// No prefetch, no non-temporal stores.
    pub const PLAIN: Plan = Plan {
        prefetch: Prefetch::NONE,
        non_temporal: false,
    };
}

/// The prefetch plan of tables of at least a size, with rows up to a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Bytes of the smallest table.
    pub table: usize,
    /// Bytes of the longest row.
    pub row: usize,
    /// The target caches and the distance of row prefetches.
    pub prefetch: Prefetch,
}

/// The numbers of a class of processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// For rows that are looked up one by one. The last step that fits is used.
    pub lookup: [Step; 3],
    /// The same for rows that go into bags.
    pub bag: [Step; 3],
    /// Bytes of the smallest output that is written with non-temporal stores.
    pub non_temporal_bytes: usize,
    /// Bytes of the shortest rows of such an output.
    pub non_temporal_row: usize,
}

const MIB: usize = 1 << 20;

/// Bytes of the smallest output that is written with non-temporal stores: 1.05 to 1.2 at 25 to 100 MB. Below 1 MiB
/// they cost 10 to 35 %, since the next reader has to fetch the output from memory.
const NON_TEMPORAL_BYTES: usize = 8 * MIB;

/// Bytes of the shortest rows of such an output. 512: 1.05; 256: 1.2 where the output begins at a line, but 0.87 where
/// it does not, and JavaScript's arrays begin 16 bytes behind one.
const NON_TEMPORAL_ROW: usize = 512;

impl Tuning {
    /// No prefetch, no non-temporal stores.
    pub const PLAIN: Tuning = Tuning {
        lookup: [Step::NEVER; 3],
        bag: [Step::NEVER; 3],
        non_temporal_bytes: usize::MAX,
        non_temporal_row: usize::MAX,
    };

    /// The numbers of a processor.
    pub fn of(processor: Processor) -> Tuning {
        // If the size of the L2 cache is unknown, a common size is assumed.
        let l2 = if processor.l2 == 0 { MIB } else { processor.l2 };
        match processor.class {
            // Sapphire Rapids, 2 vCPUs of a shared machine, rows of 256 to 4096 bytes.
            Class::Intel => Tuning {
                lookup: [
                    Step::NEVER,
                    // 4 rows: 1.02 to 1.1 at 1200 and 1536 bytes. From 3 KiB on the hardware prefetcher is better (with
                    // prefetches too: 0.85 to 0.98).
                    Step::from(16 * MIB, 2048, Hint::Near, 4),
                    // 8 short ones: 1.03 to 1.15, from 32 MiB to 512; with non-temporal stores 1.3 times as fast as
                    // without. Tables of 8 MiB: 0.92 to 1.01. Far instead of near, 16 to 64 rows: 0.95 to
                    // 1.04. Every second line, for the adjacent-line prefetcher to bring the other: 0.75.
                    Step::from(16 * MIB, 512, Hint::Near, 8),
                ],
                bag: [
                    Step::NEVER,
                    Step::NEVER,
                    // 1.10 to 1.16 at 256 bytes, from 8 MiB to 512. Longer rows lose: 1.0 at 1024 bytes (0.9 in a
                    // table of 8 MiB), 0.8 from 1536 on.
                    Step::from(4 * l2, 512, Hint::Near, 8),
                ],
                non_temporal_bytes: NON_TEMPORAL_BYTES,
                non_temporal_row: NON_TEMPORAL_ROW,
            },
            // Granite Rapids, 2 vCPUs of a shared machine with 480 MiB of L3: `npm run bench:tune`, 1 December 2026, lookups
            // at fc68b67, bags at 478290f; compared with the numbers of `Intel`. Rows of 40 to 4096 bytes (f32, f16, i8),
            // tables of 4 to 256 MiB.
            Class::Granite => Tuning {
                lookup: [
                    Step::NEVER,
                    // 256 MiB: 1.1 to 1.2, i8 1.5; 32 and 64 MiB: 1.0 to 1.3. Near instead of far: 0.8 to 0.95 of it.
                    Step::from(32 * MIB, 4096, Hint::Far, 32),
                    Step::from(32 * MIB, 512, Hint::Far, 64),
                ],
                bag: [
                    // 64 MiB: 1.05 to 1.2; 32 MiB: 1.0 to 1.1; less: 0.95 to 1.05, i8 1.1.
                    Step::from(4 * MIB, 1024, Hint::Near, 8),
                    // 256 MiB: 1.25 to 1.6, rows of 1.5 KiB 1.1; 64 MiB: 1.15 to 1.3, 0.9 to 1.0 at 1 KiB and more. Longer
                    // rows lose up to 13 %.
                    Step::from(64 * MIB, 2048, Hint::Far, 64),
                    // f32 1.1; 1.1 to 1.5 at 128 bytes and less.
                    Step::from(32 * MIB, 512, Hint::Far, 64),
                ],
                non_temporal_bytes: NON_TEMPORAL_BYTES,
                // 512 to 1536 bytes: 1.3 to 2; 3 KiB and more: 1.4.
                non_temporal_row: NON_TEMPORAL_ROW,
            },
            // Zen 4, 2 vCPUs of a shared machine with 32 MiB of L3: rows of 72 to 4096 bytes, tables of 4 to 256 MiB.
            // Far instead of near: 1.5 to 3 in tables of 64 MiB and more, where near gains next to nothing over no
            // prefetch.
            Class::Zen4 => Tuning {
                lookup: [
                    Step::NEVER,
                    Step::NEVER,
                    // 1.3 to 3 at up to 3072 bytes in 32 MiB and more, 1.0 to 2 in 8 MiB; 1.0 at 4096 bytes. 32 rows:
                    // within 5 %; 4 rows: down to 0.5 at 72 bytes. Tables of 4 MiB: 0.7 to 1.1.
                    Step::from(8 * MIB, 3072, Hint::Far, 16),
                ],
                bag: [
                    Step::NEVER,
                    // 1.3 to 3.
                    Step::from(16 * MIB, 3072, Hint::Far, 32),
                    // 2.8 to 4.7 at 64 to 256 bytes in 64 MiB, 16 rows 0.7 to 0.9 of it; 1.0 to 2.8 in 8 MiB, where
                    // rows of 1536 bytes lose (0.9).
                    Step::from(8 * MIB, 512, Hint::Far, 32),
                ],
                non_temporal_bytes: NON_TEMPORAL_BYTES,
                non_temporal_row: NON_TEMPORAL_ROW,
            },
            // Zen 5, 2 vCPUs of a shared machine with 32 MiB of L3: `npm run bench:tune` at 39a076c, 1 December 2026.
            // Rows of 40 to 4096 bytes (f32, f16, i8), tables of 4 to 256 MiB; quartiles over dtypes and operations.
            // Far instead of near: 0.94.
            Class::Zen5 => Tuning {
                lookup: [
                    // 1.5 to 2.1 from 32 MiB on, 1.1 to 1.3 in 16 MiB, 0.96 to 1.03 in 8 MiB, where rows of 3 KiB and
                    // more lose. 4 rows: within 1 %; 16 rows: 0.95 of it.
                    Step::from(8 * MIB, 4096, Hint::Near, 8),
                    // 2.1 to 3.5 from 32 MiB on, 1.3 to 1.5 in 16 MiB, 1.0 to 1.1 in 8 MiB. 8 and 32 rows: 0.95 of it.
                    Step::from(8 * MIB, 512, Hint::Near, 16),
                    // 2.3 to 3.6 from 32 MiB on, 1.6 to 1.9 in 16 MiB. 16 rows: 0.77 of it; 64 rows: within 3 %.
                    Step::from(16 * MIB, 256, Hint::Near, 32),
                ],
                bag: [
                    Step::NEVER,
                    // From 32 MiB on 1.5 to 3.0, f32 1.1 to 1.5; in 16 MiB 0.94 to 1.25. 1032: rows of 1024 i8 values.
                    // Longer f32 rows lose (0.86 to 0.98), those of f16 would gain (1.0 to 1.35). 8 rows: 0.93 of it.
                    Step::from(16 * MIB, 1032, Hint::Near, 32),
                    // 2.3 to 3.4 from 32 MiB on, 1.0 to 1.8 in 16 MiB. 32 rows: 0.9 of it.
                    Step::from(16 * MIB, 128, Hint::Near, 64),
                ],
                non_temporal_bytes: NON_TEMPORAL_BYTES,
                // f32 rows of 256 bytes: 1.4 to 1.6; 128: 0.95; 512 to 1536: 1.06 to 1.5; 3 KiB and more: 0.89 to 1.0.
                non_temporal_row: 256,
            },
            // 16 rows into every cache gave 1.3 to 1.5 for tables in memory.
            Class::Amd => Tuning {
                lookup: [
                    Step::NEVER,
                    Step::NEVER,
                    Step::from(64 * MIB, 2048, Hint::Near, 16),
                ],
                bag: [
                    Step::NEVER,
                    Step::NEVER,
                    Step::from(64 * MIB, 512, Hint::Near, 16),
                ],
                non_temporal_bytes: NON_TEMPORAL_BYTES,
                non_temporal_row: NON_TEMPORAL_ROW,
            },
            // Not measured: a few short rows, which cannot evict much.
            Class::Arm => Tuning {
                lookup: [
                    Step::NEVER,
                    Step::NEVER,
                    Step::from(64 * MIB, 2048, Hint::Near, 4),
                ],
                bag: [Step::NEVER; 3],
                non_temporal_bytes: NON_TEMPORAL_BYTES,
                non_temporal_row: NON_TEMPORAL_ROW,
            },
            // Node 20 on Zen 5 with 32 MiB of L3: prefetches by loads, for groups of about 32 KiB. Lookups and bags in
            // 4 MiB and less: 0.8 to 1.0.
            Class::WebAssembly => Tuning {
                // Layers: 1.65 to 3 at 256 to 3072 bytes; on Granite Rapids 1.2 to 2.3. Copies of rows do not use it.
                lookup: [
                    Step::from(16 * MIB, 4096, Hint::Near, 12),
                    Step::from(16 * MIB, 1536, Hint::Near, 24),
                    Step::from(16 * MIB, 512, Hint::Near, 64),
                ],
                // The rows of the bag itself: 1.35 to 2.9 at 256 to 3072 bytes. Scores, which use this
                // step too: 1.5 to 1.8 at 256 bytes and 16 rows or more, 0.85 to 1.2 at 1536 and 3072 bytes.
                bag: [
                    Step::NEVER,
                    Step::NEVER,
                    Step::from(16 * MIB, 4096, Hint::Near, 0),
                ],
                non_temporal_bytes: NON_TEMPORAL_BYTES,
                non_temporal_row: NON_TEMPORAL_ROW,
            },
            Class::Other => Tuning {
                non_temporal_bytes: NON_TEMPORAL_BYTES,
                non_temporal_row: NON_TEMPORAL_ROW,
                ..Tuning::PLAIN
            },
        }
    }

    /// The plan for a lookup of `ids` rows in a table of `spec`. `out` is the size of the output that decides on
    /// non-temporal stores (see [`Output`](crate::output::Output)).
    #[inline]
    pub fn plan(&self, ids: usize, spec: &TableSpec, out: usize) -> Plan {
        // For fewer ids, selecting a plan takes longer than it saves.
        const FEW: usize = 8;
        if ids <= FEW {
            return Plan::PLAIN;
        }
        self.lookup(spec.bytes(), spec.row_bytes(), out)
    }

    /// The prefetch plan for lookups of single rows of `row` bytes in a table of `table` bytes.
    pub fn lookup(&self, table: usize, row: usize, out: usize) -> Plan {
        Plan {
            prefetch: last(&self.lookup, table, row),
            non_temporal: self.non_temporal(row, out),
        }
    }

    /// The prefetch plan for rows of `row` bytes that are reduced in bags.
    pub fn bag(&self, table: usize, row: usize) -> Prefetch {
        last(&self.bag, table, row)
    }

    /// Whether rows of `row` bytes are written with non-temporal stores. `out` is the size of the output that decides.
    pub fn non_temporal(&self, row: usize, out: usize) -> bool {
        out >= self.non_temporal_bytes && row >= self.non_temporal_row
    }
}

impl Step {
    /// A step for tables of at least `table` bytes and rows of up to `row` bytes: prefetches `rows` rows ahead.
    const fn from(table: usize, row: usize, hint: Hint, rows: usize) -> Step {
        Step {
            table,
            row,
            prefetch: Prefetch { hint, rows },
        }
    }

    /// A step that matches no table.
    pub const NEVER: Step = Step {
        table: usize::MAX,
        row: 0,
        prefetch: Prefetch::NONE,
    };
}

fn last(steps: &[Step], table: usize, row: usize) -> Prefetch {
    let fits = |step: &&Step| table >= step.table && row <= step.row;
    steps
        .iter()
        .rev()
        .find(fits)
        .map_or(Prefetch::NONE, |step| step.prefetch)
}

/// The instruction set and the thresholds of a call.
#[derive(Debug, Clone, Copy)]
pub struct Exec {
    /// The instruction set.
    pub isa: Isa,
    /// The numbers.
    pub tuning: &'static Tuning,
}

impl Exec {
    /// The same instruction set with the thresholds of a class, whatever this machine is.
    pub fn with_class(self, class: Class) -> Self {
        const CLASSES: usize = Class::ALL.len();
        static TUNINGS: [OnceLock<Tuning>; CLASSES] = [const { OnceLock::new() }; CLASSES];
        let tuning = TUNINGS[class as usize].get_or_init(|| {
            let processor = simd::processor();
            Tuning::of(Processor { class, ..processor })
        });
        Exec { tuning, ..self }
    }
}

impl From<Isa> for Exec {
    /// An execution context with the thresholds of this machine.
    #[inline]
    fn from(isa: Isa) -> Self {
        static DETECTED: OnceLock<Tuning> = OnceLock::new();
        let tuning = DETECTED.get_or_init(|| Tuning::of(simd::processor()));
        Exec { isa, tuning }
    }
}
