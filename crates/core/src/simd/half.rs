//! f16 (IEEE 754 binary16) and bf16 (the upper half of an f32), one value at a time.
//!
//! A conversion to f32 is exact. A conversion to 16 bits rounds to nearest, ties to even.

/// The bits of the smallest f32 that rounds to an infinite f16: 65520, halfway between 65504 and 65536.
const F16_OVERFLOW: u32 = 0x477f_f000;

/// The f16 with these bits. A NaN keeps its sign and payload and becomes quiet, as in hardware conversions.
#[inline(always)]
pub fn f16_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let magnitude = u32::from(bits & 0x7fff);
    let rest = match magnitude {
        // Subnormal: (1 + m / 1024) 2^-14 - 2^-14, without an operation on a subnormal f32.
        0..0x0400 => (f32::from_bits((magnitude << 13) + (113 << 23)) - f32::from_bits(113 << 23)).to_bits(),
        0x0400..0x7c00 => (magnitude << 13) + (112 << 23),
        0x7c00 => 0x7f80_0000,
        _ => 0x7fc0_0000 | magnitude << 13,
    };
    f32::from_bits(sign | rest)
}

/// The bits of the f16 nearest to `x`. From 65520 on it is infinite; a NaN becomes a quiet NaN.
#[inline(always)]
pub fn f32_to_f16(x: f32) -> u16 {
    let sign = (x.to_bits() >> 16) as u16 & 0x8000;
    let magnitude = x.to_bits() & 0x7fff_ffff;
    let rest = if x.is_nan() {
        0x7e00
    } else if magnitude >= F16_OVERFLOW {
        0x7c00
    } else if magnitude < 113 << 23 {
        // Subnormal or zero: adding 0.5 rounds to a multiple of 2^-24, the unit of subnormals.
        (f32::from_bits(magnitude) + 0.5).to_bits() - 0.5f32.to_bits()
    } else {
        let odd = (magnitude >> 13) & 1;
        (magnitude - (112 << 23) + 0xfff + odd) >> 13
    };
    sign | rest as u16
}

/// The bf16 with these bits.
#[inline(always)]
pub fn bf16_to_f32(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// The bits of the bf16 nearest to `x`; a NaN becomes a quiet NaN.
#[inline(always)]
pub fn f32_to_bf16(x: f32) -> u16 {
    let bits = x.to_bits();
    if x.is_nan() {
        return (bits >> 16) as u16 | 0x0040;
    }
    let odd = (bits >> 16) & 1;
    ((bits + 0x7fff + odd) >> 16) as u16
}
