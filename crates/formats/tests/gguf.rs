//! GGUF: what is read, what is refused and where.

mod common;

use common::{expect_error, json, read, same_for_prefixes, Gguf, ARRAY, BOOL, STRING, U32, U8};
use tokenbed_formats::{header, At, Encoding, Format, Tokens, Value};

const F: Format = Format::Gguf;

#[test]
fn a_file_is_read() {
    for version in [2, 3] {
        let mut gguf = Gguf::new(version, 3, 15);
        gguf.key("general.alignment", U32).u32(64);
        gguf.key("u8", 0)
            .raw(&[200])
            .key("i8", 1)
            .raw(&[200])
            .key("u16", 2)
            .raw(&[0, 200])
            .key("i16", 3)
            .raw(&[0, 200]);
        gguf.key("u32", 4)
            .u32(u32::MAX)
            .key("i32", 5)
            .u32(u32::MAX)
            .key("f32", 6)
            .u32(0x7fc0_0001);
        gguf.key("bool", BOOL)
            .raw(&[1])
            .key("string", STRING)
            .string("é\"\n");
        gguf.key("u64", 10)
            .u64(u64::MAX)
            .key("i64", 11)
            .u64(1 << 63)
            .key("f64", 12)
            .u64(0x3ff0_0000_0000_0001);
        gguf.key("array", ARRAY)
            .u32(ARRAY)
            .u64(2)
            .u32(BOOL)
            .u64(2)
            .raw(&[0, 1])
            .u32(6)
            .u64(1)
            .u32(0);
        gguf.key("tokenizer.ggml.tokens", ARRAY).u32(STRING).u64(2);
        let tokens = gguf.bytes.len() as u64;
        gguf.string("a").string("");
        gguf.tensor("token_embd.weight", &[64, 2], 8, 0)
            .tensor("b", &[3], 0, 192)
            .tensor("c", &[], 1, 256);
        let file = gguf.data(64, 258);
        let start = file.len() as u64 - 258;
        let header = read(F, &file).unwrap();
        assert_eq!(
            header.tokens,
            Some(Tokens {
                offset: tokens,
                count: 2
            })
        );
        let seen: Vec<_> = header
            .tensors
            .iter()
            .map(|t| (t.name.as_str(), t.encoding, t.offset - start, t.bytes))
            .collect();
        let expected = [
            ("token_embd.weight", Some(Encoding::Q8_0), 0, 136),
            ("b", Some(Encoding::F32), 192, 12),
            ("c", Some(Encoding::F16), 256, 2),
        ];
        assert_eq!(seen, expected);
        assert_eq!(header.tensors[0].shape, [2, 64]);
        assert_eq!(header.tensors[0].dtype, "Q8_0");
        let expected = concat!(
            r#""metadata":[["general.alignment",{"integer":"64"}],["u8",{"integer":"200"}],["i8",{"integer":"-56"}],"#,
            r#"["u16",{"integer":"51200"}],["i16",{"integer":"-14336"}],["u32",{"integer":"4294967295"}],"#,
            r#"["i32",{"integer":"-1"}],["f32",{"f32":2143289345}],["bool",true],["string","\u00e9\"\u000a"],"#,
            r#"["u64",{"integer":"18446744073709551615"}],["i64",{"integer":"-9223372036854775808"}],"#,
            r#"["f64",{"f64":[1072693248,1]}],["array",{"array":"array","count":2}],"#,
            r#"["tokenizer.ggml.tokens",{"array":"string","count":2}]]"#
        );
        assert!(json(&header).contains(expected), "{}", json(&header));
        same_for_prefixes(&file, 0..file.len(), |prefix, total| {
            tokenbed_formats::header(F, prefix, total)
        });
    }
}

