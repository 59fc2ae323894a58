//! No number of a machine's class changes a bit: every operation with every class and with thresholds beyond
//! any of them, at every alignment of the output.

mod common;

use common::{bits, for_each_isa, odd_table, proven, some_ids, table};
use tokenbed_core::ops::{
    add_positions, bag, embed, gather, Bag, Dropout, Embed, Mode, PositionRows, Positions, Source,
};
use tokenbed_core::simd::{detect, processor, Hint, Isa, Processor, Vendor};
use tokenbed_core::table::Table;
use tokenbed_core::tuning::{Exec, Prefetch, Step, Tuning};
use tokenbed_core::window::Window;
use tokenbed_core::{
    indices::{Ids, Offsets},
    ops::Bags,
};

const ROWS: usize = 23;
const VENDORS: [Vendor; 4] = [Vendor::Intel, Vendor::Amd, Vendor::Arm, Vendor::Other];
const HINTS: [Hint; 2] = [Hint::Near, Hint::Far];

/// Around every vector and around a line, shorter than both, and with rows that end in the middle of either.
const WIDTHS: [usize; 21] = [
    1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 64, 65, 100, 128, 300,
];

/// Every row asked for `rows` before, every output streamed from `stream` bytes on, however small the table.
fn extreme(hint: Hint, rows: usize, stream: usize) -> &'static Tuning {
    let step = Step {
        table: 0,
        row: usize::MAX,
        prefetch: Prefetch { hint, rows },
    };
    Box::leak(Box::new(Tuning {
        lookup: [Step::NEVER, Step::NEVER, step],
        bag: [Step::NEVER, step],
        non_temporal_bytes: stream,
        non_temporal_row: 0,
    }))
}

/// The numbers of every class, as if it streamed everything too, and every distance on both sides of the ids.
fn tunings() -> Vec<&'static Tuning> {
    let mut all = Vec::new();
    for vendor in VENDORS {
        for l2 in [0, 1 << 20] {
            let class = Tuning::of(Processor { vendor, l2 });
            all.push(&*Box::leak(Box::new(class)));
            all.push(&*Box::leak(Box::new(Tuning {
                non_temporal_bytes: 0,
                non_temporal_row: 0,
                ..class
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

/// Lets `write` fill `len` values that begin `off` values behind the boundary of a line, and returns their
/// bits. Fails when the values around them changed.
fn written(off: usize, len: usize, write: impl FnOnce(&mut [f32])) -> Vec<u32> {
    const LINE: usize = 16;
    let paint = f32::from_bits(0x7fb0_0b5e);
    let mut all = vec![paint; len + 4 * LINE];
    let from = LINE + (LINE - all.as_ptr().addr() / 4 % LINE) % LINE + off;
    write(&mut all[from..from + len]);
    let untouched = all[..from].iter().chain(&all[from + len..]);
    assert!(
        untouched.map(|x| x.to_bits()).all(|x| x == paint.to_bits()),
        "values around the output were written"
    );
    bits(&all[from..from + len])
}

/// Compares what `write` writes on `isa` with every tuning with what it writes without any.
fn same_everywhere(isa: Isa, what: &str, offs: &[usize], len: usize, write: &dyn Fn(Exec, &mut [f32])) {
    let exec = |tuning| Exec { isa, tuning };
    let plain = written(0, len, |out| write(exec(&Tuning::PLAIN), out));
    for tuning in tunings() {
        for &off in offs {
            let out = written(off, len, |out| write(exec(tuning), out));
            assert_eq!(out, plain, "{what}, {off} values behind a line, {tuning:?}");
        }
    }
}

/// Runs every operation on `n` ids of rows of `dim` values.
fn every_op(isa: Isa, dim: usize, n: usize, offs: &[usize]) {
    let (values, pe, x) = (odd_table(ROWS, dim), table(7, dim), table(n, dim));
    let token = Table::f32(ROWS, dim, &values).unwrap();
    let ids = some_ids(n, ROWS);
    let ids = proven(&ids, ROWS);
    let all = Window::all(n, dim);
    let about = |op: &str| format!("{op} of {n} x {dim} on {}", isa.name());
    same_everywhere(isa, &about("gather"), offs, n * dim, &|exec, out| {
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
            same_everywhere(isa, &about("add"), offs, n * dim, &|exec, out| {
                add_positions(exec, &positions, dropout.as_ref(), all, Source::Slice(&x), out);
            });
            same_everywhere(isa, &about("add in place"), offs, n * dim, &|exec, out| {
                out.copy_from_slice(&x);
                add_positions(exec, &positions, dropout.as_ref(), all, Source::InPlace, out);
            });
            for scale in [None, Some(0.3)] {
                for positions in [None, Some(positions)] {
                    let spec = Embed {
                        token,
                        scale,
                        positions,
                        dropout,
                    };
                    same_everywhere(isa, &about("embed"), offs, n * dim, &|exec, out| {
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
            same_everywhere(isa, &about("bag"), offs, 4 * dim, &|exec, out| {
                bag(exec, &spec, ids, &bags, weights, out);
            });
        }
    }
}

#[test]
fn no_number_changes_a_bit_at_any_width() {
    for_each_isa!(isa => {
        for dim in WIDTHS {
            every_op(isa, dim, 13, &[0, 4, 7]);
        }
    });
}

#[test]
fn nor_at_any_alignment_of_the_output() {
    let offs: Vec<usize> = (0..16).collect();
    for_each_isa!(isa => {
        for (dim, n) in [(1, 1), (1, 40), (3, 1), (5, 9), (16, 3), (20, 7), (37, 5)] {
            every_op(isa, dim, n, &offs);
        }
    });
}

#[test]
fn nor_where_there_are_no_ids() {
    for_each_isa!(isa => {
        every_op(isa, 5, 0, &[0, 3]);
    });
}

#[test]
fn a_range_of_columns_is_streamed_as_it_is_stored() {
    let (dim, n) = (50, 9);
    let values = table(ROWS, dim);
    let rows = Table::f32(ROWS, dim, &values).unwrap();
    let ids = some_ids(n, ROWS);
    for_each_isa!(isa => {
        for cols in [0..1, 3..50, 16..48, 7..24] {
            same_everywhere(isa, "columns", &[0, 1, 9], n * cols.len(), &|exec, out| {
                gather(exec, rows, proven(&ids, ROWS), cols.clone(), out);
            });
        }
    });
}

#[test]
fn the_last_step_that_fits_counts() {
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
        bag: [Step::NEVER, step(1000, 10, 3)],
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
fn small_tables_and_outputs_are_left_alone_by_every_class() {
    for vendor in VENDORS {
        for l2 in [0, 256 << 10, 2 << 20] {
            let tuning = Tuning::of(Processor { vendor, l2 });
            for row in [4, 512, 4096] {
                assert_eq!(
                    tuning.lookup(l2 / 2, row, 0).prefetch,
                    Prefetch::NONE,
                    "{vendor:?}"
                );
                assert_eq!(tuning.bag(l2 / 2, row), Prefetch::NONE, "{vendor:?}");
            }
            assert!(
                !tuning.non_temporal(4096, 1 << 20),
                "what is used next would have to be read again"
            );
        }
    }
}

#[test]
fn a_call_uses_the_numbers_of_this_machine() {
    let exec = Exec::from(detect());
    assert_eq!((exec.isa, *exec.tuning), (detect(), Tuning::of(processor())));
}

#[test]
fn large_tables_and_outputs_take_the_way_of_this_machine() {
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
