//! Checks every error bound stated in `math.rs` and `turn.rs` with big integers.

mod reference;

use reference::fixed::{power_of_two, Fixed};
use reference::rng::block;
use tokenbed_core::{math, turn};

/// |x - exact| in units in the last place of the exact value.
fn ulps(x: f64, exact: Fixed) -> f64 {
    let ulp = f64::from_bits(exact.to_f64().to_bits() + 1) - exact.to_f64();
    Fixed::from_f64(x).distance(exact).to_f64() / ulp
}

/// -ln x for 0 < x <= 1: x = m / 2^k with 1 <= m < 2.
fn minus_ln(x: f64) -> Fixed {
    let k = 1023 - (x.to_bits() >> 52);
    let m = x * power_of_two(k as i32);
    Fixed::from_int(k).times(Fixed::ln_2()).minus(Fixed::ln(m))
}

/// (sin, cos) of a fraction of a turn, as (negative, magnitude) each.
fn sin_cos(turns: Fixed) -> [(bool, Fixed); 2] {
    let quarters = Fixed::from_int(4).times(turns);
    let integer = quarters.0[5];
    let mut fraction = quarters;
    fraction.0[5] = 0;
    let quarter = Fixed::pi().half();
    let rest = fraction.times(quarter);
    let magnitudes = [rest.sin(), quarter.minus(rest).sin()];
    [integer, integer + 1].map(|q| (q & 2 != 0, magnitudes[q as usize % 2]))
}

/// Numbers in (0, 1] as the generator produces them, and some that it rarely produces.
fn units() -> impl Iterator<Item = f64> {
    let random = (0..5_000).map(|i| block(11, 0, 0, i)).map(|w| {
        let bits = (u64::from(w[0]) << 32 | u64::from(w[1])) >> (11 + w[2] % 50);
        (bits as f64 + 0.5) * power_of_two(-53)
    });
    let near = |x: f64| (-40..=40).map(move |step: i64| f64::from_bits((x.to_bits() as i64 + step) as u64));
    let corners = [
        0.125,
        0.25,
        0.375,
        0.5,
        0.625,
        0.75,
        0.875,
        1.0 - power_of_two(-47),
        std::f64::consts::FRAC_1_SQRT_2,
    ];
    random
        .chain(corners.into_iter().flat_map(near))
        .chain((0..=54).map(|k| power_of_two(-k)))
}

#[test]
fn constants_are_the_documented_bits() {
    assert_eq!(math::TAU.to_bits(), 0x401921fb54442d18);
    assert_eq!(math::LN2_HIGH.to_bits(), 0x3fe62e42fee00000);
    assert_eq!(math::LN2_LOW.to_bits(), 0x3dea39ef35793c76);
    assert_eq!(math::TAU, Fixed::pi().plus(Fixed::pi()).to_f64());
    assert_eq!(
        math::LN2_LOW,
        Fixed::ln_2().minus(Fixed::from_f64(math::LN2_HIGH)).to_f64()
    );
}

#[test]
fn ln_is_within_one_ulp() {
    let mut worst = 0.0;
    for x in units() {
        let y = math::ln(x);
        if x == 1.0 {
            assert_eq!(y.to_bits(), 0);
        } else {
            let error = ulps(-y, minus_ln(x));
            assert!(error < 1.0, "ln({x:e}): error of {error} ulp");
            worst = error.max(worst);
        }
    }
    println!("ln: largest error {worst:.3} ulp");
}

#[test]
fn ln_of_other_positive_numbers_is_within_one_ulp() {
    for i in 0..2_000 {
        let w = block(12, 0, 0, i);
        let x = (f64::from(w[0]) + 1.5) * power_of_two((w[1] % 900) as i32);
        let error = ulps(math::ln(x), Fixed::ln(x));
        assert!(error < 1.0, "ln({x:e}): error of {error} ulp");
    }
}

/// Arguments of `exp`: of every magnitude, near 0, where k changes, and where results are subnormal.
fn negatives() -> impl Iterator<Item = f64> {
    let random = (0..6_000).map(|i| block(14, 0, 0, i)).map(|w| {
        let x = f64::from(w[0]) + f64::from(w[1]) * power_of_two(-32);
        match w[2] % 3 {
            0 => -x * power_of_two(-32) * 745.2,
            1 => -x * power_of_two(-32),
            _ => -x * power_of_two(-32 - (w[3] % 80) as i32),
        }
    });
    let near = |x: f64| (-3..=3).map(move |step: i64| f64::from_bits((x.to_bits() as i64 + step) as u64));
    let boundaries = (0..1_075).map(|k| -(f64::from(k) + 0.5) * std::f64::consts::LN_2);
    random.chain(boundaries.flat_map(near)).filter(|&x| x >= -745.2)
}

