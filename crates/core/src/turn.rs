//! Angles as fractions of a turn, in wide fixed point.
//!
//! The angle of position p in a column of frequency w is p w. As a fraction of a turn, with t = w / 2 pi, it
//! is p t mod 1. With 128 fraction bits for t, p t mod 1 is a single wrapping integer product. There is no
//! range reduction and no special position: the error is below 2^-96 of a turn at position 2^32 - 1.
//!
//! The module has two parts, both in pure integer arithmetic:
//! * [`Fixed`], with 192 fraction bits and the operations that the frequencies need: log2, exp2, product;
//! * [`sine`] of a 128-bit fraction of a turn, and [`sin_f32`], the same rounded once to f32.

/// A number >= 0 with 192 fraction bits and 64 integer bits, least significant word first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed(pub [u64; 4]);

impl Fixed {
    /// 1.
    pub const ONE: Self = Self([0, 0, 0, 1]);
    /// ln 2, rounded.
    pub const LN_2: Self = Self([
        0x40f3_4326_7298_b62e,
        0xc9e3_b398_03f2_f6af,
        0xb172_17f7_d1cf_79ab,
        0,
    ]);
    /// 1 / 2 pi, rounded: one radian in turns.
    pub const RADIAN: Self = Self([
        0x36d8_a566_4f10_e410,
        0x7f09_d5f4_7d4d_3770,
        0x28be_60db_9391_054a,
        0,
    ]);

    /// `self * other`, truncated: up to 2^-192 too small. The product must be below 2^64.
    pub fn times(self, other: Self) -> Self {
        let mut product = [0_u64; 8];
        for (i, &a) in self.0.iter().enumerate() {
            let mut carry = 0;
            for (j, &b) in other.0.iter().enumerate() {
                let sum = u128::from(a) * u128::from(b) + u128::from(product[i + j]) + carry;
                product[i + j] = sum as u64;
                carry = sum >> 64;
            }
            product[i + 4] = carry as u64;
        }
        Self([product[3], product[4], product[5], product[6]])
    }

    /// `self / divisor`, truncated.
    pub fn over(self, divisor: u64) -> Self {
        let mut quotient = [0; 4];
        let mut rest = 0_u128;
        for i in (0..4).rev() {
            let part = rest << 64 | u128::from(self.0[i]);
            quotient[i] = (part / u128::from(divisor)) as u64;
            rest = part % u128::from(divisor);
        }
        Self(quotient)
    }

    /// `self + other`. The sum must be below 2^64.
    pub fn plus(mut self, other: Self) -> Self {
        let mut carry = 0;
        for (a, b) in self.0.iter_mut().zip(other.0) {
            carry += u128::from(*a) + u128::from(b);
            *a = carry as u64;
            carry >>= 64;
        }
        self
    }

    /// `self - other`. The difference must not be negative.
    pub fn minus(mut self, other: Self) -> Self {
        let mut borrow = 0;
        for (a, b) in self.0.iter_mut().zip(other.0) {
            borrow += i128::from(*a) - i128::from(b);
            *a = borrow as u64;
            borrow >>= 64;
        }
        self
    }

    /// `self / 2`, truncated.
    fn half(self) -> Self {
        let [a, b, c, d] = self.0;
        Self([a >> 1 | b << 63, b >> 1 | c << 63, c >> 1 | d << 63, d >> 1])
    }

    /// log2(x) for a finite f64 `x` >= 1, with an error below 2^-188.
    ///
    /// The exponent of x is the integer part. Squaring the significand doubles its logarithm, so each squaring
    /// yields the next fraction bit: 1 if the square is at least 2, and then it is halved.
    pub fn log2(x: f64) -> Self {
        let bits = x.to_bits();
        let mut digits = [0, 0, 0, (bits >> 52) - 1023];
        let mut m = Self([0, 0, bits << 12, 1]);
        for bit in (0..192).rev() {
            m = m.times(m);
            if m.0[3] >= 2 {
                m = m.half();
                digits[bit / 64] |= 1 << (bit % 64);
            }
        }
        Self(digits)
    }

    /// 2^-self, with an error below 2^-184.
    ///
    /// 2^-(n + f) = 2^(1 - f) / 2^(n + 1), and 2^g = e^(g ln 2) by its power series in Horner form.
    pub fn exp2_negative(self) -> Self {
        let [a, b, c, integer] = self.0;
        let y = Self::ONE.minus(Self([a, b, c, 0])).times(Self::LN_2);
        let mut power = Self::ONE;
        // y^41 / 41! < 2^-186
        for n in (1..=40).rev() {
            power = Self::ONE.plus(y.times(power).over(n));
        }
        (0..=integer.min(192)).fold(power, |power, _| power.half())
    }

