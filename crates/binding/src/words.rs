//! Files of word vectors: a table that grows with the lines of the file, and its words.
//!
//! ```text
//! rows known from the head line     the table is allocated once
//! otherwise                         it grows; after the first bytes, to the rows that the rest has at the same length
//! ```
//! Every answer is JSON text: `{}` while all is well.

use crate::environment::Environment;
use crate::files::write_error;
use crate::status::Failure;
use tokenbed_core::memory::{Contents, Memory, TableSpec, Write};
use tokenbed_core::ops::{self, Misfit};
use tokenbed_core::{DType, TableMut};
use tokenbed_formats::json::{write_number, write_string};
use tokenbed_formats::{Sink, Summary, WordError, WordFormat, WordReader};

/// The rows of a table at first, if their number is unknown.
const FEW_ROWS: u64 = 1024;

/// The arguments of a reader of word vectors.
pub struct WordsRecord {
    /// `word2vec` or `glove`.
    pub format: String,
    /// Bytes of the file.
    pub total: f64,
    /// The most bytes of the table.
    pub limit: f64,
    /// The dtype of the table; without one the rows are checked and not stored.
    pub dtype: Option<String>,
    /// The number of columns to keep.
    pub dim: Option<f64>,
}

/// A file of word vectors that is being read.
pub struct Words {
    reader: WordReader,
    rows: Rows,
    /// Bytes that were read.
    pushed: u64,
}

/// The rows and the words that were read.
struct Rows {
    dtype: Option<DType>,
    /// The columns that are kept, if not all of them are.
    keep: Option<usize>,
    limit: usize,
    total: u64,
    /// The columns of the file.
    dim: usize,
    table: Option<(TableSpec, Memory<Write>)>,
    rows: usize,
    text: Vec<u8>,
    offsets: Vec<u32>,
    stop: Option<Stop>,
    /// Whether the head line has the number of rows.
    known: bool,
}

/// Why reading stopped.
enum Stop {
    /// The file has fewer columns than requested.
    Columns,
    /// A table of that many bytes does not fit.
    TooLarge(f64),
    Misfit(Misfit),
}

impl Environment {
    /// Starts to read word vectors. Returns the handle of the reader.
    pub fn words_create(&mut self, record: &WordsRecord) -> Result<f64, Failure> {
        self.keep_words(Words::new(record)?)
    }

    /// Reads the next bytes of the file.
    pub fn words_push(&mut self, words: f64, bytes: &[u8]) -> Result<String, Failure> {
        let (answer, misfit) = self.words(words)?.push(bytes);
        misfit.inspect(|&value| self.set_misfit(value));
        Ok(answer)
    }

    /// Ends the file. The answer has the sizes, and the handle and the memory of the table; the second value is that
    /// memory, in bytes.
    pub fn words_end(&mut self, words: f64) -> Result<(String, usize), Failure> {
        match self.words(words)?.end() {
            Ok(Ended { mut answer, table }) => {
                let mut bytes = 0;
                if let Some((spec, memory)) = table {
                    bytes = memory.bytes().len();
                    write_member(&mut answer, ",\"bytes\":", bytes as u64);
                    write_member(&mut answer, ",\"table\":", self.keep_table(spec, memory)? as u64);
                }
                answer.push('}');
                Ok((answer, bytes))
            }
            Err((answer, misfit)) => {
                misfit.inspect(|&value| self.set_misfit(value));
                Ok((answer, 0))
            }
        }
    }

    /// The words, without separators.
    pub fn words_text(&mut self, words: f64) -> Result<&[u8], Failure> {
        Ok(self.words(words)?.text())
    }

    /// Where each word begins in the text, and where the last one ends.
    pub fn words_offsets(&mut self, words: f64) -> Result<&[u32], Failure> {
        Ok(self.words(words)?.offsets())
    }
}

impl Words {
    /// Starts to read.
    fn new(record: &WordsRecord) -> Result<Self, Failure> {
        let format = match &record.format[..] {
            "word2vec" => WordFormat::Word2vec,
            "glove" => WordFormat::Glove,
            _ => return Err(Failure::Argument("the name of a format")),
        };
        let named = |name: &String| DType::named(name).ok_or(Failure::Argument("the name of a dtype"));
        let total = record.total as u64;
        Ok(Words {
            reader: WordReader::new(Some(format), total),
            rows: Rows {
                dtype: record.dtype.as_ref().map(named).transpose()?,
                keep: record.dim.map(|dim| dim as usize),
                limit: record.limit as usize,
                total,
                dim: 0,
                table: None,
                rows: 0,
                text: Vec::new(),
                offsets: vec![0],
                stop: None,
                known: false,
            },
            pushed: 0,
        })
    }

    /// Reads the next bytes of the file. The second value is a number that the dtype cannot store.
    fn push(&mut self, bytes: &[u8]) -> (String, Option<f64>) {
        let (rows, first) = (&mut self.rows, self.pushed == 0);
        let mut error = self.reader.push(bytes, rows).err();
        self.pushed += bytes.len() as u64;
        // Lines of the rest take about as many bytes.
        if error.is_none() && first && !rows.known && rows.rows > 0 {
            let expected = rows.rows as u64 * (rows.total / self.pushed + 1);
            let expected = (expected + expected / 32) as usize;
            if rows.is_smaller(expected) && !rows.reserve(expected) {
                error = Some(WordError::Stopped);
            }
        }
        rows.answer(error)
    }

