//! The storage types of a table: their names and how many bytes a row takes.

/// How the values of a table are stored. Whatever it is, kernels compute in f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DType {
    /// IEEE 754 binary32, in the machine's byte order (little-endian on every target of this crate).
    F32,
}

impl DType {
    /// The name the public API uses.
    pub fn name(self) -> &'static str {
        match self {
            DType::F32 => "f32",
        }
    }

    /// The type of that name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "f32" => Some(DType::F32),
            _ => None,
        }
    }

    /// Bytes of a row of `dim` values; `None` when that is more than an address can count.
    pub fn row_bytes(self, dim: usize) -> Option<usize> {
        match self {
            DType::F32 => dim.checked_mul(size_of::<f32>()),
        }
    }

    /// What the address of a table must be a multiple of.
    pub fn align(self) -> usize {
        match self {
            DType::F32 => align_of::<f32>(),
        }
    }
}
