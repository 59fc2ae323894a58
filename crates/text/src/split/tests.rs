//! The pre-tokenizers against those of the reference.

use std::str::FromStr;

use tokenbed_formats::json::{write_string, Reader};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer as _};

use super::pattern::{CL100K, GPT2, O200K, QWEN2};
use super::*;
use crate::unicode::properties;

fn read(json: &str) -> Result<Vec<PreTokenizer>, Error> {
    let mut list = Vec::new();
    let mut reader = Reader::new(json.as_bytes(), 0)?;
    PreTokenizer::read(Fields::read(&mut reader, "pre_tokenizer")?, &mut list)?;
    Ok(list)
}

fn reference(json: &str) -> Option<PreTokenizerWrapper> {
    let file = format!(
        r#"{{"version":"1.0","model":{{"type":"WordLevel","vocab":{{}},"unk_token":""}},"pre_tokenizer":{json}}}"#
    );
    let tokenizer = tokenizers::Tokenizer::from_str(&file).ok()?;
    tokenizer.get_pre_tokenizer().cloned()
}

/// A pre-tokenizer and the same one of the reference.
struct Pair {
    json: String,
    ours: Vec<PreTokenizer>,
    theirs: PreTokenizerWrapper,
    pieces: Pieces,
    spare: Pieces,
    compared: usize,
}

impl Pair {
    fn new(json: String) -> Pair {
        Pair {
            ours: read(&json).unwrap(),
            theirs: reference(&json).unwrap(),
            json,
            pieces: Pieces::default(),
            spare: Pieces::default(),
            compared: 0,
        }
    }

