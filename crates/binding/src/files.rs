//! Headers of files, as JSON text for JavaScript.
//!
//! ```text
//! {"more":n}                                        a prefix of n bytes is needed
//! {"error":{"byte":n,"rule":"..."}}                 the file is malformed; "line" for text
//! {"format":"word2vec"}                             word vectors have no header: see `words`
//! otherwise                                         `Header::write_json`, `Index::write_json`
//! ```

use tokenbed_formats::json::{write_number, write_string};
use tokenbed_formats::{detect, header, index, At, Error, Format, Read, UNKNOWN};

/// The most bytes of a shard index: as many as of the header of a safetensors file.
const LONGEST_INDEX: u64 = 100_000_000;

/// Reads the header of a file of `total` bytes from its first bytes. `total` is infinite for a stream that has not ended:
/// then the answer is the same, except that the file may have more bytes, and an index is only recognised.
pub fn file_header(prefix: &[u8], total: f64, format: Option<&str>) -> String {
    let mut out = String::new();
    match read(prefix, total as u64, format, &mut out) {
        Ok(None) => {}
        Ok(Some(more)) => {
            out.push_str("{\"more\":");
            write_number(&mut out, more);
            out.push('}');
        }
        Err(error) => write_error(&mut out, &error),
    }
    out
}

fn is_words(format: Format) -> bool {
    matches!(format, Format::Word2vec | Format::Glove)
}

/// Writes the description, or returns the length of the prefix that is needed.
fn read(prefix: &[u8], total: u64, format: Option<&str>, out: &mut String) -> Result<Option<u64>, Error> {
    let format = match format.and_then(Format::named) {
        // The index of a model in several safetensors files is a file of that format, too.
        Some(format) if format != Format::Safetensors || prefix.first() != Some(&b'{') => format,
        _ => match detect(prefix, total)? {
            Read::Done(format) => format,
            Read::More(more) => return Ok(Some(more)),
        },
    };
    match format {
        format if format == Format::Index && total == UNKNOWN || is_words(format) => {
            out.push_str("{\"format\":");
            write_string(out, format.name());
            out.push('}');
        }
        Format::Index => {
            if total > LONGEST_INDEX {
                let rule = "the index of a model has # bytes, more than #";
                return Err(Error::new(At::File, rule, &[total, LONGEST_INDEX], &[]));
            }
            if (prefix.len() as u64) < total {
                return Ok(Some(total));
            }
            index(prefix)?.write_json(out);
        }
        _ => match header(format, prefix, total)? {
            Read::Done(header) => header.write_json(out),
            Read::More(more) => return Ok(Some(more)),
        },
    }
    Ok(None)
}

/// Writes `{"error":{"byte":n,"rule":"..."}}`.
pub fn write_error(out: &mut String, error: &Error) {
    out.push_str("{\"error\":{");
    let (name, place) = match error.at {
        At::Byte(byte) => ("\"byte\":", byte),
        At::Line(line) => ("\"line\":", line),
        At::File => ("", 0),
    };
    if !name.is_empty() {
        out.push_str(name);
        write_number(out, place);
        out.push(',');
    }
    out.push_str("\"rule\":");
    write_string(out, &error.rule);
    out.push_str("}}");
}
