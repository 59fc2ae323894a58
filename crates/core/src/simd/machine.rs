//! What decides at which sizes a kernel changes its way: whose processor it is, and how large its caches are.

/// Who made the processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    /// Intel, x86-64.
    Intel,
    /// AMD, x86-64 (Hygon's are of the same kind).
    Amd,
    /// Whoever makes an aarch64.
    Arm,
    /// Somebody else, or WebAssembly, which hides it.
    Other,
}

/// A machine, as far as kernels care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// Who made it.
    pub vendor: Vendor,
    /// Bytes of the L2 cache of a core; 0 where it cannot be known.
    pub l2: usize,
}
