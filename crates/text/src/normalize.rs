//! Normalizers: text to the text that is split.

mod bert;
mod charsmap;
mod form;
mod origin;
mod scan;

use crate::fields::{Fields, Value};
use crate::split::byte_character;
use crate::tokenizer::{trim, trim_text};
use crate::unicode::{properties, Properties};
use crate::Error;

pub(crate) use bert::Bert;
pub(crate) use charsmap::Charsmap;
pub(crate) use form::Form;
use form::{put_lower, Former, Mark};
use origin::Origin;

/// Longer texts, in bytes, are refused; a normalizer stops soon after it. Pieces then have 32-bit positions, even where
/// pre-tokenizers write three bytes for one. WebAssembly has 4 GiB, and a text takes up to 40 bytes per byte.
pub(crate) const LONGEST: usize = match usize::BITS {
    32 => u32::MAX as usize / 40,
    _ => 1 << 30,
};

/// A text and its origin.
#[derive(Debug, Default, Clone)]
pub(crate) struct Normalized {
    pub text: String,
    /// How many of the first bytes of `text` come from byte 0 of the text that was passed to the tokenizer, by the
    /// alignments of the reference. Metaspace with the scheme `first` looks at it.
    pub origin: usize,
    /// Scratch memory of normalization forms.
    marks: Vec<Mark>,
}

impl Normalized {
    /// A text that no normalizer has seen. `first` is whether it begins at byte 0 of the text that was passed to the
    /// tokenizer.
    pub fn set(&mut self, text: &str, first: bool) {
        self.text.clear();
        self.text.push_str(text);
        self.origin = match text.chars().next() {
            Some(character) if first => character.len_utf8(),
            _ => 0,
        };
    }

    /// Frees what a long text took.
    pub fn trim(&mut self) {
        trim_text(&mut self.text);
        trim(&mut self.marks);
    }

    /// The parts of the text that come from byte 0 and that do not.
    fn halves(&self) -> (&str, &str) {
        self.text
            .split_at_checked(self.origin)
            .unwrap_or(("", &self.text))
    }
}

/// A normalizer. A sequence is a list of them.
#[derive(Debug)]
pub(crate) enum Normalizer {
    Bert(Bert),
    Lowercase,
    Form(Form),
    Nmt,
    Precompiled(Charsmap),
    StripAccents,
    Strip { left: bool, right: bool },
    Prepend(String),
    Replace { pattern: Pattern, content: String },
    ByteLevel,
}

/// What `Replace` replaces.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// A text that is not empty.
    Literal(String),
    /// Runs of at least two blanks: the regular expression ` {2,}`.
    Blanks,
}

const TYPES: &str =
    "BertNormalizer, Lowercase, NFC, NFD, NFKC, NFKD, Nmt, Precompiled, StripAccents, Strip, Prepend, Replace, \
                     ByteLevel and Sequence";

impl Normalizer {
    /// Reads a normalizer and appends it to `list`; a sequence appends each of its members.
    pub fn read(fields: Fields, list: &mut Vec<Normalizer>) -> Result<(), Error> {
        let field = fields.required("type")?;
        let kind = field.string()?;
        let flag = |name| fields.required(name).and_then(|value| value.boolean());
        list.push(match &*kind {
            // Files have the second name. The reference does not know it, and goes by the fields.
            "Bert" | "BertNormalizer" => {
                let lowercase = flag("lowercase")?;
                let strip_accents = fields.optional("strip_accents")?;
                Normalizer::Bert(Bert {
                    clean: flag("clean_text")?,
                    chinese: flag("handle_chinese_chars")?,
                    strip: strip_accents.map_or(Ok(lowercase), |value| value.boolean())?,
                    lower: lowercase,
                })
            }
            "Lowercase" => Normalizer::Lowercase,
            "NFC" => Normalizer::Form(Form::Nfc),
            "NFD" => Normalizer::Form(Form::Nfd),
            "NFKC" => Normalizer::Form(Form::Nfkc),
            "NFKD" => Normalizer::Form(Form::Nfkd),
            "Nmt" => Normalizer::Nmt,
            "Precompiled" => {
                Normalizer::Precompiled(Charsmap::read(&fields.required("precompiled_charsmap")?)?)
            }
            "StripAccents" => Normalizer::StripAccents,
            "Strip" => Normalizer::Strip {
                left: flag("strip_left")?,
                right: flag("strip_right")?,
            },
            "Prepend" => {
                let value = fields.required("prepend")?;
                let prepend = value.string()?.into_owned();
                // The reference then misplaces the first character, or panics.
                if prepend.is_empty() {
                    return Err(value.error("@ must not be empty", &[], &[]));
                }
                Normalizer::Prepend(prepend)
            }
            "Replace" => {
                let (pattern, content) = read_replace(&fields)?;
                Normalizer::Replace { pattern, content }
            }
            "ByteLevel" => Normalizer::ByteLevel,
            "Sequence" => {
                for member in fields.required("normalizers")?.objects()? {
                    Normalizer::read(member, list)?;
                }
                return Ok(());
            }
            other => {
                return Err(field.error(
                    "@ is $, but the normalizers that are read are @",
                    &[],
                    &[other, TYPES],
                ))
            }
        });
        Ok(())
    }

