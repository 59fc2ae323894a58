//! safetensors: what is read, what is refused and where, and the crate `safetensors` as the reference.

mod common;

use common::{expect_error, json, read, safetensors, same_for_prefixes, Random};
use tokenbed_formats::{header, At, Encoding, Format, Value};

const F: Format = Format::Safetensors;

/// A tensor in a header.
fn entry(name: &str, dtype: &str, shape: &str, begin: u64, end: u64) -> String {
    format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{begin},{end}]}}"#)
}

#[test]
fn a_file_is_read() {
    let text = format!(
        r#"{{"__metadata__":{{"format":"pt","a\u00e9\n\"":"\ud83d\ude00"}},{},{},{}}}  "#,
        entry("b", "BF16", "[2, 3]", 16, 28),
        entry("a", "F32", "[4]", 0, 16),
        entry("scalar", "I64", "[]", 28, 36)
    );
    let file = safetensors(&text, 36);
    let start = 8 + text.len() as u64;
    let header = read(F, &file).unwrap();
    let seen: Vec<_> = header
        .tensors
        .iter()
        .map(|t| (t.name.as_str(), t.encoding, t.offset, t.bytes))
        .collect();
    assert_eq!(
        seen,
        [
            ("b", Some(Encoding::Bf16), start + 16, 12),
            ("a", Some(Encoding::F32), start, 16),
            ("scalar", None, start + 28, 8)
        ]
    );
    assert_eq!(header.tensors[0].shape, [2, 3]);
    assert_eq!(header.tensors[2].shape, [] as [u64; 0]);
    let text = |text: &str| Value::Text(text.into());
    let metadata = [
        ("format".to_owned(), text("pt")),
        ("a\u{e9}\n\"".to_owned(), text("\u{1f600}")),
    ];
    assert_eq!(header.metadata, metadata);
    same_for_prefixes(&file, 0..file.len(), |prefix, total| {
        tokenbed_formats::header(F, prefix, total)
    });
}

