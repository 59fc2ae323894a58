//! Vectors for bags.

use crate::file::{Case, File};
use crate::inputs::{ids, numbers, odd_numbers};
use crate::json::{Computed, Exact, Json};
use crate::reference::bag::{bag, Mode};
use std::ops::Range;

const ABOUT: &[&str] = &[
    "out [bags, embeddingDim] reduces the rows of table [vocabSize, embeddingDim] that each bag of ids names.",
    "The bags are the rows of ids of shape `shape` [bags, n], or begin at `offsets`;",
    "with includeLastOffset the last offset is the number of ids and begins no bag.",
    "Ids equal to paddingIdx, where given, are left out, with their weights.",
    "sum: from +0, in order, f32(acc + f32(row * weight)); mean: that / (f32 count, or f32 sum of weights);",
    "max: a later value replaces the held one if it is greater, or if it is NaN and the held one is not;",
    "nothing kept: +0. Floats are the bits of f32, eight hexadecimal digits each;",
    "in out of sum and mean 7fc00000 is any NaN. A maximum is a copy, NaNs too.",
];

const ALL: [(&str, Mode); 3] = [("sum", Mode::Sum), ("mean", Mode::Mean), ("max", Mode::Max)];
const WEIGHTED: [(&str, Mode); 2] = [ALL[0], ALL[1]];

/// The form of the bags.
#[derive(Clone)]
enum Bags {
    Rows { bags: usize, n: usize },
    Starts(Vec<usize>),
    StartsAndEnd(Vec<usize>),
}

impl Bags {
    fn ranges(&self, ids: usize) -> Vec<Range<usize>> {
        let bounds = match self {
            Bags::Rows { bags, n } => (0..=*bags).map(|b| b * n).collect(),
            Bags::Starts(starts) if starts.is_empty() => Vec::new(),
            Bags::Starts(starts) => [starts, &[ids][..]].concat(),
            Bags::StartsAndEnd(bounds) => bounds.clone(),
        };
        bounds.windows(2).map(|pair| pair[0]..pair[1]).collect()
    }

    fn write(&self, case: Case) -> Case {
        match self {
            Bags::Rows { bags, n } => case.with("shape", vec![*bags, *n]),
            Bags::Starts(starts) => case.with("offsets", starts.clone()),
            Bags::StartsAndEnd(bounds) => case
                .with("offsets", bounds.clone())
                .with("includeLastOffset", true),
        }
    }
}

struct Call<'a> {
    table: &'a [f32],
    rows: usize,
    padding: Option<usize>,
    ids: &'a [usize],
    bags: Bags,
    weights: Option<&'a [f32]>,
}

impl Call<'_> {
    fn case(&self, name: String, (word, mode): (&str, Mode)) -> Case {
        let dim = self.table.len() / self.rows;
        let out: Vec<f32> = self
            .bags
            .ranges(self.ids.len())
            .into_iter()
            .flat_map(|range| {
                let weights = self.weights.map(|weights| &weights[range.clone()]);
                bag(self.table, dim, mode, self.padding, &self.ids[range], weights)
            })
            .collect();
        let case = Case::new(format!("{name} {word}"))
            .with("mode", word)
            .with("vocabSize", self.rows)
            .with("embeddingDim", dim)
            .with("table", Exact(self.table))
            .maybe("paddingIdx", self.padding)
            .with("ids", self.ids);
        let case = self
            .bags
            .write(case)
            .maybe("perSampleWeights", self.weights.map(Exact));
        let exact: &dyn Json = &Exact(&out);
        let computed: &dyn Json = &Computed(&out);
        case.with("out", if mode == Mode::Max { exact } else { computed })
    }
}

