//! Rows of blocks of a GGUF file: each value by ggml's definition.

/// The block types: name, values, bytes.
pub const TYPES: [(&str, usize, usize); 10] = [
    ("q4_0", 32, 18),
    ("q4_1", 32, 20),
    ("q5_0", 32, 22),
    ("q5_1", 32, 24),
    ("q8_0", 32, 34),
    ("q2_k", 256, 84),
    ("q3_k", 256, 110),
    ("q4_k", 256, 144),
    ("q5_k", 256, 176),
    ("q6_k", 256, 210),
];

/// The values of whole blocks.
pub fn decode(name: &str, bytes: &[u8]) -> Vec<f32> {
    let (_, values, size) = TYPES.into_iter().find(|each| each.0 == name).unwrap();
    let mut out = Vec::new();
    for block in bytes.chunks(size) {
        for i in 0..values {
            out.push(value(name, block, i));
        }
    }
    out
}

/// Value `i` of a block.
fn value(name: &str, b: &[u8], i: usize) -> f32 {
    let nibble = |byte: u8, high: bool| u32::from(if high { byte >> 4 } else { byte & 15 });
    let bit = |byte: u8, k: usize| u32::from(byte >> k & 1);
    let two = |byte: u8, k: usize| u32::from(byte >> (2 * k) & 3);
    let d = |at: usize| half(u16::from_le_bytes([b[at], b[at + 1]]));
    match name {
        "q4_0" => d(0) * (nibble(b[2 + i % 16], i >= 16) as f32 - 8.0),
        "q4_1" => d(0) * nibble(b[4 + i % 16], i >= 16) as f32 + d(2),
        "q5_0" => {
            let q = nibble(b[6 + i % 16], i >= 16) + 16 * bit(b[2 + i / 8], i % 8);
            d(0) * (q as f32 - 16.0)
        }
        "q5_1" => {
            let q = nibble(b[8 + i % 16], i >= 16) + 16 * bit(b[4 + i / 8], i % 8);
            d(0) * q as f32 + d(2)
        }
        "q8_0" => d(0) * f32::from(b[2 + i] as i8),
        "q2_k" => {
            let scale = b[i / 16];
            let q = two(b[16 + i / 128 * 32 + i % 32], i / 32 % 4);
            d(80) * nibble(scale, false) as f32 * q as f32 - d(82) * nibble(scale, true) as f32
        }
        "q3_k" => {
            let g = i / 16;
            let scale = nibble(b[96 + g % 8], g >= 8) + 16 * two(b[104 + g % 4], g / 4);
            let q = two(b[32 + i / 128 * 32 + i % 32], i / 32 % 4) + 4 * bit(b[i % 32], i / 32);
            d(108) * (scale as f32 - 32.0) * (q as f32 - 4.0)
        }
        "q4_k" => {
            let (scale, min) = scale_and_min(&b[4..16], i / 32);
            let q = nibble(b[16 + i / 64 * 32 + i % 32], i % 64 >= 32);
            d(0) * scale * q as f32 - d(2) * min
        }
        "q5_k" => {
            let (scale, min) = scale_and_min(&b[4..16], i / 32);
            let q = nibble(b[48 + i / 64 * 32 + i % 32], i % 64 >= 32) + 16 * bit(b[16 + i % 32], i / 32);
            d(0) * scale * q as f32 - d(2) * min
        }
        "q6_k" => {
            let scale = f32::from(b[192 + i / 16] as i8);
            let low = nibble(b[i / 128 * 64 + i % 64], i % 128 >= 64);
            let q = low + 16 * two(b[128 + i / 128 * 32 + i % 32], i / 32 % 4);
            d(208) * scale * (q as f32 - 32.0)
        }
        _ => panic!("no block type is called {name}"),
    }
}

/// Scale and minimum `j` of q4_k and q5_k, 6 bits each in 12 bytes.
fn scale_and_min(s: &[u8], j: usize) -> (f32, f32) {
    let (scale, min) = if j < 4 {
        (s[j] & 63, s[j + 4] & 63)
    } else {
        (s[j + 4] & 15 | s[j - 4] >> 6 << 4, s[j + 4] >> 4 | s[j] >> 6 << 4)
    };
    (f32::from(scale), f32::from(min))
}

/// The value of an f16: sign, 5 bits of exponent, 10 bits of fraction.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (bits >> 10 & 31, f32::from(bits & 1023));
    sign * match (exponent, bits & 1023) {
        (31, 0) => f32::INFINITY,
        (31, _) => f32::NAN,
        (0, _) => fraction / 16_777_216.0,
        _ => (1024.0 + fraction) * (1_u32 << exponent) as f32 / 33_554_432.0,
    }
}
