//! Means of the rows of tokens and their norms compared with the reference, on every instruction set, in one call and in
//! parts.

mod common;
mod reference;

use common::{
    bits, bits_any_nan, everything, for_each_isa, odd_table, painted, plain, proven, some_ids, table, WIDTHS,
};
use proptest::prelude::*;
use reference::mean_pool::{mean, normalized, pairwise, Norm as PlainNorm, Weights};
use reference::{blocks, store};
use std::panic::{catch_unwind, AssertUnwindSafe};
use tokenbed_core::indices::{Ids, Mapping, Offsets};
use tokenbed_core::ops::{
    bag, bag_extend, bag_finish, normalize, normalize_parts, Bag, BagState, Bags, Mode, Norm, Pool, Tokens,
};
use tokenbed_core::simd::{available, detect, Isa};
use tokenbed_core::tuning::{Exec, Tuning};
use tokenbed_core::{DType, Table, TableSpec};

const ROWS: usize = 11;
/// More tokens than rows.
const TOKENS: usize = 29;

const NORMS: [Option<(Norm, PlainNorm)>; 3] = [
    None,
    Some((Norm::Model2vec, PlainNorm::Model2vec)),
    Some((Norm::SentenceTransformers, PlainNorm::SentenceTransformers)),
];

/// What a model has besides its rows.
struct Model {
    mapping: Option<Mapping>,
    single: Vec<f32>,
    double: Vec<f64>,
    /// 0: no weights, 1: f32, 2: f64, 3: f64, rounded.
    kind: usize,
}

impl Model {
    fn new(mapped: bool, kind: usize) -> Self {
        let rows = (0..TOKENS as u32).map(|token| token * 7 % ROWS as u32).collect();
        Model {
            mapping: mapped.then(|| Mapping::check(detect(), rows, ROWS as u64).unwrap()),
            single: (0..TOKENS).map(|i| (i % 13) as f32 * 0.31 - 1.1).collect(),
            double: (0..TOKENS).map(|i| 1.7 / (i + 1) as f64 - 0.3).collect(),
            kind,
        }
    }

    /// The number of tokens.
    fn tokens(&self) -> usize {
        self.mapping.as_ref().map_or(ROWS, Mapping::len)
    }

    fn pool<'a>(&'a self, table: Table<'a>, norm: Option<Norm>) -> Pool<'a> {
        let tokens = Tokens {
            rows: self.mapping.as_ref(),
            weights: (self.kind == 1).then_some(&self.single),
            precise: (self.kind >= 2).then_some(&self.double),
            rounded: self.kind == 3,
        };
        Pool::mean(table, tokens, norm)
    }

    fn weights(&self) -> Weights<'_> {
        match self.kind {
            0 => Weights::None,
            1 => Weights::Single(&self.single),
            2 => Weights::Double(&self.double),
            _ => Weights::Rounded(&self.double),
        }
    }

    /// The reference for texts that end at `ends`.
    fn expected(
        &self,
        values: &[f32],
        dim: usize,
        norm: Option<PlainNorm>,
        ids: &[u32],
        ends: &[usize],
    ) -> Vec<f32> {
        let rows: Option<Vec<u32>> = self
            .mapping
            .as_ref()
            .map(|rows| (0..TOKENS).map(|token| rows.row(token) as u32).collect());
        let (mut all, mut start) = (Vec::new(), 0);
        for &end in ends {
            let row = mean(
                values,
                dim,
                rows.as_deref(),
                self.weights(),
                &plain(&ids[start..end]),
            );
            all.extend(norm.map_or(row.clone(), |norm| normalized(&row, norm)));
            start = end;
        }
        all
    }
}

/// The means of texts that end at `ends`.
fn texts(exec: impl Into<Exec>, pool: &Pool<'_>, ids: &[u32], ends: &[usize], tokens: usize) -> Vec<f32> {
    let offsets: Vec<u32> = [0].iter().chain(ends).map(|&end| end as u32).collect();
    let bags = Bags::Offsets(Offsets::check(Ids::U32(&offsets), ids.len(), true).unwrap());
    painted(ends.len() * pool.bag.table.dim(), |out| {
        bag(exec, pool, proven(ids, tokens), &bags, None, out)
    })
}

