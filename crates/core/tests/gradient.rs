//! Gradients compared with the reference, on every instruction set.

mod common;
mod reference;

use common::{bits, bits_any_nan, for_each_isa, odd_table, plain, some_ids, table, WIDTHS};
use proptest::prelude::*;
use reference::gradient::{by_freq, scaled, Gradient as Expected};
use std::ops::Range;
use tokenbed_core::ops::{add_rows, Factor};
use tokenbed_core::simd::{available, detect, Isa};
use tokenbed_core::Gradient;

/// The rows of a gradient and their sums, in ascending order.
fn ordered(gradient: &mut Gradient) -> (Vec<usize>, Vec<f32>) {
    let bytes = gradient.bytes();
    gradient.sort();
    assert_eq!(gradient.bytes(), bytes, "sorting allocates nothing");
    let order = gradient.order();
    let dim = gradient.dim();
    let rows = order.iter().map(|&slot| gradient.rows()[slot as usize] as usize);
    let sums = order
        .iter()
        .flat_map(|&slot| &gradient.sums()[slot as usize * dim..][..dim]);
    (rows.collect(), sums.copied().collect())
}

/// What is done to each contribution.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    One,
    Scale(f32),
    ByFreq,
}

impl Kind {
    fn contributions(self, ids: &[usize], rows: &[f32]) -> Vec<f32> {
        match self {
            Kind::One => rows.to_vec(),
            Kind::Scale(factor) => scaled(rows, factor),
            Kind::ByFreq => by_freq(ids, rows),
        }
    }
}

/// How a call is cut: into column ranges of `cols`, pieces of `rows` contributions and `parts` parts of slots.
#[derive(Clone, Copy, Debug)]
struct Cut {
    cols: usize,
    rows: usize,
    parts: usize,
}

const WHOLE: Cut = Cut {
    cols: usize::MAX,
    rows: usize::MAX,
    parts: 1,
};

fn pieces(len: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    (0..len)
        .step_by(most.min(len).max(1))
        .map(move |start| start..len.min(start.saturating_add(most)))
}

/// Adds a call whose slots were assigned, the parts in reverse order.
fn add(isa: Isa, gradient: &mut Gradient, rows: &[f32], kind: Kind, cut: Cut) {
    let dim = gradient.dim();
    let counts = gradient.counts().expect("memory");
    let factor = match kind {
        Kind::One => Factor::One,
        Kind::Scale(factor) => Factor::Scale(factor),
        Kind::ByFreq => Factor::PerCount(&counts),
    };
    let len = gradient.call().0.len();
    for piece in pieces(len, cut.rows) {
        for cols in pieces(dim, cut.cols) {
            let window: Vec<f32> = rows[piece.start * dim..piece.end * dim]
                .chunks(dim)
                .flat_map(|row| &row[cols.clone()])
                .copied()
                .collect();
            let (slots, sums) = gradient.call();
            let slots = &slots[piece.clone()];
            let mut parts = sums.split(slots, cut.parts);
            assert!((1..=cut.parts).contains(&parts.len()));
            for sums in parts.iter_mut().rev() {
                add_rows(isa, sums, slots, cols.clone(), &window, factor);
            }
        }
    }
}

/// A backward pass by the kernels.
fn backward(
    isa: Isa,
    gradient: &mut Gradient,
    (ids, rows): (&[u32], &[f32]),
    padding: Option<usize>,
    kind: Kind,
    cut: Cut,
) {
    assert!(gradient.begin(ids.len()));
    // In two tiles.
    for ids in [&ids[..ids.len() / 3], &ids[ids.len() / 3..]] {
        assert!(gradient.assign(ids.iter().map(|&id| id as usize), padding));
    }
    assert!(gradient.commit());
    add(isa, gradient, rows, kind, cut);
}

/// A backward pass as it usually is.
fn add_all(gradient: &mut Gradient, ids: &[u32], rows: &[f32]) {
    backward(detect(), gradient, (ids, rows), None, Kind::One, WHOLE);
}

const KINDS: [Kind; 3] = [Kind::One, Kind::Scale(1.7320508), Kind::ByFreq];

