//! What holds for every file, malformed or not. The fuzzer and the test of the kept corpus ask it.

use super::allocation::peak;
use super::Random;
use tokenbed_formats::json::Reader;
use tokenbed_formats::{
    detect, header, index, At, Error, Format, Header, Read, Sink, WordError, WordFormat, WordReader, UNKNOWN,
};

/// A header holds a few numbers and a name for each tensor or key, of which the file has at least 14 bytes.
const HEADER_BYTES: usize = 64;
/// Words hold a line or a binary row.
const WORD_BYTES: usize = 12;
/// Pieces, messages and the first allocations of growing lists.
const FIXED_BYTES: usize = 256 << 10;

/// Checks a file and returns how each reader ends: its name, and the rule without what is particular to the file.
pub fn check(file: &[u8], seed: u64) -> Vec<(&'static str, String)> {
    let mut random = Random(seed);
    let mut ends = vec![("detect", end(&same(file, &mut random, detect), file))];
    for format in [Format::Safetensors, Format::Npy, Format::Gguf] {
        let read = |prefix: &[u8], total| {
            let (result, held) = peak(|| header(format, prefix, total));
            assert!(
                held <= HEADER_BYTES * prefix.len() + FIXED_BYTES,
                "{} bytes of {} hold {held}",
                prefix.len(),
                format.name()
            );
            result
        };
        let result = same(file, &mut random, read);
        match (&result, read(file, UNKNOWN)) {
            (Ok(known), Ok(Read::Done(unknown))) => assert_eq!(*known, unknown),
            (Ok(_), other) => panic!("without the length: {other:?}"),
            _ => {}
        }
        if let Ok(header) = &result {
            check_header(header, file);
        }
        if format == Format::Safetensors {
            check_reference(file, &result);
        }
        ends.push((format.name(), end(&result, file)));
    }
    let (result, held) = peak(|| index(file));
    assert!(
        held <= HEADER_BYTES * file.len() + FIXED_BYTES,
        "an index of {} bytes holds {held}",
        file.len()
    );
    if let Ok(index) = &result {
        let mut text = String::new();
        index.write_json(&mut text);
        is_json(&text);
    }
    ends.push(("index", end(&result, file)));
    for (name, format) in [
        ("words", None),
        ("word2vec", Some(WordFormat::Word2vec)),
        ("glove", Some(WordFormat::Glove)),
    ] {
        let whole = words(format, file, file.len());
        let size = 1 + random.below(100) as usize;
        assert_eq!(words(format, file, size), whole, "in pieces of {size} bytes");
        let result = match whole.1 {
            Err(WordError::Format(error)) => Err(error),
            other => Ok(other),
        };
        ends.push((name, end(&result, file)));
    }
    ends
}

/// The result of a reader, which is the same for every prefix that is long enough.
fn same<T: PartialEq + std::fmt::Debug>(
    file: &[u8],
    random: &mut Random,
    read: impl Fn(&[u8], u64) -> Result<Read<T>, Error>,
) -> Result<T, Error> {
    let total = file.len() as u64;
    let whole = read(file, total);
    for _ in 0..4 {
        let length = random.below(total);
        match read(&file[..length as usize], total) {
            Ok(Read::More(more)) => {
                assert!(more > length && more <= total, "{more} of {total} after {length}")
            }
            result => assert_eq!(result, whole, "a prefix of {length} bytes"),
        }
    }
    match whole {
        Ok(Read::Done(result)) => Ok(result),
        Ok(Read::More(more)) => panic!("{more} bytes are requested of {total}"),
        Err(error) => Err(error),
    }
}

