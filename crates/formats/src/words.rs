//! Word vectors as text (word2vec, fastText, GloVe) and as binary rows (word2vec), in pieces of any size.
//!
//! ```text
//! word2vec: a line "V D", then V lines of a word and D decimals, or V times: word, 0x20, D f32, perhaps LF
//! GloVe:    lines of a word and D decimals
//! ```
//!
//! Fields are separated by runs of U+0020 and tab. A word may contain blanks: the last D fields of a line are the row.

use crate::decimal::decimal;
use crate::error::{At, Error};
use crate::json::unsigned;
use crate::Format;

/// The longest line, in bytes.
const LONGEST: usize = 16 << 20;
/// The longest word of a binary row, in bytes.
const LONGEST_WORD: usize = 1 << 16;
/// The bytes that are read at a time.
const PIECE: usize = 1 << 16;

/// The byte order mark of UTF-8.
pub(crate) const BOM: &[u8] = b"\xef\xbb\xbf";
pub(crate) const NO_BOM: &str = "a byte order mark is not read: save the file as UTF-8 without it";

/// The two formats of word vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordFormat {
    /// With a head line; text or binary.
    Word2vec,
    /// Without a head line.
    Glove,
}

impl WordFormat {
    /// The name in the public API.
    pub fn name(self) -> &'static str {
        match self {
            WordFormat::Word2vec => Format::Word2vec.name(),
            WordFormat::Glove => Format::Glove.name(),
        }
    }
}

/// What receives the rows. Each function returns false to stop, because there is no memory.
pub trait Sink {
    /// Called once before the first row, with the number of rows if the file states it: the file is long enough for it.
    fn start(&mut self, rows: Option<u64>, dim: u64) -> bool;
    /// A row. The word is UTF-8 and not empty.
    fn row(&mut self, word: &[u8], values: &[f32]) -> bool;
}

/// Why a file was not read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WordError {
    /// The file is malformed.
    Format(Error),
    /// The sink returned false.
    Stopped,
}

impl From<Error> for WordError {
    fn from(error: Error) -> Self {
        WordError::Format(error)
    }
}

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// The number of rows.
    pub rows: u64,
    /// The values of a row.
    pub dim: u64,
    /// The format.
    pub format: WordFormat,
    /// Whether the rows are binary.
    pub binary: bool,
    /// The byte at which the rows begin.
    pub offset: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first line.
    Head,
    /// After a head line: the next line tells text from binary.
    Probe,
    Text,
    Binary,
}

/// Reads word vectors.
pub struct WordReader {
    format: Option<WordFormat>,
    total: u64,
    state: State,
    /// The bytes of all pieces so far.
    received: u64,
    /// The start of a line or binary row whose end is in a later piece.
    carry: Vec<u8>,
    /// Lines before the next one.
    line: u64,
    /// The first of several blank lines, which must be the last lines of the file; or 0.
    blank: u64,
    /// The start of the next binary row.
    at: u64,
    /// The row that is being read.
    values: Vec<f32>,
    /// V, if the head line states it.
    expected: Option<u64>,
    rows: u64,
    dim: u64,
    offset: u64,
}

impl WordReader {
    /// A reader of a file of `total` bytes. Without a format, a head line makes it word2vec.
    pub fn new(format: Option<WordFormat>, total: u64) -> WordReader {
        WordReader {
            format,
            total,
            state: State::Head,
            received: 0,
            carry: Vec::new(),
            line: 0,
            blank: 0,
            at: 0,
            values: Vec::new(),
            expected: None,
            rows: 0,
            dim: 0,
            offset: 0,
        }
    }

