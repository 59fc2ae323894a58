//! Tables whose rows have padding: every operation gives what it gives for the same rows without padding. A row of a
//! wider table is such a row, with its header at the end.

mod common;

use common::{bits_any_nan, everything, for_each_isa, painted, proven, some_ids, table};
use tokenbed_core::dtype::Block;
use tokenbed_core::memory::TableSpec;
use tokenbed_core::ops::nearest::{nearest, Best};
use tokenbed_core::ops::{bag, embed, gather, read, store, Bag, Bags, Embed, Mode};
use tokenbed_core::row::cut;
use tokenbed_core::simd::{detect, Isa};
use tokenbed_core::tuning::{Exec, Tuning};
use tokenbed_core::{DType, Table, TableMut, Window};

const ROWS: usize = 9;

/// Every dtype, with some widths.
fn dtypes() -> Vec<(DType, Vec<usize>)> {
    let stored = DType::STORED.map(|dtype| (dtype, vec![1, 2, 5, 16, 33, 100, 257]));
    let blocks = Block::ALL.map(|block| (DType::Block(block), vec![block.values(), 3 * block.values()]));
    stored.into_iter().chain(blocks).collect()
}

/// Rows of the dtype: stored values, or blocks of any bytes with scales that are small numbers.
fn packed(dtype: DType, dim: usize) -> (TableSpec, Vec<u8>) {
    let spec = TableSpec::new(dtype, ROWS, dim).unwrap();
    let hash = |i: usize| ((i as u32).wrapping_mul(0x9e37_79b9) >> 24) as u8;
    if spec.is_blocks() {
        return (spec, (0..spec.bytes()).map(|i| hash(i) & 0x3f).collect());
    }
    let mut bytes = vec![0; spec.bytes()];
    fill(&mut TableMut::new(spec, &mut bytes).unwrap());
    (spec, bytes)
}

fn fill(to: &mut TableMut<'_>) {
    let dim = to.spec().dim();
    let values: Vec<f32> = table(ROWS, dim).iter().map(|x| x / 1024.0).collect();
    store(to, 0..ROWS, true, &mut |row, col, out| {
        out.copy_from_slice(&values[row * dim + col..][..out.len()]);
    })
    .unwrap();
}

/// The same rows with `padding` bytes in each, before its header.
fn padded(spec: TableSpec, bytes: &[u8], padding: usize) -> (TableSpec, Vec<u8>) {
    let packed = spec.row_bytes();
    let header = spec.dtype().header_bytes();
    let rows = bytes.chunks(packed).map(|row| {
        let (values, header) = row.split_at(packed - header);
        [values, &vec![0xa5; padding], header].concat()
    });
    let stride = packed + padding;
    let spec = TableSpec::with_stride(spec.dtype(), ROWS, spec.dim(), stride).unwrap();
    (spec, rows.flatten().collect())
}

/// What every operation that reads rows gives.
fn results(isa: Isa, table: Table<'_>, tuning: &'static Tuning) -> Vec<Vec<u32>> {
    let (dim, exec) = (table.dim(), Exec { isa, tuning });
    let ids = some_ids(20, ROWS);
    let ids = proven(&ids, ROWS);
    let bags = Bag {
        table,
        mode: Mode::Mean,
        padding: Some(3),
    };
    let op = Embed {
        token: table,
        scale: Some(1.5),
        positions: None,
        dropout: None,
    };
    let window = Window::all(20, dim);
    let queries = common::table(2, dim);
    let (mut scores, mut rows) = (vec![0.0; 8], vec![0; 8]);
    let mut best = Best::new(4, &mut scores, &mut rows);
    nearest(isa, table, 0..ROWS, &queries, None, &mut best);
    best.sort();
    let all = [
        painted(ROWS * dim, |out| read(isa, table, 0..ROWS * dim, out)),
        painted(20 * dim, |out| gather(exec, table, ids, 0..dim, out)),
        painted(20 * (dim - dim / 3), |out| {
            gather(exec, table, ids, dim / 3..dim, out)
        }),
        painted(4 * dim, |out| {
            bag(exec, &bags, ids, &Bags::Equal { bags: 4, len: 5 }, None, out)
        }),
        painted(20 * dim, |out| embed(exec, &op, ids, window, out)),
        scores,
    ];
    let mut all: Vec<Vec<u32>> = all.iter().map(|values| bits_any_nan(values)).collect();
    all.push(rows);
    all
}

static EVERYTHING: Tuning = everything();

#[test]
fn every_operation_reads_rows_with_padding() {
    for (dtype, dims) in dtypes() {
        for dim in dims {
            let (spec, bytes) = packed(dtype, dim);
            let table = Table::new(spec, &bytes).unwrap();
            for padding in [0, 1, 2, 60, 333] {
                let (spec, bytes) = padded(spec, &bytes, padding);
                let with = Table::new(spec, &bytes).unwrap();
                for_each_isa!(isa => {
                    for tuning in [Exec::from(isa).tuning, &EVERYTHING] {
                        let (actual, expected) = (results(isa, with, tuning), results(isa, table, tuning));
                        assert_eq!(actual, expected, "{dtype:?}, {dim} columns, {padding} bytes of padding");
                    }
                });
            }
        }
    }
}

