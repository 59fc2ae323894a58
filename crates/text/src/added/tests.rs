//! Added tokens against those of the reference.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::str::FromStr;

use tokenbed_formats::json::write_string;
use tokenizers::{Model as _, NormalizedString, Normalizer as _, OffsetReferential, OffsetType, Tokenizer};

use super::*;

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound
    }

    fn text(&mut self, symbols: &[&str], length: usize) -> String {
        let length = self.below(length + 1);
        (0..length).map(|_| symbols[self.below(symbols.len())]).collect()
    }
}

fn token(content: &str, flags: usize) -> String {
    let mut out = r#"{"id":7,"content":"#.to_string();
    write_string(&mut out, content);
    for (bit, name) in ["single_word", "lstrip", "rstrip", "normalized", "special"]
        .iter()
        .enumerate()
    {
        out.push_str(&format!(r#","{name}":{}"#, flags >> bit & 1 == 1));
    }
    out + "}"
}

fn file(normalizer: &str, vocabulary: &str, tokens: &[String]) -> String {
    format!(
        r#"{{"version":"1.0","normalizer":{normalizer},"added_tokens":[{}],
            "model":{{"type":"WordLevel","vocab":{vocabulary},"unk_token":"?"}}}}"#,
        tokens.join(",")
    )
}

fn normalize(tokenizer: &Tokenizer, text: &str) -> String {
    let mut text = NormalizedString::from(text);
    if let Some(normalizer) = tokenizer.get_normalizer() {
        normalizer.normalize(&mut text).unwrap();
    }
    text.get().to_string()
}

/// The added tokens of a file, with the normalizer and the model of the reference.
fn read(tokenizer: &Tokenizer, tokens: &[String]) -> Result<Added, Error> {
    let json = format!("[{}]", tokens.join(","));
    let model = tokenizer.get_model();
    Added::read_with(
        &mut Reader::new(json.as_bytes(), 0)?,
        model.get_vocab_size() as u32,
        &|token| model.token_to_id(token),
        &|text| normalize(tokenizer, text),
    )
}

/// Texts and ids, as the tokenizer takes them.
fn split(added: &Added, tokenizer: &Tokenizer, text: &str) -> Vec<(String, Option<u32>)> {
    let (mut raw, mut parts) = (Vec::new(), Vec::new());
    added.split_raw(text, &mut raw);
    assert_eq!(added.has_raw(text), !added.raw.find(text.as_bytes()).is_empty());
    for span in raw {
        let text = &text[span.range()];
        if span.id.is_some() {
            parts.push((text.to_string(), span.id));
            continue;
        }
        let text = normalize(tokenizer, text);
        let mut spans = Vec::new();
        added.split_normalized(&text, &mut spans);
        for span in spans {
            parts.push((text[span.range()].to_string(), span.id));
        }
    }
    parts
}

/// Compares the parts of a text. False if the reference panics, for it takes a part that ends before it starts.
fn compare(added: &Added, tokenizer: &Tokenizer, text: &str) -> bool {
    let ours = split(added, tokenizer, text);
    let theirs = catch_unwind(AssertUnwindSafe(|| {
        let vocabulary = tokenizer.get_added_vocabulary();
        let splits = vocabulary.extract_and_normalize(tokenizer.get_normalizer(), text);
        let splits = splits.get_splits(OffsetReferential::Original, OffsetType::Byte);
        let parts = splits.into_iter().map(|(text, _, tokens)| {
            let id = tokens.as_ref().map(|tokens| tokens[0].id);
            (text.to_string(), id)
        });
        parts.collect::<Vec<_>>()
    }));
    let Ok(mut theirs) = theirs else { return false };
    // A text that is empty as a whole is a part.
    theirs.retain(|part| !part.0.is_empty());
    assert_eq!(ours, theirs, "{text:?}");
    true
}

const NORMALIZERS: [&str; 6] = [
    "null",
    r#"{"type":"Lowercase"}"#,
    r#"{"type":"Strip","strip_left":true,"strip_right":true}"#,
    r#"{"type":"Prepend","prepend":"_"}"#,
    r#"{"type":"Replace","pattern":{"String":" "},"content":"_"}"#,
    r#"{"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"StripAccents"}]}"#,
];

