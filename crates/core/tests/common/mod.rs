//! Helpers of the kernel tests: every instruction set, guarded outputs, sizes at which kernels switch code paths,
//! and tables that reveal a swapped row or column.

#![allow(dead_code, unused_macros, reason = "each test uses its own part")]

use tokenbed_core::indices::{Ids, Indices};
use tokenbed_core::simd::{available, detect, Hint, Isa};
use tokenbed_core::tuning::{Prefetch, Step, Tuning};

/// Row widths: one value; below, at and above vectors of 4, 8 and 16 lanes and their blocks of 2, 4, 8 and 16; and
/// common widths.
pub const WIDTHS: [usize; 28] = [
    1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 255, 256, 257, 300, 384,
    768, 1000,
];

/// Prefetches and non-temporal stores everywhere, for tables of any size.
pub const fn everything() -> Tuning {
    let step = Step {
        table: 0,
        row: usize::MAX,
        prefetch: Prefetch {
            hint: Hint::Near,
            rows: 2,
        },
    };
    Tuning {
        lookup: [step; 3],
        bag: [step; 3],
        non_temporal_bytes: 0,
        non_temporal_row: 0,
    }
}

/// Runs the block with each instruction set that this machine supports, and prints which ones ran.
macro_rules! for_each_isa {
    ($isa:ident => $body:block) => {
        for $isa in tokenbed_core::simd::Isa::ALL {
            if common::runs($isa) {
                $body
            }
        }
    };
}
pub(crate) use for_each_isa;

/// Whether this machine supports `isa`. Prints the report, which cargo shows with a failure or with `--nocapture`.
pub fn runs(isa: Isa) -> bool {
    println!("{}", report(isa));
    available().contains(&isa)
}

/// `ISA avx2: run`, or `ISA neon: NOT RUN: reason`.
pub fn report(isa: Isa) -> String {
    if available().contains(&isa) {
        format!("ISA {}: run", isa.name())
    } else {
        format!(
            "ISA {}: NOT RUN: this is {} without it",
            isa.name(),
            std::env::consts::ARCH
        )
    }
}

/// A NaN that arithmetic never produces.
const PAINT: u32 = 0x7fb0_0b5e;

/// The number of guard values on either side of an output: more than the widest vector, and odd, so that the output is
/// misaligned.
const GUARD: usize = 67;

/// Passes `len` painted values to `write` and returns them. Fails if the guards around them changed.
pub fn painted(len: usize, write: impl FnOnce(&mut [f32])) -> Vec<f32> {
    let paint = f32::from_bits(PAINT);
    let mut all = vec![paint; GUARD + len + GUARD];
    write(&mut all[GUARD..GUARD + len]);
    let guards = all[..GUARD].iter().chain(&all[GUARD + len..]);
    assert!(
        guards.map(|x| x.to_bits()).all(|x| x == PAINT),
        "values around the output were written"
    );
    all[GUARD..GUARD + len].to_vec()
}

/// The bits of `values`. Compared as bits, a NaN equals itself and -0 differs from +0.
pub fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

/// The bits of `values`, with all NaNs equal. For results of arithmetic, where sign and payload of a NaN are
/// unspecified.
pub fn bits_any_nan(values: &[f32]) -> Vec<u32> {
    values
        .iter()
        .map(|x| {
            if x.is_nan() {
                f32::NAN.to_bits()
            } else {
                x.to_bits()
            }
        })
        .collect()
}

/// A `[rows, dim]` table whose nearby values all differ, of both signs and exact in f32, so that a swapped row or column
/// is detected.
pub fn table(rows: usize, dim: usize) -> Vec<f32> {
    (0..rows * dim)
        .map(|i| (i as u32).wrapping_mul(2_654_435_761) as i32 as f32 / 65_536.0)
        .collect()
}

/// The same table with special values of every kind: those that rounding, comparison or copying could treat differently.
pub fn odd_table(rows: usize, dim: usize) -> Vec<f32> {
    const ODD: [u32; 12] = [
        0x0000_0000, // +0
        0x8000_0000, // -0
        0x7f80_0000, // infinity
        0xff80_0000, // -infinity
        0x7fc0_0001, // a quiet NaN with a payload
        0xffa0_0002, // a signaling NaN
        0x0000_0001, // the smallest subnormal
        0x807f_ffff, // the largest subnormal, negative
        0x7f7f_ffff, // the largest finite value
        0xff7f_ffff, // the smallest finite value
        0x3f80_0001, // 1 + 2^-23
        0x3380_0000, // 2^-24
    ];
    let mut values = table(rows, dim);
    for (i, x) in values.iter_mut().enumerate() {
        let hash = (i as u32).wrapping_mul(0x9e37_79b9) >> 16;
        if hash.is_multiple_of(3) {
            *x = f32::from_bits(ODD[hash as usize / 3 % ODD.len()]);
        }
    }
    values
}

/// `n` ids below `bound`, with repeats, including the first and the last row.
pub fn some_ids(n: usize, bound: usize) -> Vec<u32> {
    (0..n as u32)
        .map(|i| match i % 7 {
            3 => 0,
            5 => bound as u32 - 1,
            _ => ((u64::from(i.wrapping_mul(0x9e37_79b9)) * bound as u64) >> 32) as u32,
        })
        .collect()
}

/// Validates ids.
pub fn proven(ids: &[u32], bound: usize) -> Indices<'_> {
    Ids::U32(ids)
        .check(detect(), bound as u64)
        .expect("test ids are in range")
}

/// The ids as the reference expects them.
pub fn plain(ids: &[u32]) -> Vec<usize> {
    ids.iter().map(|&id| id as usize).collect()
}

/// Rows that another program encoded or decoded.
pub struct Golden {
    pub dtype: String,
    pub dim: usize,
    pub values: Vec<f32>,
    pub bytes: Vec<u8>,
}

/// The entries of a file in `test/vectors/golden/`.
pub fn golden(file: &str) -> Vec<Golden> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/vectors/golden");
    let text = std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
    let hex = |text: &str| -> Vec<u8> {
        let byte = |two: &[u8]| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap();
        text.as_bytes().chunks(2).map(byte).collect()
    };
    let entries = text.split('{').skip(1).map(|entry| {
        let field = |name: &str| {
            let value = entry.split(&format!("\"{name}\":")).nth(1).unwrap();
            value.split([',', '}']).next().unwrap().trim().trim_matches('"')
        };
        let values = hex(field("values"));
        let values = values
            .chunks(4)
            .map(|x| f32::from_le_bytes(x.try_into().unwrap()));
        Golden {
            dtype: field("dtype").to_owned(),
            dim: field("dim").parse().unwrap(),
            values: values.collect(),
            bytes: hex(field("bytes")),
        }
    });
    entries.collect()
}
