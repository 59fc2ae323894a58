//! Sinusoidal positions: PE[p, column] = sin or cos of p w_i, each element rounded once to f32.
//!
//! Column c is sin(2 pi (p t_c + s_c)): t_c = w_i / 2 pi in 128-bit fixed point, s_c a quarter turn where the
//! layout wants a cosine. An element is first evaluated in f64 from the top 64 bits of its angle, with a
//! proven bound on the error. Where every number within that bound rounds to the same f32, that is the answer;
//! else (about one element in 10^7, and small ones) it is evaluated again in integers from all 128 bits.
//! So whatever the first evaluation is, the bits are those of the exact value.

use core::ops::Range;

use crate::checked::Indices;
use crate::math::{in_quadrant, sin_cos_eighth};
use crate::simd::{dispatch, Isa};
use crate::turn::{frequencies, sin_f32, Fixed};

/// Which columns are sines and which are cosines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// sin w_0, cos w_0, sin w_1, cos w_1, ...; an odd dim ends with a sine.
    Interleaved,
    /// All sines, ceil(dim / 2) of them, then all cosines.
    Halves,
}

impl Layout {
    /// Column `column` of `dim`: the number of its frequency, and whether it is a cosine.
    fn column(self, column: usize, dim: usize) -> (usize, bool) {
        let sines = dim.div_ceil(2);
        match self {
            Self::Interleaved => (column / 2, column % 2 == 1),
            Self::Halves if column < sines => (column, false),
            Self::Halves => (column - sines, true),
        }
    }
}

/// A sinusoidal encoding: what its columns need, made once. 24 bytes a column.
#[derive(Clone, Debug)]
pub struct Sinusoid {
    base: f64,
    /// The top 64 bits of t, by column.
    high: Vec<u64>,
    /// The next 64 bits of t.
    low: Vec<u64>,
    /// What is added to the top 64 bits of the angle: a quarter turn for a cosine.
    shift: Vec<u64>,
}

impl Sinusoid {
    /// The encoding of `dim` columns with w_i = base^(-2 i / dim).
    ///
    /// # Panics
    /// When `dim` is 0, or `base` is not in [1, 1e12].
    pub fn new(dim: usize, base: f64, layout: Layout) -> Self {
        assert!(
            dim >= 1 && (1.0..=1e12).contains(&base),
            "no sinusoid of {dim} columns with base {base}"
        );
        let turns: Vec<u128> = frequencies(base, dim)
            .take(dim.div_ceil(2))
            .map(|w| w.times(Fixed::RADIAN).fraction())
            .collect();
        let columns = || (0..dim).map(|c| layout.column(c, dim));
        Self {
            base,
            high: columns().map(|(i, _)| (turns[i] >> 64) as u64).collect(),
            low: columns().map(|(i, _)| turns[i] as u64).collect(),
            shift: columns().map(|(_, cosine)| u64::from(cosine) << 62).collect(),
        }
    }

    /// The number of columns.
    pub fn dim(&self) -> usize {
        self.high.len()
    }

    /// All w_i, i < ceil(dim / 2), in radians per position, rounded to f64; the fastest first.
    pub fn frequencies(&self) -> impl Iterator<Item = f64> {
        frequencies(self.base, self.dim())
            .take(self.dim().div_ceil(2))
            .map(Fixed::to_f64)
    }

    fn require(&self, cols: &Range<usize>) {
        assert!(
            cols.start <= cols.end && cols.end <= self.dim(),
            "columns {cols:?} of {}",
            self.dim()
        );
    }
}

/// Rows `first_position`, `first_position + 1`, ... as many as `out` holds, each cut to the columns `cols`.
///
/// ```text
/// out [rows, cols.len()]
/// out[r] = PE[first_position + r][cols]
/// ```
/// `out` is wholly written.
///
/// # Panics
/// When `cols` are not columns of the encoding, `out` is no whole number of rows, or a position is beyond 2^32 - 1.
pub fn sinusoid_rows(isa: Isa, s: &Sinusoid, first_position: u64, cols: Range<usize>, out: &mut [f32]) {
    s.require(&cols);
    if out.is_empty() {
        return;
    }
    let width = cols.len();
    assert!(width > 0, "no columns fill no output");
    assert_eq!(
        out.len() % width,
        0,
        "rows of {width} columns do not fill the output"
    );
    let rows = out.len() / width;
    assert!(
        first_position <= (1 << 32) - rows as u64,
        "{rows} positions from {first_position} pass 2^32 - 1"
    );
    dispatch!(isa, _simd => {
        for (r, out) in out.chunks_exact_mut(width).enumerate() {
            row(s, first_position + r as u64, cols.clone(), out);
        }
    })
}

