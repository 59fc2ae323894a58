//! Sinusoidal positions: PE[p, column] = sin or cos of p w_i, each element rounded once to f32.
//!
//! Column c is sin(2 pi (p t_c + s_c)). t_c = w_i / 2 pi in 128-bit fixed point; s_c is a quarter turn for a
//! cosine and 0 for a sine. There are three methods to compute an element, each with a proven error bound:
//!
//! ```text
//! rotated  f64: a point of the unit circle from an earlier row, rotated by the angle between the rows
//! direct   f64: sine and cosine of the top 64 bits of the angle
//! exact    integers: the sine of all 128 bits of the angle
//! ```
//! If all numbers within the bound round to the same f32, that f32 is the result. Otherwise the next method is
//! used; the last one always decides. The result is therefore always the rounded exact value, whatever the
//! estimates are, and does not depend on the window of rows or columns.
//!
//! Consecutive rows are computed by rotation, one tile of columns at a time:
//!
//! ```text
//! steps[k] = points of position k, 0 <= k <= GROUP, without the shift
//! for each row r:
//!     r mod RUN = 0:          anchor = points of position first + r
//!     else r mod GROUP = 0:   anchor = anchor rotated by steps[GROUP]
//!     out[r] = anchor rotated by steps[r mod GROUP], rounded
//!     elements too close to a rounding boundary: direct
//! ```
//! This takes two products and a sum per element instead of two polynomials. A few rows do not repay the computation of
//! the steps and use the direct method. Rows by position are computed in runs of consecutive positions.

use core::ops::Range;

use crate::indices::Indices;
use crate::math::{in_quadrant, sin_cos_eighth};
use crate::simd::{dispatch_plain, Isa};
use crate::turn::{frequencies, sin_f32, turns, Fixed};

/// Which columns are sines and which are cosines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// sin w_0, cos w_0, sin w_1, cos w_1, ... An odd dim ends with a sine.
    Interleaved,
    /// All ceil(dim / 2) sines, then all cosines.
    Halves,
}

impl Layout {
    /// The index of the frequency of column `column` of `dim`, and whether the column is a cosine.
    fn column(self, column: usize, dim: usize) -> (usize, bool) {
        let sines = dim.div_ceil(2);
        match self {
            Self::Interleaved => (column / 2, column % 2 == 1),
            Self::Halves if column < sines => (column, false),
            Self::Halves => (column - sines, true),
        }
    }
}

/// A sinusoidal encoding: the precomputed frequencies of its columns, 24 bytes per column.
#[derive(Clone, Debug)]
pub struct Sinusoid {
    frequencies: Frequencies,
    /// The top 64 bits of t for each column.
    high: Vec<u64>,
    /// The next 64 bits of t.
    low: Vec<u64>,
    /// The phase, added to the top 64 bits of the angle: a quarter turn for a cosine.
    shift: Vec<u64>,
    /// Columns whose frequency is below [`SMALL`], with it.
    small: Vec<(usize, f64)>,
}

/// Where the w_i come from.
#[derive(Clone, Debug)]
enum Frequencies {
    /// w_i = base^(-2 i / dim)
    Powers(f64),
    /// In radians per position.
    Listed(Vec<f64>),
}

/// Below this frequency 128 bits of a turn are too few for the sine of a position. But then p w < 2^-28 for every
/// position, and f64 has sin(p w) = p w and cos(p w) = 1.
const SMALL: f64 = 1.0 / (1u64 << 60) as f64;

impl Sinusoid {
    /// The encoding of `dim` columns with w_i = base^(-2 i / dim).
    ///
    /// # Panics
    /// If `dim` is 0, or `base` is not in [1, 1e12].
    pub fn new(dim: usize, base: f64, layout: Layout) -> Self {
        assert!(
            dim >= 1 && (1.0..=1e12).contains(&base),
            "no columns, or a base outside [1, 1e12]"
        );
        let powers: Vec<u128> = frequencies(base, dim)
            .take(dim.div_ceil(2))
            .map(|w| w.times(Fixed::RADIAN).fraction())
            .collect();
        Self::of(Frequencies::Powers(base), &powers, dim, layout)
    }

    /// The encoding of `2 w.len()` columns with the frequencies `w`, radians per position, each taken as the exact f64.
    ///
    /// # Panics
    /// When there are none, or one is negative or not finite.
    pub fn with_frequencies(w: &[f64], layout: Layout) -> Self {
        assert!(!w.is_empty(), "no frequencies");
        assert!(
            w.iter().all(|&w| w.is_finite() && w >= 0.0),
            "a frequency is negative or not finite"
        );
        let listed: Vec<u128> = w.iter().map(|&w| turns(w)).collect();
        let dim = 2 * w.len();
        let mut made = Self::of(Frequencies::Listed(w.to_vec()), &listed, dim, layout);
        let columns = (0..dim).map(|c| (c, w[layout.column(c, dim).0]));
        made.small = columns.filter(|&(_, w)| w < SMALL).collect();
        made
    }

