//! Bags of rows.

/// What becomes of the rows of a bag.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    Sum,
    Mean,
    Max,
}

/// table [V, dim], the ids of one bag and their weights -> [dim]
///
/// Padding is left out of sum, of mean's divisor and of max. Sum: in index order, multiply then add, from +0.
/// Mean: one division by the f32 count kept, or by the f32 sum of kept weights in index order. Max: a later
/// value replaces the held one if it is greater, or if it is NaN and the held one is not. Nothing kept:
/// zeros.
pub fn bag(
    table: &[f32],
    dim: usize,
    mode: Mode,
    padding: Option<usize>,
    ids: &[usize],
    weights: Option<&[f32]>,
) -> Vec<f32> {
    let kept: Vec<usize> = (0..ids.len()).filter(|&i| Some(ids[i]) != padding).collect();
    if kept.is_empty() {
        return vec![0.0; dim];
    }
    let mut out = Vec::new();
    for c in 0..dim {
        let value = |i: usize| table[ids[i] * dim + c];
        out.push(match mode {
            Mode::Max => {
                let mut held = value(kept[0]);
                for &i in &kept[1..] {
                    if value(i) > held || (value(i).is_nan() && !held.is_nan()) {
                        held = value(i);
                    }
                }
                held
            }
            Mode::Sum | Mode::Mean => {
                let mut sum = 0.0;
                let mut divisor = 0.0;
                for &i in &kept {
                    sum += weights.map_or(value(i), |weights| value(i) * weights[i]);
                    divisor += weights.map_or(1.0, |weights| weights[i]);
                }
                if weights.is_none() {
                    divisor = kept.len() as f32;
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
