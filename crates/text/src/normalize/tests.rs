//! Texts and origins against the reference.

use std::str::FromStr;

use tokenbed_formats::json::{write_string, Reader};
use tokenizers::{NormalizedString, Normalizer as _};

use super::*;

/// A generator of numbers (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// Some characters, most of which normalizers change.
    fn text(&mut self, most: usize) -> String {
        (0..self.below(most + 1)).map(|_| self.character()).collect()
    }

    fn character(&mut self) -> char {
        let ranges: [(u32, u32); 22] = [
            (0x20, 0x7e),
            (0x61, 0x63),
            (0x20, 0x20),
            (0, 0x20),
            (0x7f, 0xbf),
            (0xc0, 0x24f),
            (0x300, 0x36f),
            (0x370, 0x52f),
            (0x590, 0x6ff),
            (0x900, 0x9ff),
            (0xe00, 0xfff),
            (0x1100, 0x11ff),
            (0x1ab0, 0x1cff),
            (0x1dc0, 0x1fff),
            (0x2000, 0x2bff),
            (0x3000, 0x30ff),
            (0xac00, 0xad00),
            (0x4e00, 0x4e10),
            (0xf900, 0xffff),
            (0x1d100, 0x1d1ff),
            (0x1f1e6, 0x1f64f),
            (0, 0x10ffff),
        ];
        let &(first, last) = self.pick(&ranges);
        let code = first + self.below((last - first + 1) as usize) as u32;
        char::from_u32(code).unwrap_or('\u{fffd}')
    }
}

fn read(json: &str) -> Result<Vec<Normalizer>, Error> {
    let mut list = Vec::new();
    let fields = Fields::read(&mut Reader::new(json.as_bytes(), 0)?, "normalizer")?;
    Normalizer::read(fields, &mut list)?;
    Ok(list)
}

fn reference(json: &str) -> Option<tokenizers::NormalizerWrapper> {
    let json = format!(
        r#"{{"version":"1.0","normalizer":{json},"model":{{"type":"WordLevel","vocab":{{"a":0}},"unk_token":"a"}}}}"#
    );
    let read = std::panic::catch_unwind(|| tokenizers::Tokenizer::from_str(&json));
    read.ok()?.ok()?.get_normalizer().cloned()
}

fn compare(list: &[Normalizer], reference: &tokenizers::NormalizerWrapper, text: &str, json: &str) {
    let mut expected = NormalizedString::from(text);
    reference.normalize(&mut expected).unwrap();
    let (mut ours, mut spare) = (Normalized::default(), Normalized::default());
    ours.set(text, true);
    for normalizer in list {
        normalizer.apply(&mut ours, &mut spare);
    }
    assert_eq!(ours.text, expected.get(), "{text:?} {json}");
    let mut origin = 0;
    for (start, character) in expected.get().char_indices() {
        let end = start + character.len_utf8();
        let slice = expected
            .slice(tokenizers::normalizer::Range::Normalized(start..end))
            .unwrap();
        if slice.offsets_original().0 == 0 {
            assert_eq!(origin, start, "only the first characters: {text:?} {json}");
            origin = end;
        }
        if start > 64 {
            break;
        }
    }
    assert_eq!(ours.origin.min(64), origin.min(64), "{text:?} {json}");
}

/// Appends the Base64 of `bytes`.
fn base64(bytes: &[u8]) -> String {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut bits = 0u32;
        for index in 0..3 {
            bits = bits << 8 | group.get(index).copied().unwrap_or(0) as u32;
        }
        for index in 0..4 {
            text.push(match index <= group.len() {
                true => digits[(bits >> (18 - 6 * index)) as usize & 63] as char,
                false => '=',
            });
        }
    }
    text
}

/// A charsmap whose trie has 256 units for each node.
fn charsmap(map: &[(String, String)]) -> Vec<u8> {
    // The last byte of the label of a node is in its units, so that no two nodes share any.
    let mut units = vec![1u32 << 31; 512];
    let mut nodes: std::collections::BTreeMap<Vec<u8>, usize> = Default::default();
    units[0] = 1 << 10 << 8 >> 8 | 1 << 9;
    nodes.insert(Vec::new(), 256);
    let mut texts = Vec::new();
    for (key, replacement) in map {
        let mut path = Vec::new();
        for &byte in key.as_bytes() {
            let at = nodes[&path] ^ byte as usize;
            path.push(byte);
            if !nodes.contains_key(&path) {
                let node = units.len() | (at & 0xff);
                units.resize(units.len() + 256, 1 << 31);
                units[at] = (((at ^ node) >> 8) as u32) << 10 | 1 << 9 | byte as u32;
                nodes.insert(path.clone(), node);
            }
            if path.len() == key.len() {
                units[at] |= 1 << 8;
                units[nodes[&path]] = 1 << 31 | texts.len() as u32;
            }
        }
        texts.extend(replacement.as_bytes());
        texts.push(0);
    }
    let mut file = (units.len() as u32 * 4).to_le_bytes().to_vec();
    units.iter().for_each(|unit| file.extend(unit.to_le_bytes()));
    file.extend(texts);
    file
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    write_string(&mut out, text);
    out
}