    /// Reads the next bytes of the file. After an error the reader must not be used any more.
    #[inline(never)]
    pub fn push(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> Result<(), WordError> {
        self.received += bytes.len() as u64;
        for piece in bytes.chunks(PIECE) {
            self.carry.extend_from_slice(piece);
            // A line that goes on is not looked at again and again.
            if self.state == State::Binary || self.carry.len() > LONGEST || line_end(piece).is_some() {
                self.read(false, sink)?;
            }
        }
        Ok(())
    }

    /// Ends the file.
    #[inline(never)]
    pub fn finish(&mut self, sink: &mut dyn Sink) -> Result<Summary, WordError> {
        if self.received != self.total {
            let template = "the file ends after # bytes, not after #";
            return Err(Error::byte(self.received, template, &[self.received, self.total], &[]).into());
        }
        self.read(true, sink)?;
        let end = match self.state {
            State::Binary => At::Byte(self.total),
            _ => At::Line(self.line.max(1)),
        };
        if self.state == State::Binary && !matches!(self.carry[..], [] | [b'\n']) {
            return Err(Error::new(end, "the file ends inside row #", &[self.rows], &[]).into());
        }
        // GloVe files have at least one row.
        let expected = self.expected.unwrap_or(self.rows.max(1));
        if expected != self.rows {
            let template = "the file has # rows instead of #";
            return Err(Error::new(end, template, &[self.rows, expected], &[]).into());
        }
        Ok(Summary {
            rows: self.rows,
            dim: self.dim,
            format: self.format.unwrap_or(WordFormat::Glove),
            binary: self.state == State::Binary,
            offset: self.offset,
        })
    }

    /// Reads the rows that `carry` has in full. At the `end` the last line needs no line end.
    fn read(&mut self, end: bool, sink: &mut dyn Sink) -> Result<(), WordError> {
        let mut bytes = std::mem::take(&mut self.carry);
        let mut rest = &bytes[..];
        loop {
            if self.state == State::Binary {
                match self.binary_row(rest, sink)? {
                    0 => break,
                    used => rest = rest.get(used..).unwrap_or_default(),
                }
                continue;
            }
            if self.state == State::Text {
                if let Some((word, length)) = plain(rest, &mut self.values) {
                    rest = rest.get(length + 1..).unwrap_or_default();
                    self.text_row(word, length, sink)?;
                    continue;
                }
            }
            let length = match line_end(rest) {
                Some(length) => length,
                None if rest.len() > LONGEST || end && !rest.is_empty() => rest.len(),
                None => break,
            };
            let line = rest.get(..length).unwrap_or_default();
            if self.state == State::Probe {
                self.state = State::Text;
                if length > LONGEST || !is_row(line, self.dim) {
                    self.state = State::Binary;
                    self.plausible(self.dim.saturating_mul(4).saturating_add(2), 0)?;
                }
                self.start(sink)?;
                continue;
            }
            if length > LONGEST {
                return Err(too_long(self.line + 1).into());
            }
            let head = self.state == State::Head && self.head(line)?;
            if self.state == State::Head {
                // The first line is a row.
                self.state = State::Text;
                self.start(sink)?;
            }
            rest = rest.get(length + 1..).unwrap_or_default();
            if !head {
                let word = self.any(line)?;
                self.text_row(word, length, sink)?;
            }
        }
        let read = bytes.len() - rest.len();
        bytes.drain(..read);
        self.carry = bytes;
        Ok(())
    }

    /// Reads the first line and returns whether it is a head line; otherwise it is a row.
    fn head(&mut self, line: &[u8]) -> Result<bool, Error> {
        if line.starts_with(BOM) {
            return Err(Error::byte(0, NO_BOM, &[], &[]));
        }
        let head = match self.format {
            Some(WordFormat::Glove) => None,
            _ => head_line(line),
        };
        let Some((rows, dim)) = head else {
            if self.format == Some(WordFormat::Word2vec) {
                let rule = "the head line of a word2vec file is two integers, V and D";
                return Err(Error::line(1, rule, &[], &[]));
            }
            // A line that is not a row is reported as such.
            self.dim = count_fields(line).saturating_sub(1).max(1);
            return Ok(false);
        };
        self.format = Some(WordFormat::Word2vec);
        self.state = State::Probe;
        self.expected = Some(rows);
        self.dim = dim;
        self.line = 1;
        self.offset = self.total.min(line.len() as u64 + 1);
        self.at = self.offset;
        if rows == 0 || dim == 0 {
            return Err(Error::line(
                1,
                "the head line says # rows of # values",
                &[rows, dim],
                &[],
            ));
        }
        // A word, a blank and a digit for each value, and a line end except for the last.
        self.plausible(dim.saturating_mul(2).saturating_add(2), 1)?;
        Ok(true)
    }

    /// Checks that V rows of at least `row` bytes fit the file, the last one without `missing`.
    #[inline(never)]
    fn plausible(&self, row: u64, missing: u64) -> Result<(), Error> {
        let rows = self.expected.unwrap_or_default();
        let rest = self.total - self.offset;
        match rows.checked_mul(row) {
            Some(least) if least <= rest.saturating_add(missing) => Ok(()),
            _ => {
                let template = "the head line says # rows of # values, more than fit the # bytes after it";
                Err(Error::line(1, template, &[rows, self.dim, rest], &[]))
            }
        }
    }

    fn start(&mut self, sink: &mut dyn Sink) -> Result<(), WordError> {
        match sink.start(self.expected, self.dim) {
            true => Ok(()),
            false => Err(WordError::Stopped),
        }
    }

    /// Hands on a row.
    fn row(&mut self, word: &[u8], sink: &mut dyn Sink) -> Result<(), WordError> {
        self.rows += 1;
        match sink.row(word, &self.values) {
            true => Ok(()),
            false => Err(WordError::Stopped),
        }
    }

    /// Hands on the row of a line of `length` bytes; its word is empty if the line is blank.
    fn text_row(&mut self, word: &[u8], length: usize, sink: &mut dyn Sink) -> Result<(), WordError> {
        self.line += 1;
        if length > LONGEST {
            return Err(too_long(self.line).into());
        }
        if word.is_empty() {
            if self.blank == 0 {
                self.blank = self.line;
            }
            return Ok(());
        }
        if self.blank > 0 {
            return Err(Error::line(self.blank, "a blank line before a row", &[], &[]).into());
        }
        if self.expected == Some(self.rows) {
            let template = "more than the # rows of the head line";
            return Err(Error::line(self.line, template, &[self.rows], &[]).into());
        }
        self.row(word, sink)
    }

    /// Reads a line of any form into `values` and returns its word, which is empty if the line is blank.
    #[inline(never)]
    fn any<'a>(&mut self, line: &'a [u8]) -> Result<&'a [u8], Error> {
        let at = self.line + 1;
        if std::str::from_utf8(line).is_err() {
            return Err(Error::line(at, "a line is not UTF-8", &[], &[]));
        }
        let line = trim(line);
        if line.is_empty() {
            return Ok(line);
        }
        let Some(split) = split(line, self.dim) else {
            let template = "a row is a word and # decimals, this line has # fields";
            return Err(Error::line(at, template, &[self.dim, count_fields(line)], &[]));
        };
        let (word, mut row) = line.split_at(split);
        self.values.clear();
        while let Some(field) = next_field(&mut row) {
            let value = number(field);
            match value {
                Some(value) if value.is_finite() => self.values.push(value),
                _ => {
                    let template = match value {
                        Some(_) => "the field $ is beyond f32",
                        None => "the field $ is not a decimal",
                    };
                    return Err(Error::line(
                        at,
                        template,
                        &[],
                        &[std::str::from_utf8(field).unwrap_or_default()],
                    ));
                }
            }
        }
        let fields = count_fields(word);
        if fields > 1 && are_numbers(word) {
            let template = "the line has # decimals, a row is a word and # decimals";
            return Err(Error::line(at, template, &[fields + self.dim, self.dim], &[]));
        }
        Ok(trim(word))
    }

    /// Reads the binary row at the start of `bytes` and returns its bytes: 0 if it is not complete, or after the last row.
    fn binary_row(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> Result<usize, WordError> {
        let start = (bytes.first() == Some(&b'\n')) as usize;
        let mut at = self.at + start as u64;
        let wrong = if self.expected == Some(self.rows) {
            // One line end may follow the last row.
            if bytes.len() == start {
                return Ok(0);
            }
            "trailing bytes after the last row"
        } else {
            let searched = bytes.get(..start + LONGEST_WORD + 1).unwrap_or(bytes);
            match searched.iter().position(|&byte| byte == b' ') {
                None if searched.len() > start + LONGEST_WORD => "a word is longer than # bytes",
                None => return Ok(0),
                Some(end) => match std::str::from_utf8(bytes.get(start..end).unwrap_or_default()) {
                    Ok("") => "the word of a row is empty",
                    Err(error) => {
                        at += error.valid_up_to() as u64;
                        "the word of a row is not UTF-8"
                    }
                    Ok(word) => {
                        // Rows fit the file, which may be longer than an address.
                        let next = (4 * self.dim).saturating_add(end as u64 + 1);
                        let next = usize::try_from(next).unwrap_or(usize::MAX);
                        let Some(row) = bytes.get(end + 1..next) else {
                            return Ok(0);
                        };
                        self.values.clear();
                        self.values.extend(row.chunks_exact(4).map(|bytes| match bytes {
                            &[a, b, c, d] => f32::from_le_bytes([a, b, c, d]),
                            _ => 0.0,
                        }));
                        self.row(word.as_bytes(), sink)?;
                        self.at += next as u64;
                        return Ok(next);
                    }
                },
            }
        };
        Err(Error::byte(at, wrong, &[LONGEST_WORD as u64], &[]).into())
    }
}

