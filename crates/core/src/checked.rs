//! Index arrays: validated once, then trusted by type.
//!
//! [`Ids`] and the arguments of [`Offsets::check`] are what a caller gave. [`Indices`] and [`Offsets`] are
//! what passed: only the checks here make them, so a kernel that takes them reads no row outside its table,
//! and tests nothing. An error is found before the first value is written.

use crate::error::Error;
use crate::ops::check::{first_outside, Id};
use crate::simd::Isa;
use std::ops::Range;

/// Index values as they came: any integer type of up to 32 bits, nothing checked.
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

/// The same expression for each type of ids.
macro_rules! each {
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

impl<'a> Ids<'a> {
    /// How many.
    pub fn len(&self) -> usize {
        each!(self, ids => ids.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Entry `i`, as it came. Panics when there is no such entry.
    pub fn value(&self, i: usize) -> i64 {
        each!(self, ids => i64::from(ids[i]))
    }

    /// Some of them. Panics when `range` is not a range of them.
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

    /// Proves that every id is in `[0, bound)`, in one pass. `bound` is at most 2^32.
    ///
    /// Errors: `ERR_ID_OUT_OF_RANGE` with the lowest position of an id that is not.
    pub fn check(self, isa: Isa, bound: u64) -> Result<Indices<'a>, Error> {
        match each!(self, ids => first_outside(isa, ids, bound)) {
            Some(position) => Err(Error::IdOutOfRange { position, bound }),
            None => Ok(Indices { ids: self, bound }),
        }
    }
}

/// Ids of which every one is in `[0, bound)`.
#[derive(Debug, Clone, Copy)]
pub struct Indices<'a> {
    ids: Ids<'a>,
    bound: u64,
}

impl<'a> Indices<'a> {
    /// How many.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Some of them. Panics when `range` is not a range of them.
    #[inline]
    pub fn slice(self, range: Range<usize>) -> Indices<'a> {
        Indices {
            ids: self.ids.slice(range),
            ..self
        }
    }

    /// What every entry is below.
    pub fn bound(&self) -> u64 {
        self.bound
    }

    /// Entry `i`. Panics when there is none.
    #[inline(always)]
    pub fn get(&self, i: usize) -> usize {
        // No entry is negative, so none changes here.
        each!(self.ids, ids => ids[i] as usize)
    }
}

/// A run of proven ids, as u32 whatever they came as, without those that count for nothing: what an inner
/// loop walks.
pub(crate) struct Run {
    ids: [u32; Run::LEN],
    weights: [f32; Run::LEN],
    len: usize,
    bound: u64,
}

impl Default for Run {
    fn default() -> Self {
        Run {
            ids: [0; Run::LEN],
            weights: [1.0; Run::LEN],
            len: 0,
            bound: 0,
        }
    }
}

impl Run {
    /// Ids in the longest run: few enough that they stay in the L1 cache with the rows.
    pub const LEN: usize = 256;

    /// Becomes the run of all `ids` (at most `LEN`) but those equal to `skip`, and of their weights if there
    /// are any.
    #[inline(always)]
    pub fn fill(&mut self, ids: Indices<'_>, weights: Option<&[f32]>, skip: Option<usize>) {
        self.bound = ids.bound;
        each!(ids.ids, ids => self.keep(ids, weights, skip));
    }

    #[inline(always)]
    fn keep<T: Id>(&mut self, ids: &[T], weights: Option<&[f32]>, skip: Option<usize>) {
        let Some(skip) = skip else {
            for (to, id) in self.ids.iter_mut().zip(ids) {
                *to = id.bits().into();
            }
            if let Some(weights) = weights {
                self.weights[..weights.len()].copy_from_slice(weights);
            }
            self.len = ids.len();
            return;
        };
        self.len = 0;
        for (i, id) in ids.iter().enumerate() {
            let id = id.bits().into();
            self.ids[self.len] = id;
            if let Some(weights) = weights {
                self.weights[self.len] = weights[i];
            }
            self.len += usize::from(id as usize != skip);
        }
    }

    /// How many were kept.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Those that were kept.
    #[inline(always)]
    pub fn ids(&self) -> Indices<'_> {
        Indices {
            ids: Ids::U32(&self.ids[..self.len]),
            bound: self.bound,
        }
    }

    /// A weight for each of them; without a meaning where there are no weights.
    #[inline(always)]
    pub fn weights(&self) -> &[f32] {
        &self.weights[..self.len]
    }
}

