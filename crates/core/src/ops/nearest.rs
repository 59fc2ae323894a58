//! Nearest rows: the rows of a table with the greatest scores for a query; and the similarity of rows.
//!
//! ```text
//! for a block of rows that stays in the caches:
//!     a dtype without kernels: decode the block into a tile of f32
//!     for a few queries at a time:
//!         scores = dot(query, row) of every pair      each value of a row is loaded once for all of them
//!         cosine: scores = cosine of every pair       with dot(row, row) from the same walk
//!         offer the scores to the heap of the query, whose top is its worst row
//! finally sort each heap
//! ```
//! 100,000 rows of 256 values, one query, Zen 4, one thread: f32 3.5 ms, which is the speed of memory; f16 2.4, i8 2.0
//! (4.8 through tiles), i4 2.7. One row at a time: four rows of 1 KiB at once took twice as long, as their lines come
//! in an order that the processor does not prefetch.
//!
//! The heaps are the result: `k` rows per query, in the memory of the caller. Nothing else depends on the number of
//! rows or queries, and the order of the rows changes no result: a heap holds the best rows of those it was offered.

use crate::ops::tile::{for_each_tile, height, plain_table, WIDEST};
use crate::row::{is_decoded, with_direct_rows, Plain, Row, Stored};
use crate::simd::dot::{dots, sum, Lanes, ZERO};
use crate::simd::{dispatch, is_fused, Isa, Simd};
use crate::table::{Rows, Table};
use std::ops::Range;

/// The most rows in a block.
pub const BLOCK: usize = 64;

/// The most queries that are multiplied at once, while a row is read once.
pub const QUERIES: usize = 4;

/// The values at which a block ends, unless it has a single row: 64 KiB.
pub(crate) const BLOCK_VALUES: usize = 16_384;

/// f32(sqrt(dot(x, x))), from the dot product.
pub fn norm(square: f32) -> f32 {
    square.sqrt()
}

/// The score of a pair of rows, from their dot product and, for the cosine, their norms.
///
/// ```text
/// dot                   without norms
/// f32(dot / f32(a b))   with norms a and b;  +0 where either is 0
/// ```
#[inline(always)]
pub fn score(dot: f32, norms: Option<(f32, f32)>) -> f32 {
    match norms {
        None => dot,
        Some((a, b)) if a == 0.0 || b == 0.0 => 0.0,
        Some((a, b)) => dot / (a * b),
    }
}

/// Adds more columns to the lanes of a dot product, for rows that are longer than a tile. Every part but the last has a
/// multiple of 16 columns.
///
/// # Panics
/// If the lengths differ.
#[inline(never)]
pub fn extend_dot(isa: Isa, x: &[f32], y: &[f32], lanes: &mut Lanes) {
    assert!(x.len() == y.len(), "the parts of two rows");
    let len = x.len();
    dispatch!(isa, simd => multiply(simd, Plain::of(x), Plain::of(y), len, lanes));
}

/// out[i] = norm of row i of `rows`, `[out.len(), dim]`.
///
/// # Panics
/// If the lengths do not match.
#[inline(never)]
pub fn norms(isa: Isa, rows: &[f32], dim: usize, out: &mut [f32]) {
    assert!(rows.len() == out.len() * dim, "a norm per row");
    for (row, out) in rows.chunks_exact(dim).zip(out) {
        let mut lanes = ZERO;
        extend_dot(isa, row, row, &mut lanes);
        *out = norm_of(isa, &lanes);
    }
}

/// The norm of a row, from the lanes of its product with itself.
#[inline(never)]
pub(crate) fn norm_of(isa: Isa, lanes: &Lanes) -> f32 {
    norm(dispatch!(isa, simd => sum(simd, lanes)))
}

/// The `k` best rows of each query among those that were offered to it.
///
/// Best first: the greater score; of equal scores (+0 equals -0) the lower row; NaN last, the lower row first. Until
/// [`Best::sort`], the rows of a query are a heap with the worst one on top.
#[derive(Debug)]
pub struct Best<'a> {
    k: usize,
    scores: &'a mut [f32],
    rows: &'a mut [u32],
    /// Only rows with a lower rank are taken.
    below: u64,
}

