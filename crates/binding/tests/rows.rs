//! Rows of tensors that fill tables as they arrive: every encoding into every dtype, in pieces of any size, whole and cut
//! to fewer columns, in both orders; and rows as they are stored, without padding.

use std::ops::Range;
use tokenbed_binding::arrays::{ByteArray, IntegersOut};
use tokenbed_binding::rows::{rows_push, table_rows};
use tokenbed_binding::whole::Whole;
use tokenbed_binding::{run, Environment, Failure, RowsRecord, TableRecord, DONE};
use tokenbed_core::dtype::Block;
use tokenbed_core::memory::{Contents, Memory, TableSpec};
use tokenbed_core::simd::{bf16_to_f32, f16_to_f32};
use tokenbed_core::DType;

/// Bytes of which at most a number are seen at a time.
struct Tiled<'a>(&'a [u8], usize);

impl ByteArray for Tiled<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn most(&self) -> usize {
        self.1
    }

    fn tile(&mut self, range: Range<usize>) -> &[u8] {
        assert!(range.len() <= self.1);
        &self.0[range]
    }

    fn copy_to(&mut self, to: &mut [u8]) {
        to.copy_from_slice(self.0);
    }
}

/// An output of bytes that are written at most `1` at a time.
struct TiledOut<'a>(&'a mut [u8], usize);

impl IntegersOut<u8> for TiledOut<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn address(&self) -> Range<usize> {
        0..0
    }

    fn most(&self) -> usize {
        self.1
    }

    fn edit(&mut self, range: Range<usize>, edit: impl FnOnce(&mut [u8])) {
        assert!(range.len() <= self.1);
        edit(&mut self.0[range])
    }
}

fn table(env: &mut Environment, dtype: &str, rows: usize, dim: usize) -> f64 {
    let record = TableRecord {
        rows: rows as f64,
        dim: dim as f64,
        dtype: dtype.to_owned(),
        zeros: false,
    };
    env.table_create(&record).unwrap().unwrap()
}

fn record(table: f64, encoding: &str, dim: usize, fortran: bool) -> RowsRecord {
    RowsRecord {
        table,
        encoding: encoding.to_owned(),
        dim: dim as f64,
        fortran,
    }
}

fn bytes_of(env: &Environment, table: f64) -> Vec<u8> {
    env.table(table).unwrap().bytes().to_vec()
}

fn values_of(env: &Environment, table: f64) -> Vec<f32> {
    let spec = env.table(table).unwrap().spec();
    let mut values = vec![0.0; spec.values()];
    let start = values.as_mut_ptr();
    #[expect(unsafe_code, reason = "an output, as a binding makes it")]
    // SAFETY: the vector outlives the call, and nobody else uses it.
    run::table_read(env, table, 0.0, unsafe { Whole::new(start, values.len()) }).unwrap();
    values
}

/// The bits of values, with all NaNs equal.
fn bits(values: &[f32]) -> Vec<u32> {
    let bits = |x: &f32| if x.is_nan() { f32::NAN } else { *x }.to_bits();
    values.iter().map(bits).collect()
}

/// Stores a tensor in pieces of `piece` bytes.
fn push(env: &mut Environment, record: &RowsRecord, bytes: &[u8], piece: usize, most: usize) -> f64 {
    let rows = env.rows_create(record).unwrap().unwrap();
    for part in bytes.chunks(piece) {
        let status = rows_push(env, rows, Tiled(part, most)).unwrap();
        if status != DONE {
            return status;
        }
    }
    assert!(
        matches!(rows_push(env, rows, &[0][..]), Err(Failure::Short(..))),
        "more bytes"
    );
    assert_eq!(rows_push(env, rows, &[][..]), Ok(DONE));
    env.free(rows);
    DONE
}

const ENCODINGS: [&str; 7] = ["f32", "f16", "bf16", "f64", "f8_e4m3", "f8_e5m2", "int8"];

/// 2^exponent, a normal number.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