    /// Normalizes `text` in place. `spare` is scratch memory.
    pub fn apply(&self, text: &mut Normalized, spare: &mut Normalized) {
        if text.text.is_empty() {
            return;
        }
        spare.text.clear();
        let changed = match self {
            Normalizer::Bert(bert) => bert.apply(text, spare),
            Normalizer::Lowercase => lowercase(text, spare),
            Normalizer::Form(form) => form_apply(*form, text, spare),
            Normalizer::Nmt => map(text, spare, nmt),
            Normalizer::Precompiled(charsmap) => charsmap.apply(text, spare),
            Normalizer::StripAccents => map(text, spare, strip_accent),
            Normalizer::Strip { left, right } => strip(text, *left, *right),
            Normalizer::Prepend(prepend) => {
                text.text.insert_str(0, prepend);
                // What is prepended has the alignment of the first character.
                text.origin += if text.origin > 0 { prepend.len() } else { 0 };
                false
            }
            Normalizer::Replace { pattern, content } => pattern.replace(text, content, spare),
            Normalizer::ByteLevel => byte_level(text, spare),
        };
        if changed {
            std::mem::swap(&mut text.text, &mut spare.text);
            text.origin = spare.origin;
        }
    }
}

/// The pattern and the content of a `Replace`, which is a normalizer and a decoder.
pub(crate) fn read_replace(fields: &Fields) -> Result<(Pattern, String), Error> {
    let content = fields.required("content")?.string()?.into_owned();
    Ok((Pattern::read(&fields.required("pattern")?)?, content))
}

impl Pattern {
    fn read(value: &Value) -> Result<Pattern, Error> {
        let mut reader = value.reader()?;
        let mut pattern = None;
        value.named(reader.object())?;
        while let Some(kind) = reader.key()? {
            let text = value.named(reader.string())?;
            let read = match &*kind {
                "String" if text.is_empty() => {
                    return Err(value.error("@.String must not be empty", &[], &[]))
                }
                "String" => Pattern::Literal(text.into_owned()),
                "Regex" if text == " {2,}" => Pattern::Blanks,
                "Regex" => {
                    let rule = "@.Regex is $, but the only regular expression that is read is \" {2,}\"";
                    return Err(value.error(rule, &[], &[&text]));
                }
                other => {
                    return Err(value.error("@ has $, but must have \"String\" or \"Regex\"", &[], &[other]))
                }
            };
            if pattern.replace(read).is_some() {
                return Err(value.error("@ must have one of \"String\" and \"Regex\"", &[], &[]));
            }
        }
        pattern.ok_or_else(|| value.error("@ must have \"String\" or \"Regex\"", &[], &[]))
    }

    /// The next match in `text` at or after byte `from`.
    pub fn find(&self, text: &str, from: usize) -> Option<(usize, usize)> {
        let rest = text.as_bytes().get(from..)?;
        let (start, length) = match self {
            Pattern::Blanks => {
                let start = rest.windows(2).position(|pair| pair == b"  ")?;
                let blanks = rest[start..].iter().take_while(|&&byte| byte == b' ');
                (start, blanks.count())
            }
            Pattern::Literal(literal) => match literal.as_bytes() {
                &[byte] => (rest.iter().position(|&other| other == byte)?, 1),
                _ => (text.get(from..)?.find(literal.as_str())?, literal.len()),
            },
        };
        Some((from + start, from + start + length))
    }

    fn replace(&self, text: &Normalized, content: &str, spare: &mut Normalized) -> bool {
        let source = &text.text;
        let out = &mut spare.text;
        let (mut at, mut origin) = (0, 0);
        while let Some((start, end)) = self.find(source, at) {
            out.push_str(&source[at..start]);
            origin += text.origin.min(start).saturating_sub(at);
            out.push_str(content);
            // The content has the alignment of the last byte that it replaces.
            origin += if end <= text.origin { content.len() } else { 0 };
            at = end;
            if out.len() > LONGEST {
                break;
            }
        }
        if at == 0 {
            return false;
        }
        out.push_str(&source[at..]);
        spare.origin = origin + text.origin.saturating_sub(at);
        true
    }
}

