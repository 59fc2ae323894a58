//! Measures the thresholds of `tuning.rs` on this machine, and proposes those of its class.
//!
//! ```sh
//! npm run bench:tune               # under 10 minutes
//! npm run bench:tune -- --quick    # fewer sizes, under 2 minutes
//! ```
//!
//! ```text
//! prefetch    for each operation, dtype, size of a table and of a row: every hint and distance, and none
//! stores      for each size of an output and of a row: ordinary and non-temporal ones, with the prefetches proposed
//! proposal    from the constants of today on, the changes that gain most over the cells whose plan they change
//! ```
//! In every round each plan takes one short turn, in a new random order, on the next ids of a pool of 2^20. All ratios
//! are paired by round. Before, the answers of all plans are compared, bit for bit. A change that makes its cells less
//! than 1.05 times as fast is not proposed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokenbed_core::math::ln;
use tokenbed_core::memory::{Contents, Write};
use tokenbed_core::ops::{bag, embed, gather, store, Bag, Bags, Embed, Mode, PositionRows, Positions};
use tokenbed_core::simd::{detect, processor, Hint, Isa, LINE};
use tokenbed_core::tuning::{Prefetch, Step, Tuning};
use tokenbed_core::{DType, Exec, Ids, Indices, Memory, Table, TableMut, TableSpec, Window};

const MIB: usize = 1 << 20;
/// A change must make the cells that it concerns this many times as fast.
const WORTH: f64 = 1.05;
const HINTS: [Hint; 2] = [Hint::Near, Hint::Far];
const DISTANCES: [usize; 5] = [4, 8, 16, 32, 64];
/// The limits of rows that a step may have.
const ROWS: [usize; 8] = [64, 128, 256, 512, 1024, 2048, 3072, 4096];
const DTYPES: [DType; 3] = [DType::F32, DType::F16, DType::I8];
/// So many that a large table is really out of cache.
const IDS: usize = 1 << 20;
const PER_BAG: usize = 32;
const POSITIONS: usize = 512;
/// Ids of a call, and bytes of its output, while prefetches are measured: less than any output for non-temporal stores.
const CALL: usize = 2048;
const SMALL_OUTPUT: usize = 2 * MIB;

/// What is measured, and for how long.
struct Sweep {
    /// Bytes of the tables, ascending.
    tables: &'static [usize],
    /// Columns of a row.
    dims: &'static [usize],
    /// Bytes of the large outputs, ascending.
    outputs: &'static [usize],
    rounds: usize,
    /// Short, so that few turns contain a pause of the process. A turn has at least one call.
    turn: Duration,
}

impl Sweep {
    /// Every kind of row: its dtype and columns.
    fn rows(&'static self) -> impl Iterator<Item = (DType, usize)> {
        let dims = self.dims;
        DTYPES
            .into_iter()
            .flat_map(|dtype| dims.iter().map(move |&dim| (dtype, dim)))
    }
}

const FULL: Sweep = Sweep {
    tables: &[4 * MIB, 8 * MIB, 16 * MIB, 32 * MIB, 64 * MIB, 256 * MIB],
    dims: &[32, 64, 128, 256, 384, 768, 1024],
    outputs: &[8 * MIB, 16 * MIB, 32 * MIB],
    rounds: 45,
    turn: Duration::from_micros(300),
};

const QUICK: Sweep = Sweep {
    tables: &[16 * MIB, 256 * MIB],
    dims: &[64, 384, 1024],
    outputs: &[16 * MIB],
    rounds: 21,
    turn: Duration::from_micros(300),
};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Op {
    Gather,
    Layer,
    Sum,
    Max,
    Weighted,
}

const OPS: [Op; 5] = [Op::Gather, Op::Layer, Op::Sum, Op::Max, Op::Weighted];

impl Op {
    fn is_bag(self) -> bool {
        !matches!(self, Op::Gather | Op::Layer)
    }
}

/// The times of all plans for one operation on one size.
struct Cell {
    name: String,
    is_bag: bool,
    /// Bytes of the table, of a stored row, and of the output.
    table: usize,
    row: usize,
    out: usize,
    /// Nanoseconds per row, `[plan][round]`.
    times: Vec<Vec<f64>>,
}

