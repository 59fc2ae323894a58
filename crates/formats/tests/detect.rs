//! The format of a file by its first bytes, and files that are not read.

mod common;

use common::{detected, expect_error, npy, safetensors, same_for_prefixes, Gguf};
use tokenbed_formats::{detect, header, At, Format, Read};

#[test]
fn formats_are_recognised() {
    let dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }";
    let long = format!("{} 1 2\n", "x".repeat(100_000));
    #[rustfmt::skip]
    let cases: Vec<(Format, Vec<u8>)> = vec![
        (Format::Safetensors, safetensors("{}", 0)),
        (Format::Safetensors, safetensors(&format!("{{{}}}", " ".repeat(0x2020)), 0)),
        (Format::Safetensors, [&u64::MAX.to_le_bytes()[..], b"{\"a\"}"].concat()),
        (Format::Index, br#"{"metadata":{},"weight_map":{}}"#.to_vec()),
        (Format::Index, b" \n\t{ }".to_vec()),
        (Format::Index, [" ".repeat(10_000).as_bytes(), b"{}"].concat()),
        (Format::Index, b"{\"a\": {{{".to_vec()),
        (Format::Npy, npy(1, dict, 0)),
        (Format::Npy, b"\x93NUMPY".to_vec()),
        (Format::Gguf, Gguf::new(3, 0, 0).bytes),
        (Format::Gguf, b"GGUF".to_vec()),
        (Format::Word2vec, b"2 3\nrest".to_vec()),
        (Format::Word2vec, b"2 3".to_vec()),
        (Format::Word2vec, b" 400000\t50 \r\n\xff\xff".to_vec()),
        (Format::Glove, b"the 0.5 1".to_vec()),
        (Format::Glove, b"the 0.5 1e39\n\xff\xff".to_vec()),
        (Format::Glove, b"2 3 4\n".to_vec()),
        (Format::Glove, b"2 -3\n".to_vec()),
        (Format::Glove, b"4000 50.\n{ 1 2\n".to_vec()),
        (Format::Glove, b"ab 0.1\n1{ 0.2\n".to_vec()),
        (Format::Glove, long.into_bytes()),
        (Format::Glove, "é\u{a0} 1\n".into()),
    ];
    for (format, file) in &cases {
        assert_eq!(
            detected(file),
            Ok(*format),
            "{}",
            String::from_utf8_lossy(&file[..file.len().min(40)])
        );
        let lengths = (0..file.len()).step_by(file.len() / 300 + 1);
        same_for_prefixes(file, lengths, detect);
        assert_eq!(Format::named(format.name()), Some(*format));
    }
    assert_eq!(Format::named("npz"), None);
}

#[test]
fn other_files_are_refused() {
    let unknown =
        "the format is not recognised: safetensors, a safetensors index, .npy, GGUF, word2vec and GloVe";
    let bom = "a byte order mark is not read: save the file as UTF-8 without it";
    #[rustfmt::skip]
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"PK\x03\x04rest of a zip archive".to_vec(), "a zip archive is not read: unpack it (.npz too), or stream its member"),
        (b"\x1f\x8b\x08rest of a gzip file".to_vec(), "gzip is not read: pipe it through DecompressionStream('gzip')"),
        (b"\x80\x02}q\x00.".to_vec(), "a pickle is not read: save the table as safetensors or .npy"),
        (b"\x80\x03}q\x00.".to_vec(), "a pickle is not read"),
        (b"\x80\x04\x95\x00\x00".to_vec(), "a pickle is not read"),
        (b"\x80\x05\x95\x00\x00".to_vec(), "a pickle is not read"),
        ([&793_712_314u32.to_le_bytes()[..], &[12, 0, 0, 0]].concat(), "a fastText .bin is not read: use its .vec"),
        (b"version https://git-lfs.github.com/spec/v1\n".to_vec(), "a Git LFS pointer, which is not read"),
        (b"\xef\xbb\xbfthe 1 2\n".to_vec(), bom),
        (b"\xff\xfet\0h\0e\0".to_vec(), bom),
        (b"\xfe\xff\0t\0h\0e".to_vec(), bom),
        (b"x".to_vec(), unknown),
        (b"\n".to_vec(), unknown),
        (b"\nthe 1 2\n".to_vec(), unknown),
        (b" ".to_vec(), unknown),
        (vec![b' '; 10_000], unknown),
        (vec![0; 10_000], unknown),
        (b"[1, 2]".to_vec(), unknown),
        (b"the quick brown fox\n".to_vec(), unknown),
        (b"word\n".to_vec(), unknown),
        (b"\xff\xfd 1 2\n".to_vec(), unknown),
        (b"the 1 \xff\n".to_vec(), unknown),
        (b"the 1 \xe2\x82".to_vec(), unknown),
        (b"<!DOCTYPE html>\n<title>404</title>\n".to_vec(), unknown),
        (b"\x93NUMPZ\x01\0rest of something".to_vec(), unknown),
        (b"gguf\x03\0\0\0rest of something".to_vec(), unknown),
        (b"ggjt\x03\0\0\0rest of something".to_vec(), unknown),
        (b"\x89HDF\r\n\x1a\nrest".to_vec(), unknown),
        (vec![b'x'; (16 << 20) + 1], unknown),
        ([vec![b'x'; 16 << 20], b" 1\n".to_vec()].concat(), unknown),
    ];
    for (file, rule) in &cases {
        let name = String::from_utf8_lossy(&file[..file.len().min(30)]);
        expect_error(&name, &detected(file).expect_err(&name), At::Byte(0), rule);
        let lengths = (0..file.len()).step_by(file.len() / 100 + 1);
        same_for_prefixes(file, lengths, detect);
    }
    expect_error(
        "empty",
        &detected(b"").unwrap_err(),
        At::File,
        "the file is empty",
    );
    // Bytes that are no text end the search for a line.
    assert!(detect(&[&b"word "[..], &[0xff; 100]].concat(), 1 << 40).is_err());
    let text = vec![b'x'; 1 << 16];
    assert_eq!(detect(&text, 1 << 40), Ok(Read::More(1 << 17)));
}

#[test]
fn formats_without_a_header() {
    for format in [Format::Index, Format::Word2vec, Format::Glove] {
        let rule = format!("a file of the format {} has no header", format.name());
        expect_error("header", &header(format, b"x", 1).unwrap_err(), At::File, &rule);
    }
}
