//! Bags compared with the reference, on every instruction set, in one call and in parts.

mod common;
mod reference;

use common::{bits, bits_any_nan, for_each_isa, odd_table, painted, plain, proven, some_ids, table, WIDTHS};
use proptest::prelude::*;
use reference::bag::{bag as expected, Mode as Plain};
use tokenbed_core::ops::{bag, bag_extend, bag_finish, Bag, BagState, Mode};
use tokenbed_core::simd::{available, detect, Isa};
use tokenbed_core::table::Table;
use tokenbed_core::{
    indices::{Ids, Offsets},
    ops::Bags,
};

const ROWS: usize = 11;
const MODES: [(Mode, Plain); 3] = [
    (Mode::Sum, Plain::Sum),
    (Mode::Mean, Plain::Mean),
    (Mode::Max, Plain::Max),
];

/// Sizes of bags: 0, 1, a few, and around the block of 256 ids.
const BAG_SIZES: [usize; 9] = [0, 1, 2, 3, 7, 255, 256, 257, 600];

fn weights(n: usize) -> Vec<f32> {
    (0..n).map(|i| (i % 13) as f32 * 0.31 - 1.1).collect()
}

/// Reduces `ids` as one bag.
fn one(isa: Isa, spec: &Bag<'_>, ids: &[u32], weights: Option<&[f32]>) -> Vec<f32> {
    let bags = Bags::Equal {
        bags: 1,
        len: ids.len(),
    };
    painted(spec.table.dim(), |out| {
        bag(isa, spec, proven(ids, spec.table.rows()), &bags, weights, out)
    })
}

#[test]
fn small_example() {
    let w: Vec<f32> = (1..=10).map(|x| x as f32).collect();
    let table = Table::f32(5, 2, &w).unwrap();
    let ids = [3u32, 1, 1, 1, 4, 0];
    let offsets = [0u32, 0, 3, 3, 6];
    let sums = [0.0, 0.0, 13.0, 16.0, 0.0, 0.0, 13.0, 16.0, 0.0, 0.0];
    let maxima = [0.0, 0.0, 7.0, 8.0, 0.0, 0.0, 9.0, 10.0, 0.0, 0.0];
    let means = sums.map(|x| x / 3.0);
    for_each_isa!(isa => {
        let bags = Bags::Offsets(Offsets::check(Ids::U32(&offsets), 6, false).unwrap());
        for (mode, wanted) in [(Mode::Sum, sums), (Mode::Max, maxima), (Mode::Mean, means)] {
            let spec = Bag { table, mode, padding: None };
            let out = painted(10, |out| bag(isa, &spec, proven(&ids, 5), &bags, None, out));
            assert_eq!(bits(&out), bits(&wanted), "{mode:?}");
        }
    });
}

#[test]
fn every_width_mode_and_size() {
    for_each_isa!(isa => {
        for dim in WIDTHS {
            let values = odd_table(ROWS, dim);
            let ordinary = table(ROWS, dim);
            for (values, n) in BAG_SIZES.iter().map(|&n| (&ordinary, n)).chain([(&values, 1), (&values, 9)]) {
                let ids = some_ids(n, ROWS);
                let table = Table::f32(ROWS, dim, values).unwrap();
                for ((mode, plain_mode), padding) in MODES.into_iter().zip([None, Some(0), Some(ROWS - 1)]) {
                    let spec = Bag { table, mode, padding };
                    let wanted = expected(values, dim, plain_mode, padding, &plain(&ids), None);
                    let out = one(isa, &spec, &ids, None);
                    assert_eq!(bits_any_nan(&out), bits_any_nan(&wanted), "{mode:?} of {n} x {dim}");
                }
                let weights = weights(n);
                for (mode, plain_mode) in [(Mode::Sum, Plain::Sum), (Mode::Mean, Plain::Mean)] {
                    let spec = Bag { table, mode, padding: Some(2) };
                    let wanted = expected(values, dim, plain_mode, Some(2), &plain(&ids), Some(&weights));
                    let out = one(isa, &spec, &ids, Some(&weights));
                    assert_eq!(bits_any_nan(&out), bits_any_nan(&wanted), "weighted {mode:?} of {n} x {dim}");
                }
            }
        }
    });
}

