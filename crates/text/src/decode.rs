//! Decoders: tokens to text.
