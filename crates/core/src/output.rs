//! Where a result goes, and what is known of that memory.

use crate::memory;

/// An output: its values, and the bytes that decide whether they are written with non-temporal stores.
///
/// The bytes are those of the whole result where the values are a part of it, and 0 for fresh pages. The system has
/// just zeroed a page when it is first written, so its lines are in the caches and non-temporal stores would have to
/// evict them: a fresh result of 48 MB takes 1.15 to 1.2 times as long with them.
#[derive(Debug)]
pub struct Output<'a> {
    /// The values, every one of which is written.
    pub values: &'a mut [f32],
    /// The bytes that decide.
    pub bytes: usize,
}

impl<'a> Output<'a> {
    /// A whole result. The system says whether its pages are fresh.
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
    /// Memory that is not fresh.
    #[inline(always)]
    fn from(values: &'a mut [f32]) -> Self {
        Output {
            bytes: size_of_val(values),
            values,
        }
    }
}
