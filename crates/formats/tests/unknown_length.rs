//! Files whose length is not known yet: headers are read as if the file had all bytes that it needs, and no more.

mod common;

use common::{npy, read, safetensors, Gguf};
use tokenbed_formats::{detect, header, Format, Read, UNKNOWN};

#[test]
fn headers_without_the_length_of_the_file() {
    let tensor = r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}"#;
    let dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }";
    for (format, file) in [
        (Format::Safetensors, safetensors(tensor, 12)),
        (Format::Npy, npy(1, dict, 12)),
        (
            Format::Gguf,
            Gguf::new(3, 1, 0).tensor("a", &[3], 0, 0).data(32, 12),
        ),
        (Format::Gguf, Gguf::new(3, 0, 0).bytes),
    ] {
        let known = read(format, &file).unwrap();
        for length in 0..=file.len() {
            match header(format, &file[..length], UNKNOWN).unwrap() {
                Read::Done(header) => assert_eq!(header, known),
                Read::More(more) => assert!(more > length as u64 && length < file.len()),
            }
        }
        assert_eq!(header(format, &file, UNKNOWN), Ok(Read::Done(known)));
        // The bytes that follow are compared when the stream has ended.
        let longer = [&file[..], &[0; 100]].concat();
        assert!(header(format, &longer, UNKNOWN).is_ok());
        assert!(header(format, &longer, longer.len() as u64).is_err());
        assert_eq!(detect(&file, UNKNOWN), Ok(Read::Done(format)));
    }
}

#[test]
fn what_is_wrong_whatever_the_length() {
    let overlap = r#"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[3],"data_offsets":[2,5]}}"#;
    let wraps = r#"{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#;
    let dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }";
    for (format, file) in [
        (Format::Safetensors, safetensors(overlap, 5)),
        (Format::Safetensors, safetensors(wraps, 0)),
        (Format::Npy, npy(1, dict, 0)),
        (
            Format::Gguf,
            Gguf::new(3, 1, 0)
                .tensor("a", &[1 << 40, 1 << 40], 0, 0)
                .data(32, 0),
        ),
        (
            Format::Gguf,
            Gguf::new(3, 2, 0)
                .tensor("a", &[8], 0, 0)
                .tensor("b", &[8], 0, 0)
                .data(32, 32),
        ),
    ] {
        assert!(header(format, &file, UNKNOWN).is_err());
    }
    // A count that no file holds requests bytes, and allocates nothing.
    assert_eq!(
        header(Format::Gguf, &Gguf::new(3, 1 << 40, 1 << 40).bytes, UNKNOWN),
        Ok(Read::More(4096))
    );
}