/// The error of `exp(x)` in units in the last place of the exact value, for x <= 0.
fn exp_ulps(x: f64) -> f64 {
    // e^x = 2^-k e^-y
    let k = (x / -std::f64::consts::LN_2) as i32;
    let y = Fixed::from_f64(-x).minus(Fixed::from_int(k as u64).times(Fixed::ln_2()));
    let exact = y.exp_negative();
    // In two factors, because 2^k may be too large. Both products are exact.
    let value = math::exp(x) * power_of_two(k / 2) * power_of_two(k - k / 2);
    let place = (exact.to_f64().to_bits() >> 52) as i32 - 1023 - 52;
    Fixed::from_f64(value).distance(exact).to_f64() / power_of_two(place.max(k - 1074))
}

#[test]
fn exp_is_within_one_ulp() {
    let mut worst = 0.0;
    for x in negatives() {
        let error = exp_ulps(x);
        assert!(error < 1.0, "exp({x:e}): error of {error} ulp");
        worst = error.max(worst);
    }
    println!("exp: largest error {worst:.3} ulp");
}

#[test]
fn exp_of_special_values() {
    assert_eq!(math::exp(0.0), 1.0);
    assert_eq!(math::exp(-0.0), 1.0);
    for x in [-745.21, -746.0, -1e300, f64::NEG_INFINITY] {
        assert_eq!(math::exp(x).to_bits(), 0, "{x}");
    }
    assert_eq!(math::exp(-745.13).to_bits(), 1, "the smallest subnormal");
    assert!(math::exp(f64::NAN).is_nan());
}

/// ln(1 + x). The sum is u + e exactly, and ln(u + e) = ln u + e / u - ..., with the rest below 2^-107.
fn ln_1p(x: f64) -> Fixed {
    if x <= 0.25 {
        let x = Fixed::from_f64(x);
        return reference::fixed::alternating(x, |term, n| {
            term.times(x).times(Fixed::from_int(n + 1)).over(n + 2)
        });
    }
    let u = 1.0 + x;
    let e = if x < 1.0 { x - (u - 1.0) } else { 1.0 - (u - x) };
    let rest = Fixed::from_f64((e / u).abs());
    match e < 0.0 {
        true => Fixed::ln(u).minus(rest),
        false => Fixed::ln(u).plus(rest),
    }
}

#[test]
fn ln_1p_is_within_one_ulp() {
    let mut worst = 0.0;
    let sums = (0..4_000).map(|i| block(15, 0, 0, i)).map(|w| {
        let x = f64::from(w[0]) + f64::from(w[1]) * power_of_two(-32) + power_of_two(-33);
        x * power_of_two(-32 + (w[2] % 130) as i32 - 90)
    });
    let near = |x: f64| (-20..=20).map(move |step: i64| f64::from_bits((x.to_bits() as i64 + step) as u64));
    let corners = [
        0.25,
        0.5,
        std::f64::consts::SQRT_2 - 1.0,
        1.0,
        3.0,
        power_of_two(-52),
        power_of_two(-53),
    ];
    for x in sums.chain(units()).chain(corners.into_iter().flat_map(near)) {
        let error = ulps(math::ln_1p(x), ln_1p(x));
        assert!(error < 1.0, "ln_1p({x:e}): error of {error} ulp");
        worst = error.max(worst);
    }
    println!("ln_1p: largest error {worst:.3} ulp");
}

#[test]
fn ln_1p_of_special_values() {
    assert_eq!(math::ln_1p(0.0).to_bits(), 0);
    for x in [f64::from_bits(1), 1e-310, f64::MIN_POSITIVE, 1e-20] {
        assert_eq!(math::ln_1p(x), x, "{x:e}");
    }
    assert!(math::ln_1p(f64::NAN).is_nan());
}

#[test]
fn sin_and_cos_are_within_their_bound() {
    let mut worst = 0.0;
    for u in units() {
        let (sin, cos) = math::sin_cos_turns(u);
        for (value, (negative, exact)) in [sin, cos].into_iter().zip(sin_cos(Fixed::from_f64(u))) {
            if exact == Fixed::ZERO {
                assert_eq!(value, 0.0, "at {u}");
                continue;
            }
            assert_eq!(value < 0.0, negative, "sign at {u:e}");
            let error = Fixed::from_f64(value.abs()).distance(exact).to_f64() / exact.to_f64();
            assert!(error < power_of_two(-51), "at {u:e}: relative error {error:e}");
            worst = error.max(worst);
        }
    }
    println!(
        "sin, cos: largest relative error {:.3} 2^-53",
        worst / power_of_two(-53)
    );
}

