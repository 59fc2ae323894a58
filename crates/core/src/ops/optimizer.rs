//! Updates rows of a table by their gradients: the rules of optimizers, clipping and the renormalization of rows.
//!
//! ```text
//! a row of a step: w of the table, g of the gradient (or +0), and its state; for each column:
//!     coupled weight decay wd:    g = f32(g + f32(wd w))
//!     the rule                    see `Rule`
//! ```
//! Every operation is one f32 operation. A state value with a magnitude below 2^-126 is stored, and used, as +0: the
//! momentum of a row at rest would end as a subnormal number that never becomes 0, and such numbers are slow.
//!
//! `w - x` is `w + (-x)`, and `-(a x)` is `(-a) x`, with the same bits: factors are negated once.

use super::nearest::norms;
use crate::simd::dot::{self, dots};
use crate::simd::{dispatch, dispatch_plain, flush, for_each_vector, Isa, Simd, MAX_LANES};

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
    /// k of AdamW; 1 for Adam.
    pub decay: f32,
}

/// The most columns that are updated at once: the decayed gradient of so many is on the stack.
const TILE: usize = 512;

/// The gradient of a row without one.
static ZEROS: [f32; TILE] = [0.0; TILE];

/// The gradient of a tile with weight decay.
pub(crate) type Decayed = [f32; TILE];

/// Memory for the gradient of a tile.
pub(crate) const DECAYED: Decayed = [0.0; TILE];

/// Updates a row of a table by its gradient, or by +0 without one, and the state of the row. `decayed` is scratch.
///
/// All rules are in one function, in tiles of columns: that takes less code than a loop over rows for each rule.
#[inline(always)]
pub(crate) fn update_row<S: Simd>(
    simd: S,
    step: &Step,
    w: &mut [f32],
    g: Option<&[f32]>,
    state: &mut [f32],
    decayed: &mut Decayed,
) {
    let mut rate = step.rate;
    if let Rule::RowwiseAdagrad { eps } = step.rule {
        let mut lanes = [dot::ZERO];
        for start in (0..w.len()).step_by(TILE) {
            let w = &w[start..w.len().min(start + TILE)];
            let g = gradient_of(simd, step, w, g, start, decayed);
            dots(
                simd,
                g.len(),
                &mut lanes,
                #[inline(always)]
                |_, col, n| {
                    let g = simd.load(&g[col..][..n]);
                    (g, g)
                },
            );
        }
        state[0] = flush(state[0] + dot::sum(simd, &lanes[0]) / w.len() as f32);
        rate /= state[0].sqrt() + eps;
    }
    let dim = w.len();
    for start in (0..dim).step_by(TILE) {
        let end = dim.min(start + TILE);
        let w = &mut w[start..end];
        let g = gradient_of(simd, step, w, g, start, decayed);
        let rate = simd.splat(-rate);
        match step.rule {
            Rule::Sgd { momentum: None, .. } | Rule::RowwiseAdagrad { .. } => descend(simd, rate, w, g),
            Rule::Sgd {
                momentum: Some(mu),
                nesterov,
            } => momentum(simd, rate, mu, nesterov, w, g, &mut state[start..end]),
            Rule::Adagrad { eps } => adagrad(simd, rate, eps, w, g, &mut state[start..end]),
            Rule::Adam { .. } => {
                let (m, v) = state.split_at_mut(dim);
                adam(simd, rate, step, w, g, &mut m[start..end], &mut v[start..end]);
            }
        }
    }
}

/// The gradient of columns of a row from `start` on, with coupled weight decay.
#[inline(always)]
fn gradient_of<'g, S: Simd>(
    simd: S,
    step: &Step,
    w: &[f32],
    g: Option<&'g [f32]>,
    start: usize,
    decayed: &'g mut [f32; TILE],
) -> &'g [f32] {
    let g = g.map_or(&ZEROS[..w.len()], |g| &g[start..][..w.len()]);
    let Some(wd) = step.weight_decay else { return g };
    let decayed = &mut decayed[..w.len()];
    for_each_vector(
        simd,
        decayed,
        #[inline(always)]
        |col, n, _| {
            let decay = simd.mul(simd.splat(wd), simd.load(&w[col..][..n]));
            simd.add(simd.load(&g[col..][..n]), decay)
        },
    );
    decayed
}

