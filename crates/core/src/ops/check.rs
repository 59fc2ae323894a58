//! The one pass that makes ids trusted.

use crate::simd::{dispatch, Isa};

/// A type of ids: `BITS` wide, signed or not.
pub(crate) trait Id: Copy {
    /// The same bits, read as an unsigned number: a negative id becomes one of at least 2^(BITS - 1).
    type Bits: Copy + Ord + Into<u32>;

    /// The largest value, in the same bits.
    const MAX: u32;

    fn bits(self) -> Self::Bits;

    /// The bits of `x`, which is at most `MAX`.
    fn of(x: u32) -> Self::Bits;
}

macro_rules! id {
    ($($int:ty as $bits:ty),*) => {$(
        impl Id for $int {
            type Bits = $bits;
            const MAX: u32 = <$int>::MAX as u32;

            #[inline(always)]
            fn bits(self) -> $bits {
                self as $bits
            }

            #[inline(always)]
            fn of(x: u32) -> $bits {
                x as $bits
            }
        }
    )*};
}
id!(i8 as u8, u8 as u8, i16 as u16, u16 as u16, i32 as u32, u32 as u32);

/// The lowest position of an id that is not in `[0, bound)`.
///
/// A block of ids is good if the largest of its bits, read as unsigned, is at most `min(bound - 1, T::MAX)`:
/// that is one maximum per id, which compilers turn into vector code of any width by themselves. Only a bad
/// block is searched.
pub(crate) fn first_outside<T: Id>(isa: Isa, ids: &[T], bound: u64) -> Option<usize> {
    assert!(bound <= 1 << 32, "ids of 32 bits can have no bound of {bound}");
    let Some(largest) = bound.checked_sub(1) else {
        return (!ids.is_empty()).then_some(0);
    };
    let largest = T::of(largest.min(u64::from(T::MAX)) as u32);
    dispatch!(isa, _simd => search(ids, largest))
}

/// Ids in a block: a few kilobytes, read from memory once even when they must be searched.
const BLOCK: usize = 1024;

#[inline(always)]
fn search<T: Id>(ids: &[T], largest: T::Bits) -> Option<usize> {
    for (b, block) in ids.chunks(BLOCK).enumerate() {
        let mut worst = T::of(0);
        for id in block {
            worst = worst.max(id.bits());
        }
        if worst > largest {
            return block
                .iter()
                .position(|id| id.bits() > largest)
                .map(|i| b * BLOCK + i);
        }
    }
    None
}
