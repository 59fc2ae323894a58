//! Vectors for losses.

use crate::file::{Case, File};
use crate::inputs::{numbers, odd_numbers};
use crate::json::{Computed, Double, Exact};
use crate::reference::loss::{binary_cross_entropy, cross_entropy, squared_error, Loss};

const ABOUT: &[&str] = &[
    "loss and gradient of scores x [rows, columns]; N is count for the mean, 1 for the sum. All arithmetic is f64.",
    "crossEntropy: z = x_j - max; others = the sum of e^z_j without the first maximum; p = 1 / (1 + others).",
    "loss ln(1 + others) - z_t; gradient e^z_j (p / N); of t: (0 - others p) / N if x_t = max, else (e^z_t p - 1) / N.",
    "targets: t for each row, 0 without them; rows whose target is ignoreIndex get +0 and do not count.",
    "binaryCrossEntropy: e = e^-|s|, q = e / (1 + e); loss max(s, 0) - s y + ln(1 + e), -Infinity times 0 is 0;",
    "gradient ((1 - y) - q) (1 / N) for s >= 0, else (q - y) (1 / N). labels: y; else 1 for the first of each row, or 0.",
    "meanSquaredError: loss (x - labels)^2; gradient (x - labels) (2 / N).",
    "Sums of terms: in blocks of 1024, 8 lanes each (lane c mod 8), added as a tree; over the blocks of a row one after",
    "the other; over rows, or blocks of elements, as a compensated sum. loss = that / N. gradient is rounded to f32.",
    "Floats are the bits of f32, eight hexadecimal digits each, the loss those of an f64; 7fc00000 and 7ff8000000000000",
    "are any NaN.",
];

const IGNORED: i32 = -100;

struct Call<'a> {
    kind: &'a str,
    columns: usize,
    x: &'a [f32],
    sum: bool,
}

impl Call<'_> {
    fn case(&self, name: &str, targets: Option<&[i32]>, labels: Option<&[f32]>) -> Case {
        let rows = self.x.len() / self.columns;
        let kept: Vec<Option<usize>> = match targets {
            None => vec![Some(0); rows],
            Some(targets) => targets.iter().map(|&t| usize::try_from(t).ok()).collect(),
        };
        let count = match self.kind {
            "crossEntropy" => kept.iter().flatten().count(),
            _ => self.x.len(),
        };
        let n = if self.sum { 1 } else { count.max(1) } as f64;
        let first = |i: usize| if i.is_multiple_of(self.columns) { 1.0 } else { 0.0 };
        let default: Vec<f32> = (0..self.x.len()).map(first).collect();
        let wanted = labels.unwrap_or(&default);
        let Loss { total, gradient } = match self.kind {
            "crossEntropy" => cross_entropy(self.x, self.columns, &kept, n),
            "binaryCrossEntropy" => binary_cross_entropy(self.x, wanted, n),
            _ => squared_error(self.x, wanted, n),
        };
        let reduction = if self.sum { "sum" } else { "mean" };
        let ignored = targets.is_some_and(|targets| targets.contains(&IGNORED));
        Case::new(format!("{} {name} {reduction}", self.kind))
            .with("kind", self.kind)
            .with("columns", self.columns)
            .with("reduction", reduction)
            .with("x", Exact(self.x))
            .maybe("targets", targets)
            .maybe("ignoreIndex", ignored.then_some(IGNORED))
            .maybe("labels", labels.map(Exact))
            .with("count", count)
            .with("loss", Double(total / n))
            .with("gradient", Computed(&gradient))
    }
}

fn targets(rows: usize, columns: usize) -> Vec<i32> {
    (0..rows).map(|r| (r * 5 % columns) as i32).collect()
}

/// loss.json
pub fn file() -> File {
    let mut cases = Vec::new();
    let kinds = ["crossEntropy", "binaryCrossEntropy", "meanSquaredError"];
    for sum in [false, true] {
        for columns in [1, 2, 6, 8, 9, 33] {
            let rows = 3;
            let (x, labels) = (
                numbers(rows * columns),
                numbers(rows * columns + 50)[50..].to_vec(),
            );
            for kind in kinds {
                let (x, name) = (&x[..], format!("{rows} x {columns}"));
                let call = Call {
                    kind,
                    columns,
                    x,
                    sum,
                };
                if kind != "meanSquaredError" {
                    cases.push(call.case(&format!("{name} defaults"), None, None));
                }
                match kind {
                    "crossEntropy" => {
                        let mut all = targets(rows, columns);
                        cases.push(call.case(&name, Some(&all), None));
                        all[1] = IGNORED;
                        cases.push(call.case(&format!("{name} ignored"), Some(&all), None));
                    }
                    _ => cases.push(call.case(&name, None, Some(&labels))),
                }
            }
        }
    }
    for kind in kinds {
        let x = odd_numbers(16 * 4);
        let call = Call {
            kind,
            columns: 4,
            x: &x,
            sum: false,
        };
        let labels: Vec<f32> = (0..x.len()).map(|i| (i % 3) as f32 / 2.0).collect();
        let labels = (kind != "crossEntropy").then_some(&labels[..]);
        cases.push(call.case("special values", None, labels));
        // More than a block, in rows and in elements.
        let x: Vec<f32> = numbers(1100).iter().map(|x| x * 3.0).collect();
        let call = Call {
            kind,
            columns: 1100,
            x: &x,
            sum: false,
        };
        let halves = vec![0.5; x.len()];
        let (target, labels) = match kind {
            "crossEntropy" => (Some(&[700][..]), None),
            _ => (None, Some(&halves[..])),
        };
        cases.push(call.case("a wide row", target, labels));
    }
    let x = [-40.0, 3.25, -37.0, 3.25, -80.0, 3.0];
    let certain = Call {
        kind: "crossEntropy",
        columns: 3,
        x: &x,
        sum: false,
    };
    cases.push(certain.case("almost certain", Some(&[1, 0]), None));
    cases.push(certain.case("nothing kept", Some(&[IGNORED, IGNORED]), None));
    File::new("loss.json", ABOUT, cases)
}