    /// Ends the file. The answer has the sizes; the caller adds the handle of the table and closes the object.
    fn end(&mut self) -> Result<Ended, (String, Option<f64>)> {
        let rows = &mut self.rows;
        let summary = self
            .reader
            .finish(rows)
            .map_err(|error| rows.answer(Some(error)))?;
        let mut answer = String::new();
        rows.write_summary(&summary, &mut answer);
        let table = rows.table.take().and_then(|(spec, memory)| {
            let spec = TableSpec::new(spec.dtype(), rows.rows, spec.dim()).ok()?;
            Some((spec, memory))
        });
        Ok(Ended { answer, table })
    }

    /// The words, without separators.
    fn text(&self) -> &[u8] {
        &self.rows.text
    }

    /// Where each word begins in the text, and where the last one ends.
    fn offsets(&self) -> &[u32] {
        &self.rows.offsets
    }
}

/// What was read: JSON text without its end, and the table.
struct Ended {
    /// `{"format":...,"rows":...`
    answer: String,
    /// The sizes of the table, and memory that may be longer.
    table: Option<(TableSpec, Memory<Write>)>,
}

fn write_member(out: &mut String, name: &str, number: u64) {
    out.push_str(name);
    write_number(out, number);
}

impl Rows {
    /// The columns of the table.
    fn columns(&self) -> usize {
        self.keep.unwrap_or(self.dim)
    }

    fn answer(&self, error: Option<WordError>) -> (String, Option<f64>) {
        let (mut out, mut misfit) = (String::new(), None);
        match error {
            None => out.push('{'),
            Some(WordError::Format(error)) => {
                write_error(&mut out, &error);
                return (out, None);
            }
            Some(WordError::Stopped) => match self.stop {
                Some(Stop::Columns) => write_member(&mut out, "{\"columns\":", self.dim as u64),
                Some(Stop::TooLarge(bytes)) => write_member(&mut out, "{\"tooLarge\":", bytes as u64),
                Some(Stop::Misfit(Misfit { row, col, value })) => {
                    let dim = self.columns();
                    misfit = Some(value);
                    write_member(&mut out, "{\"misfit\":", (row * dim + col) as u64);
                    write_member(&mut out, ",\"dim\":", dim as u64);
                }
                None => out.push('{'),
            },
        }
        out.push('}');
        (out, misfit)
    }

    /// Whether there is a table of fewer rows.
    fn is_smaller(&self, rows: usize) -> bool {
        self.table.as_ref().is_some_and(|(spec, _)| spec.rows() < rows)
    }

    fn write_summary(&self, summary: &Summary, out: &mut String) {
        out.push_str("{\"format\":");
        let format = match summary.format {
            WordFormat::Word2vec => "word2vec",
            WordFormat::Glove => "glove",
        };
        write_string(out, format);
        write_member(out, ",\"rows\":", summary.rows);
        write_member(out, ",\"dim\":", self.columns() as u64);
        write_member(out, ",\"offset\":", summary.offset);
        out.push_str(if summary.binary {
            ",\"binary\":true"
        } else {
            ",\"binary\":false"
        });
    }

    /// A table for `rows` rows. Returns false if it does not fit.
    fn reserve(&mut self, rows: usize) -> bool {
        let Some(dtype) = self.dtype else { return true };
        let dim = self.columns();
        let row = TableSpec::new(dtype, 1, dim).map_or(f64::INFINITY, |spec| spec.bytes() as f64);
        let bytes = row * rows as f64;
        let room = TableSpec::new(dtype, rows, dim)
            .ok()
            .filter(|spec| spec.bytes() <= self.limit);
        let memory = room.and_then(|spec| Some((spec, Memory::allocate(spec.bytes(), Contents::Any)?)));
        let Some((spec, mut memory)) = memory else {
            self.stop = Some(Stop::TooLarge(bytes));
            return false;
        };
        if let Some((_, old)) = &self.table {
            let used = self.rows * spec.row_bytes();
            memory.bytes_mut()[..used].copy_from_slice(&old.bytes()[..used]);
        }
        self.table = Some((spec, memory));
        true
    }

    /// Stores a row. Returns false if the dtype cannot store it, or there is no memory.
    fn store(&mut self, values: &[f32]) -> bool {
        let (row, full) = (
            self.rows,
            self.table
                .as_ref()
                .is_some_and(|(spec, _)| self.rows == spec.rows()),
        );
        if full && !self.reserve(row + row / 4 + 1) {
            return false;
        }
        let Some((spec, memory)) = &mut self.table else {
            return true;
        };
        let values = &values[..spec.dim()];
        let Ok(mut table) = TableMut::new(*spec, &mut memory.bytes_mut()[..spec.bytes()]) else {
            return false;
        };
        if let Some(floats) = table.values_mut(row) {
            floats[..values.len()].copy_from_slice(values);
            return true;
        }
        let stored = ops::store(&mut table, row..row + 1, false, &mut |_, col, out| {
            out.copy_from_slice(&values[col..col + out.len()])
        });
        match stored {
            Ok(()) => true,
            Err(misfit) => {
                self.stop = Some(Stop::Misfit(misfit));
                false
            }
        }
    }
}

impl Sink for Rows {
    fn start(&mut self, rows: Option<u64>, dim: u64) -> bool {
        self.dim = dim as usize;
        if self.columns() > self.dim {
            self.stop = Some(Stop::Columns);
            return false;
        }
        self.known = rows.is_some();
        self.reserve(rows.unwrap_or(FEW_ROWS) as usize)
    }

    fn row(&mut self, word: &[u8], values: &[f32]) -> bool {
        if !self.store(values) {
            return false;
        }
        self.rows += 1;
        self.text.extend_from_slice(word);
        self.offsets.push(self.text.len() as u32);
        true
    }
}
