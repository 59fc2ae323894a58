//! The reference for tokenbed-text: the crate tokenizers, called in-process, and what both are compared on: texts and
//! tokenizer.json files made from the parts that are read.

pub mod charsmap;
pub mod compare;
pub mod files;
pub mod mutate;
pub mod random;
pub mod tables;
pub mod texts;
pub mod vectors;
