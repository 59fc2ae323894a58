//! Pre-tokenizers: text to pieces, which the model takes one by one.

mod pattern;
#[cfg(test)]
mod tests;

use crate::fields::{Fields, Value};
use crate::tokenizer::{trim, trim_text};
use crate::unicode::Properties;
use crate::Error;
use pattern::Sink;

pub(crate) use pattern::Pattern;

/// A piece of a text: the bytes `start..end`. No piece is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    pub start: u32,
    pub end: u32,
}

/// A text of less than 4 GiB and the pieces that it is split into, which are in order.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    pub text: String,
    /// How many of the first bytes of `text` come from byte 0 of the text that was passed to the tokenizer: see
    /// [`crate::normalize::Normalized`]. A piece that starts before it starts at byte 0 for the reference.
    pub origin: usize,
    pub list: Vec<Piece>,
}

impl Pieces {
    fn clear(&mut self) {
        self.text.clear();
        self.origin = 0;
        self.list.clear();
    }

    /// Frees what a long text took.
    pub fn trim(&mut self) {
        trim_text(&mut self.text);
        trim(&mut self.list);
    }

    /// Rewrites every piece: `write` appends what it becomes for a part of it. `mark` is written before a piece for
    /// which `prefix` is true; its arguments are the piece and whether it comes from byte 0.
    fn rewrite(
        &mut self,
        spare: &mut Pieces,
        mark: char,
        prefix: impl Fn(&str, bool) -> bool,
        write: impl Fn(&str, &mut String),
    ) {
        spare.clear();
        for piece in &self.list {
            let start = spare.text.len() as u32;
            let text = &self.text[piece.start as usize..piece.end as usize];
            let first = (piece.start as usize) < self.origin;
            if prefix(text, first) {
                spare.text.push(mark);
            }
            let origin = self.origin.saturating_sub(piece.start as usize);
            let (from_first, rest) = text.split_at_checked(origin).unwrap_or((text, ""));
            if first {
                write(from_first, &mut spare.text);
                spare.origin = spare.text.len();
            }
            write(rest, &mut spare.text);
            let end = spare.text.len() as u32;
            spare.list.push(Piece { start, end });
        }
        std::mem::swap(self, spare);
    }
}

/// What becomes of the matches of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behavior {
    Removed,
    Isolated,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}

impl Behavior {
    fn read(value: &Value) -> Result<Behavior, Error> {
        let name = value.string()?;
        Ok(match &*name {
            "Removed" => Behavior::Removed,
            "Isolated" => Behavior::Isolated,
            "MergedWithPrevious" => Behavior::MergedWithPrevious,
            "MergedWithNext" => Behavior::MergedWithNext,
            "Contiguous" => Behavior::Contiguous,
            _ => {
                let template =
                    "@ must be Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous, found $";
                return Err(value.error(template, &[], &[&name]));
            }
        })
    }
}

/// Before which pieces Metaspace writes its character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Those that start at byte 0 of the text.
    First,
    Never,
    Always,
}

/// A step of the pre-tokenizers. One pre-tokenizer of the file is one step or several in turn.
#[derive(Debug)]
pub(crate) enum PreTokenizer {
    /// Splits each piece at the matches of a pattern. `invert`: at what does not match.
    Split {
        pattern: Pattern,
        behavior: Behavior,
        invert: bool,
    },
    /// Writes `mark` for every blank, and before a piece that does not begin with it.
    Mark { mark: char, scheme: Scheme },
    /// Writes a character for every byte.
    Bytes,
}

impl PreTokenizer {
    /// Reads a pre-tokenizer and appends its steps to `list`; a sequence appends those of each of its members.
    pub fn read(fields: Fields, list: &mut Vec<PreTokenizer>) -> Result<(), Error> {
        let kind = fields.required("type")?;
        let name = kind.string()?;
        match &*name {
            "BertPreTokenizer" => {
                list.push(split(
                    Pattern::Character(Properties::WHITE_SPACE),
                    Behavior::Removed,
                ));
                list.push(split(
                    Pattern::Character(Properties::PUNCTUATION),
                    Behavior::Isolated,
                ));
            }
            "Whitespace" => list.push(PreTokenizer::Split {
                pattern: Pattern::Words,
                behavior: Behavior::Removed,
                invert: true,
            }),
            "WhitespaceSplit" => {
                list.push(split(
                    Pattern::Character(Properties::WHITE_SPACE),
                    Behavior::Removed,
                ));
            }
            "Metaspace" => {
                let (mark, scheme, splits) = read_metaspace(&fields)?;
                list.push(PreTokenizer::Mark { mark, scheme });
                if splits {
                    list.push(split(Pattern::Literal(mark.into()), Behavior::MergedWithNext));
                }
            }
            "ByteLevel" => {
                let (prefix, use_regex) = read_byte_level(&fields)?;
                if prefix {
                    list.push(PreTokenizer::Mark {
                        mark: ' ',
                        scheme: Scheme::Always,
                    });
                }
                if use_regex {
                    list.push(split(Pattern::Gpt2, Behavior::Isolated));
                }
                list.push(PreTokenizer::Bytes);
            }
            "Digits" => {
                let behavior = match fields.required("individual_digits")?.boolean()? {
                    true => Behavior::Isolated,
                    false => Behavior::Contiguous,
                };
                list.push(split(Pattern::Character(Properties::NUMERIC), behavior));
            }
            "Punctuation" => {
                let behavior = match fields.value("behavior") {
                    Some(value) => Behavior::read(&value)?,
                    None => Behavior::Isolated,
                };
                list.push(split(Pattern::Character(Properties::PUNCTUATION), behavior));
            }
            "Split" => list.push(PreTokenizer::Split {
                pattern: Pattern::read(&fields.required("pattern")?)?,
                behavior: Behavior::read(&fields.required("behavior")?)?,
                invert: fields.required("invert")?.boolean()?,
            }),
            "Sequence" => {
                for member in fields.required("pretokenizers")?.objects()? {
                    PreTokenizer::read(member, list)?;
                }
            }
            _ => {
                let template =
                    "@ is $; read are BertPreTokenizer, Whitespace, WhitespaceSplit, Metaspace, ByteLevel, \
                    Digits, Punctuation, Split and Sequence";
                return Err(kind.error(template, &[], &[&name]));
            }
        }
        Ok(())
    }

