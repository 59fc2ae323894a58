//! From token ids to the input of a transformer, in one pass over the output.

use crate::checked::Indices;
use crate::ops::add::{PositionRows, Positions};
use crate::ops::dropout::{dropout, Dropout};
use crate::row::{with_rows, Row};
use crate::simd::{dispatch, for_each_vector, Isa, Simd};
use crate::table::{Rows, Table};
use crate::window::{for_each_block, Window};

/// What a layer does to each id.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// The token rows, `[V, D]`.
    pub token: Table<'a>,
    /// What they are multiplied by.
    pub scale: Option<f32>,
    /// The position rows that are added, `[P, D]`.
    pub positions: Option<Positions<'a>>,
    /// What is dropped at the end.
    pub dropout: Option<Dropout>,
}

/// Looks rows up, scales them, adds positions, drops: each only where the layer has it.
///
/// ```text
/// token [V, D], positions [P, D], ids [rows of the window] -> out [rows, D], of which the window is computed
/// x = token[id]; x = f32(x * scale); x = f32(x + positions[row of r]); out[r] = x
/// dropout on element r * D + c
/// ```
/// The same bits as the parts one after the other. `out` holds exactly the window and is wholly written.
///
/// # Panics
/// When lengths do not fit the window, the window does not fit the table, the tables are of unequal width, or
/// a position is not a row of its table.
pub fn layer(isa: Isa, layer: &Layer<'_>, ids: Indices<'_>, window: Window, out: &mut [f32]) {
    let Layer {
        token,
        scale,
        positions,
        dropout: ref chances,
    } = *layer;
    let first = window.first_element(token.dim(), out.len());
    assert_eq!(ids.len(), window.rows, "one id for each row of the window");
    if let Some(Positions { table, .. }) = positions {
        assert_eq!(
            table.dim(),
            token.dim(),
            "tokens and positions are of unequal width"
        );
    }
    for_each_block(window, out, |start, block, out| {
        let row = block.first_row - window.first_row;
        let ids = ids.slice(row..row + block.rows);
        dispatch!(isa, simd => with_rows!(token, token => match positions {
            None => layer_rows(simd, token, ids, scale, no_positions(token), block, out),
            Some(Positions { table, rows }) => with_rows!(table, table => {
                layer_rows(simd, token, ids, scale, Some((table, rows)), block, out)
            }),
        }));
        if let Some(chances) = chances {
            dropout(isa, chances, first + start as u64, out);
        }
    });
}

/// No positions, of some type.
fn no_positions<'a, R: Row<'a>>(_: Rows<'a, R>) -> Option<(Rows<'a, R>, PositionRows<'static>)> {
    None
}

#[inline(always)]
fn layer_rows<'t, 'p, S: Simd, T: Row<'t>, P: Row<'p>>(
    simd: S,
    token: Rows<'t, T>,
    ids: Indices<'_>,
    scale: Option<f32>,
    positions: Option<(Rows<'p, P>, PositionRows<'_>)>,
    window: Window,
    out: &mut [f32],
) {
    for (r, out) in out.chunks_exact_mut(window.cols).enumerate() {
        let x = token.of_id(ids, r).cols(window.cols());
        let position =
            positions.map(|(table, rows)| rows.pick(table, window.first_row + r).cols(window.cols()));
        match (scale, position) {
            (None, None) => x.copy_to(simd, out),
            (Some(scale), None) => for_each_vector(
                simd,
                out,
                #[inline(always)]
                |c, n, _| simd.mul(x.load(simd, c, n), simd.splat(scale)),
            ),
            (None, Some(position)) => for_each_vector(
                simd,
                out,
                #[inline(always)]
                |c, n, _| simd.add(x.load(simd, c, n), position.load(simd, c, n)),
            ),
            (Some(scale), Some(position)) => for_each_vector(
                simd,
                out,
                #[inline(always)]
                |c, n, _| {
                    let x = simd.mul(x.load(simd, c, n), simd.splat(scale));
                    simd.add(x, position.load(simd, c, n))
                },
            ),
        }
    }
}
