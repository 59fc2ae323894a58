//! `exp`, `ln`, `sin` and `cos` in f64, with the same bits on every target and in any language with IEEE doubles.
//!
//! Platform functions differ between versions of libm, so the generator does not use them. The functions here
//! use only `+ - * /` on f64, in exactly the order written (left to right where parentheses leave it open),
//! never fused. All other steps are exact operations on bits. The coefficients are those of the power series,
//! each the f64 nearest to a fraction of two small integers, so `2 / 3` or `1 / 120` is the same coefficient
//! in JavaScript.
//!
//! ```text
//! ln(x)            x > 0, normal.                      error < 1 ulp
//!   x = 2^k (1 + f), 1 + f in about [sqrt(1/2), sqrt(2)) exact, from the bits of x: the bits of 1 + f are
//!                                                      in [0x3fe6a09e00000000, 0x3ff6a09e00000000)
//!   s = f / (2 + f);  z = s s;  h = 0.5 f f            (h is (0.5 f) f)
//!   r = z (2/3 + z (2/5 + z (2/7 + z (2/9 + z (2/11 + z (2/13 + z (2/15 + z (2/17 + z (2/19 + z (2/21))))))))))
//!   ln = k LN2_HIGH - ((h - (s (h + r) + k LN2_LOW)) - f)
//!
//! ln_1p(x)         x >= 0, finite.                     error < 1 ulp of ln(1 + x)
//!   u = 1 + x;  v = u - 1;  e = (1 - (u - v)) + (x - v)   u + e is 1 + x exactly
//!   k, f, s, h, r of u, as for ln
//!   ln_1p = k LN2_HIGH - ((h - (s (h + r) + (k LN2_LOW + e / u))) - f)
//!
//! exp(x)           x <= 0, or -Infinity.               error < 1 ulp, subnormal results included
//!   k = (x / LN2 + 3 2^51) - 3 2^51                    x / LN2 (x times 1 / LN2) rounded to an integer
//!   a = x - k LN2_HIGH;  b = k LN2_LOW;  y = a - b     a is exact; |y| < 0.347
//!   t = 1 + a;  e = (1 - t) + a                        t + e is 1 + a exactly
//!   q = y y (1/2! + y (1/3! + y (1/4! + y (1/5! + ... y (1/13!)))))
//!   exp = ((t + (e + (q - b))) 2^(k + 64)) 2^-64       +0 for x < -745.2; the first factor is applied to the bits
//!
//! sin_cos_turns(u) 0 <= u <= 1, in turns.              relative error < 2^-51 each
//!   q = (4 u + 2^52) - 2^52                            4 u rounded to an integer, ties to even
//!   r = u - q 0.25                                     exact; |r| <= 1/8
//!   y = r TAU;  z = y y
//!   s = y + (y z) (-1/3! + z (1/5! + z (-1/7! + z (1/9! + z (-1/11! + z (1/13! + z (-1/15! + z (1/17!))))))))
//!   c = 1 + z (-1/2! + z (1/4! + z (-1/6! + z (1/8! + z (-1/10! + z (1/12! + z (-1/14! + z (1/16!))))))))
//!   (sin, cos) = (s, c), (c, -s), (-s, -c), (-c, s)    for q mod 4 = 0, 1, 2, 3
//! ```
//!
//! Relative to the result, the first omitted terms are below 2^-60 (ln), 2^-57 (exp), 2^-62 (sin) and 2^-58
//! (cos). The rest of the error is rounding. `tests/math.rs` checks the bounds with big integers.

/// 2 pi, rounded: 6.283185307179586, 0x401921fb54442d18.
pub const TAU: f64 = core::f64::consts::TAU;
/// ln 2 truncated to 33 bits, so that `k * LN2_HIGH` is exact for every exponent k: 0x3fe62e42fee00000.
pub const LN2_HIGH: f64 = 0.6931471803691238;
/// ln 2 - LN2_HIGH, rounded: 0x3dea39ef35793c76.
pub const LN2_LOW: f64 = 1.9082149292705877e-10;

/// 2/3, 2/5, ... 2/21: the series of 2 artanh(s) / s in powers of s squared, without its first term.
const ARTANH: [f64; 10] = [
    2.0 / 3.0,
    2.0 / 5.0,
    2.0 / 7.0,
    2.0 / 9.0,
    2.0 / 11.0,
    2.0 / 13.0,
    2.0 / 15.0,
    2.0 / 17.0,
    2.0 / 19.0,
    2.0 / 21.0,
];

/// -1/3!, 1/5!, ... 1/17!.
const SIN: [f64; 8] = [
    -1.0 / 6.0,
    1.0 / 120.0,
    -1.0 / 5_040.0,
    1.0 / 362_880.0,
    -1.0 / 39_916_800.0,
    1.0 / 6_227_020_800.0,
    -1.0 / 1_307_674_368_000.0,
    1.0 / 355_687_428_096_000.0,
];

/// -1/2!, 1/4!, ... 1/16!.
const COS: [f64; 8] = [
    -1.0 / 2.0,
    1.0 / 24.0,
    -1.0 / 720.0,
    1.0 / 40_320.0,
    -1.0 / 3_628_800.0,
    1.0 / 479_001_600.0,
    -1.0 / 87_178_291_200.0,
    1.0 / 20_922_789_888_000.0,
];

