//! Optimizers: the state of one table each, steps, clipping, and the renormalization of rows.
//!
//! ```text
//! reserve    for every table of a step: memory for its state; exhausted: nothing has changed
//! step       then for every table: update the rows, in parts for threads, and end the gradient
//! ```

use crate::arrays::{pieces, Cut, FloatArray, IdArray, IntegersOut, OutArray, Proven};
use crate::environment::{Environment, Training};
use crate::run::{expect_length, prove, Run};
use crate::status::{first, Failure, DONE, EXHAUSTED};
use tokenbed_core::ops::{self, Rule, Step};
use tokenbed_core::simd::flush;
use tokenbed_core::state::Update;
use tokenbed_core::{Gradient, State};

/// The arguments of [`Environment::optimizer_create`].
pub struct OptimizerRecord {
    /// The table that it updates.
    pub table: f64,
    /// The name of the class.
    pub rule: String,
    /// mu of SGD.
    pub momentum: Option<f64>,
    /// Whether a step of SGD looks ahead.
    pub nesterov: bool,
    /// b1 of Adam.
    pub beta1: Option<f64>,
    /// b2 of Adam.
    pub beta2: Option<f64>,
    /// What is added to roots.
    pub eps: Option<f64>,
    /// wd
    pub weight_decay: f64,
    /// The first sum of Adagrad.
    pub initial_accumulator: Option<f64>,
    /// Whether a step updates the rows of the gradient alone.
    pub lazy: bool,
}

/// How the factors of a step are computed.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    Adam,
    AdamW,
}

/// An optimizer for one table, by handle.
pub(crate) struct OptimizerOp {
    pub table: f64,
    rule: Rule,
    kind: Kind,
    weight_decay: f64,
    lazy: bool,
    state: State,
}

impl OptimizerOp {
    fn new(record: &OptimizerRecord, rows: usize, dim: usize) -> Result<Self, Failure> {
        let number = |value: Option<f64>, name| value.ok_or(Failure::Argument(name));
        let eps = || number(record.eps, "eps").map(|eps| eps as f32);
        let (rule, kind) = match &record.rule[..] {
            "SGD" => {
                let momentum = number(record.momentum, "momentum")?;
                let rule = Rule::Sgd {
                    momentum: (momentum > 0.0).then_some(momentum as f32),
                    nesterov: record.nesterov,
                };
                (rule, Kind::Plain)
            }
            "Adagrad" => (Rule::Adagrad { eps: eps()? }, Kind::Plain),
            "RowwiseAdagrad" => (Rule::RowwiseAdagrad { eps: eps()? }, Kind::Plain),
            name @ ("Adam" | "AdamW") => {
                let betas = [number(record.beta1, "beta1")?, number(record.beta2, "beta2")?];
                let rule = Rule::Adam {
                    betas: betas.map(|beta| beta as f32),
                    rests: betas.map(|beta| (1.0 - beta) as f32),
                    eps: eps()?,
                };
                let kind = match name {
                    "AdamW" => Kind::AdamW,
                    _ => Kind::Adam,
                };
                (rule, kind)
            }
            _ => return Err(Failure::Argument("the name of an optimizer")),
        };
        let initial = record.initial_accumulator.unwrap_or(0.0) as f32;
        Ok(OptimizerOp {
            table: record.table,
            rule,
            kind,
            weight_decay: record.weight_decay,
            lazy: record.lazy,
            state: State::new(rows, dim, rule.width(dim), initial),
        })
    }

    /// The factors of a step, computed in f64 and rounded once.
    ///
    /// ```text
    /// Adam, AdamW:  a = lr / (1 - P1);   r = 1 / sqrt(1 - P2)
    /// AdamW:        k = 1 - lr wd
    /// ```
    fn step(&self, lr: f64, products: [f64; 2]) -> Step {
        let (wd, decoupled) = (self.weight_decay, self.kind == Kind::AdamW);
        let (rate, root) = match self.kind {
            Kind::Plain => (lr, 1.0),
            Kind::Adam | Kind::AdamW => (lr / (1.0 - products[0]), 1.0 / (1.0 - products[1]).sqrt()),
        };
        Step {
            rule: self.rule,
            weight_decay: (wd > 0.0 && !decoupled).then_some(wd as f32),
            rate: rate as f32,
            root: root as f32,
            decay: if decoupled { (1.0 - lr * wd) as f32 } else { 1.0 },
        }
    }

    fn update(&self, training: &Training) -> Update {
        match self.lazy {
            true => Update::OfGradient,
            false => Update::AllBut(training.padding),
        }
    }
}

