//! Tables of GGUF blocks: their values compared with the reference and with ggml's own decoder, and every operation
//! compared with the same operation on the table of the decoded values, on every instruction set.

mod common;
mod reference;

use common::{
    bits, bits_any_nan, for_each_isa, golden, painted, plain, proven, some_ids, table as floats, Golden,
};
use proptest::prelude::*;
use reference::blocks::{decode, TYPES};
use reference::gather::gather as rows_of;
use tokenbed_core::indices::{Ids, Offsets};
use tokenbed_core::ops::{
    bag, bag_extend, bag_finish, embed, gather, nearest, norms, read, store, Bag, BagState, Bags, Best,
    Dropout, Embed, Mode, PositionRows, Positions,
};
use tokenbed_core::simd::{available, Isa};
use tokenbed_core::{DType, Table, TableMut, TableSpec, Window};

const ROWS: usize = 7;

/// A block type of [`TYPES`].
type Type = (&'static str, usize, usize);

/// The bytes of the f16 fields of a block.
fn scales(name: &str) -> &'static [usize] {
    match name {
        "q4_0" | "q5_0" | "q8_0" => &[0],
        "q2_k" => &[80, 82],
        "q3_k" => &[108],
        "q6_k" => &[208],
        _ => &[0, 2],
    }
}

/// Any bytes as blocks, with scales of every kind. If `odd`, some are infinite or NaN.
fn some_blocks((name, _, size): Type, count: usize, odd: bool) -> Vec<u8> {
    const SCALES: [u16; 10] = [
        0x3c00, // 1
        0x2e66, // 0.1
        0xb155, // -0.17
        0x0001, // the smallest subnormal
        0x83ff, // the largest subnormal, negative
        0x7bff, // the largest finite value
        0x8000, // -0
        0x7c00, // infinity
        0xfc00, // -infinity
        0x7e01, // a NaN
    ];
    let mut state = 0x9e37_79b9_u32;
    let mut word = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    let mut bytes: Vec<u8> = (0..count * size).map(|_| word() as u8).collect();
    for block in bytes.chunks_mut(size) {
        for &at in scales(name) {
            let scale = SCALES[word() as usize % if odd { SCALES.len() } else { 7 }];
            block[at..at + 2].copy_from_slice(&scale.to_le_bytes());
        }
    }
    bytes
}

fn spec((name, _, _): Type, rows: usize, dim: usize) -> TableSpec {
    TableSpec::new(DType::named(name).unwrap(), rows, dim).unwrap()
}

/// Widths of one block, of a few, and, for bags, of more columns than a tile has.
fn widths((_, values, _): Type) -> [usize; 4] {
    [values, 3 * values, 512, 1280]
}

