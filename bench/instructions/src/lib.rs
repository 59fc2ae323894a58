//! The counted kernels. Each function prepares one kernel on small, fixed data.
//!
//! ```text
//! prepare(isa):  make the data by a fixed rule; run the kernel once, uncounted; return a closure that runs it
//! counted:       the closure
//! ```
//!
//! The first, uncounted run does the one-time work of a process: CPU detection and lazy binding of C library symbols.
//! The data is leaked, so that no counted call frees it. Sizes and modes go through `black_box`, so that the compiler
//! does not specialize a kernel for them: the counted code is the code that ships.
//!
//! # What a count depends on
//! A count depends on the compiler, which the record names. It hardly depends on the machine: valgrind always reports
//! the same CPUID, of a processor with AVX2, including its caches, so code that reads CPUID takes the same path
//! everywhere. The data (a table of 6 MiB, 768 KiB of output) stays below the thresholds of large tables and outputs:
//! non-temporal stores and distant prefetch affect the time, not the count, and `npm run bench` measures the time.
//! If a kernel calls `memcpy`, the C library's instructions count too.

use std::hint::black_box;
use tokenbed_core::indices::Mapping;
use tokenbed_core::ops::loss::{CrossEntropy, Labels, Targets, Total};
use tokenbed_core::ops::{
    self, Bag, BagFactors, BagSlots, Bags, Dropout, Embed, Factor, Layout, Maxima, Mode, Norm, Pool,
    PositionRows, Positions, Rotary, Rule, Sampler, Scored, Sinusoid, Source, Step, Tokens,
};
use tokenbed_core::rng::{stream, Draws};
use tokenbed_core::state::Update;
use tokenbed_core::{Exec, Gradient, Ids, Indices, Isa, State, Table, Window};

/// A closure that runs a kernel once.
pub type Work = &'static mut dyn FnMut();

const VOCAB: usize = 4096;
const IDS: usize = 512;
const DIM: usize = 384;
/// Columns of a head.
const HEAD: usize = 64;
/// Ids in a bag, and positions in a sequence.
const PER_BAG: usize = 32;
/// Ids for the check alone: with 512 ids the fixed cost of the call would dominate.
const CHECKED: usize = 16_384;
const PADDING: usize = 0;

fn ready(mut work: impl FnMut() + 'static) -> Work {
    work();
    Box::leak(Box::new(work))
}

/// Values in [-1, 1), each different from its neighbours.
fn values(n: usize) -> &'static [f32] {
    let value = |i: usize| (i as u32).wrapping_mul(2_654_435_761) as i32 as f32 / 2_147_483_648.0;
    black_box((0..n).map(value).collect::<Vec<f32>>().leak())
}

/// `[rows, dim]` of them.
fn table(rows: usize, dim: usize) -> Table<'static> {
    black_box(Table::f32(rows, dim, values(rows * dim)).expect("as many values as the table has"))
}

/// `n` scattered ids below `VOCAB`. Every eighth is `PADDING`.
fn some_ids(n: usize) -> Ids<'static> {
    let id = |i: usize| match i % 8 {
        5 => PADDING as u32,
        _ => (i as u32).wrapping_mul(0x9e37_79b9) >> (u32::BITS - VOCAB.ilog2()),
    };
    black_box(Ids::U32((0..n).map(id).collect::<Vec<u32>>().leak()))
}

fn proven(isa: Isa, n: usize) -> Indices<'static> {
    some_ids(n).check(isa, VOCAB as u64).expect("ids are below VOCAB")
}

fn output(len: usize) -> &'static mut [f32] {
    vec![0.5; len].leak()
}

fn draws() -> Draws {
    black_box(Draws {
        seed: 42,
        stream: stream::TOKEN,
        call: 0,
    })
}

/// Checks that every id is below the number of rows.
pub fn check(isa: Isa) -> Work {
    let ids = some_ids(CHECKED);
    let bound = black_box(VOCAB as u64);
    ready(move || {
        black_box(ids.check(isa, bound).is_ok());
    })
}

/// Rows of 384 values.
pub fn gather(isa: Isa) -> Work {
    gather_rows(isa, DIM)
}

/// Rows of 64 values, where the work per row matters most.
pub fn gather_narrow(isa: Isa) -> Work {
    gather_rows(isa, 64)
}

