//! Word vectors as text (word2vec, fastText, GloVe) and as binary rows (word2vec), in pieces of any size.
//!
//! ```text
//! word2vec: a line "V D", then V lines of a word and D decimals, or V times: word, 0x20, D f32, perhaps LF
//! GloVe:    lines of a word and D decimals
//! ```
//!
//! Fields are separated by runs of U+0020 and tab. A word may contain blanks: the last D fields of a line are the row.

use crate::decimal::decimal;
use crate::error::{error, At, Error, Part};
use crate::json::unsigned;
use crate::Format;

/// The longest line, and the longest word of a binary row, in bytes.
const LONGEST: usize = 16 << 20;

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
    /// The first of several blank lines, which must be the last lines of the file.
    blank: Option<u64>,
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
            blank: None,
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
                self.lines(&rest[..whole], sink)?;
                rest = &rest[whole..];
            }
            let end = rest.iter().position(|&byte| byte == b'\n').map(|end| end + 1);
            let (piece, after) = rest.split_at(end.unwrap_or(rest.len()));
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
            return Err(error!(
                At::Byte(self.received),
                "the file ends after ", self.received, " bytes, not after ", self.total
            )
            .into());
        }
        if self.state == State::Head && self.carry.is_empty() {
            return Err(error!(At::File, "the file is empty").into());
        }
        while self.state != State::Binary && !self.carry.is_empty() {
            if self.state == State::Text || self.state == State::Head {
                self.carry.push(b'\n');
            }
            self.carried(sink)?;
        }
        if self.state == State::Binary && !matches!(self.carry[..], [] | [b'\n']) {
            return Err(error!(At::Byte(self.total), "the file ends inside row ", self.rows).into());
        }
        if let Some(expected) = self.expected.filter(|&expected| expected != self.rows) {
            let at = match self.state {
                State::Binary => At::Byte(self.total),
                _ => At::Line(self.line),
            };
            return Err(error!(
                at,
                "the head line says ", expected, " rows, the file has ", self.rows
            )
            .into());
        }
        if self.rows == 0 {
            return Err(error!(At::Line(1), "the file has no row").into());
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
        if self.state == State::Probe {
            if line.len() > LONGEST || !is_row(line, self.dim) {
                self.state = State::Binary;
                self.plausible(self.dim.saturating_mul(4).saturating_add(2), 0)?;
                self.start(sink)?;
                return self.binary(&carry, sink);
            }
            self.state = State::Text;
            self.start(sink)?;
            if line.len() == carry.len() {
                carry.push(b'\n');
            }
        } else if self.state == State::Head {
            if line.len() > LONGEST {
                return Err(too_long(1).into());
            }
            self.head(line)?;
            if self.state == State::Probe {
                return Ok(());
            }
            self.start(sink)?;
        }
        self.lines(&carry, sink)?;
        carry.clear();
        self.carry = carry;
        Ok(())
    }

    /// Reads the first line: a head line, or the first row.
    fn head(&mut self, line: &[u8]) -> Result<(), Error> {
        if line.starts_with(b"\xef\xbb\xbf") {
            return Err(error!(
                At::Byte(0),
                "a byte order mark is not read: save the file as UTF-8 without it"
            ));
        }
        let head = match self.format {
            Some(WordFormat::Glove) => None,
            _ => head_line(line),
        };
        let Some((rows, dim)) = head else {
            if self.format == Some(WordFormat::Word2vec) {
                return Err(error!(
                    At::Line(1),
                    "the head line of a word2vec file is two integers, V and D"
                ));
            }
            self.format = Some(WordFormat::Glove);
            self.state = State::Text;
            // A line that is not a row is reported as such.
            self.dim = (count_fields(line) as u64).saturating_sub(1).max(1);
            return Ok(());
        };
        self.format = Some(WordFormat::Word2vec);
        self.state = State::Probe;
        self.expected = Some(rows);
        self.dim = dim;
        self.line = 1;
        self.offset = self.received_before_rows(line);
        self.at = self.offset;
        if rows == 0 || dim == 0 {
            return Err(error!(
                At::Line(1),
                "the head line says ", rows, " rows of ", dim, " values"
            ));
        }
        // A word, a blank and a digit for each value, and a line end except for the last.
        self.plausible(dim.saturating_mul(2).saturating_add(2), 1)
    }

    /// The bytes of the head line with its end, if it has one.
    fn received_before_rows(&self, line: &[u8]) -> u64 {
        (line.len() as u64 + 1).min(self.total)
    }

    /// Checks that V rows of at least `row` bytes fit the file, the last one without `missing`.
    fn plausible(&self, row: u64, missing: u64) -> Result<(), Error> {
        let rows = self.expected.unwrap_or_default();
        let rest = self.total - self.offset;
        match rows.checked_mul(row) {
            Some(least) if least <= rest.saturating_add(missing) => Ok(()),
            _ => Err(error!(
                At::Line(1),
                "the head line says ",
                rows,
                " rows of ",
                self.dim,
                " values, more than fit the ",
                rest,
                " bytes after it"
            )),
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
        let mut at = 0;
        while at < bytes.len() {
            self.line += 1;
            let (word, next) = match plain(bytes, at, &mut self.values) {
                Some((end, next)) => (&bytes[at..end], next),
                None => {
                    let line = &bytes[at..];
                    let end = line.iter().position(|&byte| byte == b'\n').unwrap_or(line.len());
                    let word = if end > LONGEST {
                        &[]
                    } else {
                        self.any(&line[..end])?
                    };
                    (word, at + end + 1)
                }
            };
            if next - at > LONGEST + 1 {
                return Err(error!(
                    At::Line(self.line),
                    "a line is longer than ", LONGEST as u64, " bytes"
                )
                .into());
            }
            at = next;
            if word.is_empty() {
                self.blank.get_or_insert(self.line);
                continue;
            }
            if let Some(blank) = self.blank {
                return Err(error!(At::Line(blank), "a blank line before a row").into());
            }
            if self.expected == Some(self.rows) {
                return Err(error!(
                    At::Line(self.line),
                    "more than the ", self.rows, " rows of the head line"
                )
                .into());
            }
            self.row(word, sink)?;
        }
        Ok(())
    }

    /// Reads a line of any form into `values` and returns its word, which is empty if the line is blank.
    #[inline(never)]
    fn any<'a>(&mut self, line: &'a [u8]) -> Result<&'a [u8], Error> {
        let at = At::Line(self.line);
        let Ok(text) = std::str::from_utf8(line) else {
            return Err(error!(at, "a line is not UTF-8"));
        };
        let line = trim(line);
        if line.is_empty() {
            return Ok(line);
        }
        let Some(split) = split(line, self.dim) else {
            return Err(error!(
                at,
                "a row is a word and ",
                self.dim,
                " decimals, this line has ",
                count_fields(line) as u64,
                " fields"
            ));
        };
        let (word, row) = (trim(&line[..split]), &line[split..]);
        self.values.clear();
        for field in fields(row) {
            let wrong = match number(field) {
                Some(value) if value.is_finite() => {
                    self.values.push(value);
                    continue;
                }
                Some(_) => " is beyond f32",
                None => " is not a decimal",
            };
            let start = field.as_ptr() as usize - text.as_ptr() as usize;
            return Err(error!(
                at,
                "the field ",
                Part::Quoted(&text[start..start + field.len()]),
                wrong
            ));
        }
        if fields(word).nth(1).is_some() && fields(word).all(|field| number(field).is_some()) {
            return Err(error!(
                at,
                "the line has ",
                count_fields(line) as u64,
                " decimals, but a row is a word and ",
                self.dim,
                " decimals"
            ));
        }
        Ok(word)
    }

    /// Reads binary rows.
    fn binary(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> Result<(), WordError> {
        let mut rest = bytes;
        loop {
            if self.expected == Some(self.rows) {
                // One line end may follow the last row.
                if self.carry.is_empty() && rest.first() == Some(&b'\n') {
                    self.carry.push(b'\n');
                    rest = &rest[1..];
                }
                if rest.is_empty() {
                    return Ok(());
                }
                let at = At::Byte(self.at + self.carry.len() as u64);
                return Err(error!(
                    at,
                    "trailing bytes after the ", self.rows, " rows of the head line"
                )
                .into());
            }
            let mut carry = std::mem::take(&mut self.carry);
            let carried = !carry.is_empty();
            let (used, missing) = self.binary_row(if carried { &carry } else { rest }, sink)?;
            if carried {
                // No more than this row is carried: its word first, then its values.
                let word = rest
                    .iter()
                    .position(|&byte| byte == b' ')
                    .map_or(rest.len(), |end| end + 1);
                let (piece, after) = rest.split_at(missing.unwrap_or(word).min(rest.len()));
                match used {
                    0 => carry.extend_from_slice(piece),
                    _ => carry.clear(),
                }
                self.carry = carry;
                if used > 0 {
                    continue;
                }
                if rest.is_empty() {
                    return Ok(());
                }
                rest = after;
            } else if used > 0 {
                rest = &rest[used..];
            } else {
                carry.extend_from_slice(rest);
                self.carry = carry;
                return Ok(());
            }
        }
    }

    /// Reads the row at the start of `bytes` and returns its bytes: 0 if it is not complete, with the number of bytes that
    /// it lacks, or None if its word has no end yet.
    fn binary_row(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> Result<(usize, Option<usize>), WordError> {
        let start = (bytes.first() == Some(&b'\n')) as usize;
        let Some(end) = bytes
            .iter()
            .take(start + LONGEST + 1)
            .position(|&byte| byte == b' ')
        else {
            if bytes.len() > start + LONGEST {
                return Err(error!(
                    At::Byte(self.at),
                    "a word is longer than ", LONGEST as u64, " bytes"
                )
                .into());
            }
            return Ok((0, None));
        };
        let wrong = match std::str::from_utf8(&bytes[start..end]) {
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
        };
        Err(error!(At::Byte(self.at + start as u64), wrong).into())
    }
}

fn too_long(line: u64) -> Error {
    error!(At::Line(line), "a line is longer than ", LONGEST as u64, " bytes")
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// The usual line: a word without blanks, and as many decimals as `values` has. Writes the values and returns the end of
/// the word and the start of the next line. None for every other line.
#[inline(never)]
fn plain(bytes: &[u8], start: usize, values: &mut [f32]) -> Option<(usize, usize)> {
    let mut at = start;
    while !matches!(bytes.get(at)?, b' ' | b'\t' | b'\n') {
        at += 1;
    }
    let end = at;
    if values.is_empty() || end == start || std::str::from_utf8(&bytes[start..end]).is_err() {
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
        at += 1;
        match bytes.get(at - 1)? {
            b'\n' => return Some((end, at)),
            b' ' | b'\t' | b'\r' => {}
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

fn count_fields(line: &[u8]) -> usize {
    fields(trim(line)).count()
}

/// The decimal that is the whole field.
fn number(field: &[u8]) -> Option<f32> {
    decimal(field, 0)
        .filter(|&(_, end)| end == field.len())
        .map(|(value, _)| value)
}

/// Where the last `dim` fields of a trimmed line begin, if there is another field before them.
fn split(line: &[u8], dim: u64) -> Option<usize> {
    let mut at = line.len();
    for _ in 0..dim {
        at = line[..at].iter().rposition(|&byte| !is_blank(byte))?;
        at = line[..at].iter().rposition(|&byte| is_blank(byte))? + 1;
    }
    Some(at)
}

/// Whether a line is UTF-8 with more than `dim` fields of which the last `dim` are decimals.
fn is_row(line: &[u8], dim: u64) -> bool {
    let line = trim(line);
    let row = split(line, dim).map(|split| &line[split..]);
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
pub(crate) fn first_line(prefix: &[u8], whole: bool) -> Result<Option<Format>, ()> {
    let end = match prefix.iter().take(LONGEST + 1).position(|&byte| byte == b'\n') {
        Some(end) => end,
        None if prefix.len() > LONGEST => return Ok(None),
        None if whole => prefix.len(),
        // Only text is worth reading on for.
        None => match std::str::from_utf8(prefix) {
            Err(error) if error.error_len().is_some() => return Ok(None),
            _ => return Err(()),
        },
    };
    let line = &prefix[..end];
    Ok(match head_line(line) {
        Some(_) => Some(Format::Word2vec),
        None => is_row(line, 1).then_some(Format::Glove),
    })
}
