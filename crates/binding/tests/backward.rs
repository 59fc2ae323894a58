//! The backward passes of bags and scores: whole and in tiles, as on WebAssembly, on one thread and on several.

#![expect(unsafe_code, reason = "arrays of the test, as a binding makes them")]

mod common;

use common::{TiledFloats, TiledIds, TiledOut};
use tokenbed_binding::arrays::{Cuts, OutArray};
use tokenbed_binding::bags::bag_backward;
use tokenbed_binding::score::{score_backward, score_run};
use tokenbed_binding::whole::Whole;
use tokenbed_binding::{gradient, run, BagRecord, Environment, Failure, TableRecord, DONE};
use tokenbed_core::indices::Ids;

const ROWS: usize = 40;

fn table(env: &mut Environment, rows: usize, dim: usize, dtype: &str) -> f64 {
    let record = TableRecord {
        rows: rows as f64,
        dim: dim as f64,
        dtype: dtype.to_owned(),
        zeros: false,
    };
    let table = env.table_create(&record).unwrap().unwrap();
    run::table_uniform(env, table, 7, 0, 1.0, None).unwrap();
    table
}

/// `n` ids below `rows`.
fn ids(n: usize, rows: usize) -> Vec<i32> {
    (0..n).map(|i| ((i * 17 + i / 5) % rows) as i32).collect()
}

fn floats(n: usize) -> Vec<f32> {
    (1..=n as u32)
        .map(|i| i.wrapping_mul(2_654_435_761) as i32 as f32 / 536_870_912.0)
        .collect()
}

/// Floats as a binding passes them.
fn whole(out: &mut [f32]) -> Whole<'_> {
    // SAFETY: the slice is borrowed for as long as the output.
    unsafe { Whole::new(out.as_mut_ptr(), out.len()) }
}

/// Rows and values of the gradient of a table, which then ends.
fn taken(env: &mut Environment, table: f64, dim: usize) -> Option<(Vec<u32>, Vec<f32>)> {
    let count = gradient::count(env, table).unwrap()? as usize;
    let (mut rows, mut values) = (vec![0; count], vec![0.0; count * dim]);
    // SAFETY: the vector outlives the call, and nobody else uses it.
    let out = unsafe { Whole::new(rows.as_mut_ptr(), count) };
    assert_eq!(gradient::rows(env, table, out), Ok(()));
    assert_eq!(gradient::values(env, table, whole(&mut values)), Ok(()));
    gradient::clear(env, table).unwrap();
    Some((rows, values))
}

type Grad = Option<(Vec<u32>, Vec<f32>)>;

/// A backward pass of bags in tiles of `most` floats and `most_ids` ids: the gradients of the table and of the weights.
fn bags(
    env: &mut Environment,
    (table, bag, dim): (f64, f64, usize),
    ids: &[i32],
    offsets: Option<&[i32]>,
    weights: Option<&[f32]>,
    (most, most_ids): (usize, usize),
    by_freq: bool,
) -> (Grad, Vec<f32>) {
    let cuts = || match offsets {
        None => Cuts::Equal(4),
        Some(offsets) => Cuts::At {
            offsets: TiledIds(Ids::I32(offsets), most_ids),
            include_last: false,
        },
    };
    let bags = offsets.map_or(4, <[i32]>::len);
    let grad = floats(bags * dim);
    let mut weights_grad = vec![0.5; ids.len() + 3];
    let out = weights.map(|_| TiledOut::overwritten(&mut weights_grad, most));
    let weights = weights.map(|weights| TiledFloats(weights, most));
    let grad = TiledFloats(&grad, most);
    let status = bag_backward(
        env,
        bag,
        TiledIds(Ids::I32(ids), most_ids),
        cuts(),
        weights,
        grad,
        out,
        by_freq,
    );
    assert_eq!(status, Ok(DONE));
    assert_eq!(weights_grad[ids.len()..], [0.5; 3], "the rest of an output");
    (taken(env, table, dim), weights_grad)
}

