//! No number of a machine's class changes a bit: every operation with every class and with thresholds beyond
//! any of them, at every alignment of the output.

mod common;

use common::{bits, for_each_isa, odd_table, proven, some_ids, table};
use std::panic::catch_unwind;
use tokenbed_core::checked::{Bags, Ids, Offsets};
use tokenbed_core::ops::{
    add, bag, gather, layer, Bag, Dropout, Layer, Mode, PositionRows, Positions, Source,
};
use tokenbed_core::simd::{detect, machine, Hint, Isa, Machine, Vendor};
use tokenbed_core::table::Table;
use tokenbed_core::tuning::{forced, tuning, Ahead, Step, Tuning};
use tokenbed_core::window::Window;

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
        ahead: Ahead { hint, rows },
    };
    Box::leak(Box::new(Tuning {
        lookup: [Step::NEVER, Step::NEVER, step],
        bag: [Step::NEVER, step],
        stream,
        stream_row: 0,
    }))
}

/// The numbers of every class, as if it streamed everything too, and every distance on both sides of the ids.
fn tunings() -> Vec<&'static Tuning> {
    let mut all = Vec::new();
    for vendor in VENDORS {
        for l2 in [0, 1 << 20] {
            let class = Tuning::of(Machine { vendor, l2 });
            all.push(&*Box::leak(Box::new(class)));
            all.push(&*Box::leak(Box::new(Tuning {
                stream: 0,
                stream_row: 0,
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

/// Compares what `write` writes with every tuning with what it writes without any.
fn same_everywhere(what: &str, offs: &[usize], len: usize, write: &dyn Fn(&mut [f32])) {
    let plain = written(0, len, |out| forced(&Tuning::PLAIN, || write(out)));
    for tuning in tunings() {
        for &off in offs {
            let out = written(off, len, |out| forced(tuning, || write(out)));
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
    same_everywhere(&about("gather"), offs, n * dim, &|out| {
        gather(isa, token, ids, 0..dim, out)
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
            same_everywhere(&about("add"), offs, n * dim, &|out| {
                add(isa, &positions, dropout.as_ref(), all, Source::Slice(&x), out);
            });
            same_everywhere(&about("add in place"), offs, n * dim, &|out| {
                out.copy_from_slice(&x);
                add(isa, &positions, dropout.as_ref(), all, Source::InPlace, out);
            });
            for scale in [None, Some(0.3)] {
                for positions in [None, Some(positions)] {
                    let spec = Layer {
                        token,
                        scale,
                        positions,
                        dropout,
                    };
                    same_everywhere(&about("layer"), offs, n * dim, &|out| {
                        layer(isa, &spec, ids, all, out)
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
            same_everywhere(&about("bag"), offs, 4 * dim, &|out| {
                bag(isa, &spec, ids, &bags, weights, out);
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
            same_everywhere("columns", &[0, 1, 9], n * cols.len(), &|out| {
                gather(isa, rows, proven(&ids, ROWS), cols.clone(), out);
            });
        }
    });
}

#[test]
fn the_last_step_that_fits_counts() {
    let step = |table, row, rows| Step {
        table,
        row,
        ahead: Ahead {
            hint: Hint::Near,
            rows,
        },
    };
    let tuning = Tuning {
        lookup: [Step::NEVER, step(100, 10, 1), step(1000, 20, 2)],
        bag: [Step::NEVER, step(1000, 10, 3)],
        stream: 64,
        stream_row: 8,
    };
    let rows = |table, row| tuning.lookup(table, row, 0).ahead.rows;
    assert_eq!(
        (rows(99, 1), rows(100, 10), rows(999, 11)),
        (usize::MAX, 1, usize::MAX)
    );
    assert_eq!(
        (rows(1000, 10), rows(1000, 20), rows(usize::MAX, 21)),
        (2, 2, usize::MAX)
    );
    assert_eq!((tuning.bag(999, 1), tuning.bag(1000, 10).rows), (Ahead::NONE, 3));
    assert_eq!(
        (
            tuning.streams(8, 63),
            tuning.streams(8, 64),
            tuning.streams(7, 64)
        ),
        (false, true, false)
    );
    assert!(!tuning.lookup(0, 8, 63).streamed && tuning.lookup(0, 8, 64).streamed);
    assert_eq!(
        Tuning::PLAIN.lookup(usize::MAX - 1, 1, 1 << 40).ahead,
        Ahead::NONE
    );
}

#[test]
fn small_tables_and_outputs_are_left_alone_by_every_class() {
    for vendor in VENDORS {
        for l2 in [0, 256 << 10, 2 << 20] {
            let tuning = Tuning::of(Machine { vendor, l2 });
            for row in [4, 512, 4096] {
                assert_eq!(tuning.lookup(l2 / 2, row, 0).ahead, Ahead::NONE, "{vendor:?}");
                assert_eq!(tuning.bag(l2 / 2, row), Ahead::NONE, "{vendor:?}");
            }
            assert!(
                !tuning.streams(4096, 1 << 20),
                "what is used next would have to be read again"
            );
        }
    }
}

#[test]
fn a_class_is_found_once_and_others_are_forced_for_a_while() {
    let own = Tuning::of(machine());
    assert_eq!((machine(), *tuning()), (machine(), own));
    let other = extreme(Hint::Far, 5, 9);
    forced(other, || {
        assert_eq!(tuning(), other);
        forced(&Tuning::PLAIN, || assert_eq!(*tuning(), Tuning::PLAIN));
        assert_eq!(tuning(), other);
        let elsewhere = std::thread::spawn(|| *tuning()).join().unwrap();
        assert_eq!(elsewhere, own, "other threads are left alone");
    });
    assert!(catch_unwind(|| forced(other, || panic!("of the test"))).is_err());
    assert_eq!(*tuning(), own);
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
