//! Normalizers: text to the text that is split.

use crate::fields::Fields;
use crate::Error;

/// A text and its origin.
#[derive(Debug, Default, Clone)]
pub(crate) struct Normalized {
    pub text: String,
    /// How many of the first bytes of `text` come from byte 0 of the text that was passed to the tokenizer, by the
    /// alignments of the reference. Metaspace with the scheme `first` looks at it.
    pub origin: usize,
}

/// A normalizer. A sequence is a list of them.
#[derive(Debug)]
pub(crate) enum Normalizer {}

impl Normalizer {
    /// Reads a normalizer, or null, and appends it to `list`; a sequence appends each of its members.
    pub fn read(_fields: Fields, _list: &mut Vec<Normalizer>) -> Result<(), Error> {
        todo!()
    }

    /// Normalizes `text` in place. `spare` is scratch memory.
    pub fn apply(&self, _text: &mut Normalized, _spare: &mut Normalized) {
        todo!()
    }
}
