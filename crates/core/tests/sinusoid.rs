//! Sinusoids compared with correctly rounded values, on every instruction set.

mod common;
mod reference;

use common::{bits, for_each_isa, painted};
use reference::rng::word;
use reference::sinusoid::Sinusoid as Exact;
use tokenbed_core::indices::{Ids, Indices};
use tokenbed_core::ops::{sinusoid_at, sinusoid_rows, Layout, Sinusoid};
use tokenbed_core::simd::{available, detect, Isa};
use tokenbed_core::turn;

const LAYOUTS: [Layout; 2] = [Layout::Interleaved, Layout::Halves];
const LAST: u64 = u32::MAX as u64;

fn exact(dim: usize, base: f64, layout: Layout) -> Exact {
    Exact::new(dim, base, layout == Layout::Halves)
}

fn row(s: &Sinusoid, isa: Isa, position: u64) -> Vec<f32> {
    painted(s.dim(), |out| sinusoid_rows(isa, s, position, 0..s.dim(), out))
}

fn positions(ids: &[u32]) -> Indices<'_> {
    Ids::U32(ids)
        .check(Isa::Scalar, 1 << 32)
        .expect("every u32 is a position")
}

#[test]
fn published_values() {
    for_each_isa!(isa => {
        let s = Sinusoid::new(64, 10_000.0, Layout::Interleaved);
        assert_eq!(bits(&row(&s, isa, 1)[..2]), [0x3f576aa4, 0x3f0a5140]);

        // Position 0: each sine is +0, each cosine 1.
        let zero: Vec<u32> = [0, 1.0_f32.to_bits()].repeat(32);
        assert_eq!(bits(&row(&s, isa, 0)), zero);

        // Column 0 advances by 1 rad per position. At these positions it is closest to multiples of pi.
        for (position, sin) in [
            (245_850_922, 0x31d23712),
            (1_068_966_896, 0x308f92c4),
            (2_549_491_779, 0x2ff5fceb),
        ] {
            assert_eq!(
                exact(64, 10_000.0, Layout::Interleaved)
                    .element(position, 0)
                    .to_bits(),
                sin
            );
            assert_eq!(
                row(&s, isa, position)[0].to_bits(),
                sin,
                "{isa:?}: position {position}"
            );
        }
    });
}

#[test]
fn every_width_and_layout_at_random_positions() {
    let mut checked = 0;
    for (dim, rows) in [
        (1, 400),
        (2, 400),
        (3, 300),
        (5, 100),
        (8, 50),
        (63, 20),
        (64, 40),
        (384, 8),
        (1_000, 4),
    ] {
        for (k, layout) in LAYOUTS.into_iter().enumerate() {
            let s = Sinusoid::new(dim, 10_000.0, layout);
            let exact = exact(dim, 10_000.0, layout);
            for r in 0..rows {
                let position = match r {
                    0 => LAST,
                    1 => 1,
                    _ => u64::from(word(21 + k as u64, 0, 0, r)),
                };
                let expected = exact.row(position);
                for &isa in available() {
                    let out = row(&s, isa, position);
                    assert_eq!(
                        bits(&out),
                        bits(&expected),
                        "{isa:?}: {dim} {layout:?}, position {position}"
                    );
                }
                checked += dim;
            }
        }
    }
    assert!(checked > 20_000, "{checked}");
}

#[test]
fn every_base() {
    for base in [
        1.0,
        1.0000000000000002,
        1.7,
        2.0,
        1_000.0,
        500_000.0,
        12_345_678.9,
        1e12,
    ] {
        for dim in [6, 33] {
            let s = Sinusoid::new(dim, base, Layout::Interleaved);
            let exact = exact(dim, base, Layout::Interleaved);
            for r in 0..60 {
                // Small positions too: base 1e12 makes their last sines very small.
                let position = u64::from(word(31, 0, 0, r) >> (r % 4 * 8));
                let expected = exact.row(position);
                for &isa in available() {
                    assert_eq!(
                        bits(&row(&s, isa, position)),
                        bits(&expected),
                        "{isa:?}: {base}, position {position}"
                    );
                }
            }
        }
    }
}

