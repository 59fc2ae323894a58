//! Positions and dropout: the parts that `layer` and `add` cases share.

use crate::file::Case;
use crate::inputs::{ids, others};
use crate::json::{Computed, Exact, Json, Wide};
use crate::reference::position::Drop;
use crate::reference::sinusoid::Sinusoid;

/// The kind of positions.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    None,
    Sinusoidal { base: f64, layout: &'static str },
    Learned,
}

/// The common encoding.
pub const SINUSOIDAL: Kind = Kind::Sinusoidal {
    base: 10_000.0,
    layout: "interleaved",
};

/// How rows of the position table are selected.
#[derive(Clone, Copy)]
pub enum Selection {
    /// 0, 1, ... in every sequence.
    Plain,
    /// startPos, startPos + 1, ...
    From(usize),
    /// positionIds [seq]
    Seq,
    /// positionIds [batch, seq]
    All,
}

/// The positions of a case.
#[derive(Clone, Copy)]
pub struct Positions {
    pub kind: Kind,
    pub rows: usize,
    pub dim: usize,
    pub selection: Selection,
}

impl Positions {
    /// The position table, [rows, dim].
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
        match self.selection {
            Selection::Plain | Selection::From(_) => None,
            Selection::Seq => Some(ids(seq, self.rows)),
            Selection::All => Some(ids(batch * seq, self.rows)),
        }
    }

    /// The table row of each of the batch * seq rows of the result.
    pub fn of_rows(&self, batch: usize, seq: usize) -> Vec<usize> {
        let ids = self.ids(batch, seq);
        (0..batch * seq)
            .map(|r| match (self.selection, &ids) {
                (Selection::Seq, Some(ids)) => ids[r % seq],
                (Selection::All, Some(ids)) => ids[r],
                (Selection::From(start), _) => start + r % seq,
                _ => r % seq,
            })
            .collect()
    }

    /// Adds the fields to a case.
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
        let start = match self.selection {
            Selection::From(start) => Some(start),
            _ => None,
        };
        let shape = match self.selection {
            Selection::Seq => Some(vec![seq]),
            Selection::All => Some(vec![batch, seq]),
            _ => None,
        };
        case.maybe("startPos", start)
            .maybe("positionIds", self.ids(batch, seq))
            .maybe("positionShape", shape)
    }
}

/// Adds dropout and its seed to a case.
pub fn write_dropout(case: Case, dropout: Option<(f64, u64)>) -> Case {
    let Some((p, seed)) = dropout else { return case };
    case.with("dropout", p).with("seed", Wide(seed))
}

/// The calls of a case: three training calls with dropout, or one call without.
pub fn calls(dropout: Option<(f64, u64)>) -> Vec<Option<Drop>> {
    match dropout {
        Some((p, seed)) => (0..3).map(|call| Some(Drop { p, seed, call })).collect(),
        None => vec![None],
    }
}

/// The results of the calls.
pub struct Outs {
    pub values: Vec<Vec<f32>>,
    /// Whether rows were only copied, so that NaNs are exact.
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
