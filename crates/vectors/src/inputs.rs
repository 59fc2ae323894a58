//! Values that cases start from. They stand in the files, so nobody else needs to make them.

/// `n` numbers between -4 and 4, no two near ones equal and none of them short: every sum and product has to round.
pub fn numbers(n: usize) -> Vec<f32> {
    (1..=n as u32)
        .map(|i| i.wrapping_mul(2_654_435_761) as i32 as f32 / 536_870_912.0)
        .collect()
}

/// Other numbers than `numbers(n)`.
pub fn others(n: usize) -> Vec<f32> {
    numbers(1000 + n)[1000..].to_vec()
}

/// Every kind of value that a copy, a comparison or a rounding could treat in a way of its own.
pub const ODD: [u32; 16] = [
    0x0000_0000, // +0
    0x8000_0000, // -0
    0x7f80_0000, // infinity
    0xff80_0000, // -infinity
    0x7fc0_0001, // a quiet NaN with a payload
    0xffc1_2345, // another, negative
    0x7fa0_0002, // a signalling one
    0xff80_0001, // another, negative, with the least payload
    0x7fff_ffff, // the NaN of most ones
    0x0000_0001, // the least subnormal
    0x807f_ffff, // the largest, negative
    0x0080_0000, // the least normal number
    0x7f7f_ffff, // the largest number
    0xff7f_ffff, // and the least
    0x3f80_0001, // 1 and a bit
    0x3380_0000, // 2^-24: half that bit
];

/// `n` values, every other one odd.
pub fn odd_numbers(n: usize) -> Vec<f32> {
    let mut values = numbers(n);
    for (i, x) in values.iter_mut().step_by(2).enumerate() {
        *x = f32::from_bits(ODD[i * 7 % ODD.len()]);
    }
    values
}

/// `n` ids below `bound`, with repeats, the first and the last among them.
pub fn ids(n: usize, bound: usize) -> Vec<usize> {
    (0..n)
        .map(|i| match i % 7 {
            1 => bound - 1,
            4 => 0,
            _ => (i * i * 5 + i * 3 + 2) % bound,
        })
        .collect()
}
