//! Bags of rows.

/// How the rows of a bag are reduced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    Sum,
    Mean,
    Max,
}

/// table [V, dim], the ids of one bag and their weights -> [dim]
///
/// Padding is excluded from sum, from mean's divisor and from max. Sum: in index order, multiply then add, from +0.
/// Mean: one division by the f32 count of entries, or by the f32 sum of their weights in index order. Max: a later value
/// replaces the current one if it is greater, or if it is NaN and the current one is not. Without entries: zeros.
pub fn bag(
    table: &[f32],
    dim: usize,
    mode: Mode,
    padding: Option<usize>,
    ids: &[usize],
    weights: Option<&[f32]>,
) -> Vec<f32> {
    let entries: Vec<usize> = (0..ids.len()).filter(|&i| Some(ids[i]) != padding).collect();
    if entries.is_empty() {
        return vec![0.0; dim];
    }
    let mut out = Vec::new();
    for c in 0..dim {
        let value = |i: usize| table[ids[i] * dim + c];
        out.push(match mode {
            Mode::Max => {
                let mut max = value(entries[0]);
                for &i in &entries[1..] {
                    if value(i) > max || (value(i).is_nan() && !max.is_nan()) {
                        max = value(i);
                    }
                }
                max
            }
            Mode::Sum | Mode::Mean => {
                let mut sum = 0.0;
                let mut divisor = 0.0;
                for &i in &entries {
                    sum += weights.map_or(value(i), |weights| value(i) * weights[i]);
                    divisor += weights.map_or(1.0, |weights| weights[i]);
                }
                if weights.is_none() {
                    divisor = entries.len() as f32;
                }
                if mode == Mode::Mean {
                    sum / divisor
                } else {
                    sum
                }
            }
        });
    }
    out
}
