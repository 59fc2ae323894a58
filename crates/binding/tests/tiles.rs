//! Arrays in tiles, as on WebAssembly: ids are proven once, by one read of each; results do not depend on the tiles.

#![expect(unsafe_code, reason = "arrays of the test, as a binding makes them")]

mod common;

use common::{TiledFloats, TiledOut};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::Arc;
use tokenbed_binding::arrays::{At, Cuts, IdArray, Proven};
use tokenbed_binding::run::{self, gather};
use tokenbed_binding::whole::Whole;
use tokenbed_binding::{
    BagRecord, EmbedRecord, Environment, PoolRecord, PositionsRecord, RotaryRecord, SinusoidRecord,
    TableRecord, DONE,
};
use tokenbed_core::indices::Ids;
use tokenbed_core::simd::detect;

/// Ids of which at most `most` are seen at a time, and how often each tile was read.
#[derive(Clone)]
struct Tiled<'a> {
    ids: &'a [i32],
    most: usize,
    read: Arc<AtomicUsize>,
}

impl<'a> Tiled<'a> {
    fn new(ids: &'a [i32], most: usize) -> Self {
        let read = Arc::default();
        Tiled { ids, most, read }
    }
}

// SAFETY: a slice does not change while it is borrowed.
unsafe impl IdArray for Tiled<'_> {
    fn len(&self) -> usize {
        self.ids.len()
    }

    fn most(&self) -> usize {
        self.most
    }

    fn first(mut self, len: usize) -> Self {
        self.ids = &self.ids[..len];
        self
    }

    fn tile(&mut self, range: Range<usize>) -> Ids<'_> {
        assert!(range.len() <= self.most);
        self.read.fetch_add(range.len(), Relaxed);
        Ids::I32(&self.ids[range])
    }

    fn address(&self) -> Range<usize> {
        0..0
    }
}

const ROWS: usize = 40;
const DIM: usize = 7;

/// An environment with a table, and its handle.
fn table(env: &mut Environment) -> f64 {
    let record = TableRecord {
        rows: ROWS as f64,
        dim: DIM as f64,
        dtype: "f32".to_owned(),
        zeros: false,
    };
    let table = env.table_create(&record).unwrap().unwrap();
    run::table_uniform(env, table, 7, 0, 1.0, None).unwrap();
    table
}

fn ids(n: usize) -> Vec<i32> {
    (0..n).map(|i| (i * 17 % ROWS) as i32).collect()
}

