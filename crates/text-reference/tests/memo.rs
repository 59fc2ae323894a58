//! Tokenizers and texts that are made to break the memo: what a part does at a blank depends on what is beside it.

use serde_json::{json, Map, Value};
use tokenbed_text_reference::charsmap::charsmap;
use tokenbed_text_reference::compare::{expect_refusal, silence_reference, Loaded, Pair};
use tokenbed_text_reference::random::Random;

/// What texts, keys of charsmaps, literals and added tokens are made of.
const SYMBOLS: [&str; 40] = [
    " ",
    " ",
    " ",
    " ",
    "\n",
    "\n",
    "\t",
    "\r",
    "\r\n",
    "\u{b}",
    "\u{85}",
    "\u{a0}",
    "\u{3000}",
    "\u{2028}",
    "\u{1c}",
    "a",
    "a",
    "b",
    "b",
    "A",
    "é",
    "1",
    "2",
    ".",
    "'",
    "'s",
    "▁",
    "_",
    "\u{301}",
    "\u{600}",
    "\u{200d}",
    "\u{903}",
    "\u{1}",
    "\u{ad}",
    "ﬁ",
    "中",
    "\u{200b}",
    "\u{338}",
    "\u{1f1eb}",
    "\u{110bd}",
];

fn string(random: &mut Random, most: usize) -> String {
    (0..1 + random.below(most))
        .map(|_| random.pick(&SYMBOLS))
        .collect()
}

fn flag(random: &mut Random) -> bool {
    random.one_in(2)
}

fn precompiled(random: &mut Random) -> Value {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for _ in 0..1 + random.below(6) {
        let from = match random.below(4) {
            0 => format!(" {}", random.pick(&SYMBOLS)),
            1 => format!("{} ", random.pick(&["\u{600}", "\u{110bd}", "a", "\r"])),
            2 => random
                .pick(&["\n", "\t", "\r\n", "\u{1}", "a", "\u{301}"])
                .to_string(),
            _ => string(random, 2),
        };
        let to = match random.below(3) {
            0 => random
                .pick(&["", " ", "\u{2028}", "\u{3000}", "\u{a0}", "\n"])
                .to_string(),
            1 => string(random, 1),
            _ => string(random, 2),
        };
        if !pairs.iter().any(|(other, _)| *other == from) {
            pairs.push((from, to));
        }
    }
    json!({ "type": "Precompiled", "precompiled_charsmap": charsmap(&pairs) })
}

fn normalizer(random: &mut Random) -> Value {
    match random.below(12) {
        0 | 1 => {
            json!({ "type": "BertNormalizer", "clean_text": flag(random), "handle_chinese_chars": flag(random),
            "strip_accents": flag(random), "lowercase": flag(random) })
        }
        2 | 3 => {
            // No blank in the literal, or a character that a blank may have become.
            let from = match random.below(3) {
                0 => format!("{}a", random.pick(&["\u{2028}", "\u{3000}", "\u{a0}", "\n"])),
                1 => random
                    .pick(&["a", "b", "▁", "\u{2028}", "\n", "\u{301}", "ab"])
                    .to_string(),
                _ => string(random, 2),
            };
            let to = if random.one_in(3) {
                String::new()
            } else {
                string(random, 2)
            };
            json!({ "type": "Replace", "pattern": { "String": from }, "content": to })
        }
        4 => json!({ "type": "Strip", "strip_left": flag(random), "strip_right": flag(random) }),
        5 if random.one_in(3) => json!({ "type": "Prepend", "prepend": string(random, 2) }),
        _ => {
            json!({ "type": random.pick(&["NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Nmt", "StripAccents"]) })
        }
    }
}

fn normalizers(random: &mut Random) -> Value {
    let mut list = Vec::new();
    if random.one_in(3) {
        list.push(precompiled(random));
    }
    for _ in 0..random.below(4) {
        list.push(normalizer(random));
    }
    json!({ "type": "Sequence", "normalizers": list })
}

const PATTERNS: [&str; 5] = [
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    " {2,}",
];

fn metaspace(random: &mut Random, mark: &str) -> Value {
    json!({ "type": "Metaspace", "replacement": mark, "split": !random.one_in(5),
        "prepend_scheme": random.pick(&["always", "first", "first", "never"]) })
}

fn byte_level(random: &mut Random) -> Value {
    json!({ "type": "ByteLevel", "add_prefix_space": flag(random), "trim_offsets": true, "use_regex": flag(random) })
}

fn split(random: &mut Random) -> Value {
    let behavior = random.pick(&[
        "Removed",
        "Removed",
        "Isolated",
        "Isolated",
        "MergedWithPrevious",
        "MergedWithNext",
        "Contiguous",
    ]);
    let pattern = match random.one_in(4) {
        true => json!({ "String": random.pick(&[" ", "▁", "a", "\n"]) }),
        false => json!({ "Regex": random.pick(&PATTERNS) }),
    };
    json!({ "type": "Split", "pattern": pattern, "behavior": behavior, "invert": flag(random) })
}

fn pre_tokenizers(random: &mut Random) -> Value {
    let mut list = Vec::new();
    for at in 0..1 + random.below(3) {
        list.push(match random.below(if at == 0 { 9 } else { 12 }) {
            0 | 1 => metaspace(random, "▁"),
            2 => {
                let mark = random.pick(&["_", "a", " ", "\n", "\u{a0}"]);
                metaspace(random, mark)
            }
            3 => byte_level(random),
            4 | 5 => split(random),
            6 => json!({ "type": "WhitespaceSplit" }),
            7 => json!({ "type": "Whitespace" }),
            8 => json!({ "type": "BertPreTokenizer" }),
            9 => json!({ "type": "Digits", "individual_digits": flag(random) }),
            _ => json!({ "type": "Punctuation", "behavior": random.pick(&["Isolated", "Removed", "Contiguous"]) }),
        });
    }
    json!({ "type": "Sequence", "pretokenizers": list })
}

