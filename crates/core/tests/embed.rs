//! The fused layer compared with the reference and with its parts, on every instruction set.

mod common;
mod reference;

use common::{bits, bits_any_nan, for_each_isa, odd_table, painted, plain, proven, some_ids, table, WIDTHS};
use proptest::prelude::*;
use reference::embed::embed as expected;
use reference::position::Drop;
use tokenbed_core::ops::{add_positions, embed, gather, Dropout, Embed, PositionRows, Positions, Source};
use tokenbed_core::simd::{available, detect};
use tokenbed_core::table::Table;
use tokenbed_core::window::Window;

const ROWS: usize = 11;
const POSITIONS: usize = 9;
const DROP: Drop = Drop {
    p: 0.3,
    seed: 77,
    call: 2,
};

fn kernel(drop: Option<Drop>) -> Option<Dropout> {
    drop.map(|Drop { p, seed, call }| Dropout::new(p, seed, call))
}

/// A position table whose values differ from those of the token table.
fn position_table(dim: usize) -> Vec<f32> {
    table(POSITIONS + 1, dim)[dim..].iter().map(|x| x / 3.0).collect()
}

#[test]
fn every_width_with_every_combination_of_parts() {
    let n = 13;
    let ids = some_ids(n, ROWS);
    let rows: Vec<usize> = (0..n).map(|r| 3 + r % 6).collect();
    for_each_isa!(isa => {
        for dim in WIDTHS {
            let (values, pe) = (odd_table(ROWS, dim), position_table(dim));
            let token = Table::f32(ROWS, dim, &values).unwrap();
            let positions = Positions {
                table: Table::f32(POSITIONS, dim, &pe).unwrap(),
                rows: PositionRows::From { start: 3, seq: 6 },
            };
            for (k, drop) in (0..8).map(|k| (k, (k & 4 != 0).then_some(DROP))) {
                let scale = (k & 1 != 0).then_some((dim as f32).sqrt());
                let with_positions = k & 2 != 0;
                let pe = with_positions.then_some((&pe[..], &rows[..]));
                let wanted = expected(&values, dim, &plain(&ids), scale, pe, drop);
                let positions = with_positions.then_some(positions);
                let spec = Embed { token, scale, positions, dropout: kernel(drop) };
                let out = painted(n * dim, |out| {
                    embed(isa, &spec, proven(&ids, ROWS), Window::all(n, dim), out);
                });
                // Without arithmetic a layer is a gather, including NaN payloads.
                if k == 0 {
                    assert_eq!(bits(&out), bits(&wanted), "width {dim}, plain");
                }
                assert_eq!(bits_any_nan(&out), bits_any_nan(&wanted), "width {dim}, combination {k}");
            }
        }
    });
}

#[test]
fn the_separate_parts_give_the_same_bits() {
    let (dim, n) = (100, 90);
    let (values, pe) = (table(ROWS, dim), position_table(dim));
    let token = Table::f32(ROWS, dim, &values).unwrap();
    let (ids, places) = (some_ids(n, ROWS), some_ids(30, POSITIONS));
    let positions = Positions {
        table: Table::f32(POSITIONS, dim, &pe).unwrap(),
        rows: PositionRows::At {
            ids: proven(&places, POSITIONS),
            first: 0,
        },
    };
    let dropout = kernel(Some(DROP));
    for_each_isa!(isa => {
        let parts = painted(n * dim, |out| {
            gather(isa, token, proven(&ids, ROWS), 0..dim, &mut *out);
            add_positions(isa, &positions, dropout.as_ref(), Window::all(n, dim), Source::InPlace, out);
        });
        let fused = painted(n * dim, |out| {
            let spec = Embed { token, scale: None, positions: Some(positions), dropout };
            embed(isa, &spec, proven(&ids, ROWS), Window::all(n, dim), out);
        });
        assert_eq!(bits(&fused), bits(&parts));
    });
}

#[test]
fn an_empty_batch_writes_nothing() {
    let values = table(ROWS, 3);
    let spec = Embed {
        token: Table::f32(ROWS, 3, &values).unwrap(),
        scale: None,
        positions: None,
        dropout: None,
    };
    for_each_isa!(isa => {
        assert!(painted(0, |out| embed(isa, &spec, proven(&[], ROWS), Window::all(0, 3), out)).is_empty());
    });
}

#[test]
fn mismatched_sizes_panic() {
    let (values, pe) = (table(ROWS, 4), table(POSITIONS, 5));
    let token = Table::f32(ROWS, 4, &values).unwrap();
    let plain = Embed {
        token,
        scale: None,
        positions: None,
        dropout: None,
    };
    let panics = |spec: Embed<'_>, n, window, len| {
        let (mut out, ids) = (vec![0.5; len], some_ids(n, ROWS));
        let call =
            std::panic::AssertUnwindSafe(|| embed(detect(), &spec, proven(&ids, ROWS), window, &mut out[..]));
        std::panic::catch_unwind(call).is_err()
    };
    assert!(!panics(plain, 3, Window::all(3, 4), 12));
    assert!(panics(plain, 2, Window::all(3, 4), 12), "fewer ids than rows");
    assert!(panics(plain, 3, Window::all(3, 4), 13), "a long out");
    let wider = Positions {
        table: Table::f32(POSITIONS, 5, &pe).unwrap(),
        rows: PositionRows::From { start: 0, seq: 3 },
    };
    assert!(
        panics(
            Embed {
                positions: Some(wider),
                ..plain
            },
            3,
            Window::all(3, 4),
            12
        ),
        "tables of unequal width"
    );
}

proptest! {
    #[test]
    fn any_window_gives_the_same_bits(
        dim in 1usize..70, ids in prop::collection::vec(0..ROWS as u32, 1..12), seq in 1usize..6,
        cut in any::<prop::sample::Index>(), col in any::<prop::sample::Index>(),
    ) {
        let n = ids.len();
        let (values, pe) = (table(ROWS, dim), position_table(dim));
        let spec = Embed {
            token: Table::f32(ROWS, dim, &values).unwrap(),
            scale: Some(1.7),
            positions: Some(Positions {
                table: Table::f32(POSITIONS, dim, &pe).unwrap(),
                rows: PositionRows::From { start: 4, seq: seq.min(5) },
            }),
            dropout: kernel(Some(DROP)),
        };
        let rows: Vec<usize> = (0..n).map(|r| 4 + r % seq.min(5)).collect();
        let wanted = expected(&values, dim, &plain(&ids), Some(1.7), Some((&pe, &rows)), Some(DROP));
        let (cut, col) = (cut.index(n), col.index(dim));
        let windows = [
            Window { first_row: 0, rows: cut, first_col: 0, cols: dim },
            Window { first_row: cut, rows: 1, first_col: 0, cols: col },
            Window { first_row: cut, rows: 1, first_col: col, cols: dim - col },
            Window { first_row: cut + 1, rows: n - cut - 1, first_col: 0, cols: dim },
        ];
        for &isa in available() {
            let mut out = Vec::new();
            for window in windows {
                let ids = proven(&ids, ROWS).slice(window.first_row..window.first_row + window.rows);
                out.extend(painted(window.len(), |out| embed(isa, &spec, ids, window, out)));
            }
            prop_assert_eq!(bits(&out), bits(&wanted));
        }
    }
}
