//! The gradient of a table: the rows that occurred, and the sum of the contributions to each.
//!
//! A row gets a *slot* when it first occurs: the place of its sum. Slots are numbered in the order of the contributions,
//! so nothing depends on the hash table that finds them, and a later call continues where an earlier one ended. Rows are
//! sorted only when they are read.
//!
//! ```text
//! begin, assign, commit     the slot of every contribution of a call, and memory for new rows; or nothing has changed
//! ops::add_rows, ...        the contributions
//! ```

use crate::memory::Growing;
use crate::ops::{Slot, Sums};
use std::hint::select_unpredictable;

/// The rows of the slots, and a hash table with open addressing that finds the slot of a row.
///
/// The table compares keys in the list of rows: it has 4 bytes per entry and at least four entries per row, however large the
/// table of the rows is. That of a batch stays in the caches.
#[derive(Debug, Default)]
struct Index {
    /// 0, or a slot + 1. The length is 0 or a power of two.
    entries: Vec<u32>,
    /// The row of slot `i` at `i + 1`: entry 0 needs no branch. Longer than the number of rows.
    rows: Vec<u32>,
    count: usize,
}

impl Index {
    /// Mixes the bits of a row: the finalizer `lowbias32` of Wellons, "Prospecting for hash functions" (2018).
    #[inline(always)]
    fn hash(row: u32) -> u32 {
        let x = (row ^ (row >> 16)).wrapping_mul(0x7feb_352d);
        let x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
        x ^ (x >> 16)
    }

    /// The row of each slot.
    fn rows(&self) -> &[u32] {
        self.rows.get(1..=self.count).unwrap_or(&[])
    }

    /// Makes room for `more` rows. Returns false if memory is exhausted.
    #[inline(always)]
    fn reserve(&mut self, more: usize) -> bool {
        let count = self.count + more;
        (count < self.rows.len() && 4 * count <= self.entries.len()) || self.grow(count)
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, count: usize) -> bool {
        if count >= Slot::LIMIT
            || self
                .rows
                .try_reserve((count + 1).saturating_sub(self.rows.len()))
                .is_err()
        {
            return false;
        }
        self.rows.resize(self.rows.capacity(), 0);
        if 4 * count <= self.entries.len() {
            return true;
        }
        let len = (4 * count).next_power_of_two();
        let mut entries = Vec::new();
        if entries.try_reserve_exact(len).is_err() {
            return false;
        }
        entries.resize(len, 0);
        self.entries = entries;
        let mask = len - 1;
        for slot in 0..self.count {
            let mut at = Index::hash(self.rows[slot + 1]) as usize & mask;
            while self.entries[at] != 0 {
                at = (at + 1) & mask;
            }
            self.entries[at] = slot as u32 + 1;
        }
        true
    }

    /// The slot of a row, if it has one. There are entries.
    #[inline(always)]
    fn find(&self, row: u32) -> Option<usize> {
        let mask = self.entries.len() - 1;
        let mut at = Index::hash(row) as usize & mask;
        loop {
            let slot = (self.entries[at] as usize).checked_sub(1)?;
            if self.rows[slot + 1] == row {
                return Some(slot);
            }
            at = (at + 1) & mask;
        }
    }

    /// The slot of a row, which is the next one if the row is new. There is room for a row, and `hash` is that of the row.
    ///
    /// Nothing is a branch that is hard to predict: whether the row is new, and whether the first entry is that of another.
    #[inline(always)]
    fn insert(&mut self, row: u32, hash: u32) -> Slot {
        // An entry without a slot has this row.
        self.rows[0] = row;
        let mask = self.entries.len() - 1;
        let (first, second) = (hash as usize & mask, (hash as usize + 1) & mask);
        let entries = (self.entries[first], self.entries[second]);
        let found = self.rows[entries.0 as usize] == row;
        let mut at = select_unpredictable(found, first, second);
        let mut entry = select_unpredictable(found, entries.0, entries.1);
        while self.rows[entry as usize] != row {
            at = (at + 1) & mask;
            entry = self.entries[at];
        }
        let (new, next) = (entry == 0, self.count + 1);
        self.rows[next] = row;
        self.count += usize::from(new);
        let entry = select_unpredictable(new, next as u32, entry);
        self.entries[at] = entry;
        Slot::new(entry as usize - 1, new)
    }

    /// Removes the rows with the slots from `first` on. Costs what they cost, not what the table has room for.
    fn remove(&mut self, first: usize) {
        let last = std::mem::replace(&mut self.count, first);
        if 8 * last > self.entries.len() && first == 0 {
            return self.entries.fill(0);
        }
        let mask = self.entries.len().wrapping_sub(1);
        // A hole does not end this search. Rows that remain were entered earlier: no hole is on the way to them.
        for slot in first..last {
            let mut at = Index::hash(self.rows[slot + 1]) as usize & mask;
            while self.entries[at] != slot as u32 + 1 {
                at = (at + 1) & mask;
            }
            self.entries[at] = 0;
        }
    }
}

/// The contributions to which slots are assigned at once.
const BLOCK: usize = 32;

/// The gradient of a table of `dim` columns.
#[derive(Debug, Default)]
pub struct Gradient {
    dim: usize,
    exists: bool,
    index: Index,
    /// The sum of each slot.
    sums: Growing,
    /// The slot of each contribution of the current call.
    call: Vec<Slot>,
    /// The place of each row in the state of the optimizer that was prepared last.
    places: Vec<u32>,
    /// The slots in the order of their rows, since they were sorted; and memory for sorting them.
    order: Vec<u32>,
    spare: Vec<u32>,
    /// The number of rows before the current call, and whether there was a gradient.
    before: usize,
    existed: bool,
}

