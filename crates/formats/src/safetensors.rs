//! safetensors: a u64 length, a JSON header of that length, then the data, which the tensors tile.

use crate::error::{Error, Prefix, Stop};
use crate::header::{elements, tile, Encoding, Header, Tensor, Value};
use crate::json::Reader;

/// The longest header, as in the reference.
const LONGEST: u64 = 100_000_000;

/// The types, the bits of a value, and how a table is read from it.
#[rustfmt::skip]
const TYPES: [(&str, u8, Option<Encoding>); 22] = [
    ("F32", 32, Some(Encoding::F32)),
    ("F16", 16, Some(Encoding::F16)),
    ("BF16", 16, Some(Encoding::Bf16)),
    ("F64", 64, Some(Encoding::F64)),
    ("F8_E4M3", 8, Some(Encoding::F8E4M3)),
    ("F8_E5M2", 8, Some(Encoding::F8E5M2)),
    ("I8", 8, Some(Encoding::Int8)),
    ("F4", 4, None),
    ("F6_E2M3", 6, None),
    ("F6_E3M2", 6, None),
    ("F8_E8M0", 8, None),
    ("F8_E4M3FNUZ", 8, None),
    ("F8_E5M2FNUZ", 8, None),
    ("BOOL", 8, None),
    ("U8", 8, None),
    ("I16", 16, None),
    ("U16", 16, None),
    ("I32", 32, None),
    ("U32", 32, None),
    ("I64", 64, None),
    ("U64", 64, None),
    ("C64", 64, None),
];

pub(crate) fn header(prefix: &mut Prefix, header: &mut Header) -> Result<(), Stop> {
    let length = prefix.span(0, 8, "the length of the safetensors header")?;
    let length = u64::from_le_bytes(length.try_into().unwrap_or_default());
    if length > LONGEST {
        let template = "the safetensors header takes # bytes, more than #";
        return Err(Error::byte(0, template, &[length, LONGEST], &[]).into());
    }
    let text = prefix.span(8, length, "the safetensors header")?;
    if text.first() != Some(&b'{') {
        return Err(Error::byte(8, "the safetensors header does not begin with {", &[], &[]).into());
    }
    let mut reader = Reader::new(text, 8)?;
    let start = 8 + length;
    reader.object()?;
    while let Some(name) = reader.key()? {
        if name == "__metadata__" {
            reader.object()?;
            while let Some(key) = reader.key()? {
                let value = Value::Text(reader.string()?.into());
                header.metadata.push((key.into(), value));
            }
        } else {
            let mut tensor = Tensor {
                name: name.into(),
                ..Tensor::default()
            };
            read(&mut reader, &mut tensor, prefix.total - start)?;
            tensor.offset += start;
            header.tensors.push(tensor);
        }
    }
    reader.end()?;
    tile(&header.tensors, start, prefix.total, 1)?;
    Ok(())
}

/// Reads the description of a tensor in a file with `data` bytes after its header, from which the offset counts.
fn read(reader: &mut Reader, tensor: &mut Tensor, data: u64) -> Result<(), Error> {
    let at = reader.position();
    let (mut extent, mut found) = (Vec::new(), 0);
    reader.object()?;
    while let Some(key) = reader.key()? {
        // A key that appears twice is an error at the end of the object.
        found += 1;
        match &*key {
            "dtype" => tensor.dtype = reader.string()?.into(),
            "shape" => reader.integers(&mut tensor.shape)?,
            "data_offsets" => reader.integers(&mut extent)?,
            _ => {
                found -= 1;
                reader.skip()?;
            }
        }
    }
    let wrong = |template: &str, numbers: &[u64]| {
        Err(Error::byte(at, template, numbers, &[&tensor.name, &tensor.dtype]))
    };
    if found < 3 {
        return wrong("the tensor $ lacks dtype, shape or data_offsets", &[]);
    }
    let [begin, end] = extent[..] else {
        return wrong("the data_offsets of the tensor $ are not two integers", &[]);
    };
    if begin > end || end > data {
        let template = "the data_offsets of the tensor $ are [#, #], but the file has # bytes of data";
        return wrong(template, &[begin, end, data]);
    }
    let bytes = end - begin;
    let mut encoding = None;
    // Of an unknown type only the extent is known.
    if let Some(&(_, bits, readable)) = TYPES.iter().find(|known| known.0 == tensor.dtype) {
        let size = elements(&tensor.shape).and_then(|count| count.checked_mul(bits as u64));
        if size.is_none() || size != bytes.checked_mul(8) {
            return wrong(
                "the tensor $ takes # bytes, which is not the size of its shape in @",
                &[bytes],
            );
        }
        encoding = readable;
    }
    tensor.encoding = encoding;
    tensor.offset = begin;
    tensor.bytes = bytes;
    Ok(())
}
