//! Initializers. They fill tables from the counter-based generator, so the bits do not depend on how a table is
//! split into pieces.

use crate::math::{ln, sin_cos_turns};
use crate::rng::{Draws, Tiles, BLOCK};
use crate::simd::{dispatch_plain, Isa};

/// Elements per tile: enough for full vectors of every instruction set, small compared with the L1 cache.
const TILE: usize = 128;

/// Fills `out` with the uniform distribution on [-bound, bound). `out[k]` is element `first + k` of the sequence.
///
/// ```text
/// w = word i mod 4 of block floor(i / 4);  u = (w + 0.5) / 2^32
/// x = f32(-bound + 2 bound u) computed in f64, then the nearest f32 inside [-bound, bound)
/// ```
/// `bound` must be finite and above 0.
#[inline(never)]
pub fn init_uniform(isa: Isa, draws: &Draws, bound: f64, first: u64, out: &mut [f32]) {
    dispatch_plain!(isa, uniform(draws, bound, first, out))
}

#[inline(always)]
fn uniform(draws: &Draws, bound: f64, first: u64, out: &mut [f32]) {
    const BLOCKS: usize = TILE / BLOCK;
    let (lowest, highest) = (-largest_up_to(bound), largest_below(bound));
    for tile in Tiles::<TILE>::new(first, out.len()) {
        let words = draws.blocks::<BLOCKS>(tile.start / BLOCK as u64);
        let mut values = [0.0; TILE];
        for k in 0..BLOCKS {
            for w in 0..BLOCK {
                let u = (f64::from(words[w][k]) + 0.5) / 4_294_967_296.0;
                let x = (-bound + 2.0 * bound * u) as f32;
                let x = if x < lowest { lowest } else { x };
                values[BLOCK * k + w] = if x > highest { highest } else { x };
            }
        }
        out[tile.outside].copy_from_slice(&values[tile.inside]);
    }
}

/// Fills `out` with the normal distribution with mean 0 and standard deviation `std`. `out[k]` is element
/// `first + k` of the sequence.
///
/// ```text
/// pair j = floor(i / 2) uses block j: u1 from words 0 (high) and 1 (low), u2 from words 2 (high) and 3 (low),
/// u = (((high 2^32 + low) >> 11) + 0.5) / 2^53, the sum rounded to f64 (so u may be 1, never 0)
/// r = sqrt(-2 ln u1);  x = f32((r cos(2 pi u2)) std) for even i, f32((r sin(2 pi u2)) std) for odd i
/// ```
/// Computed in f64 with the `ln`, `sin` and `cos` of [`crate::math`], rounded once. `std` must be finite and not
/// negative.
#[inline(never)]
pub fn init_normal(isa: Isa, draws: &Draws, std: f64, first: u64, out: &mut [f32]) {
    dispatch_plain!(isa, normal(draws, std, first, out))
}

#[inline(always)]
fn normal(draws: &Draws, std: f64, first: u64, out: &mut [f32]) {
    const PAIRS: usize = TILE / 2;
    for tile in Tiles::<TILE>::new(first, out.len()) {
        let [w0, w1, w2, w3] = draws.blocks::<PAIRS>(tile.start / 2);
        let mut values = [0.0; TILE];
        for k in 0..PAIRS {
            let r = (-2.0 * ln(open_unit(w0[k], w1[k]))).sqrt();
            let (sin, cos) = sin_cos_turns(open_unit(w2[k], w3[k]));
            values[2 * k] = (r * cos * std) as f32;
            values[2 * k + 1] = (r * sin * std) as f32;
        }
        out[tile.outside].copy_from_slice(&values[tile.inside]);
    }
}

/// (floor((high 2^32 + low) / 2^11) + 0.5) / 2^53.
#[inline(always)]
fn open_unit(high: u32, low: u32) -> f64 {
    // Two exact parts. Their sum in u64 would need a conversion that not every vector unit has.
    let bits = f64::from(high) * 2_097_152.0 + f64::from(low >> 11);
    (bits + 0.5) / 9_007_199_254_740_992.0
}

/// The largest f32 that is at most `x`, for `x` >= 0.
fn largest_up_to(x: f64) -> f32 {
    let nearest = x as f32;
    if f64::from(nearest) <= x {
        nearest
    } else {
        f32::from_bits(nearest.to_bits() - 1)
    }
}

/// The largest f32 below `x`, for `x` > 0.
fn largest_below(x: f64) -> f32 {
    let nearest = x as f32;
    if f64::from(nearest) < x {
        nearest
    } else {
        f32::from_bits(nearest.to_bits() - 1)
    }
}
