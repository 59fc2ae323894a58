//! .npy: what is read, what is refused and where.

mod common;

use common::{expect_error, json, npy, npy_exactly, read, same_for_prefixes};
use tokenbed_formats::{header, At, Encoding, Format};

const F: Format = Format::Npy;
const GOOD: &str = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }";

#[test]
fn a_file_is_read() {
    for version in 1..=3 {
        for (descr, encoding, size) in [
            ("<f4", Encoding::F32, 4),
            ("<f2", Encoding::F16, 2),
            ("<f8", Encoding::F64, 8),
        ] {
            for (fortran, order) in [(false, "False"), (true, "True")] {
                for (text, shape) in [
                    ("(3, 4)", &[3, 4][..]),
                    ("(5,)", &[5]),
                    ("()", &[]),
                    ("(0, 7)", &[0, 7]),
                    ("(2,2,2,)", &[2; 3]),
                ] {
                    let dict = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {text}, }}");
                    let bytes = size * shape.iter().product::<u64>();
                    let file = npy(version, &dict, bytes as usize);
                    let header = read(F, &file).unwrap();
                    let tensor = &header.tensors[0];
                    assert_eq!((tensor.name.as_str(), tensor.dtype.as_str()), ("weight", descr));
                    assert_eq!((tensor.encoding, &tensor.shape[..]), (Some(encoding), shape));
                    assert_eq!((tensor.offset, tensor.bytes), (file.len() as u64 - bytes, bytes));
                    assert_eq!((header.fortran, header.tensors.len()), (fortran, 1));
                    same_for_prefixes(&file, 0..file.len(), |prefix, total| {
                        tokenbed_formats::header(F, prefix, total)
                    });
                }
            }
        }
    }
    let expected = r#"{"format":"npy","fortran":false,"tensors":[{"name":"weight","dtype":"<f4","encoding":"f32","shape":[3,4],"offset":128,"bytes":48}],"metadata":[],"tokens":null}"#;
    assert_eq!(json(&read(F, &npy(1, GOOD, 48)).unwrap()), expected);
}

#[test]
fn forms_of_the_dict_that_mean_the_same() {
    for dict in [
        "{'shape': (3, 4), 'fortran_order': False, 'descr': '<f4'}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3L, 4L), }",
        "{\"descr\":\"<f4\",\"shape\":(3,4),\"fortran_order\":False}",
        "{ 'fortran_order' :\tFalse ,\n'descr' : \"<f4\" , 'shape' : ( 3 , 4 , ) , }",
    ] {
        assert_eq!(
            read(F, &npy_exactly(1, dict.as_bytes(), 48)).unwrap().tensors[0].shape,
            [3, 4],
            "{dict}"
        );
    }
}

