//! A generator of random numbers: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).

/// Random numbers from a seed.
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    /// A number in [0, 2^64).
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in [0, bound).
    pub fn below(&mut self, bound: usize) -> usize {
        (self.number() % bound as u64) as usize
    }

    /// True in one of `count` cases.
    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// An element.
    pub fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }

    /// A character of `text`.
    pub fn character(&mut self, text: &[char]) -> char {
        text[self.below(text.len())]
    }
}
