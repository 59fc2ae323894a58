//! Nearest rows and similarity through arrays in tiles, as on WebAssembly, and on several threads: the same results as
//! of plain loops, with any tiles, passes and threads.

mod common;

use common::{TiledFloats as Floats, TiledIdsOut, TiledOut as Out};
use tokenbed_binding::nearest::{nearest, similarity};
use tokenbed_binding::{run, Environment, Failure, TableRecord};

const WHOLE: usize = usize::MAX;

/// Values with many equal ones.
fn values(len: usize) -> Vec<f32> {
    let hash = |i: usize| (i as u32).wrapping_mul(0x9e37_79b9) >> 28;
    (0..len).map(|i| hash(i) as f32 - 7.5).collect()
}

fn environment(threads: usize) -> Environment {
    let mut env = Environment::default();
    env.use_threads(threads);
    env
}

fn table(env: &mut Environment, dtype: &str, rows: usize, dim: usize) -> (f64, Vec<f32>) {
    let record = TableRecord {
        rows: rows as f64,
        dim: dim as f64,
        dtype: dtype.to_owned(),
        zeros: true,
    };
    let table = env.table_create(&record).unwrap().unwrap();
    let values = values(rows * dim);
    run::table_write(env, table, 0.0, Floats(&values, WHOLE)).unwrap();
    let mut lookups = vec![0.0; rows * dim];
    run::table_read(env, table, 0.0, Out::overwritten(&mut lookups, WHOLE)).unwrap();
    (table, lookups)
}

fn dot(x: &[f32], y: &[f32]) -> f32 {
    let mut lanes = [0.0; 16];
    for (c, (x, y)) in x.iter().zip(y).enumerate() {
        lanes[c % 16] += x * y;
    }
    for half in [8, 4, 2, 1] {
        for j in 0..half {
            lanes[j] += lanes[j + half];
        }
    }
    lanes[0]
}

fn cosine(x: &[f32], y: &[f32]) -> f32 {
    dot(x, y) / (dot(x, x).sqrt() * dot(y, y).sqrt())
}

/// All rows of each query, sorted.
fn sorted(rows: &[f32], dim: usize, queries: &[f32], is_cosine: bool) -> Vec<Vec<(u32, f32)>> {
    let score = if is_cosine { cosine } else { dot };
    let of_query = |query: &[f32]| {
        let mut all: Vec<_> = (0..).zip(rows.chunks(dim).map(|row| score(query, row))).collect();
        all.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        all
    };
    queries.chunks(dim).map(of_query).collect()
}

#[test]
fn tiles_and_passes_do_not_change_the_best_rows() {
    let mut env = environment(1);
    for (dtype, rows, dim) in [("f32", 90, 33), ("i8", 60, 40), ("i4", 7, 8200), ("f16", 300, 1)] {
        let (handle, lookups) = table(&mut env, dtype, rows, dim);
        let queries = values(7 * dim + 5)[5..].to_vec();
        for is_cosine in [false, true] {
            let sorted = sorted(&lookups, dim, &queries, is_cosine);
            for k in [1, 5, rows] {
                for (seen, entries) in [(WHOLE, WHOLE), (dim, 5), (3 * dim + 1, 64), (1024, 13), (1024, 1)] {
                    if dim > seen && seen != 1024 {
                        continue;
                    }
                    let (mut ids, mut scores) = (vec![9; 7 * k + 2], vec![9.0; 7 * k + 1]);
                    let (to_ids, to_scores) = (
                        TiledIdsOut(&mut ids, entries),
                        Out::overwritten(&mut scores, entries),
                    );
                    nearest(
                        &env,
                        handle,
                        Floats(&queries, seen),
                        k as f64,
                        is_cosine,
                        to_ids,
                        to_scores,
                    )
                    .unwrap();
                    let wanted = sorted.iter().flat_map(|rows| &rows[..k]);
                    let found = ids.iter().copied().zip(scores.iter().copied()).take(7 * k);
                    assert!(
                        found.eq(wanted.copied()),
                        "{dtype} {rows} x {dim}, k {k}, {seen} {entries}"
                    );
                    assert_eq!((&ids[7 * k..], scores[7 * k]), (&[9, 9][..], 9.0));
                }
            }
        }
    }
}

