//! Rows by id.

/// table [V, dim], ids [n] -> [n, dim]; out[r] = table[ids[r]]
pub fn gather(table: &[f32], dim: usize, ids: &[usize]) -> Vec<f32> {
    let mut out = Vec::new();
    for &id in ids {
        for c in 0..dim {
            out.push(table[id * dim + c]);
        }
    }
    out
}
