//! Word vectors: the same rows from pieces of any size, and what is refused and where.

mod common;

use common::{expect_error, words, words_error, words_in_pieces, Random, Words};
use tokenbed_formats::{At, Summary, WordError, WordFormat, WordReader};

const GLOVE: Option<WordFormat> = Some(WordFormat::Glove);
const WORD2VEC: Option<WordFormat> = Some(WordFormat::Word2vec);

/// The rows of a file that is read, as `word: values`, and its summary.
#[track_caller]
fn rows(format: Option<WordFormat>, file: &[u8]) -> (Vec<String>, Summary) {
    let (words, summary) = words(format, file);
    let summary = summary.unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(words.rows.len() as u64, summary.rows);
    let (expected, dim) = words.start.unwrap();
    assert_eq!(dim, summary.dim);
    assert_eq!(
        expected,
        (summary.format == WordFormat::Word2vec).then_some(summary.rows)
    );
    let row = |(word, bits): &(String, Vec<u32>)| {
        let values: Vec<_> = bits
            .iter()
            .map(|&bits| f32::from_bits(bits).to_string())
            .collect();
        format!("{word}: {}", values.join(" "))
    };
    (words.rows.iter().map(row).collect(), summary)
}

fn summary(rows: u64, dim: u64, format: WordFormat, binary: bool, offset: u64) -> Summary {
    Summary {
        rows,
        dim,
        format,
        binary,
        offset,
    }
}

/// Binary rows: `head`, and for each word the word, a blank, the values, and `after`.
fn binary(head: &str, rows: &[(&[u8], &[f32])], after: &str) -> Vec<u8> {
    let mut file = head.as_bytes().to_vec();
    for (word, values) in rows {
        file.extend(*word);
        file.push(b' ');
        values.iter().for_each(|value| file.extend(value.to_le_bytes()));
        file.extend(after.as_bytes());
    }
    file
}

#[test]
fn glove() {
    let expected = ["the: 0.5 -1", "of: 1 2", "x: 0.001 100000"];
    for text in [
        "the 0.5 -1\nof 1 2\nx 1e-3 1e5\n",
        "the 0.5 -1\nof 1 2\nx 1e-3 1e5",
        "the 0.5 -1\r\nof 1 2\r\nx 1e-3 1e5\r\n",
        "the 0.5 -1 \nof 1 2\t \nx 1e-3 1e5 \r\n\n \n\r\n",
        "  the\t0.5   -1\n\tof 1 \t2\nx  1E-3 +1.e+5",
    ] {
        let (found, read) = rows(None, text.as_bytes());
        assert_eq!(found, expected, "{text:?}");
        assert_eq!(read, summary(3, 2, WordFormat::Glove, false, 0));
        assert_eq!(rows(GLOVE, text.as_bytes()).0, expected);
    }
    // The option overrides a head line.
    assert_eq!(rows(GLOVE, b"3 2\n4 5\n").0, ["3: 2", "4: 5"]);
    assert_eq!(rows(GLOVE, b"3 2").0, ["3: 2"]);
}

#[test]
fn word2vec_text() {
    let expected = ["the: 0.5 -1", "1: 1 2"];
    for (text, offset) in [
        ("2 2\nthe 0.5 -1\n1 1 2\n", 4),
        ("2 2\nthe 0.5 -1\n1 1 2", 4),
        ("2 2 \r\nthe 0.5 -1 \r\n1 1 2 \r\n\r\n", 6),
        (" 2\t2\n the 0.5 -1\n1 1 2\n\n\n", 5),
        ("002 2\nthe 0.5 -1\n1 1 2\n", 6),
    ] {
        for format in [None, WORD2VEC] {
            let (found, read) = rows(format, text.as_bytes());
            assert_eq!(found, expected, "{text:?}");
            assert_eq!(read, summary(2, 2, WordFormat::Word2vec, false, offset));
        }
    }
}

