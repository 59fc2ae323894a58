//! Rotary positions: rotates pairs of columns by the angle of the row's position.
//!
//! ```text
//! turn [P, R], the sinusoidal table of R columns; x [rows, D] -> out [rows, D], D >= R
//! row r has position q(r); s = sin, c = cos of q w_i
//! halves       (a, b) = (x[i], x[i + R/2])      interleaved   (a, b) = (x[2i], x[2i + 1])
//! a' = f32(f32(a c) - f32(b s));  b' = f32(f32(b c) + f32(a s));  inverse: -s;  columns from R on are unchanged
//! ```

use crate::expr::{rotate_halves, RotatedHalves, RotatedPairs};
use crate::ops::position::{PositionRows, Positions, Source};
use crate::ops::rows::for_each_row;
use crate::ops::sinusoid::Layout;
use crate::output::Output;
use crate::row::{Plain, Row};
use crate::simd::{dispatch, Simd, MAX_LANES};
use crate::table::Table;
use crate::tuning::Exec;
use crate::window::Window;

/// A rotary operation.
#[derive(Debug, Clone, Copy)]
pub struct Rotary<'a> {
    /// The sines and cosines of each position, `[P, R]`: a sinusoidal table of the same layout.
    pub turn: Table<'a>,
    /// The columns that form a pair.
    pub layout: Layout,
    /// Whether the rotation is inverted.
    pub inverse: bool,
    /// Heads that share the positions of a sequence.
    pub heads: usize,
    /// Rows in a sequence.
    pub seq: usize,
}

impl Rotary<'_> {
    /// The index of row `r` in the positions of all sequences. The heads of a batch entry share one sequence.
    pub fn place(&self, r: usize) -> usize {
        r / (self.heads * self.seq) * self.seq + r % self.seq
    }

    fn direction(&self) -> f32 {
        if self.inverse {
            -1.0
        } else {
            1.0
        }
    }
}

/// Rotates whole rows of `dim` values.
///
/// `positions` returns the position of a row from its [`Rotary::place`]. `out`, and `x` if it is a slice, hold exactly
/// the window, and every value of `out` is written.
///
/// # Panics
/// If lengths do not match the window, the window is not whole rows, a row is shorter than `turn`'s, `R` is odd, or a
/// position is not a row of `turn`.
pub fn rotate<'o>(
    exec: impl Into<Exec>,
    rotary: &Rotary<'_>,
    positions: PositionRows<'_>,
    dim: usize,
    window: Window,
    x: Source<'_>,
    out: impl Into<Output<'o>>,
) {
    rotate_into(exec.into(), rotary, positions, dim, window, x, out.into())
}

#[inline(never)]
fn rotate_into(
    exec: Exec,
    rotary: &Rotary<'_>,
    positions: PositionRows<'_>,
    dim: usize,
    window: Window,
    x: Source<'_>,
    out: Output<'_>,
) {
    let turned = rotary.turn.dim();
    assert!(
        turned <= dim && turned.is_multiple_of(2),
        "columns that are odd, or outside the rows"
    );
    assert!(window.cols() == (0..dim), "whole rows");
    window.first_element(dim, out.values.len());
    if out.values.is_empty() {
        return;
    }
    let open = Positions {
        table: rotary.turn,
        rows: positions,
    }
    .open();
    let turn = |r: usize| open.row(rotary.place(window.first_row + r));
    let (half, direction) = (turned / 2, rotary.direction());
    let bytes = size_of_val(&out.values[..dim]);
    if let Source::Slice(x) = x {
        assert!(x.len() == out.values.len(), "x does not fit the window");
    }
    dispatch!(exec.isa, simd => match in_place_unless_fused(simd, x, out.values) {
        Source::Slice(x) => {
            let non_temporal = exec.tuning.non_temporal(bytes, out.bytes);
            let x = |r: usize| Plain::of(&x[r * dim..][..dim]);
            match rotary.layout {
                Layout::Halves => for_each_row(simd, non_temporal, dim, out.values, #[inline(always)] |r| {
                    RotatedHalves { x: x(r), turn: turn(r), half, direction, first: 0 }
                }),
                Layout::Interleaved => for_each_row(simd, non_temporal, dim, out.values, #[inline(always)] |r| {
                    RotatedPairs { x: x(r), turn: turn(r), len: turned, direction, first: 0 }
                }),
            }
        }
        Source::InPlace => for (r, row) in out.values.chunks_exact_mut(dim).enumerate() {
            match rotary.layout {
                Layout::Halves => {
                    let (first, rest) = row.split_at_mut(half);
                    let second = &mut rest[..half];
                    rotate_halves(simd, turn(r), direction, first, second, #[inline(always)] |_, _, first, second| {
                        (simd.load(first), simd.load(second))
                    });
                }
                Layout::Interleaved => {
                    rotate_pairs(simd, turn(r), direction, &mut row[..turned]);
                }
            }
        }
    });
}