/// With base 1 all columns have the same frequency.
#[test]
fn base_one() {
    let s = Sinusoid::new(7, 1.0, Layout::Interleaved);
    assert_eq!(s.frequencies(), [1.0; 4]);
    let first = row(&s, detect(), 12_345);
    for pair in first.chunks(2) {
        assert_eq!(bits(pair), bits(&first[..pair.len()]));
    }
}

#[test]
fn consecutive_rows_from_zero() {
    let s = Sinusoid::new(64, 10_000.0, Layout::Interleaved);
    let exact = exact(64, 10_000.0, Layout::Interleaved);
    let expected: Vec<f32> = (0..128).flat_map(|position| exact.row(position)).collect();
    for_each_isa!(isa => {
        let out = painted(expected.len(), |out| sinusoid_rows(isa, &s, 0, 0..64, out));
        assert_eq!(bits(&out), bits(&expected), "{isa:?}");
    });
}

/// Compares enough rows for several anchors, with a partial last tile and group, with the integer sine. The hard
/// positions are in the middle of a run.
#[test]
fn many_consecutive_rows_equal_the_integer_sine() {
    let (dim, rows) = (330, 300);
    for (base, first) in [
        (10_000.0, 0),
        (10_000.0, 245_850_922 - 77),
        (10_000.0, 2_549_491_779 - 130),
        (1e12, 1_000_000),
        (1.0, LAST - 299),
    ] {
        let s = Sinusoid::new(dim, base, Layout::Interleaved);
        let turns: Vec<u128> = turn::frequencies(base, dim)
            .take(dim / 2)
            .map(|w| w.times(turn::Fixed::RADIAN).fraction())
            .collect();
        let angles = (first..first + rows)
            .flat_map(|position| turns.iter().map(move |t| t.wrapping_mul(u128::from(position))));
        let expected: Vec<f32> = angles
            .flat_map(|x| [x, x.wrapping_add(1 << 126)])
            .map(turn::sin_f32)
            .collect();
        for_each_isa!(isa => {
            let out = painted(expected.len(), |out| sinusoid_rows(isa, &s, first, 0..dim, out));
            assert_eq!(bits(&out), bits(&expected), "{isa:?}: base {base}, rows from {first}");
        });
    }
}

/// Any range of rows and columns, whatever the boundaries of tiles, runs and chunks.
#[test]
fn windows_of_many_rows() {
    let (dim, rows, first) = (600, 1_100, 3_999_999_900);
    for layout in LAYOUTS {
        let s = Sinusoid::new(dim, 10_000.0, layout);
        let mut all = vec![0.0; rows * dim];
        sinusoid_rows(detect(), &s, first, 0..dim, &mut all);
        for &isa in available() {
            for (cols, from, count) in [
                (0..dim, 1, 1_099),
                (1..dim, 0, 16),
                (7..600, 3, 530),
                (5..262, 100, 129),
                (255..257, 513, 300),
                (599..600, 0, 1_100),
            ] {
                let expected: Vec<f32> = all
                    .chunks(dim)
                    .skip(from)
                    .take(count)
                    .flat_map(|row| row[cols.clone()].to_vec())
                    .collect();
                let out = painted(expected.len(), |out| {
                    sinusoid_rows(isa, &s, first + from as u64, cols.clone(), out)
                });
                assert_eq!(
                    bits(&out),
                    bits(&expected),
                    "{isa:?}: columns {cols:?}, {count} rows from {from}"
                );
            }
        }
    }
}