#[test]
fn every_type_has_its_size() {
    use Encoding::*;
    #[rustfmt::skip]
    let types: &[(u32, &str, u64, u64, Option<Encoding>)] = &[
        (0, "F32", 1, 4, Some(F32)), (1, "F16", 1, 2, Some(F16)), (2, "Q4_0", 32, 18, Some(Q4_0)),
        (3, "Q4_1", 32, 20, Some(Q4_1)), (6, "Q5_0", 32, 22, Some(Q5_0)), (7, "Q5_1", 32, 24, Some(Q5_1)),
        (8, "Q8_0", 32, 34, Some(Q8_0)), (9, "Q8_1", 32, 36, None), (10, "Q2_K", 256, 84, Some(Q2K)),
        (11, "Q3_K", 256, 110, Some(Q3K)), (12, "Q4_K", 256, 144, Some(Q4K)), (13, "Q5_K", 256, 176, Some(Q5K)),
        (14, "Q6_K", 256, 210, Some(Q6K)), (15, "Q8_K", 256, 292, None), (16, "IQ2_XXS", 256, 66, None),
        (17, "IQ2_XS", 256, 74, None), (18, "IQ3_XXS", 256, 98, None), (19, "IQ1_S", 256, 50, None),
        (20, "IQ4_NL", 32, 18, None), (21, "IQ3_S", 256, 110, None), (22, "IQ2_S", 256, 82, None),
        (23, "IQ4_XS", 256, 136, None), (24, "I8", 1, 1, None), (25, "I16", 1, 2, None), (26, "I32", 1, 4, None),
        (27, "I64", 1, 8, None), (28, "F64", 1, 8, None), (29, "IQ1_M", 256, 56, None), (30, "BF16", 1, 2, Some(Bf16)),
        (34, "TQ1_0", 256, 54, None), (35, "TQ2_0", 256, 66, None), (39, "MXFP4", 32, 17, None),
        (40, "NVFP4", 64, 36, None), (41, "Q1_0", 128, 18, None),
    ];
    for &(kind, name, block, size, encoding) in types {
        let bytes = 3 * 2 * size as usize;
        let mut gguf = Gguf::new(3, 1, 0);
        gguf.tensor("a", &[2 * block, 3], kind, 0);
        let header = read(F, &gguf.data(32, bytes)).unwrap();
        let tensor = &header.tensors[0];
        assert_eq!(
            (tensor.dtype.as_str(), tensor.encoding, tensor.bytes),
            (name, encoding, bytes as u64)
        );
        assert_eq!(tensor.shape, [3, 2 * block]);
        read(F, &gguf.data(32, bytes + 1)).unwrap_err();
        read(F, &gguf.data(32, bytes - 1)).unwrap_err();
        if block > 1 {
            let mut gguf = Gguf::new(3, 1, 0);
            gguf.tensor("a", &[block / 2, 2], kind, 0);
            let error = read(F, &gguf.data(32, size as usize)).unwrap_err();
            let rule = format!("has rows of {} values, which are not whole blocks", block / 2);
            expect_error(name, &error, At::Byte(24), &rule);
        }
    }
    for kind in (0..100)
        .filter(|kind| types.iter().all(|known| known.0 != *kind))
        .chain([u32::MAX])
    {
        let mut gguf = Gguf::new(3, 1, 0);
        gguf.tensor("a", &[32], kind, 0);
        let rule = format!("the tensor \"a\" has the unknown type {kind}");
        expect_error(
            "type",
            &read(F, &gguf.data(32, 128)).unwrap_err(),
            At::Byte(24),
            &rule,
        );
    }
}

/// A header with these keys and no tensors.
fn keys(count: u64, build: impl Fn(&mut Gguf) -> &mut Gguf) -> Vec<u8> {
    let mut gguf = Gguf::new(3, 0, count);
    build(&mut gguf);
    gguf.bytes
}

/// A file with these tensors and that many bytes of data.
fn tensors(count: u64, data: usize, build: impl Fn(&mut Gguf) -> &mut Gguf) -> Vec<u8> {
    let mut gguf = Gguf::new(3, count, 0);
    build(&mut gguf);
    gguf.data(32, data)
}