#[test]
fn max_keeps_the_bits_of_the_first_nan_and_the_first_zero() {
    let (nan, other) = (f32::from_bits(0x7fc0_0001), f32::from_bits(0xffc0_0002));
    let low = f32::NEG_INFINITY;
    // Five ids and five rows; each column is one case.
    let rows = [
        [1.0, nan, 0.0, -0.0, low, low, 3.0, 1.0, low],
        [nan, 2.0, -0.0, 0.0, low, 5.0, 2.0, 1.0, nan],
        [2.0, other, 0.0, -0.0, low, nan, 4.0, 1.0, low],
        [other, 9.0, -0.0, 0.0, low, 7.0, 4.0, 1.0, other],
        [3.0, 1.0, -0.0, 0.0, low, low, -4.0, 1.0, low],
    ];
    let expected_max = [nan, nan, 0.0, -0.0, low, nan, 4.0, 1.0, nan];
    for_each_isa!(isa => {
        for repeat in [1, 2, 5, 30] {
            let values: Vec<f32> = rows.iter().flat_map(|row| row.repeat(repeat)).collect();
            let table = Table::f32(5, 9 * repeat, &values).unwrap();
            let out = one(isa, &Bag { table, mode: Mode::Max, padding: None }, &[0, 1, 2, 3, 4], None);
            assert_eq!(bits(&out), bits(&expected_max.repeat(repeat)));
        }
    });
}

/// A single NaN, so that no other value of its block of columns reveals it, and one before another NaN or an infinity.
#[test]
fn max_finds_a_nan_in_any_row_and_column() {
    // Two runs of ids. Row 1 is padding: its NaNs and infinities do not count.
    const N: usize = 259;
    let (nan, other) = (f32::from_bits(0x7f80_0001), f32::from_bits(0xffc0_0002));
    let ids: Vec<u32> = (0..N as u32).collect();
    for_each_isa!(isa => {
        for dim in [1, 3, 4, 5, 8, 15, 16, 17, 33, 64, 100, 257] {
            let mut values = table(N, dim);
            for (i, x) in values.iter_mut().enumerate() {
                let (row, c) = (i / dim, i % dim);
                if row == 1 {
                    *x = [nan, f32::INFINITY, other, f32::NEG_INFINITY][c % 4];
                } else if c % 3 == 0 {
                    *x = if (row + c).is_multiple_of(2) { 0.0 } else { -0.0 };
                }
            }
            let max = |values: &[f32]| {
                let table = Table::f32(N, dim, values).unwrap();
                bits(&one(isa, &Bag { table, mode: Mode::Max, padding: Some(1) }, &ids, None))
            };
            let mut wanted = bits(&expected(&values, dim, Plain::Max, Some(1), &plain(&ids), None));
            assert_eq!(max(&values), wanted, "{dim} columns without NaN");
            for c in 0..dim {
                let without = wanted[c];
                wanted[c] = nan.to_bits();
                for (row, next) in [(0, 2), (2, 3), (100, 256), (255, 257), (256, 258), (N - 1, N - 1)] {
                    let (at, next) = (row * dim + c, next * dim + c);
                    let before = (values[at], values[next]);
                    for x in [other, f32::INFINITY] {
                        values[next] = x;
                        values[at] = nan;
                        assert_eq!(max(&values), wanted, "row {row}, column {c} of {dim}, then {x}");
                    }
                    values[next] = before.1;
                    values[at] = nan;
                    assert_eq!(max(&values), wanted, "row {row}, column {c} of {dim}");
                    values[at] = before.0;
                }
                wanted[c] = without;
            }
        }
    });
}

