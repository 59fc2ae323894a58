//! A pull reader of JSON text that accepts nothing but JSON, and the two writers that this crate needs.
//!
//! The caller asks for the value it expects. [`Reader::skip`] reads a value of any kind; it is checked all the same:
//!
//! ```
//! use tokenbed_formats::json::Reader;
//! let mut reader = Reader::new(br#"{ "sizes": [1, 2], "other": null }"#, 0)?;
//! let mut sizes = Vec::new();
//! reader.object()?;
//! while let Some(key) = reader.key()? {
//!     match &*key {
//!         "sizes" => {
//!             reader.array()?;
//!             while reader.element()? {
//!                 sizes.push(reader.unsigned()?);
//!             }
//!         }
//!         _ => reader.skip()?,
//!     }
//! }
//! reader.end()?;
//! assert_eq!(sizes, [1, 2]);
//! # Ok::<(), tokenbed_formats::Error>(())
//! ```

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::error::{error, At, Error, Part};

/// Objects and arrays nest at most this deep.
pub const DEPTH: usize = 64;

/// The kind of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "JSON's names")]
pub enum Kind {
    Object,
    Array,
    String,
    Number,
    Boolean,
    Null,
}

/// An object or array that is being read.
struct Frame {
    /// Where its keys begin in [`Reader::keys`].
    keys: usize,
    /// No entry was read yet.
    first: bool,
}

struct Key<'a> {
    hash: u64,
    name: Cow<'a, str>,
    at: usize,
}

/// Reads JSON text from start to end. After an error it must not be used any more.
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    base: u64,
    frames: Vec<Frame>,
    /// The keys of all open objects.
    keys: Vec<Key<'a>>,
}

