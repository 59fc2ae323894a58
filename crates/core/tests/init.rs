//! Initializers compared with the reference, on every instruction set, and tests of their distributions.

mod common;
mod reference;

use common::{bits, for_each_isa, painted};
use tokenbed_core::ops::{init_normal, init_uniform};
use tokenbed_core::rng::{stream, Draws};
use tokenbed_core::simd::{available, detect, Isa};

const DRAWS: Draws = Draws {
    seed: 7,
    stream: stream::TOKEN,
    call: 0,
};

/// First elements and lengths around the boundaries of pairs, blocks, tiles and 32-bit counters.
const FIRSTS: [u64; 10] = [0, 1, 2, 3, 5, 127, 128, 1_000_001, (1 << 34) - 7, (1 << 40) + 1];
const LENGTHS: [usize; 16] = [0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 127, 128, 129, 255, 384, 1_000];

/// The two initializers with their references: (kernel, element).
type Kernel = fn(Isa, &Draws, f64, u64, &mut [f32]);
type Element = fn(u64, u32, f64, u64) -> f32;
const BOTH: [(Kernel, Element); 2] = [
    (init_uniform, reference::init::uniform),
    (init_normal, reference::init::normal),
];

#[test]
fn every_element_equals_the_reference() {
    for (kernel, element) in BOTH {
        for (seed, stream, spread) in [(7, stream::TOKEN, 0.051), (u64::MAX, stream::POSITION, 1.0)] {
            let draws = Draws {
                seed,
                stream,
                call: 0,
            };
            for first in FIRSTS {
                let all: Vec<f32> = (0..1_000)
                    .map(|k| element(seed, stream, spread, first + k))
                    .collect();
                for len in LENGTHS {
                    for &isa in available() {
                        let out = painted(len, |out| kernel(isa, &draws, spread, first, out));
                        assert_eq!(bits(&out), bits(&all[..len]), "{isa:?}: {len} from {first}");
                    }
                }
            }
        }
    }
}

#[test]
fn any_split_gives_the_same_bits() {
    for (kernel, _) in BOTH {
        for &isa in available() {
            let mut all = vec![0.0; 3_000];
            kernel(isa, &DRAWS, 0.1, 9, &mut all);
            for step in [1, 2, 3, 5, 64, 127, 129, 1_000] {
                let mut parts = vec![0.0; all.len()];
                for (n, part) in parts.chunks_mut(step).enumerate() {
                    kernel(isa, &DRAWS, 0.1, 9 + (n * step) as u64, part);
                }
                assert_eq!(bits(&parts), bits(&all), "{isa:?}: pieces of {step}");
            }
        }
    }
}

/// Elements whose f32 reveals the order of the f64 operations: a (2 u - 1) and r (cos std) would give a neighboring
/// value. They were found by search.
#[test]
fn order_of_operations() {
    let spread = 1.0 / 384.0_f64.sqrt();
    let cases: [(Kernel, Element, u64, u32); 4] = [
        (init_uniform, reference::init::uniform, 100_741_764, 0x38beb056),
        (init_uniform, reference::init::uniform, 350_143_960, 0x353ef478),
        (init_uniform, reference::init::uniform, 482_991_592, 0x3cd83cd7),
        (init_normal, reference::init::normal, 472_221_887, 0x3d3f0466),
    ];
    for (kernel, element, i, expected) in cases {
        assert_eq!(element(7, stream::TOKEN, spread, i).to_bits(), expected);
        for &isa in available() {
            let out = painted(1, |out| kernel(isa, &DRAWS, spread, i, out));
            assert_eq!(bits(&out), [expected], "{isa:?}: element {i}");
        }
    }
}

/// Bounds of a few times the smallest f32, where nearly every value is rounded and many would leave the interval: 2.75
/// units would round to 3, and 3 is excluded.
#[test]
fn uniform_stays_inside_its_interval() {
    let unit = f64::from(f32::from_bits(1));
    for (a, min, max) in [
        (2.75, -2.0, 2.0),
        (3.0, -3.0, 2.0),
        (3.25, -3.0, 3.0),
        (1.0, -1.0, 0.0),
    ] {
        for &isa in available() {
            let mut out = vec![0.0; 4_096];
            init_uniform(isa, &DRAWS, a * unit, 0, &mut out);
            let expected: Vec<f32> = (0..4_096)
                .map(|i| reference::init::uniform(7, stream::TOKEN, a * unit, i))
                .collect();
            assert_eq!(bits(&out), bits(&expected), "{isa:?}: {a}");
            let units = out.iter().map(|&x| f64::from(x) / unit);
            assert_eq!(units.clone().fold(0.0, f64::min), min, "{isa:?}: {a}");
            assert_eq!(units.fold(0.0, f64::max), max, "{isa:?}: {a}");
        }
    }
}