#[test]
fn the_backward_pass_of_bags_does_not_depend_on_tiles() {
    let (ids, offsets) = (ids(60, ROWS), [0, 0, 7, 7, 50]);
    let weights = floats(60);
    for dim in [7, 1030] {
        for mode in ["sum", "mean", "max"] {
            for by_freq in [false, true] {
                let mut env = Environment::default();
                let table = table(&mut env, ROWS, dim, "f32");
                env.table_trains(table, true, Some(17.0)).unwrap();
                let bag = BagRecord {
                    table,
                    mode: mode.to_owned(),
                    padding: Some(17.0),
                    include_last_offset: false,
                };
                let bag = env.bag_create(&bag).unwrap();
                let handles = (table, bag, dim);
                for offsets in [None, Some(&offsets[..])] {
                    for weights in [None, Some(&weights[..])] {
                        if mode == "max" && weights.is_some() {
                            continue;
                        }
                        let mut run = |most| bags(&mut env, handles, &ids, offsets, weights, most, by_freq);
                        let wanted = run((usize::MAX, 1 << 20));
                        let (rows, values) = wanted.0.as_ref().unwrap();
                        assert!(rows.len() > 20 && !rows.contains(&17), "{rows:?}");
                        assert!(values.iter().any(|&x| x != 0.0));
                        for most in [
                            (1 << 20, 1),
                            (1 << 20, 9),
                            (3 * dim, 60),
                            (dim, 5),
                            (1024, 60),
                            (16, 7),
                            (1, 1),
                        ] {
                            if most.0 < dim.min(1024) && weights.is_some() {
                                continue; // products take 1024 columns at a time
                            }
                            assert!(run(most) == wanted, "{mode} of {dim} columns, tiles of {most:?}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn gradients_of_weights_are_those_of_any_dtype_and_of_frozen_tables() {
    let (ids, weights) = (ids(60, ROWS), floats(60));
    for dim in [48, 1030] {
        for dtype in ["f32", "f16", "i8"] {
            let mut env = Environment::default();
            let stored = table(&mut env, ROWS, dim, dtype);
            // The same values as f32: a mean is divided and subtracted the same way.
            let plain = table(&mut env, ROWS, dim, "f32");
            assert_eq!(run::table_convert(&mut env, stored, plain), Ok(DONE));
            for mode in ["sum", "mean"] {
                let [wanted, from_stored, in_tiles] = [(plain, 1 << 20), (stored, 1 << 20), (stored, 1024)]
                    .map(|(table, most)| {
                        let bag = BagRecord {
                            table,
                            mode: mode.to_owned(),
                            padding: Some(3.0),
                            include_last_offset: false,
                        };
                        let bag = env.bag_create(&bag).unwrap();
                        bags(
                            &mut env,
                            (table, bag, dim),
                            &ids,
                            None,
                            Some(&weights),
                            (most, 11),
                            false,
                        )
                    });
                assert_eq!(wanted.0, None, "a frozen table has no gradient");
                assert!(wanted.1.iter().any(|&x| x.abs() > 1e-3));
                assert!(
                    from_stored == wanted && in_tiles == wanted,
                    "{dtype} {mode} of {dim} columns"
                );
            }
        }
    }
}

/// Scores, the gradient of x and that of the table, in tiles.
#[allow(clippy::type_complexity, reason = "three results")]
fn scores(
    env: &mut Environment,
    (table, dim): (f64, usize),
    x: &[f32],
    ids: Option<&[i32]>,
    per_row: bool,
    (most, most_ids): (usize, usize),
    by_freq: bool,
) -> (Vec<f32>, Vec<f32>, Grad) {
    let n = x.len() / dim;
    let k = ids.map_or(ROWS, |ids| if per_row { ids.len() / n } else { ids.len() });
    let ids = ids.map(|ids| TiledIds(Ids::I32(ids), most_ids));
    let (mut out, mut x_grad) = (vec![0.0; n * k], vec![0.0; x.len()]);
    let tiles = TiledOut::overwritten(&mut out, most);
    let status = score_run(env, table, TiledFloats(x, most), ids.clone(), per_row, tiles);
    assert_eq!(status, Ok(DONE));
    let grads = floats(n * k);
    let (tiles, grads) = (
        TiledOut::overwritten(&mut x_grad, most),
        TiledFloats(&grads, most),
    );
    let x = TiledFloats(x, most);
    assert_eq!(
        score_backward(env, table, x, ids, grads, per_row, by_freq, tiles),
        Ok(DONE)
    );
    (out, x_grad, taken(env, table, dim))
}

#[test]
fn scores_do_not_depend_on_tiles() {
    let (shared, each) = (ids(9, ROWS), ids(5 * 6, ROWS));
    for dim in [7, 1030] {
        for dtype in ["f32", "f16"] {
            let mut env = Environment::default();
            let table = table(&mut env, ROWS, dim, dtype);
            if dtype == "f32" {
                env.table_trains(table, true, Some(17.0)).unwrap();
            }
            let x = floats(5 * dim);
            for (form, per_row) in [(None, false), (Some(&shared[..]), false), (Some(&each[..]), true)] {
                for by_freq in [false, true] {
                    let mut run = |most| scores(&mut env, (table, dim), &x, form, per_row, most, by_freq);
                    let wanted = run((1 << 20, 1 << 20));
                    assert_eq!(wanted.2.is_some(), dtype == "f32");
                    for most in [
                        (1 << 20, 1),
                        (1 << 20, 4),
                        (3 * dim, 30),
                        (dim, 5),
                        (1024, 30),
                        (16, 7),
                        (1, 1),
                    ] {
                        if most.0 < dim.min(1024) {
                            continue; // products take 1024 columns at a time
                        }
                        let found = run(most);
                        assert!(
                            found == wanted,
                            "{dtype}, {dim} columns, {form:?}, tiles of {most:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn threads_change_no_bit() {
    // Above the size from which a call runs on several threads.
    let (rows, dim, n) = (3000, 128, 400);
    let (ids, x) = (ids(n * 50, rows), floats(n * dim));
    let zipf: Vec<i32> = ids.iter().map(|&id| if id % 2 == 0 { 5 } else { id }).collect();
    let (weights, mut results) = (floats(n * 50), Vec::new());
    for threads in [1, 2, 4] {
        let mut env = Environment::default();
        assert_eq!(env.use_threads(threads), threads);
        let table = table(&mut env, rows, dim, "f32");
        env.table_trains(table, true, Some(17.0)).unwrap();
        let mut all = Vec::new();
        for ids in [&ids, &zipf] {
            for mode in ["sum", "mean", "max"] {
                let bag = BagRecord {
                    table,
                    mode: mode.to_owned(),
                    padding: Some(17.0),
                    include_last_offset: false,
                };
                let bag = env.bag_create(&bag).unwrap();
                let mut weights_grad = vec![0.0; ids.len()];
                let weighted = mode != "max";
                let status = bag_backward(
                    &mut env,
                    bag,
                    Ids::I32(ids),
                    Cuts::<Ids<'_>>::Equal(n),
                    weighted.then_some(&weights[..]),
                    &x[..],
                    weighted.then(|| whole(&mut weights_grad)),
                    true,
                );
                assert_eq!(status, Ok(DONE));
                all.push((weights_grad, taken(&mut env, table, dim)));
            }
            let (mut out, mut x_grad) = (vec![0.0; ids.len()], vec![0.0; x.len()]);
            let status = score_run(&env, table, &x[..], Some(Ids::I32(ids)), true, whole(&mut out));
            assert_eq!(status, Ok(DONE));
            let x_out = whole(&mut x_grad);
            let status = score_backward(
                &mut env,
                table,
                &x[..],
                Some(Ids::I32(ids)),
                &weights[..],
                true,
                false,
                x_out,
            );
            assert_eq!(status, Ok(DONE));
            all.push((out, taken(&mut env, table, dim)));
            all.push((x_grad, None));
        }
        let (mut out, mut x_grad) = (vec![0.0; n * rows], vec![0.0; x.len()]);
        let grads = floats(n * rows);
        let status = score_run(&env, table, &x[..], None::<Ids<'_>>, false, whole(&mut out));
        assert_eq!(status, Ok(DONE));
        let x_out = whole(&mut x_grad);
        let status = score_backward(
            &mut env,
            table,
            &x[..],
            None::<Ids<'_>>,
            &grads[..],
            false,
            true,
            x_out,
        );
        assert_eq!(status, Ok(DONE));
        all.push((out, taken(&mut env, table, dim)));
        all.push((x_grad, None));
        results.push(all);
    }
    assert!(results[1] == results[0], "2 threads");
    assert!(results[2] == results[0], "4 threads");
}

#[test]
fn a_bad_entry_changes_nothing_and_lengths_are_checked() {
    let dim = 7;
    let mut env = Environment::default();
    let table = table(&mut env, ROWS, dim, "f32");
    env.table_trains(table, true, None).unwrap();
    let bag = BagRecord {
        table,
        mode: "mean".to_owned(),
        padding: None,
        include_last_offset: true,
    };
    let bag = env.bag_create(&bag).unwrap();
    let (grad, weights) = (floats(3 * dim), floats(4));
    let mut run = |ids: &[i32], offsets: &[i32], grads: usize| {
        let mut out = [0.5; 4];
        let cuts = Cuts::At {
            offsets: TiledIds(Ids::I32(offsets), 2),
            include_last: false,
        };
        let (weights, grad) = (Some(TiledFloats(&weights, 9)), TiledFloats(&grad[..grads], 9));
        let tiles = Some(TiledOut::new(&mut out, 9));
        let status = bag_backward(
            &mut env,
            bag,
            TiledIds(Ids::I32(ids), 3),
            cuts,
            weights,
            grad,
            tiles,
            false,
        );
        (status, out == [0.5; 4], gradient::count(&mut env, table).unwrap())
    };
    assert_eq!(run(&[0, 1, 40, 3], &[0, 2, 4], 2 * dim), (Ok(2.0), true, None));
    assert_eq!(run(&[0, 1, 2, 3], &[0, 2, 3], 2 * dim), (Ok(-4.0), true, None));
    assert_eq!(run(&[0, 1, 2, 3], &[1, 4], dim), (Ok(-2.0), true, None));
    assert!(matches!(
        run(&[0, 1, 2, 3], &[0, 2, 4], 2 * dim - 1),
        (Err(Failure::Short(..)), true, None)
    ));
    assert_eq!(
        run(&[0, 1, 2, 3], &[0, 2, 4], 2 * dim),
        (Ok(DONE), false, Some(4.0))
    );
    gradient::clear(&mut env, table).unwrap();

    let x = floats(2 * dim);
    let mut run = |ids: &[i32], per_row, scores: usize, len: usize| {
        let mut out = vec![0.5; len];
        let grads = floats(scores);
        let ids = Some(TiledIds(Ids::I32(ids), 3));
        let (values, grads) = (TiledFloats(&x, 99), TiledFloats(&grads, 99));
        let tiles = TiledOut::new(&mut out, 99);
        let status = score_backward(&mut env, table, values, ids, grads, per_row, false, tiles);
        (
            status,
            out == vec![0.5; len],
            gradient::count(&mut env, table).unwrap(),
        )
    };
    assert_eq!(run(&[0, 1, 40, 3], true, 4, 2 * dim), (Ok(2.0), true, None));
    assert_eq!(run(&[-1, 1], false, 4, 2 * dim), (Ok(0.0), true, None));
    assert!(matches!(
        run(&[0, 1, 2], true, 4, 2 * dim),
        (Err(Failure::Argument(_)), true, None)
    ));
    assert!(matches!(
        run(&[0, 1], false, 3, 2 * dim),
        (Err(Failure::Short(..)), true, None)
    ));
    assert!(matches!(
        run(&[0, 1], false, 4, 2 * dim - 1),
        (Err(Failure::Short(..)), true, None)
    ));
    assert_eq!(run(&[0, 1], false, 4, 2 * dim), (Ok(DONE), false, Some(2.0)));
    let mut same = floats(2 * dim);
    let out = whole(&mut same);
    let address = out.address();
    // SAFETY: the call refuses the overlap before it reads or writes.
    let x = unsafe { std::slice::from_raw_parts(address.start as *const f32, 2 * dim) };
    let grads = floats(4);
    let status = score_backward(
        &mut env,
        table,
        x,
        Some(TiledIds(Ids::I32(&[0, 1]), 3)),
        &grads[..],
        false,
        false,
        out,
    );
    assert_eq!(status, Err(Failure::Overlap));
}

#[test]
fn no_rows_and_no_scores() {
    let dim = 7;
    let mut env = Environment::default();
    let table = table(&mut env, ROWS, dim, "f32");
    env.table_trains(table, true, None).unwrap();
    let x = floats(2 * dim);
    let all = (1 << 20, 1 << 20);
    for (form, per_row) in [(None, false), (Some(&[][..]), false), (Some(&[][..]), true)] {
        for x in [&x[..], &[]] {
            let ids = if x.is_empty() && per_row { None } else { form };
            let per_row = per_row && ids.is_some();
            let (out, x_grad, gradient) = scores(&mut env, (table, dim), x, ids, per_row, all, true);
            assert_eq!(out.len(), x.len() / dim * if ids.is_none() { ROWS } else { 0 });
            assert!(x.is_empty() || ids.is_none() || x_grad.iter().all(|x| x.to_bits() == 0));
            let rows = if ids.is_none() && !x.is_empty() { ROWS } else { 0 };
            assert_eq!(gradient.unwrap().0.len(), rows);
        }
    }
    // Ids for no row: there are no contributions, and so no rows.
    let (x, grads): (&[f32], &[f32]) = (&[], &[]);
    let status = score_backward(
        &mut env,
        table,
        x,
        Some(Ids::I32(&[1, 2])),
        grads,
        false,
        true,
        whole(&mut []),
    );
    assert_eq!(status, Ok(DONE));
    assert_eq!(taken(&mut env, table, dim), Some((vec![], vec![])));
}