/// The place of a row in the order: greater is better. Every row is above 0.
#[inline(always)]
fn rank(score: f32, row: u32) -> u64 {
    let bits = (score + 0.0).to_bits(); // -0 becomes +0
    let ascending = match (score.is_nan(), bits >> 31) {
        (true, _) => 0,
        (_, 0) => bits | 1 << 31,
        _ => !bits,
    };
    u64::from(ascending) << 32 | u64::from(!row)
}

impl<'a> Best<'a> {
    /// No rows yet, for `[queries, k]` scores and rows.
    ///
    /// # Panics
    /// If `k` is 0, or the lengths do not match.
    pub fn new(k: usize, scores: &'a mut [f32], rows: &'a mut [u32]) -> Self {
        assert!(scores.len() == rows.len(), "a row per score");
        assert!(k > 0 && scores.len().is_multiple_of(k), "not k rows per query");
        // The rank of the worst row that can exist, so that every other row replaces it.
        scores.fill(f32::NAN);
        rows.fill(u32::MAX);
        Best {
            k,
            scores,
            rows,
            below: u64::MAX,
        }
    }

    /// The same for the rows that follow a row in the order: `k` of them, for one query.
    pub fn after(last: (f32, u32), scores: &'a mut [f32], rows: &'a mut [u32]) -> Self {
        let below = rank(last.0, last.1);
        Best {
            below,
            ..Best::new(scores.len(), scores, rows)
        }
    }

    /// The same rows, borrowed for a shorter time.
    pub fn reborrow(&mut self) -> Best<'_> {
        Best {
            k: self.k,
            scores: self.scores,
            rows: self.rows,
            below: self.below,
        }
    }

    /// No rows yet, for the same queries, in other memory.
    ///
    /// # Panics
    /// If the lengths do not match.
    pub fn another<'b>(&self, scores: &'b mut [f32], rows: &'b mut [u32]) -> Best<'b> {
        assert!(scores.len() == self.scores.len(), "as many rows");
        Best {
            below: self.below,
            ..Best::new(self.k, scores, rows)
        }
    }

    /// The number of queries.
    pub fn queries(&self) -> usize {
        self.scores.len() / self.k
    }

    /// The number of rows of all queries.
    #[allow(clippy::len_without_is_empty, reason = "no operation needs it")]
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// Offers the rows from `first` on to query `query`, with their scores.
    #[inline]
    pub fn offer(&mut self, query: usize, first: u32, scores: &[f32]) {
        let (below, range) = (self.below, query * self.k..(query + 1) * self.k);
        let mut heap = Heap {
            scores: &mut self.scores[range.clone()],
            rows: &mut self.rows[range],
        };
        let mut worst = heap.scores[0];
        for (place, &score) in scores.iter().enumerate() {
            // False for most rows. NaN and equal scores go on.
            if score < worst {
                continue;
            }
            let row = first + place as u32;
            let rank = rank(score, row);
            if rank > heap.rank(0) && rank < below {
                heap.replace_worst(score, row);
                worst = heap.scores[0];
            }
        }
    }

    /// Offers all rows of `other`, of the same queries.
    pub fn merge(&mut self, other: &Best<'_>) {
        let all = other.scores.iter().zip(&*other.rows).enumerate();
        for (i, (&score, &row)) in all {
            self.offer(i / other.k, row, &[score]);
        }
    }

    /// Sorts the rows of each query, the best first.
    pub fn sort(&mut self) {
        let heaps = self.scores.chunks_exact_mut(self.k);
        for (scores, rows) in heaps.zip(self.rows.chunks_exact_mut(self.k)) {
            for end in (1..scores.len()).rev() {
                scores.swap(0, end);
                rows.swap(0, end);
                Heap {
                    scores: &mut scores[..end],
                    rows: &mut rows[..end],
                }
                .sink();
            }
        }
    }
}

/// The rows of one query. Each is at least as good as its parent: `(i - 1) / 2` is the parent of `i`.
struct Heap<'a> {
    scores: &'a mut [f32],
    rows: &'a mut [u32],
}

