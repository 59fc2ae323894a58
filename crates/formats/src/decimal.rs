//! Decimals to f32, rounded to nearest, ties to even: the bits of `str::parse`, in less code.
//!
//! Nearly all numbers are one f64 division of two exact numbers. Its few ulps of error matter only next to the middle of
//! two f32, where integers of any size decide.

use std::cmp::Ordering;

/// Powers of ten that are exact as f64.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];
const WHOLE: [u64; 9] = [
    1,
    10,
    100,
    1000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
];

/// The decimal at `at`, `[+-]?digits[.digits][e[+-]digits]` with at least one digit before the exponent, and the position
/// after it. The value is infinite beyond f32. None if no decimal begins there.
#[inline(always)]
pub(crate) fn decimal(bytes: &[u8], at: usize) -> Option<(f32, usize)> {
    let sign = *bytes.get(at)?;
    let start = at + (sign == b'-' || sign == b'+') as usize;
    let mut number = Digits {
        value: 0,
        count: 0,
        at: start,
    };
    // Most numbers have one digit before the point.
    match bytes.get(start..start + 2) {
        Some(&[digit @ b'0'..=b'9', b'.']) => {
            number.value = (digit - b'0') as u64;
            number.count = 1;
            number.at += 1;
        }
        _ => number.read(bytes),
    }
    let mut fraction = 0;
    if bytes.get(number.at) == Some(&b'.') {
        number.at += 1;
        let before = number.count;
        number.read(bytes);
        fraction = number.count - before;
    }
    if number.count == 0 {
        return None;
    }
    let mut end = number.at;
    let exact = number.count <= 18;
    let quotient = number.value as i64 as f64 / TENS[fraction.min(22)];
    let magnitude = match bytes.get(end) {
        Some(b'e' | b'E') => {
            let exponent;
            (exponent, end) = exponent_at(bytes, end)?;
            slow(&bytes[start..end], exponent)
        }
        _ if exact && !near_middle(quotient) => quotient as f32,
        _ => slow(&bytes[start..end], 0),
    };
    let sign = ((sign == b'-') as u32) << 31;
    Some((f32::from_bits(magnitude.to_bits() | sign), end))
}

/// Digits that were read: their value (wrapped beyond 19 digits), their count, and the position after them.
struct Digits {
    value: u64,
    count: usize,
    at: usize,
}