impl Cell {
    /// The lower quartile, the median and the upper quartile of the ratios of two plans: how many times as fast `a` is.
    fn ratio(&self, a: usize, b: usize) -> [f64; 3] {
        let pairs = self.times[a].iter().zip(&self.times[b]);
        quartiles(pairs.map(|(a, b)| b / a).collect())
    }

    /// Nanoseconds per row, the median of a plan.
    fn time(&self, plan: usize) -> f64 {
        quartiles(self.times[plan].clone())[1]
    }

    /// The fastest plan and the second one.
    fn ranking(&self) -> (usize, usize) {
        let mut plans: Vec<usize> = (0..self.times.len()).collect();
        plans.sort_by(|&a, &b| self.time(a).total_cmp(&self.time(b)));
        (plans[0], plans[1])
    }
}

fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    let at = |part: usize| values[(values.len() - 1) * part / 4];
    [at(1), at(2), at(3)]
}

/// A cheap generator (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (((self.next() >> 32) * bound as u64) >> 32) as usize
    }
}

/// What a call reads besides its ids.
struct Inputs<'a> {
    op: Op,
    table: Table<'a>,
    positions: Positions<'a>,
    weights: &'a [f32],
}

impl Inputs<'_> {
    fn run(&self, exec: Exec, ids: Indices<'_>, out: &mut [f32]) {
        let (table, dim) = (self.table, self.table.dim());
        let (mode, weights) = match self.op {
            Op::Gather => return gather(exec, table, ids, 0..dim, out),
            Op::Layer => {
                let layer = Embed {
                    token: table,
                    scale: None,
                    positions: Some(self.positions),
                    dropout: None,
                };
                return embed(exec, &layer, ids, Window::all(ids.len(), dim), out);
            }
            Op::Sum => (Mode::Sum, None),
            Op::Max => (Mode::Max, None),
            Op::Weighted => (Mode::Sum, Some(self.weights)),
        };
        let spec = Bag {
            table,
            mode,
            padding: None,
        };
        let bags = Bags::Equal {
            bags: ids.len() / PER_BAG,
            len: PER_BAG,
        };
        bag(exec, &spec, ids, &bags, weights, out);
    }
}

/// The memory that all measurements share.
struct Bench {
    isa: Isa,
    sweep: &'static Sweep,
    memory: Memory<Write>,
    positions: Vec<f32>,
    weights: Vec<f32>,
    out: Vec<f32>,
    random: Random,
}

impl Bench {
    fn new(sweep: &'static Sweep) -> Self {
        let largest = |sizes: &[usize]| sizes.iter().copied().max().expect("a size");
        let floats = largest(sweep.outputs).max(SMALL_OUTPUT) / 4;
        Bench {
            isa: detect(),
            sweep,
            memory: Memory::allocate(largest(sweep.tables), Contents::Any).expect("memory for a table"),
            positions: (0..POSITIONS * largest(sweep.dims))
                .map(|i| (i % 251) as f32)
                .collect(),
            weights: (0..CALL).map(|i| (i % 7) as f32 - 2.5).collect(),
            out: vec![0.0; floats + LINE / 4],
            random: Random(0x9e37_79b9_7f4a_7c15),
        }
    }

    /// Fills the memory with as many rows as fit. Returns their sizes.
    fn fill(&mut self, dtype: DType, dim: usize) -> TableSpec {
        let row = TableSpec::new(dtype, 1, dim).expect("a row").row_bytes();
        let spec = TableSpec::new(dtype, self.memory.bytes().len() / row, dim).expect("a table");
        let bytes = &mut self.memory.bytes_mut()[..spec.bytes()];
        let mut table = TableMut::new(spec, bytes).expect("its bytes");
        let value = |r: usize, c: usize| ((r * 31 + c * 7) % 8191) as f32 / 4096.0 - 1.0;
        let stored = store(&mut table, 0..spec.rows(), false, &mut |r, col, values| {
            for (c, x) in values.iter_mut().enumerate() {
                *x = value(r, col + c);
            }
        });
        stored.expect("values that fit every dtype");
        spec
    }

