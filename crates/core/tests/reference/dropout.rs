//! Inverted dropout.

use super::rng::word;

/// Element `i` of training call `call`: +0 if u32(seed, stream 2, call, i) < floor(p 2^32), else f32(x / f32(1 - p)).
pub fn dropout(p: f64, seed: u64, call: u32, i: u64, x: f32) -> f32 {
    if u64::from(word(seed, 2, call, i)) < (p * 4294967296.0) as u64 {
        0.0
    } else {
        x / (1.0 - p) as f32
    }
}
