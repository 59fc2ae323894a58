//! Validation of ids and offsets: what is accepted, what is refused, and which entry the error names.

mod common;

use common::for_each_isa;
use proptest::prelude::*;
use tokenbed_core::dtype::DType;
use tokenbed_core::error::Error;
use tokenbed_core::memory::TableSpec;
use tokenbed_core::simd::{available, detect};
use tokenbed_core::table::Table;
use tokenbed_core::{
    indices::{Ids, Offsets},
    ops::Bags,
};

/// Lengths around the vectors of every width and id type, and around the block size of the check.
const LENGTHS: [usize; 20] = [
    1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 1023, 1024, 1025, 2500,
];

fn out_of_range<T: std::fmt::Debug>(position: usize, bound: u64, result: Result<T, Error>, name: &str) {
    assert_eq!(
        result.map(|_| ()),
        Err(Error::IdOutOfRange { position, bound }),
        "{name}"
    );
}

#[test]
fn the_error_names_the_lowest_bad_position() {
    for_each_isa!(isa => {
        for n in LENGTHS {
            let good: Vec<i32> = (0..n as i32).map(|i| i % 100).collect();
            assert!(Ids::I32(&good).check(isa, 100).is_ok());
            for bad in [0, n / 3, n / 2, n - 1] {
                for value in [100, 101, i32::MAX, -1, i32::MIN] {
                    let mut ids = good.clone();
                    ids[bad] = value;
                    ids[n - 1] = value;
                    out_of_range(bad, 100, Ids::I32(&ids).check(isa, 100), "i32");
                    let unsigned: Vec<u32> = ids.iter().map(|&id| id as u32).collect();
                    out_of_range(bad, 100, Ids::U32(&unsigned).check(isa, 100), "u32");
                }
                let mut ids: Vec<i16> = good.iter().map(|&id| id as i16).collect();
                ids[bad] = -100;
                out_of_range(bad, 100, Ids::I16(&ids).check(isa, 100), "i16");
                let unsigned: Vec<u16> = ids.iter().map(|&id| id as u16).collect();
                out_of_range(bad, 100, Ids::U16(&unsigned).check(isa, 100), "u16");
                let mut ids: Vec<i8> = good.iter().map(|&id| id as i8).collect();
                ids[bad] = -1;
                out_of_range(bad, 100, Ids::I8(&ids).check(isa, 100), "i8");
                let unsigned: Vec<u8> = ids.iter().map(|&id| id as u8).collect();
                out_of_range(bad, 100, Ids::U8(&unsigned).check(isa, 100), "u8");
            }
        }
    });
}

#[test]
fn bounds_beyond_the_range_of_the_id_type() {
    for_each_isa!(isa => {
        assert!(Ids::U8(&[0, 255]).check(isa, 256).is_ok());
        assert!(Ids::U8(&[0, 255]).check(isa, 1 << 32).is_ok());
        out_of_range(1, 255, Ids::U8(&[0, 255]).check(isa, 255), "255 of 255");
        assert!(Ids::U16(&[0, 65_535]).check(isa, 65_536).is_ok());
        assert!(Ids::I8(&[0, 127]).check(isa, 1000).is_ok());
        // Negative ids are out of range for any bound, even if their bits as unsigned are below it.
        out_of_range(0, 1000, Ids::I8(&[-1]).check(isa, 1000), "i8");
        out_of_range(1, 1 << 32, Ids::I16(&[5, -1]).check(isa, 1 << 32), "i16");
        out_of_range(0, 1 << 32, Ids::I32(&[i32::MIN]).check(isa, 1 << 32), "i32");
        out_of_range(0, (1 << 31) + 1, Ids::I32(&[i32::MIN]).check(isa, (1 << 31) + 1), "i32");
        assert!(Ids::U32(&[u32::MAX]).check(isa, 1 << 32).is_ok());
        out_of_range(0, (1 << 32) - 1, Ids::U32(&[u32::MAX]).check(isa, (1 << 32) - 1), "u32");
        out_of_range(0, 0, Ids::U32(&[0]).check(isa, 0), "no rows");
        assert!(Ids::U32(&[]).check(isa, 0).is_ok());
    });
}

#[test]
fn ignored_ids_are_in_every_range() {
    for_each_isa!(isa => {
        let check = |ids: &[i32], ignored| {
            let checked = Ids::I32(ids).check_except(isa, 5, ignored);
            checked.map_err(|error| match error {
                Error::IdOutOfRange { position, bound: 5 } => position,
                other => panic!("{other}"),
            })
        };
        assert_eq!(check(&[0, 4, 2], None), Ok(3));
        assert_eq!(check(&[0, 4, 5], None), Err(2));
        assert_eq!(check(&[0, -1, 5], None), Err(1));
        assert_eq!(check(&[0, -1, 4, -1], Some(-1)), Ok(2));
        assert_eq!(check(&[3, 3], Some(3)), Ok(0));
        assert_eq!(check(&[9, 3, 5], Some(9)), Err(2));
        assert_eq!(check(&[0, -1, -2], Some(-1)), Err(2));
        assert_eq!(check(&[0, -1], Some(i64::MAX)), Err(1));
        assert_eq!(check(&[], Some(1)), Ok(0));
    });
    assert_eq!(
        Ids::U32(&[u32::MAX, 1]).check_except(detect(), 1 << 32, Some(7)),
        Ok(2)
    );
    assert_eq!(Ids::U8(&[255, 1]).check_except(detect(), 2, Some(255)), Ok(1));
}

