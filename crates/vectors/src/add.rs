//! Vectors for adding positions.

use crate::file::{Case, File};
use crate::inputs::{numbers, odd_numbers};
use crate::json::Exact;
use crate::positions::{calls, write_dropout, Kind, Outs, Positions, Selection, SINUSOIDAL};
use crate::reference::position::add_positions;

const ABOUT: &[&str] = &[
    "x [shape] becomes f32(x + pe), then dropout.",
    "pe: positional sinusoidal (base, layout) or learned (positions [maxSeqLength, embeddingDim]);",
    "its rows are startPos + s, or positionIds (of shape positionShape), or s.",
    "out: one result [shape]; with dropout three, of the training calls 0, 1 and 2.",
    "seed is decimal digits; floats are the bits of f32, eight hexadecimal digits each; in out 7fc00000 is any NaN.",
];

const POSITIONS: usize = 7;

struct Add {
    /// [batch..., seq, dim]. seq and dim are not 0.
    shape: Vec<usize>,
    odd: bool,
    positions: Positions,
    dropout: Option<(f64, u64)>,
}

impl Add {
    fn new(shape: &[usize], kind: Kind) -> Self {
        Self {
            shape: shape.to_vec(),
            odd: false,
            positions: Positions {
                kind,
                rows: POSITIONS,
                dim: shape[shape.len() - 1],
                selection: Selection::Plain,
            },
            dropout: None,
        }
    }

    fn case(&self, name: String) -> Case {
        let (dim, seq) = (self.positions.dim, self.shape[self.shape.len() - 2]);
        let batch = self.shape[..self.shape.len() - 2].iter().product();
        let n = batch * seq * dim;
        let x = if self.odd { odd_numbers(n) } else { numbers(n) };
        let (table, selection) = (self.positions.table(), self.positions.of_rows(batch, seq));
        let calls = calls(self.dropout);
        let outs = Outs {
            values: calls
                .iter()
                .map(|&drop| add_positions(&x, dim, &table, |r| selection[r], drop))
                .collect(),
            copied: false,
        };
        let case = Case::new(name)
            .with("embeddingDim", dim)
            .with("x", Exact(&x))
            .with("shape", &self.shape[..]);
        write_dropout(self.positions.write(case, batch, seq), self.dropout).with("out", outs)
    }
}

/// add.json
pub fn file() -> File {
    let mut cases = Vec::new();
    for (name, kind) in [("sinusoidal", SINUSOIDAL), ("learned", Kind::Learned)] {
        for dim in [1, 2, 6, 33] {
            cases.push(Add::new(&[2, 3, dim], kind).case(format!("{name} D {dim}")));
        }
        for shape in [
            &[4, 5][..],
            &[1, 1],
            &[1, 7, 3],
            &[3, 1, 4],
            &[0, 4],
            &[2, 0, 4],
            &[0, 3, 4],
        ] {
            cases.push(Add::new(shape, kind).case(format!("{name} shape {shape:?}")));
        }
        let odd = Add {
            odd: true,
            ..Add::new(&[2, 3, 17], kind)
        };
        cases.push(odd.case(format!("{name} odd values")));
        let selection = [
            ("startPos 4", Selection::From(4)),
            ("startPos, last", Selection::From(POSITIONS - 3)),
            ("positionIds [seq]", Selection::Seq),
            ("positionIds [batch, seq]", Selection::All),
        ];
        for (which, selection) in selection {
            let plain = Add::new(&[2, 3, 7], kind);
            let add = Add {
                positions: Positions {
                    selection,
                    ..plain.positions
                },
                ..plain
            };
            cases.push(add.case(format!("{name} {which}")));
        }
    }
    for (base, layout) in [(10_000.0, "halves"), (500.5, "interleaved"), (1e12, "halves")] {
        let add = Add::new(&[2, 3, 7], Kind::Sinusoidal { base, layout });
        cases.push(add.case(format!("sinusoidal {layout} base {base}")));
    }
    for (p, seed) in [(0.1, 7), (0.5, (1 << 53) - 1), (0.9, u64::MAX)] {
        for selection in [Selection::Plain, Selection::From(2), Selection::All] {
            let plain = Add::new(&[2, 3, 11], SINUSOIDAL);
            let add = Add {
                positions: Positions {
                    selection,
                    ..plain.positions
                },
                dropout: Some((p, seed)),
                ..plain
            };
            let which = match selection {
                Selection::From(_) => " startPos",
                Selection::All => " positionIds",
                _ => "",
            };
            cases.push(add.case(format!("sinusoidal dropout {p}{which}")));
        }
    }
    File::new("add.json", ABOUT, cases)
}
