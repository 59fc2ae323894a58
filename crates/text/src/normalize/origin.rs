//! How many bytes of a result come from byte 0 of the text, by the alignments of the reference.

/// Follows the alignments of the reference while characters are written.
///
/// The reference writes each character with a change: 0 replaces the next character of the source, -N replaces it and
/// removes N more, 1 adds a character. The character gets the alignment of what it replaces, or of what was last
/// replaced. The changes need not add up, so that alignments may lag behind. Alignments never decrease: the bytes
/// that come from byte 0 are the first ones, and after the first other one there is nothing to do.
#[derive(Debug, Default)]
pub(super) struct Origin {
    /// Whether all bytes until now come from byte 0.
    pub active: bool,
    /// How many do.
    pub bytes: usize,
    /// How many characters of the source come from byte 0. It is complete when the first other one is replaced.
    pub from: usize,
    /// How many characters of the source were replaced or removed.
    taken: usize,
    /// The last character that was written, whose change is not final: its change and its bytes.
    last: Option<(i32, usize)>,
}

impl Origin {
    /// Follows nothing if no byte of the source comes from byte 0.
    pub fn new(source: usize) -> Origin {
        Origin {
            active: source > 0,
            ..Origin::default()
        }
    }

    /// A character was written.
    pub fn wrote(&mut self, change: i32, bytes: usize) {
        self.settle();
        self.last = Some((change, bytes));
    }

    /// Adds to the change of the last character. Before the first one the removal is lost, as in the reference.
    pub fn amend(&mut self, difference: i32) {
        if let Some((change, _)) = &mut self.last {
            *change += difference;
        }
    }

    /// Counts the last character.
    fn settle(&mut self) {
        let Some((change, bytes)) = self.last.take() else {
            return;
        };
        self.active &= match change {
            1.. => self.taken <= self.from,
            _ => self.taken < self.from,
        };
        if self.active {
            self.bytes += bytes;
            self.taken += (1 - change.min(1)) as usize;
        }
    }

    /// The number of bytes.
    pub fn finish(mut self) -> usize {
        if self.active {
            self.settle();
        }
        self.bytes
    }

    /// The bytes `start..end` of the source were copied, and all in front of them was replaced by what was written. The
    /// first `source` bytes come from byte 0.
    pub fn copied(&mut self, start: usize, end: usize, source: usize) {
        self.settle();
        if self.active {
            self.bytes += source.min(end).saturating_sub(start);
            self.active = end <= source;
            (self.from, self.taken) = (0, 0);
        }
    }
}
