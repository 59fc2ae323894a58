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

/// The longest line, and the longest word of a binary row, in bytes.
const LONGEST: usize = 16 << 20;

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
    pub fn push(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> Result<(), WordError> {
        self.received += bytes.len() as u64;
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.state == State::Binary {
                return self.binary(rest, sink);
            }
            if self.state == State::Text && self.carry.is_empty() {
                let whole = rest
                    .iter()
                    .rposition(|&byte| byte == b'\n')
                    .map_or(0, |last| last + 1);
                let (lines, after) = rest.split_at(whole);
                self.lines(lines, sink)?;
                rest = after;
            }
            let end = line_end(rest);
            let (piece, after) = rest.split_at(end.map_or(rest.len(), |end| end + 1));
            self.carry.extend_from_slice(piece);
            rest = after;
            if end.is_some() || self.carry.len() > LONGEST {
                self.carried(sink)?;
            }
        }
        Ok(())
    }

    /// Ends the file.
    pub fn finish(&mut self, sink: &mut dyn Sink) -> Result<Summary, WordError> {
        if self.received != self.total {
            let template = "the file ends after # bytes, not after #";
            return Err(Error::byte(self.received, template, &[self.received, self.total], &[]).into());
        }
        while self.state != State::Binary && !self.carry.is_empty() {
            // In State::Probe the rows may be binary, and then have no line end.
            if self.state != State::Probe {
                self.carry.push(b'\n');
            }
            self.carried(sink)?;
        }
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

    /// Reads the line in `carry`: complete, or longer than a line may be, or, in [`State::Probe`], the last one.
    fn carried(&mut self, sink: &mut dyn Sink) -> Result<(), WordError> {
        let mut carry = std::mem::take(&mut self.carry);
        let line = carry.strip_suffix(b"\n").unwrap_or(&carry);
        match self.state {
            State::Head => {
                self.head(line)?;
                if self.state == State::Probe {
                    return Ok(());
                }
                self.start(sink)?;
            }
            State::Probe if line.len() > LONGEST || !is_row(line, self.dim) => {
                self.state = State::Binary;
                self.plausible(self.dim.saturating_mul(4).saturating_add(2), 0)?;
                self.start(sink)?;
                return self.binary(&carry, sink);
            }
            State::Probe => {
                self.state = State::Text;
                self.start(sink)?;
                if line.len() == carry.len() {
                    carry.push(b'\n');
                }
            }
            _ => {}
        }
        self.lines(&carry, sink)?;
        carry.clear();
        self.carry = carry;
        Ok(())
    }

    /// Reads the first line: a head line, or the first row.
    #[inline(never)]
    fn head(&mut self, line: &[u8]) -> Result<(), Error> {
        if line.starts_with(BOM) {
            return Err(Error::byte(0, NO_BOM, &[], &[]));
        }
        if line.len() > LONGEST {
            return Err(too_long(1));
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
            self.format = Some(WordFormat::Glove);
            self.state = State::Text;
            // A line that is not a row is reported as such.
            self.dim = count_fields(line).saturating_sub(1).max(1);
            return Ok(());
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
        self.plausible(dim.saturating_mul(2).saturating_add(2), 1)
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

    /// Reads whole lines.
    fn lines(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> Result<(), WordError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            self.line += 1;
            let (word, length) = match plain(rest, &mut self.values) {
                Some(plain) => plain,
                None => {
                    let length = line_end(rest).unwrap_or(rest.len());
                    if length > LONGEST {
                        return Err(too_long(self.line).into());
                    }
                    (self.any(&rest[..length])?, length)
                }
            };
            if length > LONGEST {
                return Err(too_long(self.line).into());
            }
            rest = rest.get(length + 1..).unwrap_or_default();
            if word.is_empty() {
                if self.blank == 0 {
                    self.blank = self.line;
                }
                continue;
            }
            if self.blank > 0 {
                return Err(Error::line(self.blank, "a blank line before a row", &[], &[]).into());
            }
            if self.expected == Some(self.rows) {
                let template = "more than the # rows of the head line";
                return Err(Error::line(self.line, template, &[self.rows], &[]).into());
            }
            self.row(word, sink)?;
        }
        Ok(())
    }

    /// Reads a line of any form into `values` and returns its word, which is empty if the line is blank.
    #[inline(never)]
    fn any<'a>(&mut self, line: &'a [u8]) -> Result<&'a [u8], Error> {
        let at = self.line;
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
        let (word, row) = line.split_at(split);
        self.values.clear();
        for field in fields(row) {
            match number(field) {
                Some(value) if value.is_finite() => self.values.push(value),
                value => {
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
        let count = count_fields(word);
        if count > 1 && fields(word).all(|field| number(field).is_some()) {
            let template = "the line has # decimals, a row is a word and # decimals";
            return Err(Error::line(at, template, &[count + self.dim, self.dim], &[]));
        }
        Ok(trim(word))
    }

    /// Reads binary rows.
    fn binary(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> Result<(), WordError> {
        let mut rest = bytes;
        loop {
            if self.expected == Some(self.rows) {
                // One line end may follow the last row.
                if let ([b'\n', after @ ..], []) = (rest, &self.carry[..]) {
                    self.carry.push(b'\n');
                    rest = after;
                }
                if rest.is_empty() {
                    return Ok(());
                }
                let at = self.at + self.carry.len() as u64;
                let template = "trailing bytes after the # rows of the head line";
                return Err(Error::byte(at, template, &[self.rows], &[]).into());
            }
            // A row that began in an earlier piece is carried, and nothing after it: its word first, then its values.
            let mut carry = std::mem::take(&mut self.carry);
            let carried = !carry.is_empty();
            let (used, missing) = self.binary_row(if carried { &carry } else { rest }, sink)?;
            if used > 0 {
                if carried {
                    carry.clear();
                } else {
                    rest = &rest[used..];
                }
                self.carry = carry;
                continue;
            }
            let word = rest
                .iter()
                .position(|&byte| byte == b' ')
                .map_or(rest.len(), |end| end + 1);
            let piece = if carried {
                missing.unwrap_or(word).min(rest.len())
            } else {
                rest.len()
            };
            let (piece, after) = rest.split_at(piece);
            carry.extend_from_slice(piece);
            self.carry = carry;
            if piece.is_empty() || !carried {
                return Ok(());
            }
            rest = after;
        }
    }

    /// Reads the row at the start of `bytes` and returns its bytes: 0 if it is not complete, with the number of bytes that
    /// it lacks, or None if its word has no end yet.
    fn binary_row(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> Result<(usize, Option<usize>), WordError> {
        let start = (bytes.first() == Some(&b'\n')) as usize;
        let wrong = match bytes
            .iter()
            .take(start + LONGEST + 1)
            .position(|&byte| byte == b' ')
        {
            None if bytes.len() > start + LONGEST => "a word is longer than # bytes",
            None => return Ok((0, None)),
            Some(end) => match std::str::from_utf8(bytes.get(start..end).unwrap_or_default()) {
                Ok("") => "the word of a row is empty",
                Err(_) => "the word of a row is not UTF-8",
                Ok(word) => {
                    // Rows fit the file, which may be longer than an address.
                    let next = (4 * self.dim).saturating_add(end as u64 + 1);
                    let next = usize::try_from(next).unwrap_or(usize::MAX);
                    let Some(row) = bytes.get(end + 1..next) else {
                        return Ok((0, Some(next - bytes.len())));
                    };
                    self.values.clear();
                    self.values.extend(row.chunks_exact(4).map(|bytes| match bytes {
                        &[a, b, c, d] => f32::from_le_bytes([a, b, c, d]),
                        _ => 0.0,
                    }));
                    self.row(word.as_bytes(), sink)?;
                    self.at += next as u64;
                    return Ok((next, None));
                }
            },
        };
        Err(Error::byte(self.at + start as u64, wrong, &[LONGEST as u64], &[]).into())
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
    for value in values {
        if !is_blank(*bytes.get(at)?) {
            return None;
        }
        at += 1;
        while is_blank(*bytes.get(at)?) {
            at += 1;
        }
        (*value, at) = decimal(bytes, at)?;
        if !value.is_finite() {
            return None;
        }
    }
    loop {
        match bytes.get(at)? {
            b'\n' => return Some((word, at)),
            b' ' | b'\t' | b'\r' => at += 1,
            _ => return None,
        }
    }
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

fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&byte| is_blank(byte))
        .filter(|field| !field.is_empty())
}

#[inline(never)]
fn count_fields(line: &[u8]) -> u64 {
    fields(trim(line)).count() as u64
}

/// The decimal that is the whole field.
#[inline(never)]
fn number(field: &[u8]) -> Option<f32> {
    decimal(field, 0)
        .filter(|&(_, end)| end == field.len())
        .map(|(value, _)| value)
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
    std::str::from_utf8(line).is_ok()
        && row.is_some_and(|row| fields(row).all(|field| number(field).is_some()))
}

/// V and D of a head line. An integer beyond u64 is the greatest u64, which fits no file.
fn head_line(line: &[u8]) -> Option<(u64, u64)> {
    let mut integers = fields(trim(line)).map(|field| {
        let digits = field.iter().all(u8::is_ascii_digit);
        digits.then(|| unsigned(field).unwrap_or(u64::MAX))
    });
    match (integers.next(), integers.next(), integers.next()) {
        (Some(Some(rows)), Some(Some(dim)), None) => Some((rows, dim)),
        _ => None,
    }
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
