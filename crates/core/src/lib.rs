//! The kernels of tokenbed: token ids in, dense vectors out, at memory bandwidth.
//!
//! This crate knows nothing of JavaScript. Two thin binding crates expose it to Node and to the browser, with the same
//! bits, because every kernel is written once:
//!
//! ```text
//! ops    what is computed   gather, embed, bag, ...   one generic body each, over Row and Simd
//!  |
//! expr   what is read       scaled, plus              a row computed from rows
//!  |
//! row    how stored         f32                       a row opens into f32 vectors of any width
//!  |
//! simd   how wide           scalar avx2 avx512 neon simd128
//! ```
//!
//! # Shapes
//! `V` rows in a table, `D` (`dim`) columns in a row, `n` ids. All arrays are row-major and contiguous. An
//! operation writes into the caller's `out` and allocates nothing.
//!
//! # Numerics
//! Same input, same bits, on every backend and instruction set. Vector lanes run along columns and never mix;
//! rows accumulate in index order; multiply and add round separately, never fused; `sin`, `cos`, `exp` and
//! `ln` are this crate's own, and so is the random generator, of which element `i` is a pure function of the
//! seed and `i`. The one exception: a NaN that arithmetic produces has an unspecified sign and payload.
//!
//! # Speed
//! An operation waits for memory. [`tuning`] has the sizes from which it prefetches rows or uses non-temporal stores,
//! for each class of processors; they change no bit.
//!
//! # Trust
//! [`indices`] is the border: validated arrays are of another type, and kernels take only that type. What a caller of
//! this crate must get right by itself (lengths that fit each other) is asserted at the entry of each operation.
//! `unsafe` is in the instruction sets (`simd`), in [`memory`], [`table`], `row` and `ops/bag.rs`, each with its
//! reason.

#![forbid(clippy::disallowed_methods, clippy::undocumented_unsafe_blocks)] // no exception in this crate

pub mod dtype;
pub mod error;
pub mod expr;
pub mod indices;
pub mod math;
pub mod memory;
pub mod ops;
pub mod output;
pub mod rng;
pub mod row;
pub mod simd;
pub mod table;
pub mod tuning;
pub mod turn;
pub mod window;

pub use dtype::DType;
pub use error::Error;
pub use indices::{Ids, Indices, Offsets};
pub use memory::{Memory, TableSpec};
pub use output::Output;
pub use simd::Isa;
pub use table::{Table, TableMut};
pub use tuning::Exec;
pub use window::Window;
