//! The errors of invalid arguments, one variant each, with the numbers of the message.
//!
//! The core detects an error and its position. TypeScript builds the message from these numbers.

use std::fmt;

/// An invalid argument. A function that returns it has written nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The id at flat `position` is not in `[0, bound)`; every id before it is.
    IdOutOfRange {
        /// Flat position of the first bad id.
        position: usize,
        /// The exclusive upper bound of valid ids.
        bound: u64,
    },
    /// The offset at `index` breaks a rule of [`Offsets`](crate::indices::Offsets); every offset before it is valid.
    Offsets {
        /// The first bad offset.
        index: usize,
    },
    /// The shape is invalid: `dim` is 0, the table exceeds the address space, or its size differs from that of its
    /// memory.
    TableShape {
        /// Rows requested.
        rows: usize,
        /// Values in a row.
        dim: usize,
    },
}

impl Error {
    /// The code that TypeScript puts on the error it throws.
    pub fn code(&self) -> &'static str {
        match self {
            Error::IdOutOfRange { .. } => "ERR_ID_OUT_OF_RANGE",
            Error::Offsets { .. } => "ERR_OFFSETS",
            Error::TableShape { .. } => "ERR_SHAPE",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::IdOutOfRange { position, bound } => {
                write!(f, "the id at {position} is not in [0, {bound})")
            }
            Error::Offsets { index } => write!(
                f,
                "the offset at {index} does not start at 0, decreases, or leaves ids without a bag"
            ),
            Error::TableShape { rows, dim } => {
                write!(f, "the memory is not {rows} rows of {dim} values")
            }
        }
    }
}

impl std::error::Error for Error {}