impl<'a> Reader<'a> {
    /// A reader of `bytes`, which begin at byte `base` of their file. An error if they are not UTF-8.
    pub fn new(bytes: &'a [u8], base: u64) -> Result<Reader<'a>, Error> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Reader {
                text,
                at: 0,
                base,
                frames: Vec::new(),
                keys: Vec::new(),
            }),
            Err(error) => Err(error!(
                At::Byte(base + error.valid_up_to() as u64),
                "the JSON text is not UTF-8"
            )),
        }
    }

    /// The position of the next byte in the file.
    pub fn position(&self) -> u64 {
        self.base + self.at as u64
    }

    /// An error at byte `at` of the text.
    fn error(&self, at: usize, parts: &[Part]) -> Error {
        Error::new(At::Byte(self.base + at as u64), parts)
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips white space and returns the byte after it.
    fn next(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    #[cold]
    fn unexpected<T>(&self, expected: &str) -> Result<T, Error> {
        let rest = &self.text[self.at..];
        let found = &rest[..rest.chars().next().map_or(0, char::len_utf8)];
        let parts = [
            "JSON: expected ".into(),
            expected.into(),
            ", found ".into(),
            if found.is_empty() {
                "the end".into()
            } else {
                Part::Quoted(found)
            },
        ];
        Err(self.error(self.at, &parts))
    }

    fn expect(&mut self, byte: u8, expected: &str) -> Result<(), Error> {
        if self.next() != Some(byte) {
            return self.unexpected(expected);
        }
        self.at += 1;
        Ok(())
    }

    fn enter(&mut self) -> Result<(), Error> {
        if self.frames.len() == DEPTH {
            let parts = [
                "JSON nests deeper than ".into(),
                (DEPTH as u64).into(),
                " levels".into(),
            ];
            return Err(self.error(self.at - 1, &parts));
        }
        self.frames.push(Frame {
            keys: self.keys.len(),
            first: true,
        });
        Ok(())
    }

    /// Whether another entry follows in the innermost object or array, which `close` ends.
    fn more(&mut self, close: u8, expected: &str) -> Result<bool, Error> {
        let next = self.next();
        let last = self.frames.len() - 1;
        if next == Some(close) {
            self.at += 1;
            return Ok(false);
        }
        if !std::mem::replace(&mut self.frames[last].first, false) {
            if next != Some(b',') {
                return self.unexpected(expected);
            }
            self.at += 1;
        }
        Ok(true)
    }

    /// The kind of the next value.
    pub fn kind(&mut self) -> Result<Kind, Error> {
        match self.next() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Boolean),
            Some(b'n') => Ok(Kind::Null),
            _ => self.unexpected("a value"),
        }
    }

    /// Enters an object. [`Reader::key`] reads its keys and leaves it.
    pub fn object(&mut self) -> Result<(), Error> {
        self.expect(b'{', "an object")?;
        self.enter()
    }

    /// The next key of the innermost object, whose value must be read next; None at its end. Keys of one object differ
    /// (an error at its end).
    pub fn key(&mut self) -> Result<Option<Cow<'a, str>>, Error> {
        if !self.more(b'}', "\",\" or \"}\"")? {
            self.leave_object()?;
            return Ok(None);
        }
        self.next();
        let at = self.at;
        if self.byte() != Some(b'"') {
            return self.unexpected("a key");
        }
        let name = self.string()?;
        self.expect(b':', "\":\"")?;
        self.keys.push(Key {
            hash: hash(&name),
            name: name.clone(),
            at,
        });
        Ok(Some(name))
    }

    fn leave_object(&mut self) -> Result<(), Error> {
        let start = self.frames.pop().map_or(0, |frame| frame.keys);
        let keys = &self.keys[start..];
        let compare = |a: usize, b: usize| {
            keys[a]
                .hash
                .cmp(&keys[b].hash)
                .then_with(|| keys[a].name.cmp(&keys[b].name))
        };
        if let Some(twice) = repeated(keys.len(), &compare) {
            let key = &keys[twice];
            return Err(self.error(
                key.at,
                &[
                    "JSON: the key ".into(),
                    Part::Quoted(&key.name),
                    " appears twice".into(),
                ],
            ));
        }
        self.keys.truncate(start);
        Ok(())
    }

    /// Enters an array. [`Reader::element`] steps through it and leaves it.
    pub fn array(&mut self) -> Result<(), Error> {
        self.expect(b'[', "an array")?;
        self.enter()
    }

    /// Whether the innermost array has another element, which must be read next.
    pub fn element(&mut self) -> Result<bool, Error> {
        let more = self.more(b']', "\",\" or \"]\"")?;
        if !more {
            self.frames.pop();
        } else if self.next() == Some(b']') {
            return self.unexpected("a value");
        }
        Ok(more)
    }

    /// A string: a slice of the text unless it has escapes.
    pub fn string(&mut self) -> Result<Cow<'a, str>, Error> {
        self.expect(b'"', "a string")?;
        let text = self.text;
        let mut start = self.at;
        let mut owned: Option<String> = None;
        loop {
            match self.byte() {
                Some(b'"') => {
                    let tail = &text[start..self.at];
                    self.at += 1;
                    return Ok(match owned {
                        None => Cow::Borrowed(tail),
                        Some(mut owned) => {
                            owned.push_str(tail);
                            Cow::Owned(owned)
                        }
                    });
                }
                Some(b'\\') => {
                    let owned = owned.get_or_insert_default();
                    owned.push_str(&text[start..self.at]);
                    let character = self.escape()?;
                    owned.push(character);
                    start = self.at;
                }
                Some(0x20..) => self.at += 1,
                Some(_) => return Err(self.error(self.at, &["JSON: a control character in a string".into()])),
                None => return Err(self.error(self.at, &["JSON: the text ends inside a string".into()])),
            }
        }
    }

    /// The character of the escape at the current backslash.
    fn escape(&mut self) -> Result<char, Error> {
        let at = self.at;
        self.at += 2;
        let simple = match self.text.as_bytes().get(at + 1) {
            Some(&byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                let mut code = self.hex();
                if let Some(high @ 0xd800..0xdc00) = code {
                    // Only a pair of surrogates is a character.
                    code = None;
                    if self.text.as_bytes()[self.at..].starts_with(b"\\u") {
                        self.at += 2;
                        if let Some(low @ 0xdc00..0xe000) = self.hex() {
                            code = Some(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
                        }
                    }
                }
                return match code.and_then(char::from_u32) {
                    Some(character) => Ok(character),
                    None => Err(self.error(
                        at,
                        &["JSON: \\u is not followed by a character's four hex digits".into()],
                    )),
                };
            }
            _ => return Err(self.error(at, &["JSON: an unknown escape in a string".into()])),
        };
        Ok(simple as char)
    }

    /// Four hex digits.
    fn hex(&mut self) -> Option<u32> {
        let mut code = 0;
        for &byte in self.text.as_bytes().get(self.at..self.at + 4)? {
            code = code << 4 | (byte as char).to_digit(16)?;
        }
        self.at += 4;
        Some(code)
    }

    fn digits(&mut self) -> Result<(), Error> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        if self.at == start {
            return self.unexpected("a digit");
        }
        Ok(())
    }

    /// A number, as it is written.
    pub fn number(&mut self) -> Result<&'a str, Error> {
        let first = self.next();
        let start = self.at;
        match first {
            Some(b'-') => self.at += 1,
            Some(b'0'..=b'9') => {}
            _ => return self.unexpected("a number"),
        }
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    /// An integer from 0 to 2^64 - 1, without fraction and exponent.
    pub fn unsigned(&mut self) -> Result<u64, Error> {
        self.next();
        let at = self.at;
        let number = self.number()?;
        match unsigned(number.as_bytes()) {
            Some(value) => Ok(value),
            None => Err(self.error(
                at,
                &[
                    "JSON: expected an integer in [0, 2^64), found ".into(),
                    Part::Quoted(number),
                ],
            )),
        }
    }

    /// `true` or `false`.
    pub fn boolean(&mut self) -> Result<bool, Error> {
        self.next();
        for (word, value) in [("true", true), ("false", false)] {
            if self.word(word) {
                return Ok(value);
            }
        }
        self.unexpected("true or false")
    }

    /// `null`.
    pub fn null(&mut self) -> Result<(), Error> {
        self.next();
        match self.word("null") {
            true => Ok(()),
            false => self.unexpected("null"),
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.text[self.at..].starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }

    /// Reads a value of any kind.
    pub fn skip(&mut self) -> Result<(), Error> {
        match self.kind()? {
            Kind::Object => {
                self.object()?;
                while self.key()?.is_some() {
                    self.skip()?;
                }
            }
            Kind::Array => {
                self.array()?;
                while self.element()? {
                    self.skip()?;
                }
            }
            Kind::String => drop(self.string()?),
            Kind::Number => drop(self.number()?),
            Kind::Boolean => drop(self.boolean()?),
            Kind::Null => self.null()?,
        }
        Ok(())
    }

    /// A value of any kind, as it is written.
    pub fn raw(&mut self) -> Result<&'a str, Error> {
        self.next();
        let start = self.at;
        self.skip()?;
        Ok(&self.text[start..self.at])
    }

    /// The end of the text: only white space is left.
    pub fn end(&mut self) -> Result<(), Error> {
        match self.next() {
            None => Ok(()),
            Some(_) => self.unexpected("the end"),
        }
    }
}

