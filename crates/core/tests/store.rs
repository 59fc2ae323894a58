//! Stored rows compared with the reference: conversions, bytes, and every operation that reads rows.

mod common;
mod reference;

use common::{bits_any_nan, for_each_isa, golden, odd_table, painted, proven, some_ids, table, WIDTHS};
use proptest::prelude::*;
use reference::store::{decode, encode, BF16, F16};
use tokenbed_core::memory::TableSpec;
use tokenbed_core::ops::{
    bag, embed, gather, read, store, store_zeros, Bag, Bags, Dropout, Embed, Misfit, Mode, PositionRows,
    Positions,
};
use tokenbed_core::simd::{bf16_to_f32, f16_to_f32, f32_to_bf16, f32_to_f16, Isa};
use tokenbed_core::tuning::{Exec, Tuning};
use tokenbed_core::{DType, Table, TableMut, Window};

const ROWS: usize = 9;

/// Values that every dtype can store, of magnitudes from 2^-20 to 2^10.
fn values(rows: usize, dim: usize) -> Vec<f32> {
    let scale = |r: usize| f32::from_bits(((r as u32 * 7 % 30) + 107) << 23) / 32_768.0;
    let all = table(rows, dim);
    all.iter().enumerate().map(|(i, x)| x * scale(i / dim)).collect()
}

/// The bytes of a table, by the operation.
fn stored(dtype: DType, dim: usize, values: &[f32]) -> Result<Vec<u8>, Misfit> {
    let rows = values.len() / dim;
    let spec = TableSpec::new(dtype, rows, dim).unwrap();
    let mut bytes = vec![0xa5; spec.bytes()];
    let mut table = TableMut::new(spec, &mut bytes).unwrap();
    store(&mut table, 0..rows, true, &mut |row, col, out| {
        let start = row * dim + col;
        out.copy_from_slice(&values[start..start + out.len()]);
    })?;
    Ok(bytes)
}

fn expected_bytes(dtype: DType, dim: usize, values: &[f32]) -> Vec<u8> {
    let rows = values
        .chunks(dim)
        .map(|row| encode(dtype, row).expect("values that fit"));
    rows.flatten().collect()
}

fn expected_values(dtype: DType, dim: usize, bytes: &[u8]) -> Vec<f32> {
    let stride = TableSpec::new(dtype, 1, dim).unwrap().row_bytes();
    bytes
        .chunks(stride)
        .flat_map(|row| decode(dtype, row, dim))
        .collect()
}

#[test]
fn every_16_bit_pattern_is_widened_and_narrowed() {
    for bits in 0..=u16::MAX {
        for (format, to, from) in [
            (F16, f16_to_f32 as fn(u16) -> f32, f32_to_f16 as fn(f32) -> u16),
            (BF16, bf16_to_f32, f32_to_bf16),
        ] {
            let (actual, expected) = (to(bits), format.value(bits));
            assert_eq!(bits_any_nan(&[actual]), bits_any_nan(&[expected]), "{bits:#06x}");
            if actual.is_nan() {
                assert_eq!(actual.is_sign_negative(), bits & 0x8000 != 0);
                assert!(to(from(actual)).is_nan());
                continue;
            }
            assert_eq!(from(actual), bits);
            // Halfway to the next pattern, and its neighbors.
            let next = if bits & 0x7fff == format.infinity() {
                continue;
            } else {
                bits + 1
            };
            let above = match next & 0x7fff == format.infinity() {
                true => actual + (actual - to(bits - 1)),
                false => to(next),
            };
            let middle = (f64::from(actual) + f64::from(above)) / 2.0;
            for x in [
                middle as f32,
                (middle as f32).next_up(),
                (middle as f32).next_down(),
            ] {
                assert_eq!(from(x), format.nearest(x), "{x:e} after {bits:#06x}");
            }
        }
    }
}

#[test]
fn narrowing_equals_the_reference() {
    let mut x = 0u32;
    while let Some(next) = x.checked_add(0x1_2345) {
        let value = f32::from_bits(x);
        if !value.is_nan() {
            assert_eq!(f32_to_f16(value), F16.nearest(value), "{value:e}");
            assert_eq!(f32_to_bf16(value), BF16.nearest(value), "{value:e}");
        }
        x = next;
    }
}

