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

/// The slot of each row: a hash table with open addressing that compares keys in the list of rows.
///
/// It has 4 bytes per entry and at least two entries per row, however large the table is: that of a batch stays in the
/// caches.
#[derive(Debug, Default)]
struct Index {
    /// 0, or a slot + 1. The length is 0 or a power of two.
    entries: Vec<u32>,
}

impl Index {
    /// Mixes the bits of a row: the finalizer `lowbias32` of Wellons, "Prospecting for hash functions" (2018).
    #[inline(always)]
    fn hash(row: u32) -> usize {
        let x = (row ^ (row >> 16)).wrapping_mul(0x7feb_352d);
        let x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
        (x ^ (x >> 16)) as usize
    }

    /// The place of `row`'s entry: one with its slot, or an empty one.
    #[inline(always)]
    fn find(&self, rows: &[u32], row: u32) -> usize {
        let mask = self.entries.len() - 1;
        let mut at = Index::hash(row) & mask;
        loop {
            match self.entries[at] {
                0 => return at,
                entry if rows[entry as usize - 1] == row => return at,
                _ => at = (at + 1) & mask,
            }
        }
    }

    /// Makes room for another row. Returns false if memory is exhausted.
    #[inline(always)]
    fn reserve(&mut self, rows: &[u32]) -> bool {
        2 * rows.len() < self.entries.len() || self.grow(rows)
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, rows: &[u32]) -> bool {
        let len = (2 * self.entries.len()).max(64);
        let mut entries = Vec::new();
        if entries.try_reserve_exact(len).is_err() {
            return false;
        }
        entries.resize(len, 0);
        self.entries = entries;
        for (slot, &row) in rows.iter().enumerate() {
            let at = self.find(rows, row);
            self.entries[at] = slot as u32 + 1;
        }
        true
    }

    /// Removes the rows with the slots from `first` on. Costs what they cost, not what the table has room for.
    fn remove(&mut self, rows: &[u32], first: usize) {
        if 8 * rows.len() > self.entries.len() && first == 0 {
            return self.entries.fill(0);
        }
        let mask = self.entries.len().wrapping_sub(1);
        // A hole does not end this search. Rows that remain were entered earlier: no hole is on the way to them.
        for (slot, &row) in rows.iter().enumerate().skip(first) {
            let mut at = Index::hash(row) & mask;
            while self.entries[at] != slot as u32 + 1 {
                at = (at + 1) & mask;
            }
            self.entries[at] = 0;
        }
    }
}

/// The gradient of a table of `dim` columns.
#[derive(Debug, Default)]
pub struct Gradient {
    dim: usize,
    exists: bool,
    /// The row of each slot.
    rows: Vec<u32>,
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
        self.exists.then_some(self.rows.len())
    }

    /// The number of columns.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        let words = self.rows.capacity() + self.index.entries.capacity();
        let words = words + self.call.capacity() + self.places.capacity();
        let words = words + self.order.capacity() + self.spare.capacity();
        words * size_of::<u32>() + self.sums.bytes()
    }

    /// The row of each slot, in the order of their first contributions.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The slot of a row; `None` if it has no gradient.
    #[inline(always)]
    pub fn slot(&self, row: usize) -> Option<usize> {
        if self.rows.is_empty() {
            return None;
        }
        let entry = self.index.entries[self.index.find(&self.rows, row as u32)];
        (entry as usize).checked_sub(1)
    }

    /// The place of each row in the state of an optimizer, as the last plan of a step has it.
    pub(crate) fn places(&self) -> &[u32] {
        &self.places
    }

    /// The rows, and their places in the state of an optimizer, for its plan of a step.
    pub(crate) fn plan(&mut self) -> (&[u32], &mut Vec<u32>) {
        (&self.rows, &mut self.places)
    }

    /// The sum of each slot, `[count, dim]`.
    pub fn sums(&self) -> &[f32] {
        &self.sums.values()[..self.rows.len() * self.dim]
    }

    /// The same, mutable.
    pub fn sums_mut(&mut self) -> &mut [f32] {
        &mut self.sums.values_mut()[..self.rows.len() * self.dim]
    }

    /// The slots in the order of their rows, since the last [`sort`](Gradient::sort).
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// Sorts the slots. Allocates nothing: the memory was reserved with that of the rows.
    pub fn sort(&mut self) {
        let (rows, order, next) = (&self.rows[..], &mut self.order, &mut self.spare);
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
        self.index.remove(&self.rows, 0);
        self.rows.clear();
        self.places.clear();
        self.order.clear();
        self.exists = false;
    }

    /// Begins a call with `contributions`. Returns false if memory is exhausted; so do the next two, and then
    /// [`cancel`](Gradient::cancel) must follow.
    #[must_use]
    pub fn begin(&mut self, contributions: usize) -> bool {
        (self.before, self.existed) = (self.rows.len(), self.exists);
        self.call.clear();
        contributions as u64 <= 1 << 32 && self.call.try_reserve(contributions).is_ok()
    }

    /// Assigns slots to the next contributions of the call: those to `rows`, without `padding`.
    #[must_use]
    pub fn assign(&mut self, mut rows: impl Iterator<Item = usize>, padding: Option<usize>) -> bool {
        rows.all(|row| {
            if padding == Some(row) {
                self.call.push(Slot::NONE);
                return true;
            }
            self.index.reserve(&self.rows) && self.assign_row(row as u32)
        })
    }

    #[inline(always)]
    fn assign_row(&mut self, row: u32) -> bool {
        let at = self.index.find(&self.rows, row);
        let slot = match self.index.entries[at] {
            0 => {
                let slot = self.rows.len();
                if slot == Slot::LIMIT || self.rows.try_reserve(1).is_err() {
                    return false;
                }
                self.rows.push(row);
                self.index.entries[at] = slot as u32 + 1;
                Slot::new(slot, true)
            }
            entry => Slot::new(entry as usize - 1, false),
        };
        self.call.push(slot);
        true
    }

    /// Reserves memory for the sums of the new rows, and for sorting all rows. From now on there is a gradient.
    #[must_use]
    pub fn commit(&mut self) -> bool {
        let (rows, kept) = (self.rows.len(), self.before * self.dim);
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
        self.index.remove(&self.rows, self.before);
        self.rows.truncate(self.before);
        self.exists = self.existed;
    }

    /// The number of contributions to each slot in the call; `None` if memory is exhausted.
    pub fn counts(&self) -> Option<Vec<u32>> {
        let mut counts = Vec::new();
        counts.try_reserve_exact(self.rows.len()).ok()?;
        counts.resize(self.rows.len(), 0u32);
        for place in self.call.iter().filter_map(|slot| slot.place()) {
            counts[place] += 1;
        }
        Some(counts)
    }

    /// The slots of the contributions of the call, and all sums.
    pub fn call(&mut self) -> (&[Slot], Sums<'_>) {
        let values = &mut self.sums.values_mut()[..self.rows.len() * self.dim];
        (&self.call, Sums::all(self.dim, values))
    }
}
