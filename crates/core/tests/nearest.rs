//! Nearest rows and similarity compared with the reference, on every instruction set.

mod common;
mod reference;

use common::{bits_any_nan, for_each_isa, odd_table, painted, table, WIDTHS};
use proptest::prelude::*;
use reference::nearest::{self as expected, cosine, dot};
use std::panic::catch_unwind;
use tokenbed_core::dtype::Block;
use tokenbed_core::ops::{
    extend_dot, is_narrow, nearest, norm, norms, read, score, similarity, store, Best, SIMILAR_ROWS,
};
use tokenbed_core::simd::dot::ZERO;
use tokenbed_core::simd::{available, detect, Isa};
use tokenbed_core::{DType, Table, TableMut, TableSpec};

/// The ids and the bits of the scores of the `k` best rows, all rows offered in the parts that end at `ends`.
fn found(
    isa: Isa,
    table: Table<'_>,
    ends: &[usize],
    queries: &[f32],
    cosine: bool,
    k: usize,
) -> (Vec<u32>, Vec<u32>) {
    let (dim, count) = (table.dim(), queries.len() / table.dim());
    let mut query_norms = vec![0.0; count];
    norms(isa, queries, dim, &mut query_norms);
    let mut ids = vec![7; count * k];
    let scores = painted(count * k, |scores| {
        let mut best = Best::new(k, scores, &mut ids);
        let mut start = 0;
        for &end in ends {
            let query_norms = cosine.then_some(&query_norms[..]);
            nearest(isa, table, start..end, queries, query_norms, &mut best);
            start = end;
        }
        best.sort();
    });
    (ids, bits_any_nan(&scores))
}

/// The same by the reference.
fn wanted(values: &[f32], dim: usize, queries: &[f32], is_cosine: bool, k: usize) -> (Vec<u32>, Vec<u32>) {
    let by = if is_cosine { cosine } else { dot };
    let (ids, scores) = expected::nearest(values, dim, queries, k, by);
    (ids, bits_any_nan(&scores))
}

fn check(isa: Isa, values: &[f32], dim: usize, queries: &[f32], ks: &[usize]) {
    let rows = values.len() / dim;
    let table = Table::f32(rows, dim, values).unwrap();
    for cosine in [false, true] {
        for &k in ks {
            let found = found(isa, table, &[rows], queries, cosine, k);
            let wanted = wanted(values, dim, queries, cosine, k);
            assert!(
                found == wanted,
                "{} of {rows} x {dim}, {} queries, cosine {cosine}: {found:?}, not {wanted:?}",
                k,
                queries.len() / dim
            );
        }
    }
}

#[test]
fn the_best_rows_at_every_width() {
    for_each_isa!(isa => {
        for dim in WIDTHS {
            check(isa, &table(70, dim), dim, &table(5, dim), &[1, 10]);
        }
        check(isa, &table(6, 5000), 5000, &table(5, 5000), &[6]);
    });
}

#[test]
fn any_number_of_queries_and_rows() {
    for_each_isa!(isa => {
        for rows in [1, 2, 63, 64, 65, 130] {
            let values = table(rows, 24);
            for queries in [0, 1, 2, 3, 4, 5, 8, 11] {
                for k in [1, 2, 3, rows / 2, rows - 1, rows] {
                    if 0 < k && k <= rows {
                        check(isa, &values, 24, &table(queries, 24), &[k]);
                    }
                }
            }
        }
    });
}

#[test]
fn special_values_have_their_place() {
    for_each_isa!(isa => {
        for dim in [1, 2, 3, 17, 40] {
            let values = odd_table(90, dim);
            check(isa, &values, dim, &odd_table(30, dim), &[1, 7, 90]);
        }
    });
}

