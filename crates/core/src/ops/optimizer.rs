//! Updates rows of a table by their gradients: the rules of optimizers, clipping and the renormalization of rows.
//!
//! ```text
//! for each row of the step: w of the table, g of the gradient (or +0), and its state; for each column:
//!     coupled weight decay wd:    g = f32(g + f32(wd w))
//!     the rule                    see `Rule`
//! ```
//! Every operation is one f32 operation. A state value with a magnitude below 2^-126 is stored, and used, as +0: the
//! momentum of a row at rest would end as a subnormal number that never becomes 0, and such numbers are slow.
//!
//! `w - x` is `w + (-x)`, and `-(a x)` is `(-a) x`, with the same bits: factors are negated once.

use crate::gradient::Gradient;
use crate::simd::dot::{self, dots};
use crate::simd::{dispatch_once, dispatch_plain, flush, for_each_vector, Isa, Simd, MAX_LANES};
use crate::state::{Part, RowOf, State, Update};

/// The rule of an optimizer, with its options rounded to f32.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// ```text
    /// without momentum mu:  u = g
    /// with momentum:        b = f32(f32(mu b) + g);   u = f32(g + f32(mu b)) if nesterov, else b
    /// w = f32(w - f32(lr u))
    /// ```
    Sgd {
        /// mu
        momentum: Option<f32>,
        /// Whether the step looks ahead.
        nesterov: bool,
    },
    /// s = f32(s + f32(g g));  w = f32(w - f32(lr f32(g / f32(f32(sqrt(s)) + eps))))
    Adagrad {
        /// eps
        eps: f32,
    },
    /// One s per row.
    ///
    /// s = f32(s + f32(dot(g, g) / D));  a = f32(lr / f32(f32(sqrt(s)) + eps));  w = f32(w - f32(a g))
    RowwiseAdagrad {
        /// eps
        eps: f32,
    },
    /// ```text
    /// m = f32(f32(b1 m) + f32(c1 g));   v = f32(f32(b2 v) + f32(c2 f32(g g)))
    /// w = f32(w - f32(a f32(m / f32(f32(f32(sqrt(v)) r) + eps))))          AdamW: after w = f32(w k)
    /// ```
    /// The state of a row is m, then v.
    Adam {
        /// b1 and b2
        betas: [f32; 2],
        /// c1 and c2: 1 - beta, computed in f64
        rests: [f32; 2],
        /// eps
        eps: f32,
    },
}

impl Rule {
    /// The number of state values of a row of `dim` values.
    pub fn width(&self, dim: usize) -> usize {
        match self {
            Rule::Sgd { momentum: None, .. } => 0,
            Rule::Sgd { .. } | Rule::Adagrad { .. } => dim,
            Rule::RowwiseAdagrad { .. } => 1,
            Rule::Adam { .. } => 2 * dim,
        }
    }
}

/// A step, with its factors rounded to f32.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The rule.
    pub rule: Rule,
    /// wd, if weight decay is coupled and greater than 0.
    pub weight_decay: Option<f32>,
    /// lr, or a of Adam.
    pub rate: f32,
    /// r of Adam.
    pub root: f32,
    /// k of AdamW.
    pub decay: Option<f32>,
}

/// The prefetch distance, in rows.
const DISTANCE: usize = 16;

/// Computes the places of the rows of a step, and makes room for new ones. Returns false if memory is exhausted: then no
/// row has changed.
#[must_use]
#[inline(never)]
pub fn plan_step(isa: Isa, state: &mut State, gradient: &mut Gradient, update: Update) -> bool {
    dispatch_once!(isa, simd => state.plan(simd, gradient, update))
}

/// Updates the rows of a part of a step.
#[inline(never)]
pub fn step(isa: Isa, step: &Step, part: &mut Part<'_>) {
    dispatch_once!(isa, simd => match step.rule {
        Rule::Sgd { momentum, nesterov } => sgd(simd, step, momentum, nesterov, part),
        Rule::Adagrad { eps } => adagrad(simd, step, eps, part),
        Rule::RowwiseAdagrad { eps } => rowwise_adagrad(simd, step, eps, part),
        Rule::Adam { betas, rests, eps } => adam(simd, step, betas, rests, eps, part),
    })
}