#[test]
fn quarters_are_exact() {
    for (quarters, sin, cos) in [
        (0.0, 0.0, 1.0),
        (1.0, 1.0, 0.0),
        (2.0, 0.0, -1.0),
        (3.0, -1.0, 0.0),
        (4.0, 0.0, 1.0),
    ] {
        assert_eq!(math::sin_cos_turns(quarters * 0.25), (sin, cos));
    }
}

// Known results for translations to other languages. The bits come from such a translation.
const KNOWN_LN: [(f64, u64); 7] = [
    (0.5, 0xbfe62e42fefa39ef),
    (0.1, 0xc0026bb1bbb55515),
    (std::f64::consts::FRAC_1_SQRT_2, 0xbfd62e42fefa39ee),
    (0.9999999999999999, 0xbca0000000000000),
    (1.1102230246251565e-16, 0xc0425e4f7b2737fa),
    (0.3, 0xbff34378fcbda721),
    (0.6, 0xbfe058aefa811452),
];

const KNOWN_SIN_COS: [(f64, u64, u64); 8] = [
    (0.1, 0x3fe2cf2304755a5e, 0x3fe9e3779b97f4a8),
    (0.2, 0x3fee6f0e13445500, 0x3fd3c6ef372fe94e),
    (0.3, 0x3fee6f0e13445500, 0xbfd3c6ef372fe94e),
    (0.7, 0xbfee6f0e134454ff, 0xbfd3c6ef372fe954),
    (0.9, 0xbfe2cf2304755a5d, 0x3fe9e3779b97f4a8),
    (0.125, 0x3fe6a09e667f3bcc, 0x3fe6a09e667f3bcd),
    (0.6180339887498949, 0xbfe59d9dd253cc14, 0xbfe798869e0de832),
    (1.1102230246251565e-16, 0x3cc921fb54442d18, 0x3ff0000000000000),
];

#[test]
fn known_bits() {
    for (x, bits) in KNOWN_LN {
        assert_eq!(
            math::ln(x).to_bits(),
            bits,
            "ln({x}) = {:#x}",
            math::ln(x).to_bits()
        );
    }
    for (u, sin, cos) in KNOWN_SIN_COS {
        let (s, c) = math::sin_cos_turns(u);
        assert_eq!(
            (s.to_bits(), c.to_bits()),
            (sin, cos),
            "at {u}: {:#x} {:#x}",
            s.to_bits(),
            c.to_bits()
        );
    }
}

/// FNV-1a over the words of ln(x), and of sin and cos alternately, for x = (k + 0.5) / 10,000 and all k below 10,000. The
/// values come from the same translation. A reordered or fused operation changes them.
#[test]
fn ten_thousand_known_bits() {
    let mix = |hash: u64, x: f64| (hash ^ x.to_bits()).wrapping_mul(0x0000_0100_0000_01b3);
    let (mut ln, mut sin_cos) = (0xcbf2_9ce4_8422_2325, 0xcbf2_9ce4_8422_2325);
    for x in (0..10_000).map(|k| (f64::from(k) + 0.5) / 10_000.0) {
        let (sin, cos) = math::sin_cos_turns(x);
        ln = mix(ln, math::ln(x));
        sin_cos = mix(mix(sin_cos, sin), cos);
    }
    assert_eq!((ln, sin_cos), (0x7552a49e93e7d24e, 0xa254e24d38dcdc10));
}

/// The same for exp(-745 x) and ln_1p(4 x).
#[test]
fn ten_thousand_known_bits_of_exp_and_ln_1p() {
    let mix = |hash: u64, x: f64| (hash ^ x.to_bits()).wrapping_mul(0x0000_0100_0000_01b3);
    let (mut exp, mut ln_1p) = (0xcbf2_9ce4_8422_2325, 0xcbf2_9ce4_8422_2325);
    for x in (0..10_000).map(|k| (f64::from(k) + 0.5) / 10_000.0) {
        exp = mix(exp, math::exp(-745.0 * x));
        ln_1p = mix(ln_1p, math::ln_1p(4.0 * x));
    }
    assert_eq!((exp, ln_1p), (0x2c5a477de0dd1901, 0xd8eda4a640db8613));
}