    /// The fraction, rounded to 128 bits. The integer part is dropped.
    pub fn fraction(self) -> u128 {
        let [a, b, c, _] = self.0;
        (u128::from(c) << 64 | u128::from(b)).wrapping_add(u128::from(a >> 63))
    }

    /// The nearest f64. `self` must be at most 1.
    pub fn to_f64(self) -> f64 {
        let [a, b, c, integer] = self.0;
        // The bits below 128 only decide ties.
        let fraction = u128::from(c) << 64 | u128::from(b) | u128::from(a != 0);
        integer as f64 + fraction as f64 * TWO_NEGATIVE_128
    }
}

/// 2^-128.
const TWO_NEGATIVE_128: f64 = f64::from_bits((1023 - 128) << 52);

/// base^(-2 i / dim) for i = 0, 1, ...: the frequencies of a sinusoidal encoding in radians per position. Each
/// is the previous one times a fixed ratio. The error of frequency i is below i 2^-184.
pub fn frequencies(base: f64, dim: usize) -> impl Iterator<Item = Fixed> {
    let exponent = Fixed::log2(base);
    let ratio = exponent.plus(exponent).over(dim as u64).exp2_negative();
    core::iter::successors(Some(Fixed::ONE), move |w| Some(w.times(ratio)))
}

/// 1 / 2 pi to 1280 bits behind the point, most significant word first, cut off: enough for the largest f64.
const RADIAN_BITS: [u64; 20] = [
    0x28be_60db_9391_054a,
    0x7f09_d5f4_7d4d_3770,
    0x36d8_a566_4f10_e410,
    0x7f94_58ea_f7ae_f158,
    0x6dc9_1b8e_9093_74b8,
    0x0192_4bba_8274_6487,
    0x3f87_7ac7_2c4a_69cf,
    0xba20_8d7d_4bae_d121,
    0x3a67_1c09_ad17_df90,
    0x4e64_758e_60d4_ce7d,
    0x2721_17e2_ef7e_4a0e,
    0xc7fe_25ff_f781_6603,
    0xfbcb_c462_d682_9b47,
    0xdb4d_9fb3_c9f2_c26d,
    0xd3d1_8fd9_a797_fa8b,
    0x5d49_eeb1_faf9_7c5e,
    0xcf41_ce7d_e294_a4ba,
    0x9afe_d7ec_47e3_5742,
    0x1580_cc11_bf1e_daea,
    0xfc33_ef08_26bd_0d87,
];

/// w / 2 pi mod 1 for a finite f64 `w` >= 0, in units of 2^-128, off by less than one.
///
/// With w = m 2^e, those bits of 1 / 2 pi whose product with 2^e is whole do not count. The next 256 of them times m
/// leave more than 128 correct bits.
pub fn turns(w: f64) -> u128 {
    let bits = w.to_bits();
    let (fraction, exponent) = (bits & ((1 << 52) - 1), (bits >> 52) as i32);
    let (m, e) = match exponent {
        0 => (fraction, -1074),
        _ => (fraction | 1 << 52, exponent - 1075),
    };
    // Word k of 1 / 2 pi from bit `start` on.
    let start = e.max(0) as usize;
    let word = |k: usize| {
        let (at, shift) = (start / 64 + k, start % 64);
        let low = if shift == 0 {
            0
        } else {
            RADIAN_BITS[at + 1] >> (64 - shift)
        };
        RADIAN_BITS[at] << shift | low
    };
    // The product, least significant word first.
    let (mut product, mut carry) = ([0_u64; 5], 0);
    for (k, to) in product[..4].iter_mut().enumerate() {
        carry += u128::from(word(3 - k)) * u128::from(m);
        *to = carry as u64;
        carry >>= 64;
    }
    product[4] = carry as u64;
    let shift = 128 + (-e).max(0) as usize;
    let at = |k: usize| product.get(k).copied().map_or(0, u128::from);
    let (word, bit) = (shift / 64, shift % 64);
    let low = at(word) | at(word + 1) << 64;
    match bit {
        0 => low,
        _ => low >> bit | at(word + 2) << (128 - bit),
    }
}

