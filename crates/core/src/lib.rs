//! The kernels of tokenbed: token ids in, dense vectors out, at the speed of the memory.
//!
//! This crate knows nothing of JavaScript and depends on nothing. Two thin binding crates carry it to Node
//! and to the browser, and give the same bits there, because every kernel is written once:
//!
//! ```text
//! ops    what to compute   gather, layer, bag, ...   one generic body each, over Row and Simd
//!  |
//! row    how stored        f32                       a row opens into f32 vectors of any width
//!  |
//! simd   how wide          scalar avx2 avx512 neon simd128
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
//! What an operation waits for is memory. From which sizes on it asks for rows ahead of their turn, or writes
//! past the caches, stands in [`tuning`], in numbers for each class of machines; they change no bit.
//!
//! # Trust
//! [`checked`] is the border: what passed it is of another type, and kernels take only that type. What a
//! caller of this crate must get right by itself (lengths that fit each other) is asserted at the entry of
//! each operation. `unsafe` stands in the instruction sets (`simd`), in [`table`], `row`, `storage` and
//! `pool`, each with its reason.

#![forbid(clippy::disallowed_methods, clippy::undocumented_unsafe_blocks)] // no exception in this crate

pub mod checked;
pub mod dtype;
pub mod error;
pub mod host;
pub mod math;
pub mod ops;
pub mod pool;
pub mod rng;
pub mod row;
pub mod simd;
pub mod slots;
pub mod split;
pub mod storage;
pub mod table;
pub mod tuning;
pub mod turn;
pub mod window;

pub use checked::{Bags, Ids, Indices, Offsets};
pub use dtype::DType;
pub use error::Error;
pub use simd::Isa;
pub use table::Table;
pub use window::Window;
