//! The processor properties that thresholds depend on: its class, and the size of the L2 cache.

/// A class of processors, which share their thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Intel, x86-64.
    Intel,
    /// Intel, x86-64, with AVX10: Granite Rapids and later.
    Granite,
    /// AMD, x86-64, family 19h: Zen 3 and Zen 4.
    Zen4,
    /// AMD, x86-64, family 1Ah: Zen 5.
    Zen5,
    /// AMD of any other family. Includes Hygon, which uses the same cores.
    Amd,
    /// Any aarch64 vendor.
    Arm,
    /// Any processor, seen from WebAssembly, which does not reveal it.
    WebAssembly,
    /// Any other vendor.
    Other,
}

impl Class {
    /// Every class, on any machine.
    pub const ALL: [Class; 8] = [
        Class::Intel,
        Class::Granite,
        Class::Zen4,
        Class::Zen5,
        Class::Amd,
        Class::Arm,
        Class::WebAssembly,
        Class::Other,
    ];

    /// The name in the public API.
    pub fn name(self) -> &'static str {
        match self {
            Class::Intel => "intel",
            Class::Granite => "granite",
            Class::Zen4 => "zen4",
            Class::Zen5 => "zen5",
            Class::Amd => "amd",
            Class::Arm => "arm",
            Class::WebAssembly => "wasm",
            Class::Other => "other",
        }
    }
}

/// The properties of a processor that kernels use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Processor {
    /// The class.
    pub class: Class,
    /// The size of a core's L2 cache in bytes, 0 if unknown.
    pub l2: usize,
}