#[test]
fn malformed_keys() {
    let nested = |levels: usize| {
        keys(1, |gguf| {
            gguf.key("a", ARRAY);
            for _ in 1..levels {
                gguf.u32(ARRAY).u64(1);
            }
            gguf.u32(U8).u64(1).raw(&[7])
        })
    };
    read(F, &nested(64)).unwrap();
    let alignment = |value: u32| keys(1, |gguf| gguf.key("general.alignment", U32).u32(value));
    for value in [1, 2, 4, 8, 16, 1 << 20, 1 << 31] {
        read(F, &alignment(value)).unwrap();
    }
    let version = |bytes: [u8; 4]| [&b"GGUF"[..], &bytes, &[0; 16]].concat();
    #[rustfmt::skip]
    let cases: Vec<(&str, Vec<u8>, u64, &str)> = vec![
        // The start.
        ("empty", vec![], 0, "the magic of a GGUF file takes 4 bytes, but the file ends after 0"),
        ("the magic alone", b"GGUF".to_vec(), 4, "the version takes 4 bytes, but the file ends after 4"),
        ("another magic", version([3, 0, 0, 0]).iter().map(|byte| byte.to_ascii_lowercase()).collect(), 0, "begins with GGUF"),
        ("version 0", version([0; 4]), 4, "version 0 of GGUF is not read"),
        ("version 1", version([1, 0, 0, 0]), 4, "version 1 of GGUF is not read: 2 and 3 are"),
        ("version 4", version([4, 0, 0, 0]), 4, "version 4 of GGUF"),
        ("version 2^32 - 1", version([255; 4]), 4, "version 4294967295 of GGUF"),
        ("big-endian 3", version([0, 0, 0, 3]), 4, "version 3 of GGUF in big-endian order is not read"),
        ("big-endian 2", version([0, 0, 0, 2]), 4, "version 2 of GGUF in big-endian order"),
        ("cut before the counts", Gguf::new(3, 0, 0).bytes[..12].to_vec(), 8, "a count takes 8 bytes"),
        ("cut between the counts", Gguf::new(3, 0, 0).bytes[..23].to_vec(), 16, "a count takes 8 bytes, but the file ends after 23"),
        // Counts.
        ("2^64 - 1 tensors", Gguf::new(3, u64::MAX, 0).bytes, 8, "the count of tensors is 18446744073709551615, more than fit the 8 bytes"),
        ("2^32 tensors", Gguf::new(3, 1 << 32, 0).bytes, 8, "the count of tensors is 4294967296"),
        ("a tensor that is not there", Gguf::new(3, 1, 0).bytes, 8, "the count of tensors is 1"),
        ("2^64 - 1 keys", Gguf::new(3, 0, u64::MAX).bytes, 16, "the count of keys is 18446744073709551615"),
        ("a key that is not there", Gguf::new(3, 0, 1).bytes, 16, "the count of keys is 1, more than fit the 0 bytes"),
        ("keys that wrap", Gguf::new(3, 0, 1 << 61).raw(&[0; 64]).bytes.clone(), 16, "the count of keys"),
        // Keys.
        ("an empty key", keys(1, |gguf| gguf.key("", U32).u32(1).u32(0)), 24, "a key is empty"),
        ("a key of 2^64 - 1 bytes", keys(1, |gguf| gguf.u64(u64::MAX).raw(&[0; 32])), 32, "a key takes 18446744073709551615 bytes"),
        ("a key of 2^63 bytes", keys(1, |gguf| gguf.u64(1 << 63).raw(&[0; 32])), 32, "a key takes 9223372036854775808 bytes"),
        ("a key beyond the file", keys(1, |gguf| gguf.u64(33).raw(&[0; 32])), 32, "a key takes 33 bytes, but the file ends after 64"),
        ("a key that is not UTF-8", keys(1, |gguf| gguf.u64(2).raw(b"a\xff").u32(U32).u32(1)), 33, "a key is not UTF-8"),
        ("a key twice", keys(2, |gguf| gguf.key("a", U32).u32(1).key("a", U32).u32(1)), 41, "the key \"a\" appears twice"),
        ("a key twice, of other types", keys(3, |gguf| gguf.key("b", U32).u32(1).key("a", BOOL).raw(&[1]).key("b", U8).raw(&[1])), 55, "the key \"b\" appears twice"),
        ("the alignment twice", keys(2, |gguf| gguf.key("general.alignment", U32).u32(32).key("general.alignment", U32).u32(64)), 57, "\"general.alignment\" appears twice"),
        ("__proto__ twice", keys(2, |gguf| gguf.key("__proto__", U8).raw(&[1]).key("__proto__", U8).raw(&[1])), 46, "\"__proto__\" appears twice"),
        // Values.
        ("type 13", keys(1, |gguf| gguf.key("abc", 13).u64(1)), 35, "the type 13 of a value is unknown"),
        ("type 2^32 - 1", keys(1, |gguf| gguf.key("abc", u32::MAX).u64(1)), 35, "the type 4294967295 of a value"),
        ("a cut value", keys(1, |gguf| gguf.key("abcdef", 10).u32(1)), 42, "a value takes 8 bytes, but the file ends after 46"),
        ("a bool of 2", keys(1, |gguf| gguf.key("abc", BOOL).raw(&[2])), 39, "a bool is 2, not 0 or 1"),
        ("a bool of 255", keys(1, |gguf| gguf.key("abc", BOOL).raw(&[255])), 39, "a bool is 255"),
        ("a string beyond the file", keys(1, |gguf| gguf.key("a", STRING).u64(9).raw(&[0; 8])), 45, "a string takes 9 bytes"),
        ("a string of 2^64 - 1 bytes", keys(1, |gguf| gguf.key("a", STRING).u64(u64::MAX).raw(&[0; 8])), 45, "a string takes 18446744073709551615 bytes"),
        ("a string that is not UTF-8", keys(1, |gguf| gguf.key("a", STRING).u64(3).raw(b"ab\xe2")), 47, "a string is not UTF-8"),
        // Arrays.
        ("an array of type 13", keys(1, |gguf| gguf.key("a", ARRAY).u32(13).u64(0)), 37, "the type 13 of a value"),
        ("an array of 2^64 - 1 bytes", keys(1, |gguf| gguf.key("a", ARRAY).u32(U8).u64(u64::MAX)), 41, "the count of elements is 18446744073709551615"),
        ("an array that wraps", keys(1, |gguf| gguf.key("a", ARRAY).u32(U32).u64(1 << 62)), 41, "the count of elements is 4611686018427387904"),
        ("an array that wraps to 8", keys(1, |gguf| gguf.key("a", ARRAY).u32(10).u64((1 << 61) + 1).u64(0)), 41, "the count of elements is 2305843009213693953"),
        ("an array beyond the file", keys(1, |gguf| gguf.key("a", ARRAY).u32(U32).u64(3).raw(&[0; 11])), 41, "the count of elements is 3, more than fit the 11 bytes"),
        ("strings beyond the file", keys(1, |gguf| gguf.key("a", ARRAY).u32(STRING).u64(3).string("").string("")), 41, "the count of elements is 3"),
        ("a string of an array beyond the file", keys(1, |gguf| gguf.key("a", ARRAY).u32(STRING).u64(2).string("ab").u64(7).raw(&[0; 6])), 67, "a string takes 7 bytes"),
        ("a string of an array not UTF-8", keys(1, |gguf| gguf.key("a", ARRAY).u32(STRING).u64(1).u64(1).raw(&[0x80])), 57, "a string is not UTF-8"),
        ("a bool of an array", keys(1, |gguf| gguf.key("a", ARRAY).u32(BOOL).u64(3).raw(&[0, 1, 3])), 51, "a bool is 3"),
        ("arrays beyond the file", keys(1, |gguf| gguf.key("a", ARRAY).u32(ARRAY).u64(u64::MAX)), 41, "the count of elements"),
        ("65 arrays in each other", nested(65), 37 + 64 * 12, "arrays nest deeper than 64 levels"),
        ("a million arrays in each other", nested(1_000_000), 37 + 64 * 12, "arrays nest deeper than 64 levels"),
        // The alignment.
        ("alignment 0", alignment(0), 49, "general.alignment is not a power of two"),
        ("alignment 3", alignment(3), 49, "general.alignment is not a power of two"),
        ("alignment 48", alignment(48), 49, "general.alignment is not a power of two"),
        ("an alignment of the type u64", keys(1, |gguf| gguf.key("general.alignment", 10).u64(32)), 49, "of the type u32"),
        ("an alignment of the type i32", keys(1, |gguf| gguf.key("general.alignment", 5).u32(32)), 49, "of the type u32"),
        ("an alignment that is text", keys(1, |gguf| gguf.key("general.alignment", STRING).string("32")), 49, "of the type u32"),
    ];
    for (name, file, at, rule) in &cases {
        expect_error(name, &read(F, file).expect_err(name), At::Byte(*at), rule);
        let lengths = (0..file.len()).step_by(file.len() / 200 + 1);
        same_for_prefixes(file, lengths, |prefix, total| header(F, prefix, total));
    }
}

