//! Scores and the gradient of their rows compared with the reference, for every dtype, on every instruction set.

mod common;
mod reference;

use common::{bits_any_nan, for_each_isa, odd_table, painted, proven, some_ids, table, WIDTHS};
use proptest::prelude::*;
use reference::score::{gradient_of_x, score};
use std::ops::Range;
use tokenbed_core::memory::TableSpec;
use tokenbed_core::ops::{add_scored, read, score_rows, store, Scored};
use tokenbed_core::simd::{available, detect, Isa};
use tokenbed_core::table::{Table, TableMut};
use tokenbed_core::{DType, Exec};

const ROWS: usize = 150;

/// The row numbers that `ids` name for each of `n` rows.
fn named(ids: &[u32], n: usize, per_row: bool) -> Vec<Vec<usize>> {
    let k = if per_row { ids.len() / n.max(1) } else { ids.len() };
    let at = |b: usize, j: usize| ids[if per_row { b * k + j } else { j }] as usize;
    (0..n).map(|b| (0..k).map(|j| at(b, j)).collect()).collect()
}

/// The forms of scored rows: their ids, and whether they are for each row of `x`. The first form is rows of the table.
fn forms(n: usize, k: usize) -> [(Vec<u32>, bool); 4] {
    let run = (3..3 + k as u32).collect();
    let shared = some_ids(k, ROWS);
    let each = some_ids(n * k, ROWS);
    [(run, false), (shared, false), (each, true), (vec![], false)]
}

fn scored<'a>(form: usize, ids: &'a [u32], per_row: bool, n: usize) -> Scored<'a> {
    match (form, per_row) {
        (0, _) => Scored::All(3..3 + ids.len()),
        (_, false) => Scored::Shared(proven(ids, ROWS)),
        (_, true) => Scored::Each {
            ids: proven(ids, ROWS),
            len: ids.len() / n.max(1),
        },
    }
}

/// Rows `[n, k]` in an output whose rows begin `stride` values apart: the values between them stay as they are.
fn strided(n: usize, k: usize, stride: usize, write: impl FnOnce(&mut [f32])) -> Vec<f32> {
    let len = if n == 0 { 0 } else { (n - 1) * stride + k };
    let all = painted(len, |out| {
        out.fill(f32::from_bits(0x7fb0_0b5e));
        write(out)
    });
    for (i, x) in all.iter().enumerate() {
        let between = i % stride.max(1) >= k;
        assert!(
            !between || x.to_bits() == 0x7fb0_0b5e,
            "a value between rows was written"
        );
    }
    (0..n).flat_map(|b| all[b * stride..][..k].to_vec()).collect()
}

