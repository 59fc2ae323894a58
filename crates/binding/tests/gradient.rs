//! Backward passes through arrays in tiles, as on WebAssembly, and on several threads: the sums of plain loops.

mod common;
#[path = "../../core/tests/reference/mod.rs"]
mod reference;

use common::{TiledFloats as Floats, TiledIds, TiledIdsOut, TiledOut as Out};
use reference::gradient::{by_freq, scaled, undropped, Gradient as Expected};
use reference::position::Drop;
use tokenbed_binding::arrays::At;
use tokenbed_binding::gradient::{
    backward, bytes, clear, count, embed_backward, positions_backward, rows, values,
};
use tokenbed_binding::{EmbedRecord, Environment, PositionsRecord, TableRecord, DONE};
use tokenbed_core::indices::Ids;

const WHOLE: usize = usize::MAX;

/// A table of zeros that trains, and its handle.
fn table(env: &mut Environment, rows: usize, dim: usize, padding: Option<usize>) -> f64 {
    let record = TableRecord {
        rows: rows as f64,
        dim: dim as f64,
        dtype: "f32".to_owned(),
        zeros: true,
    };
    let table = env.table_create(&record).unwrap().unwrap();
    env.table_trains(table, true, padding.map(|row| row as f64))
        .unwrap();
    table
}

/// Values that all differ.
fn numbers(len: usize, seed: u32) -> Vec<f32> {
    let number = |i: u32| (i ^ seed << 24).wrapping_mul(2_654_435_761) as i32 as f32 / 65_536.0;
    (0..len as u32).map(number).collect()
}

/// Ids with repeats.
fn some_ids(len: usize, bound: usize) -> Vec<u32> {
    (0..len).map(|i| (i * i * 7 % bound) as u32).collect()
}

