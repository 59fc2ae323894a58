//! Stored rows: from f32 values to bytes, and back.
//!
//! ```text
//! f16, bf16   sign, exponent and fraction; nearest, ties to even
//! i8          D integers, scale as f32, bias as f32
//! i4          D integers of 4 bits, the first one in the low half of a byte, scale as f16, bias as f16
//! ```

use tokenbed_core::DType;

/// A 16-bit format: bits of the fraction, and the bias of the exponent.
#[derive(Clone, Copy)]
pub struct Format {
    pub fraction: u32,
    pub bias: i32,
}

pub const F16: Format = Format {
    fraction: 10,
    bias: 15,
};
pub const BF16: Format = Format {
    fraction: 7,
    bias: 127,
};

impl Format {
    /// The bits of infinity.
    pub fn infinity(self) -> u16 {
        0x7fff >> self.fraction << self.fraction
    }

    /// The exact value of bits that are not a NaN; infinity counts as the next power of two.
    fn magnitude(self, bits: u16) -> f64 {
        let (exponent, fraction) = (
            i32::from(bits >> self.fraction),
            bits & ((1 << self.fraction) - 1),
        );
        let unit = |exponent: i32| f64::from_bits(((exponent + 1023) as u64) << 52);
        let parts = f64::from(fraction) / f64::from(1u32 << self.fraction);
        match exponent {
            0 => parts * unit(1 - self.bias),
            _ => (1.0 + parts) * unit(exponent - self.bias),
        }
    }

    /// The value of `bits`, as f32.
    pub fn value(self, bits: u16) -> f32 {
        let magnitude = bits & 0x7fff;
        let value = if magnitude > self.infinity() {
            f32::NAN
        } else if magnitude == self.infinity() {
            f32::INFINITY
        } else {
            self.magnitude(magnitude) as f32
        };
        if bits & 0x8000 == 0 {
            value
        } else {
            -value
        }
    }

    /// The bits nearest to `x`, which is not a NaN; ties to even bits.
    pub fn nearest(self, x: f32) -> u16 {
        let sign = if x.is_sign_negative() { 0x8000 } else { 0 };
        let x = f64::from(x.abs());
        let (mut below, mut above) = (0, self.infinity());
        if x >= self.magnitude(above) {
            return sign | above;
        }
        while above - below > 1 {
            let middle = below + (above - below) / 2;
            if self.magnitude(middle) <= x {
                below = middle;
            } else {
                above = middle;
            }
        }
        let (down, up) = (x - self.magnitude(below), self.magnitude(above) - x);
        let even = if below & 1 == 0 { below } else { above };
        sign | if down < up {
            below
        } else if up < down {
            above
        } else {
            even
        }
    }
}

/// The nearest integer, ties to even.
fn rounded(x: f32) -> f32 {
    let floor = x.floor();
    match x - floor {
        rest if rest < 0.5 => floor,
        rest if rest > 0.5 => floor + 1.0,
        _ if floor % 2.0 == 0.0 => floor,
        _ => floor + 1.0,
    }
}

/// The bytes of a row; `None` if a value does not fit.
pub fn encode(dtype: DType, row: &[f32]) -> Option<Vec<u8>> {
    let (mut min, mut max) = (f32::INFINITY, f32::NEG_INFINITY);
    for &x in row {
        min = if x < min { x } else { min };
        max = if x > max { x } else { max };
    }
    (min, max) = (min + 0.0, max + 0.0); // a zero is +0
    let finite = row.iter().all(|x| x.is_finite());
    match dtype.name() {
        "f32" => Some(row.iter().flat_map(|x| x.to_le_bytes()).collect()),
        "f16" | "bf16" => {
            let format = if dtype.name() == "f16" { F16 } else { BF16 };
            let mut bytes = vec![];
            for &x in row {
                let bits = if x.is_nan() { 0x7fff } else { format.nearest(x) };
                if x.is_finite() && bits & 0x7fff == format.infinity() {
                    return None;
                }
                bytes.extend(bits.to_le_bytes());
            }
            Some(bytes)
        }
        "i8" => {
            let range = max - min;
            if !finite || range.is_infinite() {
                return None;
            }
            let factor = 255.0 / (range + 1e-8);
            let mut bytes: Vec<u8> = row.iter().map(|x| rounded((x - min) * factor) as u8).collect();
            bytes.extend((range / 255.0).to_le_bytes());
            bytes.extend(min.to_le_bytes());
            Some(bytes)
        }
        "i4" => {
            if !finite {
                return None;
            }
            let bias = F16.nearest(min);
            let range = max - F16.value(bias);
            let mut scale = F16.nearest(range / 15.0);
            if F16.value(bias).is_infinite() || F16.value(scale).is_infinite() {
                return None;
            }
            if range == 0.0 || F16.value(scale) == 0.0 || (1.0 / F16.value(scale)).is_infinite() {
                scale = F16.nearest(1.0);
            }
            let factor = 1.0 / F16.value(scale);
            let mut bytes = vec![0; row.len().div_ceil(2)];
            for (col, x) in row.iter().enumerate() {
                let q = rounded((x - F16.value(bias)) * factor).clamp(0.0, 15.0) as u8;
                bytes[col / 2] |= if col % 2 == 0 { q } else { q << 4 };
            }
            bytes.extend(scale.to_le_bytes());
            bytes.extend(bias.to_le_bytes());
            Some(bytes)
        }
        other => panic!("{other} cannot be written"),
    }
}

/// The values of a row of `dim` columns.
pub fn decode(dtype: DType, bytes: &[u8], dim: usize) -> Vec<f32> {
    let u16_at = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let f32_at = |at: usize| f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    (0..dim)
        .map(|col| match dtype.name() {
            "f32" => f32_at(4 * col),
            "f16" => F16.value(u16_at(2 * col)),
            "bf16" => BF16.value(u16_at(2 * col)),
            "i8" => f32::from(bytes[col]) * f32_at(dim) + f32_at(dim + 4),
            "i4" => {
                let (q, end) = (bytes[col / 2] >> (4 * (col % 2)) & 15, dim.div_ceil(2));
                f32::from(q) * F16.value(u16_at(end)) + F16.value(u16_at(end + 2))
            }
            other => panic!("{other} is in another file"),
        })
        .collect()
}
