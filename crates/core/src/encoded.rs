//! Rows of a tensor, as a file stores them, into a table of another dtype.
//!
//! ```text
//! table[first + r] = the first dim values of row r, as f32, converted to the dtype of the table
//! ```
//! Values of f64 are rounded once to f32; those of the other encodings are exact. Rows of the table's own dtype need no
//! conversion: see [`row::cut`](crate::row::cut).

use crate::dtype::Encoding;
use crate::memory::TableSpec;
use crate::ops::{read, store, Misfit};
use crate::simd::{f16_to_f32, Isa};
use crate::table::{Table, TableMut};
use std::ops::Range;

/// Whole rows of a tensor. Each begins `stride` bytes after the one before it.
#[derive(Debug, Clone, Copy)]
pub struct Encoded<'a> {
    encoding: Encoding,
    dim: usize,
    stride: usize,
    bytes: &'a [u8],
}

impl<'a> Encoded<'a> {
    /// The first `dim` columns of the rows in `bytes`.
    ///
    /// # Panics
    /// If a row has fewer columns, or the bytes are not whole rows.
    pub fn new(encoding: Encoding, dim: usize, stride: usize, bytes: &'a [u8]) -> Self {
        let fits = encoding
            .row_bytes(whole_blocks(encoding, dim))
            .is_some_and(|row| row <= stride);
        assert!(
            fits && bytes.len().is_multiple_of(stride),
            "rows that are too narrow, or not whole"
        );
        Encoded {
            encoding,
            dim,
            stride,
            bytes,
        }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.bytes.len() / self.stride
    }

    /// Values `values` of `[rows, dim]`, as f32. An f64 beyond f32 becomes infinite.
    ///
    /// # Panics
    /// If they are not values of the rows, or `out` has another length.
    pub fn read(&self, isa: Isa, values: Range<usize>, out: &mut [f32]) {
        let Encoded { dim, stride, .. } = *self;
        match self.encoding {
            Encoding::Stored(dtype) => {
                let wide = whole_blocks(self.encoding, dim);
                let spec = TableSpec::with_stride(dtype, self.rows(), wide, stride);
                let table = spec.and_then(|spec| Table::new(spec, self.bytes));
                let table = table.unwrap_or_else(|_| unreachable!());
                if wide == dim {
                    return read(isa, table, values, out);
                }
                let (mut at, mut out) = (values.start, out);
                while !out.is_empty() {
                    let (row, col) = (at / dim, at % dim);
                    let (part, rest) = out.split_at_mut(out.len().min(dim - col));
                    let start = row * wide + col;
                    read(isa, table, start..start + part.len(), part);
                    at += part.len();
                    out = rest;
                }
            }
            Encoding::F64 => self.each(values, out, |x| f64::from_le_bytes(x) as f32),
            Encoding::F8E4M3 => self.each(values, out, f8_e4m3),
            // The upper byte of an f16.
            Encoding::F8E5M2 => self.each(values, out, |[x]| f16_to_f32(u16::from(x) << 8)),
            Encoding::Int8 => self.each(values, out, |[x]| f32::from(x as i8)),
        }
    }

    #[inline(always)]
    fn each<const N: usize>(&self, values: Range<usize>, out: &mut [f32], value: impl Fn([u8; N]) -> f32) {
        assert!(values.len() == out.len(), "values that do not fit the output");
        let (mut row, mut col, mut out) = (values.start / self.dim, values.start % self.dim, out);
        while !out.is_empty() {
            let (part, rest) = out.split_at_mut(out.len().min(self.dim - col));
            let bytes = &self.bytes[row * self.stride..][..self.stride].as_chunks().0[col..];
            for (x, bytes) in part.iter_mut().zip(bytes) {
                *x = value(*bytes);
            }
            (row, col, out) = (row + 1, 0, rest);
        }
    }

    /// The first finite value beyond f32.
    pub fn beyond_f32(&self) -> Option<Misfit> {
        let Encoding::F64 = self.encoding else {
            return None;
        };
        let rows = self.bytes.chunks_exact(self.stride).enumerate();
        rows.into_iter().find_map(|(row, bytes)| {
            let (col, value) = first_beyond_f32(&bytes[..self.dim * 8])?;
            Some(Misfit { row, col, value })
        })
    }
}

/// `dim` columns, rounded up to whole blocks.
fn whole_blocks(encoding: Encoding, dim: usize) -> usize {
    match encoding {
        Encoding::Stored(dtype) => dim.next_multiple_of(dtype.block().map_or(1, |block| block.values())),
        _ => dim,
    }
}