fn gather_rows(isa: Isa, dim: usize) -> Work {
    let (table, ids, out) = (table(VOCAB, dim), proven(isa, IDS), output(IDS * dim));
    ready(move || ops::gather(isa, table, ids, 0..table.dim(), &mut *out))
}

/// The positions of sequences of `PER_BAG` rows.
fn positions() -> Positions<'static> {
    black_box(Positions {
        table: table(PER_BAG, DIM),
        rows: PositionRows::From {
            start: 0,
            seq: PER_BAG,
        },
    })
}

/// Rows times a scale.
pub fn layer_scale(isa: Isa) -> Work {
    embed(isa, Some(19.5), None)
}

/// Rows and their positions.
pub fn layer_positions(isa: Isa) -> Work {
    embed(isa, None, Some(positions()))
}

/// Rows times a scale, and their positions.
pub fn layer_scale_positions(isa: Isa) -> Work {
    embed(isa, Some(19.5), Some(positions()))
}

fn embed(isa: Isa, scale: Option<f32>, positions: Option<Positions<'static>>) -> Work {
    let op = black_box(Embed {
        token: table(VOCAB, DIM),
        scale,
        positions,
        dropout: None,
    });
    let (ids, out) = (proven(isa, IDS), output(IDS * DIM));
    ready(move || ops::embed(isa, &op, ids, Window::all(ids.len(), op.token.dim()), &mut *out))
}

/// Positions added to other values.
pub fn add(isa: Isa) -> Work {
    let (positions, x, out) = (positions(), &*output(IDS * DIM), output(IDS * DIM));
    let window = black_box(Window::all(IDS, DIM));
    ready(move || ops::add_positions(isa, &positions, None, window, Source::Slice(x), &mut *out))
}

/// Positions added in place.
pub fn add_in_place(isa: Isa) -> Work {
    let (positions, out) = (positions(), output(IDS * DIM));
    let window = black_box(Window::all(IDS, DIM));
    ready(move || ops::add_positions(isa, &positions, None, window, Source::InPlace, &mut *out))
}

/// Sums.
pub fn bag_sum(isa: Isa) -> Work {
    bag(isa, Mode::Sum, None, false)
}

/// Means.
pub fn bag_mean(isa: Isa) -> Work {
    bag(isa, Mode::Mean, None, false)
}

/// Maxima.
pub fn bag_max(isa: Isa) -> Work {
    bag(isa, Mode::Max, None, false)
}

/// Sums with padding: an eighth of the ids is skipped.
pub fn bag_sum_padding(isa: Isa) -> Work {
    bag(isa, Mode::Sum, Some(PADDING), false)
}

/// Sums of rows times weights.
pub fn bag_sum_weights(isa: Isa) -> Work {
    bag(isa, Mode::Sum, None, true)
}

fn bag(isa: Isa, mode: Mode, padding: Option<usize>, weighted: bool) -> Work {
    let bag = black_box(Bag {
        table: table(VOCAB, DIM),
        mode,
        padding,
    });
    let bags = black_box(Bags::Equal {
        bags: IDS / PER_BAG,
        len: PER_BAG,
    });
    let weights = black_box(weighted.then(|| &*output(IDS)));
    let (ids, out) = (proven(isa, IDS), output(IDS / PER_BAG * DIM));
    ready(move || ops::bag(isa, &bag, ids, &bags, weights, out))
}

/// Means of rows, divided by their norm as model2vec does.
pub fn mean_pool(isa: Isa) -> Work {
    pool(isa, Tokens::default())
}

/// The same with a row and a weight for each id.
pub fn mean_pool_mapped(isa: Isa) -> Work {
    let rows = (0..VOCAB as u32).rev().collect();
    let rows = Mapping::check(isa, rows, VOCAB as u64).expect("rows are below VOCAB");
    pool(
        isa,
        Tokens {
            rows: Some(Box::leak(Box::new(rows))),
            weights: Some(output(VOCAB)),
            ..Tokens::default()
        },
    )
}

/// The same with weights in f64.
pub fn mean_pool_precise(isa: Isa) -> Work {
    pool(
        isa,
        Tokens {
            precise: Some(vec![0.5; VOCAB].leak()),
            ..Tokens::default()
        },
    )
}

