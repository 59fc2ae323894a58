//! The reference for tokenbed-text: the crate tokenizers, asked in-process.

pub mod tables;