/// Runs `test` with a table of each type and width, and with its values.
fn for_each_table(odd: bool, mut test: impl FnMut(Table<'_>, &[f32])) {
    for each in TYPES {
        for dim in widths(each) {
            let bytes = some_blocks(each, ROWS * dim / each.1, odd);
            let table = Table::new(spec(each, ROWS, dim), &bytes).unwrap();
            test(table, &decode(each.0, &bytes));
        }
    }
}

#[test]
fn the_values_are_those_of_ggml() {
    let golden = golden("gguf.json");
    for (name, ..) in TYPES {
        assert!(golden.iter().any(|each| each.dtype == name), "{name}");
    }
    for Golden {
        dtype,
        dim,
        bytes,
        values,
    } in golden
    {
        let each = TYPES.into_iter().find(|each| each.0 == dtype).unwrap();
        assert_eq!(
            bits_any_nan(&decode(each.0, &bytes)),
            bits_any_nan(&values),
            "{each:?}"
        );
        let table = Table::new(spec(each, values.len() / dim, dim), &bytes).unwrap();
        for_each_isa!(isa => {
            let out = painted(values.len(), |out| read(isa, table, 0..out.len(), out));
            assert_eq!(bits_any_nan(&out), bits_any_nan(&values), "{each:?}");
        });
    }
}

#[test]
fn rows_are_whole_blocks() {
    for (name, values, size) in TYPES {
        let dtype = DType::named(name).unwrap();
        for (rows, blocks) in [(0, 1), (1, 1), (5, 3)] {
            let spec = TableSpec::new(dtype, rows, blocks * values).unwrap();
            assert_eq!(spec.row_bytes(), blocks * size, "{name}");
            assert_eq!(spec.bytes(), rows * blocks * size, "{name}");
            assert!(spec.is_blocks());
        }
        for dim in [0, 1, values - 1, values + 1, values + values / 2, usize::MAX] {
            assert!(TableSpec::new(dtype, 1, dim).is_err(), "{name} of {dim} columns");
        }
        assert!(TableSpec::new(dtype, usize::MAX / size, values).is_err());
    }
    assert!(!TableSpec::new(DType::F32, 1, 256).unwrap().is_blocks());
    assert_eq!(DType::named("q4_2"), None);
}

#[test]
fn every_type_is_decoded_in_any_columns_and_at_any_address() {
    for_each_isa!(isa => {
        for each in TYPES {
            let dim = 2 * each.1;
            let bytes = some_blocks(each, ROWS * 2, true);
            let values = decode(each.0, &bytes);
            let ids = some_ids(9, ROWS);
            let all = rows_of(&values, dim, &plain(&ids));
            for first in 0..64 {
                let mut memory = vec![0xa5; bytes.len() + 128];
                let start = memory.as_ptr().addr().wrapping_neg() % 64 + first;
                memory[start..start + bytes.len()].copy_from_slice(&bytes);
                let table = Table::new(spec(each, ROWS, dim), &memory[start..start + bytes.len()]).unwrap();
                let out = painted(all.len(), |out| gather(isa, table, proven(&ids, ROWS), 0..dim, out));
                assert_eq!(bits_any_nan(&out), bits_any_nan(&all), "{each:?} at {first}");
                let (from, to) = (first * 3 % (dim / 2), dim - first / 3);
                let part: Vec<f32> = all.chunks(dim).flat_map(|row| row[from..to].to_vec()).collect();
                let out = painted(part.len(), |out| gather(isa, table, proven(&ids, ROWS), from..to, out));
                assert_eq!(bits_any_nan(&out), bits_any_nan(&part), "{each:?}, columns {from}..{to}");
            }
        }
    });
}

#[test]
fn read_decodes_any_part_of_a_table() {
    for_each_isa!(isa => {
        for_each_table(true, |table, values| {
            let dim = table.dim();
            for (from, to) in [(0, 0), (0, ROWS * dim), (dim, 3 * dim), (dim / 2 - 1, 2 * dim + dim / 2 + 3)] {
                let out = painted(to - from, |out| read(isa, table, from..to, out));
                assert_eq!(bits_any_nan(&out), bits_any_nan(&values[from..to]), "{:?}", table.spec());
            }
        });
    });
}

/// The bits of `operation` on a table of blocks, and on the f32 table of its values.
fn same(table: Table<'_>, values: &[f32], len: usize, mut operation: impl FnMut(Table<'_>, &mut [f32])) {
    let rows = Table::f32(table.rows(), table.dim(), values).unwrap();
    let wanted = painted(len, |out| operation(rows, out));
    let out = painted(len, |out| operation(table, out));
    assert_eq!(bits_any_nan(&out), bits_any_nan(&wanted), "{:?}", table.spec());
}

const MODES: [Mode; 3] = [Mode::Sum, Mode::Mean, Mode::Max];

fn weights(n: usize) -> Vec<f32> {
    (0..n).map(|i| (i % 13) as f32 * 0.31 - 1.1).collect()
}

#[test]
fn bags_are_those_of_the_decoded_rows() {
    let ids = some_ids(300, ROWS);
    let weights = weights(ids.len());
    let offsets = [0u32, 0, 1, 6, 12, 12, 299];
    let check = |isa: Isa, table: Table<'_>, values: &[f32]| {
        let bags = Bags::Offsets(Offsets::check(Ids::U32(&offsets), ids.len(), false).unwrap());
        for mode in MODES {
            for padding in [None, Some(0), Some(ROWS - 1)] {
                for weights in [None, Some(&weights[..])] {
                    if mode == Mode::Max && weights.is_some() {
                        continue;
                    }
                    same(table, values, offsets.len() * table.dim(), |table, out| {
                        let spec = Bag { table, mode, padding };
                        bag(isa, &spec, proven(&ids, ROWS), &bags, weights, out);
                    });
                }
            }
        }
    };
    for_each_isa!(isa => {
        for odd in [false, true] {
            for_each_table(odd, |table, values| check(isa, table, values));
        }
    });
}