/// w = f32(w - f32(rate g)), for -rate.
#[inline(always)]
fn descend<S: Simd>(simd: S, rate: S::F32, w: &mut [f32], g: &[f32]) {
    for_each_vector(
        simd,
        w,
        #[inline(always)]
        |col, n, w| simd.add(simd.load(w), simd.mul(rate, simd.load(&g[col..][..n]))),
    );
}

#[inline(always)]
fn momentum<S: Simd>(
    simd: S,
    rate: S::F32,
    mu: f32,
    nesterov: bool,
    w: &mut [f32],
    g: &[f32],
    b: &mut [f32],
) {
    let mu = simd.splat(mu);
    for_each_vector(
        simd,
        w,
        #[inline(always)]
        |col, n, w| {
            let (g, b) = (simd.load(&g[col..][..n]), &mut b[col..][..n]);
            let new = simd.flush(simd.add(simd.mul(mu, simd.load(b)), g));
            simd.store(new, b);
            let u = match nesterov {
                true => simd.add(g, simd.mul(mu, new)),
                false => new,
            };
            simd.add(simd.load(w), simd.mul(rate, u))
        },
    );
}

#[inline(always)]
fn adagrad<S: Simd>(simd: S, rate: S::F32, eps: f32, w: &mut [f32], g: &[f32], s: &mut [f32]) {
    let eps = simd.splat(eps);
    for_each_vector(
        simd,
        w,
        #[inline(always)]
        |col, n, w| {
            let (g, s) = (simd.load(&g[col..][..n]), &mut s[col..][..n]);
            let sum = simd.flush(simd.add(simd.load(s), simd.mul(g, g)));
            simd.store(sum, s);
            let scaled = simd.div(g, simd.add(simd.sqrt(sum), eps));
            simd.add(simd.load(w), simd.mul(rate, scaled))
        },
    );
}

#[inline(always)]
fn adam<S: Simd>(simd: S, rate: S::F32, step: &Step, w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
    let Rule::Adam { betas, rests, eps } = step.rule else {
        return;
    };
    let factors = [betas[0], betas[1], rests[0], rests[1], step.root, eps, step.decay];
    let [b1, b2, c1, c2, root, eps, k] = factors.map(
        #[inline(always)]
        |factor| simd.splat(factor),
    );
    for_each_vector(
        simd,
        w,
        #[inline(always)]
        |col, n, w| {
            let g = simd.load(&g[col..][..n]);
            let (m, v) = (&mut m[col..][..n], &mut v[col..][..n]);
            let first = simd.flush(simd.add(simd.mul(b1, simd.load(m)), simd.mul(c1, g)));
            let second = simd.add(simd.mul(b2, simd.load(v)), simd.mul(c2, simd.mul(g, g)));
            let second = simd.flush(second);
            simd.store(first, m);
            simd.store(second, v);
            let scale = simd.add(simd.mul(simd.sqrt(second), root), eps);
            simd.add(simd.mul(simd.load(w), k), simd.mul(rate, simd.div(first, scale)))
        },
    );
}

/// `sum` and the squares of rows: the dot products dot(g, g) of the rows of `values`, `[rows, dim]`, in f64, added to `sum`
/// in the order `order`.
///
/// ```text
/// lanes = [+0; 16];  lanes[c mod 16] += g_c g_c for c ascending;  lanes[j] += lanes[j + h], j < h, for h in 8, 4, 2, 1
/// ```
///
/// # Panics
/// If a row is out of range.
pub fn add_squares(isa: Isa, values: &[f32], dim: usize, order: &[u32], sum: f64) -> f64 {
    dispatch_plain!(isa, add_squares_in(values, dim, order, sum))
}

#[inline(always)]
fn add_squares_in(values: &[f32], dim: usize, order: &[u32], mut sum: f64) -> f64 {
    for &row in order {
        let mut lanes = [0.0; MAX_LANES];
        for block in values[row as usize * dim..][..dim].chunks(MAX_LANES) {
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

/// x = f32(x factor) for every value.
pub fn scale_values(isa: Isa, values: &mut [f32], factor: f32) {
    dispatch!(isa, simd => {
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
    let count = rows.map_or(values.len() / dim, <[u32]>::len);
    for i in 0..count {
        let row = rows.map_or(i, |rows| rows[i] as usize);
        let w = &mut values[row * dim..][..dim];
        let mut norm = [0.0];
        norms(isa, w, dim, &mut norm);
        if norm[0] > most {
            scale_values(isa, w, most / (norm[0] + 1e-7));
        }
    }
}
