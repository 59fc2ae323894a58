//! Vectors for the fused layer.

use crate::file::{Case, File};
use crate::inputs::{ids, numbers, odd_numbers};
use crate::json::Exact;
use crate::positions::{calls, write_dropout, Kind, Outs, Positions, Selection, SINUSOIDAL};
use crate::reference::embed::embed;

const ABOUT: &[&str] = &[
    "x = row of token [vocabSize, embeddingDim]; if scale x = f32(x * f32(sqrt(embeddingDim))); x = f32(x + pe); dropout last.",
    "pe: positional sinusoidal (base, layout), learned (positions [maxSeqLength, embeddingDim]), or absent: none;",
    "its rows are startPos + s, or positionIds (of shape positionShape), or s.",
    "out: one result [shape + embeddingDim]; with dropout three, of the training calls 0, 1 and 2.",
    "seed is decimal digits; floats are the bits of f32, eight hexadecimal digits each; in out 7fc00000 is any NaN.",
];

const VOCABULARY: usize = 4;
const POSITIONS: usize = 7;

struct Layer {
    token: Vec<f32>,
    shape: Vec<usize>,
    scale: bool,
    positions: Positions,
    dropout: Option<(f64, u64)>,
}

impl Layer {
    fn new(dim: usize, kind: Kind) -> Self {
        Self {
            token: numbers(VOCABULARY * dim),
            shape: vec![2, 3],
            scale: false,
            positions: Positions {
                kind,
                rows: POSITIONS,
                dim,
                selection: Selection::Plain,
            },
            dropout: None,
        }
    }

    fn case(&self, name: String) -> Case {
        let (seq, dim) = (self.shape[self.shape.len() - 1], self.positions.dim);
        let batch = self.shape[..self.shape.len() - 1].iter().product();
        let ids = ids(batch * seq, VOCABULARY);
        let (table, selection) = (self.positions.table(), self.positions.of_rows(batch, seq));
        let pe = (self.positions.kind != Kind::None).then_some((&table[..], &selection[..]));
        let scale = self.scale.then_some((dim as f64).sqrt() as f32);
        let calls = calls(self.dropout);
        let outs = Outs {
            values: calls
                .iter()
                .map(|&drop| embed(&self.token, dim, &ids, scale, pe, drop))
                .collect(),
            copied: !self.scale && pe.is_none() && self.dropout.is_none(),
        };
        let case = Case::new(name)
            .with("vocabSize", VOCABULARY)
            .with("embeddingDim", dim)
            .with("token", Exact(&self.token))
            .with("ids", ids)
            .with("shape", &self.shape[..])
            .with("scale", self.scale);
        write_dropout(self.positions.write(case, batch, seq), self.dropout).with("out", outs)
    }
}

/// layer.json
pub fn file() -> File {
    const KINDS: [(&str, Kind); 3] = [
        ("none", Kind::None),
        ("sinusoidal", SINUSOIDAL),
        ("learned", Kind::Learned),
    ];
    let mut cases = Vec::new();
    for (name, kind) in KINDS {
        for dim in [1, 6, 33] {
            for scale in [false, true] {
                let layer = Layer {
                    scale,
                    ..Layer::new(dim, kind)
                };
                let scaled = if scale { " scale" } else { "" };
                cases.push(layer.case(format!("{name} D {dim}{scaled}")));
            }
        }
        let odd = Layer {
            token: odd_numbers(VOCABULARY * 13),
            ..Layer::new(13, kind)
        };
        cases.push(odd.case(format!("{name} odd values")));
        let scaled = Layer { scale: true, ..odd };
        cases.push(scaled.case(format!("{name} odd values scale")));
        for (p, seed, scale) in [(0.1, 7, true), (0.5, (1 << 53) - 1, false), (0.9, u64::MAX, true)] {
            let layer = Layer {
                dropout: Some((p, seed)),
                scale,
                ..Layer::new(11, kind)
            };
            cases.push(layer.case(format!("{name} dropout {p}")));
        }
        for shape in [&[4][..], &[1], &[0], &[2, 0], &[3, 1]] {
            let layer = Layer {
                shape: shape.to_vec(),
                ..Layer::new(5, kind)
            };
            cases.push(layer.case(format!("{name} shape {shape:?}")));
        }
    }
    for (name, kind) in &KINDS[1..] {
        let selection = [
            ("startPos 4", Selection::From(4)),
            ("startPos, last", Selection::From(POSITIONS - 3)),
            ("positionIds [seq]", Selection::Seq),
            ("positionIds [batch, seq]", Selection::All),
        ];
        for (which, selection) in selection {
            for (dim, dropout) in [(5, None), (10, Some((0.3, 7)))] {
                let plain = Layer::new(dim, *kind);
                let layer = Layer {
                    positions: Positions {
                        selection,
                        ..plain.positions
                    },
                    dropout,
                    scale: true,
                    ..plain
                };
                let dropped = dropout.map_or("", |_| " dropout");
                cases.push(layer.case(format!("{name} {which}{dropped}")));
            }
        }
    }
    for (base, layout) in [(10_000.0, "halves"), (500.5, "interleaved"), (1e12, "halves")] {
        let layer = Layer::new(7, Kind::Sinusoidal { base, layout });
        cases.push(layer.case(format!("sinusoidal {layout} base {base}")));
    }
    File::new("layer.json", ABOUT, cases)
}