#[test]
fn sums_equal_the_reference_at_every_width() {
    const ROWS: usize = 9;
    for_each_isa!(isa => {
        for dim in WIDTHS {
            for kind in KINDS {
                for padding in [None, Some(0), Some(ROWS - 1)] {
                    let (mut gradient, mut expected) = (Gradient::new(dim), Expected::default());
                    // Two calls: the second one continues, and has rows of its own.
                    for (n, bound) in [(11, ROWS - 2), (23, ROWS)] {
                        let (ids, rows) = (some_ids(n, bound), odd_table(n, dim));
                        backward(isa, &mut gradient, (&ids, &rows), padding, kind, WHOLE);
                        let ids = plain(&ids);
                        expected.add(&ids, &kind.contributions(&ids, &rows), padding);
                        let (rows, sums) = ordered(&mut gradient);
                        assert_eq!(rows, expected.rows());
                        assert_eq!(
                            bits_any_nan(&sums),
                            bits_any_nan(&expected.values()),
                            "{} {dim} columns, {kind:?}, padding {padding:?}",
                            isa.name()
                        );
                    }
                }
            }
        }
    });
}

#[test]
fn the_first_contribution_keeps_its_bits() {
    for_each_isa!(isa => {
        for dim in WIDTHS {
            let (ids, rows) = ([7, 0, u32::MAX, 3], odd_table(4, dim));
            let mut gradient = Gradient::new(dim);
            backward(isa, &mut gradient, (&ids, &rows), None, Kind::One, WHOLE);
            let mut expected = Expected::default();
            expected.add(&plain(&ids), &rows, None);
            assert_eq!(bits(&ordered(&mut gradient).1), bits(&expected.values()), "{dim} columns");
        }
    });
    // -0 is stored, not added to +0; -0 + -0 stays; subnormals are not flushed.
    let small = f32::from_bits(1);
    for (contributions, sum) in [
        (&[-0.0][..], -0.0f32),
        (&[-0.0, -0.0], -0.0),
        (&[-0.0, 0.0], 0.0),
        (&[small, small], f32::from_bits(2)),
    ] {
        let mut gradient = Gradient::new(1);
        let ids = vec![5; contributions.len()];
        add_all(&mut gradient, &ids, contributions);
        assert_eq!(bits(gradient.sums()), [sum.to_bits()], "{contributions:?}");
    }
}

#[test]
fn no_bit_depends_on_how_a_call_is_cut() {
    for_each_isa!(isa => {
        for dim in [1, 5, 16, 33, 300] {
            let (ids, rows) = (some_ids(60, 20), table(60, dim));
            for kind in KINDS {
                let run = |cut| {
                    let mut gradient = Gradient::new(dim);
                    backward(isa, &mut gradient, (&ids, &rows), Some(1), kind, cut);
                    backward(isa, &mut gradient, (&ids[20..], &rows[20 * dim..]), Some(1), kind, cut);
                    let (rows, sums) = ordered(&mut gradient);
                    (rows, bits(&sums))
                };
                let wanted = run(WHOLE);
                for cols in [1, 3, 16, 17, usize::MAX] {
                    for rows in [1, 7, usize::MAX] {
                        for parts in [1, 2, 3, 8, 100] {
                            let cut = Cut { cols, rows, parts };
                            assert!(run(cut) == wanted, "{} {dim} columns, {kind:?}, {cut:?}", isa.name());
                        }
                    }
                }
            }
        }
    });
}

#[test]
fn a_call_writes_nothing_but_its_columns_of_its_rows() {
    const PAINT: f32 = f32::from_bits(0x7fb0_0b5e);
    for_each_isa!(isa => {
        for dim in WIDTHS {
            for cols in [0..0, 0..dim, dim / 3..dim, 0..dim - dim / 3, dim / 2..dim / 2 + 1] {
                let mut gradient = Gradient::new(dim);
                let old = [1, 2, 3, 4, 5];
                backward(isa, &mut gradient, (&old, &table(5, dim)), None, Kind::One, WHOLE);
                assert!(gradient.begin(3));
                assert!(gradient.assign([9, 3, 8].into_iter(), None) && gradient.commit());
                gradient.sums_mut().fill(PAINT);
                gradient.sums_mut()[2 * dim..3 * dim].fill(0.5); // row 3
                let (slots, mut sums) = gradient.call();
                add_rows(isa, &mut sums, slots, cols.clone(), &vec![2.0; 3 * cols.len()], Factor::One);
                let (rows, sums) = (gradient.rows(), gradient.sums());
                assert_eq!(rows, [1, 2, 3, 4, 5, 9, 8]);
                for (i, x) in sums.iter().enumerate() {
                    let written = cols.contains(&(i % dim));
                    let wanted = match (rows[i / dim], written) {
                        (3, true) => 2.5,
                        (3, false) => 0.5,
                        (8 | 9, true) => 2.0,
                        _ => PAINT,
                    };
                    assert_eq!(x.to_bits(), wanted.to_bits(), "{dim} columns, {cols:?}, element {i}");
                }
            }
        }
    });
}