fn pool(isa: Isa, tokens: Tokens<'static>) -> Work {
    let pool = black_box(Pool::mean(table(VOCAB, DIM), tokens, Some(Norm::Model2vec)));
    let bags = black_box(Bags::Equal {
        bags: IDS / PER_BAG,
        len: PER_BAG,
    });
    let (ids, out) = (proven(isa, IDS), output(IDS / PER_BAG * DIM));
    ready(move || ops::bag(isa, &pool, ids, &bags, None, out))
}

fn sinusoid() -> (&'static Sinusoid, &'static mut [f32]) {
    let sinusoid = Sinusoid::new(DIM, 10_000.0, Layout::Interleaved);
    (Box::leak(Box::new(black_box(sinusoid))), output(IDS * DIM))
}

/// Encodings of positions in a row.
pub fn sinusoid_rows(isa: Isa) -> Work {
    let (sinusoid, out) = sinusoid();
    ready(move || ops::sinusoid_rows(isa, sinusoid, 0, 0..sinusoid.dim(), out))
}

/// Encodings of scattered positions.
pub fn sinusoid_at(isa: Isa) -> Work {
    let ((sinusoid, out), positions) = (sinusoid(), proven(isa, IDS));
    ready(move || ops::sinusoid_at(isa, sinusoid, positions, 0..sinusoid.dim(), out))
}

/// Heads rotated, the pairs of a head half a head apart.
pub fn rotary_halves(isa: Isa) -> Work {
    rotary(isa, Layout::Halves)
}

/// Heads rotated, the pairs of a head side by side.
pub fn rotary_interleaved(isa: Isa) -> Work {
    rotary(isa, Layout::Interleaved)
}

fn rotary(isa: Isa, layout: Layout) -> Work {
    let rotary = black_box(Rotary {
        turn: table(PER_BAG, HEAD),
        layout,
        inverse: false,
        heads: 1,
        seq: PER_BAG,
    });
    let rows = PositionRows::From {
        start: 0,
        seq: PER_BAG,
    };
    let (x, out) = (&*output(IDS * DIM), output(IDS * DIM));
    let window = black_box(Window::all(IDS * DIM / HEAD, HEAD));
    ready(move || ops::rotate(isa, &rotary, rows, HEAD, window, Source::Slice(x), &mut *out))
}

/// The backward pass of sums.
pub fn bag_backward_sum(isa: Isa) -> Work {
    bag_backward(isa, Mode::Sum, false)
}

/// The backward pass of means with weights.
pub fn bag_backward_mean_weights(isa: Isa) -> Work {
    bag_backward(isa, Mode::Mean, true)
}

/// The backward pass of maxima.
pub fn bag_backward_max(isa: Isa) -> Work {
    bag_backward(isa, Mode::Max, false)
}

/// Adds the contributions of bags whose rows have occurred.
fn bag_backward(isa: Isa, mode: Mode, weighted: bool) -> Work {
    let (table, ids, grad) = (table(VOCAB, DIM), proven(isa, IDS), values(IDS / PER_BAG * DIM));
    let weights = black_box(weighted.then(|| &*output(IDS)));
    let mut gradient = Gradient::new(DIM);
    assign(&mut gradient, ids);
    let mut maxima = Maxima::default();
    ready(move || {
        let (slots, mut sums) = gradient.call();
        for (b, row) in grad.chunks_exact(DIM).enumerate() {
            let part = b * PER_BAG..(b + 1) * PER_BAG;
            if mode == Mode::Max {
                maxima.clear();
                maxima.extend(isa, table, None, ids.slice(part.clone()), 0..DIM);
                ops::add_maxima(isa, &mut sums, &slots[part], 0..DIM, (row, &mut maxima), None);
                continue;
            }
            let bags = BagSlots {
                slots: &slots[part.start..],
                len: PER_BAG,
                shared: None,
                group: usize::MAX,
            };
            let factors = BagFactors {
                divisor: (mode == Mode::Mean).then_some(3.0),
                weights: weights.map(|weights| &weights[part]),
                counts: None,
            };
            ops::add_bags(isa, &mut sums, bags, 0..DIM, row, factors);
        }
    })
}

/// Scores of six rows for each row.
pub fn score_each(isa: Isa) -> Work {
    let (ids, len) = (proven(isa, IDS), black_box(6));
    score(isa, IDS / 6, IDS, Scored::Each { ids, len })
}

