//! Samplers of ids, by handle.

use crate::arrays::{pieces, DoubleArray, IntegersOut};
use crate::environment::Environment;
use crate::status::Failure;
use tokenbed_core::ops::{self, Sampler};

/// Creates a sampler with a weight for each id; `None` if memory is exhausted.
pub fn sampler_create(
    env: &mut Environment,
    mut weights: impl DoubleArray,
    seed: u64,
) -> Result<Option<f64>, Failure> {
    let mut copy = Vec::new();
    if copy.try_reserve_exact(weights.len()).is_err() {
        return Ok(None);
    }
    copy.resize(weights.len(), 0.0);
    weights.copy_to(&mut copy);
    Sampler::new(copy, seed)
        .map(|sampler| env.keep_sampler(sampler))
        .transpose()
}

/// out = the draws of a sampler from number `position` on.
pub fn sampler_draw(
    env: &Environment,
    sampler: f64,
    position: f64,
    mut out: impl IntegersOut<u32>,
) -> Result<(), Failure> {
    let (isa, sampler) = (env.isa(), env.sampler(sampler)?);
    for part in pieces(0..out.len(), out.most()) {
        let first = position as u64 + part.start as u64;
        out.edit(part, |out| ops::sample(isa, &sampler, first, out));
    }
    Ok(())
}
