//! Added tokens: found in the text before the pre-tokenizers run, each by its flags.

pub(crate) mod search;
#[cfg(test)]
mod tests;

use crate::fields::{in_part, Fields};
use crate::model::Model;
use crate::normalize::{Normalized, Normalizer};
use crate::unicode::{properties, Properties};
use crate::Error;
use search::{Found, Trie};
use std::ops::Range;
use tokenbed_formats::json::Reader;
use tokenbed_formats::At;

/// A part of a text: an added token, or text between two. Tokens may overlap what is in front of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub start: u32,
    pub end: u32,
    /// The id of the added token; None is text.
    pub id: Option<u32>,
}

impl Span {
    /// Its bytes.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A token that is added to the vocabulary.
#[derive(Debug)]
struct Token {
    id: u32,
    content: String,
    /// The normalized content if it differs.
    form: Option<String>,
    single_word: bool,
    lstrip: bool,
    rstrip: bool,
    normalized: bool,
}

impl Token {
    /// What decoders take.
    fn form(&self) -> &str {
        self.form.as_deref().unwrap_or(&self.content)
    }

    /// What is searched for.
    fn pattern(&self) -> &str {
        match self.normalized {
            true => self.form(),
            false => &self.content,
        }
    }
}

/// A content of an added token.
#[derive(Debug)]
struct Content {
    id: u32,
    special: bool,
}

/// The added tokens of a file.
#[derive(Debug, Default)]
pub(crate) struct Added {
    /// One token for each id: the last one that got it.
    tokens: Vec<Token>,
    /// By the bytes of the id, high bytes first.
    by_id: Trie,
    contents: Vec<Content>,
    by_content: Trie,
    raw: Trie,
    normalized: Trie,
    /// Whether a token has `lstrip`, of those that are searched for in the text and in normalized text.
    strips: [bool; 2],
}

impl Added {
    /// Reads `added_tokens`. The ids are those that the reference assigns: the id of the same token in the vocabulary,
    /// else the next free one, whatever the file says.
    pub fn read(reader: &mut Reader, model: &Model, normalizers: &[Normalizer]) -> Result<Added, Error> {
        let normalize = |content: &str| {
            let mut text = Normalized::default();
            text.set(content, true);
            let mut spare = Normalized::default();
            for normalizer in normalizers {
                normalizer.apply(&mut text, &mut spare);
                if text.text.len() > LONGEST_FORM {
                    break;
                }
            }
            text.text
        };
        Added::read_with(
            reader,
            model.size() as u32,
            &|token| model.token_to_id(token),
            &normalize,
        )
    }

    /// Reads `added_tokens` for a model of `size` tokens.
    fn read_with(
        reader: &mut Reader,
        size: u32,
        model_id: &dyn Fn(&str) -> Option<u32>,
        normalize: &dyn Fn(&str) -> String,
    ) -> Result<Added, Error> {
        let mut added = Added::default();
        let mut next = size;
        let mut count = 0;
        reader.kind()?;
        let at = At::Byte(reader.position());
        in_part("added_tokens", reader.array())?;
        while reader.element()? {
            let fields = Fields::read(reader, &format!("added_tokens[{count}]"))?;
            count += 1;
            let (mut token, special) = read_entry(&fields)?;
            // The reference ignores it.
            if token.content.is_empty() {
                continue;
            }
            let known = added.by_content.get(token.content.as_bytes());
            token.id = match known.map(|index| added.contents[index as usize].id) {
                Some(id) => id,
                None => model_id(&token.content).unwrap_or_else(|| {
                    next += 1;
                    next - 1
                }),
            };
            match known {
                Some(index) => added.contents[index as usize].special |= special,
                None => {
                    let index = added.contents.len() as u32;
                    added.contents.push(Content {
                        id: token.id,
                        special,
                    });
                    added.by_content.insert(token.content.as_bytes(), index);
                }
            }
            if token.normalized {
                token.form = Some(normalize(&token.content)).filter(|form| *form != token.content);
            }
            let id = token.id.to_be_bytes();
            match added.by_id.get(&id) {
                None => {
                    added.by_id.insert(&id, added.tokens.len() as u32);
                    added.tokens.push(token);
                }
                Some(index) => {
                    // The reference keeps the form that the id had.
                    let old = &mut added.tokens[index as usize];
                    token.form = token.form.or(old.form.take());
                    *old = token;
                }
            }
        }
        added
            .build()
            .map_err(|(template, text)| Error::new(at, template, &[], &[&text]))?;
        Ok(added)
    }

