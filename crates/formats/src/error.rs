//! The errors of malformed files: where, and the rule that is broken.

/// A malformed file, or one that is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
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

/// A piece of a rule. One function joins them, which takes less code than a `format!` for every message.
pub(crate) enum Part<'a> {
    Text(&'a str),
    Number(u64),
    Quoted(&'a str),
}

impl<'a> From<&'a str> for Part<'a> {
    fn from(text: &'a str) -> Self {
        Part::Text(text)
    }
}

impl From<u64> for Part<'_> {
    fn from(number: u64) -> Self {
        Part::Number(number)
    }
}

/// The longest name that a message repeats, in characters.
const QUOTED: usize = 80;

impl Error {
    /// An error whose rule is the parts, joined.
    #[cold]
    #[inline(never)]
    pub(crate) fn new(at: At, parts: &[Part]) -> Error {
        let mut rule = String::new();
        for part in parts {
            match *part {
                Part::Text(text) => rule.push_str(text),
                Part::Number(number) => crate::json::write_number(&mut rule, number),
                Part::Quoted(name) => {
                    let end = name.char_indices().nth(QUOTED).map_or(name.len(), |(end, _)| end);
                    crate::json::write_string(&mut rule, &name[..end]);
                    if end < name.len() {
                        rule.push_str("...");
                    }
                }
            }
        }
        Error { at, rule }
    }
}

/// `error!(at, "text", number, Part::Quoted(name), ...)`
macro_rules! error {
    ($at:expr, $($part:expr),+ $(,)?) => {
        $crate::error::Error::new($at, &[$($crate::error::Part::from($part)),+])
    };
}
pub(crate) use error;

/// Why a header is not there yet: it needs a longer prefix, or it is malformed.
pub(crate) enum Stop {
    More(u64),
    Error(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Error(error)
    }
}

/// The bytes `[start, start + length)` of a file of `total` bytes, of which `prefix` is there. `what` they are.
pub(crate) fn span<'a>(
    prefix: &'a [u8],
    total: u64,
    start: u64,
    length: u64,
    what: &str,
) -> Result<&'a [u8], Stop> {
    match start.checked_add(length) {
        Some(end) if end <= total => match prefix.get(start as usize..end as usize) {
            Some(bytes) => Ok(bytes),
            None => Err(Stop::More(end)),
        },
        _ => Err(Stop::Error(error!(
            At::Byte(start),
            what, " takes ", length, " bytes, but the file ends after ", total
        ))),
    }
}