/// The value of an f8, by its definition.
fn f8(byte: u8, exponent: u32, fraction: u32, bias: i32, infinite: bool) -> f32 {
    let sign = if byte & 0x80 == 0 { 1.0 } else { -1.0 };
    let e = u32::from(byte) >> fraction & ((1 << exponent) - 1);
    let m = f64::from(u32::from(byte) & ((1 << fraction) - 1)) / f64::from(1 << fraction);
    let top = (1 << exponent) - 1;
    let value = match e {
        0 => m * power_of_two(1 - bias),
        e if e == top && infinite && m == 0.0 => f64::INFINITY,
        e if e == top && (infinite || byte & 0x7f == 0x7f) => f64::NAN,
        e => (1.0 + m) * power_of_two(e as i32 - bias),
    };
    (sign * value) as f32
}

/// Bytes of a value.
fn size(encoding: &str) -> usize {
    match encoding {
        "f64" => 8,
        "f32" => 4,
        "f16" | "bf16" => 2,
        _ => 1,
    }
}

fn decode(encoding: &str, bytes: &[u8]) -> Vec<f32> {
    let two = |x: &[u8]| u16::from_le_bytes(x.try_into().unwrap());
    let each = bytes.chunks(size(encoding));
    let value = |x: &[u8]| match encoding {
        "f64" => f64::from_le_bytes(x.try_into().unwrap()) as f32,
        "f32" => f32::from_le_bytes(x.try_into().unwrap()),
        "f16" => f16_to_f32(two(x)),
        "bf16" => bf16_to_f32(two(x)),
        "f8_e4m3" => f8(x[0], 4, 3, 7, false),
        "f8_e5m2" => f8(x[0], 5, 2, 15, true),
        "int8" => f32::from(x[0] as i8),
        other => panic!("{other}"),
    };
    each.map(value).collect()
}

/// Values that every dtype can store.
fn encode(encoding: &str, count: usize) -> Vec<u8> {
    let value = |i: usize| {
        let x = ((i as u32).wrapping_mul(0x9e37_79b9) >> 12) as f64 / 1e5 - 5.0;
        match encoding {
            "f64" => (x + 1e-12).to_le_bytes().to_vec(),
            "f32" => (x as f32).to_le_bytes().to_vec(),
            "f16" => tokenbed_core::simd::f32_to_f16(x as f32).to_le_bytes().to_vec(),
            "bf16" => tokenbed_core::simd::f32_to_bf16(x as f32).to_le_bytes().to_vec(),
            "int8" => vec![(i * 37 % 256) as u8],
            _ => vec![(i * 37 % 0x78) as u8 | (i as u8 & 1) << 7],
        }
    };
    (0..count).flat_map(value).collect()
}

/// The first `kept` of each `dim` values.
fn first_columns<T: Copy>(values: &[T], dim: usize, kept: usize) -> Vec<T> {
    values.chunks(dim).flat_map(|row| &row[..kept]).copied().collect()
}

const ROWS: usize = 7;

#[test]
fn every_encoding_fills_every_dtype_whatever_the_pieces() {
    for encoding in ENCODINGS {
        for (dim, kept) in [
            (1, 1),
            (5, 5),
            (5, 2),
            (33, 33),
            (33, 32),
            (1500, 1500),
            (1500, 7),
            (1500, 1201),
        ] {
            let bytes = encode(encoding, ROWS * dim);
            let values = first_columns(&decode(encoding, &bytes), dim, kept);
            for dtype in DType::STORED.map(DType::name) {
                let mut env = Environment::default();
                let wanted = table(&mut env, dtype, ROWS, kept);
                assert_eq!(run::table_write(&mut env, wanted, 0.0, &values[..]), Ok(DONE));
                let wanted = bytes_of(&env, wanted);
                let step = size(encoding);
                for (piece, most) in [
                    (bytes.len(), usize::MAX),
                    (1, 1),
                    (3, 2),
                    (step * dim, usize::MAX),
                    (step * dim + 1, usize::MAX),
                    (step * dim * 3 - 1, 5 * step * dim / 2),
                    (bytes.len(), step * dim / 2 + 1),
                ] {
                    if bytes.len() / piece > 20_000 {
                        continue; // the same with fewer columns
                    }
                    for threads in [1, 2] {
                        env.use_threads(threads);
                        let to = table(&mut env, dtype, ROWS, kept);
                        let status = push(&mut env, &record(to, encoding, dim, false), &bytes, piece, most);
                        assert_eq!(status, DONE);
                        let place =
                            format!("{encoding} to {dtype}, {kept} of {dim}, {piece} bytes at a time");
                        assert!(bytes_of(&env, to) == wanted, "{place}");
                        env.free(to);
                    }
                }
            }
        }
    }
}