    /// Splits each piece in place. `spare` is scratch memory.
    pub fn apply(&self, pieces: &mut Pieces, spare: &mut Pieces) {
        match self {
            PreTokenizer::Split {
                pattern,
                behavior,
                invert,
            } => {
                spare.list.clear();
                for piece in &pieces.list {
                    let text = &pieces.text[piece.start as usize..piece.end as usize];
                    let mut sink = Sink::new(&mut spare.list, piece.start, *behavior, *invert);
                    pattern.matches(text, &mut sink);
                    sink.gap(text.len());
                }
                std::mem::swap(&mut pieces.list, &mut spare.list);
            }
            PreTokenizer::Mark { mark, scheme } => {
                let prefix = |text: &str, first: bool| {
                    (*scheme == Scheme::Always || *scheme == Scheme::First && first)
                        && !text.starts_with(' ')
                        && !text.starts_with(*mark)
                };
                pieces.rewrite(spare, *mark, prefix, |text, out| write_marked(text, *mark, out));
            }
            PreTokenizer::Bytes => pieces.rewrite(spare, ' ', |_, _| false, write_bytes),
        }
    }
}

fn split(pattern: Pattern, behavior: Behavior) -> PreTokenizer {
    PreTokenizer::Split {
        pattern,
        behavior,
        invert: false,
    }
}

/// Reads ByteLevel, which is a pre-tokenizer, a post-processor and a decoder: `add_prefix_space` and `use_regex`.
pub(crate) fn read_byte_level(fields: &Fields) -> Result<(bool, bool), Error> {
    // Without effect on ids, but the reference requires it.
    fields.required("trim_offsets")?.boolean()?;
    let prefix = fields.required("add_prefix_space")?.boolean()?;
    let use_regex = match fields.value("use_regex") {
        Some(value) => value.boolean()?,
        None => true,
    };
    Ok((prefix, use_regex))
}

/// Reads Metaspace, which is a pre-tokenizer and a decoder: its character, its scheme, and whether it splits.
pub(crate) fn read_metaspace(fields: &Fields) -> Result<(char, Scheme, bool), Error> {
    let mark = fields.required("replacement")?.character()?;
    let mut scheme = Scheme::Always;
    if let Some(value) = fields.value("prepend_scheme") {
        let name = value.string()?;
        scheme = match &*name {
            "first" => Scheme::First,
            "never" => Scheme::Never,
            "always" => Scheme::Always,
            _ => return Err(value.error("@ must be first, never or always, found $", &[], &[&name])),
        };
    }
    // What wrote files before there was `prepend_scheme`.
    if let Some(value) = fields.optional("add_prefix_space")? {
        if !value.boolean()? && scheme != Scheme::Never {
            return Err(value.error("@ is false, but prepend_scheme is not never", &[], &[]));
        }
    }
    // Not used any more, but the reference requires a string.
    if let Some(value) = fields.optional("str_rep")? {
        value.string()?;
    }
    let splits = match fields.optional("split")? {
        Some(value) => value.boolean()?,
        None => true,
    };
    Ok((mark, scheme, splits))
}

/// Appends `text` with `mark` for every blank.
fn write_marked(text: &str, mark: char, out: &mut String) {
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte == b' ' {
            out.push_str(&text[start..at]);
            out.push(mark);
            start = at + 1;
        }
    }
    out.push_str(&text[start..]);
}

/// Appends the character of each byte of `text`: see [`byte_character`].
fn write_bytes(text: &str, out: &mut String) {
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        if !matches!(byte, b'!'..=b'~') {
            out.push_str(text.get(start..at).unwrap_or_default());
            out.push(byte_character(byte));
            start = at + 1;
        }
    }
    out.push_str(text.get(start..).unwrap_or_default());
}

/// The character that byte-level tokenizers write for a byte: itself if it is printable in Latin-1, else the next one
/// from U+0100.
pub(crate) fn byte_character(byte: u8) -> char {
    let code = match byte {
        0..=0x20 => 0x100 + byte as u32,
        0x7f..=0xa0 => 0x121 + (byte - 0x7f) as u32,
        0xad => 0x143,
        _ => byte as u32,
    };
    char::from_u32(code).unwrap_or_default()
}
