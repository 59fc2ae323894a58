//! .npy: a magic, a version, and a Python dict of three keys; then the values.

use crate::error::{Error, Prefix, Stop};
use crate::header::{elements, Encoding, Header, Tensor};
use crate::json::Reader;
use crate::UNKNOWN;

/// The first bytes of a .npy file.
pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";
/// The longest header that numpy reads.
const LONGEST: u64 = 10_000;

pub(crate) fn header(prefix: &mut Prefix, header: &mut Header) -> Result<(), Stop> {
    let start = prefix.span(0, 10, "the start of a .npy file")?;
    if !start.starts_with(MAGIC) {
        return Err(Error::byte(0, "a .npy file begins with \\x93NUMPY", &[], &[]).into());
    }
    let mut length = start[8] as u64 | (start[9] as u64) << 8;
    let mut at = 10;
    let (major, minor) = (start[6] as u64, start[7] as u64);
    if !matches!((major, minor), (1..=3, 0)) {
        let template = "version #.# of .npy is not read: 1.0, 2.0 and 3.0 are";
        return Err(Error::byte(6, template, &[major, minor], &[]).into());
    }
    if major > 1 {
        let upper = prefix.span(10, 2, "the length of the .npy header")?;
        length |= (upper[0] as u64) << 16 | (upper[1] as u64) << 24;
        at = 12;
    }
    if length > LONGEST {
        let template = "the .npy header takes # bytes, more than #";
        return Err(Error::byte(8, template, &[length, LONGEST], &[]).into());
    }
    let mut reader = Reader::python(prefix.span(at, length, "the .npy header")?, at)?;
    let mut tensor = Tensor {
        name: "weight".into(),
        offset: at + length,
        bytes: prefix.total - at - length,
        ..Tensor::default()
    };
    read(&mut reader, &mut tensor, &mut header.fortran)?;
    header.tensors.push(tensor);
    Ok(())
}

fn read(reader: &mut Reader, tensor: &mut Tensor, fortran: &mut bool) -> Result<(), Error> {
    let start = reader.position();
    let (mut size, mut found) = (0, 0);
    reader.object()?;
    while let Some(key) = reader.key()? {
        // A key that appears twice is an error at the end of the dict.
        found += 1;
        match &*key {
            "descr" => size = descr(reader, tensor)?,
            "fortran_order" => *fortran = reader.boolean()?,
            "shape" => reader.integers(&mut tensor.shape)?,
            _ => {
                let template = "the .npy header has the unknown key $";
                return Err(Error::byte(reader.position(), template, &[], &[&key]));
            }
        }
    }
    reader.end()?;
    if found < 3 {
        return Err(Error::byte(
            start,
            "the .npy header lacks descr, fortran_order or shape",
            &[],
            &[],
        ));
    }
    match elements(&tensor.shape).and_then(|count| count.checked_mul(size)) {
        Some(bytes) if bytes == tensor.bytes || tensor.bytes == UNKNOWN - tensor.offset => {
            tensor.bytes = bytes;
            Ok(())
        }
        bytes => {
            let template = match bytes {
                Some(_) => "the shape of the .npy header takes # bytes of data, the file has #",
                None => "the shape of the .npy header takes more than 2^64 bytes",
            };
            Err(Error::byte(
                tensor.offset,
                template,
                &[bytes.unwrap_or(0), tensor.bytes],
                &[],
            ))
        }
    }
}

/// Reads a type and returns its bytes.
fn descr(reader: &mut Reader, tensor: &mut Tensor) -> Result<u64, Error> {
    let structured = reader.next() == Some(b'[');
    let at = reader.position();
    if !structured {
        tensor.dtype = reader.string()?.into();
    }
    let (encoding, size) = match tensor.dtype.as_bytes() {
        b"<f4" => (Encoding::F32, 4),
        b"<f2" => (Encoding::F16, 2),
        b"<f8" => (Encoding::F64, 8),
        other => {
            let template = match other {
                [b'>', ..] => "the descr $ (big-endian) is not read: <f4, <f2 and <f8 are",
                [b'|', b'O', ..] => "the descr $ (pickled objects) is not read: <f4, <f2 and <f8 are",
                _ if structured => "a structured descr is not read: <f4, <f2 and <f8 are",
                _ => "the descr $ is not read: <f4, <f2 and <f8 are",
            };
            return Err(Error::byte(at, template, &[], &[&tensor.dtype]));
        }
    };
    tensor.encoding = Some(encoding);
    Ok(size)
}