fn all_models() -> impl Iterator<Item = Model> {
    (0..8).map(|case| Model::new(case % 2 == 1, case / 2))
}

#[test]
fn small_example() {
    let values = [3.0, 4.0, 0.0, 8.0, -3.0, 0.0];
    let table = Table::f32(3, 2, &values).unwrap();
    let mapping = Mapping::check(detect(), vec![2, 0, 1, 0], 3).unwrap();
    let weights = [1.0, 0.5, 2.0, 4.0];
    let precise = weights.map(f64::from);
    for_each_isa!(isa => {
        let one = |tokens, norm, ids: &[u32], bound| {
            bits(&texts(isa, &Pool::mean(table, tokens, norm), ids, &[ids.len()], bound))
        };
        let none = Tokens::default();
        assert_eq!(one(none, None, &[0, 1], 3), bits(&[1.5, 6.0]));
        assert_eq!(one(none, None, &[], 3), bits(&[0.0, 0.0]));
        let rows = Tokens { rows: Some(&mapping), ..none };
        assert_eq!(one(rows, None, &[2, 0, 3], 4), bits(&[0.0, 4.0]));
        for norm in [Norm::Model2vec, Norm::SentenceTransformers] {
            assert_eq!(one(none, Some(norm), &[0], 3), bits(&[3.0 / 5.0, 4.0 / 5.0]));
            assert_eq!(one(none, Some(norm), &[], 3), bits(&[0.0, 0.0]));
        }
        for tokens in [
            Tokens { weights: Some(&weights), ..rows },
            Tokens { precise: Some(&precise), ..rows },
        ] {
            // (-3, 0) * 1 + (0, 8) * 2 + (3, 4) * 4, by the number of ids and not by the sum of the weights.
            assert_eq!(one(tokens, None, &[0, 2, 3], 4), bits(&[9.0 / 3.0, 32.0 / 3.0]));
        }
    });
}

#[test]
fn every_width_model_and_norm() {
    for_each_isa!(isa => {
        for dim in WIDTHS {
            for (values, n) in [(table(ROWS, dim), 300), (odd_table(ROWS, dim), 9)] {
                let rows = Table::f32(ROWS, dim, &values).unwrap();
                for model in all_models() {
                    let ids = some_ids(n, model.tokens());
                    let ends = [0, 1, 1, 4, n];
                    for norm in NORMS {
                        let wanted = model.expected(&values, dim, norm.map(|norm| norm.1), &ids, &ends);
                        let pool = model.pool(rows, norm.map(|norm| norm.0));
                        let out = texts(isa, &pool, &ids, &ends, model.tokens());
                        assert_eq!(bits_any_nan(&out), bits_any_nan(&wanted), "{norm:?}, {n} x {dim}");
                    }
                }
            }
        }
    });
}

#[test]
fn rows_of_every_dtype_and_block_type() {
    let blocks =
        blocks::TYPES.map(|(name, values, size)| (DType::named(name).unwrap(), 4 * values, size * 4));
    let stored = DType::STORED.into_iter().flat_map(|dtype| {
        [37, 128, 600].map(|dim| (dtype, dim, TableSpec::new(dtype, 1, dim).unwrap().row_bytes()))
    });
    for (dtype, dim, row) in stored.chain(blocks) {
        let spec = TableSpec::new(dtype, ROWS, dim).unwrap();
        let source = table(ROWS, dim);
        let (bytes, values): (Vec<u8>, Vec<f32>) = if spec.is_blocks() {
            // Any bytes, of which those that could be a scale have a small exponent.
            let bytes: Vec<u8> = (0..ROWS * row).map(|i| (i * 37 % 61) as u8).collect();
            let values = blocks::decode(dtype.name(), &bytes);
            (bytes, values)
        } else {
            let rows = source.chunks(dim).map(|row| {
                let small: Vec<f32> = row.iter().map(|x| x / 8192.0).collect();
                store::encode(dtype, &small).unwrap()
            });
            let bytes: Vec<u8> = rows.flatten().collect();
            let values = bytes
                .chunks(row)
                .flat_map(|row| store::decode(dtype, row, dim))
                .collect();
            (bytes, values)
        };
        let token = Table::new(spec, &bytes).unwrap();
        for_each_isa!(isa => {
            for model in all_models() {
                let ids = some_ids(300, model.tokens());
                let ends = [3, 3, 20, 300];
                for norm in NORMS {
                    let wanted = model.expected(&values, dim, norm.map(|norm| norm.1), &ids, &ends);
                    let pool = model.pool(token, norm.map(|norm| norm.0));
                    let out = texts(isa, &pool, &ids, &ends, model.tokens());
                    assert_eq!(bits_any_nan(&out), bits_any_nan(&wanted), "{dtype:?} of {dim}, {norm:?}");
                }
            }
        });
    }
}