    /// Times plans of an operation on the first `bytes` of the rows, with `n` ids for a call.
    fn measure(&mut self, op: Op, filled: TableSpec, bytes: usize, n: usize, plans: &[Tuning]) -> Cell {
        let (rows, dim) = (bytes / filled.row_bytes(), filled.dim());
        let spec = TableSpec::new(filled.dtype(), rows, dim).expect("fewer rows");
        let positions = &self.positions[..POSITIONS * dim];
        let inputs = Inputs {
            op,
            table: Table::new(spec, &self.memory.bytes()[..spec.bytes()]).expect("their bytes"),
            positions: Positions {
                table: Table::f32(POSITIONS, dim, positions).expect("positions"),
                rows: PositionRows::From {
                    start: 0,
                    seq: POSITIONS,
                },
            },
            weights: &self.weights,
        };
        let ids: Vec<u32> = (0..IDS.max(2 * n))
            .map(|_| self.random.below(rows) as u32)
            .collect();
        let ids = Ids::U32(&ids)
            .check(self.isa, rows as u64)
            .expect("ids below the rows");
        let execs: Vec<Exec> = plans
            .iter()
            .map(|&plan| Exec {
                isa: self.isa,
                tuning: Box::leak(Box::new(plan)),
            })
            .collect();
        // 16 bytes behind the start of a line, as the arrays of JavaScript.
        let skip = 16_usize.wrapping_sub(self.out.as_ptr().addr()) % LINE / 4;
        let results = if op.is_bag() { n / PER_BAG } else { n };
        let out = &mut self.out[skip..][..results * dim];

        let mut answer = Vec::new();
        for &exec in &execs {
            out.fill(f32::NAN);
            inputs.run(exec, ids.slice(0..n), out);
            if answer.is_empty() {
                answer = out.to_vec();
            }
            let same = out.iter().zip(&answer).all(|(a, b)| a.to_bits() == b.to_bits());
            assert!(same, "{op:?} of {spec:?}: another answer with {:?}", exec.tuning);
        }

        let mut at = 0;
        let mut time = |exec, calls: u32| {
            let start = Instant::now();
            for _ in 0..calls {
                inputs.run(exec, ids.slice(at..at + n), out);
                at = (at + n) % (ids.len() - n);
            }
            start.elapsed()
        };
        let one = time(execs[0], 1).max(Duration::from_nanos(1));
        let calls = 1 + (self.sweep.turn.as_nanos() / one.as_nanos()) as u32;
        let mut times = vec![Vec::new(); plans.len()];
        let mut order: Vec<usize> = (0..plans.len()).collect();
        for _ in 0..self.sweep.rounds {
            for i in (1..order.len()).rev() {
                order.swap(i, self.random.below(i + 1));
            }
            for &plan in &order {
                let ns = time(execs[plan], calls).as_nanos().max(1) as f64;
                times[plan].push(ns / (f64::from(calls) * n as f64));
            }
        }
        Cell {
            is_bag: op.is_bag(),
            name: format!("{op:?} {}", spec.dtype().name()).to_lowercase(),
            table: bytes,
            row: spec.row_bytes(),
            out: size_of_val(out),
            times,
        }
    }
}

/// A prefetch for every size, and ordinary stores.
fn everywhere(prefetch: Prefetch) -> Tuning {
    let step = Step {
        table: 0,
        row: usize::MAX,
        prefetch,
    };
    Tuning {
        lookup: [step; 3],
        bag: [step; 3],
        ..Tuning::PLAIN
    }
}

/// The prefetches of a tuning for a cell.
fn prefetch(tuning: &Tuning, cell: &Cell) -> Prefetch {
    match cell.is_bag {
        true => tuning.bag(cell.table, cell.row),
        false => tuning.lookup(cell.table, cell.row, 0).prefetch,
    }
}

/// The prefetches that are measured: none first, then every hint and distance, and those of today.
fn prefetches(today: &Tuning) -> Vec<Prefetch> {
    let mut all = vec![Prefetch::NONE];
    for hint in HINTS {
        all.extend(DISTANCES.map(|rows| Prefetch { hint, rows }));
    }
    for step in today.lookup.iter().chain(&today.bag) {
        if !all.contains(&step.prefetch) {
            all.push(step.prefetch);
        }
    }
    all
}

