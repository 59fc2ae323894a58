//! Rotary positions: pairs of columns, rotated by the angle of the row's position.

/// How the columns of a row are paired.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pairs {
    /// `(x[i], x[i + R/2])`
    Halves,
    /// `(x[2 i], x[2 i + 1])`
    Interleaved,
}

/// x [rows, dim], for each row the sines and cosines of its R/2 angles -> [rows, dim]
///
/// a' = f32(f32(a c) - f32(b s)); b' = f32(f32(b c) + f32(a s)); inverse: -s. Columns from R on are copied.
pub fn rotate(
    x: &[f32],
    dim: usize,
    pairs: Pairs,
    inverse: bool,
    angles: impl Fn(usize) -> (Vec<f32>, Vec<f32>),
) -> Vec<f32> {
    let mut out = x.to_vec();
    for (r, row) in out.chunks_exact_mut(dim).enumerate() {
        let (sines, cosines) = angles(r);
        for i in 0..sines.len() {
            let (a, b) = match pairs {
                Pairs::Halves => (i, i + sines.len()),
                Pairs::Interleaved => (2 * i, 2 * i + 1),
            };
            let (s, c) = (if inverse { -sines[i] } else { sines[i] }, cosines[i]);
            (row[a], row[b]) = (row[a] * c - row[b] * s, row[b] * c + row[a] * s);
        }
    }
    out
}
