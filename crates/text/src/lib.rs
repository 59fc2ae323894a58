//! Tokenizers of models: a tokenizer.json and text to the ids of the reference, the Python package `tokenizers` 0.23.3.
//!
//! The reference keeps for each piece of text where it came from. This crate returns ids only, so that a piece is a
//! range of one buffer. The steps are those of the reference, in its order:
//!
//! ```text
//! text -> added tokens that are not normalized (added.rs)
//!      -> normalizers (normalize/)
//!      -> added tokens that are normalized
//!      -> pre-tokenizers (split/)
//!      -> model (model/) -> ids
//!      -> truncation, post-processor (post.rs)
//! ids  -> tokens (model/, added.rs) -> decoders (decode.rs) -> text
//! ```
//!
//! A part that is not read exactly is refused when the file is read. Unicode properties are those of the crates that
//! the reference takes them from, which differ: see [`unicode`].

#![forbid(unsafe_code)]

mod added;
mod decode;
mod fields;
mod memo;
mod model;
mod normalize;
mod post;
mod split;
mod tokenizer;
mod unicode;

pub use memo::{Chunks, Memo};
pub use tokenbed_formats::Error;
pub use tokenizer::{DecodeError, Decoded, EncodeError, Options, Tokenizer, Workspace};

/// What tests compare with the reference.
#[doc(hidden)]
pub mod for_tests {
    pub use crate::unicode::for_tests as unicode;
}
