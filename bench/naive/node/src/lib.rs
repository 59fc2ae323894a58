//! The naive native gather, the limiting loops, and the bench's functions for memory and pages.
//!
//! ```text
//! for each id:  check it;  append its row to the output
//! ```
//!
//! The gather has no table handle, no prefetch and no non-temporal stores. A comparison with it shows their effect.

mod limits;
mod machine;
mod streaming;

use napi::bindgen_prelude::{Float32Array, Float32ArraySlice, Int32ArraySlice};
use napi::{Error, Result, Status};
use napi_derive::napi;

/// `out[i] = table[ids[i]]`, rows of `out.len() / ids.len()` values.
///
/// # Errors
/// An id outside the table; an `out` that does not hold whole rows.
#[napi]
pub fn gather(table: Float32ArraySlice, ids: Int32ArraySlice, mut out: Float32Array) -> Result<()> {
    let (table, ids) = (table.as_ref(), ids.as_ref());
    // SAFETY: the caller's array, written in one synchronous call while no JavaScript runs; the bench never
    // passes an `out` that shares bytes with the table.
    let out = unsafe { out.as_mut() };
    let dim = out.len().checked_div(ids.len()).unwrap_or(0);
    if dim == 0 {
        return Ok(());
    }
    for (row, &id) in out.chunks_exact_mut(dim).zip(ids) {
        let start = usize::try_from(id).ok().and_then(|id| id.checked_mul(dim));
        let values = start.and_then(|start| table.get(start..start + dim));
        row.copy_from_slice(values.ok_or_else(|| Error::new(Status::InvalidArg, format!("no row {id}")))?);
    }
    Ok(())
}
