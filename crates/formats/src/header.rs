//! What a header describes, and the rules about extents that all formats share.

use crate::error::Error;
use crate::json::{order, put, write_number, write_string};
use crate::{Format, UNKNOWN};

/// A checked header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The format of the file.
    pub format: Format,
    /// The tensors, in the order of the header. Their bytes tile the data of the file.
    pub tensors: Vec<Tensor>,
    /// The metadata, in the order of the header. Keys differ.
    pub metadata: Vec<(String, Value)>,
    /// Whether the values are stored column by column (.npy).
    pub fortran: bool,
    /// The tokens of a GGUF file's tokenizer.
    pub tokens: Option<Tokens>,
}

/// A tensor of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tensor {
    /// The name; `weight` in a .npy file.
    pub name: String,
    /// The type as the file names it: `F32`, `<f4`, `Q8_0`.
    pub dtype: String,
    /// The type, if a table can be read from it.
    pub encoding: Option<Encoding>,
    /// The sizes, outermost first.
    pub shape: Vec<u64>,
    /// The first byte, counted from the start of the file.
    pub offset: u64,
    /// The number of bytes.
    pub bytes: u64,
}

/// A value of a header's metadata. Floats are bits, so that JavaScript prints them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the types of GGUF")]
pub enum Value {
    Text(String),
    Integer {
        negative: bool,
        magnitude: u64,
    },
    F32(u32),
    F64(u64),
    Bool(bool),
    /// An array, whose elements were checked and are not kept.
    Array {
        kind: &'static str,
        count: u64,
    },
}

/// Strings in a GGUF header: each is a u64 length followed by UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tokens {
    /// The byte at which the length of the first string begins.
    pub offset: u64,
    /// The number of strings.
    pub count: u64,
}

/// How the values of a tensor are stored, of the types that a table can be read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Encoding {
    F32,
    F16,
    Bf16,
    F64,
    F8E4M3,
    F8E5M2,
    /// Plain integers.
    Int8,
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

impl Encoding {
    /// The name, as the backends take it.
    pub fn name(self) -> &'static str {
        const NAMES: [&str; 17] = [
            "f32", "f16", "bf16", "f64", "f8_e4m3", "f8_e5m2", "int8", "q4_0", "q4_1", "q5_0", "q5_1",
            "q8_0", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k",
        ];
        NAMES[self as usize]
    }
}

impl Header {
    pub(crate) fn new(format: Format) -> Header {
        Header {
            format,
            tensors: Vec::new(),
            metadata: Vec::new(),
            fortran: false,
            tokens: None,
        }
    }

    /// Appends the header as JSON:
    ///
    /// ```json
    /// { "format": "npy", "fortran": false,
    ///   "tensors": [{ "name": "weight", "dtype": "<f4", "encoding": "f32", "shape": [3, 4], "offset": 128, "bytes": 48 }],
    ///   "metadata": [["text", "v"], ["integer", { "integer": "-5" }], ["f32", { "f32": 1065353216 }],
    ///     ["f64", { "f64": [1072693248, 0] }], ["bool", true], ["array", { "array": "string", "count": 3 }]],
    ///   "tokens": [4096, 3] }
    /// ```
    ///
    /// An integer is text, since JSON's numbers are not exact beyond 2^53. An `f32` is its bits, an `f64` its upper and
    /// lower 32 bits. `encoding` and `tokens` may be null.
    #[inline(never)]
    pub fn write_json(&self, out: &mut String) {
        put(out, "{\"format\":\"");
        put(out, self.format.name());
        put(out, "\",\"fortran\":");
        write_bool(out, self.fortran);
        put(out, ",\"tensors\":[");
        for (index, tensor) in self.tensors.iter().enumerate() {
            put(out, if index == 0 { "{\"name\":" } else { ",{\"name\":" });
            write_string(out, &tensor.name);
            put(out, ",\"dtype\":");
            write_string(out, &tensor.dtype);
            put(out, ",\"encoding\":");
            match tensor.encoding {
                Some(encoding) => write_string(out, encoding.name()),
                None => put(out, "null"),
            }
            put(out, ",\"shape\":");
            write_numbers(out, &tensor.shape);
            put(out, ",\"offset\":");
            write_number(out, tensor.offset);
            put(out, ",\"bytes\":");
            write_number(out, tensor.bytes);
            put(out, "}");
        }
        put(out, "],\"metadata\":[");
        for (index, (key, value)) in self.metadata.iter().enumerate() {
            put(out, if index == 0 { "[" } else { ",[" });
            write_string(out, key);
            put(out, ",");
            value.write_json(out);
            put(out, "]");
        }
        put(out, "],\"tokens\":");
        match self.tokens {
            Some(tokens) => write_numbers(out, &[tokens.offset, tokens.count]),
            None => put(out, "null"),
        }
        put(out, "}");
    }
}

