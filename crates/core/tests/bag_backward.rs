//! The backward pass of bags compared with the reference, on every instruction set, whole and in parts.

mod common;
mod reference;

use common::{bits_any_nan, for_each_isa, odd_table, painted, plain, proven, some_ids, table, WIDTHS};
use proptest::prelude::*;
use reference::bag::Mode as Plain;
use reference::bag_backward::{add, contributions, weights_gradient};
use reference::gradient::Gradient as Expected;
use std::ops::Range;
use tokenbed_core::ops::{
    add_bags, add_maxima, divide, finish_weights, repeat_counts, BagFactors, BagSlots, Kept, Maxima, Mode,
    BAG_COLS,
};
use tokenbed_core::simd::{available, detect, Isa};
use tokenbed_core::table::Table;
use tokenbed_core::Gradient;

const ROWS: usize = 11;

fn weights(n: usize) -> Vec<f32> {
    (0..n).map(|i| (i % 13) as f32 * 0.31 - 1.1).collect()
}

/// Begins a call with contributions to `ids`, and returns their counts.
fn begin(gradient: &mut Gradient, ids: &[u32], padding: Option<usize>) -> Vec<u32> {
    assert!(gradient.begin(ids.len()));
    assert!(gradient.assign(ids.iter().map(|&id| id as usize), padding));
    let counts = gradient.counts().unwrap();
    assert!(gradient.commit());
    counts
}

/// The rows of a gradient with their values.
fn rows(gradient: &Gradient) -> Vec<(usize, Vec<u32>)> {
    let mut order: Vec<u32> = (0..gradient.rows().len() as u32).collect();
    order.sort_by_key(|&slot| gradient.rows()[slot as usize]);
    let values = |slot: u32| &gradient.sums()[slot as usize * gradient.dim()..][..gradient.dim()];
    let row = |slot: &u32| {
        (
            gradient.rows()[*slot as usize] as usize,
            bits_any_nan(values(*slot)),
        )
    };
    order.iter().map(row).collect()
}

fn expected_rows(gradient: &Expected) -> Vec<(usize, Vec<u32>)> {
    gradient
        .0
        .iter()
        .map(|(&row, sum)| (row, bits_any_nan(sum)))
        .collect()
}

/// One bag.
struct Case<'a> {
    mode: Mode,
    padding: Option<usize>,
    ids: &'a [u32],
    weights: Option<&'a [f32]>,
    grad: &'a [f32],
    by_freq: bool,
}

impl Case<'_> {
    /// Adds the bag to `gradient`, column range by column range, and its ids in parts.
    fn run(&self, isa: Isa, values: &[f32], gradient: &mut Gradient, cols: &[Range<usize>], most: usize) {
        let table = Table::f32(ROWS, gradient.dim(), values).unwrap();
        let counts = begin(gradient, self.ids, self.padding);
        let counts = self.by_freq.then_some(&counts[..]);
        let parts = || {
            (0..self.ids.len())
                .step_by(most)
                .map(|i| i..self.ids.len().min(i + most))
        };
        let ids = |part: Range<usize>| proven(self.ids, ROWS).slice(part);
        let mut kept = Kept::default();
        for part in parts() {
            let weights = self.weights.map(|weights| &weights[part.clone()]);
            kept.extend(ids(part), weights, self.padding);
        }
        if kept.is_empty() {
            return;
        }
        let (slots, mut sums) = gradient.call();
        for cols in cols {
            let row = &self.grad[cols.clone()];
            if self.mode == Mode::Max {
                for start in (0..row.len()).step_by(BAG_COLS) {
                    let end = row.len().min(start + BAG_COLS);
                    let cols = cols.start + start..cols.start + end;
                    let mut maxima = Maxima::default();
                    for part in parts() {
                        maxima.extend(isa, table, self.padding, ids(part), cols.clone());
                    }
                    add_maxima(
                        isa,
                        &mut sums,
                        slots,
                        cols,
                        (&row[start..end], &mut maxima),
                        counts,
                    );
                }
                continue;
            }
            for part in parts() {
                let bags = BagSlots {
                    slots: &slots[part.start..],
                    len: part.len(),
                    shared: None,
                    group: usize::MAX,
                };
                let factors = BagFactors {
                    divisor: (self.mode == Mode::Mean).then(|| kept.divisor()),
                    weights: self.weights.map(|weights| &weights[part.clone()]),
                    counts,
                };
                add_bags(isa, &mut sums, bags, cols.clone(), row, factors);
            }
        }
    }

    fn expect(&self, values: &[f32], dim: usize, gradient: &mut Expected) {
        let mode = match self.mode {
            Mode::Sum => Plain::Sum,
            Mode::Mean => Plain::Mean,
            Mode::Max => Plain::Max,
        };
        let ids = plain(self.ids);
        let all = contributions(values, dim, mode, self.padding, &ids, self.weights, self.grad);
        add(gradient, &all, None, self.by_freq);
    }
}

