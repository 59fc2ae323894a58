//! What a header describes, and the rules about extents that all formats share.

use crate::error::{error, At, Error, Part};
use crate::json::{order, write_number, write_string};
use crate::Format;

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
#[derive(Debug, Clone, PartialEq, Eq)]
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
    pub fn write_json(&self, out: &mut String) {
        out.push_str("{\"format\":\"");
        out.push_str(self.format.name());
        out.push_str("\",\"fortran\":");
        write_bool(out, self.fortran);
        out.push_str(",\"tensors\":[");
        for (index, tensor) in self.tensors.iter().enumerate() {
            out.push_str(if index == 0 { "{\"name\":" } else { ",{\"name\":" });
            write_string(out, &tensor.name);
            out.push_str(",\"dtype\":");
            write_string(out, &tensor.dtype);
            out.push_str(",\"encoding\":");
            match tensor.encoding {
                Some(encoding) => write_string(out, encoding.name()),
                None => out.push_str("null"),
            }
            out.push_str(",\"shape\":");
            write_numbers(out, &tensor.shape);
            out.push_str(",\"offset\":");
            write_number(out, tensor.offset);
            out.push_str(",\"bytes\":");
            write_number(out, tensor.bytes);
            out.push('}');
        }
        out.push_str("],\"metadata\":[");
        for (index, (key, value)) in self.metadata.iter().enumerate() {
            out.push_str(if index == 0 { "[" } else { ",[" });
            write_string(out, key);
            out.push(',');
            value.write_json(out);
            out.push(']');
        }
        out.push_str("],\"tokens\":");
        match self.tokens {
            Some(tokens) => write_numbers(out, &[tokens.offset, tokens.count]),
            None => out.push_str("null"),
        }
        out.push('}');
    }
}

impl Value {
    fn write_json(&self, out: &mut String) {
        match *self {
            Value::Text(ref text) => return write_string(out, text),
            Value::Bool(value) => return write_bool(out, value),
            Value::Integer { negative, magnitude } => {
                out.push_str("{\"integer\":\"");
                if negative {
                    out.push('-');
                }
                write_number(out, magnitude);
                out.push('"');
            }
            Value::F32(bits) => {
                out.push_str("{\"f32\":");
                write_number(out, bits as u64);
            }
            Value::F64(bits) => {
                out.push_str("{\"f64\":");
                write_numbers(out, &[bits >> 32, bits & 0xffff_ffff]);
            }
            Value::Array { kind, count } => {
                out.push_str("{\"array\":");
                write_string(out, kind);
                out.push_str(",\"count\":");
                write_number(out, count);
            }
        }
        out.push('}');
    }
}

fn write_bool(out: &mut String, value: bool) {
    out.push_str(if value { "true" } else { "false" });
}

fn write_numbers(out: &mut String, numbers: &[u64]) {
    out.push('[');
    for (index, &number) in numbers.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_number(out, number);
    }
    out.push(']');
}

/// The product of `shape`, or None beyond 2^64 - 1.
pub(crate) fn elements(shape: &[u64]) -> Option<u64> {
    shape
        .iter()
        .try_fold(1u64, |product, &size| product.checked_mul(size))
}

/// Checks that the tensors tile `[start, total)`: each begins where another ends, rounded up to `alignment`. The last one
/// ends with the file, rounded up or not.
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
        let wrong = if offset < end {
            ", inside the data before it, which end at byte "
        } else if offset > round(end) {
            ", after a hole: the data before it end at byte "
        } else {
            match offset.checked_add(bytes) {
                Some(next) if next <= total => {
                    end = next;
                    continue;
                }
                _ => {
                    return Err(error!(
                        At::Byte(offset),
                        "the tensor ",
                        Part::Quoted(name),
                        " takes ",
                        bytes,
                        " bytes, but the file ends after ",
                        total,
                    ))
                }
            }
        };
        return Err(error!(
            At::Byte(offset),
            "the tensor ",
            Part::Quoted(name),
            " begins at byte ",
            offset,
            wrong,
            end
        ));
    }
    if total != end && total != round(end) {
        return Err(error!(
            At::Byte(end),
            "trailing bytes: the data end at byte ", end, ", the file after ", total
        ));
    }
    Ok(())
}
