//! Checks the error bounds of the estimates against the integer sine.

use super::*;
use crate::rng::Draws;
use crate::simd::detect;
use crate::turn::sine;

/// v - sin(2 pi angle / 2^128) in units of 2^-53. The top 53 bits of the sine cancel, so the difference is exact to
/// far below one unit.
fn error(v: f64, angle: u128) -> f64 {
    // Fixed point with 120 fraction bits, where every f64 of a magnitude above 2^-67 is an integer.
    let (negative, fraction) = sine(angle);
    let exact = (fraction >> 8) as i128 * if negative { -1 } else { 1 };
    let v = (v * f64::from_bits((1023 + 120) << 52)) as i128;
    (v - exact) as f64 / f64::from_bits((1023 + 67) << 52)
}

fn angle(s: &Sinusoid, position: u32, column: usize, shift: u64) -> u128 {
    let t = u128::from(s.high[column]) << 64 | u128::from(s.low[column]);
    t.wrapping_mul(u128::from(position))
        .wrapping_add(u128::from(shift) << 64)
}

/// First positions of the runs: both ends, random ones, and runs that contain a sine very close to 0 (at 1 rad per
/// position).
fn starts() -> impl Iterator<Item = u32> {
    const HARD: [u32; 3] = [245_850_922, 1_068_966_896, 2_549_491_779];
    let draws = Draws {
        seed: 51,
        stream: 0,
        call: 0,
    };
    let random = (0..20).map(move |k| draws.block(k)[0] >> (k % 4 * 8));
    let last = u32::MAX - (RUN as u32 - 1);
    let hard = HARD.into_iter().flat_map(|p| [p, p - 1, p - 77, p - 127]);
    [0, 1, last]
        .into_iter()
        .chain(hard)
        .chain(random)
        .map(move |first| first.min(last))
}

const QUARTER: u64 = 1 << 62;

#[test]
fn points_are_within_their_bound() {
    for base in [1.0, 10_000.0, 1e12] {
        let s = Sinusoid::new(128, base, Layout::Interleaved);
        for position in starts().flat_map(|first| [first, first + 1, first + 77]) {
            for column in 0..s.dim() {
                let shift = s.shift[column];
                let (y, x) = point(position, s.high[column], s.low[column], shift);
                for (v, ahead) in [(y, 0), (x, QUARTER)] {
                    let error = error(v, angle(&s, position, column, shift.wrapping_add(ahead))).abs();
                    assert!(
                        error < 5.0 * v.abs() + 0.01,
                        "base {base}, position {position}, column {column}: {error} u"
                    );
                }
            }
        }
    }
}

/// Every row of a run.
#[test]
fn rotated_points_are_within_their_bound() {
    let mut worst = 0.0_f64;
    for base in [1.0, 10_000.0, 1e12] {
        let s = Sinusoid::new(100, base, Layout::Halves);
        let n = s.dim();
        let mut steps = [const { Points::ZERO }; GROUP + 1];
        for (k, step) in (0..).zip(&mut steps) {
            step.set(&s, k, 0..n, false);
        }
        let mut anchor = Points::ZERO;
        for first in starts() {
            anchor.set(&s, first, 0..n, true);
            for r in 0..RUN {
                if r > 0 && r % GROUP == 0 {
                    anchor.rotate(&steps[GROUP], n);
                }
                let step = &steps[r % GROUP];
                for column in 0..n {
                    let (y, x) = (anchor.y[column], anchor.x[column]);
                    let v = y * step.x[column] + x * step.y[column];
                    let error = error(v, angle(&s, first + r as u32, column, s.shift[column]));
                    worst = worst.max(error.abs());
                }
            }
        }
    }
    println!("largest error: {worst} u");
    assert!(worst < 122.0, "{worst} u");
    assert!(
        worst + 1.0 < ERROR * f64::from_bits((1023 + 53) << 52),
        "{worst} u"
    );
    // Check the measurement itself: an error this small would be implausible.
    assert!(worst > 3.0, "{worst} u");
}

/// The step of position 0 is exactly the identity.
#[test]
fn step_0_is_the_identity() {
    let s = Sinusoid::new(9, 10_000.0, Layout::Interleaved);
    for column in 0..9 {
        assert_eq!(point(0, s.high[column], s.low[column], 0), (0.0, 1.0));
    }
}

/// Compares tens of millions of elements computed by rotation with directly computed ones.
#[test]
fn rotated_rows_equal_direct_rows() {
    let isa = detect();
    let (dim, rows) = (512, 4_000);
    let (mut rotated, mut direct) = (vec![0.0_f32; rows * dim], vec![0.0_f32; rows * dim]);
    for (base, layout, first) in [
        (10_000.0, Layout::Interleaved, 0),
        (10_000.0, Layout::Halves, 245_849_000),
        (10_000.0, Layout::Interleaved, 2_549_490_000),
        (50.0, Layout::Interleaved, 100_000),
        (1.5, Layout::Interleaved, 3_000_000_000),
        (1e12, Layout::Interleaved, 7_000_000),
        (1.0, Layout::Halves, (1 << 32) - rows as u64),
    ] {
        let s = Sinusoid::new(dim, base, layout);
        sinusoid_rows(isa, &s, first, 0..dim, &mut rotated);
        for (r, row) in direct.chunks_exact_mut(dim).enumerate() {
            sinusoid_rows(isa, &s, first + r as u64, 0..dim, row);
        }
        let mismatch = rotated
            .iter()
            .zip(&direct)
            .position(|(a, b)| a.to_bits() != b.to_bits());
        assert_eq!(mismatch, None, "base {base}, {layout:?}, rows from {first}");
    }
}