#[test]
fn indices_know_their_length_and_bound() {
    let ids = [3i8, 0, 9, 5];
    let proven = Ids::I8(&ids).check(detect(), 10).unwrap();
    assert_eq!((proven.len(), proven.is_empty(), proven.bound()), (4, false, 10));
    let part = proven.slice(1..3);
    assert_eq!(
        (part.len(), part.get(0), part.get(1), part.bound()),
        (2, 0, 9, 10)
    );
    assert!(proven.slice(4..4).is_empty());
    assert!(std::panic::catch_unwind(|| proven.slice(2..5)).is_err());
    assert!(std::panic::catch_unwind(|| part.get(2)).is_err());
}

/// The bags, or the index that the error names.
fn bags(offsets: &[i32], n: usize, include_last: bool) -> Result<Vec<(usize, usize)>, usize> {
    match Offsets::check(Ids::I32(offsets), n, include_last) {
        Ok(offsets) => {
            let bags = Bags::Offsets(offsets);
            Ok((0..bags.bags())
                .map(|i| bags.bag(i))
                .map(|bag| (bag.start, bag.end))
                .collect())
        }
        Err(Error::Offsets { index }) => Err(index),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn each_offset_begins_a_bag() {
    assert_eq!(
        bags(&[0, 0, 3, 3, 6], 6, false),
        Ok(vec![(0, 0), (0, 3), (3, 3), (3, 6), (6, 6)])
    );
    assert_eq!(
        bags(&[0, 0, 3, 3, 6], 6, true),
        Ok(vec![(0, 0), (0, 3), (3, 3), (3, 6)])
    );
    assert_eq!(bags(&[0, 2], 6, false), Ok(vec![(0, 2), (2, 6)]));
    assert_eq!(bags(&[0], 6, false), Ok(vec![(0, 6)]));
    assert_eq!(bags(&[0, 0], 0, false), Ok(vec![(0, 0), (0, 0)]));
    assert_eq!(bags(&[], 0, false), Ok(vec![]));
    assert_eq!(bags(&[0], 0, true), Ok(vec![]));
}

#[test]
fn the_error_names_the_first_bad_offset() {
    assert_eq!(bags(&[1, 2], 6, false), Err(0));
    assert_eq!(bags(&[-1, 2], 6, false), Err(0));
    assert_eq!(bags(&[0, 3, 2, 1], 6, false), Err(2));
    assert_eq!(bags(&[0, 3, -1], 6, false), Err(2));
    assert_eq!(bags(&[0, 7], 6, false), Err(1));
    assert_eq!(bags(&[0, i32::MAX, 0], 6, false), Err(1));
    assert_eq!(bags(&[], 1, false), Err(0));
    assert_eq!(bags(&[], 0, true), Err(0));
    assert_eq!(bags(&[0, 3], 6, true), Err(1));
    assert_eq!(bags(&[0], 6, true), Err(0));
    assert_eq!(bags(&[0, 6, 7], 6, true), Err(2));
}

#[test]
fn offsets_of_every_type() {
    let expected = [0..2, 2..200, 200..250];
    let check = |offsets: Ids<'_>| {
        let offsets = Offsets::check(offsets, 250, false).unwrap();
        assert_eq!([0, 1, 2].map(|i| offsets.bag(i)), expected);
        assert!(std::panic::catch_unwind(|| offsets.bag(3)).is_err());
    };
    check(Ids::U8(&[0, 2, 200]));
    check(Ids::I16(&[0, 2, 200]));
    check(Ids::U16(&[0, 2, 200]));
    check(Ids::I32(&[0, 2, 200]));
    check(Ids::U32(&[0, 2, 200]));
    assert_eq!(
        Offsets::check(Ids::I8(&[0, 100]), 250, false).unwrap().bag(1),
        100..250
    );
    assert_eq!(
        Offsets::check(Ids::I8(&[0, -56]), 250, false).unwrap_err(),
        Error::Offsets { index: 1 }
    );
}

#[test]
fn some_of_the_bags_are_bags_over_their_own_ids() {
    let offsets = Bags::Offsets(Offsets::check(Ids::I32(&[0, 2, 2, 5, 9]), 12, false).unwrap());
    assert_eq!([0, 1, 2, 3, 4, 5].map(|i| offsets.start(i)), [0, 2, 2, 5, 9, 12]);
    let part = offsets.slice(2..5);
    assert_eq!(part.bags(), 3);
    assert_eq!([0, 1, 2].map(|i| part.bag(i)), [0..3, 3..7, 7..10]);
    let inner = part.slice(1..2);
    assert_eq!((inner.bags(), inner.bag(0)), (1, 0..4));
    let last = part.slice(1..3);
    assert_eq!([0, 1].map(|i| last.bag(i)), [0..4, 4..7]);
    let equal = Bags::Equal { bags: 3, len: 4 }.slice(1..3);
    assert_eq!((equal.bags(), equal.bag(0), equal.bag(1)), (2, 0..4, 4..8));
}

#[test]
fn entries_have_the_value_of_their_type() {
    assert_eq!(Ids::I8(&[7, -128]).value(1), -128);
    assert_eq!(Ids::U8(&[7, 255]).value(1), 255);
    assert_eq!(Ids::I16(&[7, -32_768]).value(1), -32_768);
    assert_eq!(Ids::U16(&[7, 65_535]).value(1), 65_535);
    assert_eq!(Ids::I32(&[7, i32::MIN]).value(1), i64::from(i32::MIN));
    assert_eq!(Ids::U32(&[7, u32::MAX]).value(1), i64::from(u32::MAX));
}

#[test]
fn equal_bags() {
    let bags = Bags::Equal { bags: 3, len: 4 };
    assert_eq!((bags.bags(), bags.bag(0), bags.bag(2)), (3, 0..4, 8..12));
    assert!(std::panic::catch_unwind(|| bags.bag(3)).is_err());
}

#[test]
fn a_table_must_have_the_declared_size() {
    let values = [0.0f32; 13];
    assert!(Table::f32(4, 3, &values[..12]).is_ok());
    assert!(Table::f32(0, 3, &[]).is_ok());
    for (rows, dim, len) in [
        (4, 3, 13),
        (4, 3, 11),
        (4, 0, 0),
        (usize::MAX, 3, 12),
        (2, usize::MAX / 2, 12),
    ] {
        let error = Table::f32(rows, dim, &values[..len]).unwrap_err();
        assert_eq!(error, Error::TableShape { rows, dim });
        assert_eq!(error.code(), "ERR_SHAPE");
    }
    let spec = TableSpec::new(DType::F32, 4, 3).unwrap();
    assert_eq!((spec.row_bytes(), spec.bytes(), spec.values()), (12, 48, 12));
    assert!(Table::new(spec, &[0; 48]).is_ok());
    assert!(Table::new(spec, &[0; 47]).is_err());
}

#[test]
fn names_and_codes() {
    assert_eq!(
        (DType::named("f32"), DType::named("f64")),
        (Some(DType::F32), None)
    );
    let error = Error::IdOutOfRange {
        position: 3,
        bound: 10,
    };
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        ("ERR_ID_OUT_OF_RANGE", "the id at 3 is not in [0, 10)")
    );
    let error = Error::Offsets { index: 2 };
    assert_eq!(error.code(), "ERR_OFFSETS");
    assert!(error.to_string().starts_with("the offset at 2 "));
}

