//! Index arrays. They are validated once; afterwards their type proves that they are valid.
//!
//! [`Ids`] and the arguments of [`Offsets::check`] are unchecked. [`Indices`] and [`Offsets`] are valid: only the
//! checks in this module construct them, so kernels take them without bounds checks. An error is returned before the
//! first value is written.

#![expect(unsafe_code, reason = "the constructor for ids that were checked before")]

use crate::error::Error;
use crate::simd::{dispatch_plain, Isa};
use std::ops::Range;

/// Unchecked index values of any integer type of up to 32 bits.
#[derive(Debug, Clone, Copy)]
pub enum Ids<'a> {
    /// From an Int8Array.
    I8(&'a [i8]),
    /// From a Uint8Array (or a clamped one, or a Buffer).
    U8(&'a [u8]),
    /// From an Int16Array.
    I16(&'a [i16]),
    /// From a Uint16Array.
    U16(&'a [u16]),
    /// From an Int32Array.
    I32(&'a [i32]),
    /// From a Uint32Array.
    U32(&'a [u32]),
}

/// Expands one expression for each id type.
macro_rules! each_type {
    ($ids:expr, $slice:ident => $body:expr) => {
        match $ids {
            Ids::I8($slice) => $body,
            Ids::U8($slice) => $body,
            Ids::I16($slice) => $body,
            Ids::U16($slice) => $body,
            Ids::I32($slice) => $body,
            Ids::U32($slice) => $body,
        }
    };
}
pub(crate) use each_type;

impl<'a> Ids<'a> {
    /// The number of ids.
    pub fn len(&self) -> usize {
        each_type!(self, ids => ids.len())
    }

    /// Whether there are no ids.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Entry `i`, not checked against a bound.
    ///
    /// # Panics
    /// If `i` is out of range.
    pub fn value(&self, i: usize) -> i64 {
        each_type!(self, ids => i64::from(ids[i]))
    }

    /// The ids in `range`. Panics if it is out of range.
    #[inline]
    pub fn slice(self, range: Range<usize>) -> Ids<'a> {
        match self {
            Ids::I8(ids) => Ids::I8(&ids[range]),
            Ids::U8(ids) => Ids::U8(&ids[range]),
            Ids::I16(ids) => Ids::I16(&ids[range]),
            Ids::U16(ids) => Ids::U16(&ids[range]),
            Ids::I32(ids) => Ids::I32(&ids[range]),
            Ids::U32(ids) => Ids::U32(&ids[range]),
        }
    }

    /// Checks in one pass that every id is in `[0, bound)`. `bound` is at most 2^32.
    ///
    /// Errors: `ERR_ID_OUT_OF_RANGE` with the position of the first id that is not.
    #[inline(never)]
    pub fn check(self, isa: Isa, bound: u64) -> Result<Indices<'a>, Error> {
        match each_type!(self, ids => first_outside(isa, ids, bound)) {
            Some(position) => Err(Error::IdOutOfRange { position, bound }),
            None => Ok(Indices { ids: self, bound }),
        }
    }

    /// Checks that every id but those equal to `ignored` is in `[0, bound)`. Returns the number of these. `bound` is at
    /// most 2^32.
    ///
    /// Errors: `ERR_ID_OUT_OF_RANGE` with the position of the first id that is not.
    #[inline(never)]
    pub fn check_except(self, isa: Isa, bound: u64, ignored: Option<i64>) -> Result<usize, Error> {
        let Some(ignored) = ignored else {
            return self.check(isa, bound).map(|indices| indices.len());
        };
        each_type!(self, ids => count_except(ids, bound, ignored))
            .map_err(|position| Error::IdOutOfRange { position, bound })
    }
}

/// The number of ids that are not `ignored`; `Err` is the position of the first of them that is not in `[0, bound)`.
fn count_except<T: Copy + Into<i64>>(ids: &[T], bound: u64, ignored: i64) -> Result<usize, usize> {
    let mut count = 0;
    for (position, &id) in ids.iter().enumerate() {
        let id = id.into();
        if id != ignored {
            if !(0..bound as i64).contains(&id) {
                return Err(position);
            }
            count += 1;
        }
    }
    Ok(count)
}

/// Ids that are all in `[0, bound)`.
#[derive(Debug, Clone, Copy)]
pub struct Indices<'a> {
    ids: Ids<'a>,
    bound: u64,
}

impl<'a> Indices<'a> {
    /// Ids that were checked before, as part of a larger array.
    ///
    /// # Safety
    /// Every id is in `[0, bound)`.
    #[inline]
    pub unsafe fn proven(ids: Ids<'a>, bound: u64) -> Self {
        Indices { ids, bound }
    }

    /// The ids 0 .. n. Panics if `n` is greater than 256.
    pub(crate) fn first(n: usize) -> Indices<'static> {
        static COUNT: [u8; 256] = {
            let mut count = [0; 256];
            let mut i = 0;
            while i < count.len() {
                count[i] = i as u8;
                i += 1;
            }
            count
        };
        Indices {
            ids: Ids::U8(&COUNT[..n]),
            bound: n as u64,
        }
    }

    /// The ids, with their type.
    #[inline(always)]
    pub(crate) fn ids(&self) -> Ids<'a> {
        self.ids
    }

    /// The number of ids.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are no ids.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The ids in `range`. Panics if it is out of range.
    #[inline]
    pub fn slice(self, range: Range<usize>) -> Indices<'a> {
        Indices {
            ids: self.ids.slice(range),
            ..self
        }
    }

    /// The exclusive upper bound of every entry.
    pub fn bound(&self) -> u64 {
        self.bound
    }

    /// Entry `i`. Panics if it is out of range.
    #[inline(always)]
    pub fn get(&self, i: usize) -> usize {
        // No entry is negative: types of the same size share their code.
        each_type!(self.ids, ids => ids[i].bits() as usize)
    }
}