/// sin(2 pi x / 2^128), rounded once to f32 (+0 for x = 0 and x = 2^127).
pub fn sin_f32(x: u128) -> f32 {
    let (negative, fraction) = sine(x);
    let magnitude = round_fraction(fraction);
    if magnitude == 0.0 || !negative {
        magnitude
    } else {
        -magnitude
    }
}

/// sin(2 pi x / 2^128): whether it is negative, and its magnitude as a fraction of 2^128. 1 becomes the largest
/// fraction.
///
/// Every step truncates. The total error is less than 64 units, that is 2^-122; for an angle with an error of 2^-96
/// of a turn it is 2^-93.
pub fn sine(x: u128) -> (bool, u128) {
    // The nearest quarter turn, and the rest: at most 1/8 turn in either direction.
    let quarter = x.wrapping_add(1 << 125) >> 126;
    let rest = x.wrapping_sub(quarter << 126) as i128;
    // 2 pi 2^125, rounded.
    const TWO_PI: u128 = 0xc90f_daa2_2168_c234_c4c6_628b_80dc_1cd1;
    let y = high_product(rest.unsigned_abs() << 2, TWO_PI) << 1;
    let even = quarter & 1 == 0;
    let magnitude = if even { sin_fraction(y) } else { cos_fraction(y) };
    let negative = (even && rest < 0) != (quarter & 2 != 0);
    (negative, magnitude)
}

/// sin(y / 2^128) for 0 <= y / 2^128 < 0.8, by its power series.
fn sin_fraction(y: u128) -> u128 {
    series(y, y, 2)
}

/// cos(y / 2^128) for 0 <= y / 2^128 < 0.8, by the power series of 1 - cos.
fn cos_fraction(y: u128) -> u128 {
    u128::MAX - series(high_product(y, y) / 2, y, 3).saturating_sub(1)
}

/// term - term y^2 / (n (n + 1)) + term y^4 / (n (n + 1) (n + 2) (n + 3)) - ...
fn series(mut term: u128, y: u128, mut n: u128) -> u128 {
    let square = high_product(y, y);
    let mut sum = 0;
    let mut minus = false;
    while term != 0 {
        sum = if minus { sum - term } else { sum + term };
        minus = !minus;
        term = high_product(term, square) / (n * (n + 1));
        n += 2;
    }
    sum
}

/// floor(a b / 2^128).
fn high_product(a: u128, b: u128) -> u128 {
    const LOW: u128 = u64::MAX as u128;
    let (a1, a0, b1, b0) = (a >> 64, a & LOW, b >> 64, b & LOW);
    let middle = a1 * b0 + ((a0 * b0) >> 64);
    let other = a0 * b1 + (middle & LOW);
    a1 * b1 + (middle >> 64) + (other >> 64)
}

/// The f32 nearest to x / 2^128.
fn round_fraction(x: u128) -> f32 {
    // Halved, because a value near 2^128 would round to infinity. The lost bit is below the error.
    let half = (x >> 1) as f32;
    (f64::from(half) * (2.0 * TWO_NEGATIVE_128)) as f32
}

#[cfg(test)]
mod tests {
    use super::turns;

    #[test]
    fn turns_of_a_frequency_are_right_to_the_last_bit_but_one() {
        // floor(frac(w / 2 pi) 2^128) from 1500 bits of pi.
        #[rustfmt::skip]
        let cases: [(f64, u128); 11] = [
            (0.0, 0x00000000000000000000000000000000),
            (1.0, 0x28be60db9391054a7f09d5f47d4d3770),
            (0.5, 0x145f306dc9c882a53f84eafa3ea69bb8),
            (0.001, 0x000a6e2d468c2d5149a0ec51beef5130),
            (123.456, 0xa60cca25905e66ae2acbdeaeb770ec84),
            (10000000000.0, 0xeb4086f9d2acb4ae27c6e6fb66e2ad3a),
            (1e100, 0xf01715bcfd5ba1414c38594bf59349da),
            (1.7976931348623157e308, 0x7fcc3ea616b1ae408c8ae8d7a2bd826a),
            (8.673617379884035e-19, 0x00000000000000028be60db9391054a7),
            (3e-12, 0x00000000008664f78285448995d760ed),
            (std::f64::consts::TAU, 0xfffffffffffffd30ea0a394645e27a99),
        ];
        for (w, wanted) in cases {
            let off = turns(w).wrapping_sub(wanted) as i128;
            assert!((-1..=1).contains(&off), "{w}: {off}");
        }
    }
}
