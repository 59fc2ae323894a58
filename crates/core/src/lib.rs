//! The kernels of tokenbed: token ids in, dense vectors out, at memory bandwidth.
//!
//! This crate does not depend on JavaScript. Two thin binding crates expose it to Node and to the browser. Results have
//! the same bits on both, because every kernel is written once:
//!
//! ```text
//! ops    operations         gather, embed, bag, ...   one generic body each, over Row and Simd
//!  |
//! expr   expressions        scaled, plus              a row computed from rows
//!  |
//! row    storage            f32 f16 bf16 i8 i4        a row is loaded as f32 vectors of any width
//!  |
//! simd   instruction sets   scalar avx2 avx512 neon simd128
//! ```
//!
//! # Shapes
//! `V` rows in a table, `D` (`dim`) columns in a row, `n` ids. All arrays are row-major and contiguous. An
//! operation writes into the caller's `out` and allocates nothing.
//!
//! # Numerics
//! Same input, same bits, on every backend and instruction set. Vector lanes run along columns and never mix (a
//! dot product has 16 lanes on every instruction set and adds them in a tree); rows accumulate in index order; multiply
//! and add round separately, never fused; this crate implements `sin`, `cos`, `exp`, `ln` and the random generator,
//! whose element `i` is a pure function of the seed and `i`. The one exception: a NaN that arithmetic produces has an
//! unspecified sign and payload.
//!
//! # Speed
//! Operations are limited by memory. For each class of processors, [`tuning`] has the sizes from which they prefetch
//! rows or use non-temporal stores. These thresholds change no bit.
//!
//! # Trust
//! [`indices`] validates arrays: valid arrays have another type, and kernels take only that type. Each operation
//! asserts at its start that the lengths of its arguments match. `unsafe` is limited to the instruction sets (`simd`),
//! [`memory`], [`table`], [`state`], `row` and `ops/bag.rs`, each with its reason.

#![forbid(clippy::disallowed_methods, clippy::undocumented_unsafe_blocks)] // no exception in this crate

pub mod dtype;
pub mod encoded;
pub mod error;
pub mod expr;
pub mod gradient;
pub mod indices;
pub mod math;
pub mod memory;
pub mod ops;
pub mod output;
pub mod rng;
pub mod row;
pub mod simd;
pub mod state;
pub mod table;
pub mod tuning;
pub mod turn;
pub mod window;

pub use dtype::{DType, Encoding};
pub use encoded::Encoded;
pub use error::Error;
pub use gradient::Gradient;
pub use indices::{Ids, Indices, Offsets};
pub use memory::{Memory, TableSpec};
pub use output::Output;
pub use simd::Isa;
pub use state::State;
pub use table::{Table, TableMut};
pub use tuning::Exec;
pub use window::Window;
