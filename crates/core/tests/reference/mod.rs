//! The specification as plain loops: short, without dependencies, to be read beside the contract.
//!
//! Tests compare the kernels with it, bit for bit, and `crates/vectors` writes the published vectors from it.

#![allow(dead_code, reason = "each test uses its own part")]

pub mod bag;
pub mod dropout;
pub mod embed;
pub mod fixed;
pub mod gather;
pub mod init;
pub mod position;
pub mod rng;
pub mod rotary;
pub mod sinusoid;