    fn of(frequencies: Frequencies, turns: &[u128], dim: usize, layout: Layout) -> Self {
        let columns = || (0..dim).map(|c| layout.column(c, dim));
        Self {
            frequencies,
            high: columns().map(|(i, _)| (turns[i] >> 64) as u64).collect(),
            low: columns().map(|(i, _)| turns[i] as u64).collect(),
            shift: columns().map(|(_, cosine)| u64::from(cosine) << 62).collect(),
            small: Vec::new(),
        }
    }

    /// The number of columns.
    pub fn dim(&self) -> usize {
        self.high.len()
    }

    /// All w_i, i < ceil(dim / 2), in radians per position, rounded to f64, the highest first.
    pub fn frequencies(&self) -> Vec<f64> {
        match &self.frequencies {
            Frequencies::Powers(base) => frequencies(*base, self.dim())
                .take(self.dim().div_ceil(2))
                .map(Fixed::to_f64)
                .collect(),
            Frequencies::Listed(listed) => listed.clone(),
        }
    }

    /// Replaces the small columns of one row.
    fn put_small(&self, position: u64, cols: &Range<usize>, row: &mut [f32]) {
        for &(column, w) in self.small.iter().filter(|(column, _)| cols.contains(column)) {
            let sine = self.shift[column] == 0;
            row[column - cols.start] = if sine { (position as f64 * w) as f32 } else { 1.0 };
        }
    }

    fn require(&self, cols: &Range<usize>) {
        assert!(
            cols.start <= cols.end && cols.end <= self.dim(),
            "columns outside the rows"
        );
    }
}

/// Computes consecutive rows from `first_position` on, restricted to the columns `cols`.
///
/// ```text
/// out [rows, cols.len()]
/// out[r] = PE[first_position + r][cols]
/// ```
/// Every element of `out` is written.
///
/// # Panics
/// If `cols` is out of range, `out` is not a whole number of rows, or a position exceeds 2^32 - 1.
#[inline(never)]
pub fn sinusoid_rows(isa: Isa, s: &Sinusoid, first_position: u64, cols: Range<usize>, out: &mut [f32]) {
    s.require(&cols);
    if out.is_empty() {
        return;
    }
    let width = cols.len();
    assert!(width > 0, "no columns fill no output");
    assert!(
        out.len().is_multiple_of(width),
        "rows that do not fill the output"
    );
    let rows = out.len() / width;
    assert!(
        first_position <= (1 << 32) - rows as u64,
        "positions above 2^32 - 1"
    );
    let run = |r| (first_position + r as u64, rows - r);
    for_each_run(isa, s, &run, cols, out)
}

/// Computes one row for each position, restricted to the columns `cols`.
///
/// ```text
/// positions [n], each in [0, 2^32) -> out [n, cols.len()]
/// out[r] = PE[positions[r]][cols]
/// ```
/// Every element of `out` is written.
///
/// # Panics
/// If `cols` is out of range, or `out` has another length.
#[inline(never)]
pub fn sinusoid_at(isa: Isa, s: &Sinusoid, positions: Indices<'_>, cols: Range<usize>, out: &mut [f32]) {
    s.require(&cols);
    let width = cols.len();
    assert!(
        positions.len() * width == out.len(),
        "rows that do not fit the output"
    );
    let run = |r| {
        let first = positions.get(r) as u64;
        let mut rows = 1;
        while r + rows < positions.len()
            && rows < CHUNK
            && positions.get(r + rows) as u64 == first + rows as u64
        {
            rows += 1;
        }
        (first, rows)
    };
    for_each_run(isa, s, &run, cols, out)
}

/// Computes rows in runs of consecutive positions. `run(r)` is the position of row `r`, and the number of rows in the
/// run from there on.
///
/// One function for both kinds of rows, so that its code exists once.
#[inline(never)]
fn for_each_run(
    isa: Isa,
    s: &Sinusoid,
    run: &dyn Fn(usize) -> (u64, usize),
    cols: Range<usize>,
    out: &mut [f32],
) {
    let width = cols.len();
    dispatch_plain!(isa, {
        let (mut r, mut out) = (0, out);
        while !out.is_empty() {
            let (first, rows) = run(r);
            let rows = rows.min(CHUNK);
            let (of_run, rest) = out.split_at_mut(rows * width);
            consecutive(s, first as u32, cols.clone(), of_run);
            for (position, row) in (first..).zip(of_run.chunks_exact_mut(width)) {
                s.put_small(position, &cols, row);
            }
            (r, out) = (r + rows, rest);
        }
    });
}