#[test]
fn words_with_blanks() {
    // Only U+0020 and tab separate fields.
    let text = "first 1 2\n. . . 3 4\nat name@domain.com 5 6\n\u{a0} 7 8\na\u{85}b 9 10\n1 x 11 12\nx 1 13 14\n\u{3000}\u{b} 15 16\n";
    let expected = [
        "first: 1 2",
        ". . .: 3 4",
        "at name@domain.com: 5 6",
        "\u{a0}: 7 8",
        "a\u{85}b: 9 10",
        "1 x: 11 12",
        "x 1: 13 14",
        "\u{3000}\u{b}: 15 16",
    ];
    assert_eq!(rows(None, text.as_bytes()).0, expected);
    assert_eq!(rows(None, format!("8 2\n{text}").as_bytes()).0, expected);
    // The word is what stands in the file, with its blanks; a word may be a number, or come twice.
    let text = "a 1\n2 2\n-3.5e1 3\nb  \tc 4\na 5\n\ra 6\na\rb 7\n";
    let expected = [
        "a: 1",
        "2: 2",
        "-3.5e1: 3",
        "b  \tc: 4",
        "a: 5",
        "\ra: 6",
        "a\rb: 7",
    ];
    assert_eq!(rows(None, text.as_bytes()).0, expected);
    // A vector is told from a word by its place, not by its look.
    assert_eq!(
        rows(GLOVE, b"nan 1 2\ninf inf 3 4\n").0,
        ["nan: 1 2", "inf inf: 3 4"]
    );
}

#[test]
fn word2vec_binary() {
    let values: &[&[f32]] = &[&[1.5, f32::NAN, -0.0], &[f32::INFINITY, 1e-45, 3.0], &[0.0; 3]];
    let names: [&[u8]; 3] = ["</s>".as_bytes(), "é\u{a0}".as_bytes(), b"a\tb"];
    let table: Vec<_> = names.into_iter().zip(values.iter().copied()).collect();
    // word2vec.c ends rows with LF, gensim does not; some files have LF before the first word.
    for (head, after) in [
        ("3 3\n", "\n"),
        ("3 3\n", ""),
        ("3 3\r\n", "\n"),
        ("3 3\n\n", "\n"),
        ("3 3\n\n", ""),
    ] {
        let file = binary(head, &table, after);
        for format in [None, WORD2VEC] {
            let (words, read) = words(format, &file);
            let offset = head.find('\n').unwrap() as u64 + 1;
            assert_eq!(read.unwrap(), summary(3, 3, WordFormat::Word2vec, true, offset));
            for ((word, bits), (name, values)) in words.rows.iter().zip(&table) {
                assert_eq!(word.as_bytes(), *name);
                assert!(bits
                    .iter()
                    .copied()
                    .eq(values.iter().map(|value| value.to_bits())));
            }
        }
    }
    // Values may contain every byte: blanks, line ends, digits.
    let bytes = [b' ', b'\n', b'1', b'\r'];
    let value = f32::from_le_bytes(bytes);
    let file = binary("1000 1\n", &vec![(&b"w"[..], &[value][..]); 1000], "");
    assert_eq!(
        words(None, &file).0.rows,
        vec![("w".to_owned(), vec![value.to_bits()]); 1000]
    );
    // A row longer than the pieces in which bytes are read.
    let long = vec![0.25; 100_000];
    let file = binary("2 100000\n", &[(b"a", &long), (b"b", &long)], "\n");
    for size in [file.len(), 70_000, 4096] {
        assert_eq!(words_in_pieces(None, &file, size).1.unwrap().rows, 2);
    }
}

#[test]
fn text_or_binary() {
    // Bytes that look like a row of text are text: as many decimals as D, and a word.
    assert!(!rows(None, b"1 1\nab 12\n").1.binary);
    // Less than that is binary: `ab ` and four bytes.
    assert!(words(None, b"1 1\nab x234").1.unwrap().binary);
    assert!(words(None, b"1 1\nab 1x34\n").1.unwrap().binary);
    assert!(words(None, b"1 1\n\nab 1234").1.unwrap().binary);
    let error = words_error(None, b"2 1\nab 12\ncd 1x\n");
    expect_error("text", &error, At::Line(3), "the field \"1x\" is not a decimal");
    // A decimal beyond f32 is a decimal.
    expect_error(
        "1e99",
        &words_error(None, b"1 1\nab 1e99\n"),
        At::Line(2),
        "the field \"1e99\" is beyond f32",
    );
}