#[test]
fn max_of_infinities_of_both_signs_and_of_zeros() {
    for_each_isa!(isa => {
        for dim in WIDTHS {
            let of = |row: usize, c: usize| match (c + row) % 5 {
                0 if c.is_multiple_of(2) => f32::INFINITY,
                1 => f32::NEG_INFINITY,
                2 => -0.0,
                3 => 0.0,
                _ => f32::MIN,
            };
            for n in [1, 2, 3, 257] {
                let values: Vec<f32> = (0..n * dim).map(|i| of(i / dim, i % dim)).collect();
                let ids: Vec<u32> = (0..n as u32).collect();
                let table = Table::f32(n, dim, &values).unwrap();
                let out = one(isa, &Bag { table, mode: Mode::Max, padding: None }, &ids, None);
                let wanted = expected(&values, dim, Plain::Max, None, &plain(&ids), None);
                assert_eq!(bits(&out), bits(&wanted), "{n} x {dim}");
            }
        }
    });
}

#[test]
fn padding_and_its_weight_are_ignored() {
    let values = odd_table(3, 40);
    let table = Table::f32(3, 40, &values).unwrap();
    for_each_isa!(isa => {
        for (mode, _) in MODES {
            let spec = Bag { table, mode, padding: Some(1) };
            let out = one(isa, &spec, &[1, 1, 1], None);
            assert_eq!(bits(&out), bits(&[0.0; 40]), "all padding, {mode:?}");
            assert_eq!(bits(&one(isa, &spec, &[], None)), bits(&[0.0; 40]), "empty, {mode:?}");
        }
        for mode in [Mode::Sum, Mode::Mean] {
            let spec = Bag { table, mode, padding: Some(1) };
            let with = one(isa, &spec, &[1, 0, 1, 2], Some(&[f32::NAN, 0.5, f32::INFINITY, 0.25]));
            let without = one(isa, &spec, &[0, 2], Some(&[0.5, 0.25]));
            assert_eq!(bits_any_nan(&with), bits_any_nan(&without), "{mode:?}");
            let out = one(isa, &spec, &[1, 1], Some(&[f32::NAN; 2]));
            assert_eq!(bits(&out), bits(&[0.0; 40]), "all padding with weights, {mode:?}");
        }
    });
}

#[test]
fn a_sum_starts_at_plus_zero_and_rounds_every_step() {
    // -0 alone becomes +0; 1 + 2^-24 rounds down, twice; (1 + 2^-12)^2 - 1 would reveal a fused multiply-add.
    let e = 1.0 / 16_777_216.0;
    let x: f32 = 1.0 + 1.0 / 4096.0;
    let values = [-0.0, 1.0, e, -1.0, x, 0.0];
    let table = Table::f32(6, 1, &values).unwrap();
    for_each_isa!(isa => {
        let sum = |ids: &[u32], weights: Option<&[f32]>| {
            one(isa, &Bag { table, mode: Mode::Sum, padding: None }, ids, weights)[0].to_bits()
        };
        assert_eq!(sum(&[0], None), 0.0f32.to_bits());
        assert_eq!(sum(&[1, 2, 2], None), 1.0f32.to_bits());
        assert_eq!(sum(&[2, 2, 1], None), (1.0 + 2.0 * e).to_bits());
        assert_eq!(sum(&[3, 4], Some(&[1.0, x])), (x * x - 1.0).to_bits());
        let fused = (f64::from(x) * f64::from(x) - 1.0) as f32;
        assert_ne!(fused, x * x - 1.0, "the input distinguishes the two");
    });
}

