//! .npy: a magic, a version, and a Python dict of three keys; then the values.

use crate::error::{Error, Prefix, Stop};
use crate::header::{elements, Encoding, Header, Tensor};
use crate::json::unsigned;
use crate::{Format, UNKNOWN};

/// The first bytes of a .npy file.
pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";
/// The longest header that numpy reads.
const LONGEST: u64 = 10_000;

#[inline(never)]
pub(crate) fn header(prefix: &mut Prefix) -> Result<Header, Stop> {
    let start = prefix.span(0, 10, "the start of a .npy file")?;
    if !start.starts_with(MAGIC) {
        return Err(Error::byte(0, "a .npy file begins with \\x93NUMPY", &[], &[]).into());
    }
    let mut length = start[8] as u64 | (start[9] as u64) << 8;
    let mut at = 10;
    match (start[6], start[7]) {
        (1, 0) => {}
        (2 | 3, 0) => {
            let upper = prefix.span(10, 2, "the length of the .npy header")?;
            length |= (upper[0] as u64) << 16 | (upper[1] as u64) << 24;
            at = 12;
        }
        (major, minor) => {
            let template = "version #.# of .npy is not read: 1.0, 2.0 and 3.0 are";
            return Err(Error::byte(6, template, &[major as u64, minor as u64], &[]).into());
        }
    }
    if length > LONGEST {
        return Err(Error::byte(
            8,
            "the .npy header takes # bytes, more than #",
            &[length, LONGEST],
            &[],
        )
        .into());
    }
    let text = prefix.span(at, length, "the .npy header")?;
    let mut python = Python {
        bytes: text,
        at: 0,
        base: at,
    };
    let offset = at + length;
    let (tensor, fortran) = python.header(offset, prefix.total - offset)?;
    let mut header = Header::new(Format::Npy);
    header.fortran = fortran;
    header.tensors.push(tensor);
    Ok(header)
}

/// The part of Python's literals that numpy writes.
struct Python<'a> {
    bytes: &'a [u8],
    at: usize,
    base: u64,
}

impl<'a> Python<'a> {
    /// The array, whose `data` bytes begin at `offset`, and whether it is in Fortran order.
    #[inline(never)]
    fn header(&mut self, offset: u64, mut data: u64) -> Result<(Tensor, bool), Error> {
        let (mut shape, mut descr, mut fortran) = (None, None, None);
        self.expect(b'{', "{")?;
        while self.next() != Some(b'}') {
            let key = self.string()?;
            self.expect(b':', ":")?;
            let twice = match key {
                "shape" => shape.replace(self.shape()?).is_some(),
                "descr" => descr.replace(self.descr()?).is_some(),
                "fortran_order" => fortran.replace(self.boolean()?).is_some(),
                _ => return Err(self.error("the .npy header has the unknown key $", key)),
            };
            if twice {
                return Err(self.error("the .npy header has the key $ twice", key));
            }
            if self.next() != Some(b',') {
                break;
            }
            self.at += 1;
        }
        self.expect(b'}', "}")?;
        if self.next().is_some() {
            return Err(self.error("the .npy header goes on after }", ""));
        }
        let (Some(shape), Some((dtype, encoding, size)), Some(fortran)) = (shape, descr, fortran) else {
            return Err(self.error("the .npy header lacks descr, fortran_order or shape", ""));
        };
        match elements(&shape).and_then(|count| count.checked_mul(size)) {
            Some(bytes) if bytes == data => {}
            Some(bytes) if data == UNKNOWN - offset => data = bytes,
            size => {
                let template = match size {
                    Some(_) => "the shape of the .npy header takes # bytes of data, the file has #",
                    None => "the shape of the .npy header takes more than 2^64 bytes",
                };
                return Err(Error::byte(offset, template, &[size.unwrap_or(0), data], &[]));
            }
        }
        let tensor = Tensor {
            name: "weight".into(),
            dtype: dtype.into(),
            encoding: Some(encoding),
            shape,
            offset,
            bytes: data,
        };
        Ok((tensor, fortran))
    }

    #[cold]
    #[inline(never)]
    fn error(&self, template: &str, text: &str) -> Error {
        Error::byte(self.base + self.at as u64, template, &[], &[text])
    }

    /// Skips white space and returns the byte after it.
    fn next(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8, name: &str) -> Result<(), Error> {
        if self.next() != Some(byte) {
            return Err(self.error("the .npy header lacks @ here", name));
        }
        self.at += 1;
        Ok(())
    }

    /// A string of printable ASCII without escapes.
    fn string(&mut self) -> Result<&'a str, Error> {
        let quote = self.next();
        let start = self.at + 1;
        if let Some(b'\'' | b'"') = quote {
            self.at = start;
            while let Some(0x20..=0x5b | 0x5d..=0x7e) = self.bytes.get(self.at) {
                self.at += 1;
                if self.bytes.get(self.at - 1).copied() == quote {
                    let text = self.bytes.get(start..self.at - 1).unwrap_or_default();
                    return Ok(std::str::from_utf8(text).unwrap_or_default());
                }
            }
        }
        Err(self.error("the .npy header lacks a plain string here", ""))
    }

    fn boolean(&mut self) -> Result<bool, Error> {
        self.next();
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let value = rest.starts_with(b"True");
        if !value && !rest.starts_with(b"False") {
            return Err(self.error("the .npy header lacks True or False here", ""));
        }
        self.at += if value { 4 } else { 5 };
        Ok(value)
    }

    /// A tuple of integers: `()`, `(3,)`, `(3, 4)`.
    #[inline(never)]
    fn shape(&mut self) -> Result<Vec<u64>, Error> {
        let rule = "the .npy header has a shape that is not a tuple of integers in [0, 2^64)";
        let mut shape = Vec::new();
        let mut comma = true;
        self.expect(b'(', "a tuple")?;
        while self.next() != Some(b')') {
            let start = self.at;
            while let Some(b'0'..=b'9') = self.bytes.get(self.at) {
                self.at += 1;
            }
            let size = match self.bytes.get(start..self.at) {
                Some([b'0', _, ..]) | None => None,
                Some(digits) => unsigned(digits),
            };
            match size {
                Some(size) if comma => shape.push(size),
                _ => return Err(self.error(rule, "")),
            }
            comma = self.next() == Some(b',');
            self.at += comma as usize;
        }
        if shape.len() == 1 && !comma {
            // `(3)` is an integer.
            return Err(self.error(rule, ""));
        }
        self.at += 1;
        Ok(shape)
    }

    /// A readable type: its name, encoding and bytes.
    #[inline(never)]
    fn descr(&mut self) -> Result<(&'static str, Encoding, u64), Error> {
        let mut name = "[...]";
        if self.next() != Some(b'[') {
            name = self.string()?;
        }
        let template = match name.as_bytes() {
            b"<f4" => return Ok(("<f4", Encoding::F32, 4)),
            b"<f2" => return Ok(("<f2", Encoding::F16, 2)),
            b"<f8" => return Ok(("<f8", Encoding::F64, 8)),
            [b'>', ..] => "the descr $ (big-endian) is not read: <f4, <f2 and <f8 are",
            [b'|', b'O', ..] => "the descr $ (pickled objects) is not read: <f4, <f2 and <f8 are",
            [b'[', ..] => "a structured descr is not read: <f4, <f2 and <f8 are",
            _ => "the descr $ is not read: <f4, <f2 and <f8 are",
        };
        Err(self.error(template, name))
    }
}
