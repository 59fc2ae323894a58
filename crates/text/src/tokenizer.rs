//! The tokenizer: all parts, in the order of the reference.

/// A text that the reference refuses to encode: it has a character that the vocabulary lacks, and there is no unknown
/// token to stand for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodeError;

/// A tokenizer.
#[derive(Debug)]
pub struct Tokenizer {}
