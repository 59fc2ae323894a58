//! f32 values in memory that grows, for gradients and the state of optimizers.

use super::{Contents, Memory, Write};

/// Values whose number grows. They begin at a pair of cache lines, as those of a table.
#[derive(Debug, Default)]
pub struct Growing(Option<Memory<Write>>);

impl Growing {
    /// The number of values that there is room for.
    pub fn capacity(&self) -> usize {
        self.bytes() / size_of::<f32>()
    }

    /// The bytes of the memory.
    pub fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |memory| memory.bytes().len())
    }

    /// Makes room for `len` values, and keeps the first `kept` ones; the others are unspecified. The room is doubled at
    /// least, up to `most` values, if the memory suffices. Returns false if memory is exhausted: then nothing has changed.
    #[must_use]
    pub fn reserve(&mut self, len: usize, kept: usize, most: usize) -> bool {
        let capacity = self.capacity();
        if len <= capacity {
            return true;
        }
        let double = capacity.saturating_mul(2).min(most).max(len);
        let sized = |len: usize| {
            let bytes = len
                .checked_mul(size_of::<f32>())
                .filter(|&bytes| bytes <= isize::MAX as usize)?;
            Memory::allocate(bytes, Contents::Any)
        };
        let Some(mut memory) = sized(double).or_else(|| sized(len)) else {
            return false;
        };
        if let Some(old) = &self.0 {
            let kept = kept * size_of::<f32>();
            memory.bytes_mut()[..kept].copy_from_slice(&old.bytes()[..kept]);
        }
        self.0 = Some(memory);
        true
    }

    /// All values.
    pub fn values(&self) -> &[f32] {
        // SAFETY: any bytes are f32 values.
        let parts = self
            .0
            .as_ref()
            .map(|memory| unsafe { memory.bytes().align_to::<f32>() });
        parts.map_or(&[], |(_, values, _)| values)
    }

    /// All values, mutable.
    pub fn values_mut(&mut self) -> &mut [f32] {
        // SAFETY: any bytes are f32 values.
        let parts = self
            .0
            .as_mut()
            .map(|memory| unsafe { memory.bytes_mut().align_to_mut::<f32>() });
        parts.map_or(&mut [], |(_, values, _)| values)
    }
}

#[cfg(test)]
mod tests {
    use super::Growing;

    #[test]
    fn values_are_kept_while_the_room_grows() {
        let mut growing = Growing::default();
        assert_eq!(
            (growing.capacity(), growing.values().len(), growing.bytes()),
            (0, 0, 0)
        );
        let mut len = 0;
        for more in [1, 1, 5, 1000, 70_000, 3, 200_000] {
            assert!(growing.reserve(len + more, len, 1 << 20));
            assert!(growing.capacity() >= len + more);
            for (i, value) in growing.values_mut()[len..len + more].iter_mut().enumerate() {
                *value = (len + i) as f32;
            }
            len += more;
            assert!(growing.values()[..len]
                .iter()
                .enumerate()
                .all(|(i, &value)| value == i as f32));
        }
        assert!(growing.capacity() < 2 * len, "the room doubles at most");
        let before = growing.capacity();
        assert!(!growing.reserve(usize::MAX / 8, len, usize::MAX));
        assert_eq!(
            (growing.capacity(), growing.values()[len - 1]),
            (before, (len - 1) as f32)
        );
    }

    #[test]
    fn the_room_is_not_doubled_beyond_the_most_values() {
        let mut growing = Growing::default();
        assert!(growing.reserve(900, 0, 1000) && growing.reserve(901, 900, 1000));
        assert_eq!(growing.capacity(), 1000);
    }
}