impl Heap<'_> {
    #[inline(always)]
    fn rank(&self, i: usize) -> u64 {
        rank(self.scores[i], self.rows[i])
    }

    #[inline(never)]
    fn replace_worst(&mut self, score: f32, row: u32) {
        (self.scores[0], self.rows[0]) = (score, row);
        self.sink();
    }

    /// Moves the row on top down to its place.
    fn sink(&mut self) {
        let (len, rank) = (self.scores.len(), self.rank(0));
        let mut at = 0;
        while 2 * at + 1 < len {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            let worse = match right < len && self.rank(right) < self.rank(left) {
                true => right,
                false => left,
            };
            if self.rank(worse) >= rank {
                break;
            }
            self.scores.swap(at, worse);
            self.rows.swap(at, worse);
            at = worse;
        }
    }
}

/// Whether [`nearest`] takes tables of this dtype and width. Other rows are multiplied in parts: [`extend_dot`].
pub fn is_narrow(isa: Isa, table: Table<'_>) -> bool {
    !is_decoded(isa, table.spec().dtype()) || table.dim() <= WIDEST
}

/// Offers rows `rows` of a table to queries.
///
/// ```text
/// table [V, D], queries [q, D], norms [q] -> best [q, k]
/// score = dot(query, row), or the cosine if there are norms of the queries
/// ```
/// `row` has the f32 values that a lookup gives.
///
/// # Panics
/// If lengths do not match each other or the table, or the table is not narrow.
#[inline(never)]
pub fn nearest(
    isa: Isa,
    table: Table<'_>,
    rows: Range<usize>,
    queries: &[f32],
    norms: Option<&[f32]>,
    best: &mut Best<'_>,
) {
    let dim = table.dim();
    assert!(rows.end <= table.rows(), "rows outside the table");
    // Through a tile, 1 to 4 queries take 1.4 to 4 times as long, 32 queries 0.9 to 1.3 times.
    if !is_decoded(isa, table.spec().dtype()) {
        return search(isa, table, rows, 0, queries, norms, best);
    }
    let row = |i| rows.start + i;
    for_each_tile(isa, table, 0..dim, rows.len(), &row, &mut |tile, first| {
        search(
            isa,
            tile,
            0..tile.rows(),
            rows.start + first,
            queries,
            norms,
            best,
        )
    });
}

/// Offers rows `range` of a part of a table that begins at row `id`.
fn search(
    isa: Isa,
    part: Table<'_>,
    range: Range<usize>,
    id: usize,
    queries: &[f32],
    norms: Option<&[f32]>,
    best: &mut Best<'_>,
) {
    assert!(
        queries.len() == best.queries() * part.dim(),
        "queries of another width than the rows"
    );
    for_each_scores(isa, part, range, queries, norms, &mut |query, first, scores| {
        best.offer(query, (id + first) as u32, scores)
    });
}

/// The most rows of `a` in a call of [`similarity`].
pub const SIMILAR_ROWS: usize = 256;

/// The cosine of every row of `a` with every row of `b`.
///
/// ```text
/// a [n, D], b [m, D] -> out[i * stride + j] = cosine(a[i], b[j])
/// ```
///
/// # Panics
/// If `n` exceeds [`SIMILAR_ROWS`], or the lengths do not match.
#[inline(never)]
pub fn similarity(isa: Isa, a: &[f32], b: &[f32], dim: usize, out: &mut [f32], stride: usize) {
    let b = plain_table(b, dim);
    let mut a_norms = [0.0; SIMILAR_ROWS];
    let a_norms = &mut a_norms[..plain_table(a, dim).rows()];
    norms(isa, a, dim, a_norms);
    for_each_scores(isa, b, 0..b.rows(), a, Some(a_norms), &mut |i, first, scores| {
        out[i * stride + first..][..scores.len()].copy_from_slice(scores)
    });
}

