//! WordPiece: the longest token first.

use super::trie::Node;
use super::vocabulary::Vocabulary;
use crate::fields::Fields;
use crate::tokenizer::EncodeError;
use crate::Error;

/// What WordPiece has beside its vocabulary.
#[derive(Debug)]
pub(crate) struct WordPiece {
    /// The node of `continuing_subword_prefix`.
    continued: Option<Node>,
    /// `max_input_chars_per_word`.
    longest: usize,
}

impl WordPiece {
    /// Reads the fields.
    pub fn read(fields: &Fields, vocabulary: &Vocabulary) -> Result<WordPiece, Error> {
        let prefix = fields.required("continuing_subword_prefix")?.string()?;
        let trie = &vocabulary.trie;
        Ok(WordPiece {
            continued: trie.walk(trie.root(), prefix.as_bytes()),
            longest: fields.required("max_input_chars_per_word")?.size()?,
        })
    }

    /// Appends the ids of `piece`.
    pub fn encode(
        &self,
        vocabulary: &Vocabulary,
        unknown: Option<u32>,
        piece: &str,
        ids: &mut Vec<u32>,
    ) -> Result<(), EncodeError> {
        let before = ids.len();
        let long = piece.len() > self.longest && piece.chars().count() > self.longest;
        if long || !self.split(vocabulary, piece.as_bytes(), ids) {
            ids.truncate(before);
            ids.push(unknown.ok_or(EncodeError::Unknown)?);
        }
        Ok(())
    }

    /// Whether `piece` is a sequence of tokens, whose ids are appended.
    fn split(&self, vocabulary: &Vocabulary, piece: &[u8], ids: &mut Vec<u32>) -> bool {
        let trie = &vocabulary.trie;
        let mut from = Some(trie.root());
        let mut rest = piece;
        while !rest.is_empty() {
            let Some(mut node) = from else {
                return false;
            };
            let (mut index, mut length) = (0, 0);
            for (at, &byte) in rest.iter().enumerate() {
                let Some(next) = trie.child(node, byte) else {
                    break;
                };
                node = next;
                if let Some(value) = node.value() {
                    (index, length) = (value, at + 1);
                }
            }
            if length == 0 {
                return false;
            }
            ids.push(vocabulary.id(index));
            rest = &rest[length..];
            from = self.continued;
        }
        true
    }
}