/// One row for each position, cut to the columns `cols`.
///
/// ```text
/// positions [n], each in [0, 2^32) -> out [n, cols.len()]
/// out[r] = PE[positions[r]][cols]
/// ```
/// `out` is wholly written.
///
/// # Panics
/// When `cols` are not columns of the encoding, or `out` has another length.
pub fn sinusoid_at(isa: Isa, s: &Sinusoid, positions: Indices<'_>, cols: Range<usize>, out: &mut [f32]) {
    s.require(&cols);
    let width = cols.len();
    assert_eq!(
        positions.len() * width,
        out.len(),
        "{} rows of {width} columns do not fit the output",
        positions.len()
    );
    if out.is_empty() {
        return;
    }
    dispatch!(isa, _simd => {
        for (r, out) in out.chunks_exact_mut(width).enumerate() {
            row(s, positions.get(r) as u64, cols.clone(), out);
        }
    })
}

/// One row, cut to `cols`.
#[inline(always)]
fn row(s: &Sinusoid, position: u64, cols: Range<usize>, out: &mut [f32]) {
    let (high, low, shift) = (&s.high[cols.clone()], &s.low[cols.clone()], &s.shift[cols]);
    for (((out, &high), &low), &shift) in out.iter_mut().zip(high).zip(low).zip(shift) {
        *out = quick(position, high, low, shift);
    }
    for (k, out) in out.iter_mut().enumerate() {
        if out.is_nan() {
            *out = exact(position, high[k], low[k], shift[k]);
        }
    }
}

/// The element if f64 decides it, else NaN.
///
/// ```text
/// x = floor(p t 2^64) + s, mod 2^64     x / 2^64 is the angle in turns, less than 2^-63 too small
/// v = sin(2 pi x / 2^64)                |v - true value| < |v| (2^-51 + 2^-53) + 2 pi 2^-63
///                                                        < |v| 2^-50 + 2^-60 =: error
/// ```
/// 2^-51 is the bound of `sin_cos_eighth`, 2^-53 the rounding of its argument. Rounding is monotonic: when v - error
/// and v + error round to the same f32, so does the true value. (Both ends are rounded to f64 first, by |v| 2^-53 at
/// most, which is less than the bound has to spare.)
#[inline(always)]
fn quick(position: u64, high: u64, low: u64, shift: u64) -> f32 {
    let x = position
        .wrapping_mul(high)
        .wrapping_add((position * (low >> 32)) >> 32)
        .wrapping_add(shift);
    // The nearest quarter, and what lies beyond it, exactly; then the one rounding to f64.
    let quarter = x.wrapping_add(1 << 61) >> 62;
    let rest = x.wrapping_sub(quarter << 62) as i64;
    let (sin, cos) = sin_cos_eighth(rest as f64 * TWO_NEGATIVE_64);
    let v = in_quadrant(quarter, sin, cos);

    let error = v.abs() * TWO_NEGATIVE_50 + TWO_NEGATIVE_60;
    let (below, above) = ((v - error) as f32, (v + error) as f32);
    if below == above {
        below
    } else {
        f32::NAN
    }
}

/// The element from all 128 bits of its angle.
#[cold]
fn exact(position: u64, high: u64, low: u64, shift: u64) -> f32 {
    let t = u128::from(high) << 64 | u128::from(low);
    sin_f32(
        t.wrapping_mul(u128::from(position))
            .wrapping_add(u128::from(shift) << 64),
    )
}

const TWO_NEGATIVE_50: f64 = f64::from_bits((1023 - 50) << 52);
const TWO_NEGATIVE_60: f64 = f64::from_bits((1023 - 60) << 52);
const TWO_NEGATIVE_64: f64 = f64::from_bits((1023 - 64) << 52);
