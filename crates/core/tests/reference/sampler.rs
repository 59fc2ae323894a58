//! Draws of a discrete distribution.

use super::rng::block;

/// Draw j: the first i with cum_i > u cum_last, where cum are the prefix sums of the weights, and
/// u = ((hi 2^32 + lo) >> 11) / 2^53 with words 2 (j mod 2) and 2 (j mod 2) + 1 of block floor(j / 2), stream 3,
/// call 0. If no sum is greater, the first i with cum_i = cum_last.
pub fn draw(weights: &[f64], seed: u64, j: u64) -> u32 {
    let mut sum = 0.0;
    let cum: Vec<f64> = weights
        .iter()
        .map(|weight| {
            sum += weight;
            sum
        })
        .collect();
    let words = block(seed, 3, 0, j / 2);
    let at = 2 * (j % 2) as usize;
    let u = ((u64::from(words[at]) << 32 | u64::from(words[at + 1])) >> 11) as f64 / 9007199254740992.0;
    let greater = cum.iter().position(|&cum| cum > u * sum);
    let last = cum.iter().position(|&cum| cum == sum).unwrap();
    greater.unwrap_or(last) as u32
}