#[test]
fn lengths_that_do_not_match_are_refused() {
    let add = |cols: Range<usize>, values: usize| {
        let call = std::panic::catch_unwind(|| {
            let mut gradient = Gradient::new(4);
            assert!(gradient.begin(2) && gradient.assign([0, 1].into_iter(), None) && gradient.commit());
            let (slots, mut sums) = gradient.call();
            add_rows(detect(), &mut sums, slots, cols, &vec![1.0; values], Factor::One);
        });
        call.is_ok()
    };
    assert!(add(0..4, 8) && add(1..3, 4) && add(2..2, 0));
    assert!(!add(0..5, 10) && !add(0..4, 7) && !add(0..4, 9));
    #[expect(clippy::reversed_empty_ranges, reason = "what is refused")]
    let reversed = 3..1;
    assert!(!add(reversed, 0));
}

#[test]
fn the_index_grows_and_finds_every_row() {
    const COUNT: usize = 300_000;
    // Spread over all ids; neighbours; multiples of a large power of two, whose low bits are equal.
    let spreads: [fn(u32) -> u32; 3] = [|i| i.wrapping_mul(0x9e37_79b9), |i| i, |i| i.rotate_left(13)];
    for spread in spreads {
        let mut gradient = Gradient::new(1);
        let ids: Vec<u32> = (0..COUNT as u32).map(spread).collect();
        let values: Vec<f32> = (0..COUNT).map(|i| i as f32).collect();
        for _ in 0..2 {
            for (ids, values) in ids.chunks(70_001).zip(values.chunks(70_001)) {
                add_all(&mut gradient, ids, values);
            }
            assert_eq!(gradient.count(), Some(COUNT));
        }
        assert!(ids
            .iter()
            .enumerate()
            .all(|(slot, &id)| gradient.slot(id as usize) == Some(slot)));
        assert_eq!(gradient.slot(spread(COUNT as u32) as usize), None);
        assert!(gradient
            .sums()
            .iter()
            .enumerate()
            .all(|(i, &sum)| sum == 2.0 * i as f32));
        let mut sorted = plain(&ids);
        sorted.sort();
        assert_eq!(ordered(&mut gradient).0, sorted);

        // A gradient that follows reuses the memory, and has none of the rows.
        gradient.clear();
        assert_eq!((gradient.count(), gradient.sums().len()), (None, 0));
        assert!(ids.iter().all(|&id| gradient.slot(id as usize).is_none()));
        add_all(&mut gradient, &ids, &values);
        let bytes = gradient.bytes();
        gradient.clear();
        add_all(&mut gradient, &ids, &values);
        assert_eq!((gradient.count(), gradient.bytes()), (Some(COUNT), bytes));
        // One that is small and is ended costs what its rows cost, and leaves nothing behind.
        gradient.clear();
        add_all(&mut gradient, &ids[..3], &values[..3]);
        gradient.clear();
        assert!(ids[..9].iter().all(|&id| gradient.slot(id as usize).is_none()));
        add_all(&mut gradient, &ids[..5], &values[..5]);
        assert_eq!(gradient.rows(), &ids[..5]);
    }
}

#[test]
fn a_call_without_rows_makes_an_empty_gradient() {
    for (ids, padding) in [(&[][..], None), (&[], Some(3)), (&[3, 3], Some(3))] {
        let mut gradient = Gradient::new(2);
        assert_eq!((gradient.count(), gradient.bytes()), (None, 0));
        let rows = table(ids.len(), 2);
        backward(
            detect(),
            &mut gradient,
            (ids, &rows),
            padding,
            Kind::ByFreq,
            WHOLE,
        );
        gradient.sort();
        assert_eq!((gradient.count(), gradient.order()), (Some(0), &[][..]));
        assert!(gradient.sums().is_empty() && gradient.slot(3).is_none());
        gradient.clear();
        assert_eq!(gradient.count(), None);
    }
}

