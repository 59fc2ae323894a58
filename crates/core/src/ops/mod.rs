//! What to compute: one file an operation.
//!
//! An operation's entry checks the shapes it was given (a wrong one is a defect of the caller, so it panics),
//! turns its [`Isa`](crate::simd::Isa) into a proof and its tables into rows, and runs one generic body. That
//! body names no instruction set and no storage type.

mod add;
mod bag;
pub(crate) mod check;
mod dropout;
mod gather;
mod init;
mod layer;
mod lookup;
mod sinusoid;

pub use add::{add, PositionRows, Positions, Source};
pub use bag::{bag, bag_extend, bag_finish, Bag, BagState, Mode};
pub use dropout::{dropout, Dropout};
pub use gather::{gather, read};
pub use init::{init_normal, init_uniform};
pub use layer::{layer, Layer};
pub use sinusoid::{sinusoid_at, sinusoid_rows, Layout, Sinusoid};