/// Malformed dicts: `§` marks the byte of the error; then what the rule contains. The data have 48 bytes.
#[rustfmt::skip]
const DICTS: &[(&str, &str)] = &[
    ("§", "expected an object, found the end"),
    ("§[]", "expected an object"),
    ("§dict()", "expected an object"),
    ("{§", "expected a string, found the end"),
    ("§{}", "lacks descr, fortran_order or shape"),
    ("§{'descr': '<f4', 'fortran_order': False}", "lacks descr"),
    ("§{'descr': '<f4', 'shape': (3, 4)}", "lacks descr"),
    ("§{'shape': (3, 4), 'fortran_order': False}", "lacks descr"),
    ("{'descr': '<f4', §'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }", "the key \"descr\" appears twice"),
    ("{'descr': '<f4', 'shape': (3, 4), 'fortran_order': False, §\"shape\": (3, 4), }", "the key \"shape\" appears twice"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), 'extra':§ 1}", "unknown key \"extra\""),
    ("{'Descr':§ '<f4'}", "unknown key \"Descr\""),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }§x", "expected the end, found \"x\""),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }§\0", "expected the end"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)§", "expected a comma or }, found the end"),
    ("{'descr': '<f4' §'fortran_order': False, 'shape': (3, 4)}", "expected a comma or }"),
    ("{'descr' §'<f4'}", "expected a colon"),
    ("{§,}", "expected a string"),
    ("{'descr': '<f4', §, }", "expected a string"),
    ("{§descr: '<f4'}", "expected a string"),
    ("{§u'descr': '<f4'}", "expected a string"),
    ("{'§\\x64escr': '<f4'}", "a backslash"),
    ("{'descr\": '§<f4'}", "expected a colon, found \"<\""),
    // fortran_order
    ("{'fortran_order': §0}", "expected a boolean"),
    ("{'fortran_order': §false}", "expected a boolean"),
    ("{'fortran_order': §'False'}", "expected a boolean"),
    ("{'fortran_order': §None}", "expected a boolean"),
    // shape
    ("{'shape': §3}", "expected a tuple"),
    ("{'shape': §[3, 4]}", "expected a tuple"),
    ("{'shape': §None}", "expected a tuple"),
    ("{'shape': (3§)}", "expected a comma"),
    ("{'shape': (§,)}", "expected a number"),
    ("{'shape': (3,§,)}", "expected a number"),
    ("{'shape': (3, 4§", "expected a comma or ), found the end"),
    ("{'shape': (3 §4)}", "expected a comma or )"),
    ("{'shape': (§-3, 4)}", "found -3"),
    ("{'shape': (§3.0, 4)}", "found 3.0"),
    ("{'shape': (0§3, 4)}", "expected a comma or )"),
    ("{'shape': (3L§L, 4)}", "expected a comma or )"),
    ("{'shape': (3 §L, 4)}", "expected a comma or )"),
    ("{'shape': (3§l, 4)}", "expected a comma or )"),
    ("{'shape': (3§_0, 4)}", "expected a comma or )"),
    ("{'shape': (0§x3, 4)}", "expected a comma or )"),
    ("{'shape': (§(3, 4),)}", "expected a number"),
    ("{'shape': (§True, 4)}", "expected a number"),
    ("{'shape': (§18446744073709551616, 4)}", "found 18446744073709551616"),
    ("{'shape': (§__import__('os').system('true'),)}", "expected a number"),
    // descr
    ("{'descr': §'>f4'}", "the descr \">f4\" (big-endian) is not read: <f4, <f2 and <f8 are"),
    ("{'descr': §'>f8'}", "big-endian"),
    ("{'descr': §'|O'}", "the descr \"|O\" (pickled objects) is not read"),
    ("{'descr': §'<i4'}", "the descr \"<i4\" is not read"),
    ("{'descr': §'=f4'}", "the descr \"=f4\" is not read"),
    ("{'descr': §'f4'}", "is not read"),
    ("{'descr': §'<f4 '}", "is not read"),
    ("{'descr': §'<f16'}", "is not read"),
    ("{'descr': §'<c8'}", "is not read"),
    ("{'descr': §'|u1'}", "is not read"),
    ("{'descr': §'<U5'}", "is not read"),
    ("{'descr': §''}", "is not read"),
    ("{'descr': §[('a', '<f4'), ('b', '<f4')]}", "a structured descr is not read"),
    ("{'descr': §('<f4', (2,))}", "expected a string"),
    ("{'descr': §float}", "expected a string"),
    ("{'descr': '<f4§\0'}", "control character"),
    ("{'descr': '<f4§", "ends inside a string"),
];

#[test]
fn malformed_dicts() {
    for version in 1..=3 {
        for (dict, rule) in DICTS {
            let at = At::Byte(if version == 1 { 10 } else { 12 } + dict.find('§').unwrap() as u64);
            let file = npy_exactly(version, dict.replace('§', "").as_bytes(), 48);
            let error = read(F, &file).expect_err(dict);
            expect_error(dict, &error, at, rule);
            same_for_prefixes(&file, 0..file.len(), |prefix, total| header(F, prefix, total));
        }
    }
    let file = npy_exactly(3, b"{'descr\xff': 1}", 0);
    expect_error("UTF-8", &read(F, &file).unwrap_err(), At::Byte(19), "not UTF-8");
}