/// Calls `update` with each row of a part.
#[inline(always)]
fn each_row<S: Simd>(simd: S, part: &mut Part<'_>, mut update: impl FnMut(RowOf<'_>)) {
    for i in part.range() {
        part.prefetch(simd, i + DISTANCE);
        if let Some(row) = part.row(i) {
            update(row);
        }
    }
}

/// Columns of the gradient of a row, with coupled weight decay.
#[inline(always)]
fn decayed<S: Simd>(
    simd: S,
    weight_decay: Option<f32>,
    g: Option<&[f32]>,
    w: S::F32,
    col: usize,
    n: usize,
) -> S::F32 {
    let g = g.map_or(simd.splat(0.0), |g| simd.load(&g[col..][..n]));
    match weight_decay {
        Some(wd) => simd.add(g, simd.mul(simd.splat(wd), w)),
        None => g,
    }
}

#[inline(always)]
fn sgd<S: Simd>(simd: S, step: &Step, momentum: Option<f32>, nesterov: bool, part: &mut Part<'_>) {
    let rate = simd.splat(-step.rate);
    each_row(
        simd,
        part,
        #[inline(always)]
        |RowOf { w, g, state }| {
            for_each_vector(
                simd,
                w,
                #[inline(always)]
                |col, n, w| {
                    let w = simd.load(w);
                    let g = decayed(simd, step.weight_decay, g, w, col, n);
                    let mut u = g;
                    if let Some(mu) = momentum {
                        let (mu, b) = (simd.splat(mu), &mut state[col..][..n]);
                        let new = simd.flush(simd.add(simd.mul(mu, simd.load(b)), g));
                        simd.store(new, b);
                        u = match nesterov {
                            true => simd.add(g, simd.mul(mu, new)),
                            false => new,
                        };
                    }
                    simd.add(w, simd.mul(rate, u))
                },
            );
        },
    );
}

#[inline(always)]
fn adagrad<S: Simd>(simd: S, step: &Step, eps: f32, part: &mut Part<'_>) {
    let (rate, eps) = (simd.splat(-step.rate), simd.splat(eps));
    each_row(
        simd,
        part,
        #[inline(always)]
        |RowOf { w, g, state }| {
            for_each_vector(
                simd,
                w,
                #[inline(always)]
                |col, n, w| {
                    let (w, s) = (simd.load(w), &mut state[col..][..n]);
                    let g = decayed(simd, step.weight_decay, g, w, col, n);
                    let sum = simd.flush(simd.add(simd.load(s), simd.mul(g, g)));
                    simd.store(sum, s);
                    let scaled = simd.div(g, simd.add(simd.sqrt(sum), eps));
                    simd.add(w, simd.mul(rate, scaled))
                },
            );
        },
    );
}

#[inline(always)]
fn rowwise_adagrad<S: Simd>(simd: S, step: &Step, eps: f32, part: &mut Part<'_>) {
    each_row(
        simd,
        part,
        #[inline(always)]
        |RowOf { w, g, state }| {
            let mut lanes = [dot::ZERO];
            dots(
                simd,
                w.len(),
                &mut lanes,
                #[inline(always)]
                |_, col, n| {
                    let mut g = decayed(simd, step.weight_decay, g, simd.load(&w[col..][..n]), col, n);
                    if n < S::LANES {
                        // The other lanes are NaN if wd is infinite.
                        let mut short = [0.0; MAX_LANES];
                        simd.store(g, &mut short[..n]);
                        g = simd.load(&short);
                    }
                    (g, g)
                },
            );
            let mean = dot::sum(simd, &lanes[0]) / w.len() as f32;
            let sum = flush(state[0] + mean);
            state[0] = sum;
            let rate = simd.splat(-(step.rate / (sum.sqrt() + eps)));
            for_each_vector(
                simd,
                w,
                #[inline(always)]
                |col, n, w| {
                    let w = simd.load(w);
                    let g = decayed(simd, step.weight_decay, g, w, col, n);
                    simd.add(w, simd.mul(rate, g))
                },
            );
        },
    );
}