    /// Builds the searches, or returns an error: a template and a text. Which of two tokens with the same normalized
    /// form the reference takes depends on the order of its hash table; an empty form it finds between all bytes.
    fn build(&mut self) -> Result<(), (&'static str, String)> {
        for (index, token) in self.tokens.iter().enumerate() {
            let pattern = token.pattern();
            self.strips[token.normalized as usize] |= token.lstrip;
            let search = match token.normalized {
                true => &mut self.normalized,
                false => &mut self.raw,
            };
            if pattern.is_empty() {
                let template = "added_tokens has $, which is empty when it is normalized";
                return Err((template, token.content.clone()));
            }
            if pattern.len() > LONGEST_FORM && pattern.len() > token.content.len() {
                let template = "added_tokens has $, which is longer than 2^20 bytes when it is normalized";
                return Err((template, token.content.clone()));
            }
            if !search.insert(pattern.as_bytes(), index as u32) {
                let template = "added_tokens has two tokens that are $ when they are normalized";
                return Err((template, pattern.to_string()));
            }
        }
        self.raw.link();
        self.normalized.link();
        Ok(())
    }

    /// Splits the text that was passed to the tokenizer at added tokens that are not normalized.
    pub fn split_raw(&self, text: &str, spans: &mut Vec<Span>) {
        self.split(&self.raw, text, spans);
    }

    /// Splits normalized text at added tokens that are normalized.
    pub fn split_normalized(&self, text: &str, spans: &mut Vec<Span>) {
        self.split(&self.normalized, text, spans);
    }

    fn split(&self, search: &Trie, text: &str, spans: &mut Vec<Span>) {
        let mut found = search.find(text.as_bytes());
        // Up to where the parts go, the end of the last match, and the end of the blanks after the last `rstrip`.
        let (mut done, mut last, mut blanks) = (0, 0, 0);
        // They come from the end of the text.
        while let Some(Found { start, value }) = found.pop() {
            let token = &self.tokens[value as usize];
            let mut start = start as usize;
            let mut end = start + token.pattern().len();
            if start < last {
                continue;
            }
            last = end;
            let (before, after) = (&text[..start], &text[end..]);
            if token.single_word {
                let word = |character: Option<char>| {
                    character.is_some_and(|character| properties(character).any(Properties::REGEX_WORD))
                };
                if word(before.chars().next_back()) || word(after.chars().next()) {
                    continue;
                }
            }
            if token.lstrip {
                // Blanks that the last token took are not taken again.
                let free = before.get(done..).unwrap_or_default();
                let size = free.len() - free.trim_end_matches(is_space).len();
                start = done.max(start - size);
            }
            if token.rstrip {
                // The last token may have looked at these blanks.
                if blanks <= end {
                    blanks = text.len() - after.trim_start_matches(is_space).len();
                }
                end = blanks;
            }
            if done < start {
                let id = None;
                spans.push(Span {
                    start: done as u32,
                    end: start as u32,
                    id,
                });
            }
            // The reference drops what is empty, tokens as well.
            if start < end {
                let id = Some(token.id);
                let (start, end) = (start as u32, end as u32);
                spans.push(Span { start, end, id });
            }
            done = end;
        }
        if done < text.len() {
            spans.push(Span {
                start: done as u32,
                end: text.len() as u32,
                id: None,
            });
        }
    }

    /// Whether `text` has a token that is not normalized, whatever its flags.
    pub fn has_raw(&self, text: &str) -> bool {
        !self.raw.find(text.as_bytes()).is_empty()
    }

    /// Whether normalized `text` has a token that is normalized, whatever its flags.
    pub fn has_normalized(&self, text: &str) -> bool {
        !self.normalized.find(text.as_bytes()).is_empty()
    }

    /// Whether a token takes the white space in front of it: one that is searched for in normalized text, or in the
    /// text.
    pub fn strips(&self, normalized: bool) -> bool {
        self.strips[normalized as usize]
    }

    /// What is searched for.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().map(Token::pattern)
    }

    /// The tokens and their ids, each id once.
    pub fn tokens(&self) -> impl Iterator<Item = (&str, u32)> {
        self.tokens.iter().map(|token| (token.content.as_str(), token.id))
    }

    /// The id of a token.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        Some(self.content(token)?.id)
    }

    /// The token of an id as decoders take it (normalized, as `simple_id_to_token` of the reference).
    pub fn id_to_token(&self, id: u32) -> Option<&str> {
        Some(self.tokens[self.by_id.get(&id.to_be_bytes())? as usize].form())
    }

    /// Whether a token is special.
    pub fn is_special(&self, token: &str) -> bool {
        self.content(token).is_some_and(|content| content.special)
    }

    fn content(&self, token: &str) -> Option<&Content> {
        Some(&self.contents[self.by_content.get(token.as_bytes())? as usize])
    }
}

/// The most bytes of the normalized form of a token: a small file must not take memory without bounds.
const LONGEST_FORM: usize = 1 << 20;

/// The token of an entry, and whether it is special. The id follows.
fn read_entry(fields: &Fields) -> Result<(Token, bool), Error> {
    let flag = |name: &str| fields.required(name)?.boolean();
    let token = Token {
        id: fields.required("id")?.id()?,
        content: fields.required("content")?.string()?.into_owned(),
        form: None,
        single_word: flag("single_word")?,
        lstrip: flag("lstrip")?,
        rstrip: flag("rstrip")?,
        normalized: flag("normalized")?,
    };
    Ok((token, flag("special")?))
}

pub(crate) fn is_space(character: char) -> bool {
    properties(character).any(Properties::REGEX_SPACE)
}
