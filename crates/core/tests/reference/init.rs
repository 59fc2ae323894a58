//! Element `i` of a seeded table.

use super::rng::{block, word};
use tokenbed_core::math::{ln, sin_cos_turns};

/// U[-a, a): u = (w + 0.5) / 2^32; f32(-a + 2 a u), then the nearest f32 inside [-a, a).
pub fn uniform(seed: u64, stream: u32, a: f64, i: u64) -> f32 {
    let u = (f64::from(word(seed, stream, 0, i)) + 0.5) / 4294967296.0;
    let mut x = (-a + 2.0 * a * u) as f32;
    // Decrementing the bits moves one step towards 0.
    while f64::from(x) < -a || f64::from(x) >= a {
        x = f32::from_bits(x.to_bits() - 1);
    }
    x
}

/// N(0, std): Box-Muller on pair j = floor(i / 2), with the core's own ln, sin and cos.
pub fn normal(seed: u64, stream: u32, std: f64, i: u64) -> f32 {
    let words = block(seed, stream, 0, i / 2);
    let unit =
        |hi: u32, lo: u32| (((u64::from(hi) << 32 | u64::from(lo)) >> 11) as f64 + 0.5) / 9007199254740992.0;
    let (u1, u2) = (unit(words[0], words[1]), unit(words[2], words[3]));
    let r = (-2.0 * ln(u1)).sqrt();
    let (sin, cos) = sin_cos_turns(u2);
    let z = if i.is_multiple_of(2) { r * cos } else { r * sin };
    (z * std) as f32
}
