//! Token rows, scaled, with positions added and dropout applied.

use super::gather::gather;
use super::position::{add_positions, Drop};

/// token [V, dim], ids [n] -> [n, dim]
///
/// x = row; if scale x = f32(x * scale); x = f32(x + pe); dropout last. `pe` is the position table and, for each row of
/// the result, the index of its position row.
pub fn embed(
    token: &[f32],
    dim: usize,
    ids: &[usize],
    scale: Option<f32>,
    pe: Option<(&[f32], &[usize])>,
    drop: Option<Drop>,
) -> Vec<f32> {
    let mut out = gather(token, dim, ids);
    if let Some(scale) = scale {
        for x in &mut out {
            *x *= scale;
        }
    }
    if let Some((pe, position)) = pe {
        out = add_positions(&out, dim, pe, |r| position[r], None);
    }
    if let Some(drop) = drop {
        drop.apply(&mut out);
    }
    out
}
