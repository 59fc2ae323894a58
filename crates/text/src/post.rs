//! Post-processors: the special tokens around a text, and truncation.
