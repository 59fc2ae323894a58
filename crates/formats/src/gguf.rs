//! GGUF, versions 2 and 3, little-endian: counts, keys with typed values, descriptions of tensors, then aligned data.

use crate::error::{Error, Prefix, Stop};
use crate::header::{elements, tile, Encoding, Header, Tensor, Tokens, Value};
use crate::json::{repeated, DEPTH};

/// A type of ggml: its number, its name, the values of a block, and the bytes of a block.
struct Type(u8, &'static str, u16, u16, Option<Encoding>);

#[rustfmt::skip]
const TYPES: [Type; 34] = [
    Type(0, "F32", 1, 4, Some(Encoding::F32)),
    Type(1, "F16", 1, 2, Some(Encoding::F16)),
    Type(2, "Q4_0", 32, 18, Some(Encoding::Q4_0)),
    Type(3, "Q4_1", 32, 20, Some(Encoding::Q4_1)),
    Type(6, "Q5_0", 32, 22, Some(Encoding::Q5_0)),
    Type(7, "Q5_1", 32, 24, Some(Encoding::Q5_1)),
    Type(8, "Q8_0", 32, 34, Some(Encoding::Q8_0)),
    Type(9, "Q8_1", 32, 36, None),
    Type(10, "Q2_K", 256, 84, Some(Encoding::Q2K)),
    Type(11, "Q3_K", 256, 110, Some(Encoding::Q3K)),
    Type(12, "Q4_K", 256, 144, Some(Encoding::Q4K)),
    Type(13, "Q5_K", 256, 176, Some(Encoding::Q5K)),
    Type(14, "Q6_K", 256, 210, Some(Encoding::Q6K)),
    Type(15, "Q8_K", 256, 292, None),
    Type(16, "IQ2_XXS", 256, 66, None),
    Type(17, "IQ2_XS", 256, 74, None),
    Type(18, "IQ3_XXS", 256, 98, None),
    Type(19, "IQ1_S", 256, 50, None),
    Type(20, "IQ4_NL", 32, 18, None),
    Type(21, "IQ3_S", 256, 110, None),
    Type(22, "IQ2_S", 256, 82, None),
    Type(23, "IQ4_XS", 256, 136, None),
    Type(24, "I8", 1, 1, None),
    Type(25, "I16", 1, 2, None),
    Type(26, "I32", 1, 4, None),
    Type(27, "I64", 1, 8, None),
    Type(28, "F64", 1, 8, None),
    Type(29, "IQ1_M", 256, 56, None),
    Type(30, "BF16", 1, 2, Some(Encoding::Bf16)),
    Type(34, "TQ1_0", 256, 54, None),
    Type(35, "TQ2_0", 256, 66, None),
    Type(39, "MXFP4", 32, 17, None),
    Type(40, "NVFP4", 64, 36, None),
    Type(41, "Q1_0", 128, 18, None),
];

/// The names of the types of values, and their bytes, or the least bytes of a string and an array.
#[rustfmt::skip]
const KINDS: [(&str, u8); 13] = [
    ("u8", 1), ("i8", 1), ("u16", 2), ("i16", 2), ("u32", 4), ("i32", 4), ("f32", 4), ("bool", 1), ("string", 8),
    ("array", 12), ("u64", 8), ("i64", 8), ("f64", 8),
];
const U32: u64 = 4;
const F32: u64 = 6;
const BOOL: u64 = 7;
const STRING: u64 = 8;
const ARRAY: u64 = 9;
const F64: u64 = 12;

/// ggml's limit.
const DIMS: u64 = 4;

pub(crate) fn header(prefix: &mut Prefix, header: &mut Header) -> Result<(), Stop> {
    let total = prefix.total;
    let mut cursor = Cursor { prefix, at: 0 };
    if cursor.take(4, "the magic of a GGUF file")? != b"GGUF" {
        return Err(Error::byte(0, "a GGUF file begins with GGUF", &[], &[]).into());
    }
    let version = cursor.integer(4, "the version")?;
    if version != 2 && version != 3 {
        let swapped = (version as u32).swap_bytes() as u64;
        let big_endian = swapped < version;
        let template = match big_endian {
            true => "version # of GGUF in big-endian order is not read: little-endian files are",
            false => "version # of GGUF is not read: 2 and 3 are",
        };
        return Err(Error::byte(4, template, &[if big_endian { swapped } else { version }], &[]).into());
    }
    // The least bytes of a tensor and of a key with its value.
    let tensors = cursor.count("tensors", 24)?;
    let pairs = cursor.count("keys", 14)?;

    let mut alignment = 32;
    let mut names = Vec::new();
    for _ in 0..pairs {
        let at = cursor.at;
        let key = cursor.string("a key")?;
        if key.is_empty() {
            return Err(Error::byte(at, "a key is empty", &[], &[]).into());
        }
        let at_kind = cursor.at;
        let kind = cursor.kind()?;
        let start = cursor.at;
        let value = cursor.value(kind, 0)?;
        match (key, &value) {
            ("general.alignment", &Value::Integer { magnitude, .. })
                if kind == U32 && magnitude.is_power_of_two() =>
            {
                alignment = magnitude;
            }
            ("general.alignment", _) => {
                let rule = "general.alignment is not a power of two of the type u32";
                return Err(Error::byte(at_kind, rule, &[], &[]).into());
            }
            // The type and the count of the elements come first.
            (
                "tokenizer.ggml.tokens",
                &Value::Array {
                    kind: "string",
                    count,
                },
            ) => {
                header.tokens = Some(Tokens {
                    offset: start + 12,
                    count,
                });
            }
            _ => {}
        }
        header.metadata.push((key.into(), value));
        names.push((key, at));
    }
    unique(&names, "the key $ appears twice")?;

    names.clear();
    for _ in 0..tensors {
        let at = cursor.at;
        let mut tensor = Tensor::default();
        names.push((cursor.tensor(&mut tensor, alignment)?, at));
        header.tensors.push(tensor);
    }
    unique(&names, "the tensor $ appears twice")?;
    if tensors == 0 && cursor.at == total {
        return Ok(());
    }
    // Offsets were relative to the data, which begin at a multiple of the alignment.
    let start = cursor.at.next_multiple_of(alignment);
    for tensor in &mut header.tensors {
        tensor.offset = tensor.offset.saturating_add(start);
    }
    tile(&header.tensors, start, total, alignment)?;
    Ok(())
}

/// Checks that the names differ, which begin at the bytes beside them.
fn unique(names: &[(&str, u64)], template: &str) -> Result<(), Error> {
    match repeated(names.len(), &|a, b| names[a].0.cmp(names[b].0)) {
        Some(twice) => Err(Error::byte(names[twice].1, template, &[], &[names[twice].0])),
        None => Ok(()),
    }
}

struct Cursor<'p, 'a> {
    prefix: &'p mut Prefix<'a>,
    at: u64,
}

impl<'a> Cursor<'_, 'a> {
    fn take(&mut self, length: u64, what: &str) -> Result<&'a [u8], Stop> {
        let bytes = self.prefix.span(self.at, length, what)?;
        self.at += length;
        Ok(bytes)
    }

    /// A little-endian integer of at most 8 bytes.
    #[inline(never)]
    fn integer(&mut self, length: u64, what: &str) -> Result<u64, Stop> {
        let bytes = self.take(length, what)?;
        Ok(bytes
            .iter()
            .rev()
            .fold(0, |value, &byte| value << 8 | byte as u64))
    }

    /// A count of entries that take at least `least` bytes each.
    #[inline(never)]
    fn count(&mut self, what: &str, least: u64) -> Result<u64, Stop> {
        let at = self.at;
        let count = self.integer(8, "a count")?;
        let rest = self.prefix.total - self.at;
        if count > rest / least {
            let template = "the count of @ is #, more than fit the # bytes after it";
            return Err(Error::byte(at, template, &[count, rest], &[what]).into());
        }
        Ok(count)
    }

    #[inline(never)]
    fn string(&mut self, what: &str) -> Result<&'a str, Stop> {
        let length = self.integer(8, what)?;
        let at = self.at;
        match std::str::from_utf8(self.take(length, what)?) {
            Ok(text) => Ok(text),
            Err(error) => {
                Err(Error::byte(at + error.valid_up_to() as u64, "@ is not UTF-8", &[], &[what]).into())
            }
        }
    }

    /// The type of a value: an index of [`KINDS`].
    #[inline(never)]
    fn kind(&mut self) -> Result<u64, Stop> {
        let at = self.at;
        let kind = self.integer(4, "the type of a value")?;
        if kind as usize >= KINDS.len() {
            return Err(Error::byte(at, "the type # of a value is unknown", &[kind], &[]).into());
        }
        Ok(kind)
    }

    /// A value inside `depth` arrays.
    fn value(&mut self, kind: u64, depth: usize) -> Result<Value, Stop> {
        let at = self.at;
        let (name, size) = KINDS[kind as usize];
        Ok(match kind {
            STRING => Value::Text(self.string("a string")?.into()),
            ARRAY => {
                if depth == DEPTH {
                    return Err(
                        Error::byte(at, "arrays nest deeper than # levels", &[DEPTH as u64], &[]).into(),
                    );
                }
                let kind = self.kind()?;
                let (name, size) = KINDS[kind as usize];
                let count = self.count("elements", size as u64)?;
                match kind {
                    STRING => {
                        for _ in 0..count {
                            self.string("a string")?;
                        }
                    }
                    ARRAY | BOOL => {
                        for _ in 0..count {
                            self.value(kind, depth + 1)?;
                        }
                    }
                    // No product wraps: the count fits the file.
                    _ => drop(self.take(count * size as u64, "an array")?),
                }
                Value::Array { kind: name, count }
            }
            _ => {
                let bits = self.integer(size as u64, "a value")?;
                match kind {
                    F32 => Value::F32(bits as u32),
                    F64 => Value::F64(bits),
                    BOOL if bits <= 1 => Value::Bool(bits == 1),
                    BOOL => return Err(Error::byte(at, "a bool is #, not 0 or 1", &[bits], &[]).into()),
                    _ => {
                        let unused = 64 - 8 * size as u32;
                        let value = (bits << unused) as i64 >> unused;
                        let negative = name.as_bytes()[0] == b'i' && value < 0;
                        let magnitude = if negative { value.unsigned_abs() } else { bits };
                        Value::Integer { negative, magnitude }
                    }
                }
            }
        })
    }

    /// Reads a tensor, whose offset is then relative to the data.
    fn tensor(&mut self, tensor: &mut Tensor, alignment: u64) -> Result<&'a str, Stop> {
        let start = self.at;
        let name = self.string("the name of a tensor")?;
        let wrong = |template: &str, value: u64| Err(Error::byte(start, template, &[value], &[name]).into());
        let dims = self.integer(4, "the number of dimensions")?;
        if dims > DIMS {
            return wrong("the tensor $ has # dimensions, more than 4", dims);
        }
        for _ in 0..dims {
            tensor.shape.push(self.integer(8, "a dimension")?);
        }
        if tensor.shape.contains(&0) {
            return wrong("the tensor $ has a dimension of #", 0);
        }
        let kind = self.integer(4, "the type of a tensor")?;
        let Some(Type(_, dtype, block, size, encoding)) = TYPES.iter().find(|known| known.0 as u64 == kind)
        else {
            return wrong("the tensor $ has the unknown type #", kind);
        };
        // The first size is that of a row.
        let (row, block) = (tensor.shape.first().copied().unwrap_or(1), *block as u64);
        if !row.is_multiple_of(block) {
            let template = "the tensor $ has rows of # values, which are not whole blocks of its type";
            return wrong(template, row);
        }
        match elements(&tensor.shape).and_then(|count| (count / block).checked_mul(*size as u64)) {
            Some(bytes) => tensor.bytes = bytes,
            None => return wrong("the tensor $ takes more than 2^64 bytes", 0),
        }
        tensor.offset = self.integer(8, "the offset of a tensor")?;
        if !tensor.offset.is_multiple_of(alignment) {
            let template = "the tensor $ has an offset that is not a multiple of the alignment #";
            return wrong(template, alignment);
        }
        tensor.shape.reverse();
        tensor.name = name.into();
        tensor.dtype = (*dtype).into();
        tensor.encoding = *encoding;
        Ok(name)
    }
}
