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
    /// Blocks of a GGUF file. Their rows are decoded before they are read, and never written.
    Block(Block),
}

/// The block types of GGUF files, whose rows are whole blocks of values with common scales.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "ggml's names")]
pub enum Block {
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2K,
    Q3K,
    Q4K,
    Q5K,
    Q6K,
}

impl Block {
    /// Every block type.
    pub const ALL: [Block; 10] = [
        Block::Q4_0,
        Block::Q4_1,
        Block::Q5_0,
        Block::Q5_1,
        Block::Q8_0,
        Block::Q2K,
        Block::Q3K,
        Block::Q4K,
        Block::Q5K,
        Block::Q6K,
    ];

    /// The name in the public API, the values of a block, and its bytes.
    const fn layout(self) -> (&'static str, usize, usize) {
        match self {
            Block::Q4_0 => ("q4_0", 32, 18),
            Block::Q4_1 => ("q4_1", 32, 20),
            Block::Q5_0 => ("q5_0", 32, 22),
            Block::Q5_1 => ("q5_1", 32, 24),
            Block::Q8_0 => ("q8_0", 32, 34),
            Block::Q2K => ("q2_k", 256, 84),
            Block::Q3K => ("q3_k", 256, 110),
            Block::Q4K => ("q4_k", 256, 144),
            Block::Q5K => ("q5_k", 256, 176),
            Block::Q6K => ("q6_k", 256, 210),
        }
    }

    /// The name in the public API.
    pub fn name(self) -> &'static str {
        self.layout().0
    }

    /// The number of values in a block.
    pub fn values(self) -> usize {
        self.layout().1
    }

    /// The number of bytes of a block.
    pub fn bytes(self) -> usize {
        self.layout().2
    }
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
            DType::Block(block) => block.name(),
        }
    }

    /// The type with this name.
    pub fn named(name: &str) -> Option<Self> {
        let blocks = Block::ALL.into_iter().map(DType::Block);
        let mut all = DType::STORED.into_iter().chain(blocks);
        all.find(|dtype| dtype.name() == name)
    }

    /// The block type, if rows are made of blocks.
    pub fn block(self) -> Option<Block> {
        match self {
            DType::Block(block) => Some(block),
            _ => None,
        }
    }

    /// Bytes of a row of `dim` values; `None` if they overflow an address, or are not whole blocks.
    pub(crate) fn row_bytes(self, dim: usize) -> Option<usize> {
        match self {
            DType::F32 => dim.checked_mul(4),
            DType::F16 | DType::Bf16 => dim.checked_mul(2),
            DType::I8 if dim > 0 => dim.checked_add(8),
            DType::I4 if dim > 0 => dim.div_ceil(2).checked_add(4),
            DType::I8 | DType::I4 => Some(0),
            DType::Block(block) if dim.is_multiple_of(block.values()) => {
                (dim / block.values()).checked_mul(block.bytes())
            }
            DType::Block(_) => None,
        }
    }
}
