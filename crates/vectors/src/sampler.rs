//! Vectors for samplers.

use crate::file::{Case, File};
use crate::json::Wide;
use crate::reference::sampler::draw;

const ABOUT: &[&str] = &[
    "draws: those from number `position` on of a sampler with these weights and this seed.",
    "cum_i = prefix sums of the weights, in f64 and in order; draw j is the first i with cum_i > u cum_last,",
    "u = ((hi 2^32 + lo) >> 11) / 2^53; hi and lo are words 2 (j mod 2) and 2 (j mod 2) + 1 of block floor(j / 2) of the",
    "generator (rng.json) with stream 3 and call 0. If no cum_i is greater: the first i with cum_i = cum_last.",
    "seed and position are 64-bit numbers in decimal digits.",
];

const DRAWS: u64 = 40;

/// sampler.json
pub fn file() -> File {
    let zipf: Vec<f64> = (1..=20).map(|i| 1.0 / f64::from(i)).collect();
    let mut gap = vec![0.0; 60];
    (gap[3], gap[50]) = (1.0, 2.0);
    let distributions = [
        ("one id", vec![0.25]),
        ("two ids", vec![1.0, 3.0]),
        ("equal", vec![0.1; 10]),
        ("zipf", zipf),
        ("zeros", gap),
        (
            "one heavy id",
            [vec![0.001; 12], vec![5000.0], vec![0.001; 12]].concat(),
        ),
    ];
    let mut cases = Vec::new();
    for (name, weights) in distributions {
        for (seed, position) in [
            (0, 0),
            (7, 0),
            (7, 1),
            (u64::MAX, 1 << 33),
            (5, (1 << 53) - 1 - DRAWS),
        ] {
            let draws: Vec<u32> = (position..position + DRAWS)
                .map(|j| draw(&weights, seed, j))
                .collect();
            cases.push(
                Case::new(format!("{name} seed {seed} position {position}"))
                    .with("weights", &weights)
                    .with("seed", Wide(seed))
                    .with("position", Wide(position))
                    .with("draws", draws),
            );
        }
    }
    File::new("sampler.json", ABOUT, cases)
}