#[test]
fn bytes_equal_the_reference_at_every_width() {
    for dtype in DType::STORED {
        for dim in WIDTHS.into_iter().chain([1023, 1024, 1025, 3000]) {
            let values = values(ROWS, dim);
            let bytes = stored(dtype, dim, &values).unwrap();
            assert_eq!(bytes, expected_bytes(dtype, dim, &values), "{dtype:?}, {dim}");
        }
    }
}

#[test]
fn bytes_equal_those_of_torch() {
    let golden = golden("prepack.json");
    for dtype in [DType::I8, DType::I4] {
        assert!(golden.iter().filter(|each| each.dtype == dtype.name()).count() > 3);
    }
    for each in golden {
        let dtype = DType::named(&each.dtype).unwrap();
        assert_eq!(
            stored(dtype, each.dim, &each.values).unwrap(),
            each.bytes,
            "{dtype:?}, {}",
            each.dim
        );
        assert_eq!(expected_bytes(dtype, each.dim, &each.values), each.bytes);
        let plain = expected_values(dtype, each.dim, &each.bytes);
        let spec = TableSpec::new(dtype, plain.len() / each.dim, each.dim).unwrap();
        let table = Table::new(spec, &each.bytes).unwrap();
        for_each_isa!(isa => {
            let back = painted(plain.len(), |out| read(isa, table, 0..out.len(), out));
            assert_eq!(bits_any_nan(&back), bits_any_nan(&plain), "{dtype:?}, {}", each.dim);
        });
    }
}

#[test]
fn unusual_rows_equal_the_reference() {
    let rows: [[f32; 5]; 14] = [
        [0.0; 5],
        [-0.0; 5],
        [0.0, -0.0, 1.0, -0.0, 0.0],
        [0.1; 5],
        [0.3; 5],
        [-0.3; 5],
        [1e-10, 2e-10, 3e-10, 0.0, 1e-10],
        [1e-40, -1e-40, 0.0, 1e-45, -1e-45],
        [65504.0, -65504.0, 0.0, 1.0, 2.0],
        [1.0, 2.0, 3.0, 4.0, 16.0],
        [-7.0, -6.5, -7.0, -6.9, -6.6],
        [0.5, 1.5, 2.5, 3.5, 15.5],
        [3.05e-5, 0.0, 6.1e-5, 1.2e-7, 5.9e-8],
        [40_000.0, 65_000.0, 40_001.0, 50_000.0, 40_000.5],
    ];
    for dtype in DType::STORED {
        for row in rows {
            assert_eq!(
                stored(dtype, 5, &row).unwrap(),
                encode(dtype, &row).unwrap(),
                "{dtype:?} of {row:?}"
            );
        }
    }
    for row in [[3e38, 1e38, 0.0, 2.0, 1.0], [1e6, 1e6 + 1.0, 1e6, 1e6, 1e6]] {
        assert_eq!(
            stored(DType::I8, 5, &row).unwrap(),
            encode(DType::I8, &row).unwrap()
        );
    }
}

#[test]
fn infinities_and_nans_are_kept_by_16_bits() {
    let row = [
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        -f32::NAN,
        f32::from_bits(0x7f80_0001),
        1.0,
    ];
    for dtype in [DType::F16, DType::Bf16] {
        let bytes = stored(dtype, 6, &row).unwrap();
        assert_eq!(bits_any_nan(&decode(dtype, &bytes, 6)), bits_any_nan(&row));
    }
}

