//! Builders of files, and what every test asks of a reader.

#![allow(dead_code, reason = "each test uses its own part")]

pub mod allocation;
pub mod check;

use tokenbed_formats::{
    detect, header, At, Error, Format, Header, Read, Sink, Summary, WordError, WordFormat, WordReader,
};

/// A safetensors file: the JSON header, then that many bytes of data.
pub fn safetensors(json: &str, data: usize) -> Vec<u8> {
    let mut file = (json.len() as u64).to_le_bytes().to_vec();
    file.extend(json.as_bytes());
    file.resize(file.len() + data, 0);
    file
}

/// A .npy file of a version, with the dict padded as numpy pads it.
pub fn npy(version: u8, dict: &str, data: usize) -> Vec<u8> {
    let mut text = dict.to_owned();
    let fixed = if version == 1 { 10 } else { 12 };
    while !(fixed + text.len() + 1).is_multiple_of(64) {
        text.push(' ');
    }
    text.push('\n');
    npy_exactly(version, text.as_bytes(), data)
}

/// A .npy file whose header is `text`.
pub fn npy_exactly(version: u8, text: &[u8], data: usize) -> Vec<u8> {
    let mut file = b"\x93NUMPY".to_vec();
    file.extend([version, 0]);
    match version {
        1 => file.extend((text.len() as u16).to_le_bytes()),
        _ => file.extend((text.len() as u32).to_le_bytes()),
    }
    file.extend(text);
    file.resize(file.len() + data, 0);
    file
}

/// A GGUF file in the making.
#[derive(Default, Clone)]
pub struct Gguf {
    pub bytes: Vec<u8>,
}

/// Types of GGUF values.
pub const U8: u32 = 0;
pub const U32: u32 = 4;
pub const BOOL: u32 = 7;
pub const STRING: u32 = 8;
pub const ARRAY: u32 = 9;

impl Gguf {
    pub fn new(version: u32, tensors: u64, keys: u64) -> Gguf {
        let mut gguf = Gguf::default();
        gguf.bytes.extend(b"GGUF");
        gguf.u32(version).u64(tensors).u64(keys);
        gguf
    }

    pub fn raw(&mut self, bytes: &[u8]) -> &mut Gguf {
        self.bytes.extend(bytes);
        self
    }

    pub fn u32(&mut self, value: u32) -> &mut Gguf {
        self.raw(&value.to_le_bytes())
    }

    pub fn u64(&mut self, value: u64) -> &mut Gguf {
        self.raw(&value.to_le_bytes())
    }

    pub fn string(&mut self, text: &str) -> &mut Gguf {
        self.u64(text.len() as u64).raw(text.as_bytes())
    }

    /// A key and the type of its value.
    pub fn key(&mut self, key: &str, kind: u32) -> &mut Gguf {
        self.string(key).u32(kind)
    }

    /// A tensor, with the dimensions as ggml orders them.
    pub fn tensor(&mut self, name: &str, dims: &[u64], kind: u32, offset: u64) -> &mut Gguf {
        self.string(name).u32(dims.len() as u32);
        for &dim in dims {
            self.u64(dim);
        }
        self.u32(kind).u64(offset)
    }

    /// Pads the header to `alignment` and appends `data` bytes.
    pub fn data(&mut self, alignment: usize, data: usize) -> Vec<u8> {
        let mut file = self.bytes.clone();
        file.resize(file.len().next_multiple_of(alignment) + data, 0);
        file
    }
}

/// The header of a whole file.
pub fn read(format: Format, file: &[u8]) -> Result<Header, Error> {
    match header(format, file, file.len() as u64)? {
        Read::Done(header) => Ok(header),
        Read::More(more) => panic!(
            "the whole file of {} bytes is there, {more} are requested",
            file.len()
        ),
    }
}

pub fn json(header: &Header) -> String {
    let mut out = String::new();
    header.write_json(&mut out);
    out
}