#[test]
fn the_start_and_the_length() {
    let good = npy(1, GOOD, 48);
    let with = |at: usize, byte: u8| {
        let mut file = good.clone();
        file[at] = byte;
        file
    };
    let long = format!("{GOOD}{}", " ".repeat(10_001 - GOOD.len()));
    let dict = |shape: &str| format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}");
    let shaped = |shape: &str| npy_exactly(1, dict(shape).as_bytes(), 0);
    let end = |shape: &str| At::Byte(10 + dict(shape).len() as u64);
    let [wraps, wraps_to_0, huge] = [
        "(4294967296, 4294967297)",
        "(4294967296, 4294967296)",
        "(2305843009213693951,)",
    ];
    let mut beyond = npy(2, GOOD, 48);
    beyond[8..12].copy_from_slice(&9000u32.to_le_bytes());
    let mut far = npy(2, GOOD, 48);
    far[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    #[rustfmt::skip]
    let cases: Vec<(&str, Vec<u8>, At, &str)> = vec![
        ("empty", vec![], At::Byte(0), "the start of a .npy file takes 10 bytes, but the file ends after 0"),
        ("the magic alone", good[..6].to_vec(), At::Byte(0), "but the file ends after 6"),
        ("another magic", with(5, b'Z'), At::Byte(0), "a .npy file begins with \\x93NUMPY"),
        ("version 0.0", with(6, 0), At::Byte(6), "version 0.0 of .npy is not read"),
        ("version 1.1", with(7, 1), At::Byte(6), "version 1.1 of .npy is not read: 1.0, 2.0 and 3.0 are"),
        ("version 4.0", with(6, 4), At::Byte(6), "version 4.0"),
        ("cut in the header", good[..100].to_vec(), At::Byte(10), "the .npy header takes 118 bytes, but the file ends after 100"),
        ("cut in the length", npy(2, GOOD, 0)[..11].to_vec(), At::Byte(10), "the length of the .npy header"),
        ("a header of 10,001 bytes", npy_exactly(1, long.as_bytes(), 48), At::Byte(8), "takes 10001 bytes, more than 10000"),
        ("a header beyond the file", beyond, At::Byte(12), "the .npy header takes 9000 bytes, but the file ends after 176"),
        ("a header of 4 GiB", far, At::Byte(8), "takes 4294967295 bytes, more than 10000"),
        ("a cut array", good[..175].to_vec(), At::Byte(128), "takes 48 bytes of data, the file has 47"),
        ("trailing bytes", npy(1, GOOD, 49), At::Byte(128), "takes 48 bytes of data, the file has 49"),
        ("no data", good[..128].to_vec(), At::Byte(128), "takes 48 bytes of data, the file has 0"),
        ("the shape wraps", shaped(wraps), end(wraps), "more than 2^64 bytes"),
        ("the shape wraps to 0", shaped(wraps_to_0), end(wraps_to_0), "more than 2^64 bytes"),
        ("a huge shape", shaped(huge), end(huge), "takes 18446744073709551608 bytes of data, the file has 0"),
    ];
    for (name, file, at, rule) in &cases {
        expect_error(name, &read(F, file).expect_err(name), *at, rule);
        same_for_prefixes(file, 0..file.len(), |prefix, total| header(F, prefix, total));
    }
    let mut exact = GOOD.to_owned();
    exact.push_str(&" ".repeat(10_000 - GOOD.len()));
    read(F, &npy_exactly(1, exact.as_bytes(), 48)).unwrap();
    // 2^64 sizes are no product that wraps where one is 0.
    read(F, &shaped("(0, 4294967296, 4294967296)")).unwrap();
}
