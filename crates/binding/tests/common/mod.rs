//! Arrays in tiles, as on WebAssembly.

use std::ops::Range;
use tokenbed_binding::arrays::{BagInputs, Cut, FloatArray, IdArray, IntegersOut, OutArray};
use tokenbed_binding::Environment;
use tokenbed_core::indices::Ids;
use tokenbed_core::ops::{bag_extend, bag_finish, normalize, BagState, Pool};
use tokenbed_core::{Output, Window};

fn address<T>(values: &[T]) -> Range<usize> {
    let range = values.as_ptr_range();
    range.start.addr()..range.end.addr()
}

/// Floats of which at most `1` are seen at a time.
#[derive(Clone)]
pub struct TiledFloats<'a>(pub &'a [f32], pub usize);

impl FloatArray for TiledFloats<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn most(&self) -> usize {
        self.1
    }

    fn tile(&mut self, range: Range<usize>) -> &[f32] {
        assert!(range.len() <= self.1, "{range:?}");
        &self.0[range]
    }

    fn copy_to(&mut self, _: usize, to: &mut [f32]) {
        to.copy_from_slice(self.0);
    }

    fn address(&self) -> Range<usize> {
        address(self.0)
    }
}

/// Ids of which at most `1` are seen at a time.
#[derive(Clone)]
#[allow(dead_code, reason = "each test uses its own part")]
pub struct TiledIds<'a>(pub Ids<'a>, pub usize);

// SAFETY: a slice does not change while it is borrowed.
#[allow(unsafe_code, reason = "promises that ids do not change")]
unsafe impl IdArray for TiledIds<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn most(&self) -> usize {
        self.1
    }

    fn first(self, len: usize) -> Self {
        TiledIds(self.0.slice(0..len), self.1)
    }

    fn tile(&mut self, range: Range<usize>) -> Ids<'_> {
        assert!(range.len() <= self.1, "{range:?}");
        self.0.slice(range)
    }

    fn address(&self) -> Range<usize> {
        self.0.address()
    }
}

/// Ids that are written at most `1` at a time.
#[allow(dead_code, reason = "each test uses its own part")]
pub struct TiledIdsOut<'a>(pub &'a mut [u32], pub usize);

impl IntegersOut<u32> for TiledIdsOut<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn address(&self) -> Range<usize> {
        address(self.0)
    }

    fn most(&self) -> usize {
        self.1
    }

    fn edit(&mut self, range: Range<usize>, edit: impl FnOnce(&mut [u32])) {
        assert!(range.len() <= self.1, "{range:?}");
        edit(&mut self.0[range])
    }
}

/// An output that is written at most `1` values at a time. Whether an operation may continue from its values is `2`.
pub struct TiledOut<'a>(&'a mut [f32], usize, bool);

impl<'a> TiledOut<'a> {
    /// An output whose values an operation may continue from.
    #[allow(dead_code, reason = "each test uses its own part")]
    pub fn new(values: &'a mut [f32], most: usize) -> Self {
        TiledOut(values, most, true)
    }

    /// An output whose values are only overwritten.
    #[allow(dead_code, reason = "each test uses its own part")]
    pub fn overwritten(values: &'a mut [f32], most: usize) -> Self {
        TiledOut(values, most, false)
    }
}

impl OutArray for TiledOut<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn address(&self) -> Range<usize> {
        address(self.0)
    }

    fn most(&self) -> usize {
        self.1
    }

    fn edit(&mut self, range: Range<usize>, overwrite: bool, edit: impl FnOnce(&mut [f32])) {
        assert!(range.len() <= self.1 && (overwrite || self.2), "{range:?}");
        let values = &mut self.0[range];
        if overwrite {
            values.fill(f32::NAN);
        }
        edit(values)
    }

    fn compute<I: Clone + Send + Sync>(
        &mut self,
        _: &Environment,
        cut: Cut,
        mut inputs: I,
        work: impl Fn(&mut I, Window, Output<'_>) + Sync,
    ) {
        for window in cut.windows(self.1) {
            assert!(window.len() <= self.1);
            work(
                &mut inputs,
                window,
                self.0[window.elements(cut.dim)].as_mut().into(),
            );
        }
    }

    fn reduce<I: IdArray, B: IdArray, F: FloatArray>(
        &mut self,
        env: &Environment,
        pool: &Pool<'_>,
        inputs: BagInputs<I, B, F>,
    ) {
        let BagInputs {
            mut ids,
            mut cuts,
            mut weights,
        } = inputs;
        let dim = pool.bag.table.dim();
        for (b, row) in self.0.chunks_exact_mut(dim).take(cuts.bags()).enumerate() {
            for (part, acc) in row.chunks_mut(pool.most_cols().min(dim)).enumerate() {
                let (first, mut state) = (part * pool.most_cols(), BagState::default());
                for i in cuts.range(b, ids.len()) {
                    let cols = first..first + acc.len();
                    let weights = weights.as_mut().map(|weights| weights.tile(i..i + 1));
                    bag_extend(
                        env.exec(),
                        pool,
                        ids.tile(i..i + 1),
                        weights,
                        cols,
                        &mut state,
                        acc,
                    );
                }
                bag_finish(env.isa(), pool, &state, acc);
            }
            if let Some(norm) = pool.norm {
                normalize(env.isa(), norm, row);
            }
        }
    }
}
