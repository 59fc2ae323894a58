//! The result of a call: a status, or a failure.
//!
//! A status is -1 when the call is done; `s >= 0` is the first bad entry of the first index argument (token ids, or
//! positions if they are the only one); `s <= -2` is entry `-2 - s` of the second one (position ids, or offsets). If
//! the status is not -1, nothing was written. Calls that allocate have a status for exhausted memory, too.

use std::fmt;
use tokenbed_core::Error;

/// The status of a call that is done.
pub const DONE: f64 = -1.0;

/// The status of a call for which the memory does not suffice. Nothing was written.
pub const EXHAUSTED: f64 = f64::NAN;

/// The status for the first bad entry of the first index argument.
pub fn first(position: usize) -> f64 {
    position as f64
}

/// The status for a bad entry of the second index argument.
pub fn second(position: usize) -> f64 {
    -2.0 - position as f64
}

/// The entry of an index array that an error refers to.
pub fn position_of(error: Error) -> usize {
    match error {
        Error::IdOutOfRange { position, .. } => position,
        Error::Offsets { index, .. } => index,
        Error::TableShape { .. } => panic!("not about an index array"),
    }
}

/// A bug of the caller: `ERR_INTERNAL` for the user, except for a file that was cut short.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// A number that is not a handle of this environment, or is the handle of another kind of object.
    Handle(f64),
    /// All handles are in use.
    Handles,
    /// Two arrays of one call share bytes, and one of them is written.
    Overlap,
    /// An argument is another kind of array than the function takes, or a record lacks a field.
    Argument(&'static str),
    /// An array is shorter than the call needs: its name, its length, the required length.
    Short(&'static str, usize, usize),
    /// A write to a table that may only be read.
    ReadOnly,
    /// A kernel refused its arguments.
    Kernel(Error),
    /// The file of a mapped table is shorter than it was: `ERR_FORMAT`, the only failure that is no bug.
    #[cfg(unix)]
    Cut(Box<Cut>),
}

/// A mapped file that has become shorter.
#[cfg(unix)]
#[derive(Debug, Clone, PartialEq)]
pub struct Cut {
    /// The file, as the user has named it.
    pub path: String,
    /// What happened.
    pub rule: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // As an integer: printing an f64 takes 14 kB of WASM.
            Failure::Handle(handle) => write!(f, "unknown handle {}", *handle as u64),
            Failure::Handles => f.write_str("all handles are in use"),
            Failure::Overlap => f.write_str("an output shares bytes with an input"),
            Failure::Argument(expected) => write!(f, "expected {expected}"),
            Failure::Short(what, len, needed) => write!(f, "{what} has {len} values, {needed} are needed"),
            Failure::ReadOnly => f.write_str("the table may only be read"),
            Failure::Kernel(error) => write!(f, "{}: {error}", error.code()),
            #[cfg(unix)]
            Failure::Cut(cut) => write!(f, "{}: {}", cut.path, cut.rule),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Kernel(error)
    }
}