    /// Compares the pieces of a text, and which of them start at byte 0.
    fn compare(&mut self, text: &str) {
        let mut theirs = PreTokenizedString::from(text);
        self.theirs.pre_tokenize(&mut theirs).unwrap();
        let splits = theirs.get_splits(OffsetReferential::Original, OffsetType::Byte);
        let pieces = &mut self.pieces;
        pieces.text.clear();
        pieces.text.push_str(text);
        pieces.origin = text.chars().next().map_or(0, char::len_utf8);
        pieces.list.clear();
        if !text.is_empty() {
            pieces.list.push(Piece {
                start: 0,
                end: text.len() as u32,
            });
        }
        for step in &self.ours {
            step.apply(pieces, &mut self.spare);
        }
        let ours = pieces.list.iter().map(|piece| {
            let first = (piece.start as usize) < pieces.origin;
            (&pieces.text[piece.start as usize..piece.end as usize], first)
        });
        // An empty text has one piece until it is split.
        let theirs = splits.iter().filter(|split| !split.0.is_empty());
        let theirs: Vec<_> = theirs.map(|split| (split.0, split.1 .0 == 0)).collect();
        assert_eq!(ours.collect::<Vec<_>>(), theirs, "{} of {text:?}", self.json);
        self.compared += 1;
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    write_string(&mut out, text);
    out
}

const BEHAVIORS: [&str; 5] = [
    "Removed",
    "Isolated",
    "MergedWithPrevious",
    "MergedWithNext",
    "Contiguous",
];

/// `Split` with every pattern, behavior and invert.
fn splits() -> Vec<String> {
    let mut list = Vec::new();
    for (kind, pattern) in [
        ("Regex", GPT2),
        ("Regex", CL100K),
        ("Regex", QWEN2),
        ("Regex", O200K),
        ("Regex", " {2,}"),
        ("String", " "),
        ("String", "'s"),
        ("String", "a"),
        ("String", "aa"),
        ("String", "\u{301}"),
        ("String", "aAa's1"),
        ("String", "'"),
        ("String", ".*"),
        ("String", "\n"),
    ] {
        for behavior in BEHAVIORS {
            for invert in [false, true] {
                list.push(format!(
                    r#"{{"type":"Split","pattern":{{"{kind}":{}}},"behavior":"{behavior}","invert":{invert}}}"#,
                    quoted(pattern)
                ));
            }
        }
    }
    list
}

/// The other pre-tokenizers, and some sequences.
fn others() -> Vec<String> {
    let mut list: Vec<String> = ["BertPreTokenizer", "Whitespace", "WhitespaceSplit", "Punctuation"]
        .map(|name| format!(r#"{{"type":"{name}"}}"#))
        .into();
    for behavior in BEHAVIORS {
        list.push(format!(r#"{{"type":"Punctuation","behavior":"{behavior}"}}"#));
    }
    for individual in [false, true] {
        list.push(format!(r#"{{"type":"Digits","individual_digits":{individual}}}"#));
    }
    for add in [false, true] {
        for regex in [false, true] {
            list.push(format!(
                r#"{{"type":"ByteLevel","add_prefix_space":{add},"trim_offsets":true,"use_regex":{regex}}}"#
            ));
        }
    }
    list.push(r#"{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":false}"#.to_string());
    for scheme in ["first", "never", "always"] {
        for split in [false, true] {
            for mark in ["▁", "a", " ", "'"] {
                list.push(format!(
                    r#"{{"type":"Metaspace","replacement":"{mark}","prepend_scheme":"{scheme}","split":{split}}}"#
                ));
            }
        }
    }
    list.push(r#"{"type":"Metaspace","replacement":"▁","add_prefix_space":true,"str_rep":"x"}"#.to_string());
    let first = r#"{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"}"#;
    let always = r#"{"type":"Metaspace","replacement":"▁"}"#;
    let bytes = r#"{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true}"#;
    for members in [
        vec![r#"{"type":"WhitespaceSplit"}"#, always],
        vec![r#"{"type":"WhitespaceSplit"}"#, first],
        vec![first, first],
        vec![always, first],
        vec![bytes, first],
        vec![first, bytes],
        vec![r#"{"type":"Digits","individual_digits":true}"#, first],
        vec![
            r#"{"type":"Punctuation"}"#,
            first,
            r#"{"type":"Whitespace"}"#,
            first,
        ],
        vec![r#"{"type":"Punctuation","behavior":"Removed"}"#, first],
        vec![bytes, bytes],
        vec![],
    ] {
        let members = members.join(",");
        list.push(format!(r#"{{"type":"Sequence","pretokenizers":[{members}]}}"#));
    }
    list
}

/// One character of each class that a pattern can tell from others.
const ALPHABET: [&str; 31] = [
    "a", "A", "'", "s", " ", "1", "\n", "\u{301}", "好", ".", "S", "\u{17f}", "t", "r", "e", "v", "m", "l",
    "d", "L", "E", "\r", "\t", "\u{a0}", "\u{3000}", "\u{85}", "ǅ", "ʰ", "²", "/", "_",
];

/// All texts of up to `length` of the first `symbols` symbols.
fn all(symbols: usize, length: u32, use_text: &mut dyn FnMut(&str)) {
    for length in 0..=length {
        for number in 0..symbols.pow(length) {
            let mut rest = number;
            let mut text = String::new();
            for _ in 0..length {
                text.push_str(ALPHABET[rest % symbols]);
                rest /= symbols;
            }
            use_text(&text);
        }
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound
    }

    fn text(&mut self) -> String {
        let (symbols, length) = (2 + self.below(ALPHABET.len() - 1), self.below(24));
        let first = self.below(ALPHABET.len());
        let mut text = String::new();
        for _ in 0..length {
            match self.below(20) {
                0 => text.push(char::from_u32(self.below(0x3000) as u32).unwrap_or('x')),
                1 => text.push(char::from_u32(self.below(0x2_0000) as u32).unwrap_or('x')),
                _ => text.push_str(ALPHABET[(first + self.below(symbols)) % ALPHABET.len()]),
            }
        }
        text
    }
}

#[test]
fn patterns_split_as_the_reference() {
    let mut compared = 0;
    for (at, json) in splits().into_iter().enumerate() {
        let mut pair = Pair::new(json);
        // All behaviors of a pattern see the same matches.
        let length = if at % 10 == 2 { 4 } else { 2 };
        all(12, length, &mut |text| pair.compare(text));
        all(31, 2, &mut |text| pair.compare(text));
        let mut random = Random(at as u64 + 1);
        for _ in 0..1000 {
            pair.compare(&random.text());
        }
        compared += pair.compared;
    }
    println!("{compared} texts");
}

#[test]
fn other_pre_tokenizers_split_as_the_reference() {
    let mut compared = 0;
    for (at, json) in others().into_iter().enumerate() {
        let mut pair = Pair::new(json);
        all(10, 3, &mut |text| pair.compare(text));
        let mut random = Random(at as u64 + 1);
        for _ in 0..2000 {
            pair.compare(&random.text());
        }
        compared += pair.compared;
    }
    println!("{compared} texts");
}

/// The reference searches for literals with a regular expression, too.
#[test]
fn every_character_can_be_a_literal() {
    for character in ('\0'..'\u{180}').chain("\u{1e9e}\u{2028}\u{fb05}\u{ffff}😀".chars()) {
        for literal in [
            character.to_string(),
            format!("{character}s"),
            format!("s{character}"),
        ] {
            let mut pair = Pair::new(format!(
                r#"{{"type":"Split","pattern":{{"String":{}}},"behavior":"Isolated","invert":false}}"#,
                quoted(&literal)
            ));
            let (upper, lower) = (literal.to_uppercase(), literal.to_lowercase());
            pair.compare(&format!(
                "{literal}s{character}s{upper}ss{literal}{literal}{lower}{character}"
            ));
        }
    }
}

/// Characters of the planes in use. The tables were compared with the reference for all others.
#[test]
fn characters_have_the_classes_of_the_reference() {
    let mut pairs: Vec<Pair> = [GPT2, CL100K, O200K]
        .iter()
        .map(|pattern| {
            Pair::new(format!(
                r#"{{"type":"Split","pattern":{{"Regex":{}}},"behavior":"Isolated","invert":false}}"#,
                quoted(pattern)
            ))
        })
        .collect();
    for name in ["BertPreTokenizer", "Whitespace"] {
        pairs.push(Pair::new(format!(r#"{{"type":"{name}"}}"#)));
    }
    pairs.push(Pair::new(
        r#"{"type":"Digits","individual_digits":true}"#.to_string(),
    ));
    let mut text = String::new();
    for character in ('\0'..'\u{20000}').chain('\u{e0000}'..'\u{e0200}') {
        text.extend(["a", "A.1 "]);
        text.insert(1, character);
        text.extend([
            character, 'A', '\'', character, ' ', character, character, '\'', 'l', character,
        ]);
        if text.len() > 1000 {
            for pair in &mut pairs {
                pair.compare(&text);
            }
            text.clear();
        }
    }
}

#[test]
fn ascii_has_the_properties_of_the_tables() {
    let asked = [
        Properties::WHITE_SPACE,
        Properties::NUMERIC,
        Properties::PUNCTUATION,
        Properties::ONIG_SPACE,
        Properties::ONIG_LETTER,
        Properties::ONIG_NUMBER,
        Properties::ONIG_UPPER,
        Properties::ONIG_LOWER,
        Properties::REGEX_WORD,
        Properties::REGEX_SPACE,
    ];
    for code in 0..128u8 {
        for property in asked {
            let (ours, theirs) = (super::pattern::ASCII[code as usize], properties(code as char));
            assert_eq!(ours.any(property), theirs.any(property), "{code} {property:?}");
        }
    }
}

#[test]
fn what_the_reference_refuses_is_refused() {
    for json in [
        r#"{}"#,
        r#"{"type":"Other"}"#,
        r#"{"type":"Metaspace"}"#,
        r#"{"type":"Metaspace","replacement":""}"#,
        r#"{"type":"Metaspace","replacement":"ab"}"#,
        r#"{"type":"Metaspace","replacement":null}"#,
        r#"{"type":"Metaspace","replacement":"a","prepend_scheme":"First"}"#,
        r#"{"type":"Metaspace","replacement":"a","prepend_scheme":null}"#,
        r#"{"type":"Metaspace","replacement":"a","add_prefix_space":false}"#,
        r#"{"type":"Metaspace","replacement":"a","add_prefix_space":1}"#,
        r#"{"type":"Metaspace","replacement":"a","str_rep":1}"#,
        r#"{"type":"Metaspace","replacement":"a","split":"yes"}"#,
        r#"{"type":"ByteLevel"}"#,
        r#"{"type":"ByteLevel","add_prefix_space":true}"#,
        r#"{"type":"ByteLevel","trim_offsets":true}"#,
        r#"{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":null}"#,
        r#"{"type":"Digits"}"#,
        r#"{"type":"Digits","individual_digits":0}"#,
        r#"{"type":"Punctuation","behavior":"isolated"}"#,
        r#"{"type":"Punctuation","behavior":null}"#,
        r#"{"type":"Split","pattern":"a","behavior":"Isolated","invert":false}"#,
        r#"{"type":"Split","pattern":{},"behavior":"Isolated","invert":false}"#,
        r#"{"type":"Split","pattern":{"String":"a","Regex":"a"},"behavior":"Isolated","invert":false}"#,
        r#"{"type":"Split","pattern":{"Text":"a"},"behavior":"Isolated","invert":false}"#,
        r#"{"type":"Split","pattern":{"String":"a"},"invert":false}"#,
        r#"{"type":"Split","pattern":{"String":"a"},"behavior":"Isolated"}"#,
        r#"{"type":"Sequence"}"#,
        r#"{"type":"Sequence","pretokenizers":[null]}"#,
        r#"{"type":"Sequence","pretokenizers":[{"type":"Split"}]}"#,
    ] {
        assert!(reference(json).is_none(), "{json}");
        assert!(read(json).is_err(), "{json}");
    }
    for json in [
        r#"{"type":"Metaspace","replacement":"a","add_prefix_space":null,"split":null,"str_rep":null}"#,
        r#"{"type":"Metaspace","replacement":"a","add_prefix_space":false,"prepend_scheme":"never"}"#,
        r#"{"type":"Punctuation","other":1}"#,
    ] {
        assert!(reference(json).is_some(), "{json}");
        assert!(read(json).is_ok(), "{json}");
    }
}

#[test]
fn errors_name_the_part() {
    let error = |json: &str| read(json).unwrap_err().rule.clone();
    assert_eq!(
        error(r#"{"type":"Sequence","pretokenizers":[{"type":"Whitespace"},{"type":"Digits"}]}"#),
        "pre_tokenizer.pretokenizers[1] has no \"individual_digits\""
    );
    assert!(
        error(r#"{"type":"Split","pattern":{"Regex":"a"},"behavior":"Isolated","invert":false}"#)
            .starts_with("pre_tokenizer.pattern is the regular expression \"a\"; read are")
    );
    assert!(error(r#"{"type":"FixedLength","length":5}"#)
        .starts_with("pre_tokenizer.type is \"FixedLength\"; read are"));
}

#[test]
fn long_texts_take_linear_time() {
    let start = std::time::Instant::now();
    for json in splits().into_iter().chain(others()) {
        let list = read(&json).unwrap();
        for symbol in ["a", " ", "\u{301}", "A", "'", "好A", "a ", "\n ", ".\n"] {
            let mut pieces = Pieces {
                text: symbol.repeat(50_000),
                ..Pieces::default()
            };
            let end = pieces.text.len() as u32;
            pieces.list.push(Piece { start: 0, end });
            for step in &list {
                step.apply(&mut pieces, &mut Pieces::default());
            }
        }
    }
    assert!(start.elapsed().as_secs() < 30);
}
