//! Pre-tokenizers: text to pieces, which the model takes one by one.

use crate::fields::Fields;
use crate::Error;

/// A piece of a text: the bytes `start..end`, of which the first `origin` bytes come from byte 0 of the text that was
/// passed to the tokenizer (see [`crate::normalize::Normalized`]). No piece is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    pub start: usize,
    pub end: usize,
    pub origin: usize,
}

/// A text and the pieces that it is split into.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    pub text: String,
    pub list: Vec<Piece>,
}

/// A pre-tokenizer. A sequence is a list of them.
#[derive(Debug)]
pub(crate) enum PreTokenizer {}

impl PreTokenizer {
    /// Reads a pre-tokenizer and appends it to `list`; a sequence appends each of its members.
    pub fn read(_fields: Fields, _list: &mut Vec<PreTokenizer>) -> Result<(), Error> {
        todo!()
    }

    /// Splits each piece in place. `spare` is scratch memory.
    pub fn apply(&self, _pieces: &mut Pieces, _spare: &mut Pieces) {
        todo!()
    }
}
