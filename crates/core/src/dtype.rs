//! The storage types of a table: their names and the bytes of a row.

/// The storage type of a table's values. Kernels compute in f32 for every storage type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DType {
    /// IEEE 754 binary32, in the machine's byte order (little-endian on every target of this crate).
    F32,
    /// IEEE 754 binary16.
    F16,
    /// The upper two bytes of an f32.
    Bf16,
    /// Integers of 8 bits, with a scale and a bias for each row.
    I8,
    /// Integers of 4 bits, with a scale and a bias for each row.
    I4,
}

impl DType {
    /// The types of tables that can be written.
    pub const STORED: [DType; 5] = [DType::F32, DType::F16, DType::Bf16, DType::I8, DType::I4];

    /// The name in the public API.
    pub fn name(self) -> &'static str {
        match self {
            DType::F32 => "f32",
            DType::F16 => "f16",
            DType::Bf16 => "bf16",
            DType::I8 => "i8",
            DType::I4 => "i4",
        }
    }

    /// The type with this name.
    pub fn named(name: &str) -> Option<Self> {
        DType::STORED.into_iter().find(|dtype| dtype.name() == name)
    }

    /// Bytes of a row of `dim` values; `None` if they overflow an address.
    pub(crate) fn row_bytes(self, dim: usize) -> Option<usize> {
        match self {
            DType::F32 => dim.checked_mul(4),
            DType::F16 | DType::Bf16 => dim.checked_mul(2),
            DType::I8 if dim > 0 => dim.checked_add(8),
            DType::I4 if dim > 0 => dim.div_ceil(2).checked_add(4),
            DType::I8 | DType::I4 => Some(0),
        }
    }
}
