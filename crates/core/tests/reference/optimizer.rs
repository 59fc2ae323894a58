//! Optimizers, clipping and the renormalization of rows, one row at a time.

use super::nearest::dot;

/// The class of an optimizer, with its options.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    Sgd { momentum: f64, nesterov: bool },
    Adagrad { eps: f64, initial: f64 },
    RowwiseAdagrad { eps: f64, initial: f64 },
    Adam { betas: [f64; 2], eps: f64 },
    AdamW { betas: [f64; 2], eps: f64 },
}

/// An optimizer of one table, and its steps so far.
#[derive(Debug, Clone, Copy)]
pub struct Optimizer {
    pub rule: Rule,
    pub weight_decay: f64,
    pub lr: f64,
    /// P1 and P2
    pub products: [f64; 2],
}

/// |x| < 2^-126 becomes +0.
fn flush(x: f32) -> f32 {
    if x.abs() < f32::MIN_POSITIVE {
        0.0
    } else {
        x
    }
}

impl Optimizer {
    pub fn new(rule: Rule, weight_decay: f64, lr: f64) -> Self {
        Optimizer {
            rule,
            weight_decay,
            lr,
            products: [1.0; 2],
        }
    }

    /// The state of a row of `dim` values when it first gets one: momentum; sum; or m, v.
    pub fn initial(&self, dim: usize) -> Vec<f32> {
        match self.rule {
            Rule::Sgd { momentum, .. } => vec![0.0; if momentum > 0.0 { dim } else { 0 }],
            Rule::Adagrad { initial, .. } => vec![flush(initial as f32); dim],
            Rule::RowwiseAdagrad { initial, .. } => vec![flush(initial as f32)],
            Rule::Adam { .. } | Rule::AdamW { .. } => vec![0.0; 2 * dim],
        }
    }

    /// Before each step.
    pub fn begin_step(&mut self) {
        if let Rule::Adam { betas, .. } | Rule::AdamW { betas, .. } = self.rule {
            self.products[0] *= betas[0];
            self.products[1] *= betas[1];
        }
    }

    /// w and state of one row, from its gradient.
    pub fn step_row(&self, w: &mut [f32], g: &[f32], state: &mut [f32]) {
        let dim = w.len();
        let lr = self.lr as f32;
        let mut g = g.to_vec();
        let coupled = !matches!(self.rule, Rule::AdamW { .. });
        if self.weight_decay > 0.0 && coupled {
            for c in 0..dim {
                g[c] += self.weight_decay as f32 * w[c];
            }
        }
        match self.rule {
            Rule::Sgd { momentum, nesterov } => {
                let mu = momentum as f32;
                for c in 0..dim {
                    let mut u = g[c];
                    if momentum > 0.0 {
                        state[c] = flush(mu * state[c] + g[c]);
                        u = if nesterov { g[c] + mu * state[c] } else { state[c] };
                    }
                    w[c] -= lr * u;
                }
            }
            Rule::Adagrad { eps, .. } => {
                for c in 0..dim {
                    state[c] = flush(state[c] + g[c] * g[c]);
                    w[c] -= lr * (g[c] / (state[c].sqrt() + eps as f32));
                }
            }
            Rule::RowwiseAdagrad { eps, .. } => {
                state[0] = flush(state[0] + dot(&g, &g) / dim as f32);
                let a = lr / (state[0].sqrt() + eps as f32);
                for c in 0..dim {
                    w[c] -= a * g[c];
                }
            }
            Rule::Adam { betas, eps } | Rule::AdamW { betas, eps } => {
                let [c1, c2] = betas.map(|beta| (1.0 - beta) as f32);
                let [b1, b2] = betas.map(|beta| beta as f32);
                let a = (self.lr / (1.0 - self.products[0])) as f32;
                let r = (1.0 / (1.0 - self.products[1]).sqrt()) as f32;
                let k = (1.0 - self.lr * self.weight_decay) as f32;
                let (m, v) = state.split_at_mut(dim);
                for c in 0..dim {
                    if !coupled {
                        w[c] *= k;
                    }
                    m[c] = flush(b1 * m[c] + c1 * g[c]);
                    v[c] = flush(b2 * v[c] + c2 * (g[c] * g[c]));
                    w[c] -= a * (m[c] / (v[c].sqrt() * r + eps as f32));
                }
            }
        }
    }
}

/// The squares of rows, in ascending order, added to `sum` in f64.
pub fn add_squares(rows: &[&[f32]], mut sum: f64) -> f64 {
    for row in rows {
        let mut lanes = [0.0; 16];
        for c in 0..row.len() {
            lanes[c % 16] += f64::from(row[c]) * f64::from(row[c]);
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

/// A row of at most the norm `most`, about.
pub fn renorm(w: &mut [f32], most: f32) {
    let n = dot(w, w).sqrt();
    if n > most {
        for x in w {
            *x *= most / (n + 1e-7);
        }
    }
}