#[test]
fn norms_are_those_of_numpy() {
    // numpy 2.4.6: n = np.linalg.norm(x, axis=1, keepdims=True) + 1e-32, and a hash of the bits of x / n.
    const NUMPY: [(usize, u32, u32); 26] = [
        (1, 0x0a4f_b11f, 0x0000_0000),
        (2, 0x46c3_910d, 0xbf80_0000),
        (3, 0x46e5_e6ff, 0x6ae5_5a2f),
        (7, 0x473b_f6cb, 0x5bb9_3941),
        (8, 0x474d_aee2, 0x3c49_c11a),
        (9, 0x474e_2d64, 0x910e_5e3b),
        (15, 0x478c_ba15, 0xf86e_710e),
        (16, 0x4790_ec8b, 0x6d0a_9657),
        (17, 0x4791_9fdf, 0x4de7_9ca7),
        (64, 0x4812_5000, 0xcb42_12eb),
        (100, 0x4838_497a, 0x558c_a1d7),
        (127, 0x484f_064e, 0x0601_ee0d),
        (128, 0x4851_63b0, 0xa710_0c85),
        (129, 0x4851_8114, 0xab6a_f24d),
        (136, 0x4857_9a01, 0x8854_d394),
        (143, 0x485c_5cc8, 0x5f9d_df10),
        (255, 0x4893_38b4, 0x4708_1be1),
        (256, 0x4893_c7d5, 0x5424_09a0),
        (257, 0x4893_f176, 0x91f7_476a),
        (271, 0x4897_ab64, 0x4f0a_8899),
        (300, 0x489f_b96f, 0x115a_f32d),
        (384, 0x48b4_e4f3, 0xb967_f049),
        (512, 0x48d0_cd41, 0x4330_f7dc),
        (768, 0x48ff_d6d8, 0xe4e5_d3da),
        (1000, 0x4912_0fe6, 0xdc07_d0a5),
        (1024, 0x4913_c1dd, 0xc6a2_5541),
    ];
    let mut unlike = 0;
    for (dim, root, hash) in NUMPY {
        let x = table(1, dim);
        let squares: Vec<f32> = x.iter().map(|x| x * x).collect();
        assert_eq!((pairwise(&squares).sqrt() + 1e-32).to_bits(), root, "{dim}");
        unlike += usize::from(squares.iter().sum::<f32>() != pairwise(&squares));
        for_each_isa!(isa => {
            let row = painted(dim, |out| {
                out.copy_from_slice(&x);
                normalize(isa, Norm::Model2vec, out);
            });
            let found = bits(&row).iter().fold(0u32, |hash, &x| hash.wrapping_mul(31).wrapping_add(x));
            assert_eq!(found, hash, "{dim} on {isa:?}");
        });
    }
    assert!(unlike > 10, "the values distinguish the orders: {unlike}");
}

#[test]
fn norms_of_rows_without_a_length() {
    for_each_isa!(isa => {
        let of = |norm, x: &[f32]| painted(x.len(), |out| {
            out.copy_from_slice(x);
            normalize(isa, norm, out);
        });
        for (_, plain_norm) in NORMS.into_iter().flatten() {
            let norm = if plain_norm == PlainNorm::Model2vec { Norm::Model2vec } else { Norm::SentenceTransformers };
            for x in [
                [0.0, -0.0, 0.0],
                [1e-13, 0.0, -1e-13],
                [f32::MIN_POSITIVE, 1e-45, 0.0],
                [f32::MAX, 1.0, f32::MAX],
                [f32::INFINITY, 1.0, -1.0],
                [f32::NAN, 1.0, 0.0],
            ] {
                assert_eq!(bits_any_nan(&of(norm, &x)), bits_any_nan(&normalized(&x, plain_norm)), "{norm:?} {x:?}");
            }
        }
        assert_eq!(bits(&of(Norm::SentenceTransformers, &[1e-13, 0.0])), bits(&[1e-13 / 1e-12, 0.0]));
        // The square underflows, so the divisor is 1e-32.
        assert_eq!(bits(&of(Norm::Model2vec, &[1e-30])), bits(&[1e-30 / 1e-32]));
    });
}

