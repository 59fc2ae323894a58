//! The memory of a result, and its size for the choice of stores.

use crate::memory;

/// An output: its values, and the size that decides on non-temporal stores.
///
/// The size is that of the whole result, even if the values are a part of it, and 0 for fresh pages. The system zeroes
/// a page at its first write, so its lines are in the caches and non-temporal stores would have to evict them: a fresh
/// result of 48 MB takes 1.15 to 1.2 times as long with them.
#[derive(Debug)]
pub struct Output<'a> {
    /// The values. All of them are written.
    pub values: &'a mut [f32],
    /// The size in bytes that decides on non-temporal stores.
    pub bytes: usize,
}

impl<'a> Output<'a> {
    /// A whole result. The system reports whether its pages are fresh.
    pub fn whole(values: &'a mut [f32]) -> Self {
        let bytes = if memory::fresh(values) {
            0
        } else {
            size_of_val(values)
        };
        Output { values, bytes }
    }
}

impl<'a> From<&'a mut [f32]> for Output<'a> {
    /// A result in memory that is not fresh.
    #[inline(always)]
    fn from(values: &'a mut [f32]) -> Self {
        Output {
            bytes: size_of_val(values),
            values,
        }
    }
}
