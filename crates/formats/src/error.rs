//! The errors of malformed files: where, and the rule that is broken.

use std::ops::Deref;

use crate::json::{put, write_escaped, write_number};

/// A malformed file, or one that is not read. Its fields are those of [`Broken`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Box<Broken>); // A pointer, since every function here returns it: that is a third of the code less.

/// What an error says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Where the rule is broken.
    pub at: At,
    /// What is wrong, with the values and the bound: a part of a sentence without a full stop.
    pub rule: String,
}

/// A position in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// A byte, counted from 0 at the start of the file.
    Byte(u64),
    /// A line, counted from 1.
    Line(u64),
    /// The file as a whole.
    File,
}

impl Deref for Error {
    type Target = Broken;

    fn deref(&self) -> &Broken {
        &self.0
    }
}

/// The longest name that a message repeats, in bytes.
const QUOTED: usize = 80;

fn write_quoted(rule: &mut String, name: &str) {
    let mut end = name.len().min(QUOTED);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    write_escaped(rule, name.get(..end).unwrap_or_default(), false);
    if end < name.len() {
        put(rule, "...");
    }
}

impl Error {
    /// An error with the rule `template`, in which `#` is the next number, `$` the next text in quotes, and `@` the next
    /// text. One function fills in all messages, which takes less code than a `format!` for each.
    #[cold]
    #[inline(never)]
    pub fn new(at: At, template: &str, numbers: &[u64], texts: &[&str]) -> Error {
        let mut rule = String::new();
        let (mut numbers, mut texts) = (numbers.iter(), texts.iter());
        let mut start = 0;
        for at in 0..=template.len() {
            let marker = template.as_bytes().get(at).copied();
            if !matches!(marker, None | Some(b'#' | b'$' | b'@')) {
                continue;
            }
            put(&mut rule, template.get(start..at).unwrap_or_default());
            start = at + 1;
            match marker {
                Some(b'#') => write_number(&mut rule, *numbers.next().unwrap_or(&0)),
                Some(b'@') => put(&mut rule, texts.next().unwrap_or(&"")),
                Some(_) => write_quoted(&mut rule, texts.next().unwrap_or(&"")),
                None => {}
            }
        }
        Error(Box::new(Broken { at, rule }))
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn byte(at: u64, template: &str, numbers: &[u64], texts: &[&str]) -> Error {
        // JavaScript's integers are exact up to here.
        Error::new(At::Byte(at.min((1 << 53) - 1)), template, numbers, texts)
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn line(at: u64, template: &str, numbers: &[u64], texts: &[&str]) -> Error {
        Error::new(At::Line(at), template, numbers, texts)
    }
}

/// Why there is no header: it is malformed, or, without an error, it needs [`Prefix::needed`] bytes.
pub(crate) struct Stop(pub Option<Error>);

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop(Some(error))
    }
}

/// The first bytes of a file.
pub(crate) struct Prefix<'a> {
    pub bytes: &'a [u8],
    /// The bytes of the whole file.
    pub total: u64,
    /// The prefix that the header needs.
    pub needed: u64,
}

impl<'a> Prefix<'a> {
    /// The bytes `[start, start + length)`, which are `what`.
    #[inline(never)]
    pub(crate) fn span(&mut self, start: u64, length: u64, what: &str) -> Result<&'a [u8], Stop> {
        let end = start.saturating_add(length);
        if end > self.total {
            let template = "@ takes # bytes, but the file ends after #";
            return Err(Error::byte(start, template, &[length, self.total], &[what]).into());
        }
        self.needed = end;
        self.bytes.get(start as usize..end as usize).ok_or(Stop(None))
    }
}
