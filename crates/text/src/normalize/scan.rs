//! Runs of ASCII, found eight bytes at a time.

const HIGH: u64 = 0x8080_8080_8080_8080;
const ONE: u64 = 0x0101_0101_0101_0101;

/// The end of the run of ASCII at byte `at`.
pub(super) fn ascii(bytes: &[u8], at: usize) -> usize {
    run(bytes, at, |word| word & HIGH == 0, |byte| byte < 0x80)
}

/// The end of the run of printable ASCII and blanks at byte `at`.
pub(super) fn printable(bytes: &[u8], at: usize) -> usize {
    // No carry from byte to byte: if a byte has its high bit set, the first term has a bit.
    let word = |word: u64| {
        (word | word.wrapping_add(ONE)) & HIGH == 0 && word.wrapping_add(ONE * 0x60) & HIGH == HIGH
    };
    run(bytes, at, word, |byte| (b' '..=b'~').contains(&byte))
}

#[inline(always)]
fn run(bytes: &[u8], mut at: usize, word: impl Fn(u64) -> bool, byte: impl Fn(u8) -> bool) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        if !word(u64::from_le_bytes(*chunk)) {
            break;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|&next| byte(next)) {
        at += 1;
    }
    at
}