/// Calls `each(query, first row, scores)` for every query and every block of rows.
#[inline(never)]
fn for_each_scores(
    isa: Isa,
    table: Table<'_>,
    range: Range<usize>,
    queries: &[f32],
    norms: Option<&[f32]>,
    each: &mut dyn FnMut(usize, usize, &[f32]),
) {
    let queries = Rows::<Plain<'_>>::of(plain_table(queries, table.dim()));
    let height = height(table.dim(), BLOCK_VALUES, BLOCK);
    let mut block = Block {
        table,
        range: 0..0,
        dots: [[0.0; BLOCK]; QUERIES],
        norms: [0.0; BLOCK],
    };
    for first in range.clone().step_by(height) {
        block.range = first..range.end.min(first + height);
        let (len, mut query) = (block.range.len(), 0);
        while query < queries.len() {
            let wanted = if query == 0 { norms } else { None };
            let count = block.multiply(isa, queries, query, wanted.is_some());
            for (dots, query) in block.dots[..count].iter_mut().zip(query..) {
                let dots = &mut dots[..len];
                if let Some(norms) = norms {
                    for (dot, &row_norm) in dots.iter_mut().zip(&block.norms) {
                        *dot = score(*dot, Some((norms[query], row_norm)));
                    }
                }
                each(query, first, dots);
            }
            query += count;
        }
    }
}

/// The dot products of a block of rows, with each query and with themselves.
struct Block<'a> {
    table: Table<'a>,
    range: Range<usize>,
    dots: [[f32; BLOCK]; QUERIES],
    norms: [f32; BLOCK],
}

impl Block<'_> {
    /// Multiplies the rows by a few queries, and by themselves if `norms`. Returns the number of queries.
    fn multiply(&mut self, isa: Isa, queries: Rows<'_, Plain<'_>>, query: usize, norms: bool) -> usize {
        let table = self.table;
        let fused = dispatch!(isa, simd => is_fused(simd));
        match (!fused || queries.len() - query < QUERIES, !fused || norms) {
            (true, false) => dispatch!(isa, simd => with_direct_rows!(simd, table, rows => {
                self.products::<_, _, 1, 1>(simd, rows, queries, query)
            })),
            (true, true) => dispatch!(isa, simd => with_direct_rows!(simd, table, rows => {
                self.products::<_, _, 1, 2>(simd, rows, queries, query)
            })),
            (false, false) => dispatch!(isa, simd => with_direct_rows!(simd, table, rows => {
                self.products::<_, _, 4, 4>(simd, rows, queries, query)
            })),
            (false, true) => dispatch!(isa, simd => with_direct_rows!(simd, table, rows => {
                self.products::<_, _, 4, 5>(simd, rows, queries, query)
            })),
        }
    }

    /// Multiplies the rows by `Q` queries, and by themselves if `P` is `Q + 1`.
    #[inline(always)]
    fn products<'t, S: Simd, R: Stored<'t>, const Q: usize, const P: usize>(
        &mut self,
        simd: S,
        rows: Rows<'t, R>,
        queries: Rows<'_, Plain<'_>>,
        query: usize,
    ) -> usize {
        if !S::FUSED && (Q, P) != (1, 2) {
            return 0; // never called
        }
        let dim = rows.dim();
        let mut together = [queries.row(query); Q];
        for (q, row) in together.iter_mut().enumerate() {
            *row = queries.row(query + q).cols(0..dim); // so that the compiler knows the length
        }
        for (place, row) in self.range.clone().enumerate() {
            let row = rows.row(row).cols(0..dim);
            let mut lanes = [ZERO; P];
            dots(
                simd,
                dim,
                &mut lanes,
                #[inline(always)]
                |p, col, n| {
                    let x = row.load(simd, col, n);
                    let y = if p < Q { together[p].load(simd, col, n) } else { x };
                    (x, y)
                },
            );
            for (dots, lanes) in self.dots[..Q].iter_mut().zip(&lanes) {
                dots[place] = sum(simd, lanes);
            }
            if P > Q {
                self.norms[place] = norm(sum(simd, &lanes[P - 1]));
            }
        }
        Q
    }
}

/// Adds the columns of a pair of rows to their lanes.
#[inline(always)]
fn multiply<S: Simd>(simd: S, x: Plain<'_>, y: Plain<'_>, len: usize, lanes: &mut Lanes) {
    let (x, y) = (x.cols(0..len), y.cols(0..len)); // so that the compiler knows the length
    let lanes = std::array::from_mut(lanes);
    dots(
        simd,
        len,
        lanes,
        #[inline(always)]
        |_, col, n| (x.load(simd, col, n), y.load(simd, col, n)),
    );
}