/// The values to rotate. They are copied to `out` first if the instruction set does not rotate them on the way.
#[inline(always)]
fn in_place_unless_fused<'x, S: Simd>(_: S, x: Source<'x>, out: &mut [f32]) -> Source<'x> {
    match x {
        Source::Slice(x) if !S::FUSED => {
            out.copy_from_slice(x);
            Source::InPlace
        }
        x => x,
    }
}

/// Rotates the pairs `(row[2 i], row[2 i + 1])` in place, through a copy of a few pairs at a time.
#[inline(always)]
fn rotate_pairs<S: Simd>(simd: S, turn: impl Row, direction: f32, row: &mut [f32]) {
    for (v, pairs) in row.chunks_mut(MAX_LANES).enumerate() {
        let mut copy = [0.0; MAX_LANES];
        copy[..pairs.len()].copy_from_slice(pairs);
        let from = v * MAX_LANES;
        let rotated = RotatedPairs {
            x: Plain::of(&copy[..pairs.len()]),
            turn: turn.cols(from..from + pairs.len()),
            len: pairs.len(),
            direction,
            first: 0,
        };
        rotated.copy_to(simd, pairs);
    }
}

/// Rotates a part of a row of halves in place: columns `first_pair ..` of both halves.
///
/// # Panics
/// If the parts have different lengths, or are not columns of `turn`.
#[inline(never)]
pub fn rotate_parts(
    rotary: &Rotary<'_>,
    positions: PositionRows<'_>,
    row: usize,
    first_pair: usize,
    first: &mut [f32],
    second: &mut [f32],
) {
    assert!(first.len() == second.len(), "pairs");
    rotate_each(rotary, positions, row, first_pair, first.iter_mut().zip(second));
}

/// Rotates a part of an interleaved row in place: columns `2 first_pair ..`.
///
/// # Panics
/// If the part ends inside a pair, or is not columns of `turn`.
#[inline(never)]
pub fn rotate_part(
    rotary: &Rotary<'_>,
    positions: PositionRows<'_>,
    row: usize,
    first_pair: usize,
    part: &mut [f32],
) {
    assert!(part.len().is_multiple_of(2), "whole pairs");
    let pairs = part.chunks_exact_mut(2).map(|pair| pair.split_at_mut(1));
    let pairs = pairs.map(|(a, b)| (&mut a[0], &mut b[0]));
    rotate_each(rotary, positions, row, first_pair, pairs);
}

fn rotate_each<'p>(
    rotary: &Rotary<'_>,
    positions: PositionRows<'_>,
    row: usize,
    first_pair: usize,
    pairs: impl ExactSizeIterator<Item = (&'p mut f32, &'p mut f32)>,
) {
    let half = rotary.turn.dim() / 2;
    assert!(first_pair + pairs.len() <= half, "pairs outside the columns");
    let open = Positions {
        table: rotary.turn,
        rows: positions,
    }
    .open();
    let turn = open.row(rotary.place(row));
    for (i, (a, b)) in pairs.enumerate() {
        let (sin, cos) = match rotary.layout {
            Layout::Halves => (turn.get(first_pair + i), turn.get(half + first_pair + i)),
            Layout::Interleaved => (turn.get(2 * (first_pair + i)), turn.get(2 * (first_pair + i) + 1)),
        };
        let sin = sin * rotary.direction();
        (*a, *b) = (*a * cos + *b * -sin, *b * cos + *a * sin);
    }
}
