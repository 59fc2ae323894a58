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

use crate::error::Error;

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

struct Key {
    hash: u64,
    at: usize,
}

/// Reads JSON text from start to end. After an error it must not be used any more.
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    base: u64,
    /// Reads Python's literals instead: see [`Reader::python`].
    python: bool,
    /// The text was read before: its keys are known to differ.
    again: bool,
    /// Which numbers are read; None is all.
    numbers: Option<fn(&str) -> bool>,
    /// The number of open objects and arrays, and where the keys of each begin in `keys`.
    depth: usize,
    starts: [usize; DEPTH],
    /// The keys of all open objects.
    keys: Vec<Key>,
    /// What was read of the innermost object or array: nothing, an entry, or a comma.
    entries: Entries,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Entries {
    None,
    One,
    Comma,
}

impl<'a> Reader<'a> {
    /// A reader of `bytes`, which begin at byte `base` of their file. An error if they are not UTF-8.
    pub fn new(bytes: &'a [u8], base: u64) -> Result<Reader<'a>, Error> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Reader::at(text, 0, base)),
            Err(error) => {
                let at = base + error.valid_up_to() as u64;
                Err(Error::byte(at, "the text is not UTF-8", &[], &[]))
            }
        }
    }

    /// A reader of a value that [`Reader::raw`] returned, at byte `base` of its file. Its keys are not compared again.
    pub fn again(text: &'a str, base: u64) -> Reader<'a> {
        let mut reader = Reader::at(text, 0, base);
        reader.again = true;
        reader
    }

    /// From here on, numbers that `check` does not hold for are errors, also in values that are skipped.
    pub fn check_numbers(&mut self, check: fn(&str) -> bool) {
        self.numbers = Some(check);
    }

    /// A reader of the literals that numpy writes: a dict is an object whose strings may have single quotes and have no
    /// escapes, a tuple is an array, True and False are booleans, and a comma may follow the last entry.
    pub(crate) fn python(bytes: &'a [u8], base: u64) -> Result<Reader<'a>, Error> {
        let mut reader = Reader::new(bytes, base)?;
        reader.python = true;
        Ok(reader)
    }

    fn at(text: &'a str, at: usize, base: u64) -> Reader<'a> {
        Reader {
            text,
            at,
            base,
            python: false,
            again: false,
            numbers: None,
            depth: 0,
            starts: [0; DEPTH],
            keys: Vec::new(),
            entries: Entries::None,
        }
    }

    /// The position of the next byte in the file.
    pub fn position(&self) -> u64 {
        self.base + self.at as u64
    }

    /// The text from `start` to the next byte.
    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// An error at the next byte.
    #[cold]
    fn error(&self, rule: &str) -> Error {
        Error::byte(self.position(), rule, &[], &[])
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips white space and returns the byte after it.
    #[inline(never)]
    pub(crate) fn next(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn unexpected(&self, expected: &str) -> Error {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let found = rest
            .get(..rest.chars().next().map_or(0, char::len_utf8))
            .unwrap_or_default();
        let template = if found.is_empty() {
            "expected @, found the end"
        } else {
            "expected @, found $"
        };
        Error::byte(self.position(), template, &[], &[expected, found])
    }

    fn expect(&mut self, byte: u8, expected: &str) -> Result<(), Error> {
        if self.next() != Some(byte) {
            return Err(self.unexpected(expected));
        }
        self.at += 1;
        Ok(())
    }

    fn enter(&mut self) -> Result<(), Error> {
        let Some(start) = self.starts.get_mut(self.depth) else {
            let at = self.position() - 1;
            return Err(Error::byte(
                at,
                "values nest deeper than # levels",
                &[DEPTH as u64],
                &[],
            ));
        };
        *start = self.keys.len();
        self.depth += 1;
        self.entries = Entries::None;
        Ok(())
    }

    fn leave(&mut self) {
        self.at += 1;
        self.depth -= 1;
        self.entries = Entries::One;
    }

    /// Whether another entry follows in the innermost object or array, which `close` ends.
    #[inline(never)]
    fn more(&mut self, close: u8, expected: &str) -> Result<bool, Error> {
        let mut next = self.next();
        if self.entries != Entries::None && next == Some(b',') {
            self.at += 1;
            self.entries = Entries::Comma;
            next = self.next();
            if next != Some(close) || !self.python {
                return Ok(true);
            }
        }
        if next == Some(close) {
            return Ok(false);
        }
        if self.entries != Entries::None {
            return Err(self.unexpected(expected));
        }
        self.entries = Entries::One;
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
            _ => Err(self.unexpected("a value")),
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
        if !self.more(b'}', "a comma or }")? {
            self.check_keys()?;
            self.leave();
            return Ok(None);
        }
        self.next();
        let at = self.at;
        let name = self.string()?;
        self.expect(b':', "a colon")?;
        if !self.again {
            self.keys.push(Key {
                hash: hash(&name),
                at,
            });
        }
        Ok(Some(name))
    }

    fn check_keys(&mut self) -> Result<(), Error> {
        let start = self.starts[self.depth - 1];
        let keys = self.keys.get(start..).unwrap_or_default();
        let name = |key: &Key| {
            let mut reader = Reader::at(self.text, key.at, 0);
            reader.python = self.python;
            reader.string().unwrap_or_default()
        };
        let compare = |a: usize, b: usize| match keys[a].hash.cmp(&keys[b].hash) {
            Ordering::Equal => name(&keys[a]).cmp(&name(&keys[b])),
            unequal => unequal,
        };
        if let Some(twice) = repeated(keys.len(), &compare) {
            let key = &keys[twice];
            let at = self.base + key.at as u64;
            return Err(Error::byte(at, "the key $ appears twice", &[], &[&name(key)]));
        }
        self.keys.truncate(start);
        Ok(())
    }

    /// Enters an array. [`Reader::element`] steps through it and leaves it.
    pub fn array(&mut self) -> Result<(), Error> {
        match self.python {
            true => self.expect(b'(', "a tuple")?,
            false => self.expect(b'[', "an array")?,
        }
        self.enter()
    }

    /// Whether the innermost array has another element, which must be read next.
    pub fn element(&mut self) -> Result<bool, Error> {
        let more = match self.python {
            true => self.more(b')', "a comma or )")?,
            false => self.more(b']', "a comma or ]")?,
        };
        if !more {
            // In Python `(3)` is an integer, `(3,)` a tuple.
            if self.python && self.entries == Entries::One {
                return Err(self.unexpected("a comma"));
            }
            self.leave();
        }
        Ok(more)
    }

    /// Reads an array of integers from 0 to 2^64 - 1 into `out`.
    pub fn integers(&mut self, out: &mut Vec<u64>) -> Result<(), Error> {
        self.array()?;
        while self.element()? {
            out.push(self.unsigned()?);
            // Python 2 wrote `3L`.
            self.at += (self.python && self.byte() == Some(b'L')) as usize;
        }
        Ok(())
    }

    /// A string: a slice of the text unless it has escapes.
    pub fn string(&mut self) -> Result<Cow<'a, str>, Error> {
        let quote = match self.next() {
            Some(b'\'') if self.python => b'\'',
            Some(b'"') => b'"',
            _ => return Err(self.unexpected("a string")),
        };
        self.at += 1;
        let mut start = self.at;
        let mut owned: Option<String> = None;
        loop {
            match self.byte() {
                Some(byte) if byte == quote => {
                    let tail = self.since(start);
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
                    owned.push_str(self.since(start));
                    let character = self.escape()?;
                    owned.push(character);
                    start = self.at;
                }
                Some(0x20..) => self.at += 1,
                Some(_) => return Err(self.error("a control character in a string")),
                None => return Err(self.error("the text ends inside a string")),
            }
        }
    }

    /// The character of the escape at the current backslash.
    fn escape(&mut self) -> Result<char, Error> {
        let at = self.position();
        self.at += 1;
        let kind = self.byte();
        self.at += 1;
        let code = match kind {
            _ if self.python => None,
            Some(byte @ (b'"' | b'\\' | b'/')) => Some(byte as u32),
            Some(b'b') => Some(8),
            Some(b'f') => Some(12),
            Some(b'n') => Some(10),
            Some(b'r') => Some(13),
            Some(b't') => Some(9),
            Some(b'u') => match self.hex() {
                // Only a pair of surrogates is a character.
                Some(high @ 0xd800..0xdc00) if self.word("\\u") => match self.hex() {
                    Some(low @ 0xdc00..0xe000) => Some(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)),
                    _ => None,
                },
                code => code,
            },
            _ => None,
        };
        let rule = "a backslash does not begin an escape of JSON, or begins a lone surrogate";
        code.and_then(char::from_u32)
            .ok_or_else(|| Error::byte(at, rule, &[], &[]))
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
            return Err(self.unexpected("a digit"));
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
            _ => return Err(self.unexpected("a number")),
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
        let text = self.since(start);
        if self.numbers.is_some_and(|check| !check(text)) {
            let at = self.base + start as u64;
            return Err(Error::byte(at, "the number @ is out of range", &[], &[text]));
        }
        Ok(text)
    }

    /// An integer from 0 to 2^64 - 1, without fraction and exponent.
    pub fn unsigned(&mut self) -> Result<u64, Error> {
        self.next();
        let at = self.position();
        let number = self.number()?;
        let template = "expected an integer in [0, 2^64), found @";
        unsigned(number.as_bytes()).ok_or_else(|| Error::byte(at, template, &[], &[number]))
    }

    /// `true` or `false`.
    pub fn boolean(&mut self) -> Result<bool, Error> {
        self.next();
        let (yes, no) = if self.python {
            ("True", "False")
        } else {
            ("true", "false")
        };
        let value = self.word(yes);
        if !value && !self.word(no) {
            return Err(self.unexpected("a boolean"));
        }
        Ok(value)
    }

    /// `null`.
    pub fn null(&mut self) -> Result<(), Error> {
        self.next();
        match self.word("null") {
            true => Ok(()),
            false => Err(self.unexpected("null")),
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let found = rest.starts_with(word.as_bytes());
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
        Ok(self.since(start))
    }

    /// The end of the text: only white space is left.
    pub fn end(&mut self) -> Result<(), Error> {
        match self.next() {
            None => Ok(()),
            Some(_) => Err(self.unexpected("the end")),
        }
    }
}

/// FNV-1a. Equal hashes are followed by a comparison of the names.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ byte as u64).wrapping_mul(0x100_0000_01b3)
    })
}

