//! Samplers compared with the reference, on every instruction set.

mod common;
mod reference;

use common::for_each_isa;
use proptest::prelude::*;
use reference::sampler::draw;
use std::panic::catch_unwind;
use tokenbed_core::ops::{sample, Sampler};
use tokenbed_core::simd::{available, detect, Isa};

/// Draws `first ..` with guards around them.
fn draws(isa: Isa, sampler: &Sampler, first: u64, len: usize) -> Vec<u32> {
    const PAINT: u32 = 0xdead_beef;
    let mut all = vec![PAINT; len + 6];
    sample(isa, sampler, first, &mut all[3..len + 3]);
    assert!(
        all[..3].iter().chain(&all[len + 3..]).all(|&id| id == PAINT),
        "values around the output"
    );
    all[3..len + 3].to_vec()
}

/// Distributions of every shape: one id, equal, skewed, with zeros at the ends and in long runs, almost all in one id,
/// subnormal and huge.
fn distributions() -> Vec<(&'static str, Vec<f64>)> {
    let zipf = |n: usize| (1..=n).map(|i| 1.0 / i as f64).collect::<Vec<_>>();
    let mut gap = vec![0.0; 1000];
    (gap[0], gap[999]) = (1.0, 2.0);
    let mut heavy = vec![1e-9; 777];
    heavy[300] = 1e9;
    let mut middle = zipf(50);
    middle.splice(20..30, [0.0; 10]);
    let zeros = |n: usize| std::iter::repeat_n(0.0, n);
    vec![
        ("one id", vec![3.5]),
        ("two ids", vec![1.0, 3.0]),
        ("equal", vec![0.1; 37]),
        ("powers of two", vec![1.0; 64]),
        ("zipf", zipf(300)),
        ("rising", zipf(300).into_iter().rev().collect()),
        ("zeros first", zeros(40).chain(zipf(10)).collect()),
        ("zeros last", zipf(10).into_iter().chain(zeros(40)).collect()),
        ("zeros inside", middle),
        ("a long run of zeros", gap),
        ("one heavy id", heavy),
        ("the smallest subnormal", vec![0.0, f64::from_bits(1), 0.0]),
        (
            "subnormal",
            vec![f64::from_bits(1), f64::from_bits(2), f64::from_bits(3)],
        ),
        ("huge", vec![4e307; 4]),
        ("absorbed", vec![1.0, 1e-20, 1.0, 1e-20]),
    ]
}

#[test]
fn every_distribution_equals_the_reference() {
    for (name, weights) in distributions() {
        for seed in [0, 7, u64::MAX] {
            let sampler = Sampler::new(weights.clone(), seed).unwrap();
            let expected: Vec<u32> = (0..700).map(|j| draw(&weights, seed, j)).collect();
            assert!(
                expected.iter().all(|&id| weights[id as usize] > 0.0),
                "{name}: an id of weight 0"
            );
            for_each_isa!(isa => {
                assert_eq!(draws(isa, &sampler, 0, 700), expected, "{isa:?}: {name}");
            });
        }
    }
}

#[test]
fn any_split_gives_the_same_draws() {
    let (_, weights) = distributions().swap_remove(4);
    let sampler = Sampler::new(weights.clone(), 3).unwrap();
    for first in [0, 1, 63, 64, (1 << 33) + 1, (1 << 53) - 200] {
        let all: Vec<u32> = (first..first + 200).map(|j| draw(&weights, 3, j)).collect();
        for &isa in available() {
            for step in [1, 2, 3, 63, 64, 65, 200] {
                let mut parts = Vec::new();
                for start in (0..200).step_by(step) {
                    parts.extend(draws(isa, &sampler, first + start as u64, step.min(200 - start)));
                }
                assert_eq!(parts, all, "{isa:?}: {step} draws at a time from {first}");
            }
        }
    }
}

#[test]
fn ids_are_drawn_as_often_as_their_weights_say() {
    const N: usize = 400_000;
    let weights: Vec<f64> = (0..20).map(|i| f64::from(i % 5) + 0.25).collect();
    let sum: f64 = weights.iter().sum();
    let mut counts = [0_u32; 20];
    for id in draws(detect(), &Sampler::new(weights.clone(), 11).unwrap(), 0, N) {
        counts[id as usize] += 1;
    }
    for (id, (&count, weight)) in counts.iter().zip(weights).enumerate() {
        let p = weight / sum;
        let (mean, deviation) = (N as f64 * p, (N as f64 * p * (1.0 - p)).sqrt());
        assert!(
            (f64::from(count) - mean).abs() < 5.0 * deviation,
            "id {id}: {count} times, {mean} expected"
        );
    }
}

#[test]
fn memory_is_a_few_words_for_each_id() {
    for n in [1, 2, 3, 1000, 1025] {
        let bytes = Sampler::new(vec![1.0; n], 0).unwrap().bytes();
        assert!(
            (12 * n..=16 * n + 60).contains(&bytes),
            "{n} ids take {bytes} bytes"
        );
    }
}

#[test]
fn bad_weights_and_draws_behind_the_last_one_panic() {
    for weights in [
        vec![],
        vec![0.0, 0.0],
        vec![1.0, -1.0],
        vec![f64::NAN],
        vec![1e308; 2],
    ] {
        let name = format!("{weights:?}");
        assert!(catch_unwind(|| Sampler::new(weights, 0)).is_err(), "{name}");
    }
    let sampler = Sampler::new(vec![1.0], 0).unwrap();
    sample(detect(), &sampler, (1 << 53) - 2, &mut [0, 0]);
    for first in [(1 << 53) - 1, u64::MAX] {
        assert!(
            catch_unwind(|| sample(detect(), &sampler, first, &mut [0, 0])).is_err(),
            "{first}"
        );
    }
}

proptest! {
    #[test]
    fn random_weights_equal_the_reference(
        weights in prop::collection::vec(prop_oneof![Just(0.0), 0.0..1.0, 0.0..1e-12, 0.0..1e12], 1..200),
        seed: u64,
        first in 0_u64..1 << 40,
    ) {
        prop_assume!(weights.iter().sum::<f64>() > 0.0);
        let sampler = Sampler::new(weights.clone(), seed).unwrap();
        let expected: Vec<u32> = (first..first + 130).map(|j| draw(&weights, seed, j)).collect();
        prop_assert_eq!(draws(detect(), &sampler, first, 130), expected);
    }
}