#[test]
fn every_width_mode_and_size() {
    for_each_isa!(isa => {
        for dim in WIDTHS.into_iter().chain([1023, 1024, 1025, 2500]) {
            for values in [table(ROWS, dim), odd_table(ROWS, dim)] {
                let grad = odd_table(4, dim);
                for mode in [Mode::Sum, Mode::Mean, Mode::Max] {
                    for (weighted, by_freq) in [(false, false), (true, false), (false, true), (true, true)] {
                        let (mut gradient, mut wanted) = (Gradient::new(dim), Expected::default());
                        for (n, padding) in [(1, None), (9, Some(0)), (0, None), (30, Some(ROWS - 1))] {
                            let (ids, weights) = (some_ids(n, ROWS), weights(n));
                            let case = Case {
                                mode,
                                padding,
                                ids: &ids,
                                weights: (weighted && mode != Mode::Max).then_some(&weights[..]),
                                grad: &grad[n % 4 * dim..][..dim],
                                by_freq,
                            };
                            #[allow(clippy::single_range_in_vec_init, reason = "one range of columns")]
                            case.run(isa, &values, &mut gradient, &[0..dim], usize::MAX);
                            case.expect(&values, dim, &mut wanted);
                        }
                        let what = (dim, mode, weighted, by_freq);
                        assert!(rows(&gradient) == expected_rows(&wanted), "{what:?}");
                    }
                }
            }
        }
    });
}

#[test]
fn a_lone_contribution_keeps_its_bits_and_a_second_one_adds_plus_zero() {
    // Rows 0 and 1 are equal: id 0 has the maximum of both columns.
    let values = [1.0, 2.0, 1.0, 2.0, -3.0, -4.0];
    let table = Table::f32(3, 2, &values).unwrap();
    let (grad, nan) = ([-0.0, f32::from_bits(0x7fa0_0001)], 0x7fa0_0001);
    for_each_isa!(isa => {
        let run = |ids: &[u32]| {
            let mut gradient = Gradient::new(2);
            begin(&mut gradient, ids, None);
            let mut maxima = Maxima::default();
            maxima.extend(isa, table, None, proven(ids, 3), 0..2);
            let (slots, mut sums) = gradient.call();
            add_maxima(isa, &mut sums, slots, 0..2, (&grad, &mut maxima), None);
            gradient.sums().iter().map(|x| x.to_bits()).collect::<Vec<_>>()
        };
        let sum = |ids: &[u32]| {
            let mut gradient = Gradient::new(2);
            begin(&mut gradient, ids, None);
            let (slots, mut sums) = gradient.call();
            let bags = BagSlots { slots, len: ids.len(), shared: None, group: usize::MAX };
            add_bags(isa, &mut sums, bags, 0..2, &grad, BagFactors::default());
            gradient.sums().iter().map(|x| x.to_bits()).collect::<Vec<_>>()
        };
        assert_eq!(sum(&[2]), [0x8000_0000, nan], "a contribution is stored, not added to +0");
        assert_eq!(sum(&[2, 2])[0], 0x8000_0000);
        assert_eq!(run(&[0])[0], 0x8000_0000);
        let two = run(&[0, 1]);
        assert_eq!(two[0], 0x8000_0000, "of equal rows the first");
        assert_eq!(two[2..], [0, 0], "+0 for an id that is selected nowhere");
        assert_eq!(run(&[0, 0])[0], 0, "-0 + +0");
    });
}

#[test]
fn gradients_of_weights_are_finished() {
    let ids = [3u32, 1, 3, 0];
    let finished = |padding, mean| {
        painted(4, |out| {
            out.copy_from_slice(&[1.5, 2.5, f32::NAN, -0.0]);
            finish_weights(proven(&ids, 4), padding, mean, out);
        })
    };
    assert_eq!(
        bits_any_nan(&finished(Some(3), None)),
        bits_any_nan(&[0.0, 2.5, 0.0, -0.0])
    );
    assert_eq!(finished(Some(3), Some(0.5)), [0.0, 2.0, 0.0, -0.5]);
    let row = odd_table(1, 70);
    for_each_isa!(isa => {
        let wanted: Vec<f32> = row.iter().map(|x| x / 3.0).collect();
        let out = painted(70, |out| divide(isa, &row, 3.0, out));
        assert_eq!(bits_any_nan(&out), bits_any_nan(&wanted));
    });
}

#[test]
fn counts_of_repeated_rows_do_not_wrap() {
    let mut counts = [0, 1, 7, 1 << 20];
    repeat_counts(&mut counts, 1 << 13);
    assert_eq!(counts, [0, 1 << 13, 7 << 13, u32::MAX]);
    assert_eq!(counts[3] as f32, 4_294_967_296.0);
}

