//! The shared part of both bindings: the code between a JavaScript call and a kernel that does not depend on the host.
//!
//! ```text
//! exports of a binding    read the arguments of one call                          crates/node, crates/wasm
//!   run, nearest, rows,   resolve handles, check arguments and ids, compute       one function per export
//!   loss, sampler
//!     environment         the objects of one JavaScript environment, by handle
//!     arrays              the caller's arrays: whole slices, or tiles of them
//!     gradient            backward passes, and the gradients of tables
//!     bags, score         the backward pass of bags; scores and theirs
//!     optimizer           the state of optimizers, steps, clipping, norms of rows
//!     files, words, hash  headers of files, word vectors, SHA-256
//!     text                tokenizers of models, by handle                         crates/node, crates/text-wasm
//!     split, pool         rows shared between threads (native)
//! ```
//!
//! An export returns a *status* ([`status`]). Any other error is a [`Failure`]: a bug in the calling TypeScript, which
//! the user sees as `ERR_INTERNAL`.

mod ahead;
pub mod arrays;
pub mod bags;
pub mod environment;
pub mod files;
pub mod gradient;
pub mod handles;
pub mod hash;
pub mod loss;
pub mod nearest;
pub mod optimizer;
pub mod rows;
pub mod run;
pub mod sampler;
pub mod score;
pub mod status;
pub mod text;
pub mod words;

#[cfg(target_family = "wasm")]
pub mod owned;
#[cfg(not(target_family = "wasm"))]
mod placement;
#[cfg(not(target_family = "wasm"))]
pub mod pool;
#[cfg(not(target_family = "wasm"))]
pub mod split;
#[cfg(not(target_family = "wasm"))]
pub mod whole;

#[cfg(not(target_family = "wasm"))]
pub use environment::MapRecord;
pub use environment::{
    BagRecord, EmbedRecord, Environment, PoolRecord, PositionsRecord, RotaryRecord, SinusoidRecord,
    TableRecord,
};
pub use optimizer::OptimizerRecord;
pub use rows::RowsRecord;
pub use status::{Failure, DONE};
pub use words::WordsRecord;