/// f8_e4m3: 4 bits of exponent with a bias of 7 and 3 bits of fraction, no infinity, and a NaN of each sign.
fn f8_e4m3([x]: [u8; 1]) -> f32 {
    if x & 0x7f == 0x7f {
        return f32::NAN;
    }
    // As an f16, whose exponent has a bias of 15.
    f16_to_f32(u16::from(x & 0x80) << 8 | u16::from(x & 0x7f) << 7) * 256.0
}

/// The first f64 that is finite and would be infinite as f32.
fn first_beyond_f32(bytes: &[u8]) -> Option<(usize, f64)> {
    let values = bytes.as_chunks().0.iter().map(|x| f64::from_le_bytes(*x));
    values
        .enumerate()
        .find(|(_, x)| x.is_finite() && (*x as f32).is_infinite())
}

/// Stores `rows` in the rows of a table from row `first` on.
///
/// Errors: the first value that does not fit; rows before it may have been written. [`Misfit::row`] counts from `first`.
///
/// # Panics
/// If the table has other columns, or not as many rows.
#[inline(never)]
pub fn store_encoded(
    isa: Isa,
    table: &mut TableMut<'_>,
    first: usize,
    rows: &Encoded<'_>,
) -> Result<(), Misfit> {
    let dim = rows.dim;
    assert!(table.spec().dim() == dim, "the columns of the table");
    let beyond = rows.beyond_f32();
    // The row with a value beyond f32 may have another misfit before it.
    let end = first + beyond.map_or(rows.rows(), |misfit| misfit.row + 1);
    let stored = store(table, first..end, false, &mut |r, col, out| {
        let start = r * dim + col;
        rows.read(isa, start..start + out.len(), out)
    });
    match (stored, beyond) {
        (Err(misfit), Some(beyond)) if misfit.row * dim + misfit.col < beyond.row * dim + beyond.col => {
            Err(misfit)
        }
        (_, Some(beyond)) => Err(beyond),
        (stored, None) => stored,
    }
}

/// Rows that are written while their cache lines stay in the L1 cache.
const BLOCK: usize = 256;

/// Stores whole values of a tensor in column-major order, of as many rows as the table. Value `first + i` of the tensor
/// is value `i` of `bytes`; columns that the table does not have are skipped.
///
/// Errors: the first value of `bytes` that does not fit.
///
/// # Panics
/// If values of the encoding are not stored as those of the table: see [`Encoding::transposes_to`].
#[inline(never)]
pub fn store_columns(
    table: &mut TableMut<'_>,
    encoding: Encoding,
    first: u64,
    bytes: &[u8],
) -> Result<(), Misfit> {
    let spec = table.spec();
    assert!(encoding.transposes_to(spec.dtype()), "values as they are stored");
    match (encoding, spec.packed_row_bytes() / spec.dim()) {
        (Encoding::F64, _) => transpose(table, first, bytes, |x| {
            (f64::from_le_bytes(x) as f32).to_le_bytes()
        }),
        (_, 4) => transpose::<4, 4>(table, first, bytes, |x| x),
        (_, _) => transpose::<2, 2>(table, first, bytes, |x| x),
    }
    let values = spec.values() as u64;
    if let Encoding::F64 = encoding {
        if let Some((i, value)) = first_beyond_f32(bytes).filter(|(i, _)| first + (*i as u64) < values) {
            let (at, rows) = (first + i as u64, spec.rows() as u64);
            let (row, col) = ((at % rows) as usize, (at / rows) as usize);
            return Err(Misfit { row, col, value });
        }
    }
    Ok(())
}

fn transpose<const N: usize, const M: usize>(
    table: &mut TableMut<'_>,
    first: u64,
    bytes: &[u8],
    value: impl Fn([u8; N]) -> [u8; M],
) {
    let spec = table.spec();
    let (rows, stride, values) = (spec.rows() as u64, spec.row_bytes(), spec.values() as u64);
    let from = bytes.as_chunks::<N>().0;
    let end = values.min(first + from.len() as u64);
    if first >= end {
        return;
    }
    let to = table.bytes_mut();
    for start in (0..rows).step_by(BLOCK) {
        for col in first / rows..end.div_ceil(rows) {
            let range = |row: u64| (col * rows + row).clamp(first, end);
            let part = range(start)..range(rows.min(start + BLOCK as u64));
            let bytes = &from[(part.start - first) as usize..(part.end - first) as usize];
            let row = part.start.saturating_sub(col * rows) as usize;
            for (k, x) in bytes.iter().enumerate() {
                to[(row + k) * stride + col as usize * M..][..M].copy_from_slice(&value(*x));
            }
        }
    }
}