/// 1/2!, 1/3!, ... 1/13!.
const EXP: [f64; 12] = [
    1.0 / 2.0,
    1.0 / 6.0,
    1.0 / 24.0,
    1.0 / 120.0,
    1.0 / 720.0,
    1.0 / 5_040.0,
    1.0 / 40_320.0,
    1.0 / 362_880.0,
    1.0 / 3_628_800.0,
    1.0 / 39_916_800.0,
    1.0 / 479_001_600.0,
    1.0 / 6_227_020_800.0,
];

/// `c[0] + z (c[1] + z (c[2] + ...))`, with every product and sum rounded.
#[inline(always)]
fn horner<const N: usize>(z: f64, c: &[f64; N]) -> f64 {
    let mut sum = c[N - 1];
    for i in (0..N - 1).rev() {
        sum = c[i] + z * sum;
    }
    sum
}

/// The natural logarithm of a positive, normal `x`, with an error below 1 ulp. `ln(1)` is +0.
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    ln_of(x, 0.0)
}

/// The natural logarithm of `1 + x` for a finite `x >= 0`, with an error below 1 ulp. NaN gives NaN.
#[inline(always)]
pub fn ln_1p(x: f64) -> f64 {
    let u = 1.0 + x;
    let v = u - 1.0;
    let e = (1.0 - (u - v)) + (x - v);
    ln_of(u, e / u)
}

/// ln(x) + correction, where the correction is below 1 ulp of `x`, relative to it.
#[inline(always)]
fn ln_of(x: f64, correction: f64) -> f64 {
    // Adding ONE - SQRT_HALF carries into the exponent exactly if the significand is at least sqrt(2).
    const SQRT_HALF: u64 = 0x3fe6_a09e_0000_0000;
    const ONE: u64 = 0x3ff0_0000_0000_0000;
    const TWO_52: f64 = 4_503_599_627_370_496.0;

    let bits = x.to_bits().wrapping_add(ONE - SQRT_HALF);
    // Converts the biased exponent to f64 through the significand of 2^52. Exact, and it vectorizes.
    let k = f64::from_bits((bits >> 52) | TWO_52.to_bits()) - (TWO_52 + 1023.0);
    let f = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) + SQRT_HALF) - 1.0;

    let s = f / (2.0 + f);
    let z = s * s;
    let h = 0.5 * f * f;
    let r = z * horner(z, &ARTANH);
    k * LN2_HIGH - ((h - (s * (h + r) + (k * LN2_LOW + correction))) - f)
}

/// `e^x` for `x <= 0`, with an error below 1 ulp. `exp(0)` is 1, `exp(-Infinity)` is +0, and NaN gives NaN.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    /// Any x below it is less than half of the smallest subnormal.
    const LOWEST: f64 = -745.2;
    /// 3 2^51, so that a sum with an integer has it in its low bits, in two's complement, and 64 more.
    const SHIFT: f64 = 6_755_399_441_055_744.0 + 64.0;
    const TWO_NEGATIVE_64: f64 = f64::from_bits((1023 - 64) << 52);

    let shifted = x * core::f64::consts::LOG2_E + SHIFT;
    let k = shifted - SHIFT;
    let (a, b) = (x - k * LN2_HIGH, k * LN2_LOW);
    let y = a - b;
    let t = 1.0 + a;
    let e = (1.0 - t) + a;
    let q = y * y * horner(y, &EXP);
    let significand = t + (e + (q - b));
    // The power is a normal number for every k. The last product rounds a result that is subnormal, and no other.
    let power = f64::from_bits(significand.to_bits().wrapping_add(shifted.to_bits() << 52));
    if x < LOWEST {
        0.0
    } else {
        power * TWO_NEGATIVE_64
    }
}

/// `(sin(2 pi u), cos(2 pi u))` for `u` turns, 0 <= u <= 1, each with a relative error below 2^-51.
#[inline(always)]
pub fn sin_cos_turns(u: f64) -> (f64, f64) {
    const TWO_52: f64 = 4_503_599_627_370_496.0;

    let shifted = 4.0 * u + TWO_52;
    let quarters = shifted - TWO_52;
    let (s, c) = sin_cos_eighth(u - quarters * 0.25);
    // The low bits of 2^52 + q are those of q. A cosine is a sine a quarter turn ahead.
    let q = shifted.to_bits();
    (in_quadrant(q, s, c), in_quadrant(q + 1, s, c))
}

/// `(sin(2 pi r), cos(2 pi r))` for |r| <= 1/8 turn, each with a relative error below 2^-51.
#[inline(always)]
pub fn sin_cos_eighth(r: f64) -> (f64, f64) {
    let y = r * TAU;
    let z = y * y;
    (y + y * z * horner(z, &SIN), 1.0 + z * horner(z, &COS))
}

/// The sine of the angle that is `q` quarter turns (mod 4) ahead of the angle with sine `s` and cosine `c`.
#[inline(always)]
pub fn in_quadrant(q: u64, s: f64, c: f64) -> f64 {
    let value = if q & 1 == 0 { s } else { c };
    f64::from_bits(value.to_bits() ^ ((q & 2) << 62))
}