#[test]
fn a_misfit_is_located_and_nothing_is_written() {
    let (inf, nan, huge) = (f32::INFINITY, f32::NAN, f32::MAX);
    let cases: [(DType, &[f32], usize); 17] = [
        (DType::F16, &[1.0, 65519.9, 65520.0, 1e9], 2),
        (DType::F16, &[inf, -65520.0, 1.0, nan], 1),
        (DType::F16, &[1.0, -inf, 65519.9, 65520.0], 3),
        (DType::Bf16, &[1.0, 3.39e38, 3.4e38, 0.0], 2),
        (DType::Bf16, &[nan, -huge, 3.4e38, 0.0], 1),
        (DType::Bf16, &[1.0, f32::from_bits(0x7f7f_8000), 0.0, inf], 1),
        (DType::I8, &[1.0, 2.0, nan, inf], 2),
        (DType::I8, &[1.0, -inf, nan, inf], 1),
        (DType::I8, &[-huge, 0.0, huge, 1.0], 2),
        (DType::I8, &[3e38, 0.0, -3e38, 3e38], 0),
        (DType::I4, &[1.0, 2.0, 3.0, nan], 3),
        (DType::I4, &[inf, 2.0, 3.0, nan], 0),
        (DType::I4, &[70_000.0, 65_520.0, 1e5, 65_520.0], 1),
        (DType::I4, &[1.0, -65_520.0, 1e5, 65_520.0], 1),
        (DType::I4, &[0.0, 982_800.0, 1.0, 982_800.0], 1),
        (DType::I4, &[-65_000.0, 1.0, 950_000.0, 1.0], 2),
        (DType::I4, &[-huge, 1.0, huge, 1.0], 0),
    ];
    for (dtype, row, col) in cases {
        let value = row[col];
        // Also as a row of several pieces, with ordinary values around, unless they change the minimum.
        let fillers = if row.iter().all(|&x| x > 1.0) {
            &[0][..]
        } else {
            &[0, 1500]
        };
        for &filler in fillers {
            let row = [&vec![1.0; filler], row, &vec![1.0; filler]].concat();
            let dim = row.len();
            let good = vec![1.0; dim];
            let spec = TableSpec::new(dtype, 3, dim).unwrap();
            let mut bytes = vec![0xa5; spec.bytes()];
            let all = [&good[..], &row].concat();
            let mut table = TableMut::new(spec, &mut bytes).unwrap();
            let misfit = store(&mut table, 1..3, true, &mut |r, c, out| {
                out.copy_from_slice(&all[r * dim + c..][..out.len()]);
            })
            .unwrap_err();
            assert_eq!(
                (misfit.row, misfit.col),
                (1, col + filler),
                "{dtype:?} of {row:?}"
            );
            assert_eq!(misfit.value.to_bits(), f64::from(value).to_bits());
            assert!(bytes.iter().all(|&byte| byte == 0xa5), "something was written");
        }
    }
}

#[test]
fn zeros_are_encoded() {
    for dtype in DType::STORED {
        for (rows, dim) in [(0, 3), (1, 1), (5, 7), (3, 2000)] {
            let spec = TableSpec::new(dtype, rows, dim).unwrap();
            let mut bytes = vec![0; spec.bytes()];
            store_zeros(&mut TableMut::new(spec, &mut bytes).unwrap());
            assert_eq!(bytes, expected_bytes(dtype, dim, &vec![0.0; rows * dim]));
            let back = expected_values(dtype, dim, &bytes);
            assert!(back.iter().all(|x| x.to_bits() == 0));
        }
    }
}

/// Thresholds at which every optimization is used.
static EVERYTHING: Tuning = common::everything();

/// The results of all operations on a token table.
fn results(isa: Isa, token: Table<'_>, first_col: usize, cols: usize) -> Vec<u32> {
    let dim = token.dim();
    let ids = some_ids(13, ROWS);
    let ids = proven(&ids, ROWS);
    let pe = table(16, dim);
    let mut results = vec![];
    for exec in [
        Exec::from(isa),
        Exec {
            isa,
            tuning: &EVERYTHING,
        },
    ] {
        let mut add = |len: usize, write: &dyn Fn(&mut [f32])| {
            results.extend(bits_any_nan(&painted(len, write)));
        };
        add(13 * cols, &|out| {
            gather(exec, token, ids, first_col..first_col + cols, out)
        });
        let positions = Positions {
            table: Table::f32(16, dim, &pe).unwrap(),
            rows: PositionRows::From { start: 2, seq: 13 },
        };
        for (scale, positions, dropout) in [
            (None, None, None),
            (Some(0.3), None, None),
            (None, Some(positions), None),
            (Some(0.3), Some(positions), Some(Dropout::new(0.25, 3, 1))),
        ] {
            let op = Embed {
                token,
                scale,
                positions,
                dropout,
            };
            add(13 * dim, &|out| embed(exec, &op, ids, Window::all(13, dim), out));
            let window = Window {
                first_row: 5,
                rows: 1,
                first_col,
                cols,
            };
            let id = some_ids(13, ROWS)[5..6].to_vec();
            add(cols, &|out| embed(exec, &op, proven(&id, ROWS), window, out));
        }
        let weights: Vec<f32> = (0..13).map(|i| 0.3 * i as f32 - 1.0).collect();
        for (mode, weights) in [
            (Mode::Sum, None),
            (Mode::Mean, None),
            (Mode::Max, None),
            (Mode::Sum, Some(&weights[..])),
            (Mode::Mean, Some(&weights[..])),
        ] {
            for padding in [None, Some(3)] {
                let op = Bag {
                    table: token,
                    mode,
                    padding,
                };
                let bags = Bags::Equal { bags: 1, len: 13 };
                add(dim, &|out| bag(exec, &op, ids, &bags, weights, out));
            }
        }
    }
    results
}