/// A row for each id: all are in `[0, bound)`.
#[derive(Debug, Clone)]
pub struct Mapping {
    rows: Vec<u32>,
    bound: u64,
}

impl Mapping {
    /// Checks in one pass that every row is in `[0, bound)`. `bound` is at most 2^32.
    ///
    /// Errors: as [`Ids::check`].
    pub fn check(isa: Isa, rows: Vec<u32>, bound: u64) -> Result<Mapping, Error> {
        Ids::U32(&rows).check(isa, bound)?;
        Ok(Mapping { rows, bound })
    }

    /// The number of ids.
    #[allow(clippy::len_without_is_empty, reason = "no operation needs it")]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The exclusive upper bound of every row.
    pub fn bound(&self) -> u64 {
        self.bound
    }

    /// The row of `id`. Panics if there is none.
    #[inline(always)]
    pub fn row(&self, id: usize) -> usize {
        self.rows[id] as usize
    }
}

/// Where each bag begins in a flat array of `n` ids: offsets start at 0, never decrease, and end at or before `n`.
#[derive(Debug, Clone, Copy)]
pub struct Offsets<'a> {
    starts: Ids<'a>,
    /// The start of the first bag: 0 unless this is a part of the bags.
    base: usize,
    /// The end of the last bag.
    end: usize,
    bags: usize,
}

impl<'a> Offsets<'a> {
    /// Checks these rules. Bag `i` covers `offsets[i] .. offsets[i + 1]`, and the last bag ends at `n`. With
    /// `include_last` the last offset is `n` itself and no bag begins there. There may be zero bags only if `n` is
    /// 0.
    ///
    /// Errors: `ERR_OFFSETS` with the first offset that breaks a rule (0 if there is none but one is
    /// needed).
    pub fn check(offsets: Ids<'a>, n: usize, include_last: bool) -> Result<Offsets<'a>, Error> {
        let count = offsets.len();
        if count == 0 && (include_last || n > 0) {
            return Err(Error::Offsets { index: 0 });
        }
        Offsets::check_part(offsets, n, None)?;
        let checked = Offsets::proven(offsets, n, include_last);
        // Ids outside all bags: those after a last offset below n, or all ids if there are no bags.
        if include_last && checked.start(count - 1) != n {
            return Err(Error::Offsets { index: count - 1 });
        }
        Ok(checked)
    }

    /// Offsets that were checked before, part by part. A later call panics if they break a rule.
    pub fn proven(offsets: Ids<'a>, n: usize, include_last: bool) -> Offsets<'a> {
        Offsets {
            starts: offsets,
            base: 0,
            end: n,
            bags: offsets.len() - usize::from(include_last),
        }
    }

    /// Checks a part of the offsets, for callers that read them part by part: the part starts at 0, or not below
    /// `previous`, the offset before it; it never decreases; and it ends at or before `n`.
    ///
    /// Errors: `ERR_OFFSETS`; the index counts from the start of the part.
    #[inline(never)]
    pub fn check_part(part: Ids<'_>, n: usize, previous: Option<usize>) -> Result<(), Error> {
        let fault = each_type!(part, part => first_fault(part, n, previous));
        fault.map_or(Ok(()), |index| Err(Error::Offsets { index }))
    }

    /// The number of bags.
    pub fn bags(&self) -> usize {
        self.bags
    }

    /// The range of ids in bag `i`. Panics if there is no such bag.
    pub fn bag(&self, i: usize) -> Range<usize> {
        assert!(i < self.bags, "a bag outside the bags");
        let end = if i + 1 < self.starts.len() {
            self.start(i + 1)
        } else {
            self.end - self.base
        };
        self.start(i)..end
    }

    fn start(&self, i: usize) -> usize {
        each_type!(self.starts, starts => starts[i] as usize) - self.base
    }

    /// A range of the bags, relative to their own ids, which cover `start .. end` of all ids.
    pub(crate) fn slice(self, part: Range<usize>, start: usize, end: usize) -> Self {
        Offsets {
            bags: part.len(),
            starts: self.starts.slice(part),
            base: self.base + start,
            end: self.base + end,
        }
    }
}

/// The first of `offsets` that is not 0 at the start (or is below `previous`), decreases, or exceeds `n`.
fn first_fault<T: Copy + Into<i64>>(offsets: &[T], n: usize, previous: Option<usize>) -> Option<usize> {
    let n = n as i64;
    let mut allowed = previous.map_or(0..=0, |previous| previous as i64..=n);
    offsets.iter().position(|&offset| {
        let offset = offset.into();
        let fault = !allowed.contains(&offset);
        allowed = offset..=n;
        fault
    })
}

/// An id type of `BITS` bits, signed or unsigned.
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

/// The position of the first id that is not in `[0, bound)`.
///
/// A block of ids is valid if its maximum, read as unsigned, is at most `min(bound - 1, T::MAX)`. This takes one
/// maximum per id, which the compiler vectorizes. Only an invalid block is searched.
pub(crate) fn first_outside<T: Id>(isa: Isa, ids: &[T], bound: u64) -> Option<usize> {
    assert!(bound <= 1 << 32, "a bound above 2^32");
    let Some(largest) = bound.checked_sub(1) else {
        return (!ids.is_empty()).then_some(0);
    };
    let largest = T::of(largest.min(u64::from(T::MAX)) as u32);
    dispatch_plain!(isa, search(ids, largest))
}

/// Ids in a block: a few kilobytes, so that a search reads them from the cache.
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
