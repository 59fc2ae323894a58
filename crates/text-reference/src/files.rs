//! Random tokenizer.json files, made from the parts that are read.

use serde_json::{json, Map, Value};

use crate::charsmap::charsmap;
use crate::random::Random;
use crate::texts::character;

/// A file, and what its texts are made of.
pub struct File {
    /// The tokenizer.json.
    pub json: String,
    /// The characters of its vocabulary.
    pub alphabet: Vec<char>,
    /// Its added tokens and some of its words.
    pub tokens: Vec<String>,
}

/// Alphabets of vocabularies. Small ones make tokens collide.
const ALPHABETS: [&str; 12] = [
    "abc",
    "ab ",
    "abcdefghijklmnopqrstuvwxyz",
    "aAbBéÉe\u{301}",
    "▁ab.",
    "ab'stré",
    "абвёй",
    "日本語の漢",
    "한국각가",
    "a1b2٣",
    "a.,!?-",
    "ǅǆﬁße\u{323}\u{307}x\u{600}",
];

const PATTERNS: [&str; 4] = [
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
];

const BEHAVIORS: [&str; 5] = [
    "Removed",
    "Isolated",
    "MergedWithPrevious",
    "MergedWithNext",
    "Contiguous",
];

/// A file whose parts are chosen one by one, or one of the usual combinations.
pub fn generated(random: &mut Random) -> File {
    let mut alphabet: Vec<char> = random.pick(&ALPHABETS).chars().collect();
    if random.one_in(3) {
        alphabet.extend((0..4).map(|_| character(random)));
    }
    let (normalizer, pre_tokenizer) = match random.one_in(2) {
        true => usual(random, &alphabet),
        false => (
            sequence(random, "normalizers", &alphabet, normalizer),
            sequence(random, "pretokenizers", &alphabet, pre_tokenizer),
        ),
    };
    let byte_level = pre_tokenizer.to_string().contains("ByteLevel");
    let mut words = Vec::new();
    let model = model(random, &alphabet, byte_level, &mut words);
    let mut tokens = Vec::new();
    let added = added_tokens(random, &alphabet, &words, &mut tokens);
    tokens.extend((0..4).filter_map(|_| words.get(random.below(words.len().max(1))).cloned()));
    let mut file = json!({
        "version": "1.0",
        "added_tokens": added,
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": post_processor(random),
        "decoder": sequence(random, "decoders", &alphabet, decoder),
        "model": model,
    });
    if random.one_in(6) {
        file["truncation"] = json!({
            "direction": random.pick(&["Left", "Right"]),
            "max_length": random.below(12),
            "strategy": random.pick(&["LongestFirst", "OnlyFirst", "LongestFirst", "OnlySecond"]),
            "stride": random.below(8) / 7,
        });
    }
    File {
        json: file.to_string(),
        alphabet,
        tokens,
    }
}

