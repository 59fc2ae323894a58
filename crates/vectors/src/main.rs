//! Writes test/vectors from the reference.
fn main() {}
