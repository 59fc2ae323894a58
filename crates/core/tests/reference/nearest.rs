//! The best rows of a table for a query, and the similarity of rows.

/// The dot product in 16 lanes.
pub fn dot(x: &[f32], y: &[f32]) -> f32 {
    let mut lanes = [0.0; 16];
    for c in 0..x.len() {
        lanes[c % 16] += x[c] * y[c];
    }
    for half in [8, 4, 2, 1] {
        for j in 0..half {
            lanes[j] += lanes[j + half];
        }
    }
    lanes[0]
}

/// dot(q, r) / (sqrt(dot(q, q)) sqrt(dot(r, r))), +0 where either norm is 0
pub fn cosine(q: &[f32], r: &[f32]) -> f32 {
    let (a, b) = (dot(q, q).sqrt(), dot(r, r).sqrt());
    if a == 0.0 || b == 0.0 {
        0.0
    } else {
        dot(q, r) / (a * b)
    }
}

/// table [V, dim], queries [q, dim] -> ids [q, k], scores [q, k]
///
/// The `k` best rows of each query, best first: the greater score; of equal scores (+0 equals -0) the lower row; NaN
/// last, the lower row first.
pub fn nearest(
    table: &[f32],
    dim: usize,
    queries: &[f32],
    k: usize,
    score: impl Fn(&[f32], &[f32]) -> f32,
) -> (Vec<u32>, Vec<f32>) {
    let (mut ids, mut scores) = (Vec::new(), Vec::new());
    for query in queries.chunks(dim) {
        let mut all = Vec::new();
        for (id, row) in table.chunks(dim).enumerate() {
            all.push((id as u32, score(query, row)));
        }
        // A stable sort: rows with equal scores stay in order.
        all.sort_by(|(_, a), (_, b)| {
            let unlike = a.is_nan().cmp(&b.is_nan());
            unlike.then(b.partial_cmp(a).unwrap_or(std::cmp::Ordering::Equal))
        });
        for (id, score) in &all[..k] {
            ids.push(*id);
            scores.push(*score);
        }
    }
    (ids, scores)
}

/// a [n, dim], b [m, dim] -> [n, m]; out[i][j] = cosine(a[i], b[j])
pub fn similarity(a: &[f32], b: &[f32], dim: usize) -> Vec<f32> {
    let mut out = Vec::new();
    for a in a.chunks(dim) {
        for b in b.chunks(dim) {
            out.push(cosine(a, b));
        }
    }
    out
}
