//! What to compute: one file an operation.
//!
//! An operation's entry checks the shapes it was given (a wrong one is a defect of the caller, so it panics), turns
//! its [`Isa`](crate::simd::Isa) into a proof and its tables into rows, and runs one generic body. That body names
//! no instruction set and no storage type.

pub(crate) mod check;
mod dropout;
mod gather;
mod init;
mod sinusoid;

pub use dropout::{dropout, Dropout};
pub use gather::{gather, read};
pub use init::{init_normal, init_uniform};
pub use sinusoid::{sinusoid_at, sinusoid_rows, Layout, Sinusoid};
