//! Optimizers compared with the reference, on every instruction set.

mod common;
mod reference;

use common::{bits, bits_any_nan, for_each_isa, odd_table, painted, some_ids, table, WIDTHS};
use proptest::prelude::*;
use reference::optimizer as expected;
use reference::optimizer::{Optimizer, Rule};
use std::collections::BTreeMap;
use tokenbed_core::ops::{self, add_rows, Factor, Step};
use tokenbed_core::simd::{available, detect, Isa};
use tokenbed_core::state::Update;
use tokenbed_core::{Gradient, State};

/// The kernels' form of a step.
fn step_of(optimizer: &Optimizer) -> Step {
    let Optimizer {
        lr,
        weight_decay: wd,
        products: [p1, p2],
        ..
    } = *optimizer;
    let mut step = Step {
        rule: ops::Rule::Sgd {
            momentum: None,
            nesterov: false,
        },
        weight_decay: (wd > 0.0).then_some(wd as f32),
        rate: lr as f32,
        root: 1.0,
        decay: 1.0,
    };
    match optimizer.rule {
        Rule::Sgd { momentum, nesterov } => {
            let momentum = (momentum > 0.0).then_some(momentum as f32);
            step.rule = ops::Rule::Sgd { momentum, nesterov };
        }
        Rule::Adagrad { eps, .. } => step.rule = ops::Rule::Adagrad { eps: eps as f32 },
        Rule::RowwiseAdagrad { eps, .. } => step.rule = ops::Rule::RowwiseAdagrad { eps: eps as f32 },
        Rule::Adam { betas, eps } | Rule::AdamW { betas, eps } => {
            step.rule = ops::Rule::Adam {
                betas: betas.map(|beta| beta as f32),
                rests: betas.map(|beta| (1.0 - beta) as f32),
                eps: eps as f32,
            };
            step.rate = (lr / (1.0 - p1)) as f32;
            step.root = (1.0 / (1.0 - p2).sqrt()) as f32;
            if matches!(optimizer.rule, Rule::AdamW { .. }) {
                step.weight_decay = None;
                step.decay = (1.0 - lr * wd) as f32;
            }
        }
    }
    step
}

/// A gradient with the rows `ids`, without padding; row i of `values` is the contribution to `ids[i]`.
fn gradient(isa: Isa, dim: usize, ids: &[u32], values: &[f32], padding: Option<usize>) -> Gradient {
    let mut gradient = Gradient::new(dim);
    assert!(gradient.begin(ids.len()));
    assert!(gradient.assign(ids.iter().map(|&id| id as usize), padding) && gradient.commit());
    let (slots, mut sums) = gradient.call();
    add_rows(isa, &mut sums, slots, 0..dim, values, Factor::One);
    gradient
}

/// The rows of a gradient.
fn rows_of(gradient: &Gradient) -> BTreeMap<usize, Vec<f32>> {
    let rows = gradient.rows().iter().map(|&row| row as usize);
    rows.zip(gradient.sums().chunks(gradient.dim()).map(<[f32]>::to_vec))
        .collect()
}

/// A table and the state of its rows.
struct Trained {
    table: Vec<f32>,
    state: BTreeMap<usize, Vec<f32>>,
}

/// A table with rows that have and lack state, which takes steps by the kernels and by the reference.
struct Training {
    optimizer: Optimizer,
    update: Update,
    kernels: Trained,
    state: State,
    reference: Trained,
    dim: usize,
}

impl Training {
    fn new(optimizer: Optimizer, update: Update, table: Vec<f32>, dim: usize) -> Self {
        let initial = optimizer.initial(dim);
        let rows = table.len() / dim;
        assert_eq!(step_of(&optimizer).rule.width(dim), initial.len());
        let trained = || Trained {
            table: table.clone(),
            state: BTreeMap::new(),
        };
        Training {
            optimizer,
            update,
            state: State::new(rows, dim, initial.len(), initial.first().copied().unwrap_or(0.0)),
            kernels: trained(),
            reference: trained(),
            dim,
        }
    }