/// What `run` writes into a whole output.
fn whole(len: usize, run: impl FnOnce(Whole<'_>) -> f64) -> Vec<f32> {
    let mut out = vec![0.0; len];
    // SAFETY: the vector outlives the call, and nobody else uses it.
    let status = run(unsafe { Whole::new(out.as_mut_ptr(), len) });
    assert_eq!(status, DONE);
    out
}

/// What `run` writes into an output in tiles.
fn tiled(len: usize, most: usize, run: impl FnOnce(TiledOut<'_>) -> f64) -> Vec<f32> {
    let mut out = vec![0.0; len];
    assert_eq!(run(TiledOut::new(&mut out, most)), DONE);
    out
}

#[test]
fn the_check_reads_each_id_once() {
    let ids = ids(1000);
    for most in [1, 7, 999, 1000, 4096] {
        let array = Tiled::new(&ids, most);
        let read = Arc::clone(&array.read);
        let mut proven = Proven::check(array, detect(), ROWS as u64).ok().unwrap();
        assert_eq!(read.load(Relaxed), 1000, "tiles of {most}");
        let tile = proven.tile(0..1);
        assert_eq!((tile.get(0), tile.bound()), (0, ROWS as u64));
        assert_eq!(read.load(Relaxed), 1001, "a tile is read without another check");
    }
}

#[test]
fn the_lowest_bad_id_is_named_whatever_the_tiles() {
    let mut ids = ids(100);
    (ids[57], ids[91]) = (-1, 1000);
    for most in [1, 8, 57, 58, 100] {
        let array = Tiled::new(&ids, most);
        assert_eq!(Proven::check(array, detect(), ROWS as u64).err(), Some(57));
    }
}

#[test]
fn a_run_reads_each_id_once_to_check_and_once_to_compute() {
    let (mut env, ids) = (Environment::default(), ids(50));
    let table = table(&mut env);
    let wanted = whole(50 * DIM, |out| {
        gather(&env, table, Tiled::new(&ids, 50), out).unwrap()
    });
    for (ids_at_once, values_at_once) in [(50, 50 * DIM), (9, 4 * DIM), (1, DIM)] {
        let array = Tiled::new(&ids, ids_at_once);
        let read = Arc::clone(&array.read);
        let out = tiled(50 * DIM, values_at_once, |out| {
            gather(&env, table, array, out).unwrap()
        });
        assert_eq!(out, wanted);
        assert_eq!(read.load(Relaxed), 100);
    }
}

#[test]
fn no_result_depends_on_the_tiles() {
    let (mut env, ids) = (Environment::default(), ids(48));
    let table = table(&mut env);
    let embed = EmbedRecord {
        table,
        scale: Some(1.5),
        positions: Some(table),
        dropout: Some(0.25),
        seed: Some(3),
    };
    let embed = env.embed_create(&embed).unwrap();
    let positions = PositionsRecord {
        table,
        dropout: Some(0.5),
        seed: None,
    };
    let positions = env.positions_create(&positions).unwrap();
    let x: Vec<f32> = (0..48 * DIM).map(|i| i as f32).collect();
    let places: Vec<i32> = (0..12).map(|i| i * 3).collect();
    let runs = |most: usize, ids_at_once: usize| {
        let at = || [At::From(2), At::Ids(Tiled::new(&places, ids_at_once))];
        let mut all = Vec::new();
        for at in at() {
            all.extend(tiled(48 * DIM, most, |out| {
                let ids = Tiled::new(&ids, ids_at_once);
                run::embed_run(&env, embed, ids, 12.0, at, Some(4), out).unwrap()
            }));
        }
        for at in at() {
            all.extend(tiled(48 * DIM, most, |out| {
                let x = Some(TiledFloats(&x, most));
                run::positions_run(&env, positions, x, 12.0, at, Some(4), out).unwrap()
            }));
        }
        all
    };
    let wanted = runs(48 * DIM, 48);
    for most in [1, 3, DIM, DIM + 1, 5 * DIM, 13 * DIM] {
        for ids_at_once in [1, 5, 11, 12, 48] {
            assert!(
                runs(most, ids_at_once) == wanted,
                "tiles of {most} values, {ids_at_once} ids"
            );
        }
    }
}

#[test]
fn means_and_their_norms_do_not_depend_on_the_tiles() {
    let mut env = Environment::default();
    let dim = 1200;
    let record = TableRecord {
        rows: ROWS as f64,
        dim: dim as f64,
        dtype: "f32".to_owned(),
        zeros: false,
    };
    let table = env.table_create(&record).unwrap().unwrap();
    run::table_uniform(&mut env, table, 7, 0, 1.0, None).unwrap();
    // Texts of 0, 1, 9 and 20 ids, and entries that no text has.
    let ids = [ids(30), vec![-1, 5000]].concat();
    let offsets = [0, 0, 1, 10, 30, 7];
    for norm in [None, Some("model2vec"), Some("sentence-transformers")] {
        for precise in [false, true] {
            let pool = env.pool_create(PoolRecord {
                table,
                mapping: Some((0..ROWS as u32).rev().collect()),
                weights: None,
                precise_weights: precise.then(|| (1..=ROWS).map(|i| i as f64 / 7.0).collect()),
                rounded: false,
                norm: norm.map(str::to_owned),
            });
            let pool = pool.unwrap();
            let runs = |ids_at_once: usize, out: TiledOut<'_>| {
                let (ids, offsets) = (Tiled::new(&ids, ids_at_once), Tiled::new(&offsets, ids_at_once));
                run::pool_run::<TiledFloats<'_>>(&env, pool, ids, offsets, 4.0, out).unwrap()
            };
            let wanted = whole(4 * dim, |out| {
                let (ids, offsets) = (Tiled::new(&ids, 40), Tiled::new(&offsets, 40));
                run::pool_run::<TiledFloats<'_>>(&env, pool, ids, offsets, 4.0, out).unwrap()
            });
            assert!(
                wanted[..dim].iter().all(|x| x.to_bits() == 0),
                "a text without ids"
            );
            assert!(wanted[dim..].iter().all(|&x| x != 0.0));
            for (ids_at_once, most) in [(40, 4 * dim), (9, dim), (3, 1024), (1, 128), (40, 160)] {
                let out = tiled(4 * dim, most, |out| runs(ids_at_once, out));
                assert!(
                    out == wanted,
                    "tiles of {most} values, {ids_at_once} ids, {norm:?}"
                );
            }
        }
    }
}

#[test]
fn a_bad_id_or_offset_of_a_text_is_named_whatever_the_tiles() {
    let mut env = Environment::default();
    let table = table(&mut env);
    let record = |mapping, weights| PoolRecord {
        table,
        mapping,
        weights,
        precise_weights: None,
        rounded: false,
        norm: Some("model2vec".to_owned()),
    };
    let pool = env.pool_create(record(None, Some(vec![1.0; 10]))).unwrap();
    let mapped = env.pool_create(record(Some(vec![3; 60]), None)).unwrap();
    for most in [1, 4, 100] {
        let run = |op, ids: &[i32], offsets: &[i32], texts: f64| {
            let mut out = [0.5; 3 * DIM];
            let (ids, offsets) = (Tiled::new(ids, most), Tiled::new(offsets, most));
            let tiles = TiledOut::new(&mut out, 3 * DIM);
            let status = run::pool_run::<TiledFloats<'_>>(&env, op, ids, offsets, texts, tiles);
            (status, out == [0.5; 3 * DIM])
        };
        assert_eq!(run(pool, &[0, 9, 3, 10], &[0, 2, 3], 2.0), (Ok(DONE), false));
        assert_eq!(run(pool, &[0, 9, 10, 11], &[0, 2, 4], 2.0), (Ok(2.0), true));
        assert_eq!(run(pool, &[0, -1], &[0, 2], 1.0), (Ok(1.0), true));
        assert_eq!(run(mapped, &[0, 59, 60], &[0, 3], 1.0), (Ok(2.0), true));
        assert_eq!(run(pool, &[0, 9], &[1, 2], 1.0), (Ok(-2.0), true));
        assert_eq!(run(pool, &[0, 9], &[0, 2, 1], 2.0), (Ok(-4.0), true));
        assert_eq!(run(pool, &[0, 9], &[0, 3], 1.0), (Ok(-3.0), true));
        assert_eq!(run(pool, &[], &[0], 0.0), (Ok(DONE), true));
        assert!(
            run(pool, &[0, 9], &[0, 2], 2.0).0.is_err(),
            "fewer offsets than texts"
        );
        assert!(
            run(pool, &[0; 4], &[0, 1, 2, 3, 4], 4.0).0.is_err(),
            "a shorter output"
        );
        assert!(
            run(table, &[0], &[0, 1], 1.0).0.is_err(),
            "a handle of another kind"
        );
    }
    assert_eq!(env.objects(), 3);
    env.free(table);
    let mut out = [0.5; DIM];
    let (ids, offsets) = (Tiled::new(&[0], 1), Tiled::new(&[0, 1], 2));
    let tiles = TiledOut::new(&mut out, DIM);
    assert!(run::pool_run::<TiledFloats<'_>>(&env, pool, ids, offsets, 1.0, tiles).is_err());
}

#[test]
fn tiles_may_end_inside_a_rotated_pair() {
    let mut env = Environment::default();
    for layout in ["halves", "interleaved"] {
        let sinusoid = SinusoidRecord {
            dim: 6.0,
            base: 100.0,
            layout: layout.to_owned(),
            frequencies: None,
        };
        let sinusoid = env.sinusoid_create(&sinusoid).unwrap();
        let turns = TableRecord {
            rows: ROWS as f64,
            dim: 6.0,
            dtype: "f32".to_owned(),
            zeros: false,
        };
        let turns = env.table_create(&turns).unwrap().unwrap();
        run::table_sinusoid(&mut env, turns, sinusoid).unwrap();
        let rotary = RotaryRecord {
            table: turns,
            dim: DIM as f64,
            layout: layout.to_owned(),
        };
        let rotary = env.rotary_create(&rotary).unwrap();
        // [batch 2, heads 3, seq 4]
        let x: Vec<f32> = (0..24 * DIM).map(|i| i as f32 * 0.1).collect();
        let places: Vec<i32> = (0..8).map(|i| i * 5 % ROWS as i32).collect();
        let runs = |most: usize, ids_at_once: usize, in_place: bool| {
            let lists = [None, Some(&places[..4]), Some(&places[..])];
            lists.map(|list| {
                let at = list.map_or(At::From(9), |list| At::Ids(Tiled::new(list, ids_at_once)));
                let mut out = if in_place { x.clone() } else { vec![0.0; x.len()] };
                let x = (!in_place).then_some(TiledFloats(&x, most));
                let tiles = TiledOut::new(&mut out, most);
                let status = run::rotary_run(&env, rotary, x, 3.0, 4.0, at, false, tiles);
                assert_eq!(status, Ok(DONE));
                out
            })
        };
        let wanted = runs(24 * DIM, 8, false);
        for most in [1024, 5 * DIM, DIM + 1, DIM] {
            for ids_at_once in [1, 3, 4, 8] {
                for in_place in [false, true] {
                    assert!(
                        runs(most, ids_at_once, in_place) == wanted,
                        "{layout}, tiles of {most} values, {ids_at_once} ids, in place: {in_place}"
                    );
                }
            }
        }
    }
}

#[test]
fn rows_longer_than_a_tile_are_rotated_in_parts() {
    let mut env = Environment::default();
    let (turned, dim) = (2600, 2601);
    for layout in ["halves", "interleaved"] {
        let table = TableRecord {
            rows: 3.0,
            dim: turned as f64,
            dtype: "f32".to_owned(),
            zeros: false,
        };
        let table = env.table_create(&table).unwrap().unwrap();
        run::table_uniform(&mut env, table, 1, 0, 1.0, None).unwrap();
        let layout = layout.to_owned();
        let rotary = RotaryRecord {
            table,
            dim: dim as f64,
            layout,
        };
        let rotary = env.rotary_create(&rotary).unwrap();
        let x: Vec<f32> = (0..2 * dim).map(|i| i as f32).collect();
        let runs = |most: usize, in_place: bool| {
            let mut out = if in_place { x.clone() } else { vec![0.0; x.len()] };
            let x = (!in_place).then_some(TiledFloats(&x, most));
            let at = At::<Tiled<'_>>::From(1);
            let tiles = TiledOut::new(&mut out, most);
            let status = run::rotary_run(&env, rotary, x, 1.0, 2.0, at, true, tiles);
            assert_eq!(status, Ok(DONE));
            out
        };
        let wanted = runs(2 * dim, false);
        for most in [1025, dim - 1, dim] {
            assert!(runs(most, false) == wanted && runs(most, true) == wanted);
        }
    }
}

#[test]
fn offsets_are_checked_tile_by_tile() {
    let cuts = |offsets, most, include_last| Cuts::At {
        offsets: Tiled::new(offsets, most),
        include_last,
    };
    for most in [1, 2, 5] {
        assert_eq!(cuts(&[0, 2, 2, 5], most, false).check(5), Ok(()));
        assert_eq!(cuts(&[0, 2, 2, 5], most, true).check(5), Ok(()));
        assert_eq!(cuts(&[0, 2, 2, 4], most, true).check(5), Err(3));
        assert_eq!(cuts(&[0, 3, 2, 5], most, false).check(5), Err(2));
        assert_eq!(cuts(&[1, 3], most, false).check(5), Err(0));
        assert_eq!(cuts(&[0, 6], most, false).check(5), Err(1));
        assert_eq!(cuts(&[], most, false).check(5), Err(0));
        assert_eq!(cuts(&[], most, false).check(0), Ok(()));
    }
}

#[test]
fn an_operation_over_a_freed_table_fails_and_the_memory_is_gone_at_once() {
    let mut env = Environment::default();
    let (first, second) = (table(&mut env), table(&mut env));
    let bag = BagRecord {
        table: first,
        mode: "sum".to_owned(),
        padding: None,
        include_last_offset: false,
    };
    let bag = env.bag_create(&bag).unwrap();
    assert_eq!(env.objects(), 3);
    assert_eq!(env.free(first), ROWS * DIM * 4);
    assert_eq!((env.free(first), env.objects()), (0, 2));
    let ids = ids(4);
    let mut out = [0.5; DIM];
    let cuts = Cuts::<Tiled<'_>>::Equal(1);
    let run = run::bag_run(
        &env,
        bag,
        Tiled::new(&ids, 4),
        cuts,
        None::<TiledFloats<'_>>,
        TiledOut::new(&mut out, DIM),
    );
    assert!(run.is_err());
    assert_eq!(out, [0.5; DIM]);
    assert!(env.table(second).is_ok());
}

#[test]
fn an_instruction_set_is_lowered_never_raised() {
    let mut env = Environment::default();
    let best = env.isa();
    assert!(!env.lower_isa("avx1024") && !env.lower_isa(""));
    assert_eq!(env.isa(), best);
    assert!(env.lower_isa("scalar"));
    assert_eq!(env.isa().name(), "scalar");
    assert!(env.lower_isa(best.name()), "a set of this architecture");
    assert_eq!(env.isa().name(), "scalar", "nothing is raised");
    assert_eq!(Environment::default().isa(), best, "another environment");
}
