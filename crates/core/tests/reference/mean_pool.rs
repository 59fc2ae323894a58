//! Means of the rows of tokens, divided by a norm.

use super::nearest::dot;

/// The weights of tokens.
#[derive(Clone, Copy, Debug)]
pub enum Weights<'a> {
    None,
    Single(&'a [f32]),
    Double(&'a [f64]),
    Rounded(&'a [f64]),
}

/// The divisor of a mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Norm {
    Model2vec,
    SentenceTransformers,
}

/// table [V, dim], rows [tokens], weights [tokens], the ids of one text -> [dim]
///
/// In id order from +0: multiply, then add. Without `rows` an id is a row. With f64 weights product, sum and division are
/// f64, rounded once; if they are rounded, the product is f64 and rounded, the rest f32. Without ids: zeros.
pub fn mean(
    table: &[f32],
    dim: usize,
    rows: Option<&[u32]>,
    weights: Weights<'_>,
    ids: &[usize],
) -> Vec<f32> {
    if ids.is_empty() {
        return vec![0.0; dim];
    }
    let mut out = Vec::new();
    for c in 0..dim {
        let value = |id: usize| table[rows.map_or(id, |rows| rows[id] as usize) * dim + c];
        if let Weights::Double(weights) = weights {
            let mut sum = 0.0;
            for &id in ids {
                sum += f64::from(value(id)) * weights[id];
            }
            out.push((sum / ids.len() as f64) as f32);
        } else {
            let mut sum = 0.0;
            for &id in ids {
                sum += match weights {
                    Weights::Single(weights) => value(id) * weights[id],
                    Weights::Rounded(weights) => (f64::from(value(id)) * weights[id]) as f32,
                    _ => value(id),
                };
            }
            out.push(sum / ids.len() as f32);
        }
    }
    out
}

/// row [dim] -> [dim]: row / n
///
/// model2vec: n = sqrt(s) + 1e-32, where s is the sum of the squares in the order of numpy. sentence-transformers:
/// n = max(sqrt(dot(row, row)), 1e-12), NaN if the dot product is.
pub fn normalized(row: &[f32], norm: Norm) -> Vec<f32> {
    let n = match norm {
        Norm::Model2vec => {
            let squares: Vec<f32> = row.iter().map(|x| x * x).collect();
            pairwise(&squares).sqrt() + 1e-32
        }
        Norm::SentenceTransformers => {
            let root = dot(row, row).sqrt();
            if root < 1e-12 {
                1e-12
            } else {
                root
            }
        }
    };
    row.iter().map(|x| x / n).collect()
}

/// The sum of `x` in the order of numpy's `add.reduce` along contiguous values.
pub fn pairwise(x: &[f32]) -> f32 {
    let n = x.len();
    if n < 8 {
        let mut sum = 0.0;
        for x in x {
            sum += x;
        }
        return sum;
    }
    if n > 128 {
        let mut half = n / 2;
        half -= half % 8;
        return pairwise(&x[..half]) + pairwise(&x[half..]);
    }
    let mut r = [x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]];
    let mut i = 8;
    while i < n - n % 8 {
        for j in 0..8 {
            r[j] += x[i + j];
        }
        i += 8;
    }
    let mut sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    while i < n {
        sum += x[i];
        i += 1;
    }
    sum
}