/// Compares the f64 evaluation with the integer sine, with too many values for the exact reference. Includes small
/// positions, so that values of every magnitude occur.
#[test]
fn f64_values_equal_the_integer_sine() {
    let dim = 128;
    for base in [10_000.0, 1e12] {
        let s = Sinusoid::new(dim, base, Layout::Interleaved);
        let turns: Vec<u128> = turn::frequencies(base, dim)
            .take(dim / 2)
            .map(|w| w.times(turn::Fixed::RADIAN).fraction())
            .collect();
        for r in 0..2_000 {
            let position = u64::from(word(41, 0, 0, r) >> (r % 32));
            let angles = turns.iter().map(|t| t.wrapping_mul(u128::from(position)));
            let expected: Vec<f32> = angles
                .flat_map(|x| [x, x.wrapping_add(1 << 126)])
                .map(turn::sin_f32)
                .collect();
            for &isa in available() {
                assert_eq!(
                    bits(&row(&s, isa, position)),
                    bits(&expected),
                    "{isa:?}: position {position}"
                );
            }
        }
    }
}

#[test]
fn any_window_gives_the_same_bits() {
    for (dim, layout) in [
        (33, Layout::Interleaved),
        (33, Layout::Halves),
        (64, Layout::Halves),
    ] {
        let s = Sinusoid::new(dim, 10_000.0, layout);
        for &isa in available() {
            let first = 4_000_000_000;
            let mut all = vec![0.0; 20 * dim];
            sinusoid_rows(isa, &s, first, 0..dim, &mut all);
            for from in 0..=dim {
                for to in from..=dim {
                    let out = painted(to - from, |out| sinusoid_rows(isa, &s, first + 3, from..to, out));
                    assert_eq!(
                        bits(&out),
                        bits(&all[3 * dim + from..3 * dim + to]),
                        "{isa:?}: {from}..{to}"
                    );
                }
            }
            for rows in [1, 3, 7] {
                let mut parts = vec![0.0; all.len()];
                for (n, part) in parts.chunks_mut(rows * dim).enumerate() {
                    sinusoid_rows(isa, &s, first + (n * rows) as u64, 0..dim, part);
                }
                assert_eq!(bits(&parts), bits(&all), "{isa:?}: {rows} rows at a time");
            }
        }
    }
}

#[test]
fn rows_by_position_equal_consecutive_rows() {
    let ids = [5, 0, 4_294_967_295, 5, 245_850_922];
    for layout in LAYOUTS {
        let s = Sinusoid::new(37, 10_000.0, layout);
        for &isa in available() {
            for cols in [0..37, 1..36, 20..20] {
                let expected: Vec<f32> = ids
                    .iter()
                    .flat_map(|&id| row(&s, isa, u64::from(id))[cols.clone()].to_vec())
                    .collect();
                let out = painted(expected.len(), |out| {
                    sinusoid_at(isa, &s, positions(&ids), cols.clone(), out)
                });
                assert_eq!(
                    bits(&out),
                    bits(&expected),
                    "{isa:?}: {layout:?}, columns {cols:?}"
                );
            }
            assert!(painted(0, |out| sinusoid_at(isa, &s, positions(&[]), 0..37, out)).is_empty());
        }
    }
}

/// Runs below and above the length from which rows are rotated, over several tiles of columns and pieces of rows, next
/// to positions without order. A run ends with the last position, and the next position is 0.
#[test]
fn runs_of_positions_equal_one_row_at_a_time() {
    let mut ids: Vec<u32> = (5..20).chain(100..116).chain((30..60).rev()).collect();
    ids.extend([7; 40]);
    ids.extend(245_850_900..245_850_900 + 1_100);
    ids.extend(u32::MAX - 30..=u32::MAX);
    ids.extend(0..33);
    ids.extend([34, 35, 33, 36, 36]);
    let small = [1.0, 0.25, 1e-20, 0.0];
    for s in [
        Sinusoid::new(37, 10_000.0, Layout::Interleaved),
        Sinusoid::new(300, 10_000.0, Layout::Halves),
        Sinusoid::with_frequencies(&small, Layout::Interleaved),
    ] {
        let dim = s.dim();
        for &isa in available() {
            let rows: Vec<f32> = ids.iter().flat_map(|&id| row(&s, isa, u64::from(id))).collect();
            for cols in [0..dim, 1..dim - 2] {
                let expected: Vec<f32> = rows
                    .chunks(dim)
                    .flat_map(|row| row[cols.clone()].to_vec())
                    .collect();
                let out = painted(expected.len(), |out| {
                    sinusoid_at(isa, &s, positions(&ids), cols.clone(), out)
                });
                assert!(
                    bits(&out) == bits(&expected),
                    "{isa:?}: {dim} columns, of these {cols:?}"
                );
            }
        }
    }
}

