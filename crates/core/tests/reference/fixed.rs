//! Non-negative fixed-point numbers with 64 integer bits and 320 fraction bits. Series are summed until their terms
//! vanish, so results are accurate to about 2^-310: far more than any rounding needs.

use std::cmp::Ordering;

const WORDS: usize = 6;
const FRACTION: i32 = 64 * (WORDS as i32 - 1);

/// A number in [0, 2^64), least significant word first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed(pub [u64; WORDS]);

impl Fixed {
    pub const ZERO: Self = Self([0; WORDS]);

    pub fn from_int(n: u64) -> Self {
        let mut words = [0; WORDS];
        words[WORDS - 1] = n;
        Self(words)
    }

    /// Converts an f64 in [0, 2^64) without bits below 2^-320 exactly.
    pub fn from_f64(x: f64) -> Self {
        let (significand, exponent) = parts(x);
        let lowest = exponent + FRACTION;
        assert!(lowest >= 0 && exponent <= 11, "{x} does not fit");
        let (word, bit) = (lowest as usize / 64, lowest as usize % 64);
        let wide = u128::from(significand) << bit;
        let mut words = [0; WORDS];
        words[word] = wide as u64;
        if word + 1 < WORDS {
            words[word + 1] = (wide >> 64) as u64;
        }
        Self(words)
    }

    pub fn plus(mut self, other: Self) -> Self {
        let mut carry = 0;
        for (a, b) in self.0.iter_mut().zip(other.0) {
            let sum = u128::from(*a) + u128::from(b) + carry;
            *a = sum as u64;
            carry = sum >> 64;
        }
        assert_eq!(carry, 0, "too large");
        self
    }

    pub fn minus(mut self, other: Self) -> Self {
        let mut borrow = false;
        for (a, b) in self.0.iter_mut().zip(other.0) {
            let (difference, first) = a.overflowing_sub(b);
            let (difference, second) = difference.overflowing_sub(u64::from(borrow));
            (*a, borrow) = (difference, first || second);
        }
        assert!(!borrow, "negative");
        self
    }

    pub fn distance(self, other: Self) -> Self {
        if self < other {
            other.minus(self)
        } else {
            self.minus(other)
        }
    }

    pub fn times(self, other: Self) -> Self {
        let mut product = [0_u64; 2 * WORDS];
        for (i, a) in self.0.into_iter().enumerate() {
            let mut carry = 0;
            for (j, b) in other.0.into_iter().enumerate() {
                let sum = u128::from(a) * u128::from(b) + u128::from(product[i + j]) + carry;
                product[i + j] = sum as u64;
                carry = sum >> 64;
            }
            product[i + WORDS] = carry as u64;
        }
        assert_eq!(product[2 * WORDS - 1], 0, "too large");
        let mut words = [0; WORDS];
        words.copy_from_slice(&product[WORDS - 1..2 * WORDS - 1]);
        Self(words)
    }

    pub fn over(mut self, n: u64) -> Self {
        let mut rest = 0;
        for word in self.0.iter_mut().rev() {
            let part = rest << 64 | u128::from(*word);
            *word = (part / u128::from(n)) as u64;
            rest = part % u128::from(n);
        }
        self
    }

    pub fn half(self) -> Self {
        self.over(2)
    }

    /// pi / 4 = 4 atan(1 / 5) - atan(1 / 239) (Machin).
    pub fn pi() -> Self {
        let four = Self::from_int(4);
        four.times(four.times(arctangent(5)).minus(arctangent(239)))
    }

    pub fn ln_2() -> Self {
        artanh_twice(1, 3)
    }

    /// ln(x) for an f64 x >= 1: x = 2^k m, ln m = 2 artanh((m - 1) / (m + 1)).
    pub fn ln(x: f64) -> Self {
        let (significand, exponent) = parts(x);
        let k = exponent + 52;
        assert!(k >= 0, "{x} is below 1");
        let one = 1 << 52;
        Self::from_int(k as u64)
            .times(Self::ln_2())
            .plus(artanh_twice(significand - one, significand + one))
    }