#[test]
fn random_files_in_random_pieces() {
    for seed in 0..300 {
        let mut random = Random(seed);
        let (count, dim) = (1 + random.below(20), 1 + random.below(9));
        let head = random.below(2) == 0;
        let mut text = if head {
            format!("{count} {dim}\n")
        } else {
            String::new()
        };
        let mut expected = Vec::new();
        for row in 0..count {
            // Without a head line the first word has no blank.
            let word = if row == 0 {
                "first"
            } else {
                random.one(&["a", "12", "é", ". .", "1 a", "a  1", "\u{a0}", "-"])
            };
            let values: Vec<_> = (0..dim)
                .map(|_| f32::from_bits(random.below(0x7f80_0000) as u32))
                .collect();
            text.push_str(word);
            for value in &values {
                text.push_str(random.one(&[" ", " ", " ", "  ", "\t"]));
                match random.below(3) {
                    0 => text.push_str(&format!("{value}")),
                    1 => text.push_str(&format!("{value:e}")),
                    _ => text.push_str(&format!("+{value:.60}")),
                }
            }
            let rounded = text
                .rsplit([' ', '\t'])
                .filter(|field| !field.is_empty())
                .take(dim as usize)
                .map(|field| field.parse::<f32>().unwrap().to_bits());
            let mut bits: Vec<_> = rounded.collect();
            bits.reverse();
            expected.push((word.to_owned(), bits));
            text.push_str(random.one(&["\n", "\n", "\r\n", " \n"]));
        }
        let mut words = Words::default();
        let mut reader = WordReader::new(None, text.len() as u64);
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((1 + random.below(60) as usize).min(rest.len()));
            reader
                .push(piece, &mut words)
                .unwrap_or_else(|error| panic!("seed {seed}: {error:?}"));
            rest = after;
        }
        let read = reader.finish(&mut words).unwrap();
        assert_eq!((read.rows, read.dim), (count, dim), "seed {seed}");
        assert_eq!(words.rows, expected, "seed {seed}");
    }
}

/// Malformed text: `§` marks the line of the error; then what the rule contains.
#[rustfmt::skip]
const TEXTS: &[(Option<WordFormat>, &str, &str)] = &[
    // Head lines.
    (None, "§0 2\n", "the head line says 0 rows of 2 values"),
    (None, "§2 0\na\nb\n", "the head line says 2 rows of 0 values"),
    (None, "§3 2\na 1 2\n", "the head line says 3 rows of 2 values, more than fit the 6 bytes after it"),
    (None, "§1000000 300\na 1 2\n", "says 1000000 rows of 300 values, more than fit the 6 bytes"),
    (None, "§2 1000000000000\na 1\nb 2\n", "more than fit"),
    (None, "§4294967296 4294967296\na 1\n", "says 4294967296 rows of 4294967296 values, more than fit"),
    (None, "§6148914691236517206 2\na 1 2\n", "more than fit the 6 bytes"),
    (None, "§18446744073709551615 18446744073709551615\na 1\n", "more than fit"),
    (None, "§18446744073709551616 1\na 1\n", "more than fit"),
    (None, "§99999999999999999999999999 2\na 1 2\n", "more than fit"),
    (None, "§2 2", "more than fit the 0 bytes after it"),
    (None, "§2 2\n", "more than fit the 0 bytes after it"),
    (WORD2VEC, "§a 1 2\nb 1 2\n", "the head line of a word2vec file is two integers, V and D"),
    (WORD2VEC, "§2\na 1 2\n", "is two integers"),
    (WORD2VEC, "§2 2 2\na 1 2\n", "is two integers"),
    (WORD2VEC, "§+2 2\na 1 2\nb 1 2\n", "is two integers"),
    (WORD2VEC, "§-2 2\na 1 2\n", "is two integers"),
    (WORD2VEC, "§2.0 2\na 1 2\n", "is two integers"),
    (WORD2VEC, "§\n2 2\na 1 2\n", "is two integers"),
    // Fields.
    (None, "§word\n", "a row is a word and 1 decimals, this line has 1 fields"),
    (None, "a 1 2\n§b 1\n", "a row is a word and 2 decimals, this line has 2 fields"),
    (None, "a 1 2\n§b\n", "this line has 1 fields"),
    (None, "a 1 2\n§1 2\n", "this line has 2 fields"),
    (None, "a 1 2\n§1 2 3 4\n", "the line has 4 decimals, a row is a word and 2 decimals"),
    (None, "a 1 2\n§1 2 3 4 5 6\n", "the line has 6 decimals"),
    (None, "a 1 2\n§b 1 2 x\n", "the field \"x\" is not a decimal"),
    (None, "a 1 2\n§b x 2\n", "the field \"x\" is not a decimal"),
    (None, "§a b 1\n", "the field \"b\" is not a decimal"),
    (None, "a 1 2\n§b 1,5 2\n", "the field \"1,5\" is not a decimal"),
    (None, "a 1 2\n§b 1_0 2\n", "not a decimal"),
    (None, "a 1 2\n§b 0x1p3 2\n", "not a decimal"),
    (None, "a 1 2\n§b nan 2\n", "the field \"nan\" is not a decimal"),
    (None, "a 1 2\n§b -inf 2\n", "not a decimal"),
    (None, "a 1 2\n§b Infinity 2\n", "not a decimal"),
    (None, "a 1 2\n§b . 2\n", "the field \".\" is not a decimal"),
    (None, "a 1 2\n§b 1e 2\n", "the field \"1e\" is not a decimal"),
    (None, "a 1 2\n§b 1e+ 2\n", "not a decimal"),
    (None, "a 1 2\n§b 1e1.5 2\n", "not a decimal"),
    (None, "a 1 2\n§b --1 2\n", "not a decimal"),
    (None, "a 1 2\n§b 1- 2\n", "not a decimal"),
    (None, "a 1 2\n§b 1.5.5 2\n", "not a decimal"),
    (None, "a 1 2\n§b \u{661} 2\n", "not a decimal"),
    (None, "a 1 2\n§b 1\u{a0}2\n", "this line has 2 fields"),
    (None, "a 1 2\n§b 1\r2 3\n", "the field \"1\\u000d2\" is not a decimal"),
    (None, "a 1 2\n§b 1\0 2\n", "not a decimal"),
    (None, "a 1 2\n§b 1e39 2\n", "the field \"1e39\" is beyond f32"),
    (None, "a 1 2\n§b 1 -3.4028235677973367e38\n", "is beyond f32"),
    (None, "a 1 2\n§b 1 1e999999999999\n", "is beyond f32"),
    (None, "§a 1e39\n", "is beyond f32"),
    // Lines.
    (None, "a 1 2\n§\nb 1 2\n", "a blank line before a row"),
    (None, "a 1 2\nb 3 4\n§ \t\r\n\n\nc 1 2\n", "a blank line before a row"),
    (None, "§\na 1 2\n", "a blank line before a row"),
    (GLOVE, "§\n", "the file has 0 rows instead of 1"),
    (None, "2 2\na 1 2\nb 3 4\n§c 5 6\n", "more than the 2 rows of the head line"),
    (None, "2 2\na 1 2\nb 3 4\n§\nc 5 6\n", "a blank line before a row"),
    (None, "3 1\na 100\n§b 200", "the file has 2 rows instead of 3"),
    (None, "3 1\na 100\nb 200\n§\n", "the file has 2 rows instead of 3"),
    (None, "2 2\na 100 2\n§b 1\n", "this line has 2 fields"),
];