fn added_tokens(random: &mut Random) -> Value {
    let mut list = Vec::new();
    for _ in 0..if random.one_in(2) { 0 } else { 1 + random.below(3) } {
        let content = match random.below(4) {
            0 => random
                .pick(&["<x>", "aa", "\u{2028}", "a\u{2028}", "a\u{a0}b", "\u{3000}b"])
                .to_string(),
            _ => string(random, 2),
        };
        list.push(
            json!({ "id": 0, "content": content, "single_word": random.one_in(3), "lstrip": random.one_in(3),
            "rstrip": random.one_in(3), "normalized": flag(random), "special": flag(random) }),
        );
    }
    json!(list)
}

/// The ids of WordPiece say where pieces begin.
fn model(random: &mut Random) -> Value {
    let mut tokens: Vec<String> = vec!["<unk>".into()];
    let characters: Vec<char> = SYMBOLS.iter().flat_map(|symbol| symbol.chars()).collect();
    let characters = characters
        .into_iter()
        .chain((0x21..0x180).filter_map(char::from_u32));
    for character in characters.chain(['f', 'i', 'e', 'ĸ']) {
        tokens.push(character.to_string());
        tokens.push(format!("##{character}"));
    }
    tokens.extend(["▁a", "ab", "a ", " a", "\na", "a▁", "aa", "##ab", "##▁a", "b1"].map(String::from));
    let mut vocabulary = Map::new();
    for token in tokens {
        let id = vocabulary.len();
        vocabulary.entry(token).or_insert(json!(id));
    }
    match random.below(8) {
        0 => json!({ "type": "WordLevel", "unk_token": "<unk>", "vocab": vocabulary }),
        1 => {
            let pieces: Vec<Value> = vocabulary
                .iter()
                .map(|(token, id)| json!([token, id.as_f64()]))
                .collect();
            json!({ "type": "Unigram", "unk_id": 0, "vocab": pieces })
        }
        _ => json!({ "type": "WordPiece", "unk_token": "<unk>", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 1000, "vocab": vocabulary }),
    }
}

fn file(random: &mut Random) -> Value {
    let mut file = json!({ "version": "1.0", "added_tokens": added_tokens(random), "normalizer": normalizers(random),
        "pre_tokenizer": pre_tokenizers(random), "model": model(random) });
    if random.one_in(3) {
        file["truncation"] = json!({ "direction": random.pick(&["Left", "Right"]), "max_length": random.below(8),
            "strategy": "LongestFirst", "stride": 0 });
    }
    file
}

fn without_vocabulary(mut file: Value) -> Value {
    if let Some(model) = file["model"].as_object_mut() {
        model.remove("vocab");
    }
    file
}

#[test]
fn an_added_token_takes_white_space_that_has_enough_ids_without_it() {
    for count in 1..40 {
        let file = json!({
            "version": "1.0",
            "truncation": { "direction": "Right", "max_length": count + 1, "strategy": "LongestFirst", "stride": 0 },
            "added_tokens": [{ "id": 9, "content": "<m>", "single_word": false, "lstrip": true, "rstrip": false,
                "normalized": false, "special": true }],
            "pre_tokenizer": { "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true },
            "model": { "type": "WordLevel", "vocab": { "<unk>": 0, "▁a": 1, "▁": 2 }, "unk_token": "<unk>" },
        });
        let Loaded::Both(mut pair) = Pair::load(&file.to_string()) else {
            panic!("is not read: {file}");
        };
        assert!(pair.has_memo());
        // The last blanks belong to the token; without it they have an id of their own.
        let text = format!("{} <m> a", "a ".repeat(count));
        assert_eq!(pair.encode(&text, false), Ok(()));
    }
}

#[test]
fn a_memo_changes_no_id() {
    silence_reference();
    let variable = |name: &str, default: usize| {
        let value = std::env::var(name).ok();
        value.and_then(|value| value.parse().ok()).unwrap_or(default)
    };
    let seed = variable("TOKENBED_SEED", std::process::id() as usize) as u64;
    let wanted = variable("TOKENBED_TEXTS", 40_000);
    println!("seed {seed}");
    let (mut texts, mut files, mut round) = (0, 0, 0);
    let mut wrong = Vec::new();
    while texts < wanted && wrong.len() < 5 {
        let mut random = Random(seed.wrapping_add(round << 32));
        round += 1;
        let file = file(&mut random);
        let mut pair = match Pair::load(&file.to_string()) {
            Loaded::Both(pair) => pair,
            Loaded::Neither(_) => continue,
            Loaded::Reference(rule) => {
                expect_refusal(&rule, &file.to_string());
                continue;
            }
        };
        // Without a memo there is nothing to compare, but now and then.
        if !pair.has_memo() && round % 16 != 0 {
            continue;
        }
        files += 1;
        for _ in 0..100 {
            let text = string(&mut random, 14);
            let first = random.one_in(4).then(|| random.below(12));
            let result = pair.encode(&text, false);
            if let Err(error) = result.and_then(|()| pair.encode_first(&text, first, random.one_in(2))) {
                wrong.push(format!(
                    "round {}: {error}\n{}",
                    round - 1,
                    without_vocabulary(file)
                ));
                break;
            }
        }
        texts += pair.texts;
    }
    println!("{texts} texts, {files} files");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