    /// A step with a gradient, in `parts` parts, the last one first.
    fn step(&mut self, isa: Isa, mut gradient: Gradient, parts: usize) {
        self.optimizer.begin_step();
        let Training { update, dim, .. } = *self;
        let step = step_of(&self.optimizer);
        assert!(self.state.plan(isa, &mut gradient, update));
        let table = &self.kernels.table;
        self.kernels.table = painted(table.len(), |values| {
            values.copy_from_slice(table);
            let mut parts = self.state.parts(values, &gradient, update, parts);
            for part in parts.iter_mut().rev() {
                part.step(isa, &step);
            }
        });
        let width = self.state.width();
        let values = self.state.values();
        let state = self.state.rows();
        self.kernels.state = state
            .map(|(row, place)| (row, values[place * width..][..width].to_vec()))
            .collect();

        let (rows, zeros) = (rows_of(&gradient), vec![0.0; dim]);
        for (row, w) in self.reference.table.chunks_mut(dim).enumerate() {
            let g = match update {
                Update::AllBut(padding) if padding == Some(row) => continue,
                Update::AllBut(_) => rows.get(&row).unwrap_or(&zeros),
                Update::OfGradient => match rows.get(&row) {
                    Some(g) => g,
                    None => continue,
                },
            };
            let initial = self.optimizer.initial(dim);
            let state = self.reference.state.entry(row).or_insert(initial);
            self.optimizer.step_row(w, g, state);
        }
        if width == 0 {
            self.reference.state.clear();
        }
    }

    fn check(&self, what: &str) {
        let Training {
            kernels, reference, ..
        } = self;
        let about = || {
            format!(
                "{what}: {:?}, {:?}, {} columns",
                self.optimizer, self.update, self.dim
            )
        };
        assert!(
            bits_any_nan(&kernels.table) == bits_any_nan(&reference.table),
            "{}: table",
            about()
        );
        let rows = |trained: &Trained| trained.state.keys().copied().collect::<Vec<_>>();
        assert_eq!(rows(kernels), rows(reference), "{}: rows with state", about());
        for (row, expected) in &reference.state {
            let actual = &kernels.state[row];
            assert_eq!(
                bits_any_nan(actual),
                bits_any_nan(expected),
                "{}: row {row}",
                about()
            );
            assert!(
                actual.iter().all(|x| !x.is_subnormal()),
                "{}: subnormal state of row {row}",
                about()
            );
        }
    }
}

const BETAS: [f64; 2] = [0.9, 0.999];

/// Every rule, with options that change its formula.
fn rules() -> Vec<Optimizer> {
    let mut all = Vec::new();
    for weight_decay in [0.0, 0.01] {
        let mut add = |rule, lr| all.push(Optimizer::new(rule, weight_decay, lr));
        for (momentum, nesterov) in [(0.0, false), (0.9, false), (0.9, true)] {
            add(Rule::Sgd { momentum, nesterov }, 0.1);
        }
        for initial in [0.0, 0.1] {
            add(Rule::Adagrad { eps: 1e-10, initial }, 0.01);
            add(Rule::RowwiseAdagrad { eps: 1e-8, initial }, 0.01);
        }
        for (betas, eps) in [(BETAS, 1e-8), ([0.0, 0.0], 1.0), ([0.5, 0.0], 1e-30)] {
            add(Rule::Adam { betas, eps }, 0.001);
            add(Rule::AdamW { betas, eps }, 0.001);
        }
    }
    all
}

const UPDATES: [Update; 3] = [Update::OfGradient, Update::AllBut(None), Update::AllBut(Some(2))];

/// The padding of a table.
fn padding(update: Update) -> Option<usize> {
    match update {
        Update::AllBut(padding) => padding,
        Update::OfGradient => Some(2),
    }
}

#[test]
fn every_rule_equals_the_reference_at_every_width() {
    const ROWS: usize = 12;
    for_each_isa!(isa => {
        for dim in WIDTHS {
            for optimizer in rules() {
                for update in UPDATES {
                    let mut training = Training::new(optimizer, update, odd_table(ROWS, dim), dim);
                    for step in 0..3 {
                        let ids = &some_ids(9, ROWS)[..4 + 2 * step];
                        let values: Vec<f32> = table(ids.len(), dim).iter().map(|x| x * 1e-4).collect();
                        let gradient = gradient(isa, dim, ids, &values, padding(update));
                        training.step(isa, gradient, 1 + step);
                        training.check(&format!("{} step {step}", isa.name()));
                    }
                }
            }
        }
    });
}