/// FNV-1a. Equal hashes are followed by a comparison of the names.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ byte as u64).wrapping_mul(0x100_0000_01b3)
    })
}

/// The indices `0..count` in ascending order. One instance of the sort serves the whole crate.
pub(crate) fn order(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<u32> {
    let mut indices: Vec<u32> = (0..count as u32).collect();
    indices.sort_unstable_by(|&a, &b| compare(a as usize, b as usize).then(a.cmp(&b)));
    indices
}

/// The first index whose entry equals an earlier one.
pub(crate) fn repeated(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Option<usize> {
    if count < 2 {
        return None;
    }
    let sorted = order(count, compare);
    let equal = sorted
        .windows(2)
        .filter(|pair| compare(pair[0] as usize, pair[1] as usize).is_eq());
    equal.map(|pair| pair[1] as usize).min()
}

/// The value of at least one digit, unless it is 2^64 or more.
pub(crate) fn unsigned(digits: &[u8]) -> Option<u64> {
    let mut value = if digits.is_empty() { None } else { Some(0u64) };
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value?.checked_mul(10)?.checked_add(digit as u64);
    }
    value
}

/// Appends `number` in decimal.
pub fn write_number(out: &mut String, number: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = number;
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend(digits[start..].iter().map(|&digit| digit as char));
}

/// Appends `text` as a JSON string.
pub fn write_string(out: &mut String, text: &str) {
    out.push('"');
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[start..at]);
        start = at + 1;
        if byte < 0x20 {
            out.push_str("\\u00");
            out.push(if byte < 0x10 { '0' } else { '1' });
            out.push(b"0123456789abcdef"[byte as usize & 15] as char);
        } else {
            out.push('\\');
            out.push(byte as char);
        }
    }
    out.push_str(&text[start..]);
    out.push('"');
}
