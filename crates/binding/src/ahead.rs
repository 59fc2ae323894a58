//! Rows of a mapped file, requested from the system before they are read.
//!
//! A mapping is advised that its pages are read in random order, so that a lookup of one row reads no others. A call that
//! reads all rows therefore requests what follows:
//!
//! ```text
//! for each piece of the rows that a thread reads:    request as many bytes, AHEAD bytes behind it;  read it
//! ```
//! Threads take parts in the order of the table, so all of them together request each byte once. Tables in memory have
//! one piece, and nothing is requested.

use crate::arrays::{IdArray, Proven};
use std::ops::Range;
#[cfg(unix)]
use tokenbed_core::memory::{Memory, Read};

/// The rows of a table that a call reads one after the other. The default is a table in memory.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ahead<'a> {
    /// A mapped file, and the bytes from one row to the next.
    #[cfg(unix)]
    file: Option<(&'a Memory<Read>, usize)>,
    #[cfg(not(unix))]
    file: std::marker::PhantomData<&'a ()>,
}

#[cfg(not(unix))]
impl Ahead<'_> {
    /// The rows, in one piece.
    pub fn pieces(self, rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        std::iter::once(rows)
    }

    /// Does nothing.
    pub fn prefetch(self, _: &mut Proven<impl IdArray>) {
        let _ = self.file;
    }
}

#[cfg(unix)]
impl<'a> Ahead<'a> {
    /// Rows of a file that begin `stride` bytes apart.
    pub fn mapped(memory: &'a Memory<Read>, stride: usize) -> Self {
        let file = Some((memory, stride));
        Ahead { file }
    }

    /// The pieces of `rows`. What follows a piece is requested when the piece is returned.
    pub fn pieces(self, rows: Range<usize>) -> impl Iterator<Item = Range<usize>> + use<'a> {
        /// How far ahead bytes are requested.
        const AHEAD: usize = 4 << 20;
        /// The bytes of a piece.
        const PIECE: usize = 512 << 10;
        let step = self.file.map_or(rows.len(), |(_, stride)| PIECE / stride).max(1);
        let end = rows.end;
        rows.step_by(step).map(move |start| {
            let piece = start..end.min(start + step);
            if let Some((memory, stride)) = self.file {
                // The first piece of a table also requests what is before the second request.
                let first = if start == 0 { 0 } else { start * stride + AHEAD };
                memory.will_need(first..piece.end * stride + AHEAD);
            }
            piece
        })
    }

    /// Requests the rows of `ids`: each run of pages once.
    pub fn prefetch(self, ids: &mut Proven<impl IdArray>) {
        /// Rows in the same page, or in the next one, are requested together.
        const PAGE: usize = 4096;
        let (Some((memory, stride)), len, mut rows) = (self.file, ids.len(), Vec::new()) else {
            return;
        };
        if rows.try_reserve_exact(len).is_err() {
            return; // a request that is not made changes no result
        }
        for start in (0..len).step_by(ids.most()) {
            let tile = ids.tile(start..len.min(start.saturating_add(ids.most())));
            rows.extend((0..tile.len()).map(|i| tile.get(i)));
        }
        rows.sort_unstable();
        let mut run: Range<usize> = 0..0;
        for row in rows {
            let bytes = row * stride..(row + 1) * stride;
            if bytes.start > run.end.next_multiple_of(PAGE) {
                memory.will_need(std::mem::replace(&mut run, bytes));
            } else {
                run.end = bytes.end;
            }
        }
        memory.will_need(run);
    }
}
