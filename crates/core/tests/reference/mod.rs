//! The reference implementation: short, plain loops without dependencies. It is the executable specification.
//!
//! Tests compare the kernels with it bit for bit, and `crates/vectors` generates the published vectors from it.

#![allow(dead_code, reason = "each test uses its own part")]

pub mod bag;
pub mod bag_backward;
pub mod blocks;
pub mod dropout;
pub mod embed;
pub mod fixed;
pub mod gather;
pub mod gradient;
pub mod init;
pub mod loss;
pub mod mean_pool;
pub mod nearest;
pub mod optimizer;
pub mod position;
pub mod rng;
pub mod rotary;
pub mod sampler;
pub mod score;
pub mod sinusoid;
pub mod store;
