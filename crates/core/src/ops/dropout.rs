//! Inverted dropout: sets some elements to 0 and scales the others, so that the expected value is unchanged.

use crate::rng::{stream, Draws, Tiles, BLOCK};
use crate::simd::{dispatch_plain, Isa};

/// Elements per tile.
const TILE: usize = 128;

/// The dropout parameters of one training call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    draws: Draws,
    /// floor(p 2^32). An element is dropped if its word is below this.
    threshold: u32,
    /// f32(1 - p), the divisor of the other elements.
    keep: f32,
}

impl Dropout {
    /// Dropout with probability `p` for training call number `call`.
    ///
    /// # Panics
    /// If `p` is not in [0, 1).
    pub fn new(p: f64, seed: u64, call: u32) -> Self {
        // No number in the message: printing one takes 14 kB of WASM.
        assert!((0.0..1.0).contains(&p), "dropout must be in [0, 1)");
        Self {
            draws: Draws {
                seed,
                stream: stream::DROPOUT,
                call,
            },
            threshold: (p * 4_294_967_296.0) as u32,
            keep: (1.0 - p) as f32,
        }
    }
}

/// Applies dropout to `values` in place. `values[k]` is element `first + k` of the call.
///
/// ```text
/// w = word i mod 4 of block floor(i / 4) of (seed, stream 2, call)
/// x = +0 if w < floor(p 2^32), else f32(x / f32(1 - p))
/// ```
#[inline(never)]
pub fn dropout(isa: Isa, dropout: &Dropout, first: u64, values: &mut [f32]) {
    dispatch_plain!(isa, apply(dropout, first, values))
}

#[inline(always)]
fn apply(dropout: &Dropout, first: u64, values: &mut [f32]) {
    const BLOCKS: usize = TILE / BLOCK;
    let Dropout {
        draws,
        threshold,
        keep,
    } = *dropout;
    for tile in Tiles::<TILE>::new(first, values.len()) {
        let words = draws.blocks::<BLOCKS>(tile.start / BLOCK as u64);
        let mut random = [0; TILE];
        for k in 0..BLOCKS {
            for w in 0..BLOCK {
                random[BLOCK * k + w] = words[w][k];
            }
        }
        for (x, &w) in values[tile.outside].iter_mut().zip(&random[tile.inside]) {
            *x = if w < threshold { 0.0 } else { *x / keep };
        }
    }
}
