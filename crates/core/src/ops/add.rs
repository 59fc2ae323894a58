//! Position rows added to vectors that already exist.

use crate::checked::Indices;
use crate::ops::dropout::{dropout, Dropout};
use crate::row::{with_rows, Row};
use crate::simd::{dispatch, for_each_row, for_each_vector, Isa, Simd};
use crate::table::{Rows, Table};
use crate::tuning::tuning;
use crate::window::{for_each_block, Window};

/// Which row of the position table row `r` of the result takes; `r` counts from the first row of the whole
/// result, not of a window.
#[derive(Debug, Clone, Copy)]
pub enum PositionRows<'a> {
    /// Row `start + r % seq`: sequences of `seq` rows, each from position `start` on.
    From {
        /// The first position of each sequence.
        start: usize,
        /// Rows in a sequence.
        seq: usize,
    },
    /// Row `ids[(r - first) % ids.len()]`: one list of positions for all sequences, or for every row its own.
    At {
        /// The list, or the part of it that a window needs.
        ids: Indices<'a>,
        /// The row of the result that takes the first of them.
        first: usize,
    },
}

/// A table of position rows, and which of them each row of the result takes.
#[derive(Debug, Clone, Copy)]
pub struct Positions<'a> {
    /// The table.
    pub table: Table<'a>,
    /// The choice of rows.
    pub rows: PositionRows<'a>,
}

impl PositionRows<'_> {
    /// The position row that row `r` of the result takes.
    #[inline(always)]
    pub(crate) fn pick<'p, P: Row<'p>>(&self, table: Rows<'p, P>, r: usize) -> P {
        match *self {
            PositionRows::From { start, seq } => table.row(start + r % seq),
            PositionRows::At { ids, first } => table.of_id(ids, (r - first) % ids.len()),
        }
    }
}

/// What the positions are added to.
#[derive(Debug)]
pub enum Source<'a> {
    /// These values, as many as the window holds.
    Slice(&'a [f32]),
    /// The values that stand in `out`.
    InPlace,
}

/// Adds position rows, then applies dropout.
///
/// ```text
/// positions [P, D], x [rows, D] -> out [rows, D], of which the window is computed
/// out[r] = f32(x[r] + positions[row of r]); dropout on element r * D + c
/// ```
/// `out` and `x` hold exactly the window, and `out` is wholly written.
///
/// # Panics
/// When lengths do not fit the window, the window does not fit the table, or a position is not a row of the
/// table.
pub fn add(
    isa: Isa,
    positions: &Positions<'_>,
    chances: Option<&Dropout>,
    window: Window,
    x: Source<'_>,
    out: &mut [f32],
) {
    let Positions { table, rows } = *positions;
    let first = window.first_element(table.dim(), out.len());
    if let Source::Slice(x) = x {
        assert_eq!(x.len(), out.len(), "x does not fit the window");
    }
    // What is read again, or was read just now, is in the caches: streamed, it would leave them.
    let copied = matches!(x, Source::Slice(_));
    let streamed = chances.is_none() && copied && tuning().streams(table.row_bytes(), size_of_val(out));
    for_each_block(window, chances.is_some(), out, |start, window, out| {
        let x = match x {
            Source::Slice(x) => Some(&x[start..][..out.len()]),
            Source::InPlace => None,
        };
        dispatch!(isa, simd => with_rows!(table, table => {
            add_rows(simd, table, rows, window, x, streamed, out)
        }));
        if let Some(chances) = chances {
            dropout(isa, chances, first + start as u64, out);
        }
    });
}

#[inline(always)]
fn add_rows<'a, S: Simd, P: Row<'a>>(
    simd: S,
    table: Rows<'a, P>,
    rows: PositionRows<'_>,
    window: Window,
    x: Option<&[f32]>,
    streamed: bool,
    out: &mut [f32],
) {
    macro_rules! position_row {
        ($r:ident) => {
            rows.pick(table, window.first_row + $r).cols(window.cols())
        };
    }
    match x {
        Some(x) => for_each_row(
            simd,
            streamed,
            window.cols,
            out,
            #[inline(always)]
            |r| (&x[r * window.cols..][..window.cols], position_row!(r)),
            #[inline(always)]
            |(x, position), c, n| simd.add(simd.load(&x[c..c + n]), position.load(simd, c, n)),
        ),
        None => {
            for (r, out) in out.chunks_exact_mut(window.cols).enumerate() {
                let position = position_row!(r);
                for_each_vector(
                    simd,
                    out,
                    #[inline(always)]
                    |c, n, held| simd.add(simd.load(held), position.load(simd, c, n)),
                );
            }
        }
    }
}