#[test]
fn malformed_text() {
    for (format, text, rule) in TEXTS {
        let line = text[..text.find('§').unwrap()].matches('\n').count() as u64 + 1;
        let error = words_error(*format, text.replace('§', "").as_bytes());
        expect_error(text, &error, At::Line(line), rule);
    }
    for bytes in [
        &b"a 1 2\n\xff 1 2\n"[..],
        b"a 1 2\n\xc3 1 2\n",
        b"a 1 2\nb \xe9 2\n",
        b"a 1 2\nb\xed\xa0\x80 1 2\n",
    ] {
        expect_error(
            "UTF-8",
            &words_error(None, bytes),
            At::Line(2),
            "a line is not UTF-8",
        );
    }
    for format in [None, GLOVE, WORD2VEC] {
        let error = words_error(format, b"\xef\xbb\xbf1 1\na 1\n");
        expect_error("BOM", &error, At::Byte(0), "a byte order mark is not read");
        expect_error(
            "empty",
            &words_error(format, b""),
            At::Line(1),
            "the file has 0 rows instead of 1",
        );
    }
}

#[test]
fn malformed_binary_rows() {
    let good: [(&[u8], &[f32]); 2] = [(b"ab", &[1.0, 2.0]), (b"c", &[3.0, 4.0])];
    let file = binary("2 2\n", &good, "");
    let cut = |bytes: usize| file[..file.len() - bytes].to_vec();
    let with = |word: &[u8]| binary("2 2\n", &[good[0], (word, &[3.0, 4.0])], "");
    let long = vec![b'x'; 65_537];
    #[rustfmt::skip]
    let cases: Vec<(&str, Vec<u8>, At, &str)> = vec![
        ("a cut value", cut(1), At::Byte(24), "the file ends inside row 1"),
        ("two cut values", cut(8), At::Line(1), "more than fit the 13 bytes after it"),
        ("a cut value after a long word", binary("2 2\n", &[(b"abcdef", &[1.0, 2.0]), (b"c", &[3.0])], ""), At::Byte(25), "the file ends inside row 1"),
        ("a row less", binary("2 1\n", &[(b"abcdefghij", &[1.0])], ""), At::Byte(19), "the file has 1 rows instead of 2"),
        ("a row more", binary("1 2\n", &good, ""), At::Byte(15), "trailing bytes after the last row"),
        ("a row more after LF", binary("1 2\n", &good, "\n"), At::Byte(16), "trailing bytes after the last row"),
        ("a byte more", [&file[..], b"x"].concat(), At::Byte(25), "trailing bytes"),
        ("two LF at the end", [&file[..], b"\n\n"].concat(), At::Byte(26), "trailing bytes"),
        ("an empty word", with(b""), At::Byte(15), "the word of a row is empty"),
        ("a LF as a word", with(b"\n"), At::Byte(16), "the word of a row is empty"),
        ("a word that is not UTF-8", with(b"a\xff"), At::Byte(16), "the word of a row is not UTF-8"),
        ("a cut character", with(b"\xe2\x82"), At::Byte(15), "the word of a row is not UTF-8"),
        ("a word of 65,537 bytes", with(&long), At::Byte(15), "a word is longer than 65536 bytes"),
        ("no blank", [&file[..15], &long].concat(), At::Byte(15), "a word is longer than 65536 bytes"),
        ("rows beyond the file", binary("1000 2\n", &good, ""), At::Line(1), "says 1000 rows of 2 values, more than fit the 21 bytes"),
        ("values beyond the file", binary("1 10\n", &[(b"abc", &[1.0; 9])], ""), At::Line(1), "says 1 rows of 10 values, more than fit the 40 bytes"),
    ];
    for (name, file, at, rule) in &cases {
        expect_error(name, &words_error(None, file), *at, rule);
    }
    words(None, &with(&long[1..])).1.unwrap();
}

