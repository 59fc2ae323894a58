//! What both bindings share: the objects of one host environment by handle, and the status numbers.
//!
//! A binding's function is one sentence: find the objects, borrow the arrays, call the kernel, give back a
//! status. This file holds the words of that sentence that do not depend on the host.
//!
//! A status is -1 when all is done; `s >= 0` is the first bad entry of the first index argument (token ids, or
//! positions where they are the only one); `s <= -2` stands for entry `-2 - s` of the second one (position
//! ids, or offsets). Nothing was written unless it is -1.

use crate::checked::{Ids, Indices};
use crate::dtype::DType;
use crate::error::Error;
use crate::ops::{Dropout, Layout, Mode, PositionRows, Positions, Sinusoid};
use crate::rng::Draws;
use crate::simd::Isa;
use crate::slots::Slots;
use crate::storage::StoredTable;
use crate::table::Table;
use std::fmt;
use std::ops::Range;
use std::rc::Rc;

/// The status of a call that did its work.
pub const DONE: f64 = -1.0;

/// The status for the first bad entry of the first index argument.
pub fn first(position: usize) -> f64 {
    position as f64
}

/// The status for a bad entry of the second index argument.
pub fn second(position: usize) -> f64 {
    -2.0 - position as f64
}

/// Something the caller had to rule out beforehand: a defect of ours, `ERR_INTERNAL` for the user.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// A number that names no object of this environment, or one of another kind.
    Handle(f64),
    /// All handles are taken.
    Slots,
    /// Two arrays of one call share bytes, and one of them is written.
    Overlap,
    /// An argument is not the kind of array that the function takes.
    Array(&'static str),
    /// An array is shorter than the call needs: what it is, how many values it has, how many are needed.
    Short(&'static str, usize, usize),
    /// A kernel refused its arguments.
    Kernel(Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Handle(handle) => write!(f, "unknown handle {handle}"),
            Failure::Slots => write!(f, "all handles are taken"),
            Failure::Overlap => write!(f, "an output shares bytes with an input"),
            Failure::Array(wanted) => write!(f, "expected {wanted}"),
            Failure::Short(what, len, needed) => write!(f, "{what} has {len} values, {needed} are needed"),
            Failure::Kernel(error) => write!(f, "{}: {error}", error.code()),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Kernel(error)
    }
}

/// What a handle may name.
pub enum Object {
    /// Rows of values.
    Table(StoredTable),
    /// The frequencies of a sinusoidal encoding.
    Sinusoid(Rc<Sinusoid>),
}

/// What one host environment owns, freed with it and unknown to any other, and how it wants to be served.
pub struct Host {
    objects: Slots<Object>,
    /// How many threads a call of this environment may use.
    pub threads: usize,
}

impl Default for Host {
    fn default() -> Self {
        Host::new()
    }
}

impl Host {
    /// An environment that owns nothing yet.
    pub const fn new() -> Self {
        Host {
            objects: Slots::new(),
            threads: 1,
        }
    }

    /// Takes an object and returns its handle.
    pub fn keep(&mut self, object: Object) -> Result<f64, Failure> {
        self.objects.insert(object).ok_or(Failure::Slots)
    }

    /// A table of zeros in Rust's own memory; `None` when there is not enough of it.
    pub fn allocate(&mut self, rows: f64, dim: f64) -> Result<Option<f64>, Failure> {
        match StoredTable::zeroed(DType::F32, rows as usize, dim as usize) {
            Some(table) if table.rows() as f64 == rows && table.dim() as f64 == dim => {
                self.keep(Object::Table(table)).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// A sinusoidal encoding `dim` columns wide.
    pub fn sinusoid(&mut self, dim: f64, base: f64, halves: bool) -> Result<f64, Failure> {
        let layout = if halves {
            Layout::Halves
        } else {
            Layout::Interleaved
        };
        self.keep(Object::Sinusoid(Rc::new(Sinusoid::new(
            dim as usize,
            base,
            layout,
        ))))
    }

    /// Frees what `handle` names and returns it; an unknown handle is harmless.
    pub fn free(&mut self, handle: f64) -> Option<Object> {
        self.objects.remove(handle)
    }

    /// The table that `handle` names.
    pub fn stored(&self, handle: f64) -> Result<&StoredTable, Failure> {
        match self.objects.get(handle) {
            Some(Object::Table(table)) => Ok(table),
            _ => Err(Failure::Handle(handle)),
        }
    }

    /// The rows of the table that `handle` names.
    pub fn table(&self, handle: f64) -> Result<Table<'_>, Failure> {
        Ok(self.stored(handle)?.table())
    }

    /// All values of the table that `handle` names, to be written.
    pub fn values_mut(&mut self, handle: f64) -> Result<&mut [f32], Failure> {
        match self.objects.get_mut(handle) {
            Some(Object::Table(table)) => Ok(table.values_mut()),
            _ => Err(Failure::Handle(handle)),
        }
    }

    /// The encoding that `handle` names.
    pub fn encoding(&self, handle: f64) -> Result<&Rc<Sinusoid>, Failure> {
        match self.objects.get(handle) {
            Some(Object::Sinusoid(sinusoid)) => Ok(sinusoid),
            _ => Err(Failure::Handle(handle)),
        }
    }

    /// Writes row `p` of the table with the encoding of position `p`, for all its rows.
    pub fn write_sinusoid(&mut self, isa: Isa, table: f64, sinusoid: f64) -> Result<(), Failure> {
        let encoding = Rc::clone(self.encoding(sinusoid)?);
        let values = self.values_mut(table)?;
        crate::ops::sinusoid_rows(isa, &encoding, 0, 0..encoding.dim(), values);
        Ok(())
    }
}

/// The flat range of the values of rows `row ..` that `len` values cover.
pub fn span(table: &StoredTable, row: f64, len: usize) -> Result<Range<usize>, Failure> {
    let start = row as usize * table.dim();
    let all = table.rows() * table.dim();
    if start + len > all {
        return Err(Failure::Short("table", all, start + len));
    }
    Ok(start..start + len)
}

/// A seed from its two halves.
pub fn seed(low: u32, high: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// The draws of a table: call 0 of a stream.
pub fn table_draws(low: u32, high: u32, stream: u32) -> Draws {
    Draws {
        seed: seed(low, high),
        stream,
        call: 0,
    }
}

/// `Some` unless nothing can be dropped.
pub fn dropout(p: f64, low: u32, high: u32, call: u32) -> Option<Dropout> {
    (p > 0.0).then(|| Dropout::new(p, seed(low, high), call))
}

/// Which positions the rows of a call take: numbers as they crossed the border.
#[derive(Debug, Clone, Copy)]
pub struct PositionArgs {
    /// The table of positions.
    pub table: f64,
    /// The first position, when there are no position ids.
    pub start: f64,
    /// Rows per sequence.
    pub seq: f64,
}

impl PositionArgs {
    /// The positions that a kernel takes; `ids` are checked position ids, if any were given, with the row of the
    /// result that takes the first of them.
    pub fn resolve<'a>(
        self,
        host: &'a Host,
        ids: Option<(Indices<'a>, usize)>,
    ) -> Result<Positions<'a>, Failure> {
        let rows = match ids {
            Some((ids, first)) => PositionRows::At { ids, first },
            None => PositionRows::From {
                start: self.start as usize,
                seq: self.seq as usize,
            },
        };
        Ok(Positions {
            table: host.table(self.table)?,
            rows,
        })
    }
}

/// Checks `ids` against `bound`: the indices, or the first position that is out of range.
pub fn check(ids: Ids<'_>, isa: Isa, bound: usize) -> Result<Indices<'_>, usize> {
    ids.check(isa, bound as u64).map_err(position_of)
}

/// Which entry of an index array an error names.
pub fn position_of(error: Error) -> usize {
    match error {
        Error::IdOutOfRange { position, .. } => position,
        Error::Offsets { index, .. } => index,
        other => panic!("not about an index array: {other}"),
    }
}

/// The mode of a bag by its number: 0 sum, 1 mean, 2 max.
pub fn mode(number: u32) -> Mode {
    [Mode::Sum, Mode::Mean, Mode::Max][number as usize]
}