#[test]
fn operations_give_the_bits_of_the_values_at_every_width() {
    for dtype in DType::STORED {
        for dim in WIDTHS {
            let bytes = stored(dtype, dim, &values(ROWS, dim)).unwrap();
            let plain = expected_values(dtype, dim, &bytes);
            let token = Table::new(TableSpec::new(dtype, ROWS, dim).unwrap(), &bytes).unwrap();
            let same = Table::f32(ROWS, dim, &plain).unwrap();
            for_each_isa!(isa => {
                let back = painted(plain.len(), |out| read(isa, token, 0..out.len(), out));
                assert_eq!(bits_any_nan(&back), bits_any_nan(&plain), "{dtype:?}, {dim}");
                for (first, cols) in [(0, dim), (dim / 3, dim - dim / 3), (1.min(dim - 1), dim.div_ceil(2))] {
                    let cols = cols.min(dim - first);
                    let (actual, expected) = (results(isa, token, first, cols), results(isa, same, first, cols));
                    assert_eq!(actual, expected, "{dtype:?}, columns {first} + {cols} of {dim}");
                }
            });
        }
    }
}

#[test]
fn tables_may_begin_at_any_byte_and_hold_any_bytes() {
    for dtype in DType::STORED {
        for dim in [1, 5, 16, 37] {
            let spec = TableSpec::new(dtype, ROWS, dim).unwrap();
            // Any bytes: also infinities and NaNs as scale and bias.
            let odd = odd_table(ROWS, dim + 8);
            let any: Vec<u8> = odd
                .iter()
                .flat_map(|x| x.to_ne_bytes())
                .take(spec.bytes())
                .collect();
            let plain = expected_values(dtype, dim, &any);
            for_each_isa!(isa => {
                let wanted = results(isa, Table::f32(ROWS, dim, &plain).unwrap(), 0, dim);
                for first in 0..64 {
                    let mut memory = vec![0xa5_u8; spec.bytes() + 128];
                    let start = memory.as_ptr().addr().wrapping_neg() % 64 + first;
                    memory[start..start + spec.bytes()].copy_from_slice(&any);
                    let token = Table::new(spec, &memory[start..start + spec.bytes()]).unwrap();
                    assert_eq!(results(isa, token, 0, dim), wanted, "{dtype:?} at byte {first}, dim {dim}");
                }
            });
        }
    }
}

proptest! {
    #[test]
    fn stored_rows_are_within_half_a_step_of_their_values(
        row in prop::collection::vec(-1000.0f32..1000.0, 1..100),
    ) {
        for dtype in [DType::I8, DType::I4] {
            let bytes = stored(dtype, row.len(), &row).unwrap();
            prop_assert_eq!(&bytes, &encode(dtype, &row).unwrap());
            let back = decode(dtype, &bytes, row.len());
            let (min, max) = row.iter().fold((f32::MAX, f32::MIN), |(a, b), &x| (a.min(x), b.max(x)));
            let steps = if dtype == DType::I8 { 255.0 } else { 15.0 };
            // i4 rounds scale and bias to 11 bits.
            let step = (max - min) / steps + if dtype == DType::I4 { 1.5 } else { 1e-3 };
            for (x, y) in row.iter().zip(&back) {
                prop_assert!((x - y).abs() <= step, "{} as {}", x, y);
            }
        }
    }
}