#[test]
fn mismatched_lengths_panic() {
    let values = table(4, 3);
    let rows = Table::f32(4, 3, &values).unwrap();
    let ids = [0, 1, 2, 3];
    let panics = |mode, weights: Option<&[f32]>, bags: Bags<'_>, len| {
        let mut out = vec![0.5; len];
        let spec = Bag {
            table: rows,
            mode,
            padding: None,
        };
        let call = || bag(detect(), &spec, proven(&ids, 4), &bags, weights, &mut out);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_err()
    };
    let two = Bags::Equal { bags: 2, len: 2 };
    assert!(!panics(Mode::Sum, None, two, 6));
    assert!(panics(Mode::Sum, None, two, 7), "out is too long");
    assert!(
        panics(Mode::Sum, None, Bags::Equal { bags: 2, len: 3 }, 6),
        "more ids in bags than ids"
    );
    assert!(
        panics(Mode::Sum, None, Bags::Equal { bags: 2, len: 1 }, 6),
        "ids in no bag"
    );
    assert!(panics(Mode::Sum, Some(&[1.0; 3]), two, 6), "too few weights");
    assert!(
        panics(Mode::Max, Some(&[1.0; 4]), two, 6),
        "weights for a maximum"
    );
}

proptest! {
    #[test]
    fn any_split_of_ids_and_columns_gives_the_same_bits(
        dim in 1usize..90,
        ids in prop::collection::vec(0..ROWS as u32, 0..700),
        cuts in [0.0f64..1.0, 0.0f64..1.0],
        col in any::<prop::sample::Index>(),
        padding in prop::option::of(0..ROWS),
        mode in 0usize..3,
        weighted: bool,
    ) {
        let values = table(ROWS, dim);
        let weights = (weighted && mode < 2).then(|| weights(ids.len()));
        let (mode, plain_mode) = MODES[mode];
        let spec = Bag { table: Table::f32(ROWS, dim, &values).unwrap(), mode, padding };
        let wanted = expected(&values, dim, plain_mode, padding, &plain(&ids), weights.as_deref());
        let col = col.index(dim);
        let mut cuts = cuts.map(|cut| (cut * ids.len() as f64) as usize);
        cuts.sort();
        let parts = [0..cuts[0], cuts[0]..cuts[1], cuts[1]..ids.len()];
        for &isa in available() {
            let whole = one(isa, &spec, &ids, weights.as_deref());
            prop_assert_eq!(bits_any_nan(&whole), bits_any_nan(&wanted));
            let mut out = Vec::new();
            for cols in [0..col, col..dim] {
                out.extend(painted(cols.len(), |acc| {
                    let mut state = BagState::default();
                    for part in parts.clone() {
                        let weights = weights.as_ref().map(|weights| &weights[part.clone()]);
                        let ids = proven(&ids, ROWS).slice(part);
                        bag_extend(isa, &spec, ids, weights, cols.clone(), &mut state, acc);
                    }
                    bag_finish(isa, &spec, &state, acc);
                }));
            }
            prop_assert_eq!(bits_any_nan(&out), bits_any_nan(&wanted));
        }
    }

    #[test]
    fn any_offsets(
        dim in 1usize..20,
        ids in prop::collection::vec(0..ROWS as u32, 0..40),
        cuts in [0.0f64..1.0, 0.0f64..1.0],
    ) {
        let values = table(ROWS, dim);
        let mut offsets = cuts.map(|cut| (cut * ids.len() as f64) as u32);
        offsets.sort();
        let offsets = [0, offsets[0], offsets[1]];
        let bags = Bags::Offsets(Offsets::check(Ids::U32(&offsets), ids.len(), false).unwrap());
        let spec = Bag { table: Table::f32(ROWS, dim, &values).unwrap(), mode: Mode::Mean, padding: Some(3) };
        let wanted: Vec<f32> = (0..3)
            .flat_map(|b| expected(&values, dim, Plain::Mean, Some(3), &plain(&ids[bags.bag(b)]), None))
            .collect();
        for &isa in available() {
            let out = painted(3 * dim, |out| bag(isa, &spec, proven(&ids, ROWS), &bags, None, out));
            prop_assert_eq!(bits(&out), bits(&wanted));
        }
    }
}