/// A small example: the numbers 1..10 as a table of shape 5 x 2.
fn small_example(cases: &mut Vec<Case>) {
    let table: Vec<f32> = (1..=10).map(|x| x as f32).collect();
    let ids = [3, 1, 1, 1, 4, 0];
    for (name, bags) in [
        ("facts", Bags::Starts(vec![0, 0, 3, 3, 6])),
        (
            "facts includeLastOffset",
            Bags::StartsAndEnd(vec![0, 0, 3, 3, 6, 6]),
        ),
    ] {
        let call = Call {
            table: &table,
            rows: 5,
            padding: None,
            ids: &ids,
            bags,
            weights: None,
        };
        cases.extend(ALL.map(|mode| call.case(name.into(), mode)));
    }
}

/// Every mode and form, with and without padding and weights.
fn forms(cases: &mut Vec<Case>) {
    const ROWS: usize = 5;
    let ids = ids(12, ROWS);
    let weights: Vec<f32> = numbers(12).iter().map(|x| x / 3.0).collect();
    let forms = [
        ("[bags, n]", Bags::Rows { bags: 3, n: 4 }),
        ("offsets", Bags::Starts(vec![0, 1, 1, 6, 9])),
        ("last offset", Bags::StartsAndEnd(vec![0, 5, 5, 5, 11, 12])),
    ];
    for dim in [1, 5, 33] {
        let table = numbers(ROWS * dim);
        // The forms differ in TypeScript and in the iteration over bags; one width covers them all.
        let form_count = if dim == 5 { 3 } else { 1 };
        for (form, bags) in &forms[..form_count] {
            for padding in [None, Some(ids[2])] {
                let call = |weights| Call {
                    table: &table,
                    rows: ROWS,
                    padding,
                    ids: &ids,
                    bags: bags.clone(),
                    weights,
                };
                let padded = padding.map_or("", |_| " padding");
                let name = format!("D {dim} {form}{padded}");
                cases.extend(ALL.map(|mode| call(None).case(name.clone(), mode)));
                let weighted = format!("{name} weights");
                cases.extend(WEIGHTED.map(|mode| call(Some(&weights)).case(weighted.clone(), mode)));
            }
        }
    }
}

/// Bags without entries.
fn empty(cases: &mut Vec<Case>) {
    let table = odd_numbers(3 * 5);
    let mut add = |name: &str, ids: &[usize], bags: Bags| {
        let call = Call {
            table: &table,
            rows: 3,
            padding: Some(1),
            ids,
            bags,
            weights: None,
        };
        cases.extend(ALL.map(|mode| call.case(name.into(), mode)));
    };
    add("empty bags [2, 0]", &[], Bags::Rows { bags: 2, n: 0 });
    add("no bags [0, 3]", &[], Bags::Rows { bags: 0, n: 3 });
    add("no bags, no offsets", &[], Bags::Starts(vec![]));
    add("no bags, last offset", &[], Bags::StartsAndEnd(vec![0]));
    add("empty bags, offsets", &[], Bags::Starts(vec![0, 0, 0]));
    add("all padding", &[1, 1, 1, 1], Bags::Rows { bags: 2, n: 2 });
    add(
        "some bags all padding",
        &[1, 0, 1, 2, 1],
        Bags::Starts(vec![0, 1, 3, 5]),
    );
}

/// Special weights.
fn weights(cases: &mut Vec<Case>) {
    let (nan, infinity) = (f32::from_bits(0x7fc0_0001), f32::INFINITY);
    let table = numbers(4 * 6);
    let mut add = |name: &str, ids: &[usize], weights: &[f32]| {
        let call = Call {
            table: &table,
            rows: 4,
            padding: Some(1),
            ids,
            bags: Bags::Rows {
                bags: 1,
                n: ids.len(),
            },
            weights: Some(weights),
        };
        cases.extend(WEIGHTED.map(|mode| call.case(format!("weights {name}"), mode)));
    };
    add(
        "of padding are ignored",
        &[1, 0, 1, 2],
        &[nan, 0.5, infinity, 0.25],
    );
    add("of nothing but padding", &[1, 1], &[nan, nan]);
    add("that cancel", &[0, 2, 3], &[1.5, -1.0, -0.5]);
    add("negative", &[0, 2, 3], &[-0.1, -0.2, -0.7]);
    add("zero", &[0, 2], &[0.0, 0.0]);
    add("infinite", &[0, 2], &[infinity, 1.0]);
    add("NaN", &[0, 2], &[1.0, nan]);
    add("whose order counts", &[0, 2, 3, 0], &[1.0, 1e8, -1e8, 1e-3]);
}

