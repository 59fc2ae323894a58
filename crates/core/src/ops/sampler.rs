//! Draws ids from a discrete distribution, with replacement.
//!
//! ```text
//! cum_i = f64 prefix sums of the weights, in order
//! w = (hi 2^32 + lo) >> 11                 hi, lo = words 2 (j mod 2) and 2 (j mod 2) + 1 of block floor(j / 2)
//! draw j = the first i with cum_i > (w / 2^53) cum_last
//! ```
//! A guide table has the draws of 2^b equally spaced w, at least as many as there are ids, so that a search mostly
//! begins a few ids before its end. It begins with comparisons without branches, because nothing predicts a draw. The
//! bits of a draw do not depend on the table: products with cum_last are rounded, and rounding keeps their order.

use crate::rng::{stream, Draws, Tiles, BLOCK};
use crate::simd::{dispatch_plain, Isa};

/// Draws that are generated together.
const TILE: usize = 64;

/// Ids that a search compares at once.
const AHEAD: usize = 4;

/// 2^53
const UNITS: f64 = 9_007_199_254_740_992.0;

/// A discrete distribution.
#[derive(Debug)]
pub struct Sampler {
    /// The prefix sums of the weights; +Infinity from the last id that can be drawn on, and `AHEAD` times more.
    sums: Vec<f64>,
    /// The sum of the weights.
    sum: f64,
    /// Entry g is the draw of w = g 2^(53 - bits); the last one is the last id that can be drawn.
    guide: Vec<u32>,
    bits: u32,
    draws: Draws,
}

impl Sampler {
    /// The distribution with probabilities proportional to `weights`. `None` if memory is exhausted.
    ///
    /// # Panics
    /// If there are more than 2^32 weights, one is negative or not finite, or their sum is not finite and positive.
    pub fn new(mut weights: Vec<f64>, seed: u64) -> Option<Self> {
        let mut sum = 0.0;
        for weight in &mut weights {
            assert!(*weight >= 0.0, "a negative weight");
            sum += *weight;
            *weight = sum;
        }
        assert!(
            sum > 0.0 && sum < f64::INFINITY && weights.len() as u64 <= 1 << 32,
            "no distribution"
        );
        let mut sums = weights;
        let bits = (sums.len() as u64).next_power_of_two().ilog2().max(1);
        let entries = usize::try_from(1_u64 << bits).ok()?;
        let mut guide = Vec::new();
        guide.try_reserve_exact(entries.checked_add(1)?).ok()?;
        sums.try_reserve_exact(AHEAD).ok()?;
        // Sums that follow the last positive weight are equal.
        let last = sums.partition_point(|&cum| cum < sum);
        let mut id = 0;
        for entry in 0..=entries {
            let boundary = entry as f64 / entries as f64 * sum;
            while id < last && sums[id] <= boundary {
                id += 1;
            }
            guide.push(id as u32);
        }
        // A product with a subnormal sum may round to it.
        sums[last..].fill(f64::INFINITY);
        sums.extend([f64::INFINITY; AHEAD]);
        let draws = Draws {
            seed,
            stream: stream::NEGATIVE,
            call: 0,
        };
        Some(Sampler {
            sums,
            sum,
            guide,
            bits,
            draws,
        })
    }

    /// Bytes of memory that it owns.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.sums[..]) + size_of_val(&self.guide[..])
    }

    /// The draw of the words `high` and `low`.
    #[inline(always)]
    fn draw(&self, high: u32, low: u32) -> u32 {
        // Two exact parts.
        let w = f64::from(high) * 2_097_152.0 + f64::from(low >> 11);
        let place = w / UNITS * self.sum;
        let entry = (high >> (32 - self.bits)) as usize;
        let first = self.guide[entry] as usize;
        let passed = |sums: &[f64]| sums.iter().map(|&cum| u32::from(cum <= place)).sum::<u32>();
        let id = self.guide[entry] + passed(&self.sums[first..first + AHEAD]);
        match id as usize == first + AHEAD {
            true => self.search(entry, place),
            false => id,
        }
    }

    /// The draw between two entries of the guide table.
    #[cold]
    #[inline(never)]
    fn search(&self, entry: usize, place: f64) -> u32 {
        let (first, last) = (self.guide[entry], self.guide[entry + 1]);
        let sums = &self.sums[first as usize..last as usize];
        first + sums.partition_point(|&cum| cum <= place) as u32
    }
}

/// Writes draws `first ..` of `sampler` to `out`.
///
/// # Panics
/// If a draw is at 2^53 or behind.
#[inline(never)]
pub fn sample(isa: Isa, sampler: &Sampler, first: u64, out: &mut [u32]) {
    let end = first.checked_add(out.len() as u64);
    assert!(end.is_some_and(|end| end <= 1 << 53), "a draw behind 2^53");
    dispatch_plain!(isa, fill(sampler, first, out))
}

#[inline(always)]
fn fill(sampler: &Sampler, first: u64, out: &mut [u32]) {
    const BLOCKS: usize = TILE * 2 / BLOCK;
    for tile in Tiles::<TILE>::new(first, out.len()) {
        let [high0, low0, high1, low1] = sampler.draws.blocks::<BLOCKS>(tile.start / 2);
        let mut words = [(0, 0); TILE];
        for k in 0..BLOCKS {
            words[2 * k] = (high0[k], low0[k]);
            words[2 * k + 1] = (high1[k], low1[k]);
        }
        for (out, &(high, low)) in out[tile.outside].iter_mut().zip(&words[tile.inside]) {
            *out = sampler.draw(high, low);
        }
    }
}