#[test]
fn odd_gradients_affect_only_their_rows() {
    let dim = 33;
    for_each_isa!(isa => {
        for optimizer in rules() {
            for update in UPDATES {
                let mut training = Training::new(optimizer, update, table(8, dim), dim);
                for (ids, values) in [
                    ([1, 5, 1], odd_table(3, dim)),
                    ([6, 2, 1], table(3, dim)),
                    ([0, 2, 1], vec![-0.0; 3 * dim]),
                    ([7, 2, 3], vec![f32::NAN; 3 * dim]),
                ] {
                    let gradient = gradient(isa, dim, &ids, &values, padding(update));
                    training.step(isa, gradient, 2);
                    training.check(isa.name());
                }
                let finite = &training.kernels.table[4 * dim..5 * dim];
                assert!(finite.iter().all(|x| x.is_finite()), "row 4 had no such gradient");
            }
        }
    });
}

#[test]
fn extreme_options_equal_the_reference() {
    let momentum = |momentum| Rule::Sgd {
        momentum,
        nesterov: true,
    };
    let rowwise = |eps| Rule::RowwiseAdagrad { eps, initial: 1e-42 };
    let adam = |betas| Rule::AdamW { betas, eps: 1e-45 };
    for optimizer in [
        Optimizer::new(momentum(1e-60), 1e-60, 1e300),
        Optimizer::new(momentum(1.0 - 1e-12), 1e300, 1e-300),
        Optimizer::new(rowwise(1.0), 1e300, 0.1),
        Optimizer::new(rowwise(1e-45), 1e30, 1e38),
        Optimizer::new(adam([1.0 - 1e-16, 1.0 - 1e-12]), 1e300, 0.0),
        Optimizer::new(adam([0.5, 0.5]), 1e30, 1e-30),
        Optimizer::new(
            Rule::Adagrad {
                eps: 1e-45,
                initial: 1e300,
            },
            0.0,
            1.0,
        ),
    ] {
        for dim in [1, 3, 16, 17, 40] {
            for_each_isa!(isa => {
                for update in UPDATES {
                    let mut training = Training::new(optimizer, update, table(6, dim), dim);
                    for ids in [[0, 5], [5, 3]] {
                        let gradient = gradient(isa, dim, &ids, &table(2, dim), padding(update));
                        training.step(isa, gradient, 1);
                        training.check(isa.name());
                    }
                }
            });
        }
    }
}

#[test]
fn the_momentum_of_a_row_at_rest_becomes_zero() {
    let (dim, isa) = (5, detect());
    for rule in [
        Rule::Sgd {
            momentum: 0.9,
            nesterov: false,
        },
        Rule::Adam {
            betas: BETAS,
            eps: 1e-8,
        },
    ] {
        let optimizer = Optimizer::new(rule, 0.0, 1e-3);
        let mut training = Training::new(optimizer, Update::OfGradient, table(3, dim), dim);
        training.step(
            isa,
            gradient(isa, dim, &[1], &[1e-30, -1e-30, 1e-20, 1.0, -1.0], None),
            1,
        );
        for _ in 0..1200 {
            training.step(isa, gradient(isa, dim, &[1], &vec![0.0; dim], None), 1);
            training.check("at rest");
        }
        let momentum = &training.kernels.state[&1][..dim];
        assert_eq!(bits(momentum), vec![0; dim]);
    }
}

#[test]
fn a_step_without_memory_changes_nothing() {
    let (dim, isa) = (4, detect());
    // Tables of 2^50 rows: the map does not fit anywhere.
    let mut state = State::new(1 << 50, dim, dim, 0.0);
    let mut planned = gradient(isa, dim, &[3, 1], &table(2, dim), None);
    assert!(!state.plan(isa, &mut planned, Update::OfGradient));
    assert_eq!((state.count(), state.bytes(), state.rows().count()), (0, 0, 0));
    // A state of 2^50 bytes, of which the map has only 40.
    let mut state = State::new(10, dim, 1 << 47, 0.0);
    assert!(!state.plan(isa, &mut planned, Update::OfGradient));
    assert!(!state.plan(isa, &mut planned, Update::AllBut(Some(0))));
    assert_eq!((state.count(), state.bytes(), state.rows().count()), (0, 40, 0));
    // Without rows nothing is allocated.
    let mut state = State::new(1 << 50, dim, dim, 0.0);
    let mut empty = gradient(isa, dim, &[3], &table(1, dim), Some(3));
    assert!(state.plan(isa, &mut empty, Update::OfGradient));
    assert_eq!(state.bytes(), 0);
}

