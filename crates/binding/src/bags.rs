//! The backward pass of bags: the gradient of the table, and that of the weights.
//!
//! ```text
//! check lengths, offsets and ids;  slots and memory for the contributions, unless the table is frozen
//! for each bag of a window of gradOutput:    add its contributions, in parts for threads
//! for each window of the weights' gradient:  the dot products of the bags' gradients with the rows
//! ```

use crate::arrays::{pieces, Cut, Cuts, FloatArray, IdArray, OutArray, Proven};
use crate::environment::{BagOp, Environment};
use crate::gradient::{add_parts, assign_ids, Parts};
use crate::run::{expect_length, prove, Run};
use crate::score::{dot_in_parts, PIECE};
use crate::status::{first, second, DONE, EXHAUSTED};
use std::ops::Range;
use tokenbed_core::ops::{
    self, bag_extend, bag_finish, Bag, BagFactors, BagSlots, BagState, Kept, Maxima, Mode, Scored, Slot,
    Sums, BAG_COLS,
};
use tokenbed_core::simd::dot::{sum, ZERO};
use tokenbed_core::simd::Scalar;
use tokenbed_core::{Exec, Table, Window};

/// Bags, and the gradient of their results.
#[derive(Clone)]
struct Inputs<I, B, F> {
    ids: Proven<I>,
    cuts: Cuts<B>,
    weights: Option<F>,
    grad: F,
}

/// Values of a row in parts.
struct Scratch {
    quotient: [f32; PIECE],
    mean: [f32; PIECE],
}

impl Default for Scratch {
    fn default() -> Self {
        Scratch {
            quotient: [0.0; PIECE],
            mean: [0.0; PIECE],
        }
    }
}

/// Adds the gradient of the results of bags to that of their table. `weights_grad` becomes the gradient of the weights. With
/// `by_freq` a contribution is divided by the number of contributions to its row in this call.
pub fn bag_backward<B: IdArray, F: FloatArray>(
    env: &mut Environment,
    op: f64,
    ids: impl IdArray,
    mut cuts: Cuts<B>,
    weights: Option<F>,
    grad: F,
    weights_grad: Option<impl OutArray>,
    by_freq: bool,
) -> Run {
    let (exec, threads, op) = (env.exec(), env.threads(), env.bag(op)?);
    if let Cuts::At { include_last, .. } = &mut cuts {
        *include_last = op.include_last;
    }
    let (table, training) = env.training(op.table)?;
    let (count, dim) = (ids.len(), table.dim());
    expect_length("gradOutput", grad.len(), cuts.bags().checked_mul(dim))?;
    let weights_address = weights.as_ref().map_or(0..0, FloatArray::address);
    if let Some(weights) = &weights {
        expect_length("weights", weights.len(), Some(count))?;
    }
    if let Some(out) = &weights_grad {
        let read = [ids.address(), cuts.address(), weights_address, grad.address()];
        out.expect(Some(count), &read)?;
    }
    prove!(second, cuts.check(count));
    let mut ids = prove!(first, Proven::check(ids, exec.isa, table.rows() as u64));
    let mut counts = None;
    if let Some(training) = training {
        match assign_ids(training, &mut ids, by_freq) {
            None => return Ok(EXHAUSTED),
            Some(counted) => counts = counted,
        }
    }
    let mut inputs = Inputs {
        ids,
        cuts,
        weights,
        grad,
    };
    if let (table, Some(training)) = env.training(op.table)? {
        for window in Cut::any(inputs.cuts.bags(), dim).windows(inputs.grad.most()) {
            let range = inputs.bags(window.rows(), count);
            let parts = Parts {
                threads,
                slots: range.clone(),
                contributions: range.len(),
                cols: window.cols,
            };
            add_parts(
                &mut training.gradient,
                parts,
                &mut inputs,
                &|inputs, slots, sums| {
                    inputs.add(
                        exec,
                        table,
                        op,
                        window,
                        (slots, range.start),
                        counts.as_deref(),
                        sums,
                    )
                },
            );
        }
    }
    if let Some(mut out) = weights_grad {
        let table = env.table(op.table)?;
        let cut = Cut {
            most_rows: inputs.ids.most(),
            cost: (dim / 4).max(1),
            ..Cut::any(count, 1)
        };
        out.compute(env, cut, inputs, |inputs, window, out| {
            inputs.grade_weights(exec, table, op, window.rows(), out.values)
        });
    }
    Ok(DONE)
}

impl<I: IdArray, B: IdArray, F: FloatArray> Inputs<I, B, F> {
    /// The ids of some bags, out of `count`.
    fn bags(&mut self, bags: Range<usize>, count: usize) -> Range<usize> {
        let start = self.cuts.range(bags.start, count).start;
        start..self.cuts.range(bags.end - 1, count).end
    }

    /// The most ids of which there are tiles, also of their weights.
    fn most(&self) -> usize {
        let weights = self.weights.as_ref().map_or(usize::MAX, FloatArray::most);
        self.ids.most().min(weights)
    }

    /// What a bag keeps.
    fn kept(&mut self, bag: Range<usize>, padding: Option<usize>) -> Kept {
        let mut kept = Kept::default();
        for part in pieces(bag, self.most()) {
            let weights = self.weights.as_mut().map(|weights| weights.tile(part.clone()));
            kept.extend(self.ids.tile(part), weights, padding);
        }
        kept
    }