#[test]
fn names_of_javascript_are_ordinary() {
    let names = ["__proto__", "constructor", "toString", "", "\u{0}", "a\"b\\c"];
    let escaped = [
        "__proto__",
        "constructor",
        "toString",
        "",
        "\\u0000",
        "a\\\"b\\\\c",
    ];
    let entries: Vec<_> = (0..)
        .zip(escaped)
        .map(|(at, name)| entry(name, "U8", "[1]", at, at + 1))
        .collect();
    let metadata = r#""__metadata__":{"__proto__":"p","constructor":"c"}"#;
    let file = safetensors(&format!("{{{metadata},{}}}", entries.join(",")), 6);
    let header = read(F, &file).unwrap();
    assert!(header.tensors.iter().map(|tensor| &tensor.name).eq(names.iter()));
    assert!(json(&header).contains(r#"[["__proto__","p"],["constructor","c"]]"#));
}

#[test]
fn every_dtype_has_its_size() {
    use Encoding::*;
    for (name, bits, encoding) in [
        ("BOOL", 8, None),
        ("F4", 4, None),
        ("F6_E2M3", 6, None),
        ("F6_E3M2", 6, None),
        ("U8", 8, None),
        ("I8", 8, Some(Int8)),
        ("F8_E5M2", 8, Some(F8E5M2)),
        ("F8_E4M3", 8, Some(F8E4M3)),
        ("F8_E8M0", 8, None),
        ("F8_E4M3FNUZ", 8, None),
        ("F8_E5M2FNUZ", 8, None),
        ("I16", 16, None),
        ("U16", 16, None),
        ("F16", 16, Some(F16)),
        ("BF16", 16, Some(Bf16)),
        ("I32", 32, None),
        ("U32", 32, None),
        ("F32", 32, Some(F32)),
        ("C64", 64, None),
        ("F64", 64, Some(F64)),
        ("I64", 64, None),
        ("U64", 64, None),
    ] {
        let bytes = 8 * bits / 8;
        let file = safetensors(
            &format!("{{{}}}", entry("a", name, "[2, 4]", 0, bytes)),
            bytes as usize,
        );
        let header = read(F, &file).unwrap();
        assert_eq!(
            (header.tensors[0].encoding, header.tensors[0].bytes),
            (encoding, bytes),
            "{name}"
        );
        ::safetensors::SafeTensors::deserialize(&file).unwrap();
        let file = safetensors(
            &format!("{{{}}}", entry("a", name, "[2, 4]", 0, bytes + 1)),
            bytes as usize + 1,
        );
        expect_error(
            name,
            &read(F, &file).unwrap_err(),
            At::Byte(13),
            "not the size of its shape",
        );
    }
    // Half a byte is no extent.
    let file = safetensors(&format!("{{{}}}", entry("a", "F4", "[3]", 0, 1)), 1);
    expect_error(
        "F4",
        &read(F, &file).unwrap_err(),
        At::Byte(13),
        "not the size of its shape in F4",
    );
    // Of an unknown type only the extent is known.
    let file = safetensors(&format!("{{{}}}", entry("a", "Z9", "[7]", 0, 5)), 5);
    assert_eq!(read(F, &file).unwrap().tensors[0].encoding, None);
}

/// Malformed headers: `§` marks the byte of the error. Then the bytes of data, and what the rule contains.
#[rustfmt::skip]
const HEADERS: &[(&str, usize, &str)] = &[
    // JSON.
    ("§ {}", 0, "does not begin with {"),
    ("§[]", 0, "does not begin with {"),
    ("§\u{feff}{}", 0, "does not begin with {"),
    ("{§", 0, "expected a string, found the end"),
    (r#"{"a"§"#, 0, "expected a colon, found the end"),
    (r#"{"a":§"#, 0, "expected an object, found the end"),
    (r#"{"a":§1}"#, 0, "expected an object, found \"1\""),
    (r#"{"a":§null}"#, 0, "expected an object, found \"n\""),
    (r#"{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},§}"#, 1, "expected a string, found \"}\""),
    ("{§,}", 0, "expected a string, found \",\""),
    (r#"{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]}§"b":{}}"#, 1, "expected a comma or }, found"),
    ("{}§x", 0, "expected the end, found \"x\""),
    ("{}§\0", 0, "expected the end, found \"\\u0000\""),
    ("{}§{}", 0, "expected the end, found \"{\""),
    ("{§'a':1}", 0, "expected a string, found \"'\""),
    ("{§/**/}", 0, "expected a string, found \"/\""),
    ("{§a:1}", 0, "expected a string, found \"a\""),
    (r#"{"§\ud800":1}"#, 0, "lone surrogate"),
    (r#"{"§\udc00":1}"#, 0, "lone surrogate"),
    (r#"{"§\ud800\ud800":1}"#, 0, "lone surrogate"),
    (r#"{"§\ud800x":1}"#, 0, "lone surrogate"),
    (r#"{"§\u00"#, 0, "escape of JSON"),
    (r#"{"§\u00g0":1}"#, 0, "escape of JSON"),
    (r#"{"§\u+123":1}"#, 0, "escape of JSON"),
    (r#"{"§\x41":1}"#, 0, "escape of JSON"),
    (r#"{"§\'":1}"#, 0, "escape of JSON"),
    (r#"{"§\"#, 0, "escape of JSON"),
    ("{\"a§\n\":1}", 0, "control character"),
    ("{\"a§\0\":1}", 0, "control character"),
    (r#"{"abc§"#, 0, "ends inside a string"),
    // The same key twice.
    (r#"{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},§"a":{"dtype":"U8","shape":[],"data_offsets":[1,2]}}"#, 2,
        "the key \"a\" appears twice"),
    (r#"{"ab":{"dtype":"U8","shape":[],"data_offsets":[0,1]},§"\u0061b":{"dtype":"U8","shape":[],"data_offsets":[1,2]}}"#, 2,
        "the key \"ab\" appears twice"),
    (r#"{"a":{"dtype":"U8",§"dtype":"U8","shape":[],"data_offsets":[0,1]}}"#, 1, "\"dtype\" appears twice"),
    (r#"{"a":{"shape":[],"dtype":"U8",§"shape":[],"data_offsets":[0,1]}}"#, 1, "\"shape\" appears twice"),
    (r#"{"a":{"dtype":"U8",§"dtype":"U8",§"dtype":"U8"}}"#, 1, "\"dtype\" appears twice"),
    (r#"{"__metadata__":{},§"__metadata__":{}}"#, 0, "\"__metadata__\" appears twice"),
    (r#"{"__metadata__":{"a":"1","b":"2",§"a":"3"}}"#, 0, "\"a\" appears twice"),
    (r#"{"__metadata__":{"__proto__":"1",§"__proto__":"2"}}"#, 0, "\"__proto__\" appears twice"),
    (r#"{"a":{"x":{"y":1,§"y":2},"dtype":"U8","shape":[],"data_offsets":[0,1]}}"#, 1, "\"y\" appears twice"),
    // Metadata.
    (r#"{"__metadata__":§[]}"#, 0, "expected an object"),
    (r#"{"__metadata__":§null}"#, 0, "expected an object"),
    (r#"{"__metadata__":{"a":§1}}"#, 0, "expected a string, found \"1\""),
    (r#"{"__metadata__":{"a":§null}}"#, 0, "expected a string, found \"n\""),
    (r#"{"__metadata__":{"a":§{}}}"#, 0, "expected a string, found \"{\""),
    // The parts of a tensor.
    (r#"{"a":§{}}"#, 0, "the tensor \"a\" lacks dtype, shape or data_offsets"),
    (r#"{"a":§{"shape":[],"data_offsets":[0,1]}}"#, 1, "lacks dtype"),
    (r#"{"a":§{"dtype":"U8","data_offsets":[0,1]}}"#, 1, "lacks dtype"),
    (r#"{"a":§{"dtype":"U8","shape":[1]}}"#, 1, "lacks dtype"),
    (r#"{"a":§{"dtype":"U8","x":1,"y":2,"z":3}}"#, 1, "lacks dtype"),
    (r#"{"a":{"dtype":§8,"shape":[],"data_offsets":[0,1]}}"#, 1, "expected a string"),
    (r#"{"a":{"dtype":"U8","shape":§1,"data_offsets":[0,1]}}"#, 1, "expected an array"),
    (r#"{"a":{"dtype":"U8","shape":§(1),"data_offsets":[0,1]}}"#, 1, "expected an array"),
    (r#"{"a":{"dtype":"U8","shape":[§"1"],"data_offsets":[0,1]}}"#, 1, "expected a number"),
    (r#"{"a":{"dtype":"U8","shape":[§[1]],"data_offsets":[0,1]}}"#, 1, "expected a number"),
    (r#"{"a":{"dtype":"U8","shape":[§-1],"data_offsets":[0,1]}}"#, 1, "an integer in [0, 2^64), found -1"),
    (r#"{"a":{"dtype":"U8","shape":[§1.0],"data_offsets":[0,1]}}"#, 1, "found 1.0"),
    (r#"{"a":{"dtype":"U8","shape":[§1e0],"data_offsets":[0,1]}}"#, 1, "found 1e0"),
    (r#"{"a":{"dtype":"U8","shape":[§-0],"data_offsets":[0,0]}}"#, 0, "found -0"),
    (r#"{"a":{"dtype":"U8","shape":[0§1],"data_offsets":[0,1]}}"#, 1, "expected a comma or ]"),
    (r#"{"a":{"dtype":"U8","shape":[1.§],"data_offsets":[0,1]}}"#, 1, "expected a digit"),
    (r#"{"a":{"dtype":"U8","shape":[-§],"data_offsets":[0,1]}}"#, 1, "expected a digit"),
    (r#"{"a":{"dtype":"U8","shape":[§18446744073709551616],"data_offsets":[0,1]}}"#, 1, "found 18446744073709551616"),
    (r#"{"a":{"dtype":"U8","shape":[§NaN],"data_offsets":[0,1]}}"#, 1, "expected a number"),
    (r#"{"a":{"dtype":"U8","shape":[§null],"data_offsets":[0,1]}}"#, 1, "expected a number"),
    (r#"{"a":{"dtype":"U8","shape":[1,§],"data_offsets":[0,1]}}"#, 1, "expected a number, found \"]\""),
    (r#"{"a":{"dtype":"U8","shape":[1 §1],"data_offsets":[0,1]}}"#, 1, "expected a comma or ], found \"1\""),
    (r#"{"a":§{"dtype":"U8","shape":[1],"data_offsets":[0]}}"#, 1, "are not two integers"),
    (r#"{"a":§{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}"#, 1, "are not two integers"),
    (r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":§{}}}"#, 1, "expected an array"),
    (r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[§-1,0]}}"#, 1, "found -1"),
    (r#"{"a":{"x":§nul,"dtype":"U8"}}"#, 0, "expected null"),
    (r#"{"a":{"x":§yes,"dtype":"U8"}}"#, 0, "expected a value"),
    (r#"{"a":{"x":§tru,"dtype":"U8"}}"#, 0, "expected a boolean"),
    // Extents.
    (r#"{"a":§{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}"#, 1, "are [1, 0], but the file has 1 bytes of data"),
    (r#"{"a":§{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#, 15, "are [0, 16], but the file has 15 bytes of data"),
    (r#"{"a":§{"dtype":"U8","shape":[0],"data_offsets":[2,2]}}"#, 1, "are [2, 2]"),
    (r#"{"a":§{"dtype":"U8","shape":[1],"data_offsets":[18446744073709551614,18446744073709551615]}}"#, 1,
        "are [18446744073709551614, 18446744073709551615]"),
    (r#"{"a":§{"dtype":"Q","shape":[1],"data_offsets":[0,9]}}"#, 1, "are [0, 9], but the file has 1 bytes of data"),
    (r#"{"a":§{"dtype":"Q","shape":[1],"data_offsets":[1,0]}}"#, 1, "are [1, 0]"),
    (r#"{"a":§{"dtype":"F32","shape":[4],"data_offsets":[0,15]}}"#, 15,
        "takes 15 bytes, which is not the size of its shape in F32"),
    (r#"{"a":§{"dtype":"F32","shape":[3],"data_offsets":[0,16]}}"#, 16, "not the size of its shape"),
    (r#"{"a":§{"dtype":"F6_E2M3","shape":[2],"data_offsets":[0,2]}}"#, 2, "not the size of its shape"),
    (r#"{"a":§{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#, 0, "not the size of its shape"),
    (r#"{"a":§{"dtype":"U8","shape":[6700417,2753074036095],"data_offsets":[0,1]}}"#, 1, "not the size of its shape"),
    (r#"{"a":§{"dtype":"F64","shape":[288230376151711744],"data_offsets":[0,0]}}"#, 0, "not the size of its shape"),
    (r#"{"a":§{"dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}}"#, 0, "not the size of its shape"),
];

/// Extents of tensors of bytes, the bytes of data, the byte of the error in the data, and what the rule contains.
type Tile = (&'static [(u64, u64)], usize, u64, &'static str);

/// Extents that do not tile the data.
const TILES: &[Tile] = &[
    (
        &[(0, 4), (3, 7)],
        7,
        3,
        "the tensor \"t1\" overlaps the data before it, which end at byte",
    ),
    (&[(0, 4), (0, 4)], 4, 0, "overlaps"),
    (&[(0, 8), (2, 4)], 8, 2, "overlaps"),
    (&[(0, 8), (4, 4)], 8, 4, "overlaps"),
    (
        &[(0, 4), (5, 9)],
        9,
        5,
        "the tensor \"t1\" begins after a hole: the data before it end at byte",
    ),
    (&[(1, 5)], 5, 1, "begins after a hole"),
    (&[(0, 4), (5, 5)], 5, 5, "begins after a hole"),
    (&[(0, 4)], 5, 4, "trailing bytes: the data end here"),
    (&[(0, 0)], 1, 0, "trailing bytes"),
    (&[], 1, 0, "trailing bytes"),
];

#[test]
fn malformed_files() {
    let refused_by_reference = |name: &str, file: &[u8]| {
        assert!(
            ::safetensors::SafeTensors::deserialize(file).is_err(),
            "the reference reads {name}"
        );
    };
    for (text, data, rule) in HEADERS {
        let at = At::Byte(8 + text.find('§').unwrap() as u64);
        let file = safetensors(&text.replace('§', ""), *data);
        let error = read(F, &file).expect_err(text);
        expect_error(text, &error, at, rule);
        same_for_prefixes(&file, 0..file.len(), |prefix, total| header(F, prefix, total));
        // The reference skips white space, knows no unknown types, and keeps the last of two values, or none.
        let reads = ["§ {}", r#"{"__metadata__":§null}"#].contains(text) || rule.contains("appears twice");
        if !reads {
            refused_by_reference(text, &file);
        }
    }
    for (extents, data, byte, rule) in TILES {
        for dtype in ["U8", "UNKNOWN"] {
            let tensor = |(index, &(begin, end)): (usize, &(u64, u64))| {
                entry(
                    &format!("t{index}"),
                    dtype,
                    &format!("[{}]", end - begin),
                    begin,
                    end,
                )
            };
            let text = format!(
                "{{{}}}",
                extents
                    .iter()
                    .enumerate()
                    .map(tensor)
                    .collect::<Vec<_>>()
                    .join(",")
            );
            let file = safetensors(&text, *data);
            let at = At::Byte(8 + text.len() as u64 + byte);
            expect_error(&text, &read(F, &file).expect_err(&text), at, rule);
            refused_by_reference(&text, &file);
        }
    }
}

/// The length of the header, text after it, the byte of the error, the rule.
#[rustfmt::skip]
const LENGTHS: &[(u64, &[u8], u64, &str)] = &[
    (0, b"", 8, "does not begin with {"),
    (3, b"{}", 8, "the safetensors header takes 3 bytes, but the file ends after 10"),
    (100_000_000, b"{}", 8, "but the file ends after 10"),
    (100_000_001, b"{}", 0, "takes 100000001 bytes, more than 100000000"),
    (1 << 63, b"{}", 0, "takes 9223372036854775808 bytes, more than 100000000"),
    (u64::MAX - 7, b"{}", 0, "more than 100000000"),
    (u64::MAX, b"{}", 0, "takes 18446744073709551615 bytes, more than 100000000"),
    (3, b"{\xff}", 9, "not UTF-8"),
    (5, b"{\"a\xe2\x82", 11, "not UTF-8"),
    (7, b"{\"\xed\xa0\x80\":", 10, "not UTF-8"),
    (6, b"{\"\xc0\x80\":", 10, "not UTF-8"),
];

#[test]
fn lengths_of_the_header() {
    for (length, text, at, rule) in LENGTHS {
        let file = [&length.to_le_bytes()[..], text].concat();
        expect_error(rule, &read(F, &file).expect_err(rule), At::Byte(*at), rule);
        assert!(::safetensors::SafeTensors::deserialize(&file).is_err());
    }
    for length in 0..8 {
        let file = vec![0; length];
        let rule = format!("takes 8 bytes, but the file ends after {length}");
        expect_error("cut", &read(F, &file).unwrap_err(), At::Byte(0), &rule);
    }
}

#[test]
fn values_nest_64_levels() {
    let nested = |levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        safetensors(
            &format!(r#"{{"a":{{"x":{open}1{close},"dtype":"U8","shape":[],"data_offsets":[0,1]}}}}"#),
            1,
        )
    };
    // Two objects are around the array.
    read(F, &nested(62)).unwrap();
    for levels in [63, 1_000_000] {
        expect_error(
            "63",
            &read(F, &nested(levels)).unwrap_err(),
            At::Byte(18 + 62),
            "nest deeper than 64 levels",
        );
    }
}

/// Random headers, some of them broken: whatever the reference refuses is refused, and whatever it reads is read.
#[test]
fn equal_to_the_reference() {
    let dtypes = [
        "F32", "F16", "BF16", "F64", "I8", "U8", "F4", "F6_E2M3", "I64", "BOOL", "F8_E4M3",
    ];
    let bits = [32, 16, 16, 64, 8, 8, 4, 6, 64, 8, 8];
    let (mut read_by_both, mut refused) = (0, 0);
    for seed in 0..40_000 {
        let mut random = Random(seed);
        let mut entries = Vec::new();
        let mut end = 0;
        for index in 0..random.below(5) {
            let kind = random.below(dtypes.len() as u64) as usize;
            let shape: Vec<_> = (0..random.below(4)).map(|_| random.below(6)).collect();
            let mut bytes = shape.iter().product::<u64>() * bits[kind] / 8;
            if random.below(40) == 0 {
                bytes += 1;
            }
            let begin = if random.below(40) == 0 {
                end + random.below(3)
            } else {
                end
            };
            end = begin + bytes;
            let shape = format!("{shape:?}");
            entries.push(entry(&format!("t{index}"), dtypes[kind], &shape, begin, end));
        }
        if random.below(3) == 0 {
            entries.push(r#""__metadata__":{"k":"v","\u00e9":"\\"}"#.to_owned());
        }
        // Any order is allowed.
        for index in (1..entries.len()).rev() {
            entries.swap(index, random.below(index as u64 + 1) as usize);
        }
        let mut text = format!("{{{}}}", entries.join(", ")).into_bytes();
        if random.below(2) == 0 && !text.is_empty() {
            let at = random.below(text.len() as u64) as usize;
            match random.below(4) {
                0 => drop(text.remove(at)),
                1 => text.insert(at, random.one(b"{}[],:\"0123456789\\ue-. ")),
                2 => text[at] = random.one(b"{}[],:\"0123456789\\ue-. "),
                _ => text.swap(at, 0),
            }
        }
        let mut file = (text.len() as u64).to_le_bytes().to_vec();
        file.extend(&text);
        let data = end + (random.below(40) == 0) as u64;
        file.resize(file.len() + data as usize, 0);

        let ours = read(F, &file);
        let theirs = ::safetensors::SafeTensors::deserialize(&file);
        match (&ours, &theirs) {
            (Ok(header), Ok(reference)) => {
                read_by_both += 1;
                assert_eq!(header.tensors.len(), reference.len());
                for tensor in &header.tensors {
                    let view = reference.tensor(&tensor.name).unwrap();
                    assert!(view
                        .shape()
                        .iter()
                        .map(|&size| size as u64)
                        .eq(tensor.shape.iter().copied()));
                    let offset = view.data().as_ptr() as usize - file.as_ptr() as usize;
                    assert_eq!(
                        (offset as u64, view.data().len() as u64),
                        (tensor.offset, tensor.bytes)
                    );
                    let name = serde_name(view.dtype());
                    assert_eq!(name, tensor.dtype);
                }
            }
            (Err(_), Err(_)) => refused += 1,
            // The reference knows no other types, and its maps keep the last of two equal keys.
            (Ok(header), Err(_)) => assert!(
                header
                    .tensors
                    .iter()
                    .any(|tensor| !dtypes.contains(&tensor.dtype.as_str())),
                "seed {seed}: read, but the reference refuses {}",
                String::from_utf8_lossy(&text)
            ),
            (Err(error), Ok(_)) => assert!(
                error.rule.contains("appears twice") || text.first() != Some(&b'{'),
                "seed {seed}: {} in {}",
                error.rule,
                String::from_utf8_lossy(&text)
            ),
        }
    }
    println!("{read_by_both} read, {refused} refused by both");
    assert!(
        read_by_both > 10_000 && refused > 5_000,
        "{read_by_both} read, {refused} refused"
    );
}

fn serde_name(dtype: ::safetensors::Dtype) -> String {
    format!("{dtype:?}")
}
