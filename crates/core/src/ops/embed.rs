//! From token ids to the input of a transformer, in one pass over the output.

use crate::expr::{Plus, Scaled};
use crate::indices::Indices;
use crate::ops::dropout::{dropout, Dropout};
use crate::ops::gather::{gather, gather_rows};
use crate::ops::lookup::Lookup;
use crate::ops::position::{add_positions, Positions, Source};
use crate::ops::rows::for_each_row;
use crate::output::Output;
use crate::row::{is_decoded, with_direct_rows, Row, Stored};
use crate::simd::{dispatch, Simd};
use crate::table::Table;
use crate::tuning::{Exec, Plan};
use crate::window::{for_each_block, Window};

/// An embed operation: lookup, scale, positions and dropout.
#[derive(Debug, Clone, Copy)]
pub struct Embed<'a> {
    /// The token rows, `[V, D]`.
    pub token: Table<'a>,
    /// The factor of the token rows.
    pub scale: Option<f32>,
    /// The position rows that are added, `[P, D]`, stored as f32.
    pub positions: Option<Positions<'a>>,
    /// The dropout, applied last.
    pub dropout: Option<Dropout>,
}

/// Looks up rows, scales them, adds positions and applies dropout. All steps but the first are optional.
///
/// ```text
/// token [V, D], positions [P, D], ids [rows of the window] -> out [rows, D], of which the window is computed
/// x = token[id]; x = f32(x * scale); x = f32(x + positions[row of r]); out[r] = x
/// dropout on element r * D + c
/// ```
/// The bits are the same as those of the steps one after the other. `out` holds exactly the window, and every value is
/// written.
///
/// # Panics
/// If lengths do not match the window, the window does not match the table, the tables have different widths, or a
/// position is not a row of its table.
pub fn embed<'o>(
    exec: impl Into<Exec>,
    op: &Embed<'_>,
    ids: Indices<'_>,
    window: Window,
    out: impl Into<Output<'o>>,
) {
    embed_into(exec.into(), op, ids, window, out.into())
}

fn embed_into(exec: Exec, op: &Embed<'_>, ids: Indices<'_>, window: Window, out: Output<'_>) {
    let dim = op.token.dim();
    let first = window.first_element(dim, out.values.len());
    assert_eq!(ids.len(), window.rows, "one id for each row of the window");
    if let Some(positions) = &op.positions {
        let width = positions.table.dim();
        assert_eq!(width, dim, "tokens and positions are of unequal width");
    }
    let plan = exec.tuning.plan(ids.len(), &op.token.spec(), out.bytes);
    // Dropout reads the output again: non-temporal stores would send it to memory and back.
    let plan = Plan {
        non_temporal: plan.non_temporal && op.dropout.is_none(),
        ..plan
    };
    let decoded = is_decoded(exec.isa, op.token.spec().dtype());
    for_each_block(
        window,
        op.dropout.is_some() || decoded,
        out.values,
        |start, block, out| {
            // Up to the end of the window, so that the rows of the next block are prefetched too.
            let ids = ids.slice(block.first_row - window.first_row..ids.len());
            if decoded {
                embed_decoded(exec, op, ids.slice(0..block.rows), block, out);
            } else {
                dispatch!(exec.isa, simd => with_direct_rows!(simd, op.token, token => {
                    embed_rows(simd, Lookup::new(token, ids, plan.prefetch), op, block, plan, out)
                }));
            }
            if let Some(dropped) = &op.dropout {
                dropout(exec.isa, dropped, first + start as u64, out);
            }
        },
    );
}

/// Decodes the rows into `out`, and computes the steps there.
fn embed_decoded(exec: Exec, op: &Embed<'_>, ids: Indices<'_>, window: Window, out: &mut [f32]) {
    gather(exec, op.token, ids, window.cols(), &mut *out);
    if let Some(scale) = op.scale {
        for x in &mut *out {
            *x *= scale;
        }
    }
    if let Some(positions) = &op.positions {
        add_positions(exec, positions, None, window, Source::InPlace, out);
    }
}

#[inline(always)]
fn embed_rows<'t, S: Simd, T: Stored<'t>>(
    simd: S,
    token: Lookup<'t, '_, T>,
    op: &Embed<'_>,
    window: Window,
    plan: Plan,
    out: &mut [f32],
) {
    let cols = window.cols();
    match (op.scale, op.positions.map(|positions| positions.open())) {
        (None, None) => gather_rows(simd, token, cols, plan, out),
        (Some(scale), None) => for_each_row(
            simd,
            plan.non_temporal,
            window.cols,
            out,
            #[inline(always)]
            |r| Scaled(token.open(simd, r), scale).cols(cols.clone()),
        ),
        (None, Some(position)) => for_each_row(
            simd,
            plan.non_temporal,
            window.cols,
            out,
            #[inline(always)]
            |r| Plus(token.open(simd, r), position.row(window.first_row + r)).cols(cols.clone()),
        ),
        (Some(scale), Some(position)) => for_each_row(
            simd,
            plan.non_temporal,
            window.cols,
            out,
            #[inline(always)]
            |r| {
                let token = Scaled(token.open(simd, r), scale);
                Plus(token, position.row(window.first_row + r)).cols(cols.clone())
            },
        ),
    }
}
