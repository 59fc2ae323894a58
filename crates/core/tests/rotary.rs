//! Rotary positions against the plain specification, on every instruction set.

mod common;
mod reference;

use common::{bits_any_nan, for_each_isa, odd_table, painted, proven, some_ids, table};
use proptest::prelude::*;
use reference::rotary::{rotate as expected, Pairs};
use reference::sinusoid::Sinusoid as Exact;
use tokenbed_core::ops::{
    rotate, rotate_part, rotate_parts, sinusoid_rows, Layout, PositionRows, Rotary, Sinusoid, Source,
};
use tokenbed_core::simd::{available, detect};
use tokenbed_core::tuning::Tuning;
use tokenbed_core::{Exec, Table, Window};

const POSITIONS: usize = 12;

/// A table of sines and cosines for `turned` columns, any values.
fn turns(turned: usize) -> Vec<f32> {
    table(POSITIONS, turned).iter().map(|x| x / 40_000.0).collect()
}

/// The sines and cosines of row `p` of such a table.
fn angles(turns: &[f32], turned: usize, pairs: Pairs, p: usize) -> (Vec<f32>, Vec<f32>) {
    let row = &turns[p * turned..][..turned];
    match pairs {
        Pairs::Halves => (row[..turned / 2].to_vec(), row[turned / 2..].to_vec()),
        Pairs::Interleaved => row.chunks(2).map(|pair| (pair[0], pair[1])).unzip(),
    }
}

/// Every output is written with non-temporal stores.
static NON_TEMPORAL: Tuning = Tuning {
    non_temporal_bytes: 0,
    non_temporal_row: 0,
    ..Tuning::PLAIN
};

const KINDS: [(Pairs, Layout); 2] = [
    (Pairs::Halves, Layout::Halves),
    (Pairs::Interleaved, Layout::Interleaved),
];

#[test]
fn rows_are_rotated_at_every_width_and_stay_behind_it() {
    for_each_isa!(isa => {
        for (pairs, layout) in KINDS {
            for half in [1, 2, 3, 4, 7, 8, 9, 16, 17, 32, 33, 64] {
                for rest in [0, 1, 2, 5, 16] {
                    let (turned, dim) = (2 * half, 2 * half + rest);
                    let turns = turns(turned);
                    let (heads, seq, rows) = (3, 2, 12);
                    for (x, inverse) in [(odd_table(rows, dim), false), (table(rows, dim), true)] {
                        let rotary = Rotary {
                            turn: Table::f32(POSITIONS, turned, &turns).unwrap(),
                            layout,
                            inverse,
                            heads,
                            seq,
                        };
                        let own = some_ids(4, POSITIONS);
                        let all = Window::all(rows, dim);
                        for ids in [None, Some(&own[..2]), Some(&own[..])] {
                            let positions = match ids {
                                None => PositionRows::From { start: 5, seq },
                                Some(ids) => PositionRows::At { ids: proven(ids, POSITIONS), first: 0 },
                            };
                            let position = |r: usize| {
                                let place = r / (heads * seq) * seq + r % seq;
                                ids.map_or(5 + r % seq, |ids| ids[place % ids.len()] as usize)
                            };
                            let wanted = expected(&x, dim, pairs, inverse, |r| {
                                angles(&turns, turned, pairs, position(r))
                            });
                            let about = format!("{layout:?} {turned} of {dim}, inverse {inverse}");
                            for exec in [Exec::from(isa), Exec { isa, tuning: &NON_TEMPORAL }] {
                                let out = painted(x.len(), |out| {
                                    rotate(exec, &rotary, positions, dim, all, Source::Slice(&x), out)
                                });
                                assert_eq!(bits_any_nan(&out), bits_any_nan(&wanted), "{about}");
                            }
                            let out = painted(x.len(), |out| {
                                out.copy_from_slice(&x);
                                rotate(isa, &rotary, positions, dim, all, Source::InPlace, out)
                            });
                            assert_eq!(bits_any_nan(&out), bits_any_nan(&wanted), "{about}, in place");
                        }
                    }
                }
            }
        }
    });
}

