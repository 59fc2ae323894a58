//! Vectors for dropout of one row, without positions.

use crate::file::{Case, File};
use crate::inputs::{numbers, odd_numbers};
use crate::json::{Computed, Exact, Wide};
use crate::reference::position::Drop;

const ABOUT: &[&str] = &[
    "Training call number `call` of an object with that dropout and seed, over the elements 0, 1, ... of one row x.",
    "Element i is +0 where u32(seed, stream 2, call, i) < floor(dropout 2^32), else f32(x / f32(1 - dropout)).",
    "Masks: `kept` has one digit per element, 1 where it stays; every x is 1 and every 1 becomes `grown`.",
    "seed is decimal digits; floats are the bits of f32, eight hexadecimal digits each; in out 7fc00000 is any NaN.",
];

fn start(name: &str, Drop { p, seed, call }: Drop) -> Case {
    Case::new(format!("{name} dropout {p} seed {seed} call {call}"))
        .with("dropout", p)
        .with("seed", Wide(seed))
        .with("call", call)
}

fn values(name: &str, drop: Drop, x: &[f32]) -> Case {
    let mut out = x.to_vec();
    drop.apply(&mut out);
    start(name, drop).with("x", Exact(x)).with("out", Computed(&out))
}

fn mask(drop: Drop, n: usize) -> Case {
    let mut out = vec![1.0; n];
    drop.apply(&mut out);
    let kept: String = out.iter().map(|&x| if x == 0.0 { '0' } else { '1' }).collect();
    let grown = 1.0 / (1.0 - drop.p) as f32;
    start(&format!("mask of {n}"), drop)
        .with("kept", kept.as_str())
        .with("grown", Exact(&[grown]))
}

/// dropout.json
pub fn file() -> File {
    // The largest f64 below 1 keeps one word of 2^32; 2^-32 drops one; smaller values drop none.
    let largest = 1.0 - f64::EPSILON / 2.0;
    let smallest = 1.0 / 4_294_967_296.0;
    let drop = |p, seed, call| Drop { p, seed, call };
    let mut cases = Vec::new();
    for (p, seed, call, n) in [
        (0.1, 7, 0, 1000),
        (0.1, 7, 1, 1000),
        (0.1, 7, 2, 1000),
        (0.5, 0, 0, 257),
        (0.5, (1 << 32) + 5, 0, 257),
        (0.5, u64::MAX, 300, 257),
        (0.9, (1 << 53) - 1, 1, 257),
        (smallest, 7, 0, 100),
        (smallest / 2.0, 7, 0, 100),
        (largest, 7, 0, 100),
    ] {
        cases.push(mask(drop(p, seed, call), n));
    }
    for p in [0.1, 0.3, 0.5, 0.9] {
        cases.push(values("numbers", drop(p, 7, 0), &numbers(67)));
        cases.push(values("odd values", drop(p, 7, 1), &odd_numbers(67)));
    }
    cases.push(values("numbers", drop(largest, 7, 0), &numbers(5)));
    File::new("dropout.json", ABOUT, cases)
}
