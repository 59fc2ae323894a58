//! Shard indexes, and the JSON reader where headers do not reach.

mod common;

use common::expect_error;
use tokenbed_formats::json::{Kind, Reader};
use tokenbed_formats::{index, At};

#[test]
fn an_index_is_read() {
    let text = br#" { "metadata": {"total_size": 123, "format": "pt", "x": [1, {"a": null}], "__proto__": true},
        "weight_map": {"a": "model-00001-of-00002.safetensors", "__proto__": "b.safetensors", "": "...", "c": "\u00e9"},
        "other": [] }
"#;
    let read = index(text).unwrap();
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let files = [
        pair("a", "model-00001-of-00002.safetensors"),
        pair("__proto__", "b.safetensors"),
        pair("", "..."),
        pair("c", "é"),
    ];
    assert_eq!(read.weight_map, files);
    let metadata = [
        pair("total_size", "123"),
        pair("format", "pt"),
        pair("x", r#"[1, {"a": null}]"#),
        pair("__proto__", "true"),
    ];
    assert_eq!(read.metadata, metadata);
    let mut out = String::new();
    index(br#"{"weight_map":{"a":"b\"","c":"d"},"metadata":{"e":1}}"#)
        .unwrap()
        .write_json(&mut out);
    assert_eq!(
        out,
        r#"{"format":"index","weightMap":[["a","b\""],["c","d"]],"metadata":[["e","1"]]}"#
    );
}

/// Malformed indexes: `§` marks the byte of the error; then what the rule contains.
#[rustfmt::skip]
const INDEXES: &[(&str, &str)] = &[
    ("§", "expected an object, found the end"),
    ("§[]", "expected an object"),
    ("{\"weight_map\":{}}§{}", "expected the end"),
    (r#"{"weight_map":§[]}"#, "expected an object"),
    (r#"{"weight_map":{"a":§1}}"#, "expected the name of a file"),
    (r#"{"weight_map":{"a":§null}}"#, "expected the name of a file"),
    (r#"{"weight_map":{"a":§["b"]}}"#, "expected the name of a file"),
    (r#"{"weight_map":{"a":"b",§"a":"c"}}"#, "the key \"a\" appears twice"),
    (r#"{"weight_map":{},§"weight_map":{}}"#, "\"weight_map\" appears twice"),
    (r#"{"weight_map":{},"metadata":§[]}"#, "expected an object"),
    (r#"{"weight_map":{},"metadata":{"a":1,§"a":2}}"#, "\"a\" appears twice"),
    (r#"{"weight_map":{},"metadata":{"a":{"b":1,§"b":2}}}"#, "\"b\" appears twice"),
    (r#"{"weight_map":{"a":§""}}"#, "the file of the tensor \"a\" must be a name in the folder of the index, got \"\""),
    (r#"{"weight_map":{"a":§"."}}"#, "got \".\""),
    (r#"{"weight_map":{"a":§".."}}"#, "got \"..\""),
    (r#"{"weight_map":{"a":§"../b"}}"#, "got \"../b\""),
    (r#"{"weight_map":{"a":§"b/c"}}"#, "got \"b/c\""),
    (r#"{"weight_map":{"a":§"/etc/passwd"}}"#, "got \"/etc/passwd\""),
    (r#"{"weight_map":{"a":§"..\\b"}}"#, "must be a name in the folder"),
    (r#"{"weight_map":{"a":§"\u002e\u002e\u002fb"}}"#, "got \"../b\""),
    (r#"{"weight_map":{"a":§"c:b"}}"#, "got \"c:b\""),
    (r#"{"weight_map":{"a":§"https://x/y"}}"#, "must be a name in the folder"),
    (r#"{"weight_map":{"a":§"file:b"}}"#, "must be a name in the folder"),
    (r#"{"weight_map":{"a":§"b\u0000"}}"#, "must be a name in the folder"),
    (r#"{"weight_map":{"a":"b"},"x":§}"#, "expected a value, found \"}\""),
    (r#"{"weight_map":{"a":"b"},"x":1§"#, "expected a comma or }, found the end"),
];

#[test]
fn malformed_indexes() {
    for (text, rule) in INDEXES {
        let at = At::Byte(text.find('§').unwrap() as u64);
        expect_error(
            text,
            &index(text.replace('§', "").as_bytes()).expect_err(text),
            at,
            rule,
        );
    }
    for text in ["{}", r#"{"metadata":{}}"#, r#"{"weight-map":{"a":"b"}}"#] {
        expect_error(
            text,
            &index(text.as_bytes()).unwrap_err(),
            At::File,
            "the safetensors index lacks weight_map",
        );
    }
    expect_error("UTF-8", &index(b"{\"\xff").unwrap_err(), At::Byte(2), "not UTF-8");
    expect_error(
        "no byte",
        &index(b"").unwrap_err(),
        At::Byte(0),
        "expected an object",
    );
}

/// Texts that are one JSON value, and texts that are not.
#[test]
fn the_grammar_of_json() {
    let whole = |text: &str| {
        let mut reader = Reader::new(text.as_bytes(), 0)?;
        reader.skip()?;
        reader.end()
    };
    for text in [
        "0",
        "-0",
        "10",
        "-1.5e+10",
        "1E5",
        "0.0",
        "true",
        "false",
        "null",
        "\"\"",
        "[]",
        "{}",
        " [ 1 , 2 ] ",
        "{\"a\":{\"a\":{\"a\":1}}}",
        "[[],{},[{}]]",
        "\"\\u00e9\\ud83d\\ude00\\b\\f\\n\\r\\t\\/\\\\\\\"\"",
        "\t\r\n 1 \n",
        "\"\u{7f}\u{2028}\u{10ffff}\"",
        "[1,1,1]",
        "{\"a\":1,\"A\":1}",
        "123456789012345678901234567890",
    ] {
        whole(text).unwrap_or_else(|error| panic!("{text}: {}", error.rule));
    }
    for text in [
        "",
        " ",
        "00",
        "01",
        "-",
        "+1",
        ".5",
        "1.",
        "1.e5",
        "1e",
        "1e+",
        "0x1",
        "1_0",
        "NaN",
        "Infinity",
        "-Infinity",
        "True",
        "nulls",
        "truefalse",
        "tru",
        "'a'",
        "\"",
        "\"\\",
        "\"\\a\"",
        "\"\\u12\"",
        "\"\\u123g\"",
        "\"\\ud800\"",
        "\"\\ude00\\ud83d\"",
        "\"\t\"",
        "\"\u{1f}\"",
        "[",
        "]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1,,2]",
        "{",
        "}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{1:2}",
        "{\"a\":1,\"a\":1}",
        "{\"a\":1,\"\\u0061\":1}",
        "[}",
        "{]",
        "1 2",
        "[1]]",
        "\u{feff}1",
        "/*1*/1",
        "1//",
        "\u{a0}1",
        "\u{b}1",
        "\u{c}1",
        "(1,)",
        "{\"a\":(1)}",
        "undefined",
    ] {
        assert!(whole(text).is_err(), "{text}");
    }
    for levels in [64, 65] {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        assert_eq!(whole(&format!("{open}{close}")).is_ok(), levels == 64);
        let (open, close) = ("{\"a\":".repeat(levels), "}".repeat(levels));
        assert_eq!(whole(&format!("{open}1{close}")).is_ok(), levels == 64);
    }
    // Beside each other they do not count.
    whole(&format!("[{}[]]", "[[]],".repeat(1000))).unwrap();
}

#[test]
fn values_are_pulled() {
    let text = " {\"a\\n\": [true, null, \"\\ud83d\\ude00x\", -1.50e3, {}, []], \"b\": 18446744073709551615}";
    let mut reader = Reader::new(text.as_bytes(), 100).unwrap();
    reader.object().unwrap();
    assert_eq!(reader.key().unwrap().unwrap(), "a\n");
    assert_eq!(reader.kind().unwrap(), Kind::Array);
    assert_eq!(reader.position(), 109);
    reader.array().unwrap();
    assert!(reader.element().unwrap());
    assert_eq!(reader.kind().unwrap(), Kind::Boolean);
    assert!(reader.boolean().unwrap());
    assert!(reader.element().unwrap());
    assert_eq!(reader.kind().unwrap(), Kind::Null);
    reader.null().unwrap();
    assert!(reader.element().unwrap());
    assert_eq!(reader.kind().unwrap(), Kind::String);
    assert_eq!(reader.string().unwrap(), "\u{1f600}x");
    assert!(reader.element().unwrap());
    assert_eq!(reader.kind().unwrap(), Kind::Number);
    assert_eq!(reader.number().unwrap(), "-1.50e3");
    assert!(reader.element().unwrap());
    assert_eq!(reader.raw().unwrap(), "{}");
    assert!(reader.element().unwrap());
    assert_eq!(reader.kind().unwrap(), Kind::Array);
    reader.skip().unwrap();
    assert!(!reader.element().unwrap());
    assert_eq!(reader.key().unwrap().unwrap(), "b");
    assert_eq!(reader.unsigned().unwrap(), u64::MAX);
    assert_eq!(reader.key().unwrap(), None);
    reader.end().unwrap();
    // Errors name their byte in the file.
    let mut reader = Reader::new(b"[1, x]", 100).unwrap();
    expect_error(
        "base",
        &reader.skip().unwrap_err(),
        At::Byte(104),
        "expected a value, found \"x\"",
    );
    // Long names are shortened between characters.
    let long = format!("{{\"é{0}\":1,\"é{0}\":2}}", "é".repeat(100));
    let mut reader = Reader::new(long.as_bytes(), 0).unwrap();
    let rule = reader.skip().unwrap_err().rule.clone();
    assert_eq!(rule, format!("the key \"{}\"... appears twice", "é".repeat(40)));
}

#[test]
fn many_keys_are_compared_in_time() {
    let keys = |extra: &str| {
        let mut text = String::from("{");
        for index in 0..300_000u64 {
            text.push_str(&format!("\"token {}\":{index},", index * 7919 % 300_007));
        }
        text.push_str(extra);
        text.push('}');
        text
    };
    let read = |text: &str| Reader::new(text.as_bytes(), 0)?.skip();
    read(&keys("\"x\":1")).unwrap();
    let text = keys("\"token 7919\":1");
    let at = At::Byte(text.len() as u64 - 15);
    expect_error(
        "twice",
        &read(&text).unwrap_err(),
        at,
        "the key \"token 7919\" appears twice",
    );
}
