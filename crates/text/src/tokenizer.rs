//! The tokenizer: all parts, in the order of the reference.

use crate::Error;

/// A text that the reference refuses to encode: it has a character that the vocabulary lacks, and there is no unknown
/// token to stand for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodeError;

/// The first id of a list that no token has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownId {
    /// Its index in the list.
    pub position: usize,
}

/// A tokenizer, and the memory that it uses again for each text.
#[derive(Debug)]
pub struct Tokenizer {}

impl Tokenizer {
    /// Reads a tokenizer.json. The memo of chunks takes at most `memo` bytes; 0 turns it off.
    pub fn from_json(_json: &[u8], _memo: usize) -> Result<Tokenizer, Error> {
        todo!()
    }

    /// Appends the ids of `text`, with the special tokens of the post-processor if `special`. After an error, `ids` is as
    /// it was.
    pub fn encode(&mut self, _text: &str, _special: bool, _ids: &mut Vec<u32>) -> Result<(), EncodeError> {
        todo!()
    }

    /// The text of `ids`. Tokens that are special are left out if `skip_special`.
    pub fn decode(&self, _ids: &[u32], _skip_special: bool) -> Result<String, UnknownId> {
        todo!()
    }

    /// The id of a token, added tokens first.
    pub fn token_to_id(&self, _token: &str) -> Option<u32> {
        todo!()
    }

    /// The token of an id, added tokens first, as `id_to_token` of the reference returns it.
    pub fn id_to_token(&self, _id: u32) -> Option<&str> {
        todo!()
    }

    /// One more than the greatest id.
    pub fn bound(&self) -> u32 {
        todo!()
    }

    /// The id of the unknown token.
    pub fn unknown(&self) -> Option<u32> {
        todo!()
    }

    /// The id that pads sequences: `padding.pad_id`, else that of `[PAD]`, `<pad>` or `<PAD>`.
    pub fn pad(&self) -> Option<u32> {
        todo!()
    }

    /// The median length of a token in code points, added tokens included, rounded down.
    pub fn median_token_length(&self) -> u32 {
        todo!()
    }
}
