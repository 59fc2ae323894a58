//! The storage types of a table: their names and the bytes of a row.

/// The storage type of a table's values. Kernels compute in f32 for every storage type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DType {
    /// IEEE 754 binary32, in the machine's byte order (little-endian on every target of this crate).
    F32,
    /// The upper two bytes of an f32: a second dtype for the tests.
    #[cfg(feature = "test-dtype")]
    Half,
}

impl DType {
    /// The type that the public API calls `name`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "f32" => Some(DType::F32),
            #[cfg(feature = "test-dtype")]
            "half" => Some(DType::Half),
            _ => None,
        }
    }

    /// Bytes of a row of `dim` values; `None` if they overflow an address.
    pub(crate) fn row_bytes(self, dim: usize) -> Option<usize> {
        match self {
            DType::F32 => dim.checked_mul(size_of::<f32>()),
            #[cfg(feature = "test-dtype")]
            DType::Half => dim.checked_mul(size_of::<u16>()),
        }
    }
}
