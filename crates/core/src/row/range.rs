//! The range of the values of a row, from which a dtype derives what it stores once for the row.

/// The smallest and the largest of the finite values, and whether all values are finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValueRange {
    /// The smallest finite value, +0 for a zero of either sign; infinity if there is none.
    pub min: f32,
    /// The largest finite value; -infinity if there is none.
    pub max: f32,
    finite: bool,
}

impl ValueRange {
    /// The range of no values.
    pub const EMPTY: ValueRange = ValueRange {
        min: f32::INFINITY,
        max: f32::NEG_INFINITY,
        finite: true,
    };

    /// The range of `values`, too.
    #[inline(always)]
    pub fn with(self, values: &[f32]) -> Self {
        // The lanes are independent, so that the compiler can use vectors.
        const LANES: usize = 16;
        let (mut min, mut max, mut finite) = ([self.min; LANES], [self.max; LANES], [self.finite; LANES]);
        let mut add = |k: usize, x: f32| {
            let is_finite = x.is_finite();
            let (low, high) = if is_finite {
                (x, x)
            } else {
                (f32::INFINITY, f32::NEG_INFINITY)
            };
            min[k] = if low < min[k] { low } else { min[k] };
            max[k] = if high > max[k] { high } else { max[k] };
            finite[k] &= is_finite;
        };
        let (chunks, rest) = values.as_chunks::<LANES>();
        for chunk in chunks {
            for (k, &x) in chunk.iter().enumerate() {
                add(k, x);
            }
        }
        for (k, &x) in rest.iter().enumerate() {
            add(k, x);
        }
        ValueRange {
            min: min.into_iter().fold(self.min, f32::min) + 0.0,
            max: max.into_iter().fold(self.max, f32::max) + 0.0,
            finite: finite.into_iter().all(|finite| finite),
        }
    }

    /// An error unless all values are finite.
    pub fn expect_finite(&self) -> Result<(), Unfit> {
        self.finite.then_some(()).ok_or(Unfit::NotFinite)
    }

    /// An error if the magnitude of a finite value is `limit` or more.
    pub fn expect_below(&self, limit: f32) -> Result<(), Unfit> {
        let fits = self.min > -limit && self.max < limit;
        fits.then_some(()).ok_or(Unfit::From(limit))
    }
}

/// The values that do not fit a dtype.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unfit {
    /// Infinities and NaNs.
    NotFinite,
    /// Finite values of this magnitude or more.
    From(f32),
    /// This value, with which the range of the row is too wide.
    Equal(f32),
}

impl Unfit {
    /// Whether `value` is one of them.
    pub fn is(self, value: f32) -> bool {
        match self {
            Unfit::NotFinite => !value.is_finite(),
            Unfit::From(limit) => value.is_finite() && value.abs() >= limit,
            Unfit::Equal(other) => value == other,
        }
    }
}