#[test]
fn every_f8_is_exact() {
    let all: Vec<u8> = (0..=255).collect();
    for encoding in ["f8_e4m3", "f8_e5m2"] {
        let wanted = decode(encoding, &all);
        for dtype in ["f32", "f16"] {
            let mut env = Environment::default();
            let to = table(&mut env, dtype, 2, 128);
            push(&mut env, &record(to, encoding, 128, false), &all, 256, usize::MAX);
            assert_eq!(bits(&values_of(&env, to)), bits(&wanted), "{encoding} as {dtype}");
        }
    }
    // Known values.
    assert_eq!(
        decode("f8_e4m3", &[0x7e, 0x01, 0x38, 0xb8]),
        [448.0, 0.001953125, 1.0, -1.0]
    );
    assert_eq!(
        decode("f8_e5m2", &[0x7b, 0x01, 0x3c, 0xfc]),
        [57344.0, f32::from_bits(0x3780_0000), 1.0, f32::NEG_INFINITY]
    );
}

#[test]
fn bits_of_f32_are_copied() {
    let odd: Vec<u8> = [
        0x7fa0_1234_u32,
        0xffc0_0001,
        0x8000_0000,
        0x0000_0001,
        0x7f80_0000,
        0xff80_0000,
    ]
    .iter()
    .flat_map(|bits| bits.to_le_bytes())
    .collect();
    for fortran in [false, true] {
        for piece in [1, 5, 24] {
            let mut env = Environment::default();
            let to = table(&mut env, "f32", 6, 1);
            push(&mut env, &record(to, "f32", 1, fortran), &odd, piece, usize::MAX);
            assert_eq!(bytes_of(&env, to), odd);
        }
    }
}

#[test]
fn stored_rows_are_copied_cut_or_converted() {
    for dtype in ["i8", "i4"] {
        for (dim, kept) in [(1, 1), (2, 1), (5, 5), (5, 3), (64, 64), (64, 63), (1500, 1111)] {
            let mut env = Environment::default();
            let wide = table(&mut env, dtype, ROWS, dim);
            run::table_uniform(&mut env, wide, 5, 0, 3.0, None).unwrap();
            let (bytes, values) = (
                bytes_of(&env, wide),
                first_columns(&values_of(&env, wide), dim, kept),
            );
            let row = bytes.len() / ROWS;
            for piece in [1, 7, row, row + 1, bytes.len()] {
                // The same rows: the values that a lookup of the wide table gives.
                let to = table(&mut env, dtype, ROWS, kept);
                assert_eq!(
                    push(&mut env, &record(to, dtype, dim, false), &bytes, piece, 1000),
                    DONE
                );
                assert_eq!(
                    bits(&values_of(&env, to)),
                    bits(&values),
                    "{dtype}, {kept} of {dim}"
                );
                if dtype == "i4" && kept % 2 == 1 {
                    let stored = bytes_of(&env, to);
                    let mut rows = stored.chunks(stored.len() / ROWS);
                    assert!(
                        rows.all(|row| row[kept / 2] < 16),
                        "half of a byte that is not used"
                    );
                }
                // Others: the bytes of a table of those values.
                for other in ["f32", "f16", "bf16", "i8", "i4"]
                    .into_iter()
                    .filter(|&other| other != dtype)
                {
                    let wanted = table(&mut env, other, ROWS, kept);
                    run::table_write(&mut env, wanted, 0.0, &values[..]).unwrap();
                    let to = table(&mut env, other, ROWS, kept);
                    assert_eq!(
                        push(&mut env, &record(to, dtype, dim, false), &bytes, piece, 1000),
                        DONE
                    );
                    assert_eq!(
                        bytes_of(&env, to),
                        bytes_of(&env, wanted),
                        "{dtype} as {other}, {kept} of {dim}"
                    );
                }
            }
        }
    }
}