/// Scores of all rows of a table.
pub fn score_all(isa: Isa) -> Work {
    score(isa, 8, 256, Scored::All(0..256))
}

/// Scores of rows that all rows share.
pub fn score_shared(isa: Isa) -> Work {
    score(isa, 8, 256, Scored::Shared(proven(isa, 256)))
}

fn score(isa: Isa, rows: usize, scores: usize, scored: Scored<'static>) -> Work {
    let (table, x, out) = (table(VOCAB, DIM), values(rows * DIM), output(rows * scores));
    let exec = black_box(Exec::from(isa));
    ready(move || ops::score_rows(exec, table, scored.clone(), x, &mut *out, scores))
}

/// The gradient of rows whose scores of all rows of a table have gradients.
pub fn score_backward_x(isa: Isa) -> Work {
    let (table, grads, out) = (table(VOCAB, DIM), values(8 * 256), output(8 * DIM));
    let (exec, scored) = black_box((Exec::from(isa), Scored::All(0..256)));
    ready(move || ops::add_scored(exec, table, scored.clone(), 0..DIM, (grads, 256), &mut *out))
}

/// The gradient of a table whose rows were all scored.
pub fn score_backward_rows(isa: Isa) -> Work {
    let (x, weights) = (values(8 * DIM), Some(values(8 * 256)));
    let (mut gradient, rows) = (Gradient::new(DIM), Ids::U8(Vec::from_iter(0..=255).leak()));
    assign(&mut gradient, rows.check(isa, 256).expect("rows of a byte"));
    ready(move || {
        let (slots, mut sums) = gradient.call();
        let bags = BagSlots {
            slots,
            len: 256,
            shared: Some(true),
            group: black_box(42),
        };
        let factors = BagFactors {
            weights,
            ..BagFactors::default()
        };
        ops::add_bags(isa, &mut sums, bags, 0..DIM, x, factors);
    })
}

/// Cross entropy of rows of a few scores.
pub fn cross_entropy(isa: Isa) -> Work {
    softmax(isa, IDS, 6)
}

/// Cross entropy of rows that are wider than a block.
pub fn cross_entropy_wide(isa: Isa) -> Work {
    softmax(isa, 2, 5000)
}

fn softmax(isa: Isa, rows: usize, columns: usize) -> Work {
    let (x, out) = (values(rows * columns), output(rows * columns));
    let ids = Ids::U8(vec![1; rows].leak());
    let targets = black_box(Targets {
        ids: Some(ids),
        ignored: Some(0),
    });
    let mut op = CrossEntropy {
        isa,
        columns: black_box(columns),
        divisor: rows as f64,
        terms: vec![0.0; columns].leak(),
        total: Total::default(),
    };
    ready(move || op.rows(&targets, Source::Slice(x), &mut *out))
}

/// Binary cross entropy, the first of six positive.
pub fn binary_cross_entropy(isa: Isa) -> Work {
    let (x, out, mut total) = (values(IDS * 6), output(IDS * 6), Total::default());
    let labels = black_box(Labels::First { columns: 6, start: 0 });
    ready(move || ops::binary_cross_entropy(isa, labels, 3.0, Source::Slice(x), &mut *out, &mut total))
}

/// Squared errors.
pub fn squared_error(isa: Isa) -> Work {
    let (x, target, out) = (values(CHECKED), output(CHECKED), output(CHECKED));
    let (target, mut total) = (black_box(Labels::Slice(target)), Total::default());
    ready(move || ops::squared_error(isa, target, 3.0, Source::Slice(x), &mut *out, &mut total))
}

/// Ids drawn by weights as those of words.
pub fn sample(isa: Isa) -> Work {
    let weights = (1..=VOCAB).map(|rank| 1.0 / rank as f64).collect();
    let sampler = black_box(Sampler::new(weights, 42)).expect("memory for a small sampler");
    let ids = vec![0; CHECKED].leak();
    ready(move || ops::sample(isa, &sampler, 0, &mut *ids))
}

/// A step of SGD without momentum.
pub fn step_sgd(isa: Isa) -> Work {
    step(
        isa,
        Rule::Sgd {
            momentum: None,
            nesterov: false,
        },
        None,
    )
}