fn check_header(header: &Header, file: &[u8]) {
    let mut extents: Vec<_> = header
        .tensors
        .iter()
        .map(|tensor| (tensor.offset, tensor.bytes))
        .collect();
    extents.sort_unstable();
    let mut end = 0;
    for (offset, bytes) in extents {
        assert!(offset >= end && offset + bytes <= file.len() as u64, "{header:?}");
        end = offset + bytes;
    }
    for tensor in &header.tensors {
        // Readable types take a known number of bytes.
        if tensor.encoding.is_some() {
            let count: u128 = tensor.shape.iter().map(|&size| size as u128).product();
            assert!(count <= 8 * tensor.bytes as u128, "{tensor:?}");
        }
    }
    if let Some(tokens) = header.tokens {
        let mut at = tokens.offset as usize;
        for _ in 0..tokens.count {
            let length = u64::from_le_bytes(file[at..at + 8].try_into().unwrap()) as usize;
            std::str::from_utf8(&file[at + 8..at + 8 + length]).unwrap();
            at += 8 + length;
        }
    }
    let mut text = String::new();
    header.write_json(&mut text);
    is_json(&text);
}

fn is_json(text: &str) {
    assert!(text.is_ascii());
    let mut reader = Reader::new(text.as_bytes(), 0).unwrap();
    reader.skip().unwrap();
    reader.end().unwrap();
}

/// What the reference refuses is refused, but for types that it does not know.
fn check_reference(file: &[u8], result: &Result<Header, Error>) {
    let Ok(header) = result else { return };
    let known = |dtype: &str| {
        let text = format!("{{\"a\":{{\"dtype\":{dtype:?},\"shape\":[0],\"data_offsets\":[0,0]}}}}");
        let file = [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
        safetensors::SafeTensors::deserialize(&file).is_ok()
    };
    if header.tensors.iter().all(|tensor| known(&tensor.dtype)) {
        let reference = safetensors::SafeTensors::deserialize(file).expect("the reference refuses it");
        assert_eq!(reference.len(), header.tensors.len());
    }
}

/// Remembers rows by a hash.
#[derive(Debug, PartialEq, Default)]
struct Hash(u64);

impl Hash {
    fn add(&mut self, bits: u64) {
        self.0 = (self.0 ^ bits).wrapping_mul(0x100_0000_01b3).rotate_left(17);
    }
}

impl Sink for Hash {
    fn start(&mut self, rows: Option<u64>, dim: u64) -> bool {
        self.add(rows.map_or(u64::MAX, |rows| rows));
        self.add(dim);
        true
    }

    fn row(&mut self, word: &[u8], values: &[f32]) -> bool {
        assert!(!word.is_empty() && std::str::from_utf8(word).is_ok());
        word.iter().for_each(|&byte| self.add(byte as u64));
        values.iter().for_each(|value| self.add(value.to_bits() as u64));
        true
    }
}

/// The rows of a file of words, and how it ends.
fn words(format: Option<WordFormat>, file: &[u8], size: usize) -> (Hash, Result<u64, WordError>) {
    let (result, held) = peak(|| {
        let mut rows = Hash::default();
        let mut reader = WordReader::new(format, file.len() as u64);
        for piece in file.chunks(size.max(1)) {
            if let Err(error) = reader.push(piece, &mut rows) {
                return (rows, Err(error));
            }
        }
        let summary = reader.finish(&mut rows);
        (rows, summary.map(|summary| summary.rows))
    });
    assert!(
        held <= WORD_BYTES * file.len() + FIXED_BYTES,
        "{} bytes of words hold {held}",
        file.len()
    );
    result
}

/// `read`, or the rule without numbers and quoted texts.
fn end<T>(result: &Result<T, Error>, file: &[u8]) -> String {
    let Err(error) = result else {
        return "read".to_owned();
    };
    assert!(
        !error.rule.is_empty() && error.rule.len() < 1200,
        "{}",
        error.rule
    );
    assert!(!error.rule.chars().any(char::is_control), "{}", error.rule);
    let place = match error.at {
        At::Byte(byte) => {
            assert!(byte <= file.len() as u64, "byte {byte}: {}", error.rule);
            "byte"
        }
        At::Line(line) => {
            assert!(line > 0);
            "line"
        }
        At::File => "file",
    };
    let mut rule = format!("{place}: ");
    let mut quoted = false;
    let mut escaped = false;
    for character in error.rule.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => {
                quoted = !quoted;
                rule.push('"');
            }
            '0'..='9' | '.' => {}
            _ if quoted => {}
            _ => rule.push(character),
        }
    }
    rule
}
