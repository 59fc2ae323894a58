//! Models: a piece of text to ids.

mod bpe;
#[cfg(test)]
mod tests;
mod trie;
mod unigram;
mod vocabulary;
mod word_piece;

use tokenbed_formats::json::Kind as JsonKind;

use crate::fields::{Fields, Value};
use crate::tokenizer::EncodeError;
use crate::Error;
use bpe::Bpe;
pub(crate) use unigram::number;
use unigram::Unigram;
use vocabulary::Vocabulary;
use word_piece::WordPiece;

/// Memory that the models use again for each piece. It belongs to one model.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    bpe: bpe::Scratch,
    unigram: unigram::Scratch,
}

impl Scratch {
    /// Frees what a long piece took.
    pub fn trim(&mut self) {
        self.bpe.trim();
        self.unigram.trim();
    }
}

/// A model.
#[derive(Debug)]
pub(crate) struct Model {
    vocabulary: Vocabulary,
    unknown: Option<u32>,
    /// `unk_token`, which the vocabulary may lack.
    unknown_token: Option<String>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Bpe(Bpe),
    WordPiece(WordPiece),
    WordLevel,
    Unigram(Unigram),
}

/// The types of models that are read.
const TYPES: [&str; 4] = ["BPE", "WordPiece", "WordLevel", "Unigram"];
// Their indices.
const BPE: usize = 0;
const WORD_PIECE: usize = 1;
const WORD_LEVEL: usize = 2;
const UNIGRAM: usize = 3;

impl Model {
    /// Reads a model.
    pub fn read(fields: Fields) -> Result<Model, Error> {
        let vocab = fields.required("vocab")?;
        let kind = match fields.value("type") {
            Some(value) => value.choice(&TYPES)?,
            // Old files have no type. The reference then tries one model after the other; only Unigram has an array.
            None if vocab.reader()?.kind()? == JsonKind::Array => UNIGRAM,
            None if fields.optional("merges")?.is_some() => BPE,
            None if fields.optional("continuing_subword_prefix")?.is_some()
                && fields.optional("max_input_chars_per_word")?.is_some() =>
            {
                WORD_PIECE
            }
            None => WORD_LEVEL,
        };
        if kind == UNIGRAM {
            return Model::unigram(&fields, &vocab);
        }
        let vocabulary = Vocabulary::read(&vocab)?;
        let token = match kind {
            BPE => fields.optional("unk_token")?,
            _ => Some(fields.required("unk_token")?),
        };
        let unknown_token = token.map(|token| token.string()).transpose()?.map(String::from);
        let unknown = unknown_token
            .as_deref()
            .and_then(|token| vocabulary.token_to_id(token));
        let kind = match kind {
            BPE => Kind::Bpe(Bpe::read(&fields, &vocabulary)?),
            WORD_PIECE => Kind::WordPiece(WordPiece::read(&fields, &vocabulary)?),
            _ => Kind::WordLevel,
        };
        Ok(Model {
            vocabulary,
            unknown,
            unknown_token,
            kind,
        })
    }

    fn unigram(fields: &Fields, vocab: &Value) -> Result<Model, Error> {
        let (vocabulary, scores) = Unigram::read(vocab)?;
        let mut unknown = None;
        if let Some(value) = fields.optional("unk_id")? {
            let id = value.named(value.reader()?.unsigned())?;
            let size = scores.len() as u64;
            if id >= size {
                return Err(value.error("@ is #, but the vocabulary has # tokens", &[id, size], &[]));
            }
            unknown = Some(id as u32);
        }
        let fallback = match fields.value("byte_fallback") {
            Some(value) => value.boolean()?,
            None => false,
        };
        Ok(Model {
            kind: Kind::Unigram(Unigram::new(&vocabulary, scores, fallback)),
            vocabulary,
            unknown,
            unknown_token: None,
        })
    }

    /// Appends the ids of `piece`, which is not empty. After an error, `ids` is as it was.
    pub fn encode(&self, piece: &str, scratch: &mut Scratch, ids: &mut Vec<u32>) -> Result<(), EncodeError> {
        let (vocabulary, unknown) = (&self.vocabulary, self.unknown);
        match &self.kind {
            Kind::Bpe(bpe) => bpe.encode(vocabulary, unknown, piece, &mut scratch.bpe, ids),
            Kind::WordPiece(word_piece) => word_piece.encode(vocabulary, unknown, piece, ids),
            Kind::WordLevel => {
                let id = vocabulary.token_to_id(piece).or(unknown);
                ids.push(id.ok_or(EncodeError::Unknown)?);
                Ok(())
            }
            Kind::Unigram(unigram) => unigram.encode(vocabulary, unknown, piece, &mut scratch.unigram, ids),
        }
    }

    /// The id of a token of the vocabulary.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.vocabulary.token_to_id(token)
    }

    /// The token of an id, the last in the file if several have it.
    pub fn id_to_token(&self, id: u32) -> Option<&str> {
        self.vocabulary.id_to_token(id)
    }

    /// The tokens, each once.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.vocabulary.tokens()
    }

    /// The number of tokens, by `get_vocab_size` of the reference: ids of added tokens begin here.
    pub fn size(&self) -> usize {
        self.vocabulary.len()
    }

    /// One more than the greatest id.
    pub fn bound(&self) -> u64 {
        self.vocabulary.bound()
    }

    /// The id of the unknown token. `id_of` finds tokens, added ones too, as the reference finds `unk_token`.
    pub fn unknown<'a>(&'a self, id_of: impl Fn(&'a str) -> Option<u32>) -> Option<u32> {
        self.unknown_token.as_deref().map_or(self.unknown, id_of)
    }
}