/// Converts from 192 to 320 fraction bits.
fn wide(x: turn::Fixed) -> Fixed {
    let [a, b, c, integer] = x.0;
    Fixed([0, 0, a, b, c, integer])
}

fn assert_near(x: turn::Fixed, exact: Fixed, bound: f64, name: &str) {
    let error = wide(x).distance(exact).to_f64();
    assert!(error <= bound, "{name}: error {error:e} exceeds {bound:e}");
}

const BASES: [f64; 10] = [
    1.0,
    1.0000000000000002,
    1.5,
    2.0,
    3.9999999999999996,
    100.0,
    10_000.0,
    500_000.0,
    1_048_576.0,
    1e12,
];

#[test]
fn fixed_constants() {
    assert_near(turn::Fixed::LN_2, Fixed::ln_2(), power_of_two(-193), "ln 2");
    let one = wide(turn::Fixed::RADIAN)
        .times(Fixed::pi())
        .times(Fixed::from_int(2));
    assert!(
        one.distance(Fixed::from_int(1)).to_f64() <= 6.3 * power_of_two(-193),
        "1 / 2 pi"
    );
}

#[test]
fn log2_and_exp2_are_within_their_bounds() {
    for base in BASES {
        let log2 = turn::Fixed::log2(base);
        // log2(base) ln 2 = ln(base)
        let ln = wide(log2).times(Fixed::ln_2());
        assert!(
            ln.distance(Fixed::ln(base)).to_f64() < power_of_two(-189),
            "log2({base})"
        );
        for n in [1, 2, 3, 7, 64, 1000, 1 << 31] {
            let exponent = log2.over(n);
            let exact = wide(exponent).times(Fixed::ln_2()).exp_negative();
            assert_near(exponent.exp2_negative(), exact, power_of_two(-184), "exp2");
        }
    }
    assert_eq!(turn::Fixed([0, 0, 0, 250]).exp2_negative(), turn::Fixed([0; 4]));
}

#[test]
fn frequencies_are_within_their_bound() {
    for base in BASES {
        for dim in [1, 2, 3, 64, 385, 1000, 20_001] {
            let ln = Fixed::ln(base);
            let step = (dim / 40).max(1);
            for (i, w) in turn::frequencies(base, dim)
                .take(dim.div_ceil(2))
                .enumerate()
                .step_by(step)
            {
                let exact = ln
                    .times(Fixed::from_int(2 * i as u64))
                    .over(dim as u64)
                    .exp_negative();
                assert_near(w, exact, i as f64 * power_of_two(-184), "frequency");
                assert_eq!(w.to_f64(), exact.to_f64(), "base {base}, dim {dim}, i {i}");

                // t = w / 2 pi is correctly rounded: 2 pi t is w within half a unit of t.
                let t = w.times(turn::Fixed::RADIAN).fraction();
                let t = Fixed([0, 0, 0, t as u64, (t >> 64) as u64, 0]);
                let error = t
                    .times(Fixed::pi())
                    .times(Fixed::from_int(2))
                    .distance(exact)
                    .to_f64();
                assert!(
                    error < std::f64::consts::PI * 1.000001 * power_of_two(-128),
                    "base {base}, dim {dim}, i {i}"
                );
            }
        }
    }
}

#[test]
fn sine_of_a_wide_fraction_is_rounded_once() {
    for i in 0..4_000 {
        let w = block(13, 0, 0, i);
        let random = w[..].iter().fold(0, |x, &w| x << 32 | u128::from(w));
        // Anywhere, near 0, and on both sides of each quarter turn.
        let x = match i % 4 {
            0 => random,
            1 => random >> (w[3] % 90),
            2 => (u128::from(w[2] % 4) << 126).wrapping_add(random >> (w[3] % 90)),
            _ => (u128::from(w[2] % 4) << 126).wrapping_sub(random >> (w[3] % 90)),
        };
        let [(negative, exact), _] = sin_cos(Fixed([0, 0, 0, x as u64, (x >> 64) as u64, 0]));
        let expected = if negative { -exact.to_f32() } else { exact.to_f32() };
        assert_eq!(turn::sin_f32(x).to_bits(), expected.to_bits(), "x = {x:#034x}");
    }
    let quarters = [0.0_f32, 1.0, 0.0, -1.0];
    for (k, sin) in quarters.into_iter().enumerate() {
        assert_eq!(turn::sin_f32((k as u128) << 126).to_bits(), sin.to_bits());
    }
}