#[test]
fn malformed_tensors() {
    const ALIGNED: u64 = 64; // 24 bytes, and 33 of a tensor `a` of one dimension, aligned to 32
    #[rustfmt::skip]
    let cases: Vec<(&str, Vec<u8>, u64, &str)> = vec![
        ("a name beyond the file", tensors(1, 32, |gguf| gguf.u64(1 << 40).raw(&[0; 32])), 32, "the name of a tensor takes 1099511627776 bytes"),
        ("a name that is not UTF-8", tensors(1, 32, |gguf| gguf.u64(1).raw(b"\xff").u32(1).u64(8).u32(0).u64(0)), 32, "the name of a tensor is not UTF-8"),
        ("a name twice", tensors(2, 64, |gguf| gguf.tensor("a", &[8], 0, 0).tensor("a", &[8], 0, 32)), 57, "the tensor \"a\" appears twice"),
        ("5 dimensions", tensors(1, 4, |gguf| gguf.tensor("a", &[1; 5], 0, 0)), 24, "the tensor \"a\" has 5 dimensions, more than 4"),
        ("2^32 - 1 dimensions", tensors(1, 4, |gguf| gguf.string("a").u32(u32::MAX).raw(&[0; 64])), 24, "has 4294967295 dimensions"),
        ("a dimension of 0", tensors(1, 0, |gguf| gguf.tensor("a", &[0], 0, 0)), 24, "has a dimension of 0"),
        ("a later dimension of 0", tensors(1, 0, |gguf| gguf.tensor("a", &[4, 0, 2], 0, 0)), 24, "has a dimension of 0"),
        ("elements wrap to 0", tensors(1, 0, |gguf| gguf.tensor("a", &[1 << 32, 1 << 32], 0, 0)), 24, "takes more than 2^64 bytes"),
        ("elements wrap to 1", tensors(1, 4, |gguf| gguf.tensor("a", &[6_700_417, 2_753_074_036_095], 0, 0)), 24, "takes more than 2^64 bytes"),
        ("bytes wrap", tensors(1, 0, |gguf| gguf.tensor("a", &[1 << 62], 0, 0)), 24, "takes more than 2^64 bytes"),
        ("bytes of f64 wrap to 8", tensors(1, 8, |gguf| gguf.tensor("a", &[(1 << 61) + 1], 28, 0)), 24, "takes more than 2^64 bytes"),
        ("2^42 + 1 rows", tensors(1, 32, |gguf| gguf.tensor("a", &[1 << 22, (1 << 42) + 1], 0, 0)), 24, "takes more than 2^64 bytes"),
        ("2^42 of Q8_0", tensors(1, 34, |gguf| gguf.tensor("a", &[1 << 42], 8, 0)), ALIGNED, "the tensor \"a\" takes 4672924418048 bytes, but the file ends after 98"),
        ("2^56 of Q6_K", tensors(1, 210, |gguf| gguf.tensor("a", &[1 << 56], 14, 0)), ALIGNED, "takes 59109745109237760 bytes"),
        ("a row that is no whole block", tensors(1, 144, |gguf| gguf.tensor("a", &[640 / 2, 1], 12, 0)), 24, "has rows of 320 values, which are not whole blocks"),
        ("an unknown type", tensors(1, 32, |gguf| gguf.tensor("a", &[8], 4, 0)), 24, "has the unknown type 4"),
        ("an offset that is not aligned", tensors(1, 64, |gguf| gguf.tensor("a", &[8], 0, 16)), 24, "a multiple of the alignment 32"),
        ("an offset of 2^64 - 32", tensors(1, 32, |gguf| gguf.tensor("a", &[8], 0, u64::MAX - 31)), ALIGNED + 32, "begins after a hole"),
        ("an offset beyond the file", tensors(1, 32, |gguf| gguf.tensor("a", &[8], 0, 1 << 40)), ALIGNED + 32, "begins after a hole"),
        ("a cut tensor", tensors(1, 31, |gguf| gguf.tensor("a", &[8], 0, 0)), ALIGNED, "takes 32 bytes, but the file ends after 95"),
        ("a cut block", tensors(1, 33, |gguf| gguf.tensor("a", &[32], 8, 0)), ALIGNED, "takes 34 bytes, but the file ends after 97"),
        ("no data", Gguf::new(3, 1, 0).tensor("a", &[8], 0, 0).bytes.clone(), 57, "takes 32 bytes, but the file ends after 57"),
        ("trailing bytes", tensors(1, 33, |gguf| gguf.tensor("a", &[8], 0, 0)), ALIGNED + 32, "trailing bytes"),
        ("half the padding", tensors(1, 48, |gguf| gguf.tensor("a", &[5], 0, 0)), ALIGNED + 20, "trailing bytes"),
        ("a block more than the padding", tensors(1, 64, |gguf| gguf.tensor("a", &[8], 0, 0)), ALIGNED + 32, "trailing bytes"),
        ("data without a tensor", tensors(0, 32, |gguf| gguf), 32, "trailing bytes"),
        ("an overlap", tensors(2, 96, |gguf| gguf.tensor("a", &[16], 0, 0).tensor("b", &[16], 0, 32)), 96 + 32, "the tensor \"b\" overlaps"),
        ("the same bytes", tensors(2, 32, |gguf| gguf.tensor("a", &[8], 0, 0).tensor("b", &[8], 0, 0)), 96, "overlaps"),
        ("types that are not read overlap", tensors(2, 32, |gguf| gguf.tensor("a", &[32], 39, 0).tensor("b", &[32], 39, 0)), 96, "overlaps"),
        ("a hole", tensors(2, 128, |gguf| gguf.tensor("a", &[8], 0, 0).tensor("b", &[8], 0, 96)), 96 + 96, "begins after a hole"),
        ("a hole at the start", tensors(1, 64, |gguf| gguf.tensor("a", &[8], 0, 32)), ALIGNED + 32, "begins after a hole"),
        ("cut in the dimensions", Gguf::new(3, 1, 0).string("a").u32(2).u64(3).u32(1).raw(&[0; 3]).bytes.clone(), 45, "a dimension takes 8 bytes"),
        ("cut in the type", Gguf::new(3, 1, 0).string("abcdefgh").u32(1).u64(3).raw(&[0; 3]).bytes.clone(), 52, "the type of a tensor takes 4 bytes"),
        ("cut in the offset", Gguf::new(3, 1, 0).string("abcdefgh").u32(1).u64(3).u32(0).raw(&[0; 3]).bytes.clone(), 56, "the offset of a tensor takes 8 bytes"),
    ];
    for (name, file, at, rule) in &cases {
        expect_error(name, &read(F, file).expect_err(name), At::Byte(*at), rule);
        same_for_prefixes(file, 0..file.len(), |prefix, total| header(F, prefix, total));
    }
}

