//! Dropout compared with the reference, on every instruction set.

mod common;
mod reference;

use common::{bits, for_each_isa, painted};
use reference::dropout::dropout as element;
use tokenbed_core::ops::{dropout, Dropout};
use tokenbed_core::simd::{available, detect};

const FIRSTS: [u64; 8] = [0, 1, 2, 3, 127, 128, (1 << 34) - 5, (1 << 40) + 1];
const LENGTHS: [usize; 14] = [0, 1, 2, 3, 4, 5, 7, 8, 9, 127, 128, 129, 255, 700];
const PROBABILITIES: [f64; 7] = [0.0, 1e-10, 0.1, 0.3, 0.5, 0.9, 1.0 - f64::EPSILON / 2.0];

/// Ordinary and special values.
fn values(len: usize) -> Vec<f32> {
    let odd = [
        -0.0,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::MAX,
        f32::MIN_POSITIVE / 8.0,
        0.0,
    ];
    (0..len)
        .map(|i| {
            if i % 11 == 5 {
                odd[i / 11 % odd.len()]
            } else {
                i as f32 * 0.37 - 20.0
            }
        })
        .collect()
}

#[test]
fn every_element_equals_the_reference() {
    for (p, call) in PROBABILITIES.into_iter().zip([0, 1, 2, 3, 4, 5, u32::MAX]) {
        let seed = 0x1234_5678_9abc_def0 + u64::from(call);
        let kernel = Dropout::new(p, seed, call);
        for first in FIRSTS {
            for len in LENGTHS {
                let x = values(len);
                let expected: Vec<f32> = x
                    .iter()
                    .zip(first..)
                    .map(|(&x, i)| element(p, seed, call, i, x))
                    .collect();
                for &isa in available() {
                    let out = painted(len, |out| {
                        out.copy_from_slice(&x);
                        dropout(isa, &kernel, first, out);
                    });
                    assert_eq!(
                        bits(&out),
                        bits(&expected),
                        "{isa:?}: p = {p}, {len} from {first}"
                    );
                }
            }
        }
    }
}

#[test]
fn any_split_gives_the_same_bits() {
    let kernel = Dropout::new(0.4, 99, 3);
    for_each_isa!(isa => {
        let mut all = values(2_000);
        dropout(isa, &kernel, 6, &mut all);
        for step in [1, 3, 64, 127, 129] {
            let mut parts = values(2_000);
            for (n, part) in parts.chunks_mut(step).enumerate() {
                dropout(isa, &kernel, 6 + (n * step) as u64, part);
            }
            assert_eq!(bits(&parts), bits(&all), "{isa:?}: pieces of {step}");
        }
    });
}

/// Words below floor(p 2^32) drop their element; a word equal to it does not.
#[test]
fn the_threshold_is_exact() {
    for_each_isa!(isa => {
        for i in 0..64 {
            let word = f64::from(reference::rng::word(5, 2, 0, i));
            for (threshold, survives) in [(word, true), (word + 0.75, true), (word + 1.0, false)] {
                let mut x = [1.0];
                dropout(isa, &Dropout::new(threshold / 4_294_967_296.0, 5, 0), i, &mut x);
                assert_eq!(x[0] != 0.0, survives, "{isa:?}: element {i}, {threshold}");
            }
        }
    });
}

#[test]
fn nothing_is_dropped_at_probability_zero() {
    for_each_isa!(isa => {
        let mut out = values(1_000);
        dropout(isa, &Dropout::new(0.0, 5, 0), 0, &mut out);
        assert_eq!(bits(&out), bits(&values(1_000)));
    });
}

/// A dropped element becomes +0 whatever its value. A NaN that is not dropped stays NaN.
#[test]
fn dropped_elements_become_plus_zero() {
    for_each_isa!(isa => {
        for bad in [f32::NAN, -1.0, f32::NEG_INFINITY] {
            let mut out = vec![bad; 1_000];
            dropout(isa, &Dropout::new(0.5, 5, 0), 0, &mut out);
            for (x, i) in out.into_iter().zip(0..) {
                if reference::rng::word(5, 2, 0, i) < 1 << 31 {
                    assert_eq!(x.to_bits(), 0);
                } else {
                    assert!(if bad.is_nan() { x.is_nan() } else { x == bad * 2.0 });
                }
            }
        }
    });
}

#[test]
fn the_drop_rate_is_right_and_calls_are_independent() {
    const N: usize = 1_000_000;
    for p in [0.1, 0.5, 0.9] {
        let mut out = vec![1.0; N];
        dropout(detect(), &Dropout::new(p, 3, 0), 0, &mut out);
        let dropped = out.iter().filter(|&&x| x == 0.0).count() as f64;
        let deviation = (N as f64 * p * (1.0 - p)).sqrt();
        assert!(
            (dropped - N as f64 * p).abs() < 5.0 * deviation,
            "{dropped} of {N} dropped at {p}"
        );

        let mut next = vec![1.0; N];
        dropout(detect(), &Dropout::new(p, 3, 1), 0, &mut next);
        let both = out
            .iter()
            .zip(&next)
            .filter(|(&a, &b)| a == 0.0 && b == 0.0)
            .count() as f64;
        let deviation = (N as f64 * p * p * (1.0 - p * p)).sqrt();
        assert!(
            (both - N as f64 * p * p).abs() < 5.0 * deviation,
            "{both} of {N} dropped twice at {p}"
        );
    }
}

#[test]
fn probabilities_outside_zero_to_one_panic() {
    for p in [1.0, -0.1, f64::NAN, f64::INFINITY] {
        assert!(std::panic::catch_unwind(|| Dropout::new(p, 0, 0)).is_err(), "{p}");
    }
}