fn name(prefetch: Prefetch) -> String {
    match prefetch {
        Prefetch::NONE => "none".into(),
        Prefetch { hint, rows } => format!("{hint:?} {rows}").to_lowercase(),
    }
}

/// Tunings that differ from `tuning` in two of its steps.
fn steps(
    tuning: Tuning,
    all: &[Step],
    of: fn(&mut Tuning) -> &mut [Step; 3],
) -> impl Iterator<Item = Tuning> + '_ {
    let pairs = [(0, 1), (0, 2), (1, 2)].into_iter();
    pairs.flat_map(move |(i, j)| {
        all.iter().flat_map(move |&first| {
            all.iter().map(move |&second| {
                let mut changed = tuning;
                of(&mut changed)[i] = first;
                of(&mut changed)[j] = second;
                changed
            })
        })
    })
}

/// Changes `tuning` to the best of `next` until none gains enough. `plan` is the plan of a tuning for a cell.
fn climb<I: Iterator<Item = Tuning>>(
    mut tuning: Tuning,
    cells: &[Cell],
    plan: impl Fn(&Tuning, &Cell) -> usize,
    next: impl Fn(Tuning) -> I,
) -> Tuning {
    let costs: Vec<Vec<f64>> = cells
        .iter()
        .map(|cell| (0..cell.times.len()).map(|plan| ln(cell.time(plan))).collect())
        .collect();
    loop {
        let now: Vec<usize> = cells.iter().map(|cell| plan(&tuning, cell)).collect();
        let mut best = (0.0, tuning);
        for candidate in next(tuning) {
            let (mut gain, mut changed) = (0.0, 0.0);
            for ((cell, costs), &now) in cells.iter().zip(&costs).zip(&now) {
                let then = plan(&candidate, cell);
                if then != now {
                    gain += costs[now] - costs[then];
                    changed += 1.0;
                }
            }
            if gain > best.0 && gain >= ln(WORTH) * changed {
                best = (gain, candidate);
            }
        }
        if best.0 == 0.0 {
            return tuning;
        }
        tuning = best.1;
    }
}

/// Prints the times of all plans, the fastest plan, and how many times as fast it is.
fn print_cell(cell: &Cell, size: usize, plans: &[String], today: usize) {
    let ratio = |a, b| {
        let [low, median, high] = cell.ratio(a, b);
        format!("{median:.2} [{low:.2}, {high:.2}]")
    };
    let (first, second) = cell.ranking();
    let times: String = (0..plans.len())
        .map(|plan| format!("{:9.1}", cell.time(plan)))
        .collect();
    println!(
        "{:13}{:4}{:6}{times}  {:9}{:20}{}",
        cell.name,
        size / MIB,
        cell.row,
        plans[first],
        ratio(first, second),
        ratio(first, today)
    );
}

fn print_head(title: &str, size: &str, plans: &[String]) {
    println!("\n{title}: ns per row, the best plan, and how many times as fast it is [quartiles]");
    let plans: String = plans.iter().map(|plan| format!("{plan:>9}")).collect();
    println!(
        "{:13}{size:>4}{:>6}{plans}  {:9}{:20}as today",
        "MiB of a", "row", "best", "as the second best"
    );
}

/// Prints how many times as fast a proposal is as today. `plans`: today's and the proposed one, where they differ.
fn print_gains(cells: &[Cell], plans: impl Fn(&Cell) -> Option<(usize, usize)>) {
    println!();
    let names: BTreeSet<&str> = cells.iter().map(|cell| cell.name.as_str()).collect();
    for name in names {
        let of_name = cells.iter().filter(|cell| cell.name == name);
        let gain = |cell: &Cell| plans(cell).map(|(today, proposed)| cell.ratio(proposed, today)[1]);
        let gains: Vec<f64> = of_name.filter_map(gain).collect();
        let count = gains.len();
        if count > 0 {
            let [low, median, high] = quartiles(gains);
            println!(
                "{name:13}{median:.2} [{low:.2}, {high:.2}] times as fast as today at the {count} sizes that change"
            );
        }
    }
}