/// Checks an error: its position, and what its rule contains.
#[track_caller]
pub fn expect_error(name: &str, error: &Error, at: At, rule: &str) {
    assert!(
        error.rule.contains(rule),
        "{name}: the rule {:?} does not contain {rule:?}",
        error.rule
    );
    assert_eq!(error.at, at, "{name}: {}", error.rule);
}

/// Every prefix requests a longer one, or gives what the whole file gives.
#[track_caller]
pub fn same_for_prefixes<T: PartialEq + std::fmt::Debug>(
    file: &[u8],
    lengths: impl Iterator<Item = usize>,
    read: impl Fn(&[u8], u64) -> Result<Read<T>, Error>,
) {
    let total = file.len() as u64;
    let whole = read(file, total);
    assert!(!matches!(whole, Ok(Read::More(_))), "the whole file was there");
    for length in lengths {
        match read(&file[..length], total) {
            Ok(Read::More(more)) => {
                assert!(
                    more > length as u64 && more <= total,
                    "{more} of {total} after {length}"
                )
            }
            result => assert_eq!(result, whole, "a prefix of {length} bytes"),
        }
    }
}

/// What a reader of words gave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Words {
    pub start: Option<(Option<u64>, u64)>,
    pub rows: Vec<(String, Vec<u32>)>,
    /// Rows after which there is no memory.
    pub limit: Option<usize>,
}

impl Sink for Words {
    fn start(&mut self, rows: Option<u64>, dim: u64) -> bool {
        assert_eq!(self.start.replace((rows, dim)), None, "started twice");
        self.limit != Some(0)
    }

    fn row(&mut self, word: &[u8], values: &[f32]) -> bool {
        let (_, dim) = self.start.expect("a row before the start");
        assert_eq!(values.len() as u64, dim);
        assert!(!word.is_empty());
        let word = std::str::from_utf8(word).expect("UTF-8");
        let bits = values.iter().map(|value| value.to_bits()).collect();
        self.rows.push((word.to_owned(), bits));
        self.limit != Some(self.rows.len())
    }
}

/// Reads words in pieces of `size` bytes.
pub fn words_in_pieces(
    format: Option<WordFormat>,
    file: &[u8],
    size: usize,
) -> (Words, Result<Summary, WordError>) {
    let mut words = Words::default();
    let mut reader = WordReader::new(format, file.len() as u64);
    for piece in file.chunks(size.max(1)) {
        if let Err(error) = reader.push(piece, &mut words) {
            return (words, Err(error));
        }
    }
    let summary = reader.finish(&mut words);
    (words, summary)
}

/// Reads words in pieces of several sizes, which must not matter.
#[track_caller]
pub fn words(format: Option<WordFormat>, file: &[u8]) -> (Words, Result<Summary, WordError>) {
    let whole = words_in_pieces(format, file, file.len());
    for size in [1, 2, 3, 7, 64, 1000] {
        assert_eq!(
            words_in_pieces(format, file, size),
            whole,
            "in pieces of {size} bytes"
        );
    }
    whole
}

/// The error of a file of words.
#[track_caller]
pub fn words_error(format: Option<WordFormat>, file: &[u8]) -> Error {
    match words(format, file).1 {
        Err(WordError::Format(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// The format of a whole file.
pub fn detected(file: &[u8]) -> Result<Format, Error> {
    match detect(file, file.len() as u64)? {
        Read::Done(format) => Ok(format),
        Read::More(more) => panic!("the whole file is there, {more} bytes are requested"),
    }
}

/// A small generator of random numbers; the seed is part of a failing test's message.
pub struct Random(pub u64);

impl Random {
    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) % bound.max(1)
    }

    /// A number below 2^`bits`, more often a small one.
    pub fn small(&mut self, bits: u64) -> u64 {
        let bound = 1 << self.below(bits + 1);
        self.below(bound)
    }

    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}