#[test]
fn padding_and_order_of_tensors() {
    // The last padding may be there or not; tensors may be in any order; there may be none.
    for data in [20, 32] {
        read(F, &tensors(1, data, |gguf| gguf.tensor("a", &[5], 0, 0))).unwrap();
    }
    let file = tensors(2, 96, |gguf| {
        gguf.tensor("b", &[8], 0, 64).tensor("a", &[10], 0, 0)
    });
    let header = read(F, &file).unwrap();
    assert_eq!(
        header.tensors.iter().map(|t| t.offset).collect::<Vec<_>>(),
        [160, 96]
    );
    assert_eq!(read(F, &Gguf::new(2, 0, 0).bytes).unwrap().tensors, []);
    assert_eq!(read(F, &Gguf::new(2, 0, 0).data(32, 0)).unwrap().tensors, []);
    // Not tokens of a vocabulary.
    let file = keys(1, |gguf| {
        gguf.key("tokenizer.ggml.tokens", ARRAY).u32(U32).u64(1).u32(7)
    });
    assert_eq!(read(F, &file).unwrap().tokens, None);
    assert_eq!(
        read(F, &keys(1, |gguf| gguf.key("a", STRING).string("b")))
            .unwrap()
            .metadata,
        [("a".to_owned(), Value::Text("b".to_owned()))]
    );
}

#[test]
fn prefixes_double() {
    // A vocabulary of 5,000 tokens: few requests, none beyond the file.
    let file = keys(1, |gguf| {
        gguf.key("tokenizer.ggml.tokens", ARRAY).u32(STRING).u64(5000);
        for token in 0..5000 {
            gguf.string(&format!("token {token}"));
        }
        gguf
    });
    let (total, mut length, mut requests) = (file.len() as u64, 0, Vec::new());
    while let tokenbed_formats::Read::More(more) = header(F, &file[..length as usize], total).unwrap() {
        assert!(more >= 2 * length || more == total);
        length = more;
        requests.push(more);
    }
    assert_eq!(requests, [4096, 8192, 16384, 32768, 65536, total]);
}
