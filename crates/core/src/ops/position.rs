//! Adds position rows to existing vectors.

use crate::expr::Plus;
use crate::indices::Indices;
use crate::ops::dropout::{dropout, Dropout};
use crate::ops::rows::for_each_row;
use crate::output::Output;
use crate::row::{Plain, Row};
use crate::simd::{dispatch, for_each_vector, Simd};
use crate::table::{Rows, Table};
use crate::tuning::Exec;
use crate::window::{for_each_block, Window};

/// The row of the position table for row `r` of the result. `r` counts from the first row of the whole result, not of a
/// window.
#[derive(Debug, Clone, Copy)]
pub enum PositionRows<'a> {
    /// Row `start + r % seq`: sequences of `seq` rows, each starting at position `start`.
    From {
        /// The first position of each sequence.
        start: usize,
        /// Rows in a sequence.
        seq: usize,
    },
    /// Row `ids[(r - first) % ids.len()]`: one list of positions for all sequences, or one position per row.
    At {
        /// The list, or the part of it that a window needs.
        ids: Indices<'a>,
        /// The row of the result that takes the first of them.
        first: usize,
    },
}

impl PositionRows<'_> {
    /// The row of the table for row `r` of the result.
    #[inline(always)]
    pub fn row(&self, r: usize) -> usize {
        match self {
            PositionRows::From { start, seq } => start + r % seq,
            PositionRows::At { ids, first } => ids.get((r - first) % ids.len()),
        }
    }
}

/// A table of position rows, stored as f32, and the choice of a row for each row of the result.
#[derive(Debug, Clone, Copy)]
pub struct Positions<'a> {
    /// The table.
    pub table: Table<'a>,
    /// The choice of rows.
    pub rows: PositionRows<'a>,
}

impl<'a> Positions<'a> {
    /// The rows, as kernels read them.
    #[inline(always)]
    pub(crate) fn open(self) -> OpenPositions<'a> {
        OpenPositions {
            table: Rows::of(self.table),
            rows: self.rows,
        }
    }
}

/// Positions, as kernels read them.
#[derive(Clone, Copy)]
pub(crate) struct OpenPositions<'a> {
    table: Rows<'a, Plain<'a>>,
    rows: PositionRows<'a>,
}

impl<'a> OpenPositions<'a> {
    /// The position row for row `r` of the result.
    #[inline(always)]
    pub fn row(&self, r: usize) -> Plain<'a> {
        match self.rows {
            PositionRows::From { start, seq } => self.table.row(start + r % seq),
            PositionRows::At { ids, first } => self.table.of_id(ids, (r - first) % ids.len()),
        }
    }
}

/// The vectors to which positions are added.
#[derive(Debug)]
pub enum Source<'a> {
    /// These values, as many as the window holds.
    Slice(&'a [f32]),
    /// The values of `out`.
    InPlace,
}

/// Adds position rows, then applies dropout.
///
/// ```text
/// positions [P, D], x [rows, D] -> out [rows, D], of which the window is computed
/// out[r] = f32(x[r] + positions[row of r]); dropout on element r * D + c
/// ```
/// `out` and `x` hold exactly the window, and every value of `out` is written.
///
/// # Panics
/// If lengths do not match the window, the window does not match the table, or a position is not a row of the
/// table.
pub fn add_positions<'o>(
    exec: impl Into<Exec>,
    positions: &Positions<'_>,
    dropped: Option<&Dropout>,
    window: Window,
    x: Source<'_>,
    out: impl Into<Output<'o>>,
) {
    add_into(exec.into(), positions, dropped, window, x, out.into())
}

#[inline(never)]
fn add_into(
    exec: Exec,
    positions: &Positions<'_>,
    dropped: Option<&Dropout>,
    window: Window,
    x: Source<'_>,
    out: Output<'_>,
) {
    let spec = positions.table.spec();
    let first = window.first_element(spec.dim(), out.values.len());
    if let Source::Slice(x) = x {
        assert!(x.len() == out.values.len(), "x does not fit the window");
    }
    // Dropout reads the output again, and an in-place addition has just read it: the output stays in the caches.
    let copied = matches!(x, Source::Slice(_));
    let non_temporal = dropped.is_none() && copied && exec.tuning.non_temporal(spec.row_bytes(), out.bytes);
    for_each_block(window, dropped.is_some(), out.values, |start, window, out| {
        let x = match x {
            Source::Slice(x) => Some(&x[start..][..out.len()]),
            Source::InPlace => None,
        };
        dispatch!(exec.isa, simd => add_rows(simd, positions.open(), window, x, non_temporal, out));
        if let Some(dropped) = dropped {
            dropout(exec.isa, dropped, first + start as u64, out);
        }
    });
}

#[inline(always)]
fn add_rows<S: Simd>(
    simd: S,
    positions: OpenPositions<'_>,
    window: Window,
    x: Option<&[f32]>,
    non_temporal: bool,
    out: &mut [f32],
) {
    let width = window.cols;
    let x = match x {
        Some(x) if !S::FUSED => {
            out.copy_from_slice(x);
            None
        }
        x => x,
    };
    let Some(x) = x else {
        for (r, out) in out.chunks_exact_mut(width).enumerate() {
            let position = positions.row(window.first_row + r).cols(window.cols());
            for_each_vector(
                simd,
                out,
                #[inline(always)]
                |c, n, x| simd.add(simd.load(x), position.load(simd, c, n)),
            );
        }
        return;
    };
    for_each_row(
        simd,
        non_temporal,
        width,
        out,
        #[inline(always)]
        |r| {
            let position = positions.row(window.first_row + r).cols(window.cols());
            Plus(Plain::of(&x[r * width..][..width]), position)
        },
    )
}