/// Prints a tuning as `tuning.rs` has it.
fn print_tuning(tuning: &Tuning) {
    let bytes = |bytes: usize| match bytes {
        usize::MAX => "usize::MAX".to_owned(),
        _ if bytes.is_multiple_of(MIB) => format!("{} * MIB", bytes / MIB),
        _ => bytes.to_string(),
    };
    let print_steps = |name, steps: &[Step]| {
        println!("    {name}: [");
        for &Step { table, row, prefetch } in steps {
            let (table, Prefetch { hint, rows }) = (bytes(table), prefetch);
            match row {
                0 => println!("        Step::NEVER,"),
                _ => println!(
                    "        Step::from({table}, {row}, Hint::{hint:?}, {}),",
                    bytes(rows)
                ),
            }
        }
        println!("    ],");
    };
    println!("Tuning {{");
    print_steps("lookup", &tuning.lookup);
    print_steps("bag", &tuning.bag);
    println!("    non_temporal_bytes: {},", bytes(tuning.non_temporal_bytes));
    println!("    non_temporal_row: {},", bytes(tuning.non_temporal_row));
    println!("}}");
}

/// Measures prefetches, and proposes `lookup` and `bag`.
fn tune_prefetches(bench: &mut Bench, today: Tuning) -> Tuning {
    let sweep = bench.sweep;
    let all = prefetches(&today);
    let plans: Vec<Tuning> = all.iter().map(|&prefetch| everywhere(prefetch)).collect();
    let names: Vec<String> = all.iter().map(|&prefetch| name(prefetch)).collect();
    let plan = |tuning: &Tuning, cell: &Cell| {
        let wanted = prefetch(tuning, cell);
        all.iter()
            .position(|&each| each == wanted)
            .expect("a measured prefetch")
    };
    let mut cells = Vec::new();
    print_head("Prefetches", "table", &names);
    for (dtype, dim) in sweep.rows() {
        let spec = bench.fill(dtype, dim);
        for op in OPS {
            let n = match op.is_bag() {
                true => CALL,
                false => (SMALL_OUTPUT / (4 * dim)).min(CALL),
            };
            for &table in sweep.tables {
                let cell = bench.measure(op, spec, table, n, &plans);
                print_cell(&cell, table, &names, plan(&today, &cell));
                cells.push(cell);
            }
        }
    }

    let mut candidates = vec![Step::NEVER];
    candidates.extend(today.lookup.iter().chain(&today.bag));
    for (&table, row) in sweep.tables.iter().flat_map(|table| ROWS.map(|row| (table, row))) {
        candidates.extend(all.iter().map(|&prefetch| Step { table, row, prefetch }));
    }
    let tuning = climb(today, &cells, plan, |tuning| {
        steps(tuning, &candidates, |tuning| &mut tuning.lookup)
    });
    let tuning = climb(tuning, &cells, plan, |tuning| {
        steps(tuning, &candidates, |tuning| &mut tuning.bag)
    });
    print_gains(&cells, |cell| {
        let (today, proposed) = (plan(&today, cell), plan(&tuning, cell));
        (today != proposed).then_some((today, proposed))
    });
    tuning
}

