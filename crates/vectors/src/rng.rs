//! Vectors for the generator.

use crate::file::{Case, File};
use crate::json::{Wide, Words};
use crate::reference::rng::block;

const ABOUT: &[&str] = &[
    "Philox4x32-10: words is block number `block` of (seed, stream, call).",
    "key = seed, low word first; counter = (block low, block high, call, stream).",
    "seed and block are 64-bit numbers in decimal digits; words are four times eight hexadecimal digits.",
];

/// The counters and keys of the known answers published by the Random123 library.
const KNOWN: [([u32; 4], [u32; 2]); 3] = [
    ([0; 4], [0; 2]),
    ([u32::MAX; 4], [u32::MAX; 2]),
    (
        [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
        [0xa409_3822, 0x299f_31d0],
    ),
];

fn case(name: String, seed: u64, stream: u32, call: u32, index: u64) -> Case {
    Case::new(name)
        .with("seed", Wide(seed))
        .with("stream", stream)
        .with("call", call)
        .with("block", Wide(index))
        .with("words", Words(&block(seed, stream, call, index)))
}

/// rng.json
pub fn file() -> File {
    let wide = |low: u32, high: u32| u64::from(high) << 32 | u64::from(low);
    let mut cases = Vec::new();
    for (i, ([low, high, call, stream], key)) in KNOWN.into_iter().enumerate() {
        let (seed, index) = (wide(key[0], key[1]), wide(low, high));
        cases.push(case(format!("known answer {i}"), seed, stream, call, index));
    }
    let draws = [
        (0, 1, 0, 0),
        (0, 2, 0, 0),
        (7, 0, 0, 0),
        (7, 0, 0, 1),
        (7, 0, 0, 255),
        (7, 1, 0, 3),
        (7, 2, 0, 0),
        (7, 2, 1, 0),
        (7, 2, 2, 9),
        (7, 2, 300, 1),
        ((1 << 32) + 5, 0, 0, 2),
        ((1 << 53) - 1, 1, 0, 2),
        (u64::MAX, 2, 3, 2),
        (7, 0, 0, u32::MAX.into()),
        (7, 0, 0, 1 << 32),
        (7, 2, u32::MAX, (1 << 40) + 1),
    ];
    for (seed, stream, call, index) in draws {
        let name = format!("seed {seed} stream {stream} call {call} block {index}");
        cases.push(case(name, seed, stream, call, index));
    }
    File::new("rng.json", ABOUT, cases)
}

#[cfg(test)]
mod tests {
    #[test]
    fn known_answers_are_those_of_random123() {
        let text = super::file().text();
        for (i, words) in [
            "6627e8d5e169c58dbc57ac4c9b00dbd8",
            "408f276d41c83b0ea20bc7c66d5451fd",
            "d16cfe0994fdcceb5001e42024126ea1",
        ]
        .into_iter()
        .enumerate()
        {
            let line = text
                .lines()
                .find(|line| line.contains(&format!("known answer {i}")))
                .expect("a case");
            assert!(line.contains(words), "{line}");
        }
    }
}