proptest! {
    #[test]
    fn any_ids_any_bound(ids in prop::collection::vec(any::<i16>(), 0..300), bound in 0u64..70_000) {
        let bad = ids.iter().position(|&id| id < 0 || id as u64 >= bound);
        for &isa in available() {
            let result = Ids::I16(&ids).check(isa, bound).map(|proven| proven.len());
            let expected = bad.map_or(Ok(ids.len()), |position| Err(Error::IdOutOfRange { position, bound }));
            prop_assert_eq!(result, expected);
        }
    }

    #[test]
    fn any_offsets(offsets in prop::collection::vec(-1i32..9, 0..5), n in 0usize..9, include_last: bool) {
        let rule = |i: usize| {
            let before = if i == 0 { 0 } else { offsets[i - 1] };
            let fits = offsets[i] >= before && offsets[i] <= n as i32 && (i > 0 || offsets[i] == 0);
            let ends = !include_last || i + 1 < offsets.len() || offsets[i] == n as i32;
            fits && ends
        };
        let none = offsets.is_empty() && (include_last || n > 0);
        let fault = if none { Some(0) } else { (0..offsets.len()).find(|&i| !rule(i)) };
        let result = bags(&offsets, n, include_last);
        prop_assert_eq!(result.as_ref().err(), fault.as_ref());
        if let Ok(bags) = result {
            // Bags are contiguous and cover every id.
            let mut end = 0;
            for bag in &bags {
                prop_assert_eq!(bag.0, end);
                end = bag.1;
            }
            prop_assert_eq!(end, n);
        }
    }
}