/// Scores and the gradient of `x`, for every form and number of rows, compared with those of the f32 `values` of the table.
fn check(isa: Isa, table: Table<'_>, values: &[f32], x: &[f32], ks: &[usize]) {
    let (dim, exec) = (table.dim(), Exec::from(isa));
    for n in [0, 1, 2, 5] {
        let x = &x[..n * dim];
        for &k in ks {
            for (form, (ids, per_row)) in forms(n, k).into_iter().enumerate() {
                let (rows, k) = (named(&ids, n, per_row), if form == 3 { 0 } else { k });
                let what = (dim, table.spec().dtype().name(), n, k, form);
                for stride in [k, k + 3] {
                    let out = strided(n, k, stride, |out| {
                        score_rows(exec, table, scored(form, &ids, per_row, n), x, out, stride)
                    });
                    let wanted = score(values, dim, x, &rows);
                    assert!(bits_any_nan(&out) == bits_any_nan(&wanted), "{what:?}");
                }
                if per_row {
                    continue;
                }
                let gs = odd_table(n, k + 1);
                let grads: Vec<f32> = (0..n).flat_map(|b| gs[b * (k + 1)..][..k].to_vec()).collect();
                let wanted = gradient_of_x(values, dim, &rows, &grads);
                for cols in [0..dim, dim / 3..dim] {
                    let width = cols.len();
                    let out = painted(n * width, |out| {
                        out.fill(0.0);
                        let scored = scored(form, &ids, false, n);
                        add_scored(exec, table, scored, cols.clone(), (&gs, k + 1), out)
                    });
                    let wanted: Vec<f32> = (0..n)
                        .flat_map(|b| wanted[b * dim..][cols.clone()].to_vec())
                        .collect();
                    assert!(
                        bits_any_nan(&out) == bits_any_nan(&wanted),
                        "gradient of x, {what:?}, {cols:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_width_and_form() {
    for_each_isa!(isa => {
        for dim in WIDTHS {
            for (values, x) in [(table(ROWS, dim), table(5, dim)), (odd_table(ROWS, dim), odd_table(5, dim))] {
                let rows = Table::f32(ROWS, dim, &values).unwrap();
                check(isa, rows, &values, &x, if dim < 70 { &[0, 1, 3, 4, 6, 140] } else { &[6] });
            }
        }
    });
}

#[test]
fn every_dtype_and_stride() {
    for_each_isa!(isa => {
        for dim in [1, 17, 100, 1500] {
            let x = table(5, dim);
            for dtype in DType::STORED {
                let packed = TableSpec::new(dtype, ROWS, dim).unwrap().packed_row_bytes();
                let spec = TableSpec::with_stride(dtype, ROWS, dim, packed + 5).unwrap();
                let mut bytes = vec![0; spec.bytes()];
                let from: Vec<f32> = table(ROWS, dim).iter().map(|x| x / 32768.0).collect();
                let mut rows = TableMut::new(spec, &mut bytes).unwrap();
                let stored = store(&mut rows, 0..ROWS, false, &mut |row, col, out: &mut [f32]| {
                    out.copy_from_slice(&from[row * dim + col..][..out.len()])
                });
                stored.ok().unwrap();
                let rows = Table::new(spec, &bytes).unwrap();
                let mut values = vec![0.0; ROWS * dim];
                read(isa, rows, 0..ROWS * dim, &mut values);
                check(isa, rows, &values, &x, &[6]);
            }
        }
    });
}

#[test]
fn a_gradient_continues_from_its_values_and_a_first_sum_is_added_to_plus_zero() {
    let (values, grads) = ([-0.0, 1.5], [1.0, 1.0]);
    let rows = Table::f32(2, 1, &values).unwrap();
    for_each_isa!(isa => {
        let add = |start: f32, range: Range<usize>| {
            let mut out = [start];
            add_scored(Exec::from(isa), rows, Scored::All(range), 0..1, (&grads, 2), &mut out);
            out[0].to_bits()
        };
        assert_eq!(add(0.0, 0..1), 0, "+0 + -0");
        assert_eq!(add(2.0, 0..2), 3.5f32.to_bits());
    });
}

#[test]
fn mismatched_lengths_panic() {
    let values = table(ROWS, 3);
    let rows = Table::f32(ROWS, 3, &values).unwrap();
    let panics = |scored: Scored<'_>, x: &[f32], len: usize| {
        let mut out = vec![0.5; len];
        let call = || score_rows(Exec::from(detect()), rows, scored, x, &mut out, 2);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_err()
    };
    let (x, ids) = (table(2, 3), [0, 1, 2]);
    assert!(!panics(Scored::All(0..2), &x, 4));
    assert!(panics(Scored::All(0..2), &x[..5], 4), "a part of a row");
    assert!(panics(Scored::All(0..2), &x, 3), "a short output");
    assert!(panics(Scored::All(149..151), &x, 4), "rows outside the table");
    assert!(
        panics(
            Scored::Each {
                ids: proven(&ids, ROWS),
                len: 2
            },
            &x,
            4
        ),
        "three ids for two rows of two"
    );
}

proptest! {
    #[test]
    fn parts_of_the_rows_change_no_bit(
        dim in 1usize..90,
        n in 1usize..4,
        k in 1usize..150,
        cut in any::<prop::sample::Index>(),
        shared: bool,
    ) {
        let (values, x, grads) = (table(ROWS, dim), table(n, dim), table(n, k));
        let rows = Table::f32(ROWS, dim, &values).unwrap();
        let ids = if shared { some_ids(k, ROWS) } else { (0..k as u32).collect() };
        let cut = cut.index(k);
        for &isa in available() {
            let (mut scores, mut sums) = (vec![0.0; n * k], vec![0.0; n * dim]);
            for part in [0..cut, cut..k] {
                let scored = || match shared {
                    true => Scored::Shared(proven(&ids, ROWS).slice(part.clone())),
                    false => Scored::All(part.clone()),
                };
                let exec = Exec::from(isa);
                score_rows(exec, rows, scored(), &x, &mut scores[part.start..], k);
                add_scored(exec, rows, scored(), 0..dim, (&grads[part.start..], k), &mut sums);
            }
            let named = named(&ids, n, false);
            prop_assert_eq!(bits_any_nan(&scores), bits_any_nan(&score(&values, dim, &x, &named)));
            prop_assert_eq!(bits_any_nan(&sums), bits_any_nan(&gradient_of_x(&values, dim, &named, &grads)));
        }
    }
}
