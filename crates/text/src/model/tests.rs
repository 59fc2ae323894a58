//! Models against the reference: random vocabularies over small alphabets, so that tokens, merges and scores collide.

use std::fmt::Write;
use std::str::FromStr;

use tokenbed_formats::json::Reader;
use tokenizers::Model as _;

use super::{unigram, Model, Scratch};
use crate::fields::Fields;

/// Random numbers: splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    /// Up to `longest` characters of an alphabet.
    fn word(&mut self, alphabet: &[&str], longest: usize) -> String {
        let length = 1 + self.below(longest);
        (0..length).map(|_| self.pick(alphabet)).collect()
    }
}

const ALPHABETS: [&[&str]; 4] = [
    &["a", "b"],
    &["a", "b", "c", "é", "▁"],
    &["a", "#", "<", "0", "x", "é", "語", "😀", "\u{0}"],
    &["a", "b", "c", "d", "e", "Ġ", "ÿ", "ſ"],
];

fn quoted(text: &str) -> String {
    let mut out = String::new();
    tokenbed_formats::json::write_string(&mut out, text);
    out
}

fn read(model: &str) -> Result<Model, crate::Error> {
    let mut reader = Reader::new(model.as_bytes(), 0)?;
    Model::read(Fields::read(&mut reader, "model")?)
}

fn reference(model: &str) -> Option<tokenizers::Tokenizer> {
    let json = format!(r#"{{"version":"1.0","model":{model}}}"#);
    // Some malformed merges make it panic.
    std::panic::catch_unwind(|| tokenizers::Tokenizer::from_str(&json).ok()).ok()?
}

/// What was compared.
#[derive(Default)]
struct Counts {
    models: usize,
    refused: usize,
    pieces: usize,
    errors: usize,
    ids: usize,
}

/// Reads a model twice and compares the ids of pieces.
fn compare(json: &str, pieces: &[String], counts: &mut Counts) {
    let expected = reference(json);
    let model = match (read(json), &expected) {
        (Ok(model), Some(_)) => model,
        (Err(_), None) => {
            counts.refused += 1;
            return;
        }
        // Without a type the reference goes on to WordLevel if the merges are wrong.
        (Err(_), Some(_)) if !json.contains("\"type\"") && json.contains("merges") => {
            counts.refused += 1;
            return;
        }
        (found, _) => panic!("{json}: {:?}, reference {}", found.map(drop), expected.is_some()),
    };
    let expected = expected.unwrap();
    let expected = expected.get_model();
    counts.models += 1;
    assert_eq!(model.size(), expected.get_vocab_size(), "{json}");
    let vocabulary = expected.get_vocab();
    assert_eq!(model.tokens().count(), vocabulary.len(), "{json}");
    let mut bound = vocabulary.values().max().map_or(0, |&id| id as u64 + 1);
    if json.contains("Unigram") {
        bound = model.size() as u64;
    }
    assert_eq!(model.bound(), bound, "{json}");
    for (token, &id) in &vocabulary {
        assert_eq!(model.token_to_id(token), Some(id), "{json}");
        let several = vocabulary.values().filter(|other| **other == id).count() > 1;
        if !several {
            assert_eq!(model.id_to_token(id), Some(token.as_str()), "{json}");
        }
    }
    let mut scratch = Scratch::default();
    // Twice, since some results are kept.
    for piece in pieces.iter().chain(pieces) {
        let mut ids = vec![7];
        let result = model.encode(piece, &mut scratch, &mut ids);
        counts.pieces += 1;
        match expected.tokenize(piece) {
            Ok(tokens) => {
                let tokens: Vec<u32> = tokens.iter().map(|token| token.id).collect();
                assert!(result.is_ok(), "{json}: {piece:?}");
                assert_eq!(ids[1..], tokens, "{json}: {piece:?}");
                counts.ids += tokens.len();
            }
            Err(_) => {
                assert!(result.is_err(), "{json}: {piece:?}");
                assert_eq!(ids, [7], "{json}: {piece:?}");
                counts.errors += 1;
            }
        }
    }
}

fn pieces(random: &mut Random, alphabet: &[&str], tokens: &[String]) -> Vec<String> {
    let mut list: Vec<String> = (0..30)
        .map(|at| random.word(alphabet, if at % 10 == 0 { 150 } else { 12 }))
        .collect();
    for _ in 0..10 {
        let mut piece = String::new();
        for _ in 0..1 + random.below(4) {
            if let (Some(token), false) = (tokens.get(random.below(tokens.len().max(1))), random.chance(4)) {
                piece.push_str(token);
            } else {
                piece.push_str(&random.word(&["z", "é", "日", "a"], 2));
            }
        }
        if !piece.is_empty() {
            list.push(piece);
        }
    }
    list
}

/// Distinct tokens.
fn distinct(random: &mut Random, alphabet: &[&str], count: usize, prefix: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    for _ in 0..count {
        let mut token = random.word(alphabet, 5);
        if random.chance(2) {
            token.insert_str(0, prefix);
        }
        if random.chance(60) {
            token.clear();
        }
        if !tokens.contains(&token) {
            tokens.push(token);
        }
    }
    tokens
}

/// An object of tokens with ids that ascend, descend, have holes, or are shared.
fn object(random: &mut Random, tokens: &[String]) -> String {
    let kind = random.below(4);
    let entries: Vec<String> = (0..)
        .zip(tokens)
        .map(|(at, token)| {
            let id = match kind {
                0 => at,
                1 => tokens.len() - at,
                2 => at * 1_000_003 % 4_000_000_007,
                _ => random.below(tokens.len()),
            };
            format!("{}:{id}", quoted(token))
        })
        .collect();
    format!("{{{}}}", entries.join(","))
}

const MODELS: usize = 2_000;

fn run(seed: u64, generate: impl Fn(&mut Random, &'static [&'static str]) -> (String, Vec<String>)) {
    let seed = std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(seed);
    let models = std::env::var("MODELS").ok().and_then(|count| count.parse().ok());
    let mut random = Random(seed);
    let mut counts = Counts::default();
    for _ in 0..models.unwrap_or(MODELS) {
        let alphabet = ALPHABETS[random.below(ALPHABETS.len())];
        let (json, tokens) = generate(&mut random, alphabet);
        let list = pieces(&mut random, alphabet, &tokens);
        compare(&json, &list, &mut counts);
    }
    println!(
        "seed {seed}: {} models, {} refused by both, {} pieces, {} of them errors, {} ids",
        counts.models, counts.refused, counts.pieces, counts.errors, counts.ids
    );
    assert!(counts.models > counts.refused);
}