/// The normalizer and the pre-tokenizer of a kind of model that is in use.
fn usual(random: &mut Random, alphabet: &[char]) -> (Value, Value) {
    let metaspace = |scheme: &str, split: bool| json!({ "type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split });
    let byte_level = |prefix: bool, regex: bool| json!({ "type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": true, "use_regex": regex });
    let list = |list: Vec<Value>| json!({ "type": "Sequence", "pretokenizers": list });
    let scheme = random.pick(&["always", "first", "never"]);
    match random.below(8) {
        0 => (
            normalizer_named(random, "BertNormalizer", alphabet),
            json!({ "type": "BertPreTokenizer" }),
        ),
        1 => (
            normalizer_named(random, "Precompiled", alphabet),
            list(vec![
                json!({ "type": "WhitespaceSplit" }),
                metaspace(scheme, true),
            ]),
        ),
        2 => (
            normalizer_named(random, "Precompiled", alphabet),
            metaspace(scheme, true),
        ),
        3 => (Value::Null, byte_level(random.one_in(2), true)),
        4 => {
            let pattern = random.pick(&PATTERNS);
            let split = json!({ "type": "Split", "pattern": { "Regex": pattern }, "behavior": "Isolated", "invert": false });
            let form = random.pick(&["NFC", "NFD", "Lowercase"]);
            (
                json!({ "type": form }),
                list(vec![split, byte_level(false, false)]),
            )
        }
        5 => {
            // Llama 2 and Gemma.
            let replace = json!({ "type": "Replace", "pattern": { "String": " " }, "content": "▁" });
            let prepend = json!({ "type": "Prepend", "prepend": "▁" });
            (
                json!({ "type": "Sequence", "normalizers": [prepend, replace] }),
                Value::Null,
            )
        }
        6 => {
            let blanks = json!({ "type": "Replace", "pattern": { "Regex": " {2,}" }, "content": random.pick(&["▁", " "]) });
            let map = normalizer_named(random, "Precompiled", alphabet);
            let strip = json!({ "type": "Strip", "strip_left": random.one_in(2), "strip_right": true });
            (
                json!({ "type": "Sequence", "normalizers": [map, strip, blanks] }),
                metaspace(scheme, true),
            )
        }
        _ => (
            sequence(random, "normalizers", alphabet, normalizer),
            json!({ "type": random.pick(&["Whitespace", "WhitespaceSplit", "BertPreTokenizer"]) }),
        ),
    }
}

/// None, one, or a sequence of parts.
fn sequence(
    random: &mut Random,
    name: &str,
    alphabet: &[char],
    part: fn(&mut Random, &[char]) -> Value,
) -> Value {
    match random.below(4) {
        0 => Value::Null,
        1 => part(random, alphabet),
        _ => {
            let parts: Vec<Value> = (0..random.below(4)).map(|_| part(random, alphabet)).collect();
            json!({ "type": "Sequence", name: parts })
        }
    }
}

/// A string of up to `most` characters that texts have, too.
fn string(random: &mut Random, alphabet: &[char], most: usize) -> String {
    let mut string = String::new();
    for _ in 0..1 + random.below(most) {
        string.push(match random.below(6) {
            0 => ' ',
            1 => random.character(&['▁', '\n', '.', 'A', '\u{301}', 'Ġ']),
            _ => random.character(alphabet),
        });
    }
    string
}

fn normalizer(random: &mut Random, alphabet: &[char]) -> Value {
    let name = random.pick(&[
        "BertNormalizer",
        "Lowercase",
        "NFC",
        "NFD",
        "NFKC",
        "NFKD",
        "Nmt",
        "Precompiled",
        "StripAccents",
        "Strip",
        "Prepend",
        "Replace",
        "Replace",
        "ByteLevel",
    ]);
    normalizer_named(random, name, alphabet)
}

fn normalizer_named(random: &mut Random, name: &str, alphabet: &[char]) -> Value {
    match name {
        "BertNormalizer" => {
            let accents = [Value::Null, json!(true), json!(false)][random.below(3)].clone();
            json!({ "type": name, "clean_text": !random.one_in(4), "handle_chinese_chars": !random.one_in(4),
                "strip_accents": accents, "lowercase": random.one_in(2) })
        }
        "Precompiled" => {
            let mut pairs: Vec<(String, String)> = Vec::new();
            let sources = [
                "\n", "\t", "\u{a0}", "\u{3000}", "\u{ad}", "\u{600} ", "e\u{301}", " \u{301}", "ﬁ", "A",
                "㍿", "\r\n",
            ];
            let targets = [" ", "", " a", "a ", "é", "fi", "株式会社", "▁", "  "];
            for _ in 0..1 + random.below(8) {
                let from = match random.one_in(3) {
                    true => string(random, alphabet, 2),
                    false => random.pick(&sources).to_string(),
                };
                if !pairs.iter().any(|(other, _)| *other == from) {
                    pairs.push((from, random.pick(&targets).to_string()));
                }
            }
            json!({ "type": name, "precompiled_charsmap": charsmap(&pairs) })
        }
        "Strip" => json!({ "type": name, "strip_left": random.one_in(2), "strip_right": random.one_in(2) }),
        "Prepend" => json!({ "type": name, "prepend": string(random, alphabet, 2) }),
        "Replace" => json!({ "type": name, "pattern": pattern(random, alphabet, " {2,}"),
            "content": if random.one_in(4) { String::new() } else { string(random, alphabet, 2) } }),
        _ => json!({ "type": name }),
    }
}

fn pattern(random: &mut Random, alphabet: &[char], regex: &str) -> Value {
    match random.one_in(3) {
        true => json!({ "Regex": regex }),
        false => json!({ "String": string(random, alphabet, 2) }),
    }
}

fn pre_tokenizer(random: &mut Random, alphabet: &[char]) -> Value {
    let name = random.pick(&[
        "BertPreTokenizer",
        "Whitespace",
        "WhitespaceSplit",
        "Metaspace",
        "Metaspace",
        "ByteLevel",
        "Digits",
        "Punctuation",
        "Split",
        "Split",
    ]);
    match name {
        "Metaspace" => {
            json!({ "type": name, "replacement": random.pick(&["▁", "▁", "_", "a"]), "split": !random.one_in(4),
            "prepend_scheme": random.pick(&["always", "first", "never"]) })
        }
        "ByteLevel" => json!({ "type": name, "add_prefix_space": random.one_in(2), "trim_offsets": true,
            "use_regex": random.one_in(2) }),
        "Digits" => json!({ "type": name, "individual_digits": random.one_in(2) }),
        "Punctuation" => json!({ "type": name, "behavior": random.pick(&BEHAVIORS) }),
        "Split" => {
            let regex = random.pick(&PATTERNS);
            json!({ "type": name, "pattern": pattern(random, alphabet, regex), "behavior": random.pick(&BEHAVIORS),
                "invert": random.one_in(2) })
        }
        _ => json!({ "type": name }),
    }
}

fn decoder(random: &mut Random, alphabet: &[char]) -> Value {
    let name = random.pick(&[
        "WordPiece",
        "ByteLevel",
        "Metaspace",
        "ByteFallback",
        "Fuse",
        "Replace",
        "Strip",
    ]);
    match name {
        "WordPiece" => json!({ "type": name, "prefix": "##", "cleanup": random.one_in(2) }),
        "ByteLevel" => {
            json!({ "type": name, "add_prefix_space": false, "trim_offsets": true, "use_regex": true })
        }
        "Metaspace" => pre_tokenizer_metaspace(random),
        "Replace" => {
            json!({ "type": name, "pattern": pattern(random, alphabet, " {2,}"), "content": string(random, alphabet, 2) })
        }
        "Strip" => {
            json!({ "type": name, "content": random.character(alphabet).to_string(), "start": random.below(3),
            "stop": random.below(3) })
        }
        _ => json!({ "type": name }),
    }
}

fn pre_tokenizer_metaspace(random: &mut Random) -> Value {
    json!({ "type": "Metaspace", "replacement": "▁", "split": true,
        "prepend_scheme": random.pick(&["always", "first", "never"]) })
}

fn post_processor(random: &mut Random) -> Value {
    let id = |random: &mut Random| json!(random.below(40));
    let pair = |random: &mut Random| json!(["[CLS]", random.below(40)]);
    match random.below(7) {
        0 => json!({ "type": "BertProcessing", "cls": pair(random), "sep": pair(random) }),
        1 => {
            json!({ "type": "RobertaProcessing", "cls": pair(random), "sep": pair(random), "trim_offsets": true,
            "add_prefix_space": false })
        }
        2 | 3 => {
            let text = json!({ "Sequence": { "id": "A", "type_id": 0 } });
            let special = |name: &str| json!({ "SpecialToken": { "id": name, "type_id": 0 } });
            let mut single = vec![special("x"), text.clone(), special("y")];
            single.truncate(1 + random.below(3));
            if random.one_in(5) {
                single.push(text);
            }
            json!({ "type": "TemplateProcessing", "single": single, "pair": [], "special_tokens": {
                "x": { "id": "x", "ids": [id(random), id(random)], "tokens": ["x", "x"] },
                "y": { "id": "y", "ids": [id(random)], "tokens": ["y"] },
            } })
        }
        4 => {
            json!({ "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": random.one_in(2), "use_regex": true })
        }
        _ => Value::Null,
    }
}

/// The 256 characters that stand for bytes in byte-level vocabularies.
fn byte_characters() -> Vec<char> {
    let mut next = 256;
    let characters = (0..=255u8).map(|byte| match byte {
        b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff => byte as char,
        _ => {
            next += 1;
            char::from_u32(next - 1).unwrap_or_default()
        }
    });
    characters.collect()
}

/// The bytes of a character as byte-level vocabularies write them.
fn as_bytes(character: char, bytes: &[char]) -> Vec<char> {
    character
        .to_string()
        .bytes()
        .map(|byte| bytes[byte as usize])
        .collect()
}

fn model(random: &mut Random, alphabet: &[char], byte_level: bool, words: &mut Vec<String>) -> Value {
    let mut units: Vec<String> = alphabet.iter().map(char::to_string).collect();
    units.push("▁".to_string());
    if byte_level {
        let bytes = byte_characters();
        units = alphabet
            .iter()
            .flat_map(|&character| as_bytes(character, &bytes))
            .map(String::from)
            .collect();
        units.push("Ġ".to_string());
        if random.one_in(2) {
            units = bytes.iter().map(char::to_string).collect();
        }
    }
    units.sort();
    units.dedup();
    let word = |random: &mut Random| {
        let length = 1 + random.below(4);
        (0..length)
            .map(|_| units[random.below(units.len())].clone())
            .collect::<String>()
    };
    let mut list: Vec<String> = Vec::new();
    let unknown = "<unk>".to_string();
    let bytes = random.below(4);
    let kind = random.below(4);
    if !random.one_in(4) {
        list.push(unknown.clone());
    }
    if bytes > 0 && kind % 2 == 1 {
        // One byte is missing in half of the cases.
        list.extend(
            (0..=255u8)
                .filter(|&byte| bytes == 1 || byte != 0xcc)
                .map(|byte| format!("<0x{byte:02X}>")),
        );
    }
    for unit in &units {
        if !random.one_in(12) {
            list.push(unit.clone());
        }
    }
    let value = match kind {
        0 => {
            for _ in 0..30 {
                let prefix = if random.one_in(2) { "##" } else { "" };
                list.push(format!("{prefix}{}", word(random)));
            }
            list.extend(
                units
                    .iter()
                    .filter(|_| !random.one_in(6))
                    .map(|unit| format!("##{unit}"))
                    .collect::<Vec<_>>(),
            );
            let longest = [100, 5, 1_000_000][random.below(3)];
            json!({ "type": "WordPiece", "unk_token": "<unk>", "continuing_subword_prefix": "##",
                "max_input_chars_per_word": longest, "vocab": vocabulary(&mut list) })
        }
        1 => {
            for _ in 0..30 {
                list.push(word(random));
            }
            list.dedup();
            let scores: Vec<Value> = list
                .iter()
                .map(|token| json!([token, -(random.below(40) as f64) / 4.0]))
                .collect();
            let unknown = match list.is_empty() || random.one_in(5) {
                true => Value::Null,
                false => json!(if random.one_in(8) {
                    random.below(list.len())
                } else {
                    0
                }),
            };
            json!({ "type": "Unigram", "unk_id": unknown, "vocab": scores, "byte_fallback": bytes > 0 && random.one_in(2) })
        }
        2 => {
            for _ in 0..30 {
                list.push(word(random));
            }
            json!({ "type": "WordLevel", "unk_token": "<unk>", "vocab": vocabulary(&mut list) })
        }
        _ => {
            let prefix = (!byte_level && random.one_in(8)).then_some("##");
            let suffix = (!byte_level && random.one_in(8)).then_some("</w>");
            if let Some(prefix) = prefix {
                list.extend(
                    units
                        .iter()
                        .map(|unit| format!("{prefix}{unit}"))
                        .collect::<Vec<_>>(),
                );
            }
            if let Some(suffix) = suffix {
                list.extend(
                    units
                        .iter()
                        .map(|unit| format!("{unit}{suffix}"))
                        .collect::<Vec<_>>(),
                );
            }
            let mut merges = Vec::new();
            let start = list.iter().position(|token| !token.starts_with('<')).unwrap_or(0);
            for _ in 0..60 {
                if start >= list.len() {
                    break;
                }
                let left = list[start + random.below(list.len() - start)].clone();
                let right = list[start + random.below(list.len() - start)].clone();
                if left.contains(' ')
                    || right.contains(' ')
                    || left.chars().count() + right.chars().count() > 8
                {
                    continue;
                }
                if prefix.is_some_and(|prefix| !right.starts_with(prefix))
                    || merges.contains(&(left.clone(), right.clone()))
                {
                    continue;
                }
                list.push(format!("{left}{}", &right[prefix.map_or(0, str::len)..]));
                merges.push((left, right));
            }
            let merges: Vec<Value> = match random.one_in(2) {
                true => merges
                    .iter()
                    .map(|(left, right)| json!(format!("{left} {right}")))
                    .collect(),
                false => merges.iter().map(|(left, right)| json!([left, right])).collect(),
            };
            let unknown = if random.one_in(3) {
                Value::Null
            } else {
                json!("<unk>")
            };
            json!({ "type": "BPE", "dropout": null, "unk_token": unknown, "continuing_subword_prefix": prefix,
                "end_of_word_suffix": suffix, "fuse_unk": random.one_in(2), "byte_fallback": bytes > 0,
                "ignore_merges": random.one_in(3), "vocab": vocabulary(&mut list), "merges": merges })
        }
    };
    *words = list;
    value
}

/// A vocabulary with ids from 0.
fn vocabulary(list: &mut Vec<String>) -> Value {
    let mut map = Map::new();
    let mut kept: Vec<String> = Vec::new();
    for token in list.drain(..) {
        if !map.contains_key(&token) {
            map.insert(token.clone(), json!(kept.len()));
            kept.push(token);
        }
    }
    *list = kept;
    Value::Object(map)
}

fn added_tokens(random: &mut Random, alphabet: &[char], words: &[String], tokens: &mut Vec<String>) -> Value {
    let mut list = Vec::new();
    for _ in 0..random.below(5) {
        let content = match random.below(4) {
            0 => random
                .pick(&["[CLS]", "<s>", "<|endoftext|>", "<unk>", "[MASK]"])
                .to_string(),
            1 if !words.is_empty() => words[random.below(words.len())].clone(),
            _ => string(random, alphabet, 3),
        };
        tokens.push(content.clone());
        list.push(
            json!({ "id": 1000 + list.len(), "content": content, "single_word": random.one_in(3),
            "lstrip": random.one_in(3), "rstrip": random.one_in(3), "normalized": random.one_in(2),
            "special": random.one_in(2) }),
        );
    }
    json!(list)
}
