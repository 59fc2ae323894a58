//! Gather and read compared with the reference, on every instruction set.

mod common;
mod reference;

use common::{bits, for_each_isa, odd_table, painted, plain, proven, some_ids, table, WIDTHS};
use proptest::prelude::*;
use reference::gather::gather as expected;
use tokenbed_core::indices::Ids;
use tokenbed_core::ops::{gather, read};
use tokenbed_core::simd::{available, detect};
use tokenbed_core::table::Table;

const ROWS: usize = 11;

#[test]
fn rows_are_copied_bit_for_bit_at_every_width() {
    for_each_isa!(isa => {
        for dim in WIDTHS {
            let values = odd_table(ROWS, dim);
            let table = Table::f32(ROWS, dim, &values).unwrap();
            for n in [0, 1, 2, 3, 8, 65] {
                let ids = some_ids(n, ROWS);
                let out = painted(n * dim, |out| gather(isa, table, proven(&ids, ROWS), 0..dim, out));
                assert_eq!(bits(&out), bits(&expected(&values, dim, &plain(&ids))), "{n} x {dim}");
            }
        }
    });
}

#[test]
fn every_type_of_ids_gives_the_same_rows() {
    let values = table(ROWS, 5);
    let rows = Table::f32(ROWS, 5, &values).unwrap();
    let ids = some_ids(40, ROWS);
    let all = expected(&values, 5, &plain(&ids));
    let (i8s, u8s): (Vec<i8>, Vec<u8>) = ids.iter().map(|&id| (id as i8, id as u8)).unzip();
    let (i16s, u16s): (Vec<i16>, Vec<u16>) = ids.iter().map(|&id| (id as i16, id as u16)).unzip();
    let i32s: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
    let each = [
        Ids::I8(&i8s),
        Ids::U8(&u8s),
        Ids::I16(&i16s),
        Ids::U16(&u16s),
        Ids::I32(&i32s),
        Ids::U32(&ids),
    ];
    for_each_isa!(isa => {
        for ids in each {
            let ids = ids.check(isa, ROWS as u64).unwrap();
            let out = painted(all.len(), |out| gather(isa, rows, ids, 0..5, out));
            assert_eq!(out, all, "{ids:?}");
        }
    });
}

#[test]
fn a_range_of_columns_is_copied_from_every_row() {
    let dim = 37;
    let values = table(ROWS, dim);
    let rows = Table::f32(ROWS, dim, &values).unwrap();
    let ids = some_ids(9, ROWS);
    let all = expected(&values, dim, &plain(&ids));
    for_each_isa!(isa => {
        for (from, to) in [(0, 0), (0, 1), (1, 37), (5, 22), (36, 37), (37, 37)] {
            let part: Vec<f32> = all.chunks(dim).flat_map(|row| row[from..to].to_vec()).collect();
            let out = painted(part.len(), |out| gather(isa, rows, proven(&ids, ROWS), from..to, out));
            assert_eq!(out, part, "columns {from}..{to}");
        }
    });
}

#[test]
fn read_copies_any_part_of_a_table() {
    for_each_isa!(isa => {
        for dim in [1, 3, 16, 33] {
            let values = odd_table(ROWS, dim);
            let rows = Table::f32(ROWS, dim, &values).unwrap();
            for (from, to) in [(0, 0), (0, ROWS * dim), (dim, 3 * dim), (dim / 2, 2 * dim + dim / 2)] {
                let out = painted(to - from, |out| read(isa, rows, from..to, out));
                assert_eq!(bits(&out), bits(&values[from..to]), "values {from}..{to} of rows of {dim}");
            }
        }
    });
}

#[test]
fn ids_validated_for_a_larger_table_panic() {
    let values = table(4, 3);
    let rows = Table::f32(4, 3, &values).unwrap();
    let ids = proven(&[0, 4], 5);
    let refused = std::panic::catch_unwind(|| gather(detect(), rows, ids, 0..3, &mut [0.0; 6][..]));
    let message = *refused.unwrap_err().downcast::<&str>().unwrap();
    assert_eq!(message, "ids proven for a table with more rows");
}

#[test]
fn mismatched_lengths_panic() {
    let values = table(4, 3);
    let rows = Table::f32(4, 3, &values).unwrap();
    let ids = [0, 3];
    for (cols, len) in [(0..3, 5), (0..3, 7), (0..4, 8), (1..3, 6)] {
        let mut out = vec![0.5; len];
        let call = std::panic::AssertUnwindSafe(|| {
            gather(detect(), rows, proven(&ids, 4), cols.clone(), &mut out[..])
        });
        assert!(
            std::panic::catch_unwind(call).is_err(),
            "columns {cols:?} into {len}"
        );
        assert_eq!(out, vec![0.5; len], "nothing was written");
    }
}

proptest! {
    #[test]
    fn any_ids_any_width(
        (rows, dim, ids) in (1usize..50, 1usize..80)
            .prop_flat_map(|(v, dim)| (Just(v), Just(dim), prop::collection::vec(0..v as u32, 0..60))),
    ) {
        let values = table(rows, dim);
        let all = expected(&values, dim, &plain(&ids));
        let rows_of = Table::f32(rows, dim, &values).unwrap();
        for &isa in available() {
            let out = painted(all.len(), |out| gather(isa, rows_of, proven(&ids, rows), 0..dim, out));
            prop_assert_eq!(&out, &all);
        }
    }
}
