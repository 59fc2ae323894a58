//! Rows of a tensor as they arrive from a file, stored in a table.
//!
//! ```text
//! the dtype of the table, rows of equal length    bytes are copied to their place
//! the dtype of the table, longer rows             the first columns and the header of each row are copied
//! another encoding                                whole rows are converted; a part of a row is kept until the rest arrives
//! column-major                                    whole values are converted, or copied, to their place
//! ```
//! Nothing is allocated after the reader was created, and the only copy of the bytes is the part of one row.

use crate::arrays::{ByteArray, IdArray, IntegersOut, Proven};
use crate::environment::Environment;
use crate::run::{expect_length, fill_values, prove, Run};
use crate::status::{first, Failure, DONE};
use tokenbed_core::encoded::{store_columns, store_encoded};
use tokenbed_core::ops::Misfit;
use tokenbed_core::{Encoded, Encoding, Window};

/// The arguments of [`Environment::rows_create`].
pub struct RowsRecord {
    /// The table that is filled.
    pub table: f64,
    /// The name of the encoding of the tensor.
    pub encoding: String,
    /// The number of columns of the tensor.
    pub dim: f64,
    /// Whether the tensor is stored column by column.
    pub fortran: bool,
}

/// A reader of the bytes of a tensor, in the order of the file.
pub(crate) struct Rows {
    pub table: f64,
    encoding: Encoding,
    /// The bytes that the values of a step have: a row, or one value of a column-major tensor.
    step: usize,
    way: Way,
    /// The bytes of the tensor.
    len: u64,
    /// How many of them have arrived.
    at: u64,
    /// The beginning of a step whose rest has not arrived.
    part: Vec<u8>,
}

/// How bytes get into the table.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Copy,
    Cut,
    Convert,
    Transpose,
}

impl Environment {
    /// Creates a reader that fills a table with the rows of a tensor; `None` if memory is exhausted.
    pub fn rows_create(&mut self, record: &RowsRecord) -> Result<Option<f64>, Failure> {
        let (spec, _) = self.table_bytes(record.table)?;
        let encoding =
            Encoding::named(&record.encoding).ok_or(Failure::Argument("the name of an encoding"))?;
        let dim = record.dim as usize;
        let Some(row) = encoding.row_bytes(dim).filter(|_| dim as f64 == record.dim) else {
            return Ok(None);
        };
        let same = encoding == Encoding::Stored(spec.dtype());
        let way = match (record.fortran, same) {
            (true, _) if encoding.transposes_to(spec.dtype()) => Way::Transpose,
            (false, true) if row == spec.row_bytes() && spec.is_dense() => Way::Copy,
            (false, true) => Way::Cut,
            (false, false) if !spec.is_blocks() => Way::Convert,
            _ => return Err(Failure::Argument("an encoding that the table can store")),
        };
        if dim < spec.dim() {
            return Err(Failure::Argument("at most the columns of the tensor"));
        }
        let step = if record.fortran { row / dim } else { row };
        let mut part = Vec::new();
        let kept = if matches!(way, Way::Copy | Way::Cut) {
            0
        } else {
            step
        };
        let Some(len) = (row as u64).checked_mul(spec.rows() as u64) else {
            return Ok(None);
        };
        if part.try_reserve_exact(kept).is_err() {
            return Ok(None);
        }
        self.keep_rows(Rows {
            table: record.table,
            encoding,
            step,
            way,
            len,
            at: 0,
            part,
        })
        .map(Some)
    }
}

/// Stores the next bytes of the tensor. The status is the first value that does not fit the dtype of the table; its
/// place is one of the table.
pub fn rows_push(env: &mut Environment, rows: f64, mut bytes: impl ByteArray) -> Run {
    let (len, most) = (bytes.len(), bytes.most());
    let reader = env.rows_mut(rows)?;
    let left = usize::try_from(reader.len - reader.at).unwrap_or(usize::MAX);
    expect_length("bytes of the tensor", left, Some(len))?;
    if reader.way == Way::Copy {
        let (at, table) = (reader.at as usize, reader.table);
        reader.at += len as u64;
        let (_, all) = env.table_bytes(table)?;
        bytes.copy_to(&mut all[at..at + len]);
        return Ok(DONE);
    }
    for start in (0..len).step_by(most) {
        let mut piece = bytes.tile(start..len.min(start.saturating_add(most)));
        while !piece.is_empty() {
            let used = match env.rows_mut(rows)?.way {
                Way::Cut => cut(env, rows, piece)?,
                _ => prove!(first, whole(env, rows, piece)?),
            };
            piece = &piece[used..];
        }
    }
    Ok(DONE)
}