#[test]
fn threads_do_not_change_the_best_rows() {
    for (dtype, rows, dim) in [("f32", 40_000, 32), ("i8", 40_000, 120), ("i4", 1500, 8200)] {
        let mut env = environment(1);
        let (handle, lookups) = table(&mut env, dtype, rows, dim);
        let queries = values(5 * dim + 5)[5..].to_vec();
        let sorted = sorted(&lookups, dim, &queries, true);
        for threads in [1, 2, 3, 8] {
            env.use_threads(threads);
            // The last one is too large for heaps of other threads.
            for k in [1, 10, 500, rows.min(17_000)] {
                let (mut ids, mut scores) = (vec![0; 5 * k], vec![0.0; 5 * k]);
                let (to_ids, to_scores) =
                    (TiledIdsOut(&mut ids, WHOLE), Out::overwritten(&mut scores, WHOLE));
                let queries = Floats(&queries, WHOLE);
                nearest(&env, handle, queries, k as f64, true, to_ids, to_scores).unwrap();
                let wanted = sorted.iter().flat_map(|rows| &rows[..k]);
                let found = ids.iter().copied().zip(scores.iter().copied());
                assert!(
                    found.eq(wanted.copied()),
                    "{dtype} {rows} x {dim}, k {k}, {threads} threads"
                );
            }
        }
    }
}

#[test]
fn tiles_do_not_change_similarities() {
    let env = environment(1);
    for (n, m, dim) in [
        (5, 9, 33),
        (1, 1, 1),
        (300, 40, 20),
        (3, 4, 3000),
        (4, 0, 3),
        (0, 4, 3),
    ] {
        let (a, b) = (values(n * dim), values(m * dim + 3)[3..].to_vec());
        let rows = a.chunks(dim);
        let wanted: Vec<f32> = rows.flat_map(|a| b.chunks(dim).map(|b| cosine(a, b))).collect();
        for (seen, entries) in [(WHOLE, WHOLE), (dim, 7), (5 * dim + 1, 1000), (1024, 3)] {
            if dim > seen && seen != 1024 {
                continue;
            }
            let mut out = vec![9.0; n * m + 1];
            let (a, b) = (Floats(&a, seen), Floats(&b, seen));
            similarity(&env, a, b, dim as f64, Out::overwritten(&mut out, entries)).unwrap();
            assert_eq!(out.pop(), Some(9.0));
            assert_eq!(out, wanted, "{n} and {m} rows of {dim}, {seen} {entries}");
        }
    }
}

#[test]
fn wrong_lengths_and_overlaps_are_failures() {
    let mut env = environment(1);
    let (handle, _) = table(&mut env, "f32", 4, 3);
    let search = |env: &Environment, queries: &[f32], k, ids: usize, scores: usize| {
        let (mut ids, mut scores) = (vec![0; ids], vec![0.0; scores]);
        let (ids, scores) = (TiledIdsOut(&mut ids, WHOLE), Out::overwritten(&mut scores, WHOLE));
        nearest(env, handle, Floats(queries, WHOLE), k, false, ids, scores)
    };
    let queries = [1.0; 6];
    assert_eq!(search(&env, &queries, 2.0, 4, 4), Ok(()));
    assert_eq!(
        search(&env, &queries, 2.0, 3, 4),
        Err(Failure::Short("ids", 3, 4))
    );
    assert_eq!(
        search(&env, &queries, 2.0, 4, 3),
        Err(Failure::Short("out", 3, 4))
    );
    assert_eq!(
        search(&env, &queries, 0.0, 4, 4),
        Err(Failure::Short("table", 4, 0))
    );
    assert_eq!(
        search(&env, &queries, 5.0, 40, 40),
        Err(Failure::Short("table", 4, 5))
    );
    env.free(handle);
    assert_eq!(search(&env, &queries, 2.0, 4, 4), Err(Failure::Handle(handle)));
    let mut out = [0.0; 3];
    let (a, b) = (Floats(&queries, WHOLE), Floats(&queries, WHOLE));
    let call = similarity(&env, a, b, 3.0, Out::overwritten(&mut out, WHOLE));
    assert_eq!(call, Err(Failure::Short("out", 3, 4)));
}
