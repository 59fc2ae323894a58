//! Philox4x32-10 with key = seed and counter = (block low, block high, call, stream).

/// Block `index` of (seed, stream, call).
pub fn block(seed: u64, stream: u32, call: u32, index: u64) -> [u32; 4] {
    let mut key = [seed as u32, (seed >> 32) as u32];
    let mut c = [index as u32, (index >> 32) as u32, call, stream];
    for _ in 0..10 {
        let (first, second) = (u64::from(c[0]) * 0xD2511F53, u64::from(c[2]) * 0xCD9E8D57);
        c = [
            (second >> 32) as u32 ^ c[1] ^ key[0],
            second as u32,
            (first >> 32) as u32 ^ c[3] ^ key[1],
            first as u32,
        ];
        key = [key[0].wrapping_add(0x9E3779B9), key[1].wrapping_add(0xBB67AE85)];
    }
    c
}

/// The word of element `i`: word i mod 4 of block floor(i / 4).
pub fn word(seed: u64, stream: u32, call: u32, i: u64) -> u32 {
    block(seed, stream, call, i / 4)[(i % 4) as usize]
}
