//! Input values. They are written to the files, so readers need not generate them.

/// `n` numbers between -4 and 4 with long significands, nearby ones distinct, so that every sum and product rounds.
pub fn numbers(n: usize) -> Vec<f32> {
    (1..=n as u32)
        .map(|i| i.wrapping_mul(2_654_435_761) as i32 as f32 / 536_870_912.0)
        .collect()
}

/// `n` numbers that differ from `numbers(n)`.
pub fn others(n: usize) -> Vec<f32> {
    numbers(1000 + n)[1000..].to_vec()
}

/// Special values of every kind: those that copying, comparison or rounding could treat differently.
pub const ODD: [u32; 16] = [
    0x0000_0000, // +0
    0x8000_0000, // -0
    0x7f80_0000, // infinity
    0xff80_0000, // -infinity
    0x7fc0_0001, // a quiet NaN with a payload
    0xffc1_2345, // another quiet NaN, negative
    0x7fa0_0002, // a signaling NaN
    0xff80_0001, // a signaling NaN, negative, with the smallest payload
    0x7fff_ffff, // the NaN with all payload bits set
    0x0000_0001, // the smallest subnormal
    0x807f_ffff, // the largest subnormal, negative
    0x0080_0000, // the smallest normal value
    0x7f7f_ffff, // the largest finite value
    0xff7f_ffff, // the smallest finite value
    0x3f80_0001, // 1 + 2^-23
    0x3380_0000, // 2^-24
];

/// `n` values, alternating between special values and ordinary numbers.
pub fn odd_numbers(n: usize) -> Vec<f32> {
    let mut values = numbers(n);
    for (i, x) in values.iter_mut().step_by(2).enumerate() {
        *x = f32::from_bits(ODD[i * 7 % ODD.len()]);
    }
    values
}

/// `n` ids below `bound`, with repeats, including the first and the last row.
pub fn ids(n: usize, bound: usize) -> Vec<usize> {
    (0..n)
        .map(|i| match i % 7 {
            1 => bound - 1,
            4 => 0,
            _ => (i * i * 5 + i * 3 + 2) % bound,
        })
        .collect()
}