    /// e^-self: subtracts multiples of ln 2, then uses the power series.
    pub fn exp_negative(self) -> Self {
        let ln_2 = Self::ln_2();
        let (mut y, mut halvings) = (self, 0);
        while y >= ln_2 {
            y = y.minus(ln_2);
            halvings += 1;
        }
        let sum = alternating(Self::from_int(1), |term, n| term.times(y).over(n + 1));
        (0..halvings).fold(sum, |sum, _| sum.half())
    }

    /// sin(self) for self <= pi / 2.
    pub fn sin(self) -> Self {
        let square = self.times(self);
        alternating(self, |term, n| term.times(square).over((2 * n + 2) * (2 * n + 3)))
    }

    /// The nearest number with `bits` significant bits (at most 53), ties to even.
    pub fn round(self, bits: u32) -> f64 {
        let Some(word) = (0..WORDS).rev().find(|&i| self.0[i] != 0) else {
            return 0.0;
        };
        // The 128 bits from the leading 1 on, and whether there are set bits below them.
        let next = |i: usize| word.checked_sub(i).map_or(0, |i| u128::from(self.0[i]));
        let lead = self.0[word].leading_zeros();
        let window = (next(0) << 64 | next(1)) << lead | (next(2) << lead) >> 64;
        let below = next(2) << lead & u128::from(u64::MAX) != 0 || (3..WORDS).any(|i| next(i) != 0);

        let cut = 128 - bits;
        let (significand, dropped, tie) = (window >> cut, window << bits, 1 << 127);
        let up = dropped > tie || dropped == tie && (below || significand & 1 == 1);
        // The exponent of the leading 1.
        let exponent = 64 * word as i32 + 63 - lead as i32 - FRACTION;
        (significand as u64 + u64::from(up)) as f64 * power_of_two(exponent - bits as i32 + 1)
    }

    pub fn to_f64(self) -> f64 {
        self.round(53)
    }

    pub fn to_f32(self) -> f32 {
        self.round(24) as f32
    }
}

impl PartialOrd for Fixed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Fixed {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.iter().rev().cmp(other.0.iter().rev())
    }
}

/// first - next(first, 0) + next(next(first, 0), 1) - ... until the term is 0.
pub fn alternating(first: Fixed, next: impl Fn(Fixed, u64) -> Fixed) -> Fixed {
    let (mut sum, mut term) = (first, first);
    for n in 0.. {
        term = next(term, n);
        if term == Fixed::ZERO {
            break;
        }
        sum = if n.is_multiple_of(2) {
            sum.minus(term)
        } else {
            sum.plus(term)
        };
    }
    sum
}

/// atan(1 / n) = 1/n - 1/(3 n^3) + 1/(5 n^5) - ...
fn arctangent(n: u64) -> Fixed {
    let (mut power, mut sum) = (Fixed::from_int(1).over(n), Fixed::ZERO);
    for k in 0.. {
        if power == Fixed::ZERO {
            break;
        }
        let term = power.over(2 * k + 1);
        sum = if k.is_multiple_of(2) {
            sum.plus(term)
        } else {
            sum.minus(term)
        };
        power = power.over(n * n);
    }
    sum
}

/// 2 artanh(s) = 2 (s + s^3/3 + s^5/5 + ...) for s = a / b.
fn artanh_twice(a: u64, b: u64) -> Fixed {
    let s = Fixed::from_int(a).over(b);
    let square = s.times(s);
    let (mut power, mut sum) = (s, Fixed::ZERO);
    for k in 0.. {
        if power == Fixed::ZERO {
            break;
        }
        sum = sum.plus(power.over(2 * k + 1));
        power = power.times(square);
    }
    sum.plus(sum)
}

/// x = significand 2^exponent for a normal f64, with a significand of 53 bits; (0, -52) for 0.
fn parts(x: f64) -> (u64, i32) {
    let bits = x.to_bits();
    assert!(x == 0.0 || x.is_normal() && x > 0.0, "{x}");
    match (bits >> 52) as i32 {
        0 => (0, -52),
        biased => (bits & ((1 << 52) - 1) | 1 << 52, biased - 1075),
    }
}

/// 2^exponent, a normal f64.
pub fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}