fn lowercase(text: &mut Normalized, spare: &mut Normalized) -> bool {
    if text.text.is_ascii() {
        text.text.make_ascii_lowercase();
        return false;
    }
    let (first, rest) = text.halves();
    lower_into(first, &mut spare.text);
    spare.origin = spare.text.len();
    lower_into(rest, &mut spare.text);
    true
}

fn lower_into(source: &str, out: &mut String) {
    let mut at = 0;
    while at < source.len() {
        let end = scan::ascii(source.as_bytes(), at);
        let start = out.len();
        out.push_str(&source[at..end]);
        out[start..].make_ascii_lowercase();
        let Some(character) = source[end..].chars().next() else {
            break;
        };
        put_lower(out, character);
        at = end + character.len_utf8();
    }
}

/// Replaces each character, or removes it. `replace` leaves printable ASCII as it is.
fn map(text: &Normalized, spare: &mut Normalized, replace: fn(char) -> Option<char>) -> bool {
    if scan::printable(text.text.as_bytes(), 0) == text.text.len() {
        return false;
    }
    let (first, rest) = text.halves();
    let changed = map_into(first, &mut spare.text, replace);
    spare.origin = spare.text.len();
    changed | map_into(rest, &mut spare.text, replace)
}

fn map_into(source: &str, out: &mut String, replace: fn(char) -> Option<char>) -> bool {
    let (mut at, mut changed) = (0, false);
    while at < source.len() {
        let end = scan::printable(source.as_bytes(), at);
        out.push_str(&source[at..end]);
        let Some(character) = source[end..].chars().next() else {
            break;
        };
        let replaced = replace(character);
        changed |= replaced != Some(character);
        out.extend(replaced);
        at = end + character.len_utf8();
    }
    changed
}

fn strip_accent(character: char) -> Option<char> {
    Some(character).filter(|&character| !properties(character).any(Properties::COMBINING_MARK))
}

fn nmt(character: char) -> Option<char> {
    match character {
        '\u{1}'..='\u{8}' | '\u{b}' | '\u{e}'..='\u{1f}' | '\u{7f}' | '\u{8f}' | '\u{9f}' => None,
        '\t' | '\n' | '\u{c}' | '\r' | '\u{1680}' | '\u{200b}'..='\u{200f}' | '\u{2028}' | '\u{2029}' => {
            Some(' ')
        }
        '\u{2581}' | '\u{feff}' | '\u{fffd}' => Some(' '),
        _ => Some(character),
    }
}

fn strip(text: &mut Normalized, left: bool, right: bool) -> bool {
    let space = |character: char| properties(character).any(Properties::WHITE_SPACE);
    if right {
        let end = text.text.trim_end_matches(space).len();
        text.text.truncate(end);
        text.origin = text.origin.min(end);
    }
    if left {
        let start = text.text.len() - text.text.trim_start_matches(space).len();
        text.text.drain(..start);
        text.origin = text.origin.saturating_sub(start);
    }
    false
}

fn form_apply(form: Form, text: &Normalized, spare: &mut Normalized) -> bool {
    let source = text.text.as_str();
    let changes = form.changes();
    let mut former = Former {
        form,
        out: &mut spare.text,
        origin: Origin::new(text.origin),
        marks: &mut spare.marks,
        starter: None,
        strip: false,
        lower: false,
    };
    // Everything before `done` is written.
    let mut done = 0;
    // The start of the last character that does not change: one that follows may be joined to it.
    let mut last = 0;
    let mut at = 0;
    loop {
        let end = scan::ascii(source.as_bytes(), at);
        if end > at {
            last = end - 1;
        }
        at = end;
        let Some(character) = source[at..].chars().next() else {
            break;
        };
        if !properties(character).any(changes) {
            last = at;
            at += character.len_utf8();
            continue;
        }
        let start = if form == Form::Nfc || form == Form::Nfkc {
            last
        } else {
            at
        };
        former.out.push_str(&source[done..start]);
        former.origin.copied(done, start, text.origin);
        let mut first = true;
        for (offset, character) in source[start..].char_indices() {
            at = start + offset;
            let properties = properties(character);
            // The first one may be one that does not change.
            if !first && !properties.any(changes) {
                break;
            }
            first = false;
            at += character.len_utf8();
            former.origin.from += (start + offset < text.origin) as usize;
            former.push(character, properties);
        }
        former.flush();
        (done, last) = (at, at);
    }
    if done == 0 {
        return false;
    }
    former.out.push_str(&source[done..]);
    former.origin.copied(done, source.len(), text.origin);
    spare.origin = former.origin.finish();
    true
}

fn byte_level(text: &Normalized, spare: &mut Normalized) -> bool {
    let (first, rest) = text.halves();
    spare.text.extend(first.bytes().map(byte_character));
    spare.origin = spare.text.len();
    spare.text.extend(rest.bytes().map(byte_character));
    true
}

#[cfg(test)]
mod tests;