impl Digits {
    /// Reads up to eight digits at a time.
    #[inline(always)]
    fn read(&mut self, bytes: &[u8]) {
        loop {
            let eight = match bytes.get(self.at..self.at + 8) {
                Some(&[a, b, c, d, e, f, g, h]) => u64::from_le_bytes([a, b, c, d, e, f, g, h]),
                _ => last(bytes, self.at),
            };
            // A digit is now 0 to 9. Adding carries only out of bytes that are no digits.
            let digits = eight ^ 0x3030_3030_3030_3030;
            let others = (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080;
            let count = others.trailing_zeros() as usize / 8;
            // Shifted so that zeros come first; then pairs, fours and eights of digits are joined.
            let shifted = if count == 0 { 0 } else { digits << (64 - 8 * count) };
            let pairs = shifted.wrapping_mul(10).wrapping_add(shifted >> 8);
            let low = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(0x000f_4240_0000_0064);
            let high = ((pairs >> 16) & 0x0000_00ff_0000_00ff).wrapping_mul(0x0000_2710_0000_0001);
            let value = low.wrapping_add(high) >> 32;
            self.value = self.value.wrapping_mul(WHOLE[count]).wrapping_add(value);
            self.count += count;
            self.at += count;
            if count < 8 {
                return;
            }
        }
    }
}

/// Up to eight bytes at the end of `bytes`, followed by zeros.
#[cold]
fn last(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().rev().fold(0, |value, &byte| value << 8 | byte as u64)
}

/// The exponent at the letter at `at`, and the position after it. Beyond 10^9 it stays there, which is as good as
/// infinite: no line has as many digits.
#[inline(never)]
fn exponent_at(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    let sign = *bytes.get(at + 1)?;
    let start = at + 1 + (sign == b'-' || sign == b'+') as usize;
    let mut end = start;
    let mut exponent = 0;
    while let Some(&digit @ b'0'..=b'9') = bytes.get(end) {
        exponent = (exponent * 10 + (digit - b'0') as i64).min(1_000_000_000);
        end += 1;
    }
    if end == start {
        return None;
    }
    Some((if sign == b'-' { -exponent } else { exponent }, end))
}

/// Whether a positive `value` that is off by up to four ulps may be on the wrong side of the middle of two f32.
#[inline(always)]
fn near_middle(value: f64) -> bool {
    // An f32 has 29 bits less.
    (value.to_bits() as u32 & 0x1fff_ffff).wrapping_sub(0x1000_0000 - 4) <= 8
}

/// The magnitude of any decimal: `text` without its sign, whose exponent is `exponent`.
#[inline(never)]
fn slow(text: &[u8], exponent: i64) -> f32 {
    // The first digits that are not leading zeros: 19 as an integer, all that can matter as a large one. The exact middle
    // of two f32 has at most 113 digits.
    const KEPT: usize = 120;
    let mut large = Large::from(0);
    let (mut first, mut count, mut power) = (0u64, 0, exponent);
    let (mut firsts, mut point, mut sticky) = (0, false, false);
    for &byte in text {
        match byte {
            b'.' => point = true,
            b'0'..=b'9' => {
                let digit = (byte - b'0') as u32;
                power -= point as i64;
                if count == 0 && digit == 0 {
                    continue;
                }
                if count < KEPT {
                    if firsts < 19 {
                        first = first * 10 + digit as u64;
                        firsts += 1;
                    }
                    count += 1;
                    large.multiply_add(10, digit);
                } else {
                    sticky |= digit != 0;
                    power += 1;
                }
            }
            _ => break,
        }
    }
    let exponent = power + count as i64;
    if count == 0 || exponent < -46 {
        return 0.0;
    }
    if exponent > 40 {
        return f32::INFINITY;
    }
    // Off by less than four ulps: the digits left out, the conversion, and at most four operations.
    let mut value = first as f64;
    let mut tens = power + (count - firsts) as i64;
    while tens != 0 {
        let step = tens.clamp(-22, 22);
        let factor = TENS[step.unsigned_abs() as usize];
        value = if step < 0 { value / factor } else { value * factor };
        tens -= step;
    }
    let mut bits = (value as f32).to_bits();
    if value >= f32::MIN_POSITIVE as f64 && !near_middle(value) {
        return f32::from_bits(bits);
    }
    if sticky {
        // Digits that were left out only matter where the others are exactly in the middle.
        large.multiply_add(10, 1);
        power -= 1;
    }
    // `bits` is at most one off.
    loop {
        // From a middle on: in the middle the even one is nearest.
        let even = bits & 1 == 0;
        if bits < f32::INFINITY.to_bits() {
            let above = compare(&large, power, bits);
            if above.is_gt() || above.is_eq() && !even {
                bits += 1;
                continue;
            }
        }
        if bits > 0 {
            let below = compare(&large, power, bits - 1);
            if below.is_lt() || below.is_eq() && !even {
                bits -= 1;
                continue;
            }
        }
        return f32::from_bits(bits);
    }
}

/// Compares `digits 10^power` with the middle of the f32 of these bits and the next one.
fn compare(digits: &Large, power: i64, bits: u32) -> Ordering {
    let exponent = (bits >> 23).max(1) as i64 - 151;
    let significand = bits & 0x7f_ffff | ((bits >> 23 > 0) as u32) << 23;
    let (mut left, mut right) = (Large(digits.0), Large::from(2 * significand + 1));
    let scaled = if power < 0 { &mut right } else { &mut left };
    for _ in 0..power.unsigned_abs() {
        scaled.multiply_add(10, 0);
    }
    let scaled = if exponent < 0 { &mut left } else { &mut right };
    for _ in 0..exponent.unsigned_abs() {
        scaled.multiply_add(2, 0);
    }
    left.0.iter().rev().cmp(right.0.iter().rev())
}

/// An integer below 2^640, least significant part first: 121 digits times 2^150, or 25 bits times 10^167.
struct Large([u32; 20]);

impl Large {
    fn from(value: u32) -> Large {
        let mut large = Large([0; 20]);
        large.0[0] = value;
        large
    }

