//! Models: a piece of text to ids.

use crate::fields::Fields;
use crate::tokenizer::EncodeError;
use crate::Error;

/// Memory that the models use again for each piece.
#[derive(Debug, Default)]
pub(crate) struct Scratch {}

/// A model.
#[derive(Debug)]
pub(crate) enum Model {}

impl Model {
    /// Reads a model.
    pub fn read(_fields: Fields) -> Result<Model, Error> {
        todo!()
    }

    /// Appends the ids of `piece`, which is not empty.
    pub fn encode(&self, _piece: &str, _scratch: &mut Scratch, _ids: &mut Vec<u32>) -> Result<(), EncodeError> {
        todo!()
    }

    /// The id of a token of the vocabulary.
    pub fn token_to_id(&self, _token: &str) -> Option<u32> {
        todo!()
    }

    /// The token of an id.
    pub fn id_to_token(&self, _id: u32) -> Option<&str> {
        todo!()
    }

    /// The number of tokens, by `get_vocab_size` of the reference: ids of added tokens begin here.
    pub fn size(&self) -> usize {
        todo!()
    }

    /// One more than the greatest id.
    pub fn bound(&self) -> u32 {
        todo!()
    }

    /// The id of the unknown token, if the vocabulary has it.
    pub fn unknown(&self) -> Option<u32> {
        todo!()
    }
}