impl Gradient {
    /// No gradient yet, of a table of `dim` columns. Allocates nothing.
    pub fn new(dim: usize) -> Self {
        Gradient {
            dim,
            ..Gradient::default()
        }
    }

    /// The number of rows; `None` if there is no gradient.
    pub fn count(&self) -> Option<usize> {
        self.exists.then_some(self.index.count)
    }

    /// The number of columns.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        let words = self.index.rows.capacity() + self.index.entries.capacity();
        let words = words + self.call.capacity() + self.places.capacity();
        let words = words + self.order.capacity() + self.spare.capacity();
        words * size_of::<u32>() + self.sums.bytes()
    }

    /// The row of each slot, in the order of their first contributions.
    pub fn rows(&self) -> &[u32] {
        self.index.rows()
    }

    /// The slot of a row; `None` if it has no gradient.
    #[inline(always)]
    pub fn slot(&self, row: usize) -> Option<usize> {
        if self.index.count == 0 {
            return None;
        }
        self.index.find(row as u32)
    }

    /// The place of each row in the state of an optimizer, as the last plan of a step has it.
    pub(crate) fn places(&self) -> &[u32] {
        &self.places
    }

    /// The rows, and their places in the state of an optimizer, for its plan of a step.
    pub(crate) fn plan(&mut self) -> (&[u32], &mut Vec<u32>) {
        (self.index.rows(), &mut self.places)
    }

    /// The sum of each slot, `[count, dim]`.
    pub fn sums(&self) -> &[f32] {
        &self.sums.values()[..self.index.count * self.dim]
    }

    /// The same, mutable.
    pub fn sums_mut(&mut self) -> &mut [f32] {
        &mut self.sums.values_mut()[..self.index.count * self.dim]
    }

    /// The slots in the order of their rows, since the last [`sort`](Gradient::sort).
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// Sorts the slots. Allocates nothing: the memory was reserved with that of the rows.
    pub fn sort(&mut self) {
        let (rows, order, next) = (self.index.rows(), &mut self.order, &mut self.spare);
        order.clear();
        order.extend(0..rows.len() as u32);
        next.resize(rows.len(), 0);
        // A stable sort by one byte of the rows after the other, the lowest first.
        let largest = rows.iter().fold(0, |largest, &row| largest.max(row));
        for shift in (0..u32::BITS - largest.leading_zeros()).step_by(8) {
            let byte = |row: u32| usize::from((row >> shift) as u8);
            let mut places = [0; 256];
            for &row in rows {
                places[byte(row)] += 1;
            }
            let mut place = 0;
            for first in &mut places {
                place += std::mem::replace(first, place);
            }
            for &slot in &*order {
                let place = &mut places[byte(rows[slot as usize])];
                next[*place] = slot;
                *place += 1;
            }
            std::mem::swap(order, next);
        }
    }

    /// Ends the gradient. Its memory is reused for the next one.
    pub fn clear(&mut self) {
        self.index.remove(0);
        self.places.clear();
        self.order.clear();
        self.exists = false;
    }

    /// Begins a call with `contributions`. Returns false if memory is exhausted; so do the next two, and then
    /// [`cancel`](Gradient::cancel) must follow.
    #[must_use]
    pub fn begin(&mut self, contributions: usize) -> bool {
        (self.before, self.existed) = (self.index.count, self.exists);
        self.call.clear();
        contributions as u64 <= 1 << 32 && self.call.try_reserve(contributions).is_ok()
    }

    /// Assigns slots to the next contributions of the call: those to `rows`, without `padding`.
    #[must_use]
    pub fn assign(&mut self, mut rows: impl Iterator<Item = usize>, padding: Option<usize>) -> bool {
        let (mut block, mut hashes) = ([0; BLOCK], [0; BLOCK]);
        loop {
            let mut len = 0;
            while len < BLOCK {
                let Some(row) = rows.next() else { break };
                block[len] = row;
                len += 1;
            }
            if len == 0 {
                return true;
            }
            if !self.index.reserve(len) {
                return false;
            }
            for (hash, &row) in hashes.iter_mut().zip(&block) {
                *hash = Index::hash(row as u32);
            }
            for (&row, &hash) in block[..len].iter().zip(&hashes) {
                self.call.push(match padding == Some(row) {
                    true => Slot::NONE,
                    false => self.index.insert(row as u32, hash),
                });
            }
        }
    }

    /// Reserves memory for the sums of the new rows, and for sorting all rows. From now on there is a gradient.
    #[must_use]
    pub fn commit(&mut self) -> bool {
        let (rows, kept) = (self.index.count, self.before * self.dim);
        let room = |words: &mut Vec<u32>| words.try_reserve(rows.saturating_sub(words.len())).is_ok();
        let reserved = room(&mut self.order)
            && room(&mut self.spare)
            && rows
                .checked_mul(self.dim)
                .is_some_and(|needed| self.sums.reserve(needed, kept, usize::MAX));
        self.exists |= reserved;
        reserved
    }

    /// Undoes a call to which nothing was added.
    pub fn cancel(&mut self) {
        self.index.remove(self.before);
        self.exists = self.existed;
    }

    /// The number of contributions to each slot in the call; `None` if memory is exhausted.
    pub fn counts(&self) -> Option<Vec<u32>> {
        let mut counts = Vec::new();
        counts.try_reserve_exact(self.index.count).ok()?;
        counts.resize(self.index.count, 0u32);
        for place in self.call.iter().filter_map(|slot| slot.place()) {
            counts[place] += 1;
        }
        Some(counts)
    }

    /// The slots of the contributions of the call, and all sums.
    pub fn call(&mut self) -> (&[Slot], Sums<'_>) {
        let values = &mut self.sums.values_mut()[..self.index.count * self.dim];
        (&self.call, Sums::all(self.dim, values))
    }
}