/// Rows between two rotations of the anchor.
const GROUP: usize = 8;
/// Rows between two directly computed anchors. [`ERROR`] grows with RUN / GROUP.
const RUN: usize = 128;
/// Columns per tile. The points of a tile take 16 TILE (GROUP + 2) bytes of stack.
const TILE: usize = 256;
/// Rows computed for one tile before the next tile. Rows are written in pieces, and the pages of this many rows
/// stay in the TLB.
const CHUNK: usize = 512;

/// Points of the unit circle, one for each column of a tile. `y` is the value of the column, `x` the value a quarter
/// turn ahead.
#[repr(align(64))]
struct Points {
    y: [f64; TILE],
    x: [f64; TILE],
}

impl Points {
    const ZERO: Self = Self {
        y: [0.0; TILE],
        x: [0.0; TILE],
    };

    /// Sets the points of `position` in the columns `cols`. Steps are `shifted: false`: without the phase of the
    /// layout.
    #[inline(always)]
    fn set(&mut self, s: &Sinusoid, position: u32, cols: Range<usize>, shifted: bool) {
        let (high, low, shift) = (&s.high[cols.clone()], &s.low[cols.clone()], &s.shift[cols]);
        let points = self.y.iter_mut().zip(&mut self.x);
        for ((((y, x), &high), &low), &shift) in points.zip(high).zip(low).zip(shift) {
            (*y, *x) = point(position, high, low, if shifted { shift } else { 0 });
        }
    }

    /// Rotates the first `n` points by the angles of `step`.
    #[inline(always)]
    fn rotate(&mut self, step: &Self, n: usize) {
        let points = self.y[..n].iter_mut().zip(&mut self.x[..n]);
        for (((y, x), sin), cos) in points.zip(&step.y[..n]).zip(&step.x[..n]) {
            (*y, *x) = (*y * cos + *x * sin, *x * cos - *y * sin);
        }
    }

    /// Writes `y` of the points rotated by the angles of `step`, rounded to f32. Returns false if [`ERROR`] leaves
    /// the rounding of an element undecided.
    ///
    /// The loop has no branch, so that it vectorizes. [`decides`](Self::decides) finds the undecided elements.
    #[inline(always)]
    fn round_rotated(&self, step: &Self, out: &mut [f32]) -> bool {
        let n = out.len();
        let points = self.y[..n].iter().zip(&self.x[..n]);
        let steps = step.y[..n].iter().zip(&step.x[..n]);
        let mut differing = 0;
        for (out, ((y, x), (sin, cos))) in out.iter_mut().zip(points.zip(steps)) {
            let v = y * cos + x * sin;
            let (below, above) = ((v - ERROR) as f32, (v + ERROR) as f32);
            *out = below;
            differing |= below.to_bits() ^ above.to_bits();
        }
        differing == 0
    }

    /// Whether the rounding of column `c` of the rotated points is decided.
    #[inline(always)]
    fn decides(&self, step: &Self, c: usize) -> bool {
        let v = self.y[c] * step.x[c] + self.x[c] * step.y[c];
        ((v - ERROR) as f32).to_bits() == ((v + ERROR) as f32).to_bits()
    }
}

/// A bound on the error of a rotated point, including the rounding of `v - ERROR` and `v + ERROR` to f64.
///
/// Points are complex numbers x + i y of length 1. Absolute errors in units of u = 2^-53:
/// ```text
/// point          5 u in each part, plus 2 pi 2^-63 for the angle: less than   5.02 u together
/// rotation       rounding of the product, at most sqrt(5) u (Brent, Percival, Zimmermann 2007,
///                without fused operations), plus 5.02 u of the step: less than   7.3 u
/// row            a point, RUN / GROUP - 1 rotations of the anchor, one by the step:   5.02 u + 16 * 7.3 u < 122 u
/// v +- ERROR     at most 1 + 2^-46, rounded to f64:   u
/// ```
/// ERROR = 2^-46 = 128 u. Rounding is monotonic: if v - ERROR and v + ERROR round to the same f32, so does the
/// exact value. That f32 is at least about 2^-23, because its neighbors must be further apart than 2 ERROR.
const ERROR: f64 = f64::from_bits((1023 - 46) << 52);
const _: () = assert!(RUN / GROUP <= 16, "ERROR is proven for 16 rotations");