    fn multiply_add(&mut self, factor: u32, addend: u32) {
        let mut carry = addend as u64;
        for part in &mut self.0 {
            carry += *part as u64 * factor as u64;
            *part = carry as u32;
            carry >>= 32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[track_caller]
    fn same(text: &str) {
        let expected: f32 = text.parse().unwrap();
        let (value, end) = decimal(text.as_bytes(), 0).unwrap();
        assert_eq!((value.to_bits(), end), (expected.to_bits(), text.len()), "{text}");
    }

    #[test]
    fn hard_cases() {
        for text in [
            "0",
            "-0",
            "+0.0",
            "1",
            "-1.5",
            ".5",
            "5.",
            "-.5e1",
            "1e-3",
            "1E+3",
            "0e999999999999",
            "0.0e-99999999999",
            "16777217",
            "16777219",
            "33554435",
            "3.4028234e38",
            "3.4028235677973366e38",
            "3.4028235677973365e38",
            "3.40282356779733661637539395458142568447e38",
            "3.40282356779733661637539395458142568448e38",
            "1e39",
            "340282346638528859811704183484516925440",
            "1e-45",
            "1.4e-45",
            "7.0064923216240853e-46",
            "7.0064923216240854e-46",
            "7.006492321624085354618e-46",
            "7.006492321624085354619e-46",
            "1e-46",
            "9e-47",
            "1.17549435e-38",
            "1.1754942e-38",
            "1.1754943508e-38",
            "1.00000005960464477539062",
            "1.000000059604644775390625",
            "1.00000005960464477539062500000000000000000000000000000000000000000000001",
            "1.00000017881393432617187499",
            "1.000000178813934326171875",
            "0.000000000000000000000000000000000000000001",
            "123456789012345678901234567890",
            "99999999999999999999",
            "8388608.5",
            "8388609.5",
            "16777216.999999",
            "1e1000000000000000000000",
            "1e-1000000000000000000000",
            "0.00000000000000000001e20",
            "9007199254740993",
        ] {
            same(text);
            same(&format!("-{}", text.trim_start_matches(['-', '+'])));
        }
        same(&format!("0.{}1e5000", "0".repeat(5000)));
        same(&format!("{}e-5000", "7".repeat(5001)));
        same(&format!("1.000000059604644775390625{}1", "0".repeat(500)));
    }

    #[test]
    fn middles_of_all_exponents() {
        // The exact middle, and one unit of a far digit beside it.
        for exponent in 0..=254u32 {
            for fraction in [0, 1, 2, 0x7f_fffe, 0x7f_ffff] {
                let low = f32::from_bits(exponent << 23 | fraction) as f64;
                let high = if (exponent, fraction) == (254, 0x7f_ffff) {
                    2.0 * f32::from_bits(254 << 23) as f64
                } else {
                    f32::from_bits((exponent << 23 | fraction) + 1) as f64
                };
                let text = format!("{:.200}", low / 2.0 + high / 2.0);
                let text = text.trim_end_matches('0');
                same(text);
                same(&format!(
                    "{text}00000000000000000000000000000000000000000000000000000001"
                ));
                let last = text.len() - 1;
                if let Some(digit @ b'1'..=b'9') = text.as_bytes().last() {
                    same(&format!("{}{}9", &text[..last], digit - b'1'));
                }
            }
        }
    }

    #[test]
    fn random_numbers_equal_std() {
        let mut state = 7u64;
        let mut random = move |bound: u64| {
            state = state
                .wrapping_mul(0x5851_f42d_4c95_7f2d)
                .wrapping_add(0x1405_7b7e_f767_814f);
            (((state >> 32) * bound) >> 32) as usize
        };
        let mut text = String::new();
        for round in 0..2_000_000 {
            text.clear();
            let mut digits = |text: &mut String, most: u64| {
                for _ in 0..random(most) {
                    text.push((b'0' + random(10) as u8) as char);
                }
            };
            text.push_str(["", "-", "+"][round % 3]);
            text.push((b'1' + (round % 9) as u8) as char);
            digits(&mut text, 12);
            if round % 4 != 0 {
                text.push('.');
                digits(&mut text, if round % 5 == 0 { 30 } else { 10 });
            }
            if round % 4 == 1 {
                text.push_str(["e", "e-", "e+", "E-"][round / 4 % 4]);
                text.push_str(["0", "", "1", "2", "3"][round / 16 % 5]);
                digits(&mut text, 1);
                text.push((b'0' + (round % 10) as u8) as char);
            }
            same(&text);
            if round % 3 == 0 {
                let value = f32::from_bits((round as u32).wrapping_mul(2_654_435_761) & 0x7fff_ffff);
                if value.is_finite() {
                    same(&format!("{value}"));
                    same(&format!("{value:e}"));
                    same(&format!("{}", value as f64 * 1.000_000_06));
                }
            }
        }
    }

    #[test]
    fn the_decimal_ends_where_its_grammar_ends() {
        for (text, end) in [
            ("1 2", 1),
            ("1.2.3", 3),
            ("1-2", 1),
            ("0x10", 1),
            ("1_000", 1),
            ("12345678.5 ", 10),
        ] {
            assert_eq!(
                decimal(text.as_bytes(), 0).map(|(_, end)| end),
                Some(end),
                "{text}"
            );
        }
        for text in [
            "", "-", "+", ".", "-.", "e5", "abc", "nan", "inf", "+-1", "1e", "1e+", "1e-x", " 1", "\u{661}",
        ] {
            assert_eq!(decimal(text.as_bytes(), 0), None, "{text}");
        }
        assert_eq!(decimal(b"x-12.5e1y", 1), Some((-125.0, 8)));
    }
}
