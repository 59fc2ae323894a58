//! Rotary positions.

use crate::file::{Case, File};
use crate::inputs::{ids, numbers};
use crate::json::{Computed, Exact};
use crate::reference::rotary::{rotate, Pairs};
use crate::reference::sinusoid::Sinusoid;

const ABOUT: &[&str] = &[
    "x [shape] with rows of headDim values, of which rotaryDim are rotated in pairs by the angles p w_i;",
    "w_i = base^(-2i/rotaryDim); layout halves: (x[i], x[i + rotaryDim/2]), interleaved: (x[2i], x[2i + 1]);",
    "p is startPos + s, or positionIds (of shape positionShape), or s; heads share positions.",
    "out [shape]; inverse: the inverse rotation. Floats are the bits of f32, eight hexadecimal digits each.",
];

const POSITIONS: usize = 9;

/// Which positions a call has.
#[derive(Clone, Copy)]
enum Taken {
    Plain,
    From(usize),
    Seq,
    All,
}

struct Rotary {
    /// [seq, D], [batch, seq, D] or [batch, heads, seq, D]
    shape: Vec<usize>,
    turned: usize,
    base: f64,
    pairs: Pairs,
    taken: Taken,
    inverse: bool,
}

impl Rotary {
    fn new(shape: &[usize], turned: usize, pairs: Pairs) -> Self {
        Rotary {
            shape: shape.to_vec(),
            turned,
            base: 10_000.0,
            pairs,
            taken: Taken::Plain,
            inverse: false,
        }
    }

    fn case(&self, name: String) -> Case {
        let [dim, seq] = [1, 2].map(|axis| self.shape[self.shape.len() - axis]);
        let heads = if self.shape.len() == 4 { self.shape[1] } else { 1 };
        let batch = if self.shape.len() == 2 { 1 } else { self.shape[0] };
        let x = numbers(self.shape.iter().product());
        let encoding = Sinusoid::new(self.turned, self.base, true);
        let (list, shape) = match self.taken {
            Taken::Seq => (Some(ids(seq, POSITIONS)), Some(vec![seq])),
            Taken::All => (Some(ids(batch * seq, POSITIONS)), Some(vec![batch, seq])),
            _ => (None, None),
        };
        let start = match self.taken {
            Taken::From(start) => Some(start),
            _ => None,
        };
        let position = |r: usize| {
            let place = r / (heads * seq) * seq + r % seq;
            match &list {
                Some(list) => list[place % list.len()],
                None => start.unwrap_or(0) + r % seq,
            }
        };
        let out = rotate(&x, dim, self.pairs, self.inverse, |r| {
            let mut sines = encoding.row(position(r) as u64);
            let cosines = sines.split_off(self.turned / 2);
            (sines, cosines)
        });
        let layout = match self.pairs {
            Pairs::Halves => "halves",
            Pairs::Interleaved => "interleaved",
        };
        Case::new(name)
            .with("headDim", dim)
            .with("rotaryDim", self.turned)
            .with("maxSeqLength", POSITIONS)
            .with("base", self.base)
            .with("layout", layout)
            .with("x", Exact(&x))
            .with("shape", &self.shape[..])
            .maybe("startPos", start)
            .maybe("positionIds", list)
            .maybe("positionShape", shape)
            .with("inverse", self.inverse)
            .with("out", Computed(&out))
    }
}

/// rotary.json
pub fn file() -> File {
    let mut cases = Vec::new();
    for (layout, pairs) in [("halves", Pairs::Halves), ("interleaved", Pairs::Interleaved)] {
        for (dim, turned) in [(2, 2), (6, 6), (8, 4), (33, 32), (17, 10)] {
            let case = Rotary::new(&[2, 3, dim], turned, pairs).case(format!("{layout} {turned} of {dim}"));
            cases.push(case);
        }
        for shape in [&[4, 6][..], &[1, 6], &[2, 2, 3, 6], &[0, 6], &[2, 0, 3, 6]] {
            cases.push(Rotary::new(shape, 6, pairs).case(format!("{layout} shape {shape:?}")));
        }
        for (which, taken) in [
            ("startPos 5", Taken::From(5)),
            ("positionIds [seq]", Taken::Seq),
            ("positionIds [batch, seq]", Taken::All),
        ] {
            let rotary = Rotary {
                taken,
                ..Rotary::new(&[2, 2, 3, 6], 6, pairs)
            };
            cases.push(rotary.case(format!("{layout} {which}")));
        }
        let rotary = Rotary {
            inverse: true,
            base: 500_000.0,
            ..Rotary::new(&[2, 3, 12], 8, pairs)
        };
        cases.push(rotary.case(format!("{layout} inverse")));
    }
    File::new("rotary.json", ABOUT, cases)
}
