//! From token ids to the input of a transformer, in one pass over the output.

use crate::checked::Indices;
use crate::ops::add::{PositionRows, Positions};
use crate::ops::dropout::{dropout, Dropout};
use crate::ops::gather::gather_rows;
use crate::ops::lookup::Lookup;
use crate::row::{with_rows, Row};
use crate::simd::{dispatch, for_each_row, Isa, Simd};
use crate::table::{Rows, Table};
use crate::tuning::{lookup_plan, Plan};
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
    let Plan { ahead, streamed } = lookup_plan(ids.len(), token.bytes(), token.row_bytes(), size_of_val(out));
    // What is dropped from is read again: streamed, it would come back from memory.
    let streamed = streamed && chances.is_none();
    for_each_block(window, chances.is_some(), out, |start, block, out| {
        // To the end of the window: rows of the next block are asked for ahead too.
        let ids = ids.slice(block.first_row - window.first_row..ids.len());
        dispatch!(isa, simd => with_rows!(token, token => {
            let rows = Lookup::new(token, ids, ahead);
            match positions {
                None => layer_rows(simd, rows, scale, no_positions(token), block, streamed, out),
                Some(Positions { table, rows: taken }) => with_rows!(table, table => {
                    layer_rows(simd, rows, scale, Some((table, taken)), block, streamed, out)
                }),
            }
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
    token: Lookup<'t, '_, T>,
    scale: Option<f32>,
    positions: Option<(Rows<'p, P>, PositionRows<'_>)>,
    window: Window,
    streamed: bool,
    out: &mut [f32],
) {
    macro_rules! rows {
        ($open:ident, |$row:pat_param, $c:ident, $n:ident| $value:expr) => {
            for_each_row(
                simd,
                streamed,
                window.cols,
                out,
                #[inline(always)]
                |r| $open!(r),
                #[inline(always)]
                |$row, $c, $n| $value,
            )
        };
    }
    macro_rules! token_row {
        ($r:ident) => {
            token.open(simd, $r).cols(window.cols())
        };
    }
    let Some((table, taken)) = positions else {
        let Some(scale) = scale else {
            return gather_rows(simd, token, window.cols(), streamed, out);
        };
        return rows!(token_row, |x, c, n| simd
            .mul(x.load(simd, c, n), simd.splat(scale)));
    };
    macro_rules! both_rows {
        ($r:ident) => {
            (
                token_row!($r),
                taken.pick(table, window.first_row + $r).cols(window.cols()),
            )
        };
    }
    match scale {
        None => rows!(both_rows, |(x, p), c, n| simd
            .add(x.load(simd, c, n), p.load(simd, c, n))),
        Some(scale) => rows!(both_rows, |(x, p), c, n| {
            let x = simd.mul(x.load(simd, c, n), simd.splat(scale));
            simd.add(x, p.load(simd, c, n))
        }),
    }
}