fn too_long(line: u64) -> Error {
    Error::line(line, "a line is longer than # bytes", &[LONGEST as u64], &[])
}

fn line_end(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|&byte| byte == b'\n')
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// The usual line: a word without blanks, and as many decimals as `values` has. Writes the values and returns the word and
/// the length of the line. None for every other line.
#[inline(never)]
fn plain<'a>(bytes: &'a [u8], values: &mut [f32]) -> Option<(&'a [u8], usize)> {
    let mut at = 0;
    while !matches!(bytes.get(at)?, b' ' | b'\t' | b'\n') {
        at += 1;
    }
    let word = bytes.get(..at)?;
    if values.is_empty() || word.is_empty() || std::str::from_utf8(word).is_err() {
        return None;
    }
    at = decimals(bytes, at, values)?;
    if !values.iter().all(|value| value.is_finite()) {
        return None;
    }
    loop {
        match bytes.get(at)? {
            b'\n' => return Some((word, at)),
            b' ' | b'\t' | b'\r' => at += 1,
            _ => return None,
        }
    }
}

/// Reads decimals, each after blanks, and returns the end of the last one.
#[inline(never)]
fn decimals(bytes: &[u8], start: usize, values: &mut [f32]) -> Option<usize> {
    let mut at = start;
    for value in values {
        if !is_blank(*bytes.get(at)?) {
            return None;
        }
        at += 1;
        while is_blank(*bytes.get(at)?) {
            at += 1;
        }
        (*value, at) = decimal(bytes, at)?;
    }
    Some(at)
}