fn plain(ids: &[u32]) -> Vec<usize> {
    ids.iter().map(|&id| id as usize).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

/// The rows and the bits of the values of a gradient, read in tiles.
fn read(env: &mut Environment, table: f64, dim: usize, most: usize) -> Option<(Vec<usize>, Vec<u32>)> {
    let count = count(env, table).unwrap()? as usize;
    let (mut ids, mut floats) = (vec![0; count], vec![0.0; count * dim]);
    assert_eq!(rows(env, table, TiledIdsOut(&mut ids, most)), Ok(()));
    assert_eq!(values(env, table, Out::overwritten(&mut floats, most)), Ok(()));
    Some((plain(&ids), bits(&floats)))
}

fn expected(gradient: &Expected) -> Option<(Vec<usize>, Vec<u32>)> {
    Some((gradient.rows(), bits(&gradient.values())))
}

const ROWS: usize = 13;

/// Sizes of tiles: of values, and of ids.
fn tiles(dim: usize) -> impl Iterator<Item = (usize, usize)> {
    let values = [1, 3, dim - 1, dim, dim + 1, 5 * dim, WHOLE];
    values
        .into_iter()
        .filter(|&most| most > 0)
        .flat_map(|most| [1, 5, 12, WHOLE].map(|ids| (most, ids)))
}

#[test]
fn lookups_do_not_depend_on_the_tiles() {
    for dim in [1, 7, 40] {
        let (ids, grad) = (some_ids(48, ROWS), numbers(48 * dim, 1));
        for freq in [false, true] {
            let contributions = match freq {
                true => by_freq(&plain(&ids), &grad),
                false => grad.clone(),
            };
            let mut wanted = Expected::default();
            for _ in 0..2 {
                wanted.add(&plain(&ids), &contributions, Some(4));
            }
            for (most, ids_at_once) in tiles(dim) {
                let mut env = Environment::default();
                let table = table(&mut env, ROWS, dim, Some(4));
                for _ in 0..2 {
                    let ids = TiledIds(Ids::U32(&ids), ids_at_once);
                    assert_eq!(
                        backward(&mut env, table, ids, Floats(&grad, most), freq),
                        Ok(DONE)
                    );
                }
                let read = read(&mut env, table, dim, most);
                assert!(
                    read == expected(&wanted),
                    "{dim} columns, tiles of {most} and {ids_at_once}"
                );
            }
        }
    }
}

#[test]
fn positions_do_not_depend_on_the_tiles() {
    const SEQ: usize = 12;
    for dim in [1, 7, 40] {
        let grad = numbers(48 * dim, 2);
        let shared = some_ids(SEQ, ROWS);
        let each = some_ids(48, ROWS);
        for dropout in [None, Some(0.4)] {
            let drop = dropout.map(|p| Drop { p, seed: 9, call: 3 });
            let d = undropped(&grad, drop);
            for list in [None, Some(&shared), Some(&each)] {
                let position = |r: usize| match list {
                    None => 1 + r % SEQ,
                    Some(list) => list[r % list.len()] as usize,
                };
                let mut wanted = Expected::default();
                wanted.add(&(0..48).map(position).collect::<Vec<_>>(), &d, None);
                for (most, ids_at_once) in tiles(dim) {
                    for in_place in [false, true] {
                        let mut env = Environment::default();
                        let table = table(&mut env, ROWS, dim, None);
                        let seed = dropout.map(|_| 9);
                        let op = env
                            .positions_create(&PositionsRecord { table, dropout, seed })
                            .unwrap();
                        let at =
                            list.map_or(At::From(1), |list| At::Ids(TiledIds(Ids::U32(list), ids_at_once)));
                        let mut out = if in_place {
                            grad.clone()
                        } else {
                            vec![0.0; grad.len()]
                        };
                        let (x, call) = ((!in_place).then_some(Floats(&grad, most)), dropout.map(|_| 3));
                        let tiles = Out::new(&mut out, most);
                        let run = positions_backward(&mut env, op, x, SEQ as f64, at, call, tiles);
                        assert_eq!(run, Ok(DONE));
                        let about =
                            || format!("{dim} columns, tiles of {most} and {ids_at_once}, {in_place}");
                        assert!(bits(&out) == bits(&d), "{}", about());
                        assert!(
                            read(&mut env, table, dim, most) == expected(&wanted),
                            "{}",
                            about()
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn layers_do_not_depend_on_the_tiles() {
    const SEQ: usize = 6;
    for dim in [1, 7, 40, 5000] {
        let (ids, grad) = (some_ids(18, ROWS), numbers(18 * dim, 3));
        let places = some_ids(18, SEQ + 1);
        for (scale, dropout) in [(None, None), (Some(3.3), None), (Some(3.3), Some(0.4))] {
            let drop = dropout.map(|p| Drop { p, seed: 5, call: 1 });
            let d = undropped(&grad, drop);
            let of_token = scale.map_or(d.clone(), |scale| scaled(&d, scale as f32));
            for list in [None, Some(&places)] {
                let position = |r: usize| list.map_or(r % SEQ, |list| list[r] as usize);
                let (mut wanted, mut wanted_positions) = (Expected::default(), Expected::default());
                wanted.add(&plain(&ids), &of_token, Some(3));
                wanted_positions.add(&(0..18).map(position).collect::<Vec<_>>(), &d, None);
                for (most, ids_at_once) in tiles(dim).filter(|&(most, _)| most > dim / 100) {
                    let mut env = Environment::default();
                    let token = table(&mut env, ROWS, dim, Some(3));
                    let positions = table(&mut env, SEQ + 1, dim, None);
                    let op = EmbedRecord {
                        table: token,
                        scale,
                        positions: Some(positions),
                        dropout,
                        seed: dropout.map(|_| 5),
                    };
                    let op = env.embed_create(&op).unwrap();
                    let at = list.map_or(At::From(0), |list| At::Ids(TiledIds(Ids::U32(list), ids_at_once)));
                    let (ids, grad) = (TiledIds(Ids::U32(&ids), ids_at_once), Floats(&grad, most));
                    let call = dropout.map(|_| 1);
                    let run = embed_backward(&mut env, op, ids, SEQ as f64, at, call, grad);
                    assert_eq!(run, Ok(DONE));
                    let about = format!("{dim} columns, tiles of {most} and {ids_at_once}");
                    assert!(read(&mut env, token, dim, most) == expected(&wanted), "{about}");
                    assert!(
                        read(&mut env, positions, dim, most) == expected(&wanted_positions),
                        "{about}, positions"
                    );
                }
            }
        }
    }
}

#[test]
fn a_bad_id_is_named_and_adds_nothing() {
    let mut env = Environment::default();
    let (dim, rows) = (3, 5);
    let (token, positions) = (table(&mut env, rows, dim, None), table(&mut env, 4, dim, None));
    let record = EmbedRecord {
        table: token,
        scale: None,
        positions: Some(positions),
        dropout: None,
        seed: None,
    };
    let embed = env.embed_create(&record).unwrap();
    let added = PositionsRecord {
        table: positions,
        dropout: None,
        seed: None,
    };
    let added = env.positions_create(&added).unwrap();
    let grad = numbers(4 * dim, 1);
    for most in [1, 3, WHOLE] {
        let mut layer = |ids: [u32; 4], at: [u32; 4]| {
            let (ids, at) = (
                TiledIds(Ids::U32(&ids), most),
                At::Ids(TiledIds(Ids::U32(&at), most)),
            );
            let run = embed_backward(&mut env, embed, ids, 4.0, at, None, Floats(&grad, WHOLE));
            let gradients = [token, positions].map(|table| count(&mut env, table).unwrap());
            (run, gradients)
        };
        let none = [None, None];
        assert_eq!(layer([0, 4, 5, 6], [9, 9, 9, 9]), (Ok(2.0), none));
        assert_eq!(layer([0, 4, 3, 1], [0, 3, 2, 4]), (Ok(-5.0), none));
        let ids = TiledIds(Ids::U32(&[1, 1, 7, 1]), most);
        assert_eq!(
            backward(&mut env, token, ids, Floats(&grad, WHOLE), true),
            Ok(2.0)
        );
        let mut out = [0.5; 12];
        let at = At::Ids(TiledIds(Ids::U32(&[3, 4, 0, 0]), most));
        let (x, tiles) = (Some(Floats(&grad, WHOLE)), Out::new(&mut out, WHOLE));
        let run = positions_backward(&mut env, added, x, 4.0, at, None, tiles);
        assert_eq!((run, out), (Ok(1.0), [0.5; 12]));
        assert_eq!(
            (count(&mut env, token), count(&mut env, positions)),
            (Ok(None), Ok(None))
        );
    }
    let short = backward(
        &mut env,
        token,
        TiledIds(Ids::U32(&[1]), 1),
        Floats(&grad[..2], WHOLE),
        false,
    );
    assert!(short.is_err(), "a gradOutput that is shorter than the rows");
}

#[test]
fn a_frozen_table_gets_no_gradient_and_a_thawed_one_a_new_one() {
    let mut env = Environment::default();
    let table = table(&mut env, ROWS, 2, None);
    let grad = [1.0, 2.0];
    let mut run = |trains: Option<bool>| {
        if let Some(trains) = trains {
            env.table_trains(table, trains, Some(1.0)).unwrap();
        }
        for ids in [[0], [1]] {
            assert_eq!(
                backward(
                    &mut env,
                    table,
                    TiledIds(Ids::U32(&ids), 1),
                    Floats(&grad, 2),
                    false
                ),
                Ok(DONE)
            );
        }
        (
            count(&mut env, table).unwrap(),
            bytes(&mut env, table).unwrap() > 0.0,
        )
    };
    assert_eq!(run(None), (Some(2.0), true));
    assert_eq!(run(Some(false)), (None, false));
    assert_eq!(run(Some(true)), (Some(1.0), true), "row 1 is the padding now");
    clear(&mut env, table).unwrap();
    assert_eq!(count(&mut env, table), Ok(None));
    env.free(table);
    assert!(count(&mut env, table).is_err() && clear(&mut env, table).is_err());
}

/// Ids below `rows`.
fn random(len: usize, rows: usize, of: impl Fn(usize, f64) -> usize) -> Vec<u32> {
    let mut state = 88_172_645_463_325_252u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..len).map(|i| of(i, next()).min(rows - 1) as u32).collect()
}

#[test]
fn threads_change_no_bit() {
    // 16 MB of contributions.
    let (len, rows, dim) = (1 << 16, 50_000, 64);
    let grad = numbers(len * dim, 0);
    let uniform = random(len, rows, |_, u| (u * rows as f64) as usize);
    let skewed = random(len, rows, |_, u| (u * u * u * u * rows as f64) as usize);
    let half = random(
        len,
        rows,
        |i, u| if i % 2 == 0 { 7 } else { (u * rows as f64) as usize },
    );
    for (name, ids) in [("uniform", uniform), ("skewed", skewed), ("half", half)] {
        let mut wanted = Expected::default();
        wanted.add(&plain(&ids), &grad, Some(9));
        let wanted = expected(&wanted);
        for threads in 1..=4 {
            let mut env = Environment::default();
            env.use_threads(threads);
            let table = table(&mut env, rows, dim, Some(9));
            let run = backward(&mut env, table, Ids::U32(&ids), &grad[..], false);
            assert_eq!(run, Ok(DONE));
            assert!(
                read(&mut env, table, dim, WHOLE) == wanted,
                "{name}, {threads} threads"
            );
            // A layer with dropout and learned positions.
            let positions = self::table(&mut env, 128, dim, None);
            let op = EmbedRecord {
                table,
                scale: Some(8.0),
                positions: Some(positions),
                dropout: Some(0.1),
                seed: Some(1),
            };
            let op = env.embed_create(&op).unwrap();
            clear(&mut env, table).unwrap();
            let at = At::<Ids<'_>>::From(0);
            let run = embed_backward(&mut env, op, Ids::U32(&ids), 128.0, at, Some(2), &grad[..]);
            assert_eq!(run, Ok(DONE));
            let drop = Drop {
                p: 0.1,
                seed: 1,
                call: 2,
            };
            let (d, mut token, mut place) = (
                undropped(&grad, Some(drop)),
                Expected::default(),
                Expected::default(),
            );
            token.add(&plain(&ids), &scaled(&d, 8.0), Some(9));
            place.add(&(0..len).map(|r| r % 128).collect::<Vec<_>>(), &d, None);
            assert!(
                read(&mut env, table, dim, WHOLE) == expected(&token),
                "{name}, {threads} threads"
            );
            assert!(
                read(&mut env, positions, dim, WHOLE) == expected(&place),
                "{name}, {threads} threads"
            );
        }
    }
}