/// Sums that reveal their order, initial value and rounding.
fn roundings(cases: &mut Vec<Case>) {
    let half_bit = 1.0 / 16_777_216.0;
    let x = 1.0 + 1.0 / 4096.0;
    let large = f32::MAX;
    let table = [-0.0, 1.0, half_bit, -1.0, x, large, -large, 0.1];
    let mut add = |name: &str, ids: &[usize], weights: Option<&[f32]>| {
        let call = Call {
            table: &table,
            rows: table.len(),
            padding: None,
            ids,
            bags: Bags::Rows {
                bags: 1,
                n: ids.len(),
            },
            weights,
        };
        match weights {
            None => cases.extend(ALL.map(|mode| call.case(name.into(), mode))),
            Some(_) => cases.extend(WEIGHTED.map(|mode| call.case(name.into(), mode))),
        }
    };
    add("minus zero alone", &[0], None);
    add("one and two half bits", &[1, 2, 2], None);
    add("two half bits and one", &[2, 2, 1], None);
    add("multiplied, then added", &[3, 4], Some(&[1.0, x]));
    add("beyond the largest", &[5, 5, 6], None);
    add("49 tenths", &[7; 49], None);
    add("weight minus zero", &[1], Some(&[-0.0]));
}

/// The maximum keeps its first NaN and its first zero. Each column is one case of five rows.
fn maximum(cases: &mut Vec<Case>) {
    let (nan, other) = (f32::from_bits(0x7fc0_0001), f32::from_bits(0xffc0_0002));
    let low = f32::NEG_INFINITY;
    let table = [
        [1.0, nan, 0.0, -0.0, low, low, 3.0, 1.0, low],
        [nan, 2.0, -0.0, 0.0, low, 5.0, 2.0, 1.0, nan],
        [2.0, other, 0.0, -0.0, low, nan, 4.0, 1.0, low],
        [other, 9.0, -0.0, 0.0, low, 7.0, 4.0, 1.0, other],
        [3.0, 1.0, -0.0, 0.0, low, low, -4.0, 1.0, low],
    ]
    .concat();
    for (name, padding, ids) in [
        ("stories", None, vec![0, 1, 2, 3, 4]),
        ("stories backwards", None, vec![4, 3, 2, 1, 0]),
        ("stories padding", Some(1), vec![1, 0, 2, 1, 3, 4]),
    ] {
        let call = Call {
            table: &table,
            rows: 5,
            padding,
            ids: &ids,
            bags: Bags::Rows {
                bags: 1,
                n: ids.len(),
            },
            weights: None,
        };
        cases.extend(ALL.map(|mode| call.case(name.into(), mode)));
    }
}

/// Many ids in one bag, and special values in wide rows.
fn large(cases: &mut Vec<Case>) {
    let table = numbers(9 * 3);
    let many = ids(700, 9);
    let call = Call {
        table: &table,
        rows: 9,
        padding: Some(4),
        ids: &many,
        bags: Bags::Starts(vec![0, 1, 257, 257]),
        weights: None,
    };
    cases.extend(ALL.map(|mode| call.case("700 ids".into(), mode)));
    let odd = odd_numbers(5 * 37);
    let few = [0, 3, 1, 4, 2, 2];
    let call = Call {
        table: &odd,
        rows: 5,
        padding: None,
        ids: &few,
        bags: Bags::Starts(vec![0, 1, 3]),
        weights: None,
    };
    cases.extend(ALL.map(|mode| call.case("odd values D 37".into(), mode)));
}

/// bag.json
pub fn file() -> File {
    let mut cases = Vec::new();
    for part in [small_example, forms, empty, weights, roundings, maximum, large] {
        part(&mut cases);
    }
    File::new("bag.json", ABOUT, cases)
}