/// A step of SGD with momentum and weight decay.
pub fn step_momentum(isa: Isa) -> Work {
    step(
        isa,
        Rule::Sgd {
            momentum: Some(0.9),
            nesterov: false,
        },
        Some(0.01),
    )
}

/// A step of Adagrad.
pub fn step_adagrad(isa: Isa) -> Work {
    step(isa, Rule::Adagrad { eps: 1e-10 }, None)
}

/// A step of RowwiseAdagrad.
pub fn step_rowwise_adagrad(isa: Isa) -> Work {
    step(isa, Rule::RowwiseAdagrad { eps: 1e-8 }, None)
}

/// A step of Adam.
pub fn step_adam(isa: Isa) -> Work {
    let rule = Rule::Adam {
        betas: [0.9, 0.999],
        rests: [0.1, 0.001],
        eps: 1e-8,
    };
    step(isa, rule, None)
}

/// A step of the rows that `IDS` ids have, from its plan on.
fn step(isa: Isa, rule: Rule, weight_decay: Option<f32>) -> Work {
    let ids = some_ids(IDS);
    let mut gradient = Gradient::new(DIM);
    let rows = (0..IDS).map(|i| ids.value(i) as usize);
    let assigned = gradient.begin(IDS) && gradient.assign(rows, Some(PADDING)) && gradient.commit();
    assert!(assigned, "memory for a small gradient");
    gradient.sums_mut().fill(0.001);
    let step = black_box(Step {
        rule,
        weight_decay,
        rate: 0.001,
        root: 1.0,
        decay: 1.0,
    });
    let mut state = State::new(VOCAB, DIM, rule.width(DIM), 0.0);
    let table = output(VOCAB * DIM);
    ready(move || {
        assert!(
            state.plan(isa, &mut gradient, Update::OfGradient),
            "memory for a small state"
        );
        for part in &mut state.parts(table, &gradient, Update::OfGradient, 1) {
            part.step(isa, &step);
        }
    })
}

/// Uniform numbers.
pub fn init_uniform(isa: Isa) -> Work {
    let (draws, bound, out) = (draws(), black_box(0.05), output(IDS * DIM));
    ready(move || ops::init_uniform(isa, &draws, bound, 0, out))
}

/// Normal numbers.
pub fn init_normal(isa: Isa) -> Work {
    let (draws, std, out) = (draws(), black_box(0.02), output(IDS * DIM));
    ready(move || ops::init_normal(isa, &draws, std, 0, out))
}

/// Dropout with probability 0.1.
pub fn dropout(isa: Isa) -> Work {
    let (dropout, out) = (black_box(Dropout::new(0.1, 42, 0)), output(IDS * DIM));
    ready(move || ops::dropout(isa, &dropout, 0, out))
}

/// Assigns slots to the rows `ids`.
fn assign(gradient: &mut Gradient, ids: Indices<'_>) {
    let rows = (0..ids.len()).map(|i| ids.get(i));
    assert!(gradient.begin(ids.len()) && gradient.assign(rows, Some(PADDING)) && gradient.commit());
}

/// A gradient that begins, gets slots, and ends.
pub fn gradient_slots(isa: Isa) -> Work {
    let (mut gradient, ids) = (Gradient::new(DIM), proven(isa, IDS));
    ready(move || {
        assign(&mut gradient, ids);
        gradient.clear();
    })
}

fn add_to_gradient(isa: Isa, by_freq: bool) -> Work {
    let (mut gradient, ids, rows) = (Gradient::new(DIM), proven(isa, IDS), &*output(IDS * DIM));
    // Half of the contributions are the first ones of their rows.
    assign(&mut gradient, proven(isa, IDS / 2));
    assign(&mut gradient, ids);
    let counts = gradient.counts().expect("memory").leak();
    let factor = if by_freq {
        Factor::PerCount(counts)
    } else {
        Factor::One
    };
    ready(move || {
        let (slots, mut sums) = gradient.call();
        ops::add_rows(isa, &mut sums, slots, 0..DIM, rows, black_box(factor));
    })
}

/// Adds rows to their sums.
pub fn gradient_add(isa: Isa) -> Work {
    add_to_gradient(isa, false)
}

/// Adds rows, divided by the number of those with the same id.
pub fn gradient_by_freq(isa: Isa) -> Work {
    add_to_gradient(isa, true)
}