/// Copies the next bytes of a row, or skips those of other columns. Returns their number.
fn cut(env: &mut Environment, rows: f64, bytes: &[u8]) -> Result<usize, Failure> {
    let (reader, table) = env.rows_and_table(rows)?;
    let (spec, to) = table.owned()?;
    let (from, header) = (reader.step, spec.dtype().header_bytes());
    let values = spec.packed_row_bytes() - header;
    let (r, at) = (
        (reader.at / from as u64) as usize,
        (reader.at % from as u64) as usize,
    );
    let to = &mut to[r * spec.row_bytes()..][..spec.row_bytes()];
    // The parts of a row of the tensor: values, other columns, header.
    let (end, place) = match at {
        _ if at < values => (values, Some(at)),
        _ if at < from - header => (from - header, None),
        _ => (from, Some(at + to.len() - from)),
    };
    let len = bytes.len().min(end - at);
    if let Some(place) = place {
        to[place..][..len].copy_from_slice(&bytes[..len]);
    }
    if at + len == values {
        to[values - 1] &= spec.dtype().last_byte(spec.dim());
    }
    reader.at += len as u64;
    Ok(len)
}

/// Stores the whole rows, or whole values, of `bytes`, or adds bytes to the part of one. Returns the number of bytes
/// that were used, or the flat index of a value that does not fit.
fn whole(env: &mut Environment, rows: f64, bytes: &[u8]) -> Result<Result<usize, usize>, Failure> {
    let (isa, threads) = (env.isa(), env.threads());
    let (reader, table) = env.rows_and_table(rows)?;
    let step = reader.step;
    let len = match bytes.len() / step {
        whole if whole > 0 && reader.part.is_empty() => whole * step,
        _ => bytes.len().min(step - reader.part.len()),
    };
    let bytes = &bytes[..len];
    let ready = match len >= step {
        true => bytes,
        false => {
            reader.part.extend_from_slice(bytes);
            &reader.part[..reader.part.len() / step * step]
        }
    };
    let before = reader.at + len as u64 - ready.len() as u64;
    let mut table = table.write()?;
    let dim = table.spec().dim();
    let index = before / step as u64;
    let encoding = reader.encoding;
    let stored = match reader.way {
        _ if ready.is_empty() => Ok(()),
        Way::Transpose => store_columns(&mut table, encoding, index, ready),
        _ => {
            let (index, rows) = (index as usize, Encoded::new(encoding, dim, step, ready));
            let values = table.values_mut(index);
            let stored = match values {
                Some(values) => {
                    let (all, values) = (Window::all(rows.rows(), dim), &mut values[..rows.rows() * dim]);
                    fill_values(threads, all, values, &|first, _, out| {
                        let first = first as usize;
                        rows.read(isa, first..first + out.len(), out)
                    });
                    rows.beyond_f32().map_or(Ok(()), Err)
                }
                None => store_encoded(isa, &mut table, index, &rows),
            };
            stored.map_err(|misfit| Misfit {
                row: index + misfit.row,
                ..misfit
            })
        }
    };
    if !ready.is_empty() {
        reader.part.clear();
    }
    reader.at += len as u64;
    match env.stored(dim, stored) {
        DONE => Ok(Ok(len)),
        misfit => Ok(Err(misfit as usize)),
    }
}

/// Requests rows of a mapped file by id, before a call reads them. Other tables only check the ids.
pub fn table_prefetch(env: &Environment, table: f64, ids: impl IdArray) -> Run {
    let rows = env.table(table)?.rows() as u64;
    let mut ids = prove!(first, Proven::check(ids, env.isa(), rows));
    env.ahead(table)?.prefetch(&mut ids);
    Ok(DONE)
}

/// Copies rows of a table as they are stored, without padding, from row `row` on, into the whole of `out`.
pub fn table_rows(
    env: &Environment,
    handle: f64,
    row: f64,
    mut out: impl IntegersOut<u8>,
) -> Result<(), Failure> {
    let (table, row) = (env.table(handle)?, row as usize);
    let (spec, len) = (table.spec(), out.len());
    let packed = spec.packed_row_bytes();
    let rows = len / packed;
    expect_length("table", table.rows(), row.checked_add(rows))?;
    if rows * packed != len {
        return Err(Failure::Argument("whole rows"));
    }
    for piece in env.ahead(handle)?.pieces(row..row + rows) {
        let end = (piece.end - row) * packed;
        for start in ((piece.start - row) * packed..end).step_by(out.most()) {
            let range = start..end.min(start.saturating_add(out.most()));
            out.edit(range, |out| table.copy_packed(row * packed + start, out))
        }
    }
    Ok(())
}
