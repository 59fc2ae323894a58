//! The processor properties that thresholds depend on: the vendor, the family of AMD's cores, and the size of the L2
//! cache.

/// The vendor of a processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    /// Intel, x86-64.
    Intel,
    /// AMD, x86-64, Zen 3 and Zen 4.
    AmdFamily19h,
    /// AMD of any other family. Includes Hygon, which uses the same cores.
    Amd,
    /// Any aarch64 vendor.
    Arm,
    /// Any other vendor, or WebAssembly, which does not reveal it.
    Other,
}

/// The properties of a processor that kernels use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Processor {
    /// The vendor.
    pub vendor: Vendor,
    /// The size of a core's L2 cache in bytes, 0 if unknown.
    pub l2: usize,
}
