//! Files with embedding tables: bytes of a header to a checked description, word vectors to rows.
//!
//! Nothing here opens a file. The caller passes the first bytes and the length of the whole file; [`Read::More`] says how
//! many bytes are needed. Every length is compared with the file before it is used, no product wraps, and nothing is
//! allocated for data that is not there. The same code runs in the addon and in the WASM module, so that errors are the
//! same; it formats no float and uses no map, so that it is small.

#![forbid(unsafe_code)]

mod decimal;
mod error;
mod gguf;
mod header;
mod index;
pub mod json;
mod npy;
mod safetensors;
mod words;

pub use error::{At, Broken, Error};
pub use header::{Encoding, Header, Tensor, Tokens, Value};
pub use index::{index, Index};
pub use words::{Sink, Summary, WordError, WordFormat, WordReader};

use error::{Prefix, Stop};

/// The length of a file that is not known yet: a header is read as if the file had all bytes that it needs, and no more.
pub const UNKNOWN: u64 = u64::MAX;

/// The formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Tensors after a JSON header.
    Safetensors,
    /// `*.safetensors.index.json`: the files that tensors are in.
    Index,
    /// One array of numpy.
    Npy,
    /// ggml's tensors, often in blocks.
    Gguf,
    /// Word vectors after a line `V D`: text, or binary rows.
    Word2vec,
    /// Word vectors, one on each line.
    Glove,
}

impl Format {
    /// Every format.
    const ALL: [Format; 6] = [
        Format::Safetensors,
        Format::Index,
        Format::Npy,
        Format::Gguf,
        Format::Word2vec,
        Format::Glove,
    ];

    /// The name in the public API.
    pub fn name(self) -> &'static str {
        ["safetensors", "index", "npy", "gguf", "word2vec", "glove"][self as usize]
    }

    /// The format of that name.
    pub fn named(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// The result of reading the first bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read<T> {
    /// What was read.
    Done(T),
    /// A prefix of at least that many bytes is needed: more than were passed, at most as many as the file has.
    More(u64),
}

/// The least that [`detect`] looks at, unless the file is shorter.
const FIRST: u64 = 16;
/// The prefix that [`detect`] requests at first: headers of most files are shorter.
const REQUEST: u64 = 4096;

/// Files that are not read, and what to do instead, by their first bytes.
const NOT_READ: [(&[u8], &str); 11] = [
    (
        b"PK\x03\x04",
        "a zip archive is not read: unpack it (.npz too), or stream its member",
    ),
    (
        b"\x1f\x8b",
        "gzip is not read: pipe it through DecompressionStream('gzip')",
    ),
    (b"\x80\x02", PICKLE),
    (b"\x80\x03", PICKLE),
    (b"\x80\x04", PICKLE),
    (b"\x80\x05", PICKLE),
    (b"\xba\x16\x4f\x2f", "a fastText .bin is not read: use its .vec"),
    (
        b"version https://git-lfs",
        "the format is that of a Git LFS pointer, which is not read: fetch its file with git lfs pull",
    ),
    (words::BOM, words::NO_BOM),
    (b"\xff\xfe", words::NO_BOM),
    (b"\xfe\xff", words::NO_BOM),
];
const PICKLE: &str = "a pickle is not read: save the table as safetensors or .npy";

/// Recognises the format of a file of `total` bytes by its first bytes.
#[inline(never)]
pub fn detect(prefix: &[u8], total: u64) -> Result<Read<Format>, Error> {
    if total == 0 {
        return Err(Error::new(At::File, "the file is empty", &[], &[]));
    }
    if (prefix.len() as u64) < total.min(FIRST) {
        return Ok(Read::More(twice(prefix, total)));
    }
    if let Some((_, rule)) = NOT_READ.iter().find(|(magic, _)| prefix.starts_with(magic)) {
        return Err(Error::byte(0, rule, &[], &[]));
    }
    let whole = prefix.len() as u64 >= total;
    let format = if prefix.starts_with(npy::MAGIC) {
        Ok(Some(Format::Npy))
    } else if prefix.starts_with(b"GGUF") {
        Ok(Some(Format::Gguf))
    } else if prefix.get(8) == Some(&b'{')
        && !prefix[..8]
            .iter()
            .all(|byte| matches!(byte, b'\t'..=b'\r' | 0x20..=0x7e))
    {
        // The length before the { is not text.
        Ok(Some(Format::Safetensors))
    } else {
        match prefix
            .iter()
            .find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
        {
            Some(b'{') => Ok(Some(Format::Index)),
            Some(_) => words::first_line(prefix, whole),
            None if whole => Ok(None),
            None => Err(()),
        }
    };
    match format {
        Ok(Some(format)) => Ok(Read::Done(format)),
        Ok(None) => {
            let rule = "the format is not recognised: safetensors, a safetensors index, .npy, GGUF, word2vec and GloVe \
                        files are read";
            Err(Error::byte(0, rule, &[], &[]))
        }
        Err(()) => Ok(Read::More(twice(prefix, total))),
    }
}

/// Twice the prefix, within the file.
fn twice(prefix: &[u8], total: u64) -> u64 {
    (2 * prefix.len() as u64).max(REQUEST).min(total)
}

/// Reads and checks the header of a file of `total` bytes. `format` is [`Format::Safetensors`], [`Format::Npy`] or
/// [`Format::Gguf`]. The result does not depend on how much longer than needed the prefix is.
#[inline(never)]
pub fn header(format: Format, prefix: &[u8], total: u64) -> Result<Read<Header>, Error> {
    let mut prefix = Prefix {
        bytes: prefix,
        total,
        needed: 0,
    };
    let mut header = Header::new(format);
    let result = match format {
        Format::Safetensors => safetensors::header(&mut prefix, &mut header),
        Format::Npy => npy::header(&mut prefix, &mut header),
        Format::Gguf => gguf::header(&mut prefix, &mut header),
        _ => {
            let template = "a file of the format @ has no header";
            Err(Error::new(At::File, template, &[], &[format.name()]).into())
        }
    };
    match result {
        Ok(()) => Ok(Read::Done(header)),
        Err(Stop(Some(error))) => Err(error),
        // The length of a GGUF header is not known before its end, so that the prefix doubles.
        Err(Stop(None)) if format == Format::Gguf => {
            Ok(Read::More(prefix.needed.max(twice(prefix.bytes, total))))
        }
        Err(Stop(None)) => Ok(Read::More(prefix.needed)),
    }
}