#[test]
fn runs_end_with_the_type_of_the_positions() {
    let s = Sinusoid::new(8, 10_000.0, Layout::Interleaved);
    let (bytes, signed): (Vec<u8>, Vec<i8>) = (
        (200..=255).chain(0..30).collect(),
        (90..=127).chain(0..30).collect(),
    );
    for &isa in available() {
        for ids in [Ids::U8(&bytes), Ids::I8(&signed)] {
            let expected: Vec<f32> = (0..ids.len())
                .flat_map(|i| row(&s, isa, ids.value(i) as u64))
                .collect();
            let checked = ids.check(isa, 1 << 32).expect("none is negative");
            let out = painted(expected.len(), |out| sinusoid_at(isa, &s, checked, 0..8, out));
            assert_eq!(bits(&out), bits(&expected), "{isa:?}");
        }
    }
}

#[test]
fn halves_are_the_interleaved_columns_with_the_sines_first() {
    for dim in [1, 2, 3, 9, 64] {
        let interleaved = row(&Sinusoid::new(dim, 10_000.0, Layout::Interleaved), detect(), 77);
        let halves = row(&Sinusoid::new(dim, 10_000.0, Layout::Halves), detect(), 77);
        let separated: Vec<f32> = interleaved
            .iter()
            .step_by(2)
            .chain(interleaved.iter().skip(1).step_by(2))
            .copied()
            .collect();
        assert_eq!(bits(&halves), bits(&separated), "{dim} columns");
    }
}

#[test]
fn frequencies_are_correctly_rounded() {
    for (dim, base) in [
        (1, 10_000.0),
        (2, 10_000.0),
        (3, 7.5),
        (64, 10_000.0),
        (385, 1e12),
    ] {
        let s = Sinusoid::new(dim, base, Layout::Interleaved);
        let exact = exact(dim, base, Layout::Interleaved);
        let frequencies = s.frequencies();
        assert_eq!(frequencies.len(), dim.div_ceil(2));
        assert_eq!(frequencies[0], 1.0);
        for (i, &w) in frequencies.iter().enumerate() {
            assert_eq!(w, exact.frequency(i), "{dim} columns, base {base}, frequency {i}");
        }
    }
}

#[test]
fn invalid_arguments_panic() {
    let panics = |f: &(dyn Fn() + std::panic::RefUnwindSafe)| assert!(std::panic::catch_unwind(f).is_err());
    let run = |first, cols, len| {
        let s = Sinusoid::new(4, 10_000.0, Layout::Interleaved);
        sinusoid_rows(detect(), &s, first, cols, &mut vec![0.0; len]);
    };
    run(LAST, 0..4, 4);
    panics(&|| run(LAST, 0..4, 8));
    panics(&|| run(0, 0..5, 5));
    panics(&|| run(0, 0..4, 5));
    panics(&|| run(0, 2..2, 5));
    panics(&|| drop(Sinusoid::new(0, 10_000.0, Layout::Interleaved)));
    for base in [0.99, 1.1e12, f64::NAN, f64::INFINITY] {
        panics(&|| drop(Sinusoid::new(4, base, Layout::Interleaved)));
    }
}