#[test]
fn thresholds_never_change_a_bit() {
    let dim = 48;
    let values = table(ROWS, dim);
    let ids = some_ids(700, TOKENS);
    let ends: Vec<usize> = (0..=70).map(|text| text * 10).collect();
    let everywhere: &'static Tuning = Box::leak(Box::new(everything()));
    for_each_isa!(isa => {
        for model in all_models().chain([model_of_one_row()]) {
            let ids: Vec<u32> = ids.iter().map(|id| id % model.tokens() as u32).collect();
            let pool = model.pool(Table::f32(ROWS, dim, &values).unwrap(), Some(Norm::Model2vec));
            let wanted = texts(isa, &pool, &ids, &ends, model.tokens());
            let out = texts(Exec { isa, tuning: everywhere }, &pool, &ids, &ends, model.tokens());
            assert_eq!(bits(&out), bits(&wanted));
        }
    });
}

/// A model whose tokens are all the last row.
fn model_of_one_row() -> Model {
    let rows = vec![ROWS as u32 - 1; TOKENS];
    Model {
        mapping: Some(Mapping::check(detect(), rows, ROWS as u64).unwrap()),
        ..Model::new(false, 0)
    }
}

#[test]
fn a_mapping_is_checked_once_for_all() {
    for rows in [vec![0, ROWS as u32], vec![u32::MAX]] {
        let position = rows.len() - 1;
        let error = Mapping::check(detect(), rows, ROWS as u64).unwrap_err();
        assert_eq!(error.code(), "ERR_ID_OUT_OF_RANGE");
        assert!(format!("{error}").contains(&format!("at {position} ")));
    }
    assert_eq!(Mapping::check(detect(), vec![], 0).unwrap().len(), 0);
}

#[test]
fn mismatched_arguments_panic() {
    let values = table(4, 3);
    let rows = Table::f32(4, 3, &values).unwrap();
    let mapping = Mapping::check(detect(), vec![0, 1, 2, 3], 4).unwrap();
    let wide = Mapping::check(detect(), vec![0, 1, 2, 30], 40).unwrap();
    let (weights, precise) = ([1.0; 3], [1.0; 3]);
    let bags = Bags::Equal { bags: 1, len: 2 };
    let panics = |tokens: Tokens<'_>, mode, padding, given: Option<&[f32]>, ids: &[u32], bound| {
        let table = rows;
        let bag_of = Bag { table, mode, padding };
        let pool = Pool {
            bag: bag_of,
            tokens,
            norm: None,
        };
        let mut out = vec![0.5; 3];
        let call = || bag(detect(), pool, proven(ids, bound), &bags, given, &mut out);
        catch_unwind(AssertUnwindSafe(call)).is_err()
    };
    let none = Tokens::default();
    let mapped = Tokens {
        rows: Some(&mapping),
        ..none
    };
    let weighted = Tokens {
        weights: Some(&weights),
        ..none
    };
    let doubled = Tokens {
        precise: Some(&precise),
        ..none
    };
    assert!(!panics(mapped, Mode::Mean, None, None, &[0, 3], 4));
    assert!(!panics(weighted, Mode::Sum, Some(1), None, &[0, 2], 4));
    assert!(!panics(doubled, Mode::Mean, None, None, &[0, 2], 4));
    assert!(
        panics(mapped, Mode::Mean, None, None, &[0, 4], 5),
        "a token without a row"
    );
    assert!(
        panics(
            Tokens {
                rows: Some(&wide),
                ..none
            },
            Mode::Mean,
            None,
            None,
            &[0, 1],
            4
        ),
        "rows of a larger table"
    );
    assert!(
        panics(weighted, Mode::Mean, None, None, &[0, 3], 4),
        "a token without a weight"
    );
    assert!(
        panics(doubled, Mode::Mean, None, None, &[0, 3], 4),
        "a token without a weight in f64"
    );
    assert!(
        panics(weighted, Mode::Max, None, None, &[0, 1], 4),
        "a maximum with weights"
    );
    assert!(
        panics(weighted, Mode::Mean, None, Some(&[1.0; 2]), &[0, 1], 4),
        "two kinds of weights"
    );
    assert!(
        panics(doubled, Mode::Sum, None, None, &[0, 1], 4),
        "a sum with weights in f64"
    );
    assert!(
        panics(doubled, Mode::Mean, Some(1), None, &[0, 1], 4),
        "padding with weights in f64"
    );
    assert!(
        panics(none, Mode::Mean, None, None, &[0, 4], 5),
        "an id outside of the table"
    );
}

