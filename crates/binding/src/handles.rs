//! Handles: numbers by which JavaScript refers to objects of Rust.
//!
//! A handle is a non-negative integer that an `f64` holds exactly: `generation * 2^24 + slot`. A freed slot is reused
//! under the next generation, so a stale handle is detected and never refers to another object. Lookup takes one
//! bounds check and one comparison.

const SLOT_BITS: u32 = 24;
const SLOT_MASK: u64 = (1 << SLOT_BITS) - 1;
/// 2^53 / 2^24. A larger generation would not be exact as an `f64`, so the slot is retired.
const MAX_GENERATION: u32 = (1 << 29) - 1;

struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

/// The objects of one JavaScript environment, by handle.
pub struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Slots::new()
    }
}

impl<T> Slots<T> {
    /// An empty set of slots. Does not allocate.
    pub const fn new() -> Self {
        Slots {
            slots: Vec::new(),
            free: Vec::new(),
        }
    }

    /// The number of handles in use.
    pub fn len(&self) -> usize {
        self.slots.iter().filter(|slot| slot.value.is_some()).count()
    }

    /// Whether no handle is in use.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Stores `value` and returns its handle; drops it and returns `None` if all 2^24 slots are in use.
    pub fn insert(&mut self, value: T) -> Option<f64> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.slots.len() as u64 <= SLOT_MASK => {
                self.slots.push(Slot {
                    generation: 0,
                    value: None,
                });
                (self.slots.len() - 1) as u32
            }
            None => return None,
        };
        let entry = &mut self.slots[slot as usize];
        entry.value = Some(value);
        Some((u64::from(entry.generation) << SLOT_BITS | u64::from(slot)) as f64)
    }

    fn entry(&self, handle: f64) -> Option<usize> {
        let bits = handle as u64; // saturates: NaN and negatives become 0, which is rejected below
        let slot = (bits & SLOT_MASK) as usize;
        let known = self.slots.get(slot)?;
        (bits as f64 == handle && u64::from(known.generation) == bits >> SLOT_BITS).then_some(slot)
    }

    /// The object of `handle`; `None` if it was removed, or if `handle` was never one of these slots.
    pub fn get(&self, handle: f64) -> Option<&T> {
        self.slots[self.entry(handle)?].value.as_ref()
    }

    /// The object of `handle`, mutable. See [`Slots::get`].
    pub fn get_mut(&mut self, handle: f64) -> Option<&mut T> {
        let slot = self.entry(handle)?;
        self.slots[slot].value.as_mut()
    }

    /// The objects of both handles, mutable; `None` if they are one object, too.
    pub fn get_both(&mut self, handle: f64, other: f64) -> Option<(&mut T, &mut T)> {
        let (slot, other) = (self.entry(handle)?, self.entry(other)?);
        let [slot, other] = self.slots.get_disjoint_mut([slot, other]).ok()?;
        Some((slot.value.as_mut()?, other.value.as_mut()?))
    }

    /// Removes the object of `handle` and returns it; `None` the second time.
    pub fn remove(&mut self, handle: f64) -> Option<T> {
        let slot = self.entry(handle)?;
        let entry = &mut self.slots[slot];
        let value = entry.value.take()?;
        if entry.generation < MAX_GENERATION {
            entry.generation += 1;
            self.free.push(slot as u32);
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::Slots;

    #[test]
    fn a_handle_names_its_object_until_it_is_removed() {
        let mut slots = Slots::new();
        let a = slots.insert("a").unwrap();
        let b = slots.insert("b").unwrap();
        assert_eq!((slots.get(a), slots.get(b)), (Some(&"a"), Some(&"b")));
        assert_eq!(slots.remove(a), Some("a"));
        assert_eq!((slots.remove(a), slots.get(a)), (None, None));
        let c = slots.insert("c").unwrap();
        assert_ne!(a, c, "a slot is used again under another generation");
        assert_eq!(
            (slots.get(a), slots.get(c), slots.get(b)),
            (None, Some(&"c"), Some(&"b"))
        );
    }

    #[test]
    fn what_is_no_handle_names_nothing() {
        let mut slots = Slots::new();
        assert_eq!(slots.get(0.0), None);
        let only = slots.insert(1).unwrap();
        for wrong in [f64::NAN, -1.0, 0.5, 1.0, f64::INFINITY, 9e15, 16_777_216.0] {
            assert_eq!(slots.get(wrong), None, "{wrong}");
        }
        assert_eq!(slots.get_mut(only), Some(&mut 1));
    }
}
