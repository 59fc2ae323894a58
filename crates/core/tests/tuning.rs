//! Thresholds never change results: every operation with the thresholds of every machine class and with extreme ones,
//! at every alignment of the output.

mod common;

use common::{bits, for_each_isa, odd_table, proven, some_ids, table};
use tokenbed_core::ops::{
    add_positions, bag, embed, gather, Bag, Dropout, Embed, Mode, PositionRows, Positions, Source,
};
use tokenbed_core::simd::{detect, processor, Class, Hint, Isa, Processor};
use tokenbed_core::table::Table;
use tokenbed_core::tuning::{Exec, Prefetch, Step, Tuning};
use tokenbed_core::window::Window;
use tokenbed_core::{
    indices::{Ids, Offsets},
    ops::Bags,
};

const ROWS: usize = 23;
const HINTS: [Hint; 2] = [Hint::Near, Hint::Far];

/// Widths around vectors and cache lines, shorter ones, and ones whose rows end inside a vector or line.
const WIDTHS: [usize; 21] = [
    1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 64, 65, 100, 128, 300,
];

/// Prefetches every row `rows` rows ahead and uses non-temporal stores from `stream` bytes on, for tables of any size.
fn extreme(hint: Hint, rows: usize, stream: usize) -> &'static Tuning {
    let step = Step {
        table: 0,
        row: usize::MAX,
        prefetch: Prefetch { hint, rows },
    };
    Box::leak(Box::new(Tuning {
        lookup: [Step::NEVER, Step::NEVER, step],
        bag: [Step::NEVER, Step::NEVER, step],
        non_temporal_bytes: stream,
        non_temporal_row: 0,
    }))
}

/// The thresholds of every class, with and without non-temporal stores everywhere, and prefetch distances below and above the
/// number of ids.
fn tunings() -> Vec<&'static Tuning> {
    let mut all = Vec::new();
    for class in Class::ALL {
        for l2 in [0, 1 << 20] {
            let tuning = Tuning::of(Processor { class, l2 });
            all.push(&*Box::leak(Box::new(tuning)));
            all.push(&*Box::leak(Box::new(Tuning {
                non_temporal_bytes: 0,
                non_temporal_row: 0,
                ..tuning
            })));
        }
    }
    for hint in HINTS {
        for rows in [0, 1, 2, 12, 13, 14, 64, usize::MAX] {
            all.push(extreme(hint, rows, usize::MAX));
            all.push(extreme(hint, rows, 0));
        }
    }
    all
}

/// Passes `write` an output of `len` values that begins `offset` values after a cache line boundary, and returns the bits.
/// Fails if the values around the output changed.
fn written(offset: usize, len: usize, write: impl FnOnce(&mut [f32])) -> Vec<u32> {
    const LINE: usize = 16;
    let paint = f32::from_bits(0x7fb0_0b5e);
    let mut all = vec![paint; len + 4 * LINE];
    let from = LINE + (LINE - all.as_ptr().addr() / 4 % LINE) % LINE + offset;
    write(&mut all[from..from + len]);
    let untouched = all[..from].iter().chain(&all[from + len..]);
    assert!(
        untouched.map(|x| x.to_bits()).all(|x| x == paint.to_bits()),
        "values around the output were written"
    );
    bits(&all[from..from + len])
}

/// Compares the output of `write` on `isa` under every tuning with its output under the plain one.
fn assert_same(isa: Isa, name: &str, output_offsets: &[usize], len: usize, write: &dyn Fn(Exec, &mut [f32])) {
    let exec = |tuning| Exec { isa, tuning };
    let plain = written(0, len, |out| write(exec(&Tuning::PLAIN), out));
    for tuning in tunings() {
        for &offset in output_offsets {
            let out = written(offset, len, |out| write(exec(tuning), out));
            assert_eq!(
                out, plain,
                "{name}, {offset} values after a line boundary, {tuning:?}"
            );
        }
    }
}