#[test]
fn parts_of_a_row_are_rotated_alike() {
    let (half, dim) = (9, 20);
    let (turns, x) = (turns(2 * half), table(1, dim));
    for (pairs, layout) in KINDS {
        let rotary = Rotary {
            turn: Table::f32(POSITIONS, 2 * half, &turns).unwrap(),
            layout,
            inverse: false,
            heads: 1,
            seq: 1,
        };
        let positions = PositionRows::From { start: 4, seq: 1 };
        let wanted = expected(&x, dim, pairs, false, |_| angles(&turns, 2 * half, pairs, 4));
        let column = |i: usize| match layout {
            Layout::Halves => (i, half + i),
            Layout::Interleaved => (2 * i, 2 * i + 1),
        };
        for (from, to) in [(0, 9), (0, 4), (4, 9), (8, 9), (3, 3)] {
            let (mut a, mut b): (Vec<f32>, Vec<f32>) =
                (from..to).map(column).map(|(a, b)| (x[a], x[b])).unzip();
            rotate_parts(&rotary, positions, 0, from, &mut a, &mut b);
            let both: (Vec<f32>, Vec<f32>) = (from..to)
                .map(column)
                .map(|(a, b)| (wanted[a], wanted[b]))
                .unzip();
            assert_eq!((a, b), both);
            if layout == Layout::Interleaved {
                let mut part = x[2 * from..2 * to].to_vec();
                rotate_part(&rotary, positions, 0, from, &mut part);
                assert_eq!(part, wanted[2 * from..2 * to]);
            }
        }
    }
}

#[test]
fn frequencies_are_taken_as_they_are() {
    // Powers of two are exact as f64 and in the reference's fixed point.
    let listed = [1.0, 0.5, 0.25, 0.125];
    let wanted = Exact::new(8, 16.0, true); // 16^(-2 i / 8) = 2^-i
    let made = Sinusoid::with_frequencies(&listed, Layout::Halves);
    assert_eq!(made.frequencies(), listed);
    for_each_isa!(isa => {
        let out = painted(8 * 40, |out| sinusoid_rows(isa, &made, 1000, 0..8, out));
        for (r, row) in out.chunks(8).enumerate() {
            assert_eq!(row, wanted.row(1000 + r as u64));
        }
    });
}

#[test]
fn frequencies_of_any_size_have_their_sines() {
    let listed = [0.0, 1e-320, 1e-30, 1e-19, 1e-12, 3.0, 1e9, 1e200, f64::MAX];
    let made = Sinusoid::with_frequencies(&listed, Layout::Interleaved);
    let out = painted(18 * 3, |out| {
        sinusoid_rows(detect(), &made, 7, 3..18, &mut out[..45])
    });
    let (row, whole) = (&out[..15], 7.0);
    for (column, value) in row.iter().enumerate() {
        let (w, cosine) = (listed[(column + 3) / 2], column % 2 == 0);
        if w < 1e5 {
            let angle: f64 = whole * w;
            #[expect(clippy::disallowed_methods, reason = "within 1e-7, whatever the platform")]
            let near = if cosine { angle.cos() } else { angle.sin() };
            assert!(
                (f64::from(*value) - near).abs() <= near.abs() * 1e-7,
                "{w}: {value}"
            );
        } else {
            assert!(value.abs() <= 1.0);
        }
    }
    let pairs: Vec<(f32, f32)> = out[1..15]
        .chunks_exact(2)
        .map(|pair| (pair[0], pair[1]))
        .collect();
    assert!(pairs.iter().all(|(s, c)| (s * s + c * c - 1.0).abs() < 1e-5));
}

proptest! {
    #[test]
    fn the_inverse_leads_back(half in 1usize..20, rest in 0usize..4, position in 0usize..POSITIONS) {
        let (turned, dim) = (2 * half, 2 * half + rest);
        let encoding = Sinusoid::new(turned, 10_000.0, Layout::Halves);
        let mut turns = vec![0.0; POSITIONS * turned];
        sinusoid_rows(detect(), &encoding, 0, 0..turned, &mut turns);
        let x: Vec<f32> = (0..dim).map(|i| 1.0 + i as f32).collect();
        for &isa in available() {
            let mut out = x.clone();
            for inverse in [false, true] {
                let rotary = Rotary {
                    turn: Table::f32(POSITIONS, turned, &turns).unwrap(),
                    layout: Layout::Halves,
                    inverse,
                    heads: 1,
                    seq: 1,
                };
                let positions = PositionRows::From { start: position, seq: 1 };
                let all = Window::all(1, dim);
                rotate(isa, &rotary, positions, dim, all, Source::InPlace, &mut out[..]);
            }
            for (a, b) in out.iter().zip(&x) {
                prop_assert!((a - b).abs() < 1e-4 * dim as f32);
            }
        }
    }
}