#[test]
fn counts_are_those_of_the_call() {
    let mut gradient = Gradient::new(1);
    let values = [1.0; 6];
    backward(
        detect(),
        &mut gradient,
        (&[4, 9, 4, 4, 2, 9], &values),
        Some(2),
        Kind::One,
        WHOLE,
    );
    assert_eq!(gradient.counts(), Some(vec![3, 2]));
    backward(
        detect(),
        &mut gradient,
        (&[9, 1, 2], &values[..3]),
        Some(2),
        Kind::One,
        WHOLE,
    );
    assert_eq!(gradient.counts(), Some(vec![0, 1, 1]));
    assert!(!gradient.begin(usize::MAX), "more contributions than 2^32");
    gradient.cancel();
    assert_eq!(ordered(&mut gradient).0, [1, 4, 9]);
}

#[test]
fn parts_share_the_contributions() {
    // Half of the contributions go to one row.
    let ids: Vec<u32> = (0..1000).map(|i| if i % 2 == 0 { 2000 } else { i }).collect();
    for (parts, wanted) in [
        (1, &[1000][..]),
        (2, &[500, 500]),
        (3, &[500, 250, 250]),
        (4, &[500, 167, 167, 166]),
    ] {
        let mut gradient = Gradient::new(1);
        add_all(&mut gradient, &ids, &[1.0; 1000]);
        let (slots, sums) = gradient.call();
        for (part, sums) in sums.split(slots, parts).iter_mut().enumerate() {
            add_rows(detect(), sums, slots, 0..1, &[part as f32; 1000], Factor::One);
        }
        let mut shares = vec![0; parts];
        for (&sum, count) in gradient.sums().iter().zip(gradient.counts().unwrap()) {
            shares[(sum / count as f32) as usize] += count;
        }
        assert_eq!(shares, wanted);
    }
}

/// A step of a random sequence.
#[derive(Clone, Debug)]
enum Act {
    /// A call that adds.
    Add(Vec<u32>),
    /// A call that is cancelled after this many of its ids were assigned; if `.2`, after it was committed.
    Cancel(Vec<u32>, usize, bool),
    Clear,
}

fn act() -> impl Strategy<Value = Act> {
    // Few ids, so that they repeat; and any, so that entries of the index collide.
    let id = prop_oneof![
        0..12u32,
        0..200u32,
        (0..40u32).prop_map(|i| i << 26),
        any::<u32>()
    ];
    let ids = proptest::collection::vec(id, 0..90);
    prop_oneof![
        6 => ids.clone().prop_map(Act::Add),
        3 => (ids, 0..100usize, any::<bool>()).prop_map(|(ids, n, committed)| Act::Cancel(ids, n, committed)),
        1 => Just(Act::Clear),
    ]
}

proptest! {
    #[test]
    fn any_sequence_of_calls_equals_the_model(
        acts in proptest::collection::vec(act(), 1..12),
        dim in 1usize..6,
        padding in proptest::option::of(0usize..4),
    ) {
        for &isa in available() {
            let (mut gradient, mut model) = (Gradient::new(dim), None);
            for (seed, act) in acts.iter().enumerate() {
                match act {
                    Act::Add(ids) => {
                        let rows: Vec<f32> = table(ids.len() + seed, dim)[seed * dim..].to_vec();
                        backward(isa, &mut gradient, (ids, &rows), padding, Kind::One, WHOLE);
                        let model = model.get_or_insert_with(Expected::default);
                        model.add(&plain(ids), &rows, padding);
                    }
                    Act::Cancel(ids, n, committed) => {
                        let ids = &ids[..ids.len().min(*n)];
                        prop_assert!(gradient.begin(ids.len()));
                        prop_assert!(gradient.assign(ids.iter().map(|&id| id as usize), padding));
                        if *committed {
                            prop_assert!(gradient.commit());
                        }
                        gradient.cancel();
                    }
                    Act::Clear => {
                        gradient.clear();
                        model = None;
                    }
                }
                let expected = model.clone().unwrap_or_default();
                let (rows, sums) = ordered(&mut gradient);
                prop_assert_eq!(gradient.count(), model.as_ref().map(|model| model.0.len()));
                prop_assert_eq!(rows, expected.rows());
                prop_assert_eq!(bits(&sums), bits(&expected.values()));
                for row in [0, 3, 7, 1 << 26, u32::MAX as usize] {
                    let slot = gradient.slot(row).map(|slot| gradient.rows()[slot] as usize);
                    prop_assert_eq!(slot, expected.0.contains_key(&row).then_some(row));
                }
            }
        }
    }
}