#[test]
fn uniform_stays_inside_ordinary_intervals() {
    for a in [
        1.0,
        1.0 / 384.0_f64.sqrt(),
        (6.0 / (50_000.0 + 384.0_f64)).sqrt(),
        1.0 + f64::EPSILON,
    ] {
        let mut out = vec![0.0; 1_000_000];
        init_uniform(detect(), &DRAWS, a, 0, &mut out);
        assert!(
            out.iter().all(|&x| -a <= f64::from(x) && f64::from(x) < a),
            "bound {a}"
        );
    }
}

#[test]
fn a_standard_deviation_of_zero_gives_zeros() {
    for_each_isa!(isa => {
        let out = painted(100, |out| init_normal(isa, &DRAWS, 0.0, 3, out));
        assert!(out.iter().all(|&x| x == 0.0));
    });
}

const SAMPLES: usize = 1_000_000;

/// The largest distance between the sample and a distribution function, times sqrt(n). For a correct generator it
/// exceeds 1.95 once in a thousand samples.
fn kolmogorov_smirnov(mut sample: Vec<f32>, distribution: impl Fn(f64) -> f64) -> f64 {
    sample.sort_by(f32::total_cmp);
    let n = sample.len() as f64;
    let distances = sample.iter().enumerate().map(|(i, &x)| {
        let p = distribution(f64::from(x));
        (p - i as f64 / n).max((i + 1) as f64 / n - p)
    });
    distances.fold(0.0, f64::max) * n.sqrt()
}

/// The mean of x^k for k = 1, 2, 3, 4.
fn moments(sample: &[f32]) -> [f64; 4] {
    let mut sums = [0.0; 4];
    for &x in sample {
        let x = f64::from(x);
        for (sum, power) in sums.iter_mut().zip([x, x * x, x * x * x, x * x * x * x]) {
            *sum += power;
        }
    }
    sums.map(|sum| sum / sample.len() as f64)
}

/// Asserts that each moment is within five standard errors.
fn assert_moments(sample: &[f32], expected: [(f64, f64); 4]) {
    for (k, (moment, (mean, deviation))) in moments(sample).into_iter().zip(expected).enumerate() {
        let error = (moment - mean) / deviation * (sample.len() as f64).sqrt();
        assert!(
            error.abs() < 5.0,
            "moment {}: {moment}, expected {mean}: {error} standard errors",
            k + 1
        );
    }
}

#[test]
fn uniform_is_uniform() {
    let mut out = vec![0.0; SAMPLES];
    init_uniform(detect(), &DRAWS, 1.0, 0, &mut out);
    // The mean of x^k is 1 / (k + 1) for even k; its variance is 1 / (2 k + 1) minus the square of the mean.
    let sd = |k: f64, mean: f64| (1.0 / (2.0 * k + 1.0) - mean * mean).sqrt();
    let (second, fourth) = (1.0 / 3.0, 1.0 / 5.0);
    assert_moments(
        &out,
        [
            (0.0, sd(1.0, 0.0)),
            (second, sd(2.0, second)),
            (0.0, sd(3.0, 0.0)),
            (fourth, sd(4.0, fourth)),
        ],
    );
    let distance = kolmogorov_smirnov(out, |x| (x + 1.0) / 2.0);
    assert!(distance < 1.95, "Kolmogorov-Smirnov {distance}");
}

/// The normal distribution function by its series in x, accurate for |x| < 6.
fn normal_distribution(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..120 {
        let n = f64::from(n);
        term *= -x * x / (2.0 * n);
        sum += term / (2.0 * n + 1.0);
    }
    0.5 + sum / std::f64::consts::TAU.sqrt()
}

#[test]
fn normal_is_normal() {
    let mut out = vec![0.0; SAMPLES];
    init_normal(detect(), &DRAWS, 1.0, 0, &mut out);
    assert_moments(
        &out,
        [
            (0.0, 1.0),
            (1.0, 2.0_f64.sqrt()),
            (0.0, 15.0_f64.sqrt()),
            (3.0, 96.0_f64.sqrt()),
        ],
    );
    let largest = out.iter().fold(0.0, |m: f32, x| m.max(x.abs()));
    assert!(
        (4.0..6.0).contains(&largest),
        "the largest of a million is {largest}"
    );

    // The elements of a pair are uncorrelated, and so are neighboring pairs.
    for step in [1, 2] {
        let products: f64 = out
            .iter()
            .zip(&out[step..])
            .map(|(&a, &b)| f64::from(a) * f64::from(b))
            .sum();
        let errors = products / (SAMPLES as f64).sqrt();
        assert!(
            errors.abs() < 5.0,
            "correlation at {step}: {errors} standard errors"
        );
    }
    let distance = kolmogorov_smirnov(out, normal_distribution);
    assert!(distance < 1.95, "Kolmogorov-Smirnov {distance}");
}