#[inline(always)]
fn adam<S: Simd>(simd: S, step: &Step, betas: [f32; 2], rests: [f32; 2], eps: f32, part: &mut Part<'_>) {
    let [b1, b2, c1, c2] = [betas[0], betas[1], rests[0], rests[1]].map(
        #[inline(always)]
        |factor| simd.splat(factor),
    );
    let (rate, root, eps) = (simd.splat(-step.rate), simd.splat(step.root), simd.splat(eps));
    each_row(
        simd,
        part,
        #[inline(always)]
        |RowOf { w, g, state }| {
            let (m, v) = state.split_at_mut(w.len());
            for_each_vector(
                simd,
                w,
                #[inline(always)]
                |col, n, w| {
                    let (mut w, m, v) = (simd.load(w), &mut m[col..][..n], &mut v[col..][..n]);
                    let g = decayed(simd, step.weight_decay, g, w, col, n);
                    if let Some(k) = step.decay {
                        w = simd.mul(w, simd.splat(k));
                    }
                    let first = simd.add(simd.mul(b1, simd.load(m)), simd.mul(c1, g));
                    let second = simd.add(simd.mul(b2, simd.load(v)), simd.mul(c2, simd.mul(g, g)));
                    let (first, second) = (simd.flush(first), simd.flush(second));
                    simd.store(first, m);
                    simd.store(second, v);
                    let scale = simd.add(simd.mul(simd.sqrt(second), root), eps);
                    simd.add(w, simd.mul(rate, simd.div(first, scale)))
                },
            );
        },
    );
}

/// `sum` and the squares of a gradient: the dot products dot(g, g) of its rows in f64, added to `sum` in ascending order
/// of the rows. `None` if memory is exhausted.
///
/// ```text
/// lanes = [+0; 16];  lanes[c mod 16] += g_c g_c for c ascending;  lanes[j] += lanes[j + h], j < h, for h in 8, 4, 2, 1
/// ```
pub fn add_squares(isa: Isa, gradient: &Gradient, sum: f64) -> Option<f64> {
    let order = gradient.order()?;
    Some(dispatch_plain!(isa, add_squares_in(gradient, &order, sum)))
}

#[inline(always)]
fn add_squares_in(gradient: &Gradient, order: &[u32], mut sum: f64) -> f64 {
    let dim = gradient.dim();
    for &slot in order {
        let mut lanes = [0.0; MAX_LANES];
        for block in gradient.sums()[slot as usize * dim..][..dim].chunks(MAX_LANES) {
            for (lane, &g) in lanes.iter_mut().zip(block) {
                *lane += f64::from(g) * f64::from(g);
            }
        }
        for half in [8, 4, 2, 1] {
            for j in 0..half {
                lanes[j] += lanes[j + half];
            }
        }
        sum += lanes[0];
    }
    sum
}

/// g = f32(g factor) for every value of a gradient.
pub fn scale_values(isa: Isa, values: &mut [f32], factor: f32) {
    dispatch_once!(isa, simd => {
        let factor = simd.splat(factor);
        for_each_vector(
            simd,
            values,
            #[inline(always)]
            |_, _, g| simd.mul(simd.load(g), factor),
        )
    })
}

/// Scales rows of `values`, `[rows, dim]`, to a norm of `most`: those of `rows`, which has each once, or all.
///
/// ```text
/// n = f32(sqrt(dot(w, w)));   if n > most: w = f32(w f32(most / f32(n + f32(1e-7))))
/// ```
///
/// # Panics
/// If a row is out of range, or `dim` is 0.
#[inline(never)]
pub fn renorm(isa: Isa, values: &mut [f32], dim: usize, most: f32, rows: Option<&[u32]>) {
    dispatch_once!(isa, simd => match rows {
        None => values.chunks_exact_mut(dim).for_each(#[inline(always)] |w| renorm_row(simd, w, most)),
        Some(rows) => rows.iter().for_each(#[inline(always)] |&row| {
            renorm_row(simd, &mut values[row as usize * dim..][..dim], most)
        }),
    })
}

#[inline(always)]
fn renorm_row<S: Simd>(simd: S, w: &mut [f32], most: f32) {
    let mut lanes = [dot::ZERO];
    dots(
        simd,
        w.len(),
        &mut lanes,
        #[inline(always)]
        |_, col, n| {
            let w = simd.load(&w[col..][..n]);
            (w, w)
        },
    );
    let norm = dot::sum(simd, &lanes[0]).sqrt();
    if norm > most {
        let factor = simd.splat(most / (norm + 1e-7));
        for_each_vector(
            simd,
            w,
            #[inline(always)]
            |_, _, w| simd.mul(simd.load(w), factor),
        );
    }
}