impl Environment {
    /// Prepares an optimizer for one table.
    pub fn optimizer_create(&mut self, record: &OptimizerRecord) -> Result<f64, Failure> {
        let table = self.table(record.table)?;
        let optimizer = OptimizerOp::new(record, table.rows(), table.dim())?;
        self.keep_optimizer(optimizer)
    }
}

/// Makes room for the state of the rows of the next step. Returns false if memory is exhausted: then no row has changed.
pub fn reserve(env: &mut Environment, optimizer: f64) -> Result<bool, Failure> {
    let isa = env.isa();
    let (op, training) = env.optimizer_and_training(optimizer)?;
    let Some((_, training)) = training else {
        return Ok(true);
    };
    let update = op.update(training);
    Ok(op.state.plan(isa, &mut training.gradient, update))
}

/// Updates the table by its gradient, which ends. [`reserve`] was called before. `products` are those of the betas.
pub fn step(env: &mut Environment, optimizer: f64, lr: f64, products: [f64; 2]) -> Result<(), Failure> {
    let (isa, threads) = (env.isa(), env.threads());
    let (op, training) = env.optimizer_and_training(optimizer)?;
    let Some((table, training)) = training else {
        return Ok(());
    };
    let (step, update) = (op.step(lr, products), op.update(training));
    let gradient = &training.gradient;
    let dim = gradient.dim();
    let rows = match update {
        Update::OfGradient => gradient.rows().len(),
        Update::AllBut(_) => table.len() / dim,
    };
    let bytes = (2 * dim + op.state.width()) * size_of::<f32>();
    in_parts(
        threads,
        rows,
        bytes,
        |parts| op.state.parts(table, gradient, update, parts),
        |mut part| part.step(isa, &step),
    );
    training.gradient.clear();
    Ok(())
}

/// Calls `work` with the parts of `rows` rows.
#[cfg(target_family = "wasm")]
fn in_parts<T>(_: usize, _: usize, _: usize, parts: impl FnOnce(usize) -> Vec<T>, work: impl Fn(T)) {
    parts(1).into_iter().for_each(work)
}

/// The parts for each thread: one that starts late takes fewer.
#[cfg(not(target_family = "wasm"))]
const PARTS: usize = 8;

/// Calls `work` with the parts of `rows` rows, which cost as much as reading `bytes` bytes each, on up to `threads` threads.
#[cfg(not(target_family = "wasm"))]
fn in_parts<T: Send>(
    threads: usize,
    rows: usize,
    bytes: usize,
    parts: impl FnOnce(usize) -> Vec<T>,
    work: impl Fn(T) + Sync,
) {
    let threads = crate::split::Parts::of(threads, rows, bytes, 1).threads;
    match threads {
        1 => parts(1).into_iter().for_each(work),
        _ => crate::split::each(threads, parts(PARTS * threads), work),
    }
}

/// Bytes of memory of the state.
pub fn bytes(env: &mut Environment, optimizer: f64) -> Result<f64, Failure> {
    Ok(env.optimizer(optimizer)?.state.bytes() as f64)
}

/// The number of rows with state.
pub fn count(env: &mut Environment, optimizer: f64) -> Result<f64, Failure> {
    Ok(env.optimizer(optimizer)?.state.count() as f64)
}

/// The rows with state, ascending.
pub fn rows(env: &mut Environment, optimizer: f64, mut out: impl IntegersOut<u32>) -> Result<(), Failure> {
    let state = &env.optimizer(optimizer)?.state;
    expect_length("out", out.len(), Some(state.count()))?;
    let (most, mut rows) = (out.most(), state.rows());
    for part in pieces(0..state.count(), most) {
        out.edit(part, |out| {
            for (to, (row, _)) in out.iter_mut().zip(&mut rows) {
                *to = row as u32;
            }
        });
    }
    Ok(())
}

/// The columns of a tensor of the state: its only one, or half of the values of each row.
fn columns(op: &OptimizerOp, tensor: f64) -> (usize, usize) {
    let width = match op.rule {
        Rule::Adam { .. } => op.state.width() / 2,
        _ => op.state.width(),
    };
    (tensor as usize * width, width)
}

/// The values of tensor `tensor` of the state (0 or, of Adam, 1), in ascending order of the rows.
pub fn values(
    env: &mut Environment,
    optimizer: f64,
    tensor: f64,
    mut out: impl OutArray,
) -> Result<(), Failure> {
    let op = env.optimizer(optimizer)?;
    let (state, (first, width)) = (&op.state, columns(op, tensor));
    expect_length("out", out.len(), state.count().checked_mul(width))?;
    let mut rows = state.rows();
    let (mut current, mut place) = (usize::MAX, 0);
    for window in Cut::any(state.count(), width).windows(out.most()) {
        out.edit(window.elements(width), true, |out| {
            for (to, row) in out.chunks_exact_mut(window.cols).zip(window.rows()) {
                if row != current {
                    (current, place) = (row, rows.next().map_or(0, |(_, place)| place));
                }
                let start = place * state.width() + first + window.first_col;
                to.copy_from_slice(&state.values()[start..start + window.cols]);
            }
        });
    }
    Ok(())
}

