//! From token ids to the input of a transformer, in one pass over the output.

use crate::expr::{Plus, Scaled};
use crate::indices::Indices;
use crate::ops::dropout::{dropout, Dropout};
use crate::ops::gather::gather_rows;
use crate::ops::lookup::Lookup;
use crate::ops::position::{add_positions, Positions, Source};
use crate::ops::rows::for_each_row;
use crate::output::Output;
use crate::row::{is_plain, Plain, Row};
use crate::simd::{dispatch, is_fused, Simd};
use crate::table::{Rows, Table};
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

#[inline(never)]
fn embed_into(exec: Exec, op: &Embed<'_>, ids: Indices<'_>, window: Window, out: Output<'_>) {
    let dim = op.token.dim();
    let first = window.first_element(dim, out.values.len());
    assert!(ids.len() == window.rows, "one id for each row of the window");
    if let Some(positions) = &op.positions {
        let width = positions.table.dim();
        assert!(width == dim, "tokens and positions are of unequal width");
    }
    let steps = op.scale.is_some() || op.positions.is_some();
    let stepwise = !is_plain(op.token.spec().dtype()) || !dispatch!(exec.isa, simd => is_fused(simd));
    let twice = op.dropout.is_some() || steps && stepwise;
    let plan = exec.tuning.plan(ids.len(), &op.token.spec(), out.bytes);
    // The second pass reads the output: non-temporal stores would send it to memory and back.
    let plan = Plan {
        non_temporal: plan.non_temporal && !twice,
        ..plan
    };
    for_each_block(window, twice, out.values, |start, block, out| {
        // Up to the end of the window, so that the rows of the next block are prefetched too.
        let ids = ids.slice(block.first_row - window.first_row..ids.len());
        if stepwise || !steps {
            embed_stepwise(exec, op, ids, block, plan, out);
        } else {
            dispatch!(exec.isa, simd => {
                let token = Lookup::new(simd, Rows::of(op.token), ids, plan.prefetch);
                embed_rows(simd, token, op, block, plan, out)
            });
        }
        if let Some(dropped) = &op.dropout {
            dropout(exec.isa, dropped, first + start as u64, out);
        }
    });
}

/// Writes the rows to `out`, and computes the other steps there, one after the other.
fn embed_stepwise(exec: Exec, op: &Embed<'_>, ids: Indices<'_>, window: Window, plan: Plan, out: &mut [f32]) {
    gather_rows(exec.isa, op.token, ids, window.cols(), plan, out);
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
fn embed_rows<S: Simd>(
    simd: S,
    token: Lookup<'_, '_, Plain<'_>>,
    op: &Embed<'_>,
    window: Window,
    plan: Plan,
    out: &mut [f32],
) {
    let cols = window.cols();
    if !S::FUSED {
        return; // never called: see `embed_stepwise`
    }
    match (op.scale, op.positions.map(|positions| positions.open())) {
        // Rows without scale and positions are gathered.
        (scale, None) => for_each_row(
            simd,
            plan.non_temporal,
            window.cols,
            out,
            #[inline(always)]
            |r| Scaled(token.open(simd, r), scale.unwrap_or(1.0)).cols(cols.clone()),
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