#[test]
fn state_takes_at_most_twice_what_its_rows_need_and_four_bytes_per_row_of_the_table() {
    let (dim, isa, rows) = (3, detect(), 5000);
    let optimizer = Optimizer::new(
        Rule::Adam {
            betas: BETAS,
            eps: 1e-8,
        },
        0.0,
        1e-3,
    );
    let mut training = Training::new(optimizer, Update::OfGradient, table(rows, dim), dim);
    for step in 1..60 {
        let ids: Vec<u32> = (0..step as u32)
            .map(|i| (i * 977 + step as u32 * 31) % rows as u32)
            .collect();
        training.step(isa, gradient(isa, dim, &ids, &table(ids.len(), dim), None), 1);
        let count = training.state.count();
        assert!(training.state.bytes() <= 2 * count * 2 * dim * 4 + 4 * rows);
    }
    training.check("after all steps");
}

#[test]
fn squares_are_added_in_ascending_order_of_the_rows() {
    for_each_isa!(isa => {
        for dim in WIDTHS {
            let mut gradient = gradient(isa, dim, &[9, 2, 2, 7, 4], &table(5, dim), Some(4));
            let rows = rows_of(&gradient);
            let rows: Vec<&[f32]> = rows.values().map(|row| &row[..]).collect();
            gradient.sort();
            let sum = ops::add_squares(isa, gradient.sums(), dim, gradient.order(), 0.1);
            assert_eq!(sum.to_bits(), expected::add_squares(&rows, 0.1).to_bits());
            let mut scaled = gradient.sums().to_vec();
            ops::scale_values(isa, &mut scaled, 0.3);
            let expected: Vec<f32> = gradient.sums().iter().map(|g| g * 0.3).collect();
            assert_eq!(bits(&scaled), bits(&expected));
        }
    });
}

#[test]
fn renorm_equals_the_reference_and_touches_only_its_rows() {
    for_each_isa!(isa => {
        for dim in WIDTHS {
            for most in [1e-30, 1.0, 3e5, f32::MAX, f32::INFINITY] {
                for values in [table(6, dim), odd_table(6, dim)] {
                    for rows in [None, Some(&[0, 2, 5][..]), Some(&[])] {
                        let mut wanted = values.clone();
                        for (row, w) in wanted.chunks_mut(dim).enumerate() {
                            if rows.is_none_or(|rows| rows.contains(&(row as u32))) {
                                expected::renorm(w, most);
                            }
                        }
                        let actual = painted(values.len(), |out| {
                            out.copy_from_slice(&values);
                            ops::renorm(isa, out, dim, most, rows);
                        });
                        assert_eq!(bits_any_nan(&actual), bits_any_nan(&wanted), "{} columns", dim);
                    }
                }
            }
        }
    });
}

proptest! {
    #[test]
    fn no_bit_depends_on_parts_or_the_instruction_set(
        dim in 1usize..40,
        rule in 0usize..26,
        update in 0usize..3,
        steps in prop::collection::vec(prop::collection::vec(0u32..30, 0..40), 1..5),
        parts in 1usize..9,
    ) {
        let (optimizer, update) = (rules()[rule], UPDATES[update]);
        let train = |isa, parts| {
            let mut training = Training::new(optimizer, update, table(30, dim), dim);
            for ids in &steps {
                let values: Vec<f32> = table(ids.len(), dim).iter().map(|x| x * 1e-3).collect();
                training.step(isa, gradient(isa, dim, ids, &values, padding(update)), parts);
            }
            training.check("random");
            (bits(&training.kernels.table), training.kernels.state)
        };
        let one = train(Isa::Scalar, 1);
        for &isa in available() {
            let (table, state) = train(isa, parts);
            prop_assert_eq!(&table, &one.0);
            prop_assert_eq!(&state, &one.1);
        }
    }
}