/// Gives the rows `ids`, which are distinct, state with unspecified values, in order. Returns false if memory is exhausted:
/// then nothing has changed.
pub fn restore(env: &mut Environment, optimizer: f64, ids: impl IdArray) -> Result<bool, Failure> {
    let (isa, table) = (env.isa(), env.optimizer(optimizer)?.table);
    let rows = env.table(table)?.rows() as u64;
    let outside = |_| Failure::Argument("rows of the table");
    let mut ids = Proven::check(ids, isa, rows).map_err(outside)?;
    let state = &mut env.optimizer(optimizer)?.state;
    if !state.reserve(ids.len()) {
        return Ok(false);
    }
    for part in pieces(0..ids.len(), ids.most()) {
        let ids = ids.tile(part);
        (0..ids.len()).for_each(|i| state.add(ids.get(i)));
    }
    Ok(true)
}

/// Sets the values of tensor `tensor` of restored state, in the order in which the rows were restored.
pub fn write(
    env: &mut Environment,
    optimizer: f64,
    tensor: f64,
    mut values: impl FloatArray,
) -> Result<(), Failure> {
    let op = env.optimizer(optimizer)?;
    let (first, width) = columns(op, tensor);
    let (count, all) = (op.state.count(), op.state.width());
    expect_length("values", values.len(), count.checked_mul(width))?;
    for window in Cut::any(count, width).windows(values.most()) {
        let tile = values.tile(window.elements(width));
        for (from, place) in tile.chunks_exact(window.cols).zip(window.rows()) {
            let start = place * all + first + window.first_col;
            let to = &mut op.state.values_mut()[start..][..window.cols];
            for (to, &value) in to.iter_mut().zip(from) {
                *to = flush(value);
            }
        }
    }
    Ok(())
}

/// `sum` and the squares of the gradient of a table.
pub fn gradient_squares(env: &mut Environment, table: f64, sum: f64) -> Result<f64, Failure> {
    let isa = env.isa();
    let Some(Training { gradient, .. }) = env.training(table)?.1 else {
        return Ok(sum);
    };
    gradient.sort();
    let (values, dim) = (gradient.sums(), gradient.dim());
    Ok(ops::add_squares(isa, values, dim, gradient.order(), sum))
}

/// Multiplies the gradient of a table by a factor.
pub fn gradient_scale(env: &mut Environment, table: f64, factor: f64) -> Result<(), Failure> {
    let isa = env.isa();
    if let (_, Some(training)) = env.training(table)? {
        ops::scale_values(isa, training.gradient.sums_mut(), factor as f32);
    }
    Ok(())
}

/// Scales rows of a table to a norm of `most`: each distinct one of `ids`, or all. Returns a status: memory may be
/// exhausted.
pub fn table_renorm(env: &mut Environment, table: f64, most: f64, ids: Option<impl IdArray>) -> Run {
    let (isa, threads, most) = (env.isa(), env.threads(), most as f32);
    let (rows, dim) = (env.table(table)?.rows(), env.table(table)?.dim());
    // The rows of a gradient are distinct.
    let mut distinct = Gradient::new(dim);
    let all = ids.is_none();
    if let Some(ids) = ids {
        let mut ids = prove!(first, Proven::check(ids, isa, rows as u64));
        let most = ids.most();
        let assigned = distinct.begin(ids.len())
            && pieces(0..ids.len(), most).all(|part| {
                let ids = ids.tile(part);
                distinct.assign((0..ids.len()).map(|i| ids.get(i)), None)
            });
        if !assigned {
            return Ok(EXHAUSTED);
        }
    }
    let mut table = env.table_mut(table)?;
    let values = table.values_mut(0).ok_or(Failure::ReadOnly)?;
    match all {
        true => by_rows(threads, dim, values, |rows| {
            ops::renorm(isa, rows, dim, most, None)
        }),
        false => ops::renorm(isa, values, dim, most, Some(distinct.rows())),
    }
    Ok(DONE)
}

/// Calls `work` with all rows.
#[cfg(target_family = "wasm")]
fn by_rows(_: usize, _: usize, values: &mut [f32], work: impl Fn(&mut [f32])) {
    work(values)
}

/// Calls `work` with all rows, in parts for threads.
#[cfg(not(target_family = "wasm"))]
fn by_rows(threads: usize, dim: usize, values: &mut [f32], work: impl Fn(&mut [f32]) + Sync) {
    crate::split::by_rows(threads, dim, values, |_, rows| work(rows))
}