/// Consecutive rows from `first` on, restricted to `cols`.
#[inline(always)]
fn consecutive(s: &Sinusoid, first: u32, cols: Range<usize>, out: &mut [f32]) {
    let width = cols.len();
    if out.len() < 2 * GROUP * width {
        for (position, out) in (first..=u32::MAX).zip(out.chunks_exact_mut(width)) {
            direct(s, position, cols.clone(), out);
        }
        return;
    }
    let mut steps = [const { Points::ZERO }; GROUP + 1];
    let mut anchor = Points::ZERO;
    for from in (0..width).step_by(TILE) {
        let n = TILE.min(width - from);
        let cols = cols.start + from..cols.start + from + n;
        for (k, step) in (0..).zip(&mut steps) {
            step.set(s, k, cols.clone(), false);
        }
        for (r, out) in out.chunks_exact_mut(width).enumerate() {
            let (position, out) = (first + r as u32, &mut out[from..][..n]);
            if r % RUN == 0 {
                anchor.set(s, position, cols.clone(), true);
            } else if r % GROUP == 0 {
                anchor.rotate(&steps[GROUP], n);
            }
            let step = &steps[r % GROUP];
            if !anchor.round_rotated(step, out) {
                for (c, out) in out.iter_mut().enumerate() {
                    if !anchor.decides(step, c) {
                        let column = cols.start + c..cols.start + c + 1;
                        direct(s, position, column, std::slice::from_mut(out));
                    }
                }
            }
        }
    }
}

/// One row, restricted to `cols`, computed from the angle of each element. Undecided elements are NaN between the
/// two loops.
///
/// ```text
/// v = point's y       |v - exact value| < |v| (2^-51 + 2^-53) + 2 pi 2^-63
///                                       < |v| 2^-50 + 2^-60 =: error
/// ```
/// If v - error and v + error round to the same f32, so does the exact value. (Both are first rounded to f64, by at
/// most |v| 2^-53. The slack of the bound covers this.)
#[inline(always)]
fn direct(s: &Sinusoid, position: u32, cols: Range<usize>, out: &mut [f32]) {
    let (high, low, shift) = (&s.high[cols.clone()], &s.low[cols.clone()], &s.shift[cols]);
    if position == 0 {
        // No error bound decides the rounding of 0.
        for (out, &shift) in out.iter_mut().zip(shift) {
            *out = if shift == 0 { 0.0 } else { 1.0 };
        }
        return;
    }
    let mut differing = 0;
    for (((out, &high), &low), &shift) in out.iter_mut().zip(high).zip(low).zip(shift) {
        let (v, _) = point(position, high, low, shift);
        let error = v.abs() * TWO_NEGATIVE_50 + TWO_NEGATIVE_60;
        let (below, above) = ((v - error) as f32, (v + error) as f32);
        *out = if below == above { below } else { f32::NAN };
        differing |= below.to_bits() ^ above.to_bits();
    }
    if differing != 0 {
        for (k, out) in out.iter_mut().enumerate() {
            if out.is_nan() {
                *out = exact(position, high[k], low[k], shift[k]);
            }
        }
    }
}

/// Estimates the sine of a column's angle, and the sine of the angle a quarter turn ahead.
///
/// ```text
/// a = floor(p t 2^64) + s, mod 2^64     a / 2^64 is the angle in turns, less than 2^-63 too small
/// ```
/// The relative error of each is below 2^-51 + 2^-53 (the bound of `sin_cos_eighth`, and the rounding of its
/// argument), plus an absolute error of 2 pi 2^-63 for the angle. At position 0 both are exact.
///
/// The products are 32 x 32 bits, and the two halves of the angle are converted to f64 separately: every instruction
/// set has vector instructions for these.
#[inline(always)]
fn point(position: u32, high: u64, low: u64, shift: u64) -> (f64, f64) {
    let p = u64::from(position);
    let a = (p * (high & 0xffff_ffff))
        .wrapping_add((p * (high >> 32)) << 32)
        .wrapping_add((p * (low >> 32)) >> 32)
        .wrapping_add(shift);
    // The nearest quarter turn and the exact rest, which is rounded to f64 once.
    let quarter = a.wrapping_add(1 << 61) >> 62;
    let rest = a.wrapping_sub(quarter << 62);
    let rest = f64::from((rest >> 32) as i32) * 4_294_967_296.0 + f64::from(rest as u32);
    let (sin, cos) = sin_cos_eighth(rest * TWO_NEGATIVE_64);
    (in_quadrant(quarter, sin, cos), in_quadrant(quarter + 1, sin, cos))
}

/// Computes the element from all 128 bits of its angle.
#[cold]
fn exact(position: u32, high: u64, low: u64, shift: u64) -> f32 {
    let t = u128::from(high) << 64 | u128::from(low);
    sin_f32(
        t.wrapping_mul(u128::from(position))
            .wrapping_add(u128::from(shift) << 64),
    )
}

const TWO_NEGATIVE_50: f64 = f64::from_bits((1023 - 50) << 52);
const TWO_NEGATIVE_60: f64 = f64::from_bits((1023 - 60) << 52);
const TWO_NEGATIVE_64: f64 = f64::from_bits((1023 - 64) << 52);

#[cfg(test)]
mod tests;
