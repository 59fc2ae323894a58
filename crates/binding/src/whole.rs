//! Arrays as whole slices, and results that threads share: the native implementation of [`arrays`](crate::arrays).

#![expect(
    unsafe_code,
    reason = "outputs become slices after the check for overlap with the inputs"
)]

use crate::arrays::{
    BagInputs, ByteArray, Cut, Cuts, DoubleArray, FloatArray, IdArray, IntegersOut, OutArray,
};
use crate::environment::Environment;
use crate::split::{by_bags, by_costly_rows, by_rows};
use std::ops::Range;
use tokenbed_core::indices::{Ids, Offsets};
use tokenbed_core::ops::{self, Bags, Pool};
use tokenbed_core::{Output, Window};

/// The bytes of a slice.
fn address<T>(slice: &[T]) -> Range<usize> {
    let range = slice.as_ptr_range();
    range.start as usize..range.end as usize
}

// SAFETY: a slice does not change while it is borrowed.
unsafe impl IdArray for Ids<'_> {
    fn len(&self) -> usize {
        Ids::len(self)
    }

    fn most(&self) -> usize {
        usize::MAX
    }

    fn first(self, len: usize) -> Self {
        self.slice(0..len)
    }

    fn tile(&mut self, range: Range<usize>) -> Ids<'_> {
        self.slice(range)
    }

    fn address(&self) -> Range<usize> {
        match self {
            Ids::I8(ids) => address(ids),
            Ids::U8(ids) => address(ids),
            Ids::I16(ids) => address(ids),
            Ids::U16(ids) => address(ids),
            Ids::I32(ids) => address(ids),
            Ids::U32(ids) => address(ids),
        }
    }
}

impl FloatArray for &[f32] {
    fn len(&self) -> usize {
        <[f32]>::len(self)
    }

    fn most(&self) -> usize {
        usize::MAX
    }

    fn tile(&mut self, range: Range<usize>) -> &[f32] {
        &self[range]
    }

    fn copy_to(&mut self, threads: usize, to: &mut [f32]) {
        by_rows(threads, 1, to, |part, to| to.copy_from_slice(&self[part]));
    }

    fn address(&self) -> Range<usize> {
        address(self)
    }
}

impl DoubleArray for &[f64] {
    fn len(&self) -> usize {
        <[f64]>::len(self)
    }

    fn copy_to(&mut self, to: &mut [f64]) {
        to.copy_from_slice(self);
    }
}

impl ByteArray for &[u8] {
    fn len(&self) -> usize {
        <[u8]>::len(self)
    }

    fn most(&self) -> usize {
        usize::MAX
    }

    fn tile(&mut self, range: Range<usize>) -> &[u8] {
        &self[range]
    }

    fn copy_to(&mut self, to: &mut [u8]) {
        to.copy_from_slice(self);
    }
}

/// An output as a pointer: it may still share bytes with an input.
pub struct Whole<'a, T = f32> {
    start: *mut T,
    len: usize,
    borrowed: std::marker::PhantomData<&'a mut [T]>,
}

impl<T> Whole<'_, T> {
    /// # Safety
    /// `start` is aligned and valid for reads and writes of `len` values for the lifetime of the value. No other code
    /// writes there meanwhile, and after [`OutArray::expect`] has passed for every input no other code reads there.
    pub unsafe fn new(start: *mut T, len: usize) -> Self {
        Whole {
            start,
            len,
            borrowed: std::marker::PhantomData,
        }
    }

    fn address(&self) -> Range<usize> {
        let start = self.start as usize;
        start..start + self.len * size_of::<T>()
    }

    fn values(&mut self, len: usize) -> &mut [T] {
        assert!(len <= self.len, "values outside the output");
        if len == 0 {
            return &mut [];
        }
        // SAFETY: the caller of `new` promises it.
        unsafe { std::slice::from_raw_parts_mut(self.start, len) }
    }
}

impl<T> IntegersOut<T> for Whole<'_, T> {
    fn len(&self) -> usize {
        self.len
    }

    fn address(&self) -> Range<usize> {
        Whole::address(self)
    }

    fn most(&self) -> usize {
        usize::MAX
    }

    fn edit(&mut self, range: Range<usize>, edit: impl FnOnce(&mut [T])) {
        edit(&mut self.values(range.end)[range])
    }
}

impl OutArray for Whole<'_> {
    fn len(&self) -> usize {
        self.len
    }

    fn address(&self) -> Range<usize> {
        Whole::address(self)
    }

    fn most(&self) -> usize {
        usize::MAX
    }

    fn edit(&mut self, range: Range<usize>, _: bool, edit: impl FnOnce(&mut [f32])) {
        edit(&mut self.values(range.end)[range])
    }

    fn compute<I: Clone + Send + Sync>(
        &mut self,
        env: &Environment,
        cut: Cut,
        inputs: I,
        work: impl Fn(&mut I, Window, Output<'_>) + Sync,
    ) {
        let all = Window::all(cut.rows, cut.dim);
        let Output { values, bytes } = Output::whole(self.values(all.len()));
        by_costly_rows(
            env.threads(),
            cut.dim,
            cut.cost,
            cut.least_rows,
            values,
            |rows, values| work(&mut inputs.clone(), all.slice(rows), Output { values, bytes }),
        );
    }

    fn reduce<I: IdArray, B: IdArray, F: FloatArray>(
        &mut self,
        env: &Environment,
        pool: &Pool<'_>,
        inputs: BagInputs<I, B, F>,
    ) {
        let (exec, dim) = (env.exec(), pool.bag.table.dim());
        let BagInputs {
            mut ids,
            mut cuts,
            mut weights,
        } = inputs;
        let (count, number) = (ids.len(), cuts.bags());
        let ids = ids.tile(0..count);
        let weights = weights.as_mut().map(|weights| weights.tile(0..count));
        let bags = match &mut cuts {
            Cuts::Equal(bags) => Bags::Equal {
                bags: *bags,
                len: count.checked_div(*bags).unwrap_or(0),
            },
            Cuts::At {
                offsets,
                include_last,
            } => {
                let offsets = offsets.tile(0..offsets.len());
                Bags::Offsets(Offsets::proven(offsets, count, *include_last))
            }
        };
        by_bags(
            env.threads(),
            &bags,
            dim,
            self.values(number * dim),
            |part, out| {
                let range = bags.start(part.start)..bags.start(part.end);
                let weights = weights.map(|weights| &weights[range.clone()]);
                ops::bag(exec, pool, ids.slice(range), &bags.slice(part), weights, out);
            },
        );
    }
}
