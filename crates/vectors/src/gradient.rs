//! Vectors for backward passes of lookups, positions and layers.

use crate::file::{Case, File};
use crate::inputs::{ids, numbers, odd_numbers};
use crate::json::{Computed, Exact};
use crate::positions::{write_dropout, Kind, Positions, Selection, SINUSOIDAL};
use crate::reference::gradient::{by_freq, scaled, undropped, Gradient};
use crate::reference::position::Drop;

const ABOUT: &[&str] = &[
    "The gradient of a table: `rows`, ascending, and `values` [rows, embeddingDim]. The first contribution to a row is",
    "stored, each later one is added: g = f32(g + c), in flat order. There is none to paddingIdx.",
    "lookup: backward(ids, gradOutput) in calls of `calls` ids each; with scaleGradByFreq c is f32(c / count), where count",
    "is the number of contributions to the row in the call.",
    "positions: gradOutput of shape `shape` + [embeddingDim] is the contribution to the rows of learned positions.",
    "layer: d = +0 where training call `call` dropped the element, else f32(g / f32(1 - dropout)). Positions receive d,",
    "positionRows and positionValues if they are learned; tokens receive d, with scale f32(d * f32(sqrt(embeddingDim))).",
    "seed is decimal digits; floats are the bits of f32, eight hexadecimal digits each; in values 7fc00000 is any NaN,",
    "except where `exact` is true: then no row has two contributions, and NaNs are copies.",
];

const VOCABULARY: usize = 6;
const POSITIONS: usize = 7;

