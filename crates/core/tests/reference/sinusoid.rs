//! PE[p, 2i] = sin(p w_i), PE[p, 2i + 1] = cos(p w_i), w_i = base^(-2i / dim): real numbers, rounded once.

use super::fixed::Fixed;

/// The encoding of `dim` columns; `halves`: all ceil(dim / 2) sines first, then the cosines.
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
        let frequency = |i: u64| ln.times(Fixed::whole(2 * i)).over(dim as u64).exp_negative();
        let frequencies = (0..dim.div_ceil(2) as u64).map(frequency).collect();
        Self {
            dim,
            halves,
            frequencies,
            quarter: Fixed::pi().half(),
        }
    }

    /// w_i, the nearest f64.
    pub fn frequency(&self, i: usize) -> f64 {
        self.frequencies[i].to_f64()
    }

    /// PE[position, column], the nearest f32; `position` < 2^32.
    pub fn element(&self, position: u64, column: usize) -> f32 {
        assert!(column < self.dim);
        let sines = self.frequencies.len();
        let (i, cosine) = match self.halves {
            true => (column % sines, column >= sines),
            false => (column / 2, column % 2 == 1),
        };
        // The angle as a whole number of quarter turns and a rest, by long division.
        let mut rest = Fixed::whole(position).times(self.frequencies[i]);
        let mut quarters = u64::from(cosine); // cos x = sin(x + a quarter)
        for k in (0..32).rev() {
            let many = Fixed::whole(1 << k).times(self.quarter);
            if rest >= many {
                rest = rest.minus(many);
                quarters += 1 << k;
            }
        }
        let up = if quarters.is_multiple_of(2) {
            rest
        } else {
            self.quarter.minus(rest)
        };
        let magnitude = up.sin().to_f32();
        // An exact 0 is +0.
        if quarters & 2 == 0 || magnitude == 0.0 {
            magnitude
        } else {
            -magnitude
        }
    }

    /// One whole row.
    pub fn row(&self, position: u64) -> Vec<f32> {
        (0..self.dim)
            .map(|column| self.element(position, column))
            .collect()
    }
}
