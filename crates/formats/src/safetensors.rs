//! safetensors: a u64 length, a JSON header of that length, then the data, which the tensors tile.

use crate::error::{error, span, At, Error, Part, Stop};
use crate::header::{elements, tile, Encoding, Header, Tensor, Value};
use crate::json::Reader;
use crate::Format;

/// The longest header, as in the reference.
const LONGEST: u64 = 100_000_000;

/// The bits of a value, and how a table is read from it. None for a type that is not known.
fn dtype(name: &str) -> Option<(u64, Option<Encoding>)> {
    Some(match name {
        "F32" => (32, Some(Encoding::F32)),
        "F16" => (16, Some(Encoding::F16)),
        "BF16" => (16, Some(Encoding::Bf16)),
        "F64" => (64, Some(Encoding::F64)),
        "F8_E4M3" => (8, Some(Encoding::F8E4M3)),
        "F8_E5M2" => (8, Some(Encoding::F8E5M2)),
        "I8" => (8, Some(Encoding::Int8)),
        "F4" => (4, None),
        "F6_E2M3" | "F6_E3M2" => (6, None),
        "BOOL" | "U8" | "F8_E8M0" | "F8_E4M3FNUZ" | "F8_E5M2FNUZ" => (8, None),
        "I16" | "U16" => (16, None),
        "I32" | "U32" => (32, None),
        "C64" | "I64" | "U64" => (64, None),
        _ => return None,
    })
}

pub(crate) fn header(prefix: &[u8], total: u64) -> Result<Header, Stop> {
    let length = span(prefix, total, 0, 8, "the length of the safetensors header")?;
    let length = u64::from_le_bytes(length.try_into().unwrap_or_default());
    if length > LONGEST {
        return Err(error!(
            At::Byte(0),
            "the safetensors header takes ", length, " bytes, more than ", LONGEST
        )
        .into());
    }
    let text = span(prefix, total, 8, length, "the safetensors header")?;
    if text.first() != Some(&b'{') {
        return Err(error!(At::Byte(8), "the safetensors header does not begin with {").into());
    }
    let mut header = Header::new(Format::Safetensors);
    let mut reader = Reader::new(text, 8)?;
    let start = 8 + length;
    reader.object()?;
    while let Some(name) = reader.key()? {
        if name == "__metadata__" {
            reader.object()?;
            while let Some(key) = reader.key()? {
                let value = reader.string()?.into_owned();
                header.metadata.push((key.into_owned(), Value::Text(value)));
            }
        } else {
            let tensor = tensor(&mut reader, name.into_owned(), start, total)?;
            header.tensors.push(tensor);
        }
    }
    reader.end()?;
    tile(&header.tensors, start, total, 1)?;
    Ok(header)
}

fn tensor(reader: &mut Reader, name: String, start: u64, total: u64) -> Result<Tensor, Error> {
    let at = At::Byte(reader.position());
    let (mut kind, mut shape, mut extent) = (None, None, None);
    let list = |reader: &mut Reader| {
        let mut list = Vec::new();
        reader.array()?;
        while reader.element()? {
            list.push(reader.unsigned()?);
        }
        Ok::<_, Error>(list)
    };
    reader.object()?;
    while let Some(key) = reader.key()? {
        match &*key {
            "dtype" => kind = Some(reader.string()?.into_owned()),
            "shape" => shape = Some(list(reader)?),
            "data_offsets" => extent = Some(list(reader)?),
            _ => reader.skip()?,
        }
    }
    let (Some(kind), Some(shape), Some(extent)) = (kind, shape, extent) else {
        return Err(error!(
            at,
            "the tensor ",
            Part::Quoted(&name),
            " lacks dtype, shape or data_offsets"
        ));
    };
    let [begin, end] = extent[..] else {
        return Err(error!(
            at,
            "data_offsets of the tensor ",
            Part::Quoted(&name),
            " are not two integers"
        ));
    };
    if begin > end || end > total - start {
        return Err(error!(
            at,
            "data_offsets of the tensor ",
            Part::Quoted(&name),
            " are [",
            begin,
            ", ",
            end,
            "], but the file has ",
            total - start,
            " bytes of data"
        ));
    }
    let bytes = end - begin;
    let mut encoding = None;
    if let Some((bits, readable)) = dtype(&kind) {
        encoding = readable;
        let size = elements(&shape).and_then(|count| count.checked_mul(bits));
        if size != bytes.checked_mul(8) || size.is_none() {
            return Err(error!(
                at,
                "the tensor ",
                Part::Quoted(&name),
                " takes ",
                bytes,
                " bytes, which is not the size of its shape in ",
                &*kind
            ));
        }
    }
    Ok(Tensor {
        name,
        dtype: kind,
        encoding,
        shape,
        offset: start + begin,
        bytes,
    })
}
