//! Added tokens: found in the text before the pre-tokenizers run, each by its flags.

use crate::model::Model;
use crate::normalize::{Normalized, Normalizer};
use crate::Error;
use tokenbed_formats::json::Reader;

/// A part of a text: an added token, or text between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub start: usize,
    pub end: usize,
    /// The id of the added token; None is text.
    pub id: Option<u32>,
}

/// The added tokens of a file.
#[derive(Debug, Default)]
pub(crate) struct Added {}

impl Added {
    /// Reads `added_tokens`. The ids are those that the reference assigns: the id of the same token in the vocabulary,
    /// else the next free one, whatever the file says.
    pub fn read(_reader: &mut Reader, _model: &Model, _normalizers: &[Normalizer]) -> Result<Added, Error> {
        todo!()
    }

    /// Splits the text that was passed to the tokenizer at added tokens that are not normalized.
    pub fn split_raw(&self, _text: &str, _spans: &mut Vec<Span>) {
        todo!()
    }

    /// Splits normalized text at added tokens that are normalized.
    pub fn split_normalized(&self, _text: &Normalized, _spans: &mut Vec<Span>) {
        todo!()
    }

    /// The id of a token.
    pub fn token_to_id(&self, _token: &str) -> Option<u32> {
        todo!()
    }

    /// The token of an id as decoders take it (normalized, as `simple_id_to_token` of the reference).
    pub fn id_to_token(&self, _id: u32) -> Option<&str> {
        todo!()
    }

    /// Whether a token is special.
    pub fn is_special(&self, _token: &str) -> bool {
        todo!()
    }
}
