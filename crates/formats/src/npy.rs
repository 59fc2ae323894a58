//! .npy: a magic, a version, and a Python dict of three keys; then the values.

use crate::error::{error, span, At, Error, Part, Stop};
use crate::header::{elements, tile, Encoding, Header, Tensor};
use crate::json::unsigned;
use crate::Format;

/// The first bytes of a .npy file.
pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";
/// The longest header that numpy reads.
const LONGEST: u64 = 10_000;

pub(crate) fn header(prefix: &[u8], total: u64) -> Result<Header, Stop> {
    let start = span(prefix, total, 0, 10, "the start of a .npy file")?;
    if !start.starts_with(MAGIC) {
        return Err(error!(At::Byte(0), "a .npy file begins with \\x93NUMPY").into());
    }
    let mut length = start[8] as u64 | (start[9] as u64) << 8;
    let mut at = 10;
    match (start[6], start[7]) {
        (1, 0) => {}
        (2 | 3, 0) => {
            let upper = span(prefix, total, 10, 2, "the length of the .npy header")?;
            length |= (upper[0] as u64) << 16 | (upper[1] as u64) << 24;
            at = 12;
        }
        (major, minor) => {
            return Err(error!(
                At::Byte(6),
                "version ", major as u64, ".", minor as u64, " of .npy is not read: 1.0, 2.0 and 3.0 are"
            )
            .into())
        }
    }
    if length > LONGEST {
        return Err(error!(
            At::Byte(8),
            "the .npy header takes ", length, " bytes, more than ", LONGEST
        )
        .into());
    }
    let text = span(prefix, total, at, length, "the .npy header")?;
    let mut header = Header::new(Format::Npy);
    let mut python = Python {
        bytes: text,
        at: 0,
        base: at,
    };
    let (mut shape, mut descr, mut fortran) = (None, None, None);
    python.expect(b'{', "{")?;
    while python.next() != Some(b'}') {
        let key = python.string()?;
        python.expect(b':', ":")?;
        let twice = match key {
            "shape" => shape.replace(python.shape()?).is_some(),
            "descr" => descr.replace(python.descr()?).is_some(),
            "fortran_order" => fortran.replace(python.boolean()?).is_some(),
            _ => return python.fail("an unknown key"),
        };
        if twice {
            return python.fail("a key twice");
        }
        if python.next() != Some(b',') {
            break;
        }
        python.at += 1;
    }
    python.expect(b'}', "}")?;
    if python.next().is_some() {
        return python.fail("more after }");
    }
    let (Some(shape), Some((dtype, encoding, size)), Some(fortran)) = (shape, descr, fortran) else {
        return Err(error!(
            At::Byte(at),
            "the .npy header lacks descr, fortran_order or shape"
        )
        .into());
    };
    let offset = at + length;
    let bytes = elements(&shape).and_then(|count| count.checked_mul(size));
    if bytes != Some(total - offset) {
        return Err(error!(
            At::Byte(offset),
            "the shape and descr of the .npy header need ",
            match bytes {
                Some(bytes) => Part::Number(bytes),
                None => Part::Text("more than 2^64"),
            },
            " bytes of data, the file has ",
            total - offset
        )
        .into());
    }
    header.fortran = fortran;
    header.tensors.push(Tensor {
        name: "weight".into(),
        dtype: dtype.into(),
        encoding: Some(encoding),
        shape,
        offset,
        bytes: total - offset,
    });
    tile(&header.tensors, offset, total, 1)?;
    Ok(header)
}

/// The part of Python's literals that numpy writes.
struct Python<'a> {
    bytes: &'a [u8],
    at: usize,
    base: u64,
}

impl<'a> Python<'a> {
    /// Skips white space and returns the byte after it.
    fn next(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    #[cold]
    fn error(&self, parts: &[Part]) -> Error {
        Error::new(At::Byte(self.base + self.at as u64), parts)
    }

    fn fail<T, E: From<Error>>(&self, found: &str) -> Result<T, E> {
        Err(self.error(&["the .npy header has ".into(), found.into()]).into())
    }

    fn expect(&mut self, byte: u8, name: &str) -> Result<(), Error> {
        if self.next() != Some(byte) {
            return Err(self.error(&["the .npy header lacks ".into(), name.into(), " here".into()]));
        }
        self.at += 1;
        Ok(())
    }

    /// A string of printable ASCII without escapes.
    fn string(&mut self) -> Result<&'a str, Error> {
        let quote = match self.next() {
            Some(quote @ (b'\'' | b'"')) => quote,
            _ => return self.fail("something else where a string belongs"),
        };
        let rest = &self.bytes[self.at + 1..];
        let length = rest
            .iter()
            .take_while(|&&byte| byte != quote && byte != b'\\' && matches!(byte, 0x20..0x7f))
            .count();
        if rest.get(length) != Some(&quote) {
            return self.fail("a string without an end, or with other than plain ASCII");
        }
        self.at += length + 2;
        Ok(std::str::from_utf8(&rest[..length]).unwrap_or_default())
    }

    fn boolean(&mut self) -> Result<bool, Error> {
        self.next();
        for (word, value) in [("True", true), ("False", false)] {
            if self.bytes[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        self.fail("something else where True or False belongs")
    }

    /// A tuple of integers: `()`, `(3,)`, `(3, 4)`.
    fn shape(&mut self) -> Result<Vec<u64>, Error> {
        let mut shape = Vec::new();
        let mut comma = true;
        self.expect(b'(', "a tuple")?;
        while self.next() != Some(b')') {
            let digits = self.bytes[self.at..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            let digits = &self.bytes[self.at..self.at + digits];
            let size = match digits {
                [b'0', _, ..] => None,
                digits => unsigned(digits),
            };
            match size {
                Some(size) if comma => shape.push(size),
                _ => return self.fail("a shape that is not a tuple of integers in [0, 2^64)"),
            }
            self.at += digits.len();
            comma = self.next() == Some(b',');
            if comma {
                self.at += 1;
            }
        }
        if shape.len() == 1 && !comma {
            return self.fail("a shape that is not a tuple: (3) is an integer, (3,) a tuple");
        }
        self.at += 1;
        Ok(shape)
    }

    /// A readable type: its name, encoding and bytes.
    fn descr(&mut self) -> Result<(&'static str, Encoding, u64), Error> {
        if self.next() == Some(b'[') {
            return self.fail("a structured descr, which is not read: <f4, <f2 and <f8 are");
        }
        let start = self.at;
        let name = self.string()?;
        let why = match name.as_bytes() {
            b"<f4" => return Ok(("<f4", Encoding::F32, 4)),
            b"<f2" => return Ok(("<f2", Encoding::F16, 2)),
            b"<f8" => return Ok(("<f8", Encoding::F64, 8)),
            [b'>', ..] => " (big-endian)",
            [b'|', b'O', ..] | [b'O', ..] => " (pickled objects)",
            _ => "",
        };
        self.at = start;
        Err(self.error(&[
            "the descr ".into(),
            Part::Quoted(name),
            why.into(),
            " is not read: <f4, <f2 and <f8 are".into(),
        ]))
    }
}
