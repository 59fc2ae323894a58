//! A table can begin at any byte: every operation on tables at 64 consecutive addresses, on every instruction set.
//!
//! With debug assertions (`cargo test -p tokenbed-core --test addresses`) std also checks the alignment of references.

mod common;

use common::{bits, everything, for_each_isa, odd_table, painted, proven, some_ids, table};
use tokenbed_core::indices::{Ids, Offsets};
use tokenbed_core::memory::{Memory, TableSpec, Write};
use tokenbed_core::ops::{
    add_positions, bag, embed, gather, read, store, Bag, Bags, Dropout, Embed, Mode, PositionRows, Positions,
    Source,
};
use tokenbed_core::simd::{bytes_of, Isa};
use tokenbed_core::tuning::{Exec, Tuning};
use tokenbed_core::{DType, Table, TableMut, Window};

const ROWS: usize = 9;
const N: usize = 13;

static EVERYTHING: Tuning = everything();

/// The bits of the results of all operations on a token table and a position table.
fn results(isa: Isa, token: Table<'_>, pe: Table<'_>) -> Vec<u32> {
    let dim = token.dim();
    let (ids, places) = (some_ids(N, ROWS), some_ids(N, ROWS));
    let (ids, places) = (proven(&ids, ROWS), proven(&places, ROWS));
    let (x, all) = (table(N, dim), Window::all(N, dim));
    let mut results = painted(token.spec().values(), |out| read(isa, token, 0..out.len(), out));
    for exec in [
        Exec::from(isa),
        Exec {
            isa,
            tuning: &EVERYTHING,
        },
    ] {
        let mut add = |len: usize, write: &dyn Fn(&mut [f32])| results.extend(painted(len, write));
        add(N * dim, &|out| gather(exec, token, ids, 0..dim, out));
        let positions = Positions {
            table: pe,
            rows: PositionRows::At {
                ids: places,
                first: 0,
            },
        };
        add(N * dim, &|out| {
            add_positions(exec, &positions, None, all, Source::Slice(&x), out)
        });
        add(N * dim, &|out| {
            out.copy_from_slice(&x);
            add_positions(exec, &positions, None, all, Source::InPlace, out)
        });
        for scale in [None, Some(0.3)] {
            for positions in [None, Some(positions)] {
                for dropout in [None, Some(Dropout::new(0.25, 3, 1))] {
                    let op = Embed {
                        token,
                        scale,
                        positions,
                        dropout,
                    };
                    add(N * dim, &|out| embed(exec, &op, ids, all, out));
                }
            }
        }
        let offsets = [0, 4, 4, 9];
        let bags = Bags::Offsets(Offsets::check(Ids::U32(&offsets), N, false).unwrap());
        for mode in [Mode::Sum, Mode::Mean, Mode::Max] {
            let op = Bag {
                table: token,
                mode,
                padding: Some(3),
            };
            add(4 * dim, &|out| bag(exec, &op, ids, &bags, None, out));
        }
    }
    results
        .iter()
        .map(|x| if x.is_nan() { f32::NAN } else { *x }.to_bits())
        .collect()
}

#[test]
fn every_operation_reads_tables_at_any_address() {
    for dim in [1, 3, 16, 17, 40] {
        let (values, pe) = (odd_table(ROWS, dim), table(ROWS, dim));
        let spec = TableSpec::new(DType::F32, ROWS, dim).unwrap();
        let aligned = |isa| {
            results(
                isa,
                Table::f32(ROWS, dim, &values).unwrap(),
                Table::f32(ROWS, dim, &pe).unwrap(),
            )
        };
        for_each_isa!(isa => {
            let wanted = aligned(isa);
            for first in 0..64 {
                let place = |values: &[f32]| {
                    let mut memory = vec![0xa5_u8; spec.bytes() + 128];
                    let start = memory.as_ptr().addr().wrapping_neg() % 64 + first;
                    memory[start..start + spec.bytes()].copy_from_slice(bytes_of(values).as_flattened());
                    (memory, start)
                };
                let ((token, at), (positions, pe_at)) = (place(&values), place(&pe));
                let token = Table::new(spec, &token[at..at + spec.bytes()]).unwrap();
                let positions = Table::new(spec, &positions[pe_at..pe_at + spec.bytes()]).unwrap();
                assert_eq!(results(isa, token, positions), wanted, "{first} bytes behind a line, dim {dim}");
            }
        });
    }
}

#[test]
fn tables_at_any_address_can_be_written() {
    let (dim, values) = (5, odd_table(ROWS, 5));
    let spec = TableSpec::new(DType::F32, ROWS, dim).unwrap();
    for first in 0..64 {
        let mut block = vec![0xa5_u8; spec.bytes() + 192];
        let start = block.as_ptr().addr().wrapping_neg() % 64 + first;
        let place = std::ptr::NonNull::new(block[start..].as_mut_ptr()).unwrap();
        // SAFETY: the block outlives the memory, and nothing else uses it meanwhile.
        #[expect(unsafe_code, reason = "memory of somebody else")]
        let mut memory = unsafe { Memory::<Write>::lent(place, spec.bytes()) };
        let mut written = TableMut::new(spec, memory.bytes_mut()).unwrap();
        assert_eq!(written.values_mut(0).is_some(), first % 4 == 0);
        store(&mut written, 0..ROWS, true, &mut |row, col, out| {
            out.copy_from_slice(&values[row * dim + col..][..out.len()]);
        })
        .unwrap();
        let back = painted(values.len(), |out| {
            read(
                Isa::Scalar,
                Table::new(spec, memory.bytes()).unwrap(),
                0..out.len(),
                out,
            )
        });
        assert_eq!(bits(&back), bits(&values));
        drop(memory);
        assert!(block[..start].iter().all(|&byte| byte == 0xa5));
        assert!(block[start + spec.bytes()..].iter().all(|&byte| byte == 0xa5));
    }
}