#[test]
fn rows_are_stored_with_padding_that_is_not_written() {
    for dtype in DType::STORED {
        for dim in [1, 2, 5, 33, 1500] {
            let (spec, bytes) = packed(dtype, dim);
            for padding in [1, 3, 64] {
                let (spec, wanted) = padded(spec, &bytes, padding);
                let mut actual = vec![0xa5; spec.bytes()];
                let mut table = TableMut::new(spec, &mut actual).unwrap();
                assert!(table.values_mut(0).is_none(), "rows that are not contiguous");
                fill(&mut table);
                assert_eq!(
                    actual, wanted,
                    "{dtype:?}, {dim} columns, {padding} bytes of padding"
                );
            }
        }
    }
}

#[test]
fn rows_are_copied_without_padding_from_any_byte() {
    for (dtype, dims) in dtypes() {
        for dim in dims {
            let (spec, wanted) = packed(dtype, dim);
            for padding in [0, 1, 64] {
                let (spec, bytes) = padded(spec, &wanted, padding);
                let table = Table::new(spec, &bytes).unwrap();
                for (from, len) in [
                    (0, wanted.len()),
                    (1, wanted.len() - 1),
                    (0, 0),
                    (3, 7),
                    (wanted.len() - 1, 1),
                ] {
                    let len = len.min(wanted.len().saturating_sub(from));
                    let mut out = vec![0; len];
                    table.copy_packed(from, &mut out);
                    assert_eq!(
                        out,
                        wanted[from..from + len],
                        "{dtype:?} of {dim}, {len} from {from}"
                    );
                }
                if spec.is_blocks() {
                    continue;
                }
                // To rows with another padding, some of them.
                let (to, wanted) = padded(packed(dtype, dim).0, &wanted, 5);
                let mut copy = vec![0xa5; to.bytes()];
                TableMut::new(to, &mut copy).unwrap().copy_rows(2..7, table);
                let some = 2 * to.row_bytes()..7 * to.row_bytes();
                assert_eq!(copy[some.clone()], wanted[some.clone()], "{dtype:?} of {dim}");
                assert!(copy[..some.start]
                    .iter()
                    .chain(&copy[some.end..])
                    .all(|&byte| byte == 0xa5));
            }
        }
    }
}

#[test]
fn a_cut_row_has_the_first_values_of_the_wider_one() {
    for (dtype, dims) in dtypes() {
        let step = dtype.block().map_or(1, |block| block.values());
        for dim in dims {
            let (wide, bytes) = packed(dtype, dim);
            let all = painted(ROWS * dim, |out| {
                read(detect(), Table::new(wide, &bytes).unwrap(), 0..out.len(), out)
            });
            for kept in (step..=dim).step_by(step.max(dim / 3 / step * step)) {
                let cut_values: Vec<f32> = all.chunks(dim).flat_map(|row| &row[..kept]).copied().collect();
                // In place, as in a mapped file, and as packed rows of their own.
                let there = TableSpec::with_stride(dtype, ROWS, kept, wide.row_bytes()).unwrap();
                let own = TableSpec::new(dtype, ROWS, kept).unwrap();
                let mut rows = vec![0xff; own.bytes()];
                for (from, to) in bytes
                    .chunks(wide.row_bytes())
                    .zip(rows.chunks_mut(own.row_bytes()))
                {
                    cut(dtype, from, kept, to);
                }
                let mut copied = vec![0xff; own.bytes()];
                Table::new(there, &bytes).unwrap().copy_packed(0, &mut copied);
                assert_eq!(rows, copied, "{dtype:?}: {kept} of {dim}");
                if dtype == DType::I4 && kept % 2 == 1 {
                    let last = rows.chunks(own.row_bytes()).map(|row| row[kept / 2] >> 4);
                    assert!(last.into_iter().all(|nibble| nibble == 0), "{kept} of {dim}");
                }
                for_each_isa!(isa => {
                    for (spec, bytes) in [(there, &bytes), (own, &rows)] {
                        let table = Table::new(spec, bytes).unwrap();
                        let out = painted(ROWS * kept, |out| read(isa, table, 0..out.len(), out));
                        assert_eq!(bits_any_nan(&out), bits_any_nan(&cut_values), "{dtype:?}: {kept} of {dim}");
                    }
                });
            }
        }
    }
}

#[test]
fn a_stride_is_at_least_a_row() {
    for (dtype, dims) in dtypes() {
        for dim in dims {
            let packed = TableSpec::new(dtype, 3, dim).unwrap();
            let row = packed.packed_row_bytes();
            assert_eq!((packed.row_bytes(), packed.bytes()), (row, 3 * row));
            assert!(packed.is_packed());
            assert_eq!(TableSpec::with_stride(dtype, 3, dim, row), Ok(packed));
            let spec = TableSpec::with_stride(dtype, 3, dim, row + 10).unwrap();
            assert_eq!(
                (spec.packed_row_bytes(), spec.row_bytes(), spec.bytes()),
                (row, row + 10, 3 * row + 30)
            );
            assert!(!spec.is_packed());
            assert!(TableSpec::with_stride(dtype, 3, dim, row - 1).is_err());
            assert!(TableSpec::with_stride(dtype, 3, dim, usize::MAX / 3).is_err());
        }
        assert!(TableSpec::with_stride(dtype, 3, 0, 100).is_err());
    }
}