#[test]
fn blocks_are_copied_cut_or_converted() {
    for block in Block::ALL {
        let (name, n) = (block.name(), block.values());
        for (blocks, kept) in [(1, 1), (3, 3), (3, 2)] {
            let len = ROWS * blocks * block.bytes();
            // Scales that are small numbers, so that every dtype can store the values.
            let bytes: Vec<u8> = (0..len).map(|i| (i * 37 % 251) as u8 & 0x3f).collect();
            let mut env = Environment::default();
            let wide = table(&mut env, name, ROWS, blocks * n);
            run::table_bytes(&mut env, wide, 0.0, &bytes[..]).unwrap();
            let values = first_columns(&values_of(&env, wide), blocks * n, kept * n);
            for piece in [1, 50, len / ROWS, len] {
                let from = |to| record(to, name, blocks * n, false);
                let to = table(&mut env, name, ROWS, kept * n);
                assert_eq!(push(&mut env, &from(to), &bytes, piece, 777), DONE);
                assert_eq!(bits(&values_of(&env, to)), bits(&values), "{name}");
                for dtype in DType::STORED.map(DType::name) {
                    let wanted = table(&mut env, dtype, ROWS, kept * n);
                    assert_eq!(
                        run::table_write(&mut env, wanted, 0.0, &values[..]),
                        Ok(DONE),
                        "{name}"
                    );
                    let to = table(&mut env, dtype, ROWS, kept * n);
                    assert_eq!(push(&mut env, &from(to), &bytes, piece, 777), DONE);
                    assert_eq!(bytes_of(&env, to), bytes_of(&env, wanted), "{name} as {dtype}");
                }
            }
        }
    }
}

#[test]
fn tensors_in_column_major_order_are_transposed() {
    for (encoding, dtype) in [("f32", "f32"), ("f16", "f16"), ("bf16", "bf16"), ("f64", "f32")] {
        for (rows, dim, kept) in [
            (1, 1, 1),
            (1, 9, 4),
            (7, 5, 5),
            (600, 3, 2),
            (257, 40, 40),
            (1000, 2, 1),
        ] {
            let step = size(encoding);
            let bytes = encode(encoding, rows * dim);
            let columns: Vec<&[u8]> = bytes.chunks(step).collect();
            let wanted: Vec<u8> = (0..rows * dim)
                .flat_map(|i| columns[i % dim * rows + i / dim])
                .copied()
                .collect();
            let wanted = first_columns(&decode(encoding, &wanted), dim, kept);
            let all = bytes.len();
            for (piece, most) in [
                (all, usize::MAX),
                (1, 1),
                (3, 3),
                (rows * step, all),
                (rows * step + 3, 100),
                (all, 1000),
            ] {
                let mut env = Environment::default();
                let to = table(&mut env, dtype, rows, kept);
                assert_eq!(
                    push(&mut env, &record(to, encoding, dim, true), &bytes, piece, most),
                    DONE
                );
                let actual = values_of(&env, to);
                assert!(
                    bits(&actual) == bits(&wanted),
                    "{encoding}, {rows} x {kept} of {dim}, {piece}"
                );
            }
        }
    }
}