#[test]
fn word_pieces_are_those_of_the_reference() {
    run(1, |random, alphabet| {
        let prefix = random.pick(&["##", "", "a", "é"]);
        let count = 1 + random.below(40);
        let mut tokens = distinct(random, alphabet, count, prefix);
        tokens.extend(random.chance(2).then(|| "[UNK]".to_string()));
        let json = format!(
            r####"{{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"{prefix}",
"max_input_chars_per_word":{},"vocab":{}}}"####,
            random.pick(&["100", "5", "0", "1000000000", "18446744073709551615"]),
            object(random, &tokens)
        );
        let json = if random.chance(10) {
            json.replace(r#""type":"WordPiece","#, "")
        } else {
            json
        };
        (json, tokens)
    });
}

#[test]
fn word_levels_are_those_of_the_reference() {
    run(2, |random, alphabet| {
        let count = 1 + random.below(40);
        let mut tokens = distinct(random, alphabet, count, "");
        tokens.extend(random.chance(2).then(|| "[UNK]".to_string()));
        let kind = random.pick(&[r#""type":"WordLevel","#, r#""type":"WordLevel","#, ""]);
        let json = format!(
            r#"{{{kind}"unk_token":"[UNK]","vocab":{}}}"#,
            object(random, &tokens)
        );
        (json, tokens)
    });
}

fn score(random: &mut Random) -> String {
    match random.below(6) {
        0 => format!("-{}", random.below(3)),
        1 => format!("-{}.5", random.below(3)),
        2 => random.below(3).to_string(),
        3 => format!(
            "-{}.{:017}",
            random.below(12),
            random.next() % 100_000_000_000_000_000
        ),
        4 => format!("{}e-{}", random.next(), random.below(25)),
        _ => format!("-{:?}", random.next() as f64 / u64::MAX as f64 * 12.0),
    }
}

#[test]
fn unigrams_are_those_of_the_reference() {
    run(3, |random, alphabet| {
        let count = random.below(30);
        let mut tokens = distinct(random, alphabet, count, "");
        if random.chance(2) {
            // All characters, so that less is unknown.
            tokens.extend(alphabet.iter().map(|character| character.to_string()));
        }
        for text in ["é", "語", "😀", "zé"] {
            if random.chance(3) {
                tokens.extend(text.bytes().map(|byte| format!("<0x{byte:02X}>")));
            }
        }
        tokens.insert(random.below(tokens.len() + 1), "<unk>".to_string());
        if random.chance(3) {
            tokens.push(tokens[random.below(tokens.len())].clone());
        }
        let pieces: Vec<String> = tokens
            .iter()
            .map(|token| format!("[{},{}]", quoted(token), score(random)))
            .collect();
        let mut json = format!(r#"{{"type":"Unigram","vocab":[{}]"#, pieces.join(","));
        if !random.chance(4) {
            let unknown = match random.chance(4) {
                true => random.below(tokens.len() + 1),
                false => tokens.iter().position(|token| token == "<unk>").unwrap(),
            };
            write!(json, r#","unk_id":{unknown}"#).unwrap();
        }
        json.push_str(random.pick(&["", r#","byte_fallback":true"#, r#","byte_fallback":false"#]));
        json.push('}');
        (json, tokens)
    });
}

/// Longer than what Unigram keeps before it writes a path.
#[test]
fn long_unigrams_are_those_of_the_reference() {
    let mut random = Random(5);
    let mut counts = Counts::default();
    for round in 0..16 {
        let alphabet = ALPHABETS[random.below(ALPHABETS.len())];
        let mut tokens = distinct(&mut random, alphabet, 6, "");
        // Two long ones, so that some paths do not meet for long, and in half of the rounds all characters.
        tokens.push(alphabet[0].repeat(1 + random.below(500)));
        tokens.push(alphabet[1].repeat(1 + random.below(500)));
        if round % 2 == 0 {
            tokens.extend(alphabet.iter().map(|character| character.to_string()));
        }
        tokens.extend(["<unk>", "<0x61>", "<0x62>"].map(String::from));
        let pieces: Vec<String> = tokens
            .iter()
            .map(|token| format!("[{},{}]", quoted(token), score(&mut random)))
            .collect();
        let fallback = ["", r#","byte_fallback":true"#][random.below(2)];
        let unknown = match random.chance(6) {
            true => String::new(),
            false => format!(r#","unk_id":{}"#, random.below(tokens.len())),
        };
        let json = format!(
            r#"{{"type":"Unigram","vocab":[{}]{unknown}{fallback}}}"#,
            pieces.join(",")
        );
        let list: Vec<String> = (0..4)
            .map(|_| {
                let mut piece = String::new();
                let length = 3000 + random.below(12_000);
                while piece.len() < length {
                    match random.below(40) {
                        0 => piece.push_str(&alphabet[random.below(2)].repeat(random.below(500))),
                        1 => piece.push_str(&tokens[random.below(tokens.len())]),
                        _ => piece.push_str(random.pick(alphabet)),
                    }
                }
                piece
            })
            .collect();
        compare(&json, &list, &mut counts);
    }
    println!(
        "{} models, {} errors, {} ids",
        counts.models, counts.errors, counts.ids
    );
    assert!(counts.ids > 100_000);
}

#[test]
fn pair_encodings_are_those_of_the_reference() {
    run(4, |random, alphabet| {
        let prefix = random.pick(&["", "", "", "##", "a"]);
        let suffix = random.pick(&["", "", "", "</w>", "b"]);
        let mut tokens: Vec<String> = Vec::new();
        let add = |tokens: &mut Vec<String>, token: String| {
            if !tokens.contains(&token) {
                tokens.push(token);
            }
        };
        for character in alphabet {
            for (prefix, suffix) in [("", ""), (prefix, ""), ("", suffix), (prefix, suffix)] {
                if !random.chance(8) {
                    add(&mut tokens, format!("{prefix}{character}{suffix}"));
                }
            }
        }
        if random.chance(10) {
            add(&mut tokens, String::new());
        }
        for text in ["é", "語", "😀", "zé#</w>"] {
            if random.chance(3) {
                for byte in text.bytes() {
                    add(&mut tokens, format!("<0x{byte:02X}>"));
                }
            }
        }
        if !random.chance(4) {
            add(&mut tokens, "<unk>".to_string());
        }
        let mut merges: Vec<(String, String)> = Vec::new();
        for _ in 0..random.below(30) {
            if tokens.is_empty() {
                break;
            }
            let left = tokens[random.below(tokens.len())].clone();
            let right = tokens[random.below(tokens.len())].clone();
            if left.len() + right.len() > 60 {
                continue;
            }
            let made = right.get(prefix.len()..).map(|rest| format!("{left}{rest}"));
            match made {
                Some(made) => add(&mut tokens, made),
                None if random.chance(20) => {}
                None => continue,
            }
            merges.push((left, right));
        }
        // Ranks that do not follow the order in which tokens were made.
        for _ in 0..merges.len() {
            let (a, b) = (random.below(merges.len()), random.below(merges.len()));
            merges.swap(a, b);
        }
        if random.chance(100) && !tokens.is_empty() {
            let lost = random.below(tokens.len());
            tokens.remove(lost);
        }
        let strings = random.chance(2) && !merges.iter().any(|(a, b)| a.contains(' ') || b.contains(' '));
        let mut list: Vec<String> = merges
            .iter()
            .map(|(left, right)| match strings {
                true => quoted(&format!("{left} {right}")),
                false => format!("[{},{}]", quoted(left), quoted(right)),
            })
            .collect();
        if strings && random.chance(5) {
            list.insert(0, quoted("#version: 0.2"));
        }
        let mut json = format!(
            r#"{{"type":"BPE","vocab":{},"merges":[{}]"#,
            object(random, &tokens),
            list.join(",")
        );
        json.push_str(random.pick(&["", r#","dropout":null"#, r#","dropout":0.0"#, r#","dropout":0"#]));
        json.push_str(random.pick(&[
            "",
            r#","unk_token":null"#,
            r#","unk_token":"<unk>""#,
            r#","unk_token":"<unk>""#,
        ]));
        for name in ["fuse_unk", "byte_fallback", "ignore_merges"] {
            let value = random.pick(&["null", "true", "false", "true"]);
            write!(json, r#","{name}":{value}"#).unwrap();
        }
        if !prefix.is_empty() {
            write!(json, r#","continuing_subword_prefix":{}"#, quoted(prefix)).unwrap();
        }
        if !suffix.is_empty() {
            write!(json, r#","end_of_word_suffix":{}"#, quoted(suffix)).unwrap();
        }
        json.push('}');
        let json = if random.chance(10) {
            json.replace(r#""type":"BPE","#, "")
        } else {
            json
        };
        (json, tokens)
    });
}

#[test]
fn merges_that_make_equal_ids_are_those_of_the_reference() {
    run(6, |random, _| {
        let alphabet = &["a", "b", "c"][..2 + random.below(2)];
        let mut tokens: Vec<String> = alphabet.iter().map(|character| character.to_string()).collect();
        if random.chance(2) {
            tokens.push(String::new());
        }
        let mut merges = Vec::new();
        for _ in 0..5 + random.below(40) {
            let left = tokens[random.below(tokens.len())].clone();
            let right = tokens[random.below(tokens.len())].clone();
            let made = format!("{left}{right}");
            if made.len() > 6 {
                continue;
            }
            if !tokens.contains(&made) {
                tokens.push(made);
            }
            merges.insert(
                random.below(merges.len() + 1),
                format!("[{},{}]", quoted(&left), quoted(&right)),
            );
        }
        // Few ids, so that tokens share them.
        let bound = if random.chance(2) {
            tokens.len()
        } else {
            2 + tokens.len() / 2
        };
        let distinct = random.chance(3);
        let entries: Vec<String> = (0..)
            .zip(&tokens)
            .map(|(at, token)| {
                let id = if distinct { at } else { random.below(bound) };
                format!("{}:{id}", quoted(token))
            })
            .collect();
        let json = format!(
            r#"{{"type":"BPE","vocab":{{{}}},"merges":[{}]}}"#,
            entries.join(","),
            merges.join(",")
        );
        (json, tokens)
    });
}

#[test]
fn what_the_reference_refuses_is_refused() {
    let models = [
        r#"{}"#,
        r#"{"type":"Other","vocab":{}}"#,
        r#"{"type":null,"vocab":{"a":0},"unk_token":"a"}"#,
        r#"{"type":1,"vocab":{"a":0},"unk_token":"a"}"#,
        r#"{"type":"WordLevel","vocab":{"a":0}}"#,
        r#"{"type":"WordLevel","unk_token":"a"}"#,
        r#"{"type":"WordLevel","vocab":{"a":0},"unk_token":null}"#,
        r#"{"type":"WordLevel","vocab":{"a":0},"unk_token":1}"#,
        r#"{"type":"WordLevel","vocab":null,"unk_token":"a"}"#,
        r#"{"type":"WordLevel","vocab":[],"unk_token":"a"}"#,
        r#"{"type":"WordLevel","vocab":{"a":-1},"unk_token":"a"}"#,
        r#"{"type":"WordLevel","vocab":{"a":-0},"unk_token":"a"}"#,
        r#"{"type":"WordLevel","vocab":{"a":1.0},"unk_token":"a"}"#,
        r#"{"type":"WordLevel","vocab":{"a":1e0},"unk_token":"a"}"#,
        r#"{"type":"WordLevel","vocab":{"a":4294967296},"unk_token":"a"}"#,
        r#"{"type":"WordLevel","vocab":{"a":"1"},"unk_token":"a"}"#,
        r#"{"type":"WordLevel","vocab":{"a":null},"unk_token":"a"}"#,
        r#"{"type":"WordPiece","vocab":{"a":0},"unk_token":"a","continuing_subword_prefix":""}"#,
        r#"{"type":"WordPiece","vocab":{"a":0},"unk_token":"a","max_input_chars_per_word":1}"#,
        r#"{"type":"WordPiece","vocab":{"a":0},"unk_token":"a","continuing_subword_prefix":"",
"max_input_chars_per_word":-1}"#,
        r#"{"type":"WordPiece","vocab":{"a":0},"unk_token":"a","continuing_subword_prefix":"",
"max_input_chars_per_word":1.5}"#,
        r#"{"type":"WordPiece","vocab":{"a":0},"unk_token":"a","continuing_subword_prefix":null,
"max_input_chars_per_word":1}"#,
        r#"{"type":"Unigram"}"#,
        r#"{"type":"Unigram","vocab":null}"#,
        r#"{"type":"Unigram","vocab":{}}"#,
        r#"{"type":"Unigram","vocab":[],"unk_id":0}"#,
        r#"{"type":"Unigram","vocab":[["a",0]],"unk_id":1}"#,
        r#"{"type":"Unigram","vocab":[["a",0]],"unk_id":-1}"#,
        r#"{"type":"Unigram","vocab":[["a",0]],"unk_id":"a"}"#,
        r#"{"type":"Unigram","vocab":[["a",0]],"unk_id":18446744073709551615}"#,
        r#"{"type":"Unigram","vocab":[["a",0]],"byte_fallback":null}"#,
        r#"{"type":"Unigram","vocab":[["a",0]],"byte_fallback":1}"#,
        r#"{"type":"Unigram","vocab":[["a"]]}"#,
        r#"{"type":"Unigram","vocab":[["a",0,1]]}"#,
        r#"{"type":"Unigram","vocab":[["a","0"]]}"#,
        r#"{"type":"Unigram","vocab":[["a",null]]}"#,
        r#"{"type":"Unigram","vocab":[["a",1e309]]}"#,
        r#"{"type":"Unigram","vocab":[["a",-1e309]]}"#,
        r#"{"type":"Unigram","vocab":[["a",NaN]]}"#,
        r#"{"type":"Unigram","vocab":[[0,0]]}"#,
        r#"{"type":"Unigram","vocab":["a",0]}"#,
        r#"{"type":"BPE","vocab":{"a":0}}"#,
        r#"{"type":"BPE","merges":[]}"#,
        r#"{"type":"BPE","vocab":{"a":0},"merges":null}"#,
        r#"{"type":"BPE","vocab":{"a":0},"merges":{}}"#,
        r#"{"type":"BPE","vocab":{"a":0},"merges":["a a"]}"#,
        r#"{"type":"BPE","vocab":{"a":0,"aa":1},"merges":["a b"]}"#,
        r#"{"type":"BPE","vocab":{"a":0,"aa":1},"merges":["b a"]}"#,
        r#"{"type":"BPE","vocab":{"a":0,"aa":1},"merges":["aa"]}"#,
        r#"{"type":"BPE","vocab":{"a":0,"aa":1},"merges":["a a a"]}"#,
        r#"{"type":"BPE","vocab":{"a":0,"aa":1},"merges":["a a",["a","a"]]}"#,
        r#"{"type":"BPE","vocab":{"a":0,"aa":1},"merges":[["a","a","a"]]}"#,
        r#"{"type":"BPE","vocab":{"a":0,"aa":1},"merges":[["a"]]}"#,
        r#"{"type":"BPE","vocab":{"a":0,"aa":1},"merges":[1]}"#,
        r#"{"type":"BPE","vocab":{"a":0,"aa":1},"merges":[["a",1]]}"#,
        r#"{"type":"BPE","vocab":{"a":0,"aa":1},"merges":[["a","a"]],"continuing_subword_prefix":"bb"}"#,
        r#"{"type":"BPE","vocab":{"a":0},"merges":[],"fuse_unk":0}"#,
        r#"{"type":"BPE","vocab":{"a":0},"merges":[],"unk_token":0}"#,
        r#"{"type":"BPE","vocab":{"a":0},"merges":[],"dropout":2}"#,
        r#"{"type":"BPE","vocab":{"a":0},"merges":[],"dropout":"0"}"#,
        r#"{"vocab":{"a":0}}"#,
        r#"{"vocab":{"a":0},"unk_token":1}"#,
        r#"{"merges":[]}"#,
    ];
    for model in models {
        assert!(reference(model).is_none(), "{model}");
        let error = read(model).expect_err(model);
        println!("{}: {}", error.rule, model);
    }
    // The reference reads these.
    assert!(read(r#"{"type":"BPE","vocab":{"a":0},"merges":[],"dropout":0.5}"#).is_err());
    assert!(read(r#"{"type":"BPE","vocab":{"a":0},"merges":[],"dropout":-0.0}"#).is_ok());
}

#[test]
fn the_greatest_id_takes_no_memory() {
    let json =
        r#"{"type":"WordLevel","vocab":{"a":4294967295,"b":3000000000,"c":3000000000},"unk_token":"a"}"#;
    let model = read(json).unwrap();
    assert_eq!(model.id_to_token(3_000_000_000), Some("c"));
    assert_eq!(model.id_to_token(u32::MAX), Some("a"));
    assert_eq!(model.id_to_token(0), None);
    assert_eq!(model.bound(), 1 << 32);
    compare(
        r#"{"type":"WordLevel","vocab":{"a":4294967295},"unk_token":"b"}"#,
        &["a".into(), "b".into()],
        &mut Counts::default(),
    );
}

#[test]
fn scores_are_those_of_the_reference() {
    let mut random = Random(5);
    let list = "0 -0 0.0 -0.0 1e-400 0e999999999999 5e-324 2.5e-324 1e-323 2.2250738585072011e-308 \
1.7976931348623157e308 18446744073709551615 18446744073709551616 18446744073709551619.5 18446744073709551616.5e3 \
184467440737095516150.25 -9223372036854775809 \
123456789012345678901234567890.123456789e-20 0.00000000000000000000000000000001e32 \
1E+2 1e308 0.1e309 1e-308 123e-330 1e22 1e23";
    let mut numbers: Vec<String> = list.split(' ').map(String::from).collect();
    for _ in 0..20_000 {
        let digits: String = (0..1 + random.below(40))
            .map(|_| (b'0' + random.below(10) as u8) as char)
            .collect();
        let whole = random.pick(&["0", "", "-", "-0"]);
        numbers.push(match random.below(3) {
            0 => format!("{}0.{digits}", whole.trim_end_matches('0')),
            1 => format!("-1{digits}.{}", random.next()),
            _ => format!("1{digits}.{}e-{}", random.next(), random.below(330)),
        });
    }
    let pieces: Vec<String> = numbers
        .iter()
        .map(|number| format!(r#"["a",{number}]"#))
        .collect();
    let json = format!(r#"{{"type":"Unigram","vocab":[{}]}}"#, pieces.join(","));
    let reference = reference(&json).unwrap();
    let tokenizers::ModelWrapper::Unigram(model) = reference.get_model() else {
        panic!();
    };
    let mut others = 0;
    for (text, (_, expected)) in numbers.iter().zip(model.iter()) {
        let found = unigram::number(text).unwrap();
        assert_eq!(found.to_bits(), expected.to_bits(), "{text}");
        others += (found != text.parse::<f64>().unwrap()) as usize;
    }
    println!("{} scores, {others} of them not the nearest f64", numbers.len());
    for beyond in [
        "1e309",
        "1.8e308",
        "179769313486231590000e290",
        "1e99999999999999999999",
    ] {
        assert_eq!(unigram::number(beyond), None, "{beyond}");
    }
}

#[test]
fn long_words_are_fast() {
    let characters = ["a", "\u{301}"];
    let mut models = vec![
        r####"{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##",
"max_input_chars_per_word":1000000000,"vocab":{"[UNK]":0,"a":1,"##a":2,"##aa":3,"##aaaaaaaa":4}}"####
            .to_string(),
    ];
    let mut vocabulary: Vec<String> = characters.iter().map(|character| character.to_string()).collect();
    let mut merges = Vec::new();
    for character in characters {
        let mut token = character.to_string();
        for _ in 0..8 {
            merges.push(format!("[{0},{0}]", quoted(&token)));
            token = token.repeat(2);
            vocabulary.push(token.clone());
        }
    }
    let ids: Vec<String> = (0..)
        .zip(&vocabulary)
        .map(|(id, token)| format!("{}:{id}", quoted(token)))
        .collect();
    models.push(format!(
        r#"{{"type":"BPE","vocab":{{{}}},"merges":[{}]}}"#,
        ids.join(","),
        merges.join(",")
    ));
    let scores: Vec<String> = (0..)
        .zip(&vocabulary)
        .map(|(id, token)| format!("[{},{}]", quoted(token), -1.0 - 0.01 * id as f64))
        .collect();
    models.push(format!(
        r#"{{"type":"Unigram","unk_id":0,"vocab":[{}]}}"#,
        scores.join(",")
    ));
    for json in models {
        let model = read(&json).unwrap();
        for character in characters {
            let text = character.repeat(2_000_000 / character.len());
            let start = std::time::Instant::now();
            model
                .encode(&text, &mut Scratch::default(), &mut Vec::new())
                .unwrap();
            let seconds = start.elapsed().as_secs_f64();
            println!("{} {character:?}: {seconds:.3} s", &json[..18]);
            // It takes 0.1 to 1.5 s; the rest is for machines that do other work.
            assert!(seconds < 20.0);
        }
    }
}