#[test]
fn of_equal_scores_the_lower_row_is_first_and_nan_is_last() {
    // A tiny negative value underflows in the cosine: its -0 is equal to +0.
    let tiny = -f32::from_bits(1);
    let rows = [f32::NAN, 0.0, 2.0, -0.0, tiny, f32::NAN, 2.0, -2.0, 0.0];
    let wanted = [2, 6, 1, 3, 4, 8, 7, 0, 5];
    for_each_isa!(isa => {
        let (ids, _) = found(isa, Table::f32(9, 1, &rows).unwrap(), &[9], &[0.5], false, 9);
        assert_eq!(ids, wanted);
        // With a second column, the norm of each row is 2^60.
        let wide: Vec<f32> = [0.0, tiny, 0.0].iter().flat_map(|&x| [x, (1_u64 << 60) as f32]).collect();
        let (ids, scores) = found(isa, Table::f32(3, 2, &wide).unwrap(), &[3], &[1.0, 0.0], true, 3);
        assert_eq!(ids, [0, 1, 2]);
        assert_eq!(scores, [0, (-0.0_f32).to_bits(), 0]);
        // All rows are equal.
        let (ids, _) = found(isa, Table::f32(200, 1, &[3.0; 200]).unwrap(), &[200], &[1.0], true, 9);
        assert_eq!(ids, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    });
}

#[test]
fn a_cosine_with_a_row_of_norm_0_is_0() {
    let (nan, infinity) = (f32::NAN, f32::INFINITY);
    let rows = [0.0, 0.0, 1e-30, 1e-30, infinity, 1.0, nan, 1.0, 3.0, 4.0];
    for_each_isa!(isa => {
        check(isa, &rows, 2, &[0.0, 0.0, infinity, 0.0, nan, nan, 1.0, -1.0, 1e-30, 0.0], &[5]);
        let (ids, scores) = found(isa, Table::f32(5, 2, &rows).unwrap(), &[5], &[0.0, 0.0], true, 5);
        assert_eq!((ids, scores), (vec![0, 1, 2, 3, 4], vec![0; 5]));
    });
}

#[test]
fn tables_begin_at_any_byte() {
    let (rows, dim) = (70, 19);
    let values = table(rows, dim);
    let spec = TableSpec::new(DType::F32, rows, dim).unwrap();
    let queries = table(6, dim);
    for_each_isa!(isa => {
        for shift in 0..8 {
            let mut bytes = vec![0; shift];
            bytes.extend(values.iter().flat_map(|x| x.to_ne_bytes()));
            let table = Table::new(spec, &bytes[shift..]).unwrap();
            let found = found(isa, table, &[rows], &queries, true, 12);
            assert_eq!(found, wanted(&values, dim, &queries, true, 12), "from byte {shift} on");
        }
    });
}

/// A table of `dtype` of those values, and the values that lookups give.
fn stored(dtype: DType, rows: usize, dim: usize, shift: usize) -> (TableSpec, Vec<u8>, Vec<f32>) {
    let values = table(rows, dim);
    let spec = TableSpec::new(dtype, rows, dim).unwrap();
    let mut bytes = vec![0; shift + spec.bytes()];
    let mut to = TableMut::new(spec, &mut bytes[shift..]).unwrap();
    store(&mut to, 0..rows, true, &mut |row, col, piece| {
        let scaled = values[row * dim + col..].iter().map(|x| x / 64.0);
        piece.iter_mut().zip(scaled).for_each(|(to, x)| *to = x);
    })
    .unwrap();
    let mut lookups = vec![0.0; rows * dim];
    let table = Table::new(spec, &bytes[shift..]).unwrap();
    read(detect(), table, 0..rows * dim, &mut lookups);
    (spec, bytes, lookups)
}

#[test]
fn every_dtype_gives_the_scores_of_its_lookups() {
    for dtype in DType::STORED {
        for (rows, dim) in [
            (70, 1),
            (300, 33),
            (131, 64),
            (20, 1000),
            (5, 4097),
            (3, 8192),
            (3, 8193),
        ] {
            let (spec, bytes, values) = stored(dtype, rows, dim, dim % 3);
            let table = Table::new(spec, &bytes[dim % 3..]).unwrap();
            let all = common::table(5, dim);
            let k = rows.min(9);
            for (queries, cosine) in [
                (&all[..dim], false),
                (&all[..dim], true),
                (&all, false),
                (&all, true),
            ] {
                let wanted = wanted(&values, dim, queries, cosine, k);
                for_each_isa!(isa => {
                    if !is_narrow(isa, table) {
                        assert!(dim == 8193 && dtype != DType::F32);
                        continue;
                    }
                    for ends in [&[rows][..], &[rows / 3, rows]] {
                        let found = found(isa, table, ends, queries, cosine, k);
                        assert_eq!(found, wanted, "{dtype:?}, {rows} x {dim}, parts {ends:?}");
                    }
                });
            }
        }
    }
}

#[test]
fn rows_of_blocks_give_the_scores_of_their_lookups() {
    for block in Block::ALL {
        for (rows, dim) in [(70, 256), (5, 4096), (2, 8192)] {
            let spec = TableSpec::new(DType::Block(block), rows, dim).unwrap();
            let hash = |i: usize| ((i as u32).wrapping_mul(0x9e37_79b9) >> 24) as u8;
            let bytes: Vec<u8> = (0..spec.bytes()).map(hash).collect();
            let table = Table::new(spec, &bytes).unwrap();
            let mut values = vec![0.0; rows * dim];
            read(detect(), table, 0..rows * dim, &mut values);
            let queries = common::table(5, dim);
            let wanted = wanted(&values, dim, &queries, true, 2);
            for_each_isa!(isa => {
                assert_eq!(found(isa, table, &[rows], &queries, true, 2), wanted, "{block:?}, {rows} x {dim}");
            });
        }
    }
}

#[test]
fn rows_that_are_too_wide_to_decode_are_refused() {
    let spec = TableSpec::new(DType::Block(Block::Q8_0), 1, 8224).unwrap();
    let bytes = vec![0; spec.bytes()];
    let (table, query) = (Table::new(spec, &bytes).unwrap(), common::table(1, 8224));
    for_each_isa!(isa => {
        assert!(!is_narrow(isa, table));
        assert!(catch_unwind(|| found(isa, table, &[1], &query, false, 1)).is_err());
    });
}

#[test]
fn parts_of_the_rows_in_any_order_give_the_same_best_rows() {
    let (rows, dim, k) = (300, 9, 20);
    let values = odd_table(rows, dim);
    let queries = table(3, dim);
    let table = Table::f32(rows, dim, &values).unwrap();
    for cosine in [false, true] {
        let wanted = wanted(&values, dim, &queries, cosine, k);
        for_each_isa!(isa => {
            for ends in [&[1, 2, 300][..], &[0, 64, 64, 127, 299, 300], &[150, 300]] {
                assert_eq!(found(isa, table, ends, &queries, cosine, k), wanted, "parts {ends:?}");
            }
            // Each part has heaps of its own, which are merged from the last one on.
            let mut query_norms = [0.0; 3];
            norms(isa, &queries, dim, &mut query_norms);
            let (mut scores, mut ids) = ([0.0; 60], [0; 60]);
            let mut best = Best::new(k, &mut scores, &mut ids);
            for part in [200..300, 190..200, 0..5, 5..190] {
                let (mut scores, mut ids) = ([0.0; 60], [0; 60]);
                let mut own = Best::new(k, &mut scores, &mut ids);
                nearest(isa, table, part, &queries, cosine.then_some(&query_norms[..]), &mut own);
                best.merge(&own);
            }
            best.sort();
            assert_eq!((ids.to_vec(), bits_any_nan(&scores)), wanted);
        });
    }
}

#[test]
fn several_passes_continue_after_the_last_row() {
    let (rows, dim) = (100, 3);
    let mut values = odd_table(rows, dim);
    values.copy_within(0..60, 120); // equal rows
    let query = [0.5, -1.0, 2.0];
    let table = Table::f32(rows, dim, &values).unwrap();
    for_each_isa!(isa => {
        let wanted = wanted(&values, dim, &query, false, rows);
        for most in [1, 2, 33, 99] {
            let (mut ids, mut scores) = (vec![0; rows], vec![0.0; rows]);
            let mut last = None;
            for (scores, ids) in scores.chunks_mut(most).zip(ids.chunks_mut(most)) {
                let mut best = match last {
                    None => Best::new(ids.len(), scores, ids),
                    Some(last) => Best::after(last, scores, ids),
                };
                nearest(isa, table, 0..rows, &query, None, &mut best);
                best.sort();
                last = Some((*scores.last().unwrap(), *ids.last().unwrap()));
            }
            assert_eq!((ids, bits_any_nan(&scores)), wanted, "{most} at a time");
        }
    });
}

#[test]
fn dot_products_in_parts_have_the_same_bits() {
    let (x, y) = (table(1, 3000), table(2, 3000)[3000..].to_vec());
    for_each_isa!(isa => {
        for len in [0, 1, 15, 16, 17, 48, 1000, 3000] {
            let (x, y) = (&x[..len], &y[..len]);
            for part in [16, 32, 1024, 4096] {
                let mut lanes = ZERO;
                for (x, y) in x.chunks(part).zip(y.chunks(part)) {
                    extend_dot(isa, x, y, &mut lanes);
                }
                let mut whole = ZERO;
                extend_dot(isa, x, y, &mut whole);
                assert_eq!(lanes.map(f32::to_bits), whole.map(f32::to_bits), "{len} in parts of {part}");
            }
        }
        let mut own = [0.0];
        norms(isa, &x, 3000, &mut own);
        assert_eq!(own[0].to_bits(), norm(dot(&x, &x)).to_bits());
    });
    assert_eq!(score(3.0, None), 3.0);
    assert_eq!(score(3.0, Some((2.0, 0.5))), 3.0);
    assert_eq!(score(f32::NAN, Some((0.0, 0.5))).to_bits(), 0);
    assert_eq!(score(3.0, Some((f32::NAN, -0.0))).to_bits(), 0);
}

#[test]
fn similarity_is_the_cosine_of_every_pair() {
    for_each_isa!(isa => {
        for (n, m, dim) in [(0, 3, 5), (3, 0, 5), (1, 1, 1), (5, 3, 16), (7, 66, 20), (SIMILAR_ROWS, 2, 3), (4, 130, 257)] {
            let (a, b) = (odd_table(n, dim), table(m, dim));
            let wanted = expected::similarity(&a, &b, dim);
            for stride in [m, m + 3] {
                let mut out = painted(n * stride, |out| similarity(isa, &a, &b, dim, out, stride));
                let paint = painted(1, |_| ())[0].to_bits();
                let rest = out.chunks(stride.max(1)).flat_map(|row| &row[m.min(row.len())..]);
                assert!(rest.clone().all(|x| x.to_bits() == paint), "{n} x {m} x {dim}");
                if stride > 0 {
                    out = out.chunks(stride).flat_map(|row| row[..m].to_vec()).collect();
                }
                assert_eq!(bits_any_nan(&out), bits_any_nan(&wanted), "{n} x {m} x {dim}");
            }
        }
    });
}

#[test]
fn mismatched_lengths_panic() {
    let values = table(4, 3);
    let rows = Table::f32(4, 3, &values).unwrap();
    let isa = detect();
    let search = |queries: usize, range, k: usize, count: usize| {
        let queries = table(1, queries);
        let (mut scores, mut ids) = (vec![0.0; k * count], vec![0; k * count]);
        nearest(
            isa,
            rows,
            range,
            &queries,
            None,
            &mut Best::new(k, &mut scores, &mut ids),
        );
    };
    search(3, 0..4, 2, 1);
    assert!(
        catch_unwind(|| search(4, 0..4, 2, 1)).is_err(),
        "a query of 4 values"
    );
    assert!(catch_unwind(|| search(3, 0..5, 2, 1)).is_err(), "5 rows");
    assert!(
        catch_unwind(|| search(3, 0..4, 2, 2)).is_err(),
        "results of 2 queries"
    );
    for (k, scores, ids) in [(0, 0, 0), (2, 3, 3), (2, 2, 4)] {
        let call = || Best::new(k, &mut vec![0.0; scores], &mut vec![0; ids]).queries();
        assert!(
            catch_unwind(call).is_err(),
            "{k} of {scores} scores and {ids} ids"
        );
    }
    assert!(catch_unwind(|| norms(isa, &[0.0; 6], 3, &mut [0.0; 3])).is_err());
    assert!(catch_unwind(|| norms(isa, &[0.0; 7], 3, &mut [0.0; 2])).is_err());
    assert!(catch_unwind(|| extend_dot(isa, &[0.0; 3], &[0.0; 4], &mut ZERO.clone())).is_err());
    assert!(catch_unwind(|| similarity(isa, &[0.0; 6], &[0.0; 6], 3, &mut [0.0; 3], 2)).is_err());
}

/// Values that are often equal, zero or special.
fn any_value() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => -3.0_f32..3.0,
        4 => prop_oneof![Just(0.0_f32), Just(-0.0), Just(1.0), Just(-1.0), Just(2.0)],
        1 => any::<u32>().prop_map(f32::from_bits),
    ]
}

proptest! {
    #[test]
    fn any_table_and_queries(
        (dim, values, queries, k, cosine) in (1_usize..20, 1_usize..90, 0_usize..7).prop_flat_map(|(dim, rows, queries)| (
            Just(dim),
            prop::collection::vec(any_value(), rows * dim),
            prop::collection::vec(any_value(), queries * dim),
            1..=rows,
            any::<bool>(),
        )),
    ) {
        let rows = values.len() / dim;
        let table = Table::f32(rows, dim, &values).unwrap();
        let wanted = wanted(&values, dim, &queries, cosine, k);
        for &isa in available() {
            prop_assert_eq!(found(isa, table, &[rows], &queries, cosine, k), wanted.clone());
        }
    }
}