/// Runs every operation on `n` ids of rows of `dim` values.
fn every_op(isa: Isa, dim: usize, n: usize, output_offsets: &[usize]) {
    let (values, pe, x) = (odd_table(ROWS, dim), table(7, dim), table(n, dim));
    let token = Table::f32(ROWS, dim, &values).unwrap();
    let ids = some_ids(n, ROWS);
    let ids = proven(&ids, ROWS);
    let all = Window::all(n, dim);
    let name = |op: &str| format!("{op} of {n} x {dim} on {}", isa.name());
    assert_same(isa, &name("gather"), output_offsets, n * dim, &|exec, out| {
        gather(exec, token, ids, 0..dim, out)
    });
    let places = some_ids(n, 7);
    for rows in [
        PositionRows::From { start: 2, seq: 5 },
        PositionRows::At {
            ids: proven(&places, 7),
            first: 0,
        },
    ] {
        let positions = Positions {
            table: Table::f32(7, dim, &pe).unwrap(),
            rows,
        };
        for dropout in [None, Some(Dropout::new(0.3, 5, 1))] {
            assert_same(isa, &name("add"), output_offsets, n * dim, &|exec, out| {
                add_positions(exec, &positions, dropout.as_ref(), all, Source::Slice(&x), out);
            });
            assert_same(
                isa,
                &name("add in place"),
                output_offsets,
                n * dim,
                &|exec, out| {
                    out.copy_from_slice(&x);
                    add_positions(exec, &positions, dropout.as_ref(), all, Source::InPlace, out);
                },
            );
            for scale in [None, Some(0.3)] {
                for positions in [None, Some(positions)] {
                    let spec = Embed {
                        token,
                        scale,
                        positions,
                        dropout,
                    };
                    assert_same(isa, &name("embed"), output_offsets, n * dim, &|exec, out| {
                        embed(exec, &spec, ids, all, out)
                    });
                }
            }
        }
    }
    let offsets = [0, n as u32 / 3, n as u32 / 3, n as u32 / 2];
    let bags = Bags::Offsets(Offsets::check(Ids::U32(&offsets), n, false).unwrap());
    let weights: Vec<f32> = (0..n).map(|i| i as f32 * 0.3 - 1.0).collect();
    for (mode, weights) in [
        (Mode::Sum, None),
        (Mode::Mean, Some(&weights[..])),
        (Mode::Max, None),
    ] {
        for padding in [None, Some(0)] {
            let spec = Bag {
                table: token,
                mode,
                padding,
            };
            assert_same(isa, &name("bag"), output_offsets, 4 * dim, &|exec, out| {
                bag(exec, &spec, ids, &bags, weights, out);
            });
        }
    }
}

#[test]
fn thresholds_change_no_bit_at_any_width() {
    for_each_isa!(isa => {
        for dim in WIDTHS {
            every_op(isa, dim, 13, &[0, 4, 7]);
        }
    });
}

#[test]
fn thresholds_change_no_bit_at_any_alignment() {
    let output_offsets: Vec<usize> = (0..16).collect();
    for_each_isa!(isa => {
        for (dim, n) in [(1, 1), (1, 40), (3, 1), (5, 9), (16, 3), (20, 7), (37, 5)] {
            every_op(isa, dim, n, &output_offsets);
        }
    });
}

/// With dropout, rows are computed in blocks of 4096 values, and prefetched beyond the end of a block.
#[test]
fn thresholds_change_no_bit_in_several_blocks() {
    for_each_isa!(isa => {
        every_op(isa, 300, 40, &[0]);
    });
}

#[test]
fn thresholds_change_nothing_without_ids() {
    for_each_isa!(isa => {
        every_op(isa, 5, 0, &[0, 3]);
    });
}

