//! One variant for each way an argument can be wrong, with the numbers inside.
//!
//! The core finds what is wrong and where; the words a user reads are written once, in TypeScript, from these
//! numbers.

use std::fmt;

/// What is wrong with an argument. Whatever returns it has written nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The id at flat `position` is not in `[0, bound)`; every id before it is.
    IdOutOfRange {
        /// Flat position of the first bad id.
        position: usize,
        /// The first value that is too large.
        bound: u64,
    },
    /// The offset at `index` breaks a rule of [`Offsets`](crate::checked::Offsets); every offset before it
    /// keeps them.
    Offsets {
        /// The first bad offset.
        index: usize,
    },
    /// `bytes` bytes are no table of `rows` rows of `dim` values (or `dim` is 0).
    TableShape {
        /// Rows asked for.
        rows: usize,
        /// Values in a row.
        dim: usize,
        /// Bytes given.
        bytes: usize,
    },
    /// The table's first byte lies at an address that is no multiple of `align`.
    Misaligned {
        /// The alignment its values need, in bytes.
        align: usize,
    },
}

impl Error {
    /// The code that TypeScript puts on the error it throws.
    pub fn code(&self) -> &'static str {
        match self {
            Error::IdOutOfRange { .. } => "ERR_ID_OUT_OF_RANGE",
            Error::Offsets { .. } => "ERR_OFFSETS",
            Error::TableShape { .. } | Error::Misaligned { .. } => "ERR_SHAPE",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::IdOutOfRange { position, bound } => {
                write!(f, "the id at {position} is not in [0, {bound})")
            }
            Error::Offsets { index } => {
                write!(
                    f,
                    "the offset at {index} does not start at 0, falls, or leaves ids without a bag"
                )
            }
            Error::TableShape { rows, dim, bytes } => {
                write!(f, "{bytes} bytes are no table of {rows} rows of {dim} values")
            }
            Error::Misaligned { align } => write!(f, "a table must start at a multiple of {align} bytes"),
        }
    }
}

impl std::error::Error for Error {}
