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

pub use error::{At, Error};
pub use header::{Encoding, Header, Tensor, Tokens, Value};
pub use index::{index, Index};
pub use words::{Sink, Summary, WordError, WordFormat, WordReader};

use error::{error, Stop};

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

/// Recognises the format of a file of `total` bytes by its first bytes.
pub fn detect(prefix: &[u8], total: u64) -> Result<Read<Format>, Error> {
    if total == 0 {
        return Err(error!(At::File, "the file is empty"));
    }
    if (prefix.len() as u64) < total.min(FIRST) {
        return Ok(Read::More(total.min(REQUEST)));
    }
    let not_read = |what: &str, instead: &str| Err(error!(At::Byte(0), what, " is not read: ", instead));
    match prefix {
        [b'P', b'K', 3, 4, ..] => {
            return not_read("a zip archive", "unpack it (.npz too), or stream its member")
        }
        [0x1f, 0x8b, ..] => return not_read("gzip", "pipe it through DecompressionStream('gzip')"),
        [0x80, 2..=5, ..] => return not_read("a pickle", "save the table as safetensors or .npy"),
        [0xba, 0x16, 0x4f, 0x2f, ..] => return not_read("a fastText .bin", "use its .vec"),
        [0xef, 0xbb, 0xbf, ..] | [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            return not_read("a byte order mark", "save the file as UTF-8 without it")
        }
        [b'G', b'G', b'U', b'F', ..] => return Ok(Read::Done(Format::Gguf)),
        _ => {}
    }
    if prefix.starts_with(npy::MAGIC) {
        return Ok(Read::Done(Format::Npy));
    }
    // The length before the { is not text.
    let text = |byte: &u8| matches!(byte, b'\t'..=b'\r' | 0x20..=0x7e);
    if prefix.get(8) == Some(&b'{') && !prefix[..8].iter().all(text) {
        return Ok(Read::Done(Format::Safetensors));
    }
    let whole = prefix.len() as u64 >= total;
    let blank = |byte: &&u8| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let format = match prefix.iter().find(blank) {
        Some(b'{') => Ok(Some(Format::Index)),
        Some(_) => words::first_line(prefix, whole),
        None if whole => Ok(None),
        None => Err(()),
    };
    match format {
        Ok(Some(format)) => Ok(Read::Done(format)),
        Ok(None) => Err(error!(
            At::Byte(0),
            "the format is not recognised: safetensors, a safetensors index, .npy, GGUF, word2vec and GloVe files are read"
        )),
        Err(()) => Ok(Read::More(twice(prefix, total))),
    }
}

/// Twice the prefix, within the file.
fn twice(prefix: &[u8], total: u64) -> u64 {
    (2 * prefix.len() as u64).max(REQUEST).min(total)
}

/// Reads and checks the header of a file of `total` bytes. `format` is [`Format::Safetensors`], [`Format::Npy`] or
/// [`Format::Gguf`]. The result does not depend on how much longer than needed the prefix is.
pub fn header(format: Format, prefix: &[u8], total: u64) -> Result<Read<Header>, Error> {
    let header = match format {
        Format::Safetensors => safetensors::header(prefix, total),
        Format::Npy => npy::header(prefix, total),
        Format::Gguf => gguf::header(prefix, total),
        _ => {
            return Err(error!(
                At::File,
                "a file of the format ",
                format.name(),
                " has no header"
            ))
        }
    };
    match header {
        Ok(header) => Ok(Read::Done(header)),
        // The length of a GGUF header is not known before its end, so that the prefix doubles.
        Err(Stop::More(bytes)) if format == Format::Gguf => Ok(Read::More(bytes.max(twice(prefix, total)))),
        Err(Stop::More(bytes)) => Ok(Read::More(bytes)),
        Err(Stop::Error(error)) => Err(error),
    }
}