/// Measures stores with the prefetches of `tuning`, and proposes from which sizes on they are non-temporal.
fn tune_stores(bench: &mut Bench, today: Tuning, tuning: Tuning) -> Tuning {
    let sweep = bench.sweep;
    let stores = |non_temporal_bytes| Tuning {
        non_temporal_bytes,
        non_temporal_row: 0,
        ..tuning
    };
    let plans = [stores(usize::MAX), stores(0), today];
    let names = ["ordinary", "non-temp", "today"].map(String::from);
    let plan = |tuning: &Tuning, cell: &Cell| usize::from(tuning.non_temporal(cell.row, cell.out));
    let mut cells = Vec::new();
    print_head("Stores", "out", &names);
    for (dtype, dim) in sweep.rows() {
        let spec = bench.fill(dtype, dim);
        for op in [Op::Gather, Op::Layer] {
            for &out in sweep.outputs {
                let table = bench.memory.bytes().len();
                let cell = bench.measure(op, spec, table, out / (4 * dim), &plans);
                print_cell(&cell, out, &names, 2);
                cells.push(cell);
            }
        }
    }

    let bytes = || {
        sweep
            .outputs
            .iter()
            .copied()
            .chain([usize::MAX, today.non_temporal_bytes])
    };
    let tuning = climb(tuning, &cells, plan, |tuning| {
        bytes().flat_map(move |non_temporal_bytes| {
            let rows = ROWS.into_iter().chain([today.non_temporal_row]);
            rows.map(move |non_temporal_row| Tuning {
                non_temporal_bytes,
                non_temporal_row,
                ..tuning
            })
        })
    });
    print_gains(&cells, |cell| {
        let of = |tuning: &Tuning| tuning.lookup(cell.table, cell.row, cell.out);
        (of(&today) != of(&tuning)).then_some((2, plan(&tuning, cell)))
    });
    tuning
}

/// Measures everything, and proposes a tuning.
fn tune(sweep: &'static Sweep) -> Tuning {
    let mut bench = Bench::new(sweep);
    let today = Tuning::of(processor());
    let tuning = tune_prefetches(&mut bench, today);
    tune_stores(&mut bench, today, tuning)
}

fn main() {
    let quick = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [option] if option == "--quick" => true,
        _ => {
            eprintln!("usage: npm run bench:tune [-- --quick]");
            std::process::exit(2);
        }
    };
    let sweep = if quick { &QUICK } else { &FULL };
    let (start, machine) = (Instant::now(), processor());
    let class = machine.class.name();
    println!(
        "Class {class}, {}, {} KiB of L2, {} rounds",
        detect().name(),
        machine.l2 >> 10,
        sweep.rounds
    );
    let tuning = tune(sweep);
    println!("\nProposed for {class}, where it is at least {WORTH} times as fast as today:");
    print_tuning(&tuning);
    println!("{} s", start.elapsed().as_secs());
}

#[cfg(test)]
mod tests {
    use super::*;

    const TINY: Sweep = Sweep {
        tables: &[64 << 10],
        dims: &[8, 24],
        outputs: &[32 << 10],
        rounds: 1,
        turn: Duration::ZERO,
    };

    #[test]
    fn every_plan_has_the_same_answer() {
        tune(&TINY);
    }

    /// A proposal for bags in tables of two sizes, with rows of two lengths. A prefetch makes the short rows of the
    /// larger table `times` as fast, and the others slower.
    fn proposed(times: f64) -> Tuning {
        let all = [
            Prefetch::NONE,
            Prefetch {
                hint: Hint::Far,
                rows: 8,
            },
        ];
        let sizes = [(8, 256), (8, 1024), (64, 256), (64, 1024)];
        let cells = sizes.map(|(table, row)| Cell {
            name: String::new(),
            is_bag: true,
            table,
            row,
            out: 0,
            times: vec![
                vec![1.0],
                vec![if (table, row) == (64, 256) {
                    1.0 / times
                } else {
                    1.1
                }],
            ],
        });
        let candidates: Vec<Step> = sizes
            .iter()
            .flat_map(|&(table, row)| all.map(|prefetch| Step { table, row, prefetch }))
            .collect();
        let plan = |tuning: &Tuning, cell: &Cell| usize::from(prefetch(tuning, cell) != Prefetch::NONE);
        climb(Tuning::PLAIN, &cells, plan, |tuning| {
            steps(tuning, &candidates, |tuning| &mut tuning.bag)
        })
    }

    #[test]
    fn a_change_is_proposed_where_it_is_faster() {
        let tuning = proposed(1.2);
        assert_eq!(
            tuning.bag(64, 256),
            Prefetch {
                hint: Hint::Far,
                rows: 8
            }
        );
        for (table, row) in [(8, 256), (8, 1024), (64, 1024)] {
            assert_eq!(tuning.bag(table, row), Prefetch::NONE);
        }
    }

    #[test]
    fn a_small_gain_changes_nothing() {
        assert_eq!(proposed(1.04), Tuning::PLAIN);
    }
}