impl Value {
    fn write_json(&self, out: &mut String) {
        match *self {
            Value::Text(ref text) => return write_string(out, text),
            Value::Bool(value) => return write_bool(out, value),
            Value::Integer { negative, magnitude } => {
                put(out, "{\"integer\":\"");
                if negative {
                    put(out, "-");
                }
                write_number(out, magnitude);
                put(out, "\"");
            }
            Value::F32(bits) => {
                put(out, "{\"f32\":");
                write_number(out, bits as u64);
            }
            Value::F64(bits) => {
                put(out, "{\"f64\":");
                write_numbers(out, &[bits >> 32, bits & 0xffff_ffff]);
            }
            Value::Array { kind, count } => {
                put(out, "{\"array\":");
                write_string(out, kind);
                put(out, ",\"count\":");
                write_number(out, count);
            }
        }
        put(out, "}");
    }
}

fn write_bool(out: &mut String, value: bool) {
    put(out, if value { "true" } else { "false" });
}

fn write_numbers(out: &mut String, numbers: &[u64]) {
    put(out, "[");
    for (index, &number) in numbers.iter().enumerate() {
        if index > 0 {
            put(out, ",");
        }
        write_number(out, number);
    }
    put(out, "]");
}

/// The product of `shape`, or None beyond 2^64 - 1.
pub(crate) fn elements(shape: &[u64]) -> Option<u64> {
    shape
        .iter()
        .try_fold(1u64, |product, &size| product.checked_mul(size))
}

/// Checks that the tensors tile `[start, total)`: each begins where another ends, rounded up to `alignment`. The last one
/// ends with the file, rounded up or not; if the length of the file is not known, it may end anywhere.
pub(crate) fn tile(tensors: &[Tensor], start: u64, total: u64, alignment: u64) -> Result<(), Error> {
    let sorted = order(tensors.len(), &|a, b| {
        let (a, b) = (&tensors[a], &tensors[b]);
        a.offset.cmp(&b.offset).then(a.bytes.cmp(&b.bytes))
    });
    let round = |end: u64| end.div_ceil(alignment).saturating_mul(alignment);
    let mut end = start;
    for index in sorted {
        let Tensor {
            name, offset, bytes, ..
        } = &tensors[index as usize];
        let (offset, bytes) = (*offset, *bytes);
        let next = offset.saturating_add(bytes);
        let (template, bound) = if offset < end {
            (
                "the tensor $ overlaps the data before it, which end at byte #",
                end,
            )
        } else if offset > round(end) {
            (
                "the tensor $ begins after a hole: the data before it end at byte #",
                end,
            )
        } else if next > total {
            ("the tensor $ takes # bytes, but the file ends after #", bytes)
        } else {
            end = next;
            continue;
        };
        return Err(Error::byte(offset.min(total), template, &[bound, total], &[name]));
    }
    if total < end {
        let template = "the data begin at byte #, but the file ends after #";
        return Err(Error::byte(total, template, &[end, total], &[]));
    }
    if total != UNKNOWN && total != end && total != round(end) {
        return Err(Error::byte(
            end,
            "trailing bytes: the data end here, the file after #",
            &[total],
            &[],
        ));
    }
    Ok(())
}
