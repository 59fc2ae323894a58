//! Philox4x32-10, a counter-based generator. Element i is a pure function of (seed, stream, call, i), so any
//! range of a table can be generated separately, in any order, with any number of lanes, with the same bits.
//!
//! ```text
//! key     = (low word of seed, high word of seed)
//! counter = (low word of block, high word of block, call, stream)
//! ten times:  (h0, l0) = 0xd2511f53 * c0;  (h1, l1) = 0xcd9e8d57 * c2
//!             c = (h1 ^ c1 ^ k0, l1, h0 ^ c3 ^ k1, l0);  k0 += 0x9e3779b9;  k1 += 0xbb67ae85
//! ```
//! Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011).

use core::ops::Range;

/// The streams. They are independent for the same seed.
pub mod stream {
    /// Initial values of token tables.
    pub const TOKEN: u32 = 0;
    /// Initial values of learned position tables.
    pub const POSITION: u32 = 1;
    /// Dropout.
    pub const DROPOUT: u32 = 2;
    /// Ids of a sampler.
    pub const NEGATIVE: u32 = 3;
}

/// Words per block.
pub const BLOCK: usize = 4;

/// One sequence of random words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draws {
    /// The user's seed: the key of the generator.
    pub seed: u64,
    /// The purpose of the numbers; see [`stream`].
    pub stream: u32,
    /// 0 for tables, the number of the training call for dropout.
    pub call: u32,
}

impl Draws {
    /// The four words of block `index`.
    pub fn block(&self, index: u64) -> [u32; BLOCK] {
        let words = self.blocks::<1>(index);
        [words[0][0], words[1][0], words[2][0], words[3][0]]
    }

    /// Blocks `first .. first + N`, transposed: `[w][k]` is word w of block first + k.
    #[inline(always)]
    pub fn blocks<const N: usize>(&self, first: u64) -> [[u32; N]; BLOCK] {
        let mut words = [[0; N]; BLOCK];
        let [w0, w1, w2, w3] = &mut words;
        for k in 0..N {
            let index = first.wrapping_add(k as u64);
            [w0[k], w1[k], w2[k], w3[k]] =
                self.philox([index as u32, (index >> 32) as u32, self.call, self.stream]);
        }
        words
    }

    #[inline(always)]
    fn philox(&self, counter: [u32; BLOCK]) -> [u32; BLOCK] {
        let [mut c0, mut c1, mut c2, mut c3] = counter;
        let (mut k0, mut k1) = (self.seed as u32, (self.seed >> 32) as u32);
        for _ in 0..10 {
            let p0 = 0xd251_1f53 * u64::from(c0);
            let p1 = 0xcd9e_8d57 * u64::from(c2);
            (c0, c1, c2, c3) = (
                (p1 >> 32) as u32 ^ c1 ^ k0,
                p1 as u32,
                (p0 >> 32) as u32 ^ c3 ^ k1,
                p0 as u32,
            );
            k0 = k0.wrapping_add(0x9e37_79b9);
            k1 = k1.wrapping_add(0xbb67_ae85);
        }
        [c0, c1, c2, c3]
    }
}

/// Splits elements `first .. first + len` into tiles of `N` elements that start at multiples of `N`. Callers
/// generate whole tiles and use the requested part of each.
pub struct Tiles<const N: usize> {
    first: u64,
    len: usize,
    done: usize,
}

/// One tile of [`Tiles`].
pub struct Tile {
    /// The first element of the tile, a multiple of N.
    pub start: u64,
    /// The requested elements, as indices into the tile.
    pub inside: Range<usize>,
    /// The same elements, as indices into the requested range.
    pub outside: Range<usize>,
}

impl<const N: usize> Tiles<N> {
    /// The tiles that cover elements `first .. first + len`.
    #[inline(always)]
    pub fn new(first: u64, len: usize) -> Self {
        Self { first, len, done: 0 }
    }
}

impl<const N: usize> Iterator for Tiles<N> {
    type Item = Tile;

    #[inline(always)]
    fn next(&mut self) -> Option<Tile> {
        if self.done == self.len {
            return None;
        }
        let element = self.first + self.done as u64;
        let from = (element % N as u64) as usize;
        let count = (N - from).min(self.len - self.done);
        let outside = self.done..self.done + count;
        self.done += count;
        Some(Tile {
            start: element - from as u64,
            inside: from..from + count,
            outside,
        })
    }
}