#[test]
fn the_first_value_that_does_not_fit_is_named_whatever_the_pieces() {
    let f64s = |values: &[f64]| values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let limit = f64::from(f32::MAX);
    // The largest f64 that rounds to a finite f32, and the next one.
    let (fits, over) = (limit + power_of_two(102), limit + power_of_two(103));
    assert!((over as f32).is_infinite());
    /// Encoding, dtype, 2 rows of 3 values, the values that are kept, and the one that does not fit.
    type Case = (&'static str, &'static str, Vec<u8>, usize, Option<(usize, f64)>);
    let cases: [Case; 9] = [
        (
            "f64",
            "f32",
            f64s(&[1.0, fits, -fits, f64::INFINITY, f64::NAN, 2.0]),
            6,
            None,
        ),
        (
            "f64",
            "f32",
            f64s(&[1.0, 2.0, 3.0, -over, over, 1.0]),
            6,
            Some((3, -over)),
        ),
        (
            "f64",
            "f32",
            f64s(&[1.0, 2.0, 1e300, 3.0, over, 1.0]),
            4,
            Some((3, over)),
        ), // column 2 is cut
        (
            "f64",
            "f16",
            f64s(&[1.0, 65519.0, 65520.0, 1.0, 1.0, 1.0]),
            6,
            Some((2, 65520.0)),
        ),
        (
            "f64",
            "f16",
            f64s(&[1.0, 1.0, 1e300, 1.0, 1e5, 1.0]),
            6,
            Some((2, 1e300)),
        ),
        (
            "f64",
            "f16",
            f64s(&[1.0, 1e5, 1e300, 1.0, 1.0, 1.0]),
            6,
            Some((1, 1e5)),
        ),
        (
            "f64",
            "i8",
            f64s(&[1.0, 1.0, 1e300, 1.0, f64::NAN, 1.0]),
            6,
            Some((2, 1e300)),
        ),
        (
            "f64",
            "i8",
            f64s(&[1.0, f64::INFINITY, 1e300, 1.0, 1.0, 1.0]),
            6,
            Some((1, f64::INFINITY)),
        ),
        (
            "f8_e5m2",
            "i4",
            vec![0x3c, 0x3c, 0x3c, 0x3c, 0x7c, 0x3c],
            6,
            Some((4, f64::INFINITY)),
        ),
    ];
    for (encoding, dtype, bytes, kept_values, wanted) in cases {
        let (rows, dim) = (2, 3);
        let kept = kept_values / rows;
        for piece in [1, 8, 24, 25, 48] {
            let mut env = Environment::default();
            let to = table(&mut env, dtype, rows, kept);
            let status = push(
                &mut env,
                &record(to, encoding, dim, false),
                &bytes,
                piece,
                usize::MAX,
            );
            match wanted {
                None => assert_eq!(status, DONE),
                Some((at, value)) => {
                    assert_eq!(
                        (status, env.misfit()),
                        (at as f64, value),
                        "{encoding} to {dtype}, {piece}"
                    )
                }
            }
        }
    }
    // In column-major order: the place in the table of the first one in the file.
    let columns = f64s(&[1.0, 2.0, 3.0, 1e300, 5.0, 1e301]);
    for piece in [1, 8, 17, 48] {
        let mut env = Environment::default();
        let to = table(&mut env, "f32", 2, 3);
        let status = push(&mut env, &record(to, "f64", 3, true), &columns, piece, usize::MAX);
        assert_eq!((status, env.misfit()), (4.0, 1e300), "row 1, column 1");
        // A column that is cut may hold any value.
        let to = table(&mut env, "f32", 2, 1);
        assert_eq!(
            push(&mut env, &record(to, "f64", 3, true), &columns, piece, usize::MAX),
            DONE
        );
    }
}

#[test]
fn what_a_table_cannot_store_is_refused() {
    let mut env = Environment::default();
    let floats = table(&mut env, "f32", 2, 32);
    let halves = table(&mut env, "f16", 2, 32);
    let bytes = table(&mut env, "i8", 2, 32);
    let blocks = table(&mut env, "q8_0", 2, 32);
    for (table, encoding, dim, fortran) in [
        (floats, "f31", 32, false),
        (floats, "f32", 31, false),
        (floats, "f16", 32, true),
        (halves, "f64", 32, true),
        (bytes, "i8", 32, true),
        (bytes, "f32", 32, true),
        (floats, "int8", 32, true),
        (blocks, "f32", 32, false),
        (blocks, "q4_0", 32, false),
        (blocks, "q8_0", 64, true),
    ] {
        let refused = env.rows_create(&record(table, encoding, dim, fortran)).err();
        let place = format!("{encoding} of {dim} columns, column by column: {fortran}");
        assert!(
            matches!(refused, Some(Failure::Argument(_))),
            "{place}: {refused:?}"
        );
    }
    assert_eq!(
        env.rows_create(&record(0.5, "f32", 32, false)),
        Err(Failure::Handle(0.5))
    );
    assert_eq!(
        env.rows_create(&record(floats, "f32", usize::MAX / 2, false)),
        Ok(None)
    );
    // The table is gone, or the reader.
    let rows = env
        .rows_create(&record(floats, "f16", 32, false))
        .unwrap()
        .unwrap();
    assert_eq!(
        rows_push(&mut env, floats, &[0][..]),
        Err(Failure::Handle(floats))
    );
    env.free(floats);
    assert_eq!(rows_push(&mut env, rows, &[0][..]), Err(Failure::Handle(floats)));
    env.free(rows);
    assert_eq!(rows_push(&mut env, rows, &[0][..]), Err(Failure::Handle(rows)));
}