#[test]
fn streaming_a_range_of_columns_equals_storing_it() {
    let (dim, n) = (50, 9);
    let values = table(ROWS, dim);
    let rows = Table::f32(ROWS, dim, &values).unwrap();
    let ids = some_ids(n, ROWS);
    for_each_isa!(isa => {
        for cols in [0..1, 3..50, 16..48, 7..24] {
            assert_same(isa, "columns", &[0, 1, 9], n * cols.len(), &|exec, out| {
                gather(exec, rows, proven(&ids, ROWS), cols.clone(), out);
            });
        }
    });
}

#[test]
fn the_last_matching_step_applies() {
    let step = |table, row, rows| Step {
        table,
        row,
        prefetch: Prefetch {
            hint: Hint::Near,
            rows,
        },
    };
    let tuning = Tuning {
        lookup: [Step::NEVER, step(100, 10, 1), step(1000, 20, 2)],
        bag: [Step::NEVER, Step::NEVER, step(1000, 10, 3)],
        non_temporal_bytes: 64,
        non_temporal_row: 8,
    };
    let rows = |table, row| tuning.lookup(table, row, 0).prefetch.rows;
    assert_eq!(
        (rows(99, 1), rows(100, 10), rows(999, 11)),
        (usize::MAX, 1, usize::MAX)
    );
    assert_eq!(
        (rows(1000, 10), rows(1000, 20), rows(usize::MAX, 21)),
        (2, 2, usize::MAX)
    );
    assert_eq!(
        (tuning.bag(999, 1), tuning.bag(1000, 10).rows),
        (Prefetch::NONE, 3)
    );
    assert_eq!(
        (
            tuning.non_temporal(8, 63),
            tuning.non_temporal(8, 64),
            tuning.non_temporal(7, 64)
        ),
        (false, true, false)
    );
    assert!(!tuning.lookup(0, 8, 63).non_temporal && tuning.lookup(0, 8, 64).non_temporal);
    assert_eq!(
        Tuning::PLAIN.lookup(usize::MAX - 1, 1, 1 << 40).prefetch,
        Prefetch::NONE
    );
}

#[test]
fn no_class_prefetches_small_tables_or_bypasses_caches_for_small_outputs() {
    for class in Class::ALL {
        for l2 in [0, 256 << 10, 2 << 20] {
            let tuning = Tuning::of(Processor { class, l2 });
            for row in [4, 512, 4096] {
                assert_eq!(
                    tuning.lookup(l2 / 2, row, 0).prefetch,
                    Prefetch::NONE,
                    "{class:?}"
                );
                assert_eq!(tuning.bag(l2 / 2, row), Prefetch::NONE, "{class:?}");
            }
            assert!(
                !tuning.non_temporal(4096, 1 << 20),
                "small outputs stay in the caches for the next operation"
            );
        }
    }
}

#[test]
fn a_call_uses_the_thresholds_of_this_machine() {
    let exec = Exec::from(detect());
    assert_eq!((exec.isa, *exec.tuning), (detect(), Tuning::of(processor())));
}

#[test]
fn a_call_uses_the_thresholds_of_the_class_that_is_named() {
    for class in Class::ALL {
        let named = Exec::from(detect()).with_class(class);
        let processor = Processor { class, ..processor() };
        assert_eq!(
            (named.isa, *named.tuning),
            (detect(), Tuning::of(processor)),
            "{class:?}"
        );
    }
}

#[test]
fn large_tables_and_outputs_with_the_thresholds_of_this_machine() {
    // 66 MiB of rows, 9 MiB of output: beyond every threshold.
    let (rows, dim, n) = (17_000, 1024, 2304);
    let values = table(rows, dim);
    let ids = some_ids(n, rows);
    let wanted: Vec<u32> = ids
        .iter()
        .flat_map(|&id| bits(&values[id as usize * dim..][..dim]))
        .collect();
    let out = written(4, n * dim, |out| {
        let table = Table::f32(rows, dim, &values).unwrap();
        gather(detect(), table, proven(&ids, rows), 0..dim, out);
    });
    assert!(out == wanted);
}
