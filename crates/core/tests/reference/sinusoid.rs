//! PE[p, 2i] = sin(p w_i), PE[p, 2i + 1] = cos(p w_i), w_i = base^(-2i / dim), correctly rounded.

use super::fixed::Fixed;

/// The encoding of `dim` columns. `halves`: all ceil(dim / 2) sines first, then the cosines.
pub struct Sinusoid {
    dim: usize,
    halves: bool,
    /// w_i in radians per position.
    frequencies: Vec<Fixed>,
    quarter: Fixed,
}

impl Sinusoid {
    pub fn new(dim: usize, base: f64, halves: bool) -> Self {
        let ln = Fixed::ln(base);
        let frequency = |i: u64| ln.times(Fixed::from_int(2 * i)).over(dim as u64).exp_negative();
        let frequencies = (0..dim.div_ceil(2) as u64).map(frequency).collect();
        Self {
            dim,
            halves,
            frequencies,
            quarter: Fixed::pi().half(),
        }
    }

    /// w_i rounded to f64.
    pub fn frequency(&self, i: usize) -> f64 {
        self.frequencies[i].to_f64()
    }

    /// PE[position, column] rounded to f32. `position` must be below 2^32.
    pub fn element(&self, position: u64, column: usize) -> f32 {
        assert!(column < self.dim);
        let sines = self.frequencies.len();
        let (i, cosine) = match self.halves {
            true => (column % sines, column >= sines),
            false => (column / 2, column % 2 == 1),
        };
        // Splits the angle into quarter turns and a remainder by long division.
        let mut rest = Fixed::from_int(position).times(self.frequencies[i]);
        let mut quarters = u64::from(cosine); // cos x = sin(x + pi / 2)
        for k in (0..32).rev() {
            let multiple = Fixed::from_int(1 << k).times(self.quarter);
            if rest >= multiple {
                rest = rest.minus(multiple);
                quarters += 1 << k;
            }
        }
        let reduced = if quarters.is_multiple_of(2) {
            rest
        } else {
            self.quarter.minus(rest)
        };
        let magnitude = reduced.sin().to_f32();
        // An exact 0 is +0.
        if quarters & 2 == 0 || magnitude == 0.0 {
            magnitude
        } else {
            -magnitude
        }
    }

    /// One row.
    pub fn row(&self, position: u64) -> Vec<f32> {
        (0..self.dim)
            .map(|column| self.element(position, column))
            .collect()
    }
}