#[test]
fn padding_and_its_weight_are_ignored() {
    let each = TYPES[4];
    let bytes = some_blocks(each, 3, false);
    let table = Table::new(spec(each, 3, 32), &bytes).unwrap();
    let one = |isa: Isa, mode, ids: &[u32], weights: Option<&[f32]>| {
        let spec = Bag {
            table,
            mode,
            padding: Some(1),
        };
        let bags = Bags::Equal {
            bags: 1,
            len: ids.len(),
        };
        painted(32, |out| bag(isa, &spec, proven(ids, 3), &bags, weights, out))
    };
    for_each_isa!(isa => {
        for mode in MODES {
            assert_eq!(bits(&one(isa, mode, &[1, 1, 1], None)), bits(&[0.0; 32]), "all padding, {mode:?}");
            assert_eq!(bits(&one(isa, mode, &[], None)), bits(&[0.0; 32]), "empty, {mode:?}");
        }
        for mode in [Mode::Sum, Mode::Mean] {
            let with = one(isa, mode, &[1, 0, 1, 2], Some(&[f32::NAN, 0.5, f32::INFINITY, 0.25]));
            let without = one(isa, mode, &[0, 2], Some(&[0.5, 0.25]));
            assert_eq!(bits(&with), bits(&without), "{mode:?}");
        }
    });
}

#[test]
fn a_layer_is_that_of_the_decoded_rows() {
    let n = 13;
    let ids = some_ids(n, ROWS);
    let places = some_ids(n, ROWS);
    for_each_isa!(isa => {
        for odd in [false, true] {
            for_each_table(odd, |table, values| {
                let dim = table.dim();
                let pe = floats(ROWS, dim);
                let lists = [
                    PositionRows::From { start: 1, seq: 6 },
                    PositionRows::At { ids: proven(&places, ROWS), first: 0 },
                ];
                let choices = [None, Some(lists[0]), Some(lists[1])].map(|rows| {
                    rows.map(|rows| Positions { table: Table::f32(ROWS, dim, &pe).unwrap(), rows })
                });
                for scale in [None, Some(0.3)] {
                    for positions in choices {
                        for dropout in [None, Some(Dropout::new(0.25, 3, 1))] {
                            same(table, values, n * dim, |token, out| {
                                let op = Embed { token, scale, positions, dropout };
                                embed(isa, &op, proven(&ids, ROWS), Window::all(n, dim), out);
                            });
                        }
                    }
                }
            });
        }
    });
}

#[test]
fn the_nearest_rows_are_those_of_the_decoded_rows() {
    let found = |isa: Isa, table: Table<'_>, cosine: bool| {
        let dim = table.dim();
        let queries = floats(3, dim);
        let (mut query_norms, mut ids) = ([0.0; 3], [9; 9]);
        norms(isa, &queries, dim, &mut query_norms);
        let scores = painted(9, |scores| {
            let mut best = Best::new(3, scores, &mut ids);
            for rows in [0..2, 2..ROWS] {
                nearest(
                    isa,
                    table,
                    rows,
                    &queries,
                    cosine.then_some(&query_norms),
                    &mut best,
                );
            }
            best.sort();
        });
        (ids, bits_any_nan(&scores))
    };
    for_each_isa!(isa => {
        for odd in [false, true] {
            for_each_table(odd, |table, values| {
                let rows = Table::f32(ROWS, table.dim(), values).unwrap();
                for cosine in [false, true] {
                    assert_eq!(found(isa, table, cosine), found(isa, rows, cosine), "{:?}", table.spec());
                }
            });
        }
    });
}

#[test]
fn wrong_arguments_panic() {
    let each = TYPES[0];
    let mut bytes = some_blocks(each, 4, false);
    let dims = spec(each, 4, 32);
    let table = Table::new(dims, &bytes).unwrap();
    let panics = |ids: &[u32], bound, cols, len| {
        let mut out = vec![0.5; len];
        let call = || gather(Isa::Scalar, table, proven(ids, bound), cols, &mut out[..]);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_err()
    };
    assert!(!panics(&[0, 3], 4, 0..32, 64));
    assert!(panics(&[0, 4], 5, 0..32, 64), "an id beyond the table");
    assert!(panics(&[0, 3], 4, 0..33, 66), "a column beyond the row");
    assert!(panics(&[0, 3], 4, 0..32, 63), "a short output");
    let before = bytes.clone();
    let mut table = TableMut::new(dims, &mut bytes).unwrap();
    let write = || store(&mut table, 0..1, true, &mut |_, _, values| values.fill(1.0));
    assert!(
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(write)).is_err(),
        "blocks cannot be written"
    );
    assert_eq!(bytes, before);
}