/// One text in any parts of ids and columns, with its norm from parts of the row.
fn in_parts(
    isa: Isa,
    pool: &Pool<'_>,
    ids: &[u32],
    tokens: usize,
    cuts: [usize; 2],
    most_cols: usize,
    most: usize,
) -> Vec<f32> {
    let dim = pool.bag.table.dim();
    let step = pool.most_cols().min(most_cols);
    painted(dim, |out| {
        for (part, acc) in out.chunks_mut(step).enumerate() {
            let cols = part * step..part * step + acc.len();
            let mut state = BagState::default();
            for ids_of in [0..cuts[0], cuts[0]..cuts[1], cuts[1]..ids.len()] {
                let ids = proven(ids, tokens).slice(ids_of);
                bag_extend(isa, pool, ids, None, cols.clone(), &mut state, acc);
            }
            bag_finish(isa, pool, &state, acc);
        }
        if let Some(norm) = pool.norm {
            normalize_parts(isa, norm, dim, most, &mut |cols, work| {
                assert!(cols.len() <= most);
                work(&mut out[cols])
            });
        }
    })
}

proptest! {
    #[test]
    fn any_shape_and_any_parts_give_the_bits_of_the_reference(
        dim in 1usize..300,
        seeds in prop::collection::vec(0..u32::MAX, 0..700),
        cuts in [0.0f64..1.0, 0.0f64..1.0],
        most_cols in 1usize..300,
        most in 8usize..20,
        mapped: bool,
        kind in 0usize..4,
        norm in 0usize..3,
        dtype in 0usize..5,
    ) {
        let dtype = DType::STORED[dtype];
        let rows = table(ROWS, dim);
        let rows = rows.chunks(dim).map(|row| {
            let small: Vec<f32> = row.iter().map(|x| x / 8192.0).collect();
            store::encode(dtype, &small).unwrap()
        });
        let bytes: Vec<u8> = rows.flatten().collect();
        let spec = TableSpec::new(dtype, ROWS, dim).unwrap();
        let values: Vec<f32> =
            bytes.chunks(spec.row_bytes()).flat_map(|row| store::decode(dtype, row, dim)).collect();
        let model = Model::new(mapped, kind);
        let ids: Vec<u32> = seeds.iter().map(|seed| seed % model.tokens() as u32).collect();
        let mut cuts = cuts.map(|cut| (cut * ids.len() as f64) as usize);
        cuts.sort();
        let ends = [cuts[0], cuts[1], ids.len()];
        let norm = NORMS[norm];
        let pool = model.pool(Table::new(spec, &bytes).unwrap(), norm.map(|norm| norm.0));
        let plain_norm = norm.map(|norm| norm.1);
        let several = model.expected(&values, dim, plain_norm, &ids, &ends);
        let one = model.expected(&values, dim, plain_norm, &ids, &[ids.len()]);
        for &isa in available() {
            let out = texts(isa, &pool, &ids, &ends, model.tokens());
            prop_assert_eq!(bits(&out), bits(&several));
            let out = in_parts(isa, &pool, &ids, model.tokens(), cuts, most_cols, 16 * most);
            prop_assert_eq!(bits(&out), bits(&one));
        }
    }
}
