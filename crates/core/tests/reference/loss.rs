//! Losses and their gradients. Sums have 8 lanes per block of 1024 terms.

use tokenbed_core::math::{exp, ln_1p};

/// A loss, not yet divided by N, and the gradient.
pub struct Loss {
    pub total: f64,
    pub gradient: Vec<f32>,
}

/// The sum of each block of terms: lane c mod 8 takes column c, then lanes[j] += lanes[j + h] for h = 4, 2, 1.
fn block_sums(terms: &[f64]) -> Vec<f64> {
    let mut sums = Vec::new();
    for block in terms.chunks(1024) {
        let mut lanes = [0.0; 8];
        for (c, term) in block.iter().enumerate() {
            lanes[c % 8] += term;
        }
        for h in [4, 2, 1] {
            for j in 0..h {
                lanes[j] += lanes[j + h];
            }
        }
        sums.push(lanes[0]);
    }
    sums
}

/// Knuth's two-sum, with the rounding errors in a sum of their own; not of infinite sums.
fn compensated(terms: &[f64]) -> f64 {
    let (mut sum, mut errors) = (0.0, 0.0);
    for &x in terms {
        let next = sum + x;
        let added = next - sum;
        errors += (sum - (next - added)) + (x - added);
        sum = next;
    }
    if sum.is_finite() {
        sum + errors
    } else {
        sum
    }
}

/// For each row with a target t, with z_j = x_j - max, `others` the sum of e^z_j without the first maximum, and
/// p = 1 / (1 + others): loss ln(1 + others) - z_t; gradient e^z_j (p / N). That of t is (0 - others p) / N if x_t is the
/// maximum, else (e^z_t p - 1) / N.
pub fn cross_entropy(x: &[f32], columns: usize, targets: &[Option<usize>], n: f64) -> Loss {
    let (mut losses, mut gradient) = (Vec::new(), Vec::new());
    for (x, target) in x.chunks(columns).zip(targets) {
        let Some(t) = *target else {
            gradient.extend(vec![0.0; columns]);
            continue;
        };
        let max = x
            .iter()
            .fold(f32::NEG_INFINITY, |max, &x| if x > max { x } else { max });
        let first = x.iter().position(|&x| x == max).unwrap_or(0);
        let z: Vec<f64> = x.iter().map(|&x| f64::from(x) - f64::from(max)).collect();
        let terms: Vec<f64> = z.iter().map(|&z| exp(z)).collect();
        let mut without = terms.clone();
        without[first] -= 1.0;
        let others = block_sums(&without).iter().fold(0.0, |sum, block| sum + block);
        losses.push(ln_1p(others) - z[t]);
        let inverse = 1.0 / (1.0 + others);
        for (j, term) in terms.iter().enumerate() {
            gradient.push(if j != t {
                (term * (inverse / n)) as f32
            } else if x[t] == max {
                ((0.0 - others * inverse) / n) as f32
            } else {
                ((term * inverse - 1.0) / n) as f32
            });
        }
    }
    let total = compensated(&losses);
    Loss { total, gradient }
}

/// With e = e^-|s| and q = e / (1 + e): loss max(s, 0) - s y + ln(1 + e), where -Infinity times 0 is 0; gradient
/// ((1 - y) - q) (1 / N) for s >= 0, else (q - y) (1 / N).
pub fn binary_cross_entropy(s: &[f32], labels: &[f32], n: f64) -> Loss {
    let (mut losses, mut gradient) = (Vec::new(), Vec::new());
    for (&s, &y) in s.iter().zip(labels) {
        let (s, y) = (f64::from(s), f64::from(y));
        let e = exp(-s.abs());
        let positive = if s > 0.0 { s } else { 0.0 };
        let product = if s == f64::NEG_INFINITY && y == 0.0 {
            0.0
        } else {
            s * y
        };
        losses.push((positive - product) + ln_1p(e));
        let q = e / (1.0 + e);
        let difference = if s >= 0.0 { (1.0 - y) - q } else { q - y };
        gradient.push((difference * (1.0 / n)) as f32);
    }
    let total = compensated(&block_sums(&losses));
    Loss { total, gradient }
}

/// Loss (x - t)^2; gradient (x - t) (2 / N).
pub fn squared_error(x: &[f32], target: &[f32], n: f64) -> Loss {
    let differences: Vec<f64> = x
        .iter()
        .zip(target)
        .map(|(&x, &t)| f64::from(x) - f64::from(t))
        .collect();
    let losses: Vec<f64> = differences.iter().map(|d| d * d).collect();
    Loss {
        total: compensated(&block_sums(&losses)),
        gradient: differences.iter().map(|d| (d * (2.0 / n)) as f32).collect(),
    }
}