proptest! {
    #[test]
    fn any_window_of_a_layer(
        each in 0usize..10, blocks in 1usize..4, ids in prop::collection::vec(0..ROWS as u32, 1..12),
        cut in any::<prop::sample::Index>(), col in any::<prop::sample::Index>(), dropped: bool,
    ) {
        let each = TYPES[each];
        let (dim, n) = (blocks * each.1, ids.len());
        let (bytes, pe) = (some_blocks(each, ROWS * blocks, false), floats(9, dim));
        let values = decode(each.0, &bytes);
        let (cut, col) = (cut.index(n), col.index(dim));
        let windows = [
            Window { first_row: 0, rows: cut, first_col: 0, cols: dim },
            Window { first_row: cut, rows: 1, first_col: 0, cols: col },
            Window { first_row: cut, rows: 1, first_col: col, cols: dim - col },
            Window { first_row: cut + 1, rows: n - cut - 1, first_col: 0, cols: dim },
        ];
        let run = |isa, token, windows: &[Window]| {
            let op = Embed {
                token,
                scale: Some(1.7),
                positions: Some(Positions {
                    table: Table::f32(9, dim, &pe).unwrap(),
                    rows: PositionRows::From { start: 4, seq: 5 },
                }),
                dropout: dropped.then(|| Dropout::new(0.3, 77, 2)),
            };
            let each = windows.iter().flat_map(|&window| {
                let ids = proven(&ids, ROWS).slice(window.rows());
                painted(window.len(), |out| embed(isa, &op, ids, window, out))
            });
            each.collect::<Vec<f32>>()
        };
        for &isa in available() {
            let wanted = run(isa, Table::f32(ROWS, dim, &values).unwrap(), &[Window::all(n, dim)]);
            let out = run(isa, Table::new(spec(each, ROWS, dim), &bytes).unwrap(), &windows);
            prop_assert_eq!(bits(&out), bits(&wanted));
        }
    }

    #[test]
    fn any_split_of_the_ids_and_columns_of_a_bag(
        each in 0usize..10, blocks in 1usize..6, ids in prop::collection::vec(0..ROWS as u32, 0..600),
        cuts in [0.0f64..1.0, 0.0f64..1.0], col in any::<prop::sample::Index>(),
        padding in prop::option::of(0..ROWS), mode in 0usize..3, weighted: bool,
    ) {
        let (each, mode) = (TYPES[each], MODES[mode]);
        let dim = blocks * each.1;
        let bytes = some_blocks(each, ROWS * blocks, true);
        let values = decode(each.0, &bytes);
        let weights = (weighted && mode != Mode::Max).then(|| weights(ids.len()));
        let col = col.index(dim);
        let mut cuts = cuts.map(|cut| (cut * ids.len() as f64) as usize);
        cuts.sort();
        let parts = [0..cuts[0], cuts[0]..cuts[1], cuts[1]..ids.len()];
        let all = [0..ids.len(), ids.len()..ids.len()];
        let run = |isa, table, columns: &[std::ops::Range<usize>], parts: &[std::ops::Range<usize>]| {
            let spec = Bag { table, mode, padding };
            let mut out = Vec::new();
            for cols in columns {
                out.extend(painted(cols.len(), |acc| {
                    let mut state = BagState::default();
                    for part in parts {
                        let weights = weights.as_ref().map(|weights| &weights[part.clone()]);
                        let ids = proven(&ids, ROWS).slice(part.clone());
                        bag_extend(isa, &spec, ids, weights, cols.clone(), &mut state, acc);
                    }
                    bag_finish(isa, &spec, &state, acc);
                }));
            }
            out
        };
        for &isa in available() {
            let wanted = run(isa, Table::f32(ROWS, dim, &values).unwrap(), &[0..dim, dim..dim], &all);
            let table = Table::new(spec(each, ROWS, dim), &bytes).unwrap();
            let out = run(isa, table, &[0..col, col..dim], &parts);
            prop_assert_eq!(bits_any_nan(&out), bits_any_nan(&wanted));
        }
    }
}
