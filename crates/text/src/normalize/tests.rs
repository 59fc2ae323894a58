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

thread_local! {
    /// Whether a panic is an answer of the reference.
    static QUIET: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

fn reference(json: &str) -> Option<tokenizers::NormalizerWrapper> {
    let json = format!(
        r#"{{"version":"1.0","normalizer":{json},"model":{{"type":"WordLevel","vocab":{{"a":0}},"unk_token":"a"}}}}"#
    );
    static HOOK: std::sync::Once = std::sync::Once::new();
    HOOK.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                print(panic);
            }
        }));
    });
    QUIET.set(true);
    let read = std::panic::catch_unwind(|| tokenizers::Tokenizer::from_str(&json));
    QUIET.set(false);
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
    let mut units = vec![1u32 << 31; 512];
    let mut nodes: std::collections::BTreeMap<Vec<u8>, usize> = Default::default();
    units[0] = 1 << 10 | 1 << 9;
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

fn random_map(random: &mut Random) -> Vec<(String, String)> {
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
    map.into_iter().collect()
}

fn precompiled(charsmap: &[u8]) -> String {
    format!(
        r#"{{"type":"Precompiled","precompiled_charsmap":"{}"}}"#,
        base64(charsmap)
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
            let name = ["Bert", "BertNormalizer"][random.below(2)];
            format!(r#"{{"type":"{name}",{}}}"#, bert(clean, chinese, strip, lower))
        }
        3 => precompiled(&charsmap(&random_map(random))),
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

/// The fields of a normalizer of BERT.
fn bert(clean: &str, chinese: &str, strip: &str, lower: &str) -> String {
    format!(
        r#""clean_text":{clean},"handle_chinese_chars":{chinese},"strip_accents":{strip},"lowercase":{lower}"#
    )
}

fn single() -> Vec<String> {
    let bert =
        |clean, chinese, strip, lower| format!(r#"{{"type":"Bert",{}}}"#, bert(clean, chinese, strip, lower));
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
        bert("true", "true", "null", "true"),
        bert("true", "true", "null", "false"),
        bert("false", "true", "true", "false"),
        bert("true", "false", "false", "true"),
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
            let planes = '\u{32000}'..'\u{e0000}';
            if planes.contains(&character) && !(character as u32).is_multiple_of(61) {
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
fn every_literal_is_found_as_in_the_reference() {
    let text: String = ('\0'..='\u{180}').chain('\0'..='\u{180}').collect();
    for character in '\0'..='\u{180}' {
        for literal in [
            character.to_string(),
            format!("{character}{}", (character as u8).wrapping_add(1) as char),
        ] {
            let json = format!(
                r#"{{"type":"Replace","pattern":{{"String":{}}},"content":"\u2581"}}"#,
                quoted(&literal)
            );
            compare(&read(&json).unwrap(), &reference(&json).unwrap(), &text, &json);
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

/// A text of keys of the map and other characters.
fn text_of(random: &mut Random, map: &[(String, String)]) -> String {
    let part = |_| match random.below(2) {
        0 => random.pick(map).0.clone(),
        _ => random.text(2),
    };
    (0..8).map(part).collect()
}

#[test]
fn charsmaps_are_those_of_the_reference() {
    let mut random = Random(13);
    for _ in 0..300 {
        let map = random_map(&mut random);
        let json = precompiled(&charsmap(&map));
        let (ours, reference) = (read(&json).unwrap(), reference(&json).unwrap());
        for _ in 0..100 {
            compare(&ours, &reference, &text_of(&mut random, &map), &json);
        }
    }
}

#[test]
fn a_charsmap_that_is_read_never_fails() {
    let mut random = Random(17);
    let (mut equal, mut refused) = (0, 0);
    for _ in 0..1_000 {
        let map = random_map(&mut random);
        let mut file = charsmap(&map);
        let size = u32::from_le_bytes(file[..4].try_into().unwrap()) as usize;
        for _ in 0..1 + random.below(3) {
            match random.below(6) {
                0 => file.truncate(random.below(file.len()).max(1)),
                // The sizes are often off by some units only.
                1 => file[random.below(3).min(1)] ^= 1 << random.below(8),
                // The root, a node that is used, any byte.
                2 => {
                    let at = 4 + random.below(4);
                    file.resize(file.len().max(8), 0);
                    file[at] = random.below(256) as u8;
                }
                3 => {
                    let used: Vec<usize> = (1..(size.min(file.len()) / 4).saturating_sub(1))
                        .filter(|unit| file[4 * unit + 4..][..3] != [0; 3])
                        .collect();
                    if !used.is_empty() {
                        let at = 4 + 4 * random.pick(&used) + random.below(4);
                        file[at] ^= 1 << random.below(8);
                    }
                }
                _ => {
                    let at = random.below(file.len());
                    file[at] = random.below(256) as u8;
                }
            }
        }
        let json = precompiled(&file);
        match (read(&json), reference(&json)) {
            (Ok(ours), reference) => {
                for _ in 0..50 {
                    compare(
                        &ours,
                        reference.as_ref().unwrap(),
                        &text_of(&mut random, &map),
                        &json,
                    );
                }
                equal += 1;
            }
            (Err(_), _) => refused += 1,
        }
    }
    assert!(equal > 100 && refused > 100, "{equal} {refused}");
}

#[test]
fn base64_is_that_of_the_reference() {
    let whole = charsmap(&[("a".to_string(), "b".to_string())]);
    let text = base64(&whole);
    let pad = text.len() - text.trim_end_matches('=').len();
    let body = &text[..text.len() - pad];
    let mut random = Random(19);
    for _ in 0..1_500 {
        let mut digits = body.as_bytes()[..body.len() - random.below(6)].to_vec();
        for _ in 0..random.below(3) {
            let at = digits.len() - 1 - random.below(8);
            digits[at] = *random.pick(b"Aaz09+/=-_ \\n\tBCDEFGHIJKL");
        }
        digits.extend(std::iter::repeat_n(b'=', random.below(4)));
        let text = String::from_utf8(digits).unwrap();
        let json = format!(
            r#"{{"type":"Precompiled","precompiled_charsmap":{}}}"#,
            quoted(&text)
        );
        // The trie is whole, so that only Base64 and UTF-8 decide.
        assert_eq!(read(&json).is_ok(), reference(&json).is_some(), "{text}");
    }
}

#[test]
fn malformed_normalizers_are_refused() {
    let bert = r#""clean_text":true,"handle_chinese_chars":true,"lowercase":true"#;
    for (json, rule) in [
        (r#"{}"#, r#"normalizer has no "type""#),
        (r#"{"type":3}"#, "normalizer.type: expected a string, found \"3\""),
        (r#"{"type":"Bert"}"#, r#"normalizer has no "lowercase""#),
        (&format!(r#"{{"type":"Bert",{bert},"strip_accents":3}}"#), "normalizer.strip_accents: expected a boolean, found \"3\""),
        (r#"{"type":"Strip","strip_left":true}"#, r#"normalizer has no "strip_right""#),
        (r#"{"type":"Prepend"}"#, r#"normalizer has no "prepend""#),
        (r#"{"type":"Replace","pattern":{"String":"a"}}"#, r#"normalizer has no "content""#),
        (r#"{"type":"Replace","content":""}"#, r#"normalizer has no "pattern""#),
        (r#"{"type":"Replace","content":"","pattern":"a"}"#, "normalizer.pattern: expected an object, found \"\\\"\""),
        (
            r#"{"type":"Replace","content":"","pattern":{}}"#,
            r#"normalizer.pattern must have "String" or "Regex""#,
        ),
        (
            r#"{"type":"Replace","content":"","pattern":{"String":"a","Regex":" {2,}"}}"#,
            r#"normalizer.pattern must have one of "String" and "Regex""#,
        ),
        (
            r#"{"type":"Replace","content":"","pattern":{"Text":"a"}}"#,
            r#"normalizer.pattern has "Text", but must have "String" or "Regex""#,
        ),
        (r#"{"type":"Sequence"}"#, r#"normalizer has no "normalizers""#),
        (r#"{"type":"Sequence","normalizers":[null]}"#, "normalizer.normalizers[0]: expected an object, found \"n\""),
        (
            r#"{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Strip"}]}"#,
            r#"normalizer.normalizers[1] has no "strip_left""#,
        ),
        (
            r#"{"type":"Precompiled","precompiled_charsmap":null}"#,
            r#"normalizer has no "precompiled_charsmap""#,
        ),
        (
            r#"{"type":"Precompiled","precompiled_charsmap":"!"}"#,
            "normalizer.precompiled_charsmap is not Base64",
        ),
        (
            r#"{"type":"Precompiled","precompiled_charsmap":""}"#,
            "normalizer.precompiled_charsmap has 0 bytes, but a charsmap begins with the size of its trie, 4 bytes",
        ),
        (
            &precompiled(&[8, 0, 0, 0, 1, 2, 3, 4]),
            "normalizer.precompiled_charsmap has a trie of 8 bytes, but 4 bytes are left",
        ),
        (
            &precompiled(&[0, 0, 0, 0, 0xff]),
            "normalizer.precompiled_charsmap has replacements that are not UTF-8",
        ),
    ] {
        assert_eq!(read(json).unwrap_err().rule, rule, "{json}");
        assert!(reference(json).is_none(), "{json}");
    }
    // What the reference reads, but panics with when a text comes that arrives there, or what is not reproduced.
    let mut short = charsmap(&[("a".to_string(), "b".to_string())]);
    let size = u32::from_le_bytes(short[..4].try_into().unwrap()) - 4 * 16;
    short[..4].copy_from_slice(&size.to_le_bytes());
    short.truncate(4 + size as usize);
    let mut beyond = charsmap(&[("a".to_string(), "b".to_string())]);
    beyond.truncate(beyond.len() - 2);
    let leaf = 512 | b'a' as usize;
    beyond[4 + 4 * leaf] = 1;
    for (json, rule) in [
        (
            r#"{"type":"Replace","content":"","pattern":{"String":""}}"#,
            "normalizer.pattern.String must not be empty",
        ),
        (
            r#"{"type":"Replace","content":"","pattern":{"Regex":"a+"}}"#,
            r#"normalizer.pattern.Regex is "a+", but the only regular expression that is read is " {2,}""#,
        ),
        (
            r#"{"type":"Prepend","prepend":""}"#,
            "normalizer.prepend must not be empty",
        ),
        (
            &precompiled(&[0, 0, 0, 0]),
            "normalizer.precompiled_charsmap has a trie that leads out of its 0 units",
        ),
        (
            &precompiled(&short),
            "normalizer.precompiled_charsmap has a trie that leads out of its 752 units",
        ),
        (
            &precompiled(&beyond),
            "normalizer.precompiled_charsmap has a replacement at byte 1, but its replacements take 0 bytes, in UTF-8",
        ),
    ] {
        assert_eq!(read(json).unwrap_err().rule, rule, "{json}");
        assert!(reference(json).is_some(), "{json}");
    }
    let other = format!(r#"{{"type":"Other",{bert}}}"#);
    assert!(read(&other)
        .unwrap_err()
        .rule
        .starts_with(r#"normalizer.type is "Other", but the normalizers"#));
}