#[test]
fn texts_are_split_as_by_the_reference() {
    let symbols = ["a", "A", "b", " ", "\t", "é", "_", "<", ">", "\u{a0}", "."];
    let mut random = Random(42);
    let (mut compared, mut panics, mut refused) = (0, 0, 0);
    for round in 0..3000 {
        let symbols = match random.below(3) {
            0 => &symbols[..],
            1 => &symbols[..4],
            _ => &symbols[2..5],
        };
        let tokens: Vec<String> = (0..1 + random.below(6))
            .map(|_| token(&random.text(symbols, 3), random.below(32)))
            .collect();
        let vocabulary = [r#"{"a":0,"b":5,"ab":2}"#, r#"{"a":3,"A":1,"?":0}"#, "{}"][random.below(3)];
        let normalizer = NORMALIZERS[random.below(NORMALIZERS.len())];
        let json = file(normalizer, vocabulary, &tokens);
        let tokenizer = Tokenizer::from_str(&json).unwrap();
        let added = match read(&tokenizer, &tokens) {
            Ok(added) => added,
            Err(error) => {
                assert!(error.rule.ends_with("normalized"), "{error:?}");
                refused += 1;
                continue;
            }
        };
        let vocabulary = tokenizer.get_added_vocabulary();
        for id in 0..20 {
            assert_eq!(
                added.id_to_token(id),
                vocabulary.simple_id_to_token(id).as_deref(),
                "{json}"
            );
        }
        for (content, &id) in vocabulary.get_vocab() {
            assert_eq!(added.token_to_id(content), Some(id), "{json}");
            assert_eq!(
                added.is_special(content),
                vocabulary.is_special_token(content),
                "{json}"
            );
        }
        assert_eq!(added.token_to_id("absent"), None);
        let mut theirs: Vec<_> = vocabulary.get_added_tokens_decoder().iter().collect();
        theirs.sort_by_key(|(&id, _)| id);
        let mut ours: Vec<_> = added.tokens().collect();
        ours.sort_by_key(|&(_, id)| id);
        assert!(ours.into_iter().eq(theirs
            .into_iter()
            .map(|(&id, token)| (token.content.as_str(), id))));
        for _ in 0..60 {
            let text = random.text(symbols, 12);
            match compare(&added, &tokenizer, &text) {
                true => compared += 1,
                false => panics += 1,
            }
        }
        assert!(round < 100 || compared > 0);
    }
    println!("{compared} texts, {panics} panics of the reference, {refused} files refused");
    assert!(refused < 600 && panics < compared / 20);
}

#[test]
fn characters_beside_tokens() {
    let tokens = [token("<x>", 1), token("<y>", 2 + 4), token("<Z>", 1 + 8)];
    let tokenizer = Tokenizer::from_str(&file("null", "{}", &tokens)).unwrap();
    let added = read(&tokenizer, &tokens).unwrap();
    for c in ('\0'..'\u{20000}').chain('\u{e0000}'..'\u{e0200}') {
        assert!(compare(
            &added,
            &tokenizer,
            &format!("a{c}<x>b<x>{c}<y>{c}{c}<y>{c}<Z>.<Z>{c}")
        ));
    }
}

#[test]
fn fields_are_required_as_by_the_reference() {
    let whole = token("a", 0);
    assert!(read(
        &Tokenizer::from_str(&file("null", "{}", &[])).unwrap(),
        std::slice::from_ref(&whole)
    )
    .is_ok());
    for (from, to) in [
        (r#""id":7,"#, ""),
        (r#""id":7,"#, r#""id":-1,"#),
        (r#""id":7,"#, r#""id":4294967296,"#),
        (r#""id":7,"#, r#""id":"7","#),
        (r#""content":"a","#, ""),
        (r#""content":"a","#, r#""content":null,"#),
        (r#","single_word":false"#, ""),
        (r#","lstrip":false"#, ""),
        (r#","lstrip":false"#, r#","lstrip":null"#),
        (r#","rstrip":false"#, ""),
        (r#","normalized":false"#, ""),
        (r#","special":false"#, ""),
        (r#","special":false"#, r#","special":0"#),
    ] {
        let tokens = [whole.replace(from, to)];
        assert_ne!(tokens[0], whole);
        assert!(
            Tokenizer::from_str(&file("null", "{}", &tokens)).is_err(),
            "{}",
            tokens[0]
        );
        let tokenizer = Tokenizer::from_str(&file("null", "{}", &[])).unwrap();
        let error = read(&tokenizer, &tokens).unwrap_err();
        println!("{}", error.rule);
    }
}

#[test]
fn what_the_reference_leaves_open_is_refused() {
    let refuse = |normalizer: &str, tokens: &[String]| {
        let tokenizer = Tokenizer::from_str(&file(normalizer, "{}", tokens)).unwrap();
        read(&tokenizer, tokens).unwrap_err().rule.clone()
    };
    assert_eq!(
        refuse(NORMALIZERS[1], &[token("A", 8), token("a", 8)]),
        "added_tokens has two tokens that are \"a\" when they are normalized"
    );
    assert_eq!(
        refuse(NORMALIZERS[2], &[token("  ", 8)]),
        "added_tokens has \"  \", which is empty when it is normalized"
    );
}

#[test]
fn long_tokens_take_linear_time() {
    let start = std::time::Instant::now();
    let long = "a".repeat(10_000);
    let tokens = [
        token(&format!("{long}b"), 0),
        token(&format!("b{long}"), 0),
        token("aa", 1),
        token(" ", 2 + 4),
        token("  ", 2),
    ];
    let tokenizer = Tokenizer::from_str(&file("null", "{}", &[])).unwrap();
    let added = read(&tokenizer, &tokens).unwrap();
    for symbol in ["a", " ", "ab", "a ", "  b"] {
        let text = symbol.repeat(2_000_000 / symbol.len());
        let mut spans = Vec::new();
        added.split_raw(&text, &mut spans);
        assert!(!spans.is_empty());
    }
    assert!(start.elapsed().as_secs() < 20);
}
