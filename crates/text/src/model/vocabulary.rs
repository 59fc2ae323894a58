//! The tokens of a model and their ids.

use std::collections::BinaryHeap;

use tokenbed_formats::{At, Error};

use super::trie::Trie;
use crate::fields::Value;

/// Tokens and their ids. A token has an index, by which it is in the file.
#[derive(Debug, Default)]
pub(crate) struct Vocabulary {
    text: String,
    /// Where the tokens begin in `text`, and its end.
    starts: Vec<u32>,
    /// The ids by index; empty if each token has its index as id.
    ids: Vec<u32>,
    /// The indices by id, then by index; empty if the ids ascend.
    order: Vec<u32>,
    /// No two tokens have the same id.
    unique: bool,
    pub trie: Trie,
}

impl Vocabulary {
    /// Reads an object from tokens to ids.
    pub fn read(value: &Value) -> Result<Vocabulary, Error> {
        let mut vocabulary = Vocabulary::new();
        value.named(vocabulary.entries(value))?;
        vocabulary.finish(value)?;
        Ok(vocabulary)
    }

    fn entries(&mut self, value: &Value) -> Result<(), Error> {
        let mut reader = value.reader()?;
        reader.object()?;
        while let Some(token) = reader.key()? {
            reader.kind()?;
            let at = At::Byte(reader.position());
            let number = reader.unsigned()?;
            let Ok(id) = u32::try_from(number) else {
                let template = "the id of $ must be in [0, 2^32), found #";
                return Err(Error::new(at, template, &[number], &[&token]));
            };
            self.push(&token);
            self.ids.push(id);
        }
        Ok(())
    }

    /// No tokens.
    pub fn new() -> Vocabulary {
        Vocabulary {
            starts: vec![0],
            ..Vocabulary::default()
        }
    }

    /// Adds a token. Its id is its index unless the caller adds ids.
    pub fn push(&mut self, token: &str) {
        self.text.push_str(token);
        self.starts.push(self.text.len() as u32);
    }

    /// Builds the tables, after all tokens were added.
    pub fn finish(&mut self, value: &Value) -> Result<(), Error> {
        self.text.shrink_to_fit();
        self.starts.shrink_to_fit();
        self.unique = true;
        if self
            .ids
            .iter()
            .enumerate()
            .all(|(index, &id)| index == id as usize)
        {
            self.ids = Vec::new();
        } else if !self.ids.is_sorted_by(|a, b| a < b) {
            // A heap sorts with less code than the sort of std.
            let list = self.ids.iter().enumerate();
            let pairs: BinaryHeap<u64> = list
                .map(|(index, &id)| (id as u64) << 32 | index as u64)
                .collect();
            let pairs = pairs.into_sorted_vec();
            self.unique = pairs.windows(2).all(|pair| pair[0] >> 32 != pair[1] >> 32);
            self.order = pairs.iter().map(|&pair| pair as u32).collect();
        }
        let fits = u32::try_from(self.text.len()).is_ok();
        let trie = fits
            .then(|| Trie::new(self.text.as_bytes(), &self.starts))
            .flatten();
        self.trie = trie.ok_or_else(|| value.error("@ takes a trie of more than 2^24 slots", &[], &[]))?;
        Ok(())
    }

    /// The number of tokens.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The bytes of the longest token.
    pub fn longest(&self) -> usize {
        let lengths = self.starts.windows(2).map(|pair| pair[1] - pair[0]);
        lengths.max().unwrap_or(0) as usize
    }

    /// Whether no two tokens have the same id.
    pub fn unique(&self) -> bool {
        self.unique
    }

    /// The index of a token.
    #[inline]
    pub fn find(&self, token: &[u8]) -> Option<u32> {
        self.trie.walk(self.trie.root(), token)?.value()
    }

    /// The id of the token with an index.
    #[inline(always)]
    pub fn id(&self, index: u32) -> u32 {
        self.ids.get(index as usize).copied().unwrap_or(index)
    }

    /// The id of a token.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.find(token.as_bytes()).map(|index| self.id(index))
    }

    /// The token with an index.
    fn token(&self, index: u32) -> &str {
        let index = index as usize;
        match (self.starts.get(index), self.starts.get(index + 1)) {
            (Some(&start), Some(&end)) => self.text.get(start as usize..end as usize).unwrap_or_default(),
            _ => "",
        }
    }

    /// The index at a position of the order by id.
    fn ordered(&self, at: usize) -> u32 {
        self.order.get(at).copied().unwrap_or(at as u32)
    }

    /// The token with an id, the last in the file if several have it.
    pub fn id_to_token(&self, id: u32) -> Option<&str> {
        // The number of tokens whose ids are not greater.
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.id(self.ordered(middle)) <= id {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        let index = self.ordered(low.checked_sub(1)?);
        (self.id(index) == id).then(|| self.token(index))
    }

    /// One more than the greatest id.
    pub fn bound(&self) -> u64 {
        let last = self.len().checked_sub(1);
        last.map_or(0, |last| self.id(self.ordered(last)) as u64 + 1)
    }

    /// The tokens, each once.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        let indices = 0..self.len() as u32;
        indices.filter_map(|index| {
            let token = self.token(index);
            (self.find(token.as_bytes()) == Some(index)).then_some(token)
        })
    }

    /// The ids of the tokens `<0x00>` to `<0xFF>`.
    pub fn bytes(&self) -> Vec<Option<u32>> {
        let digits = b"0123456789ABCDEF";
        let token = |byte: usize| [b'<', b'0', b'x', digits[byte >> 4], digits[byte & 15], b'>'];
        let ids = (0..256).map(|byte| self.find(&token(byte)).map(|index| self.id(index)));
        ids.collect()
    }
}