fn random_charsmap(random: &mut Random) -> String {
    let mut map = std::collections::BTreeMap::new();
    for _ in 0..1 + random.below(60) {
        let key: String = match random.below(4) {
            0 => ["a\u{301}", "\u{e1}", "\t", "\u{1}", "\u{ad}", "\r\n", "\u{2122}"][random.below(7)]
                .to_string(),
            _ => (0..1 + random.below(2)).map(|_| random.character()).collect(),
        };
        if !key.contains('\0') {
            map.insert(key, random.text(3).replace('\0', "x"));
        }
    }
    map.insert("\u{200b}".to_string(), String::new());
    let map: Vec<(String, String)> = map.into_iter().collect();
    format!(
        r#"{{"type":"Precompiled","precompiled_charsmap":"{}"}}"#,
        base64(&charsmap(&map))
    )
}

fn random_normalizer(random: &mut Random) -> String {
    let plain = [
        "Lowercase",
        "NFC",
        "NFD",
        "NFKC",
        "NFKD",
        "Nmt",
        "StripAccents",
        "ByteLevel",
    ];
    let flag = |random: &mut Random| ["true", "false"][random.below(2)];
    match random.below(16) {
        0..=2 => {
            let strip = ["true", "false", "null"][random.below(3)];
            let [clean, chinese, lower] = [(); 3].map(|()| flag(random));
            format!(
                r#"{{"type":"BertNormalizer","handle_chinese_chars":{chinese},"clean_text":{clean},"strip_accents":{strip},"lowercase":{lower}}}"#
            )
            .replace("BertNormalizer", "Bert")
        }
        3 => random_charsmap(random),
        4 => format!(
            r#"{{"type":"Strip","strip_left":{},"strip_right":{}}}"#,
            flag(random),
            flag(random)
        ),
        5 => {
            let prepend = random.text(3);
            let prepend = if prepend.is_empty() { "\u{2581}" } else { &prepend };
            format!(r#"{{"type":"Prepend","prepend":{}}}"#, quoted(prepend))
        }
        6 | 7 => {
            let literal = match random.below(3) {
                0 => ["a", "b", " ", "aa", "ab", "\u{301}", "-", "."][random.below(8)].to_string(),
                _ => format!("{}{}", random.character(), random.text(1)),
            };
            let pattern = match random.below(3) {
                0 => r#"{"Regex":" {2,}"}"#.to_string(),
                _ => format!(r#"{{"String":{}}}"#, quoted(&literal)),
            };
            format!(
                r#"{{"type":"Replace","pattern":{pattern},"content":{}}}"#,
                quoted(&random.text(2))
            )
        }
        _ => format!(r#"{{"type":"{}"}}"#, random.pick(&plain)),
    }
}

fn single() -> Vec<String> {
    let bert = |clean, chinese, strip, lower| {
        format!(
            r#"{{"type":"Bert","clean_text":{clean},"handle_chinese_chars":{chinese},"strip_accents":{strip},"lowercase":{lower}}}"#
        )
    };
    let mut list: Vec<String> = [
        "Lowercase",
        "NFC",
        "NFD",
        "NFKC",
        "NFKD",
        "Nmt",
        "StripAccents",
        "ByteLevel",
    ]
    .map(|name| format!(r#"{{"type":"{name}"}}"#))
    .to_vec();
    list.extend([
        bert(true, true, "null", true),
        bert(true, true, "null", false),
        bert(false, true, "true", false),
        bert(true, false, "false", true),
        r#"{"type":"Strip","strip_left":true,"strip_right":true}"#.to_string(),
        r#"{"type":"Strip","strip_left":true,"strip_right":false}"#.to_string(),
        r#"{"type":"Prepend","prepend":"\u2581"}"#.to_string(),
        r#"{"type":"Replace","pattern":{"String":" "},"content":"\u2581"}"#.to_string(),
        r#"{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "}"#.to_string(),
    ]);
    list
}

#[test]
fn every_character_is_normalized_as_in_the_reference() {
    for json in single() {
        let (ours, reference) = (read(&json).unwrap(), reference(&json).unwrap());
        for character in '\0'..=char::MAX {
            // Most of the planes is not assigned.
            if character >= '\u{32000}' && character < '\u{e0000}' && character as u32 % 61 != 0 {
                continue;
            }
            compare(&ours, &reference, &character.to_string(), &json);
        }
    }
}

#[test]
fn random_texts_are_normalized_as_in_the_reference() {
    let mut random = Random(7);
    for json in single() {
        let (ours, reference) = (read(&json).unwrap(), reference(&json).unwrap());
        for _ in 0..20_000 {
            compare(&ours, &reference, &random.text(16), &json);
        }
    }
}

#[test]
fn random_normalizers_are_those_of_the_reference() {
    let mut random = Random(11);
    for _ in 0..2_000 {
        let mut json = random_normalizer(&mut random);
        if random.below(3) > 0 {
            let members: Vec<String> = (0..random.below(5))
                .map(|_| random_normalizer(&mut random))
                .collect();
            json = format!(r#"{{"type":"Sequence","normalizers":[{}]}}"#, members.join(","));
        }
        let (ours, reference) = (read(&json).unwrap(), reference(&json).unwrap());
        for _ in 0..100 {
            compare(&ours, &reference, &random.text(12), &json);
        }
    }
}

#[test]
fn long_runs_of_marks_are_sorted_in_time() {
    let marks = [
        "\u{344}",
        "\u{315}\u{300}\u{323}\u{5b0}",
        "\u{ac00}\u{11a8}",
        "\u{fdfa}",
        " ",
        "a",
        "\r",
    ];
    for json in single() {
        let ours = read(&json).unwrap();
        for run in marks {
            let (mut text, mut spare) = (Normalized::default(), Normalized::default());
            text.set(&run.repeat(2_000_000 / run.len()), true);
            ours.iter()
                .for_each(|normalizer| normalizer.apply(&mut text, &mut spare));
        }
    }
}