/// Where each bag begins in a flat array of `n` ids: offsets start at 0, never fall and end at most at `n`.
#[derive(Debug, Clone, Copy)]
pub struct Offsets<'a> {
    starts: Ids<'a>,
    /// Where the first bag begins: not at 0 only in a part of the bags.
    base: usize,
    /// Where the last bag ends.
    end: usize,
    bags: usize,
}

impl<'a> Offsets<'a> {
    /// Proves those rules. Bag `i` reaches from `offsets[i]` to `offsets[i + 1]`, and the last bag to `n`;
    /// with `include_last` the last offset is `n` itself and begins no bag. No bags is fine only when `n` is
    /// 0.
    ///
    /// Errors: `ERR_OFFSETS` with the first offset that breaks a rule (0 where there is none but one is
    /// needed).
    pub fn check(offsets: Ids<'a>, n: usize, include_last: bool) -> Result<Offsets<'a>, Error> {
        let count = offsets.len();
        if count == 0 && (include_last || n > 0) {
            return Err(Error::Offsets { index: 0 });
        }
        Offsets::check_part(offsets, n, None)?;
        let bags = count - usize::from(include_last);
        let checked = Offsets {
            starts: offsets,
            base: 0,
            end: n,
            bags,
        };
        // Ids that no bag takes: after a last offset below n, or all of them where no bag begins.
        if include_last && checked.start(count - 1) != n {
            return Err(Error::Offsets { index: count - 1 });
        }
        Ok(checked)
    }

    /// The rules that a part of the offsets can break by itself, for callers that see them part by part: it
    /// starts at 0, or not below `previous`, the offset before it; it never falls; it ends at `n` or before.
    ///
    /// Errors: `ERR_OFFSETS`; the index counts from the start of the part.
    pub fn check_part(part: Ids<'_>, n: usize, previous: Option<usize>) -> Result<(), Error> {
        let fault = each!(part, part => first_fault(part, n, previous));
        fault.map_or(Ok(()), |index| Err(Error::Offsets { index }))
    }

    /// How many bags.
    pub fn bags(&self) -> usize {
        self.bags
    }

    /// The ids of bag `i`. Panics when there is no such bag.
    pub fn bag(&self, i: usize) -> Range<usize> {
        assert!(i < self.bags, "bag {i} of {}", self.bags);
        let end = if i + 1 < self.starts.len() {
            self.start(i + 1)
        } else {
            self.end - self.base
        };
        self.start(i)..end
    }

    fn start(&self, i: usize) -> usize {
        each!(self.starts, starts => starts[i] as usize) - self.base
    }
}

/// The first of `offsets` that is not 0 at the start (or falls below `previous`), or falls, or is beyond `n`.
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

/// How a flat array of ids is cut into bags.
#[derive(Debug, Clone, Copy)]
pub enum Bags<'a> {
    /// At offsets.
    Offsets(Offsets<'a>),
    /// Into `bags` bags of `len` ids each.
    Equal {
        /// How many bags.
        bags: usize,
        /// Ids in each.
        len: usize,
    },
}

impl Bags<'_> {
    /// How many bags.
    pub fn bags(&self) -> usize {
        match self {
            Bags::Offsets(offsets) => offsets.bags(),
            Bags::Equal { bags, .. } => *bags,
        }
    }

    /// The ids of bag `i`. Panics when there is no such bag.
    pub fn bag(&self, i: usize) -> Range<usize> {
        match self {
            Bags::Offsets(offsets) => offsets.bag(i),
            Bags::Equal { bags, len } => {
                assert!(i < *bags, "bag {i} of {bags}");
                i * len..(i + 1) * len
            }
        }
    }

    /// How many ids come before bag `i`, or before the end where `i` is the number of bags. Panics beyond.
    pub fn start(&self, i: usize) -> usize {
        match i.checked_sub(1) {
            Some(before) => self.bag(before).end,
            None => 0,
        }
    }

    /// Some of them, to be given their own ids alone: those from `start(part.start)` to `start(part.end)`. Panics
    /// when `part` is not a range of them.
    pub fn slice(self, part: Range<usize>) -> Self {
        let (start, end) = (self.start(part.start), self.start(part.end));
        let bags = part.len();
        match self {
            Bags::Offsets(offsets) => Bags::Offsets(Offsets {
                starts: offsets.starts.slice(part),
                base: offsets.base + start,
                end: offsets.base + end,
                bags,
            }),
            Bags::Equal { len, .. } => Bags::Equal { bags, len },
        }
    }
}
