//! Adding positions to vectors, compared with the reference, on every instruction set.

mod common;
mod reference;

use common::{bits, bits_any_nan, for_each_isa, odd_table, painted, plain, proven, some_ids, table, WIDTHS};
use proptest::prelude::*;
use reference::position::{add_positions as expected, Drop};
use tokenbed_core::ops::{add_positions, Dropout, PositionRows, Positions, Source};
use tokenbed_core::simd::{available, detect};
use tokenbed_core::table::Table;
use tokenbed_core::window::Window;

const POSITIONS: usize = 9;
const DROP: Drop = Drop {
    p: 0.4,
    seed: 0x0123_4567_89ab_cdef,
    call: 5,
};

fn kernel(drop: Option<Drop>) -> Option<Dropout> {
    drop.map(|Drop { p, seed, call }| Dropout::new(p, seed, call))
}

#[test]
fn every_width_with_and_without_dropout_and_in_place() {
    for_each_isa!(isa => {
        for dim in WIDTHS {
            let pe = odd_table(POSITIONS, dim);
            let positions = Positions {
                table: Table::f32(POSITIONS, dim, &pe).unwrap(),
                rows: PositionRows::From { start: 2, seq: 5 },
            };
            let rows = 13;
            let x = table(rows, dim);
            let window = Window::all(rows, dim);
            for drop in [None, Some(DROP)] {
                let wanted = expected(&x, dim, &pe, |r| 2 + r % 5, drop);
                let dropout = kernel(drop);
                let fresh = painted(x.len(), |out| {
                    add_positions(isa, &positions, dropout.as_ref(), window, Source::Slice(&x), out);
                });
                let in_place = painted(x.len(), |out| {
                    out.copy_from_slice(&x);
                    add_positions(isa, &positions, dropout.as_ref(), window, Source::InPlace, out);
                });
                assert_eq!(bits_any_nan(&fresh), bits_any_nan(&wanted), "width {dim}");
                assert_eq!(bits_any_nan(&in_place), bits_any_nan(&wanted), "width {dim} in place");
            }
        }
    });
}

#[test]
fn position_ids_for_one_sequence_and_for_every_row() {
    let (dim, rows) = (19, 12);
    let (pe, x) = (table(POSITIONS, dim), table(rows, dim));
    let table = Table::f32(POSITIONS, dim, &pe).unwrap();
    for_each_isa!(isa => {
        for listed in [1, 4, rows] {
            let ids = some_ids(listed, POSITIONS);
            let by_ids = |ids, first| Positions { table, rows: PositionRows::At { ids, first } };
            let positions = by_ids(proven(&ids, POSITIONS), 0);
            let wanted = expected(&x, dim, &pe, |r| plain(&ids)[r % listed], Some(DROP));
            let out = painted(x.len(), |out| {
                let window = Window::all(rows, dim);
                add_positions(isa, &positions, kernel(Some(DROP)).as_ref(), window, Source::Slice(&x), out);
            });
            assert_eq!(out, wanted, "{listed} position ids");
            // A window of the last rows, with only the ids of those rows.
            let last = listed.min(5);
            let window = Window { first_row: rows - last, rows: last, first_col: 0, cols: dim };
            let positions = by_ids(proven(&ids, POSITIONS).slice(listed - last..listed), rows - last);
            let (x, wanted) = (&x[window.first_row * dim..], &wanted[window.first_row * dim..]);
            let out = painted(x.len(), |out| {
                add_positions(isa, &positions, kernel(Some(DROP)).as_ref(), window, Source::Slice(x), out);
            });
            assert_eq!(out, wanted, "the last {last} of {listed} position ids");
        }
    });
}

#[test]
fn a_wide_result_with_many_blocks() {
    let (dim, rows) = (300, 64);
    let (pe, x) = (table(POSITIONS, dim), table(rows, dim));
    let positions = Positions {
        table: Table::f32(POSITIONS, dim, &pe).unwrap(),
        rows: PositionRows::From { start: 0, seq: 7 },
    };
    let wanted = expected(&x, dim, &pe, |r| r % 7, Some(DROP));
    for_each_isa!(isa => {
        let out = painted(x.len(), |out| {
            let window = Window::all(rows, dim);
            add_positions(isa, &positions, kernel(Some(DROP)).as_ref(), window, Source::Slice(&x), out);
        });
        assert_eq!(bits(&out), bits(&wanted));
    });
}

#[test]
fn mismatched_sizes_panic() {
    let (pe, x) = (table(POSITIONS, 4), table(3, 4));
    let table = Table::f32(POSITIONS, 4, &pe).unwrap();
    let panics = |rows, window, x: &[f32], len| {
        let mut out = vec![0.5; len];
        let call = std::panic::AssertUnwindSafe(|| {
            add_positions(
                detect(),
                &Positions { table, rows },
                None,
                window,
                Source::Slice(x),
                &mut out[..],
            );
        });
        std::panic::catch_unwind(call).is_err()
    };
    let from = |start| PositionRows::From { start, seq: 3 };
    assert!(!panics(from(6), Window::all(3, 4), &x, 12));
    assert!(
        panics(from(7), Window::all(3, 4), &x, 12),
        "a position beyond the table"
    );
    assert!(panics(from(0), Window::all(3, 4), &x[..11], 12), "a short x");
    assert!(panics(from(0), Window::all(3, 4), &x, 11), "a short out");
    assert!(
        panics(from(0), Window::all(4, 3), &x, 12),
        "rows of another width"
    );
    let corner = Window {
        first_row: 0,
        rows: 2,
        first_col: 1,
        cols: 2,
    };
    assert!(panics(from(0), corner, &x[..4], 4), "columns of several rows");
    let over = Window {
        first_row: 0,
        rows: 1,
        first_col: 2,
        cols: 3,
    };
    assert!(panics(from(0), over, &x[..3], 3), "columns beyond the row");
}

proptest! {
    #[test]
    fn any_window_gives_the_same_bits(
        dim in 1usize..70, rows in 1usize..12, seq in 1usize..5, start in 0usize..5, p in 0.0f64..0.9,
        cut in any::<prop::sample::Index>(), col in any::<prop::sample::Index>(),
    ) {
        let (pe, x) = (table(POSITIONS, dim), table(rows, dim));
        let positions = Positions {
            table: Table::f32(POSITIONS, dim, &pe).unwrap(),
            rows: PositionRows::From { start, seq },
        };
        let drop = Drop { p, ..DROP };
        let wanted = expected(&x, dim, &pe, |r| start + r % seq, Some(drop));
        let dropout = kernel(Some(drop));
        let (cut, col) = (cut.index(rows), col.index(dim));
        // Rows before the cut, one row in two column ranges, rows after it.
        let windows = [
            Window { first_row: 0, rows: cut, first_col: 0, cols: dim },
            Window { first_row: cut, rows: 1, first_col: 0, cols: col },
            Window { first_row: cut, rows: 1, first_col: col, cols: dim - col },
            Window { first_row: cut + 1, rows: rows - cut - 1, first_col: 0, cols: dim },
        ];
        for &isa in available() {
            let mut out = Vec::new();
            for window in windows {
                let x = &x[out.len()..][..window.len()];
                out.extend(painted(x.len(), |out| {
                    add_positions(isa, &positions, dropout.as_ref(), window, Source::Slice(x), out);
                }));
            }
            prop_assert_eq!(bits(&out), bits(&wanted));
        }
    }
}