    /// Adds the contributions of the bags in a window of their gradients. `slots` are those of the ids from `from` on.
    fn add(
        &mut self,
        exec: Exec,
        table: Table<'_>,
        op: BagOp,
        window: Window,
        (slots, from): (&[Slot], usize),
        counts: Option<&[u32]>,
        sums: &mut Sums<'_>,
    ) {
        let (isa, count, dim) = (exec.isa, self.ids.len(), table.dim());
        let mut maxima = Maxima::default();
        for b in window.rows() {
            let bag = self.cuts.range(b, count);
            let kept = self.kept(bag.clone(), op.padding);
            if kept.is_empty() {
                continue;
            }
            let start = b * dim + window.first_col;
            let grad = start..start + window.cols;
            if op.mode == Mode::Max {
                let slots = &slots[bag.start - from..bag.end - from];
                for part in pieces(0..window.cols, BAG_COLS) {
                    let cols = window.first_col + part.start..window.first_col + part.end;
                    maxima.clear();
                    for ids in pieces(bag.clone(), self.ids.most()) {
                        let ids = self.ids.tile(ids);
                        maxima.extend(isa, table, op.padding, ids, cols.clone());
                    }
                    let row = &self.grad.tile(grad.clone())[part];
                    ops::add_maxima(isa, sums, slots, cols, (row, &mut maxima), counts);
                }
                continue;
            }
            let row = self.grad.tile(grad);
            let most = self.weights.as_ref().map_or(usize::MAX, FloatArray::most);
            for part in pieces(bag, most) {
                let bags = BagSlots {
                    slots: &slots[part.start - from..],
                    len: part.len(),
                    shared: None,
                    group: usize::MAX,
                };
                let factors = BagFactors {
                    divisor: (op.mode == Mode::Mean).then(|| kept.divisor()),
                    weights: self.weights.as_mut().map(|weights| weights.tile(part)),
                    counts,
                };
                ops::add_bags(isa, sums, bags, window.cols(), row, factors);
            }
        }
    }

    /// The gradients of the weights of ids `range`, of any bags.
    fn grade_weights(
        &mut self,
        exec: Exec,
        table: Table<'_>,
        op: BagOp,
        range: Range<usize>,
        out: &mut [f32],
    ) {
        let (count, mut scratch) = (self.ids.len(), Scratch::default());
        let (mut at, mut b) = (range.start, first_bag(&mut self.cuts, range.start, count));
        while at < range.end {
            let bag = self.cuts.range(b, count);
            let part = at..bag.end.min(range.end);
            let divisor = (op.mode == Mode::Mean).then(|| self.kept(bag.clone(), op.padding).divisor());
            let mean = divisor.map(|divisor| self.dot_mean(exec, table, op, bag, b, divisor, &mut scratch));
            let ids = part.start..range.end;
            let out = &mut out[part.start - range.start..part.end - range.start];
            self.dot_rows(exec, table, b, ids, divisor, &mut scratch, out);
            ops::finish_weights(self.ids.tile(part.clone()), op.padding, mean, out);
            (at, b) = (part.end, b + 1);
        }
    }

    /// dot(q, row) for the rows of the first `out.len()` of ids `range`, where q is the gradient of bag `b`, or that divided
    /// by `divisor`.
    fn dot_rows(
        &mut self,
        exec: Exec,
        table: Table<'_>,
        b: usize,
        range: Range<usize>,
        divisor: Option<f32>,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let (isa, dim) = (exec.isa, table.dim());
        let most = self
            .grad
            .most()
            .min(if divisor.is_some() { PIECE } else { usize::MAX });
        if dim <= most && ops::is_narrow(isa, table) {
            let mut row = self.grad.tile(b * dim..(b + 1) * dim);
            if let Some(divisor) = divisor {
                let quotient = &mut scratch.quotient[..dim];
                ops::divide(isa, row, divisor, quotient);
                row = quotient;
            }
            let (ids, len) = (self.ids.tile(range), out.len());
            return ops::score_rows(exec, table, Scored::Each { ids, len }, row, out, 0);
        }
        for (i, out) in range.zip(out) {
            let row = self.ids.tile(i..i + 1).get(0);
            *out = dot_in_parts(isa, table, row, &mut self.grad, b * dim, divisor);
        }
    }

    /// dot(q, y), where q is the gradient of bag `b` divided by `divisor`, and y is its mean.
    fn dot_mean(
        &mut self,
        exec: Exec,
        table: Table<'_>,
        op: BagOp,
        bag: Range<usize>,
        b: usize,
        divisor: f32,
        scratch: &mut Scratch,
    ) -> f32 {
        let (isa, dim, most) = (exec.isa, table.dim(), self.most());
        let spec = Bag {
            table,
            mode: op.mode,
            padding: op.padding,
        };
        let mut lanes = ZERO;
        for cols in pieces(0..dim, PIECE) {
            let (quotient, mean) = (
                &mut scratch.quotient[..cols.len()],
                &mut scratch.mean[..cols.len()],
            );
            let grad = self.grad.tile(b * dim + cols.start..b * dim + cols.end);
            ops::divide(isa, grad, divisor, quotient);
            let mut state = BagState::default();
            for part in pieces(bag.clone(), most) {
                let weights = self.weights.as_mut().map(|weights| weights.tile(part.clone()));
                bag_extend(
                    exec,
                    &spec,
                    self.ids.tile(part),
                    weights,
                    cols.clone(),
                    &mut state,
                    mean,
                );
            }
            bag_finish(isa, &spec, &state, mean);
            ops::extend_dot(isa, quotient, mean, &mut lanes);
        }
        sum(Scalar, &lanes)
    }
}

/// The first bag that ends behind entry `entry` of `count` ids.
fn first_bag(cuts: &mut Cuts<impl IdArray>, entry: usize, count: usize) -> usize {
    let (mut low, mut high) = (0, cuts.bags());
    while low < high {
        let middle = low + (high - low) / 2;
        match cuts.range(middle, count).end <= entry {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    low
}