/// The indices `0..count` in ascending order, equal ones as they were: a merge sort. The one of std takes ten times as
/// much code.
pub(crate) fn order(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<u32> {
    let mut sorted: Vec<u32> = (0..count as u32).collect();
    let mut merged = sorted.clone();
    let mut width = 1;
    while width < count {
        for start in (0..count).step_by(2 * width) {
            let (mut left, middle) = (start, count.min(start + width));
            let (mut right, end) = (middle, count.min(middle + width));
            for slot in &mut merged[start..end] {
                let from_right = left == middle
                    || right < end && compare(sorted[right] as usize, sorted[left] as usize).is_lt();
                let from = if from_right { &mut right } else { &mut left };
                *slot = sorted[*from];
                *from += 1;
            }
        }
        std::mem::swap(&mut sorted, &mut merged);
        width *= 2;
    }
    sorted
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

/// Appends `text`. One copy of this code, which would otherwise be at every call.
#[inline(never)]
pub(crate) fn put(out: &mut String, text: &str) {
    out.push_str(text);
}

/// Appends `number` in decimal.
#[inline(never)]
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
    put(out, std::str::from_utf8(&digits[start..]).unwrap_or_default());
}

/// Appends `text` as a JSON string in ASCII: other characters are escapes of their UTF-16 code units.
pub fn write_string(out: &mut String, text: &str) {
    write_escaped(out, text, true);
}

/// Appends `text` in quotes. Control characters are escapes, and with `ascii` so are all that are not ASCII.
#[inline(never)]
pub(crate) fn write_escaped(out: &mut String, text: &str, ascii: bool) {
    put(out, "\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            ' '..='~' => out.push(character),
            '\u{a0}'.. if !ascii => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    put(out, "\\u");
                    for shift in [12, 8, 4, 0] {
                        out.push(b"0123456789abcdef"[(*unit >> shift & 15) as usize] as char);
                    }
                }
            }
        }
    }
    put(out, "\"");
}