#[test]
fn a_product_with_a_mean_agrees_with_the_reference_of_one_column() {
    // One column: dot is a product, so the formula can be read here.
    let (values, weights, ids) = ([2.0, 3.0, 5.0], [0.5, 0.25], [0, 2]);
    let wanted = weights_gradient(&values, 1, Plain::Mean, None, &ids, &weights, &[0.75]);
    let (q, y) = (0.75f32 / 0.75, (2.0f32 * 0.5 + 5.0 * 0.25) / 0.75);
    assert_eq!(wanted, [q * 2.0 - q * y, q * 5.0 - q * y]);
}

#[test]
fn mismatched_lengths_panic() {
    let grad = [1.0; 6];
    let panics = |len, cols: Range<usize>, rows: &[f32], weights: Option<&[f32]>| {
        let mut gradient = Gradient::new(3);
        begin(&mut gradient, &[0, 1, 2, 0], None);
        let (slots, mut sums) = gradient.call();
        let bags = BagSlots {
            slots,
            len,
            shared: None,
            group: usize::MAX,
        };
        let factors = BagFactors {
            weights,
            ..BagFactors::default()
        };
        let call = || add_bags(detect(), &mut sums, bags, cols, rows, factors);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_err()
    };
    assert!(!panics(2, 0..3, &grad, Some(&[1.0; 4])));
    assert!(panics(3, 0..3, &grad, None), "more ids than slots");
    assert!(panics(2, 0..4, &grad, None), "columns that do not exist");
    assert!(panics(2, 0..3, &grad[..5], None), "a part of a row");
    assert!(panics(2, 0..3, &grad, Some(&[1.0; 3])), "too few weights");
}

proptest! {
    #[test]
    fn parts_of_ids_columns_and_slots_change_no_bit(
        dim in 1usize..40,
        ids in prop::collection::vec(0..ROWS as u32, 0..60),
        col in any::<prop::sample::Index>(),
        most in 1usize..20,
        padding in prop::option::of(0..ROWS),
        mode in 0usize..3,
        weighted: bool,
        by_freq: bool,
    ) {
        let (values, grad, weights) = (table(ROWS, dim), table(1, dim), weights(ids.len()));
        let mode = [Mode::Sum, Mode::Mean, Mode::Max][mode];
        let case = Case {
            mode,
            padding,
            ids: &ids,
            weights: (weighted && mode != Mode::Max).then_some(&weights[..]),
            grad: &grad,
            by_freq,
        };
        let mut wanted = Expected::default();
        case.expect(&values, dim, &mut wanted);
        let col = col.index(dim);
        for &isa in available() {
            let mut gradient = Gradient::new(dim);
            case.run(isa, &values, &mut gradient, &[0..col, col..dim], most);
            prop_assert_eq!(rows(&gradient), expected_rows(&wanted));
        }
    }

    #[test]
    fn shared_ids_in_groups_and_parts_are_the_contributions_in_order(
        dim in 1usize..40,
        n in 1usize..6,
        k in 1usize..30,
        group in 1usize..40,
        parts in 1usize..5,
        padding in prop::option::of(0usize..30),
        by_freq: bool,
        distinct: bool,
    ) {
        let ids: Vec<u32> = if distinct { (0..k as u32).rev().collect() } else { some_ids(k, 30) };
        let group = if distinct { group } else { usize::MAX };
        let (x, gs) = (table(n, dim), weights(n * k));
        let all: Vec<_> = (0..n * k)
            .map(|i| (ids[i % k] as usize, x[i / k * dim..][..dim].iter().map(|x| x * gs[i]).collect()))
            .collect();
        let mut wanted = Expected::default();
        add(&mut wanted, &all, padding, by_freq);
        for &isa in available() {
            let mut gradient = Gradient::new(dim);
            let mut counts = begin(&mut gradient, &ids, padding);
            repeat_counts(&mut counts, n);
            let counts = by_freq.then_some(&counts[..]);
            // Two windows of rows, and the sums in parts as for threads.
            let cut = n / 2;
            for rows in [0..cut, cut..n] {
                let (slots, sums) = gradient.call();
                for mut sums in sums.split(slots, parts) {
                    let bags = BagSlots { slots, len: k, shared: Some(rows.start == 0), group };
                    let weights = Some(&gs[rows.start * k..rows.end * k]);
                    let factors = BagFactors { weights, counts, divisor: None };
                    let x = &x[rows.start * dim..rows.end * dim];
                    add_bags(isa, &mut sums, bags, 0..dim, x, factors);
                }
            }
            prop_assert_eq!(rows(&gradient), expected_rows(&wanted));
        }
    }
}