#[test]
fn long_lines() {
    const LONGEST: usize = 16 << 20;
    let line = |length: usize| [&vec![b'x'; length - 4], &b" 1 2"[..]].concat();
    let read = |file: &[u8], format, size| words_in_pieces(format, file, size).1;
    for end in [&b"\n"[..], b""] {
        for size in [1 << 20, usize::MAX] {
            let text = [&b"a 1 2\n"[..], &line(LONGEST), end].concat();
            assert_eq!(read(&text, None, size).unwrap().rows, 2);
            let text = [&b"a 1 2\n"[..], &line(LONGEST + 1), end].concat();
            let Err(WordError::Format(error)) = read(&text, None, size) else {
                panic!("a long line")
            };
            expect_error(
                "long",
                &error,
                At::Line(2),
                "a line is longer than 16777216 bytes",
            );
            let Err(WordError::Format(error)) = read(&text[6..], GLOVE, size) else {
                panic!("a long line")
            };
            expect_error(
                "long",
                &error,
                At::Line(1),
                "a line is longer than 16777216 bytes",
            );
        }
    }
    // Without a line end the rows after a head line are binary.
    let row = vec![1.0; LONGEST / 4 + 1];
    let file = binary(&format!("1 {}\n", row.len()), &[(b"a", &row)], "");
    for size in [1 << 20, usize::MAX] {
        assert!(read(&file, None, size).unwrap().binary);
    }
}

#[test]
fn the_sink_stops_the_reader() {
    let text = b"2 1\na 100\nb 200\n";
    let bytes = binary("2 1\n", &[(b"a", &[1.0]), (b"b", &[2.0])], "\n");
    for file in [&text[..], &text[4..], &bytes] {
        for limit in 0..3 {
            let mut words = Words {
                limit: Some(limit),
                ..Words::default()
            };
            let mut reader = WordReader::new(None, file.len() as u64);
            let error = reader
                .push(file, &mut words)
                .and_then(|()| reader.finish(&mut words).map(drop));
            assert_eq!((error, words.rows.len()), (Err(WordError::Stopped), limit));
        }
    }
}

#[test]
fn the_length_of_the_file_is_checked() {
    let text = b"a 1 2\nb 3 4\n";
    for total in [text.len() as u64 - 1, text.len() as u64 + 1, u64::MAX] {
        let mut words = Words::default();
        let mut reader = WordReader::new(None, total);
        reader.push(text, &mut words).unwrap();
        let Err(WordError::Format(error)) = reader.finish(&mut words) else {
            panic!("{total}")
        };
        let rule = format!("the file ends after 12 bytes, not after {total}");
        expect_error("total", &error, At::Byte(12), &rule);
    }
}