#[test]
fn rows_are_given_as_they_are_stored_without_padding() {
    for dtype in DType::STORED.into_iter().chain(Block::ALL.map(DType::Block)) {
        let dim = dtype.block().map_or(5, |block| 2 * block.values());
        let packed = TableSpec::new(dtype, ROWS, dim).unwrap();
        let row = packed.row_bytes();
        let values = row - dtype.header_bytes();
        for padding in [0, 3, 500] {
            let spec = TableSpec::with_stride(dtype, ROWS, dim, row + padding).unwrap();
            // Memory that is longer than the table.
            let mut memory = Memory::allocate(spec.bytes() + 100, Contents::Zeros).unwrap();
            for (i, byte) in memory.bytes_mut().iter_mut().enumerate() {
                *byte = (i * 37 % 251) as u8 & 0x0f;
            }
            let stored: Vec<u8> = memory.bytes()[..spec.bytes()]
                .chunks(row + padding)
                .flat_map(|row| [&row[..values], &row[values + padding..]].concat())
                .collect();
            let mut env = Environment::default();
            let table = env.keep_table(spec, memory).unwrap();
            assert_eq!(env.held(table), spec.bytes() + 100);
            for (first, rows) in [(0, ROWS), (2, 3), (ROWS - 1, 1), (ROWS, 0)] {
                for most in [1, row + 1, usize::MAX] {
                    let mut out = vec![0xa5; rows * row];
                    table_rows(&env, table, first as f64, TiledOut(&mut out, most)).unwrap();
                    assert_eq!(
                        out,
                        stored[first * row..(first + rows) * row],
                        "{dtype:?}, {padding}"
                    );
                }
            }
            for (first, len) in [(0, row - 1), (ROWS, row), (1, ROWS * row)] {
                let mut out = vec![0; len];
                assert!(table_rows(&env, table, first as f64, TiledOut(&mut out, len)).is_err());
            }
            assert_eq!(env.free(table), spec.bytes() + 100);
        }
    }
    let spec = TableSpec::new(DType::F32, 2, 2).unwrap();
    let short = Memory::allocate(15, Contents::Zeros).unwrap();
    assert_eq!(
        Environment::default().keep_table(spec, short),
        Err(Failure::Short("memory", 15, 16))
    );
}

#[test]
fn tables_with_padding_are_converted() {
    for dtype in DType::STORED {
        let spec = TableSpec::with_stride(dtype, ROWS, 5, 100).unwrap();
        let mut env = Environment::default();
        let memory = Memory::allocate(spec.bytes(), Contents::Zeros).unwrap();
        let from = env.keep_table(spec, memory).unwrap();
        run::table_uniform(&mut env, from, 5, 0, 3.0, Some(2.0)).unwrap();
        let plain = table(&mut env, dtype.name(), ROWS, 5);
        run::table_uniform(&mut env, plain, 5, 0, 3.0, Some(2.0)).unwrap();
        for other in DType::STORED {
            let [to, wanted] = [0; 2].map(|_| table(&mut env, other.name(), ROWS, 5));
            assert_eq!(run::table_convert(&mut env, from, to), Ok(DONE));
            assert_eq!(run::table_convert(&mut env, plain, wanted), Ok(DONE));
            assert_eq!(
                bytes_of(&env, to),
                bytes_of(&env, wanted),
                "{dtype:?} as {other:?}"
            );
        }
        let back = TableSpec::with_stride(dtype, ROWS, 5, 33).unwrap();
        let memory = Memory::allocate(back.bytes(), Contents::Zeros).unwrap();
        let back = env.keep_table(back, memory).unwrap();
        assert_eq!(run::table_convert(&mut env, plain, back), Ok(DONE));
        assert_eq!(bits(&values_of(&env, back)), bits(&values_of(&env, plain)));
    }
}