/// Without blanks at the start, and without blanks and CR at the end.
fn trim(mut line: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t' | b'\r'] = line {
        line = rest;
    }
    while let [b' ' | b'\t', rest @ ..] = line {
        line = rest;
    }
    line
}

/// The next field of a line.
#[inline(never)]
fn next_field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let start = rest.iter().position(|&byte| !is_blank(byte))?;
    let (_, field) = rest.split_at(start);
    let end = field
        .iter()
        .position(|&byte| is_blank(byte))
        .unwrap_or(field.len());
    let (field, after) = field.split_at(end);
    *rest = after;
    Some(field)
}

fn count_fields(line: &[u8]) -> u64 {
    let (mut rest, mut count) = (trim(line), 0);
    while next_field(&mut rest).is_some() {
        count += 1;
    }
    count
}

/// The decimal that is the whole field.
#[inline(never)]
fn number(field: &[u8]) -> Option<f32> {
    // For lines that are not usual, so that there is one copy of the code of `decimal`.
    let text = [b" ", field].concat();
    let mut value = [0.0];
    (decimals(&text, 0, &mut value) == Some(text.len())).then_some(value[0])
}

fn are_numbers(mut rest: &[u8]) -> bool {
    while let Some(field) = next_field(&mut rest) {
        if number(field).is_none() {
            return false;
        }
    }
    true
}

/// Where the last `dim` fields of a trimmed line begin, if there is another field before them.
fn split(line: &[u8], dim: u64) -> Option<usize> {
    let mut at = line.len();
    for _ in 0..dim {
        at = line.get(..at)?.iter().rposition(|&byte| !is_blank(byte))?;
        at = line.get(..at)?.iter().rposition(|&byte| is_blank(byte))? + 1;
    }
    Some(at)
}

/// Whether a line is UTF-8 with more than `dim` fields of which the last `dim` are decimals.
fn is_row(line: &[u8], dim: u64) -> bool {
    let line = trim(line);
    let row = split(line, dim).and_then(|split| line.get(split..));
    std::str::from_utf8(line).is_ok() && row.is_some_and(are_numbers)
}

/// V and D of a head line. An integer beyond u64 is the greatest u64, which fits no file.
fn head_line(line: &[u8]) -> Option<(u64, u64)> {
    let mut rest = trim(line);
    let mut integer = || {
        let field = next_field(&mut rest)?;
        let digits = field.iter().all(u8::is_ascii_digit);
        digits.then(|| unsigned(field).unwrap_or(u64::MAX))
    };
    let head = (integer()?, integer()?);
    next_field(&mut rest).is_none().then_some(head)
}

/// The format of a text file that begins with `prefix`, if it is one of the two. An error if the first line has no end
/// yet; `whole` says that it never will.
#[inline(never)]
pub(crate) fn first_line(prefix: &[u8], whole: bool) -> Result<Option<Format>, ()> {
    let end = match line_end(prefix.get(..LONGEST + 1).unwrap_or(prefix)) {
        Some(end) => end,
        None if prefix.len() > LONGEST => return Ok(None),
        None if whole => prefix.len(),
        // Only text is worth reading on for.
        None => match std::str::from_utf8(prefix) {
            Err(error) if error.error_len().is_some() => return Ok(None),
            _ => return Err(()),
        },
    };
    let line = prefix.get(..end).unwrap_or_default();
    Ok(match head_line(line) {
        Some(_) => Some(Format::Word2vec),
        None => is_row(line, 1).then_some(Format::Glove),
    })
}
