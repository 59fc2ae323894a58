//! What layers add to rows: the part of a case that `layer` and `add` share.

use crate::file::Case;
use crate::inputs::{ids, others};
use crate::json::{Computed, Exact, Json, Wide};
use crate::reference::position::Drop;
use crate::reference::sinusoid::Sinusoid;

/// What is added.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    None,
    Sinusoidal { base: f64, layout: &'static str },
    Learned,
}

/// The encoding that people use.
pub const SINUSOIDAL: Kind = Kind::Sinusoidal {
    base: 10_000.0,
    layout: "interleaved",
};

/// Which rows of the table of positions are taken.
#[derive(Clone, Copy)]
pub enum Taken {
    /// 0, 1, ... in every sequence.
    Plain,
    /// startPos, startPos + 1, ...
    From(usize),
    /// positionIds [seq]
    Seq,
    /// positionIds [batch, seq]
    All,
}

/// Positions of a call over `batch` sequences of `seq` rows of `dim`.
#[derive(Clone, Copy)]
pub struct Positions {
    pub kind: Kind,
    pub rows: usize,
    pub dim: usize,
    pub taken: Taken,
}

impl Positions {
    /// The table of positions, [rows, dim].
    pub fn table(&self) -> Vec<f32> {
        match self.kind {
            Kind::None => Vec::new(),
            Kind::Learned => others(self.rows * self.dim),
            Kind::Sinusoidal { base, layout } => {
                let encoding = Sinusoid::new(self.dim, base, layout == "halves");
                (0..self.rows as u64).flat_map(|p| encoding.row(p)).collect()
            }
        }
    }

    /// positionIds, if there are any.
    fn ids(&self, batch: usize, seq: usize) -> Option<Vec<usize>> {
        match self.taken {
            Taken::Plain | Taken::From(_) => None,
            Taken::Seq => Some(ids(seq, self.rows)),
            Taken::All => Some(ids(batch * seq, self.rows)),
        }
    }

    /// The row of the table for each of the batch * seq rows of the result.
    pub fn of_rows(&self, batch: usize, seq: usize) -> Vec<usize> {
        let ids = self.ids(batch, seq);
        (0..batch * seq)
            .map(|r| match (self.taken, &ids) {
                (Taken::Seq, Some(ids)) => ids[r % seq],
                (Taken::All, Some(ids)) => ids[r],
                (Taken::From(start), _) => start + r % seq,
                _ => r % seq,
            })
            .collect()
    }

    /// The fields of a case.
    pub fn write(&self, case: Case, batch: usize, seq: usize) -> Case {
        let sizes =
            |case: Case, name: &'static str| case.with("positional", name).with("maxSeqLength", self.rows);
        let case = match self.kind {
            Kind::None => return case,
            Kind::Sinusoidal { base, layout } => sizes(case, "sinusoidal")
                .with("base", base)
                .with("layout", layout),
            Kind::Learned => sizes(case, "learned").with("positions", Exact(&self.table())),
        };
        let start = match self.taken {
            Taken::From(start) => Some(start),
            _ => None,
        };
        let shape = match self.taken {
            Taken::Seq => Some(vec![seq]),
            Taken::All => Some(vec![batch, seq]),
            _ => None,
        };
        case.maybe("startPos", start)
            .maybe("positionIds", self.ids(batch, seq))
            .maybe("positionShape", shape)
    }
}

/// Dropout with its seed; the fields of a case.
pub fn write_dropout(case: Case, dropout: Option<(f64, u64)>) -> Case {
    let Some((p, seed)) = dropout else { return case };
    case.with("dropout", p).with("seed", Wide(seed))
}

/// The calls of a case: three of training where there is dropout, else one.
pub fn calls(dropout: Option<(f64, u64)>) -> Vec<Option<Drop>> {
    match dropout {
        Some((p, seed)) => (0..3).map(|call| Some(Drop { p, seed, call })).collect(),
        None => vec![None],
    }
}

/// The results of the calls.
pub struct Outs {
    pub values: Vec<Vec<f32>>,
    /// Whether rows were only copied: then NaNs are exact.
    pub copied: bool,
}

impl Json for Outs {
    fn json(&self) -> String {
        let out = |values: &Vec<f32>| match self.copied {
            true => Exact(values).json(),
            false => Computed(values).json(),
        };
        format!("[{}]", self.values.iter().map(out).collect::<Vec<_>>().join(","))
    }
}
