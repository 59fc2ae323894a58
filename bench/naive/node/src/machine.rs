//! The bench's functions for memory: copies at full speed, and the pages under an array.

use super::streaming;
use napi::bindgen_prelude::{Float32Array, Float32ArraySlice};
use napi::{Error, Result};
use napi_derive::napi;

/// `to = from` by memcpy, up to the shorter length.
#[napi]
pub fn copy(from: Float32ArraySlice, mut to: Float32Array) {
    let from = from.as_ref();
    // SAFETY: as in `gather`.
    let to = unsafe { to.as_mut() };
    let len = from.len().min(to.len());
    to[..len].copy_from_slice(&from[..len]);
}

/// `to = from` with the widest non-temporal stores of this machine.
#[napi]
pub fn copy_streaming(from: Float32ArraySlice, mut to: Float32Array) {
    let from = from.as_ref();
    // SAFETY: as in `gather`.
    let to = unsafe { to.as_mut() };
    let len = from.len().min(to.len());
    streaming::copy(&from[..len], &mut to[..len]);
}

/// The address of the first value, so that the bench can align its allocations.
#[napi]
pub fn address(memory: Float32ArraySlice) -> f64 {
    memory.as_ref().as_ptr() as usize as f64
}

/// Requests 2 MiB pages for the part of `memory` that consists of whole ones. Call it before the first touch.
/// Returns the number of bytes requested: 0 if the system has no such pages.
///
/// # Errors
/// The error of the system if it refuses.
#[napi]
pub fn advise(memory: Float32ArraySlice) -> Result<f64> {
    #[cfg(target_os = "linux")]
    {
        const HUGE: usize = 2 << 20;
        let range = memory.as_ref().as_ptr_range();
        let (start, end) = (
            (range.start as usize).next_multiple_of(HUGE),
            range.end as usize / HUGE * HUGE,
        );
        if start >= end {
            return Ok(0.0);
        }
        // SAFETY: the pages lie wholly inside the array, and the advice changes none of their bytes.
        let refused = unsafe { libc::madvise(start as *mut _, end - start, libc::MADV_HUGEPAGE) };
        match refused {
            0 => Ok((end - start) as f64),
            _ => Err(last_error("madvise(MADV_HUGEPAGE)")),
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = memory;
        Ok(0.0)
    }
}

/// Disables 2 MiB pages for this process and its later children, or enables them again. Requests have no effect
/// while they are disabled.
///
/// # Errors
/// The error of the system if it refuses.
#[napi]
pub fn no_huge_pages(on: bool) -> Result<()> {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: the call takes numbers alone.
        let refused = unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, libc::c_ulong::from(on), 0, 0, 0) };
        if refused != 0 {
            return Err(last_error("prctl(PR_SET_THP_DISABLE)"));
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = on;
    Ok(())
}

/// The number of bytes of this process on 2 MiB pages; 0 if the system does not report it.
#[napi]
pub fn huge_bytes() -> f64 {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("AnonHugePages:"));
    let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    kib.unwrap_or(0.0) * 1024.0
}

#[cfg(target_os = "linux")]
fn last_error(what: &str) -> Error {
    Error::from_reason(format!("{what}: {}", std::io::Error::last_os_error()))
}