/// Adds the rows and the values of a gradient to a case.
fn write(case: Case, [rows, values]: [&'static str; 2], gradient: &Gradient, exact: bool) -> Case {
    let case = case.with(rows, gradient.rows());
    match exact {
        true => case.with(values, Exact(&gradient.values())),
        false => case.with(values, Computed(&gradient.values())),
    }
}

const OF_TABLE: [&str; 2] = ["rows", "values"];

struct Lookup {
    dim: usize,
    ids: Vec<usize>,
    calls: Vec<usize>,
    grad: Vec<f32>,
    padding: Option<usize>,
    freq: bool,
}

impl Lookup {
    fn new(dim: usize, count: usize) -> Self {
        Lookup {
            dim,
            ids: ids(count, VOCABULARY),
            calls: vec![count],
            grad: numbers(count * dim),
            padding: None,
            freq: false,
        }
    }

    fn case(&self, name: String) -> Case {
        let (mut gradient, mut first) = (Gradient::default(), 0);
        for &count in &self.calls {
            let ids = &self.ids[first..first + count];
            let grad = &self.grad[first * self.dim..][..count * self.dim];
            let contributions = if self.freq {
                by_freq(ids, grad)
            } else {
                grad.to_vec()
            };
            gradient.add(ids, &contributions, self.padding);
            first += count;
        }
        let kept = self.ids.iter().filter(|&&id| self.padding != Some(id)).count();
        let exact = !self.freq && gradient.rows().len() == kept;
        let case = Case::new(name)
            .with("kind", "lookup")
            .with("vocabSize", VOCABULARY)
            .with("embeddingDim", self.dim)
            .maybe("paddingIdx", self.padding)
            .with("scaleGradByFreq", self.freq)
            .with("ids", &self.ids[..])
            .with("calls", &self.calls[..])
            .with("gradOutput", Exact(&self.grad))
            .with("exact", exact);
        write(case, OF_TABLE, &gradient, exact)
    }
}

struct Layer {
    shape: Vec<usize>,
    grad: Vec<f32>,
    padding: Option<usize>,
    scale: bool,
    positions: Positions,
    dropout: Option<Drop>,
}

impl Layer {
    fn new(dim: usize, shape: &[usize], kind: Kind) -> Self {
        Layer {
            shape: shape.to_vec(),
            grad: numbers(shape.iter().product::<usize>() * dim),
            padding: None,
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

    /// The batch and the length of a sequence.
    fn sizes(&self) -> (usize, usize) {
        let (seq, batch) = self.shape.split_last().expect("a shape");
        (batch.iter().product(), *seq)
    }

    fn of_positions(&self, d: &[f32]) -> Gradient {
        let (batch, seq) = self.sizes();
        let mut gradient = Gradient::default();
        gradient.add(&self.positions.of_rows(batch, seq), d, None);
        gradient
    }

    fn positions_case(&self, name: String) -> Case {
        let (batch, seq) = self.sizes();
        let case = Case::new(name)
            .with("kind", "positions")
            .with("embeddingDim", self.positions.dim)
            .with("shape", &self.shape[..])
            .with("gradOutput", Exact(&self.grad))
            .with("exact", false);
        let case = self.positions.write(case, batch, seq);
        write(case, OF_TABLE, &self.of_positions(&self.grad), false)
    }

    fn case(&self, name: String) -> Case {
        let ((batch, seq), dim) = (self.sizes(), self.positions.dim);
        let ids = ids(batch * seq, VOCABULARY);
        let d = undropped(&self.grad, self.dropout);
        let of_token = match self.scale {
            true => scaled(&d, (dim as f64).sqrt() as f32),
            false => d.clone(),
        };
        let mut token = Gradient::default();
        token.add(&ids, &of_token, self.padding);
        let case = Case::new(name)
            .with("kind", "layer")
            .with("vocabSize", VOCABULARY)
            .with("embeddingDim", dim)
            .maybe("paddingIdx", self.padding)
            .with("ids", ids)
            .with("shape", &self.shape[..])
            .with("scale", self.scale)
            .with("gradOutput", Exact(&self.grad))
            .with("exact", false)
            .maybe("call", self.dropout.map(|drop| drop.call));
        let case = write_dropout(
            self.positions.write(case, batch, seq),
            self.dropout.map(|drop| (drop.p, drop.seed)),
        );
        let case = write(case, OF_TABLE, &token, false);
        match self.positions.kind {
            Kind::Learned => write(
                case,
                ["positionRows", "positionValues"],
                &self.of_positions(&d),
                false,
            ),
            _ => case,
        }
    }
}

/// gradient.json
pub fn file() -> File {
    let mut cases = Vec::new();
    for dim in [1, 2, 8, 17, 33] {
        for freq in [false, true] {
            let lookup = Lookup {
                freq,
                ..Lookup::new(dim, 11)
            };
            let word = if freq { " scaleGradByFreq" } else { "" };
            cases.push(lookup.case(format!("lookup D {dim}{word}")));
            let padded = Lookup {
                padding: Some(VOCABULARY - 1),
                calls: vec![4, 0, 1, 6],
                ..lookup
            };
            cases.push(padded.case(format!("lookup D {dim} padding, four calls{word}")));
        }
        let odd = |ids: Vec<usize>| Lookup {
            grad: odd_numbers(ids.len() * dim),
            calls: vec![ids.len()],
            ids,
            ..Lookup::new(dim, 0)
        };
        cases.push(odd(vec![4, 1, 5, 0]).case(format!("lookup D {dim} odd values once")));
        cases.push(odd(ids(16, 3)).case(format!("lookup D {dim} odd values")));
    }
    cases.push(Lookup::new(3, 0).case("lookup no ids".into()));
    let only = Lookup {
        ids: vec![2; 3],
        padding: Some(2),
        ..Lookup::new(3, 3)
    };
    cases.push(only.case("lookup padding only".into()));
    let selections = [
        ("in order", Selection::Plain),
        ("startPos 4", Selection::From(4)),
        ("positionIds [seq]", Selection::Seq),
        ("positionIds [batch, seq]", Selection::All),
    ];
    for (which, selection) in selections {
        for dim in [1, 9] {
            let layer = Layer::new(dim, &[3, 3], Kind::Learned);
            let layer = Layer {
                positions: Positions {
                    selection,
                    ..layer.positions
                },
                ..layer
            };
            cases.push(layer.positions_case(format!("positions D {dim} {which}")));
        }
    }
    const KINDS: [(&str, Kind); 3] = [
        ("none", Kind::None),
        ("sinusoidal", SINUSOIDAL),
        ("learned", Kind::Learned),
    ];
    for (name, kind) in KINDS {
        for scale in [false, true] {
            for dropout in [None, Some((0.5, 7, 0)), Some((0.1, u64::MAX, 3))] {
                let layer = Layer {
                    scale,
                    padding: Some(0),
                    dropout: dropout.map(|(p, seed, call)| Drop { p, seed, call }),
                    ..Layer::new(11, &[2, 3], kind)
                };
                let scaled = if scale { " scale" } else { "" };
                let dropped =
                    dropout.map_or(String::new(), |(p, _, call)| format!(" dropout {p} call {call}"));
                cases.push(layer.case(format!("layer {name}{scaled}{dropped}")));
            }
        }
    }
    File::new("gradient.json", ABOUT, cases)
}
