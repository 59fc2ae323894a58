//! The storage types of tables and of tensors in files: their names and the bytes of a row.

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
    pub const fn values(self) -> usize {
        self.layout().1
    }

    /// The number of bytes of a block.
    pub const fn bytes(self) -> usize {
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

    /// The values that are stored together, and their bytes: a value, a pair of nibbles, or a block.
    const fn group(self) -> (usize, usize) {
        match self {
            DType::F32 => (1, 4),
            DType::F16 | DType::Bf16 => (1, 2),
            DType::I8 => (1, 1),
            DType::I4 => (2, 1),
            DType::Block(block) => (block.values(), block.bytes()),
        }
    }

    /// Bytes of the header of a row, which follows its values: scale and bias.
    pub const fn header_bytes(self) -> usize {
        match self {
            DType::I8 => 8,
            DType::I4 => 4,
            _ => 0,
        }
    }

    /// Bytes of the values of a row of a valid table.
    #[inline(always)]
    pub(crate) const fn value_bytes(self, dim: usize) -> usize {
        let (values, bytes) = self.group();
        dim.div_ceil(values) * bytes
    }

    /// Bytes of a row of `dim` values, without padding; `None` if they overflow an address, or are not whole blocks.
    pub(crate) fn row_bytes(self, dim: usize) -> Option<usize> {
        let (values, bytes) = self.group();
        if dim == 0 || self.block().is_some() && !dim.is_multiple_of(values) {
            return None;
        }
        let bytes = dim.div_ceil(values).checked_mul(bytes)?;
        bytes.checked_add(self.header_bytes())
    }

    /// The bits of the last byte of the values of a row that belong to one of its `dim` values. The others are 0.
    pub fn last_byte(self, dim: usize) -> u8 {
        match self {
            DType::I4 if !dim.is_multiple_of(2) => 0x0f,
            _ => 0xff,
        }
    }
}

/// How a file stores the values of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As the rows of a table of this dtype.
    Stored(DType),
    /// IEEE 754 binary64.
    F64,
    /// 8 bits: a sign, 4 bits of exponent and 3 of fraction. Without infinities.
    F8E4M3,
    /// 8 bits: a sign, 5 bits of exponent and 2 of fraction, as in the upper byte of an f16.
    F8E5M2,
    /// Integers from -128 to 127. Not [`DType::I8`], whose rows have a scale and a bias.
    Int8,
}

impl Encoding {
    /// The encoding with this name: `f64`, `f8_e4m3`, `f8_e5m2`, `int8`, or that of a dtype.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "f64" => Some(Encoding::F64),
            "f8_e4m3" => Some(Encoding::F8E4M3),
            "f8_e5m2" => Some(Encoding::F8E5M2),
            "int8" => Some(Encoding::Int8),
            _ => DType::named(name).map(Encoding::Stored),
        }
    }

    /// Bytes of a row of `dim` values, without padding; `None` if they overflow an address, or are not whole blocks.
    pub fn row_bytes(self, dim: usize) -> Option<usize> {
        match self {
            Encoding::Stored(dtype) => dtype.row_bytes(dim),
            Encoding::F64 => dim.checked_mul(8),
            _ => Some(dim),
        }
    }

    /// Whether single values can be stored in a table of `dtype`, wherever they are in a row: those of the same dtype
    /// without a header, and f64 as f32.
    pub fn transposes_to(self, dtype: DType) -> bool {
        match self {
            Encoding::Stored(own) => own == dtype && dtype.group().0 == 1 && dtype.header_bytes() == 0,
            Encoding::F64 => dtype == DType::F32,
            _ => false,
        }
    }
}
