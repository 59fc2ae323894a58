//! The facts on which thresholds depend: the vendor of the processor, and the size of its L2 cache.

/// Who made the processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    /// Intel, x86-64.
    Intel,
    /// AMD, x86-64 (Hygon's are of the same kind).
    Amd,
    /// Any aarch64 vendor.
    Arm,
    /// Any other, or WebAssembly, which hides it.
    Other,
}

/// A processor, as far as kernels depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Processor {
    /// Who made it.
    pub vendor: Vendor,
    /// Bytes of the L2 cache of a core; 0 where it cannot be known.
    pub l2: usize,
}
