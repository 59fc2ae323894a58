//! The vectors of the JavaScript tests: small tokenizers, texts, and the ids of the reference.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::str::FromStr;

use serde_json::{json, Value};
use tokenizers::Tokenizer;

use crate::files;
use crate::random::Random;
use crate::texts;

/// How many tokenizers are kept.
const FILES: usize = 48;
/// How many generated texts each has beside one of the sentences.
const TEXTS: usize = 12;
/// The longest text, in bytes.
const LONGEST: usize = 160;

/// The text of test/vectors/golden/text.json: an object per tokenizer with `file`, `texts` (`text`, `ids`, `special`:
/// the ids with special tokens; null is an error of the reference) and `decoded` (`ids`, `skipSpecialTokens`, `text`).
pub fn vectors() -> String {
    let mut list = Vec::new();
    let mut round = 0;
    while list.len() < FILES {
        let mut random = Random(round << 32);
        round += 1;
        let file = files::generated(&mut random);
        let Ok(tokenizer) = Tokenizer::from_str(&file.json) else {
            continue;
        };
        if tokenbed_text::Tokenizer::from_json(file.json.as_bytes()).is_err() {
            continue;
        }
        list.push(of(&mut random, &file, tokenizer));
    }
    let lines: Vec<String> = list.iter().map(Value::to_string).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

fn of(random: &mut Random, file: &files::File, mut tokenizer: Tokenizer) -> Value {
    tokenizer.with_padding(None);
    let mut cases = Vec::new();
    let mut all = vec![random.pick(&texts::SENTENCES).to_string()];
    while all.len() <= TEXTS {
        let text = texts::generated(random, &file.alphabet, &file.tokens);
        if text.len() <= LONGEST {
            all.push(text);
        }
    }
    let ids = |text: &str, special: bool| {
        let encoded = catch_unwind(AssertUnwindSafe(|| tokenizer.encode_fast(text, special)));
        encoded
            .ok()
            .and_then(Result::ok)
            .map(|encoding| encoding.get_ids().to_vec())
    };
    let mut decoded = Vec::new();
    for text in all {
        let plain = ids(&text, false);
        for skip in [false, true] {
            let list = plain.clone().unwrap_or_default();
            // The reference panics where Strip removes more than there is.
            let text = catch_unwind(AssertUnwindSafe(|| tokenizer.decode(&list, skip)));
            if let Ok(Ok(text)) = text {
                decoded.push(json!({ "ids": list, "skipSpecialTokens": skip, "text": text }));
            }
        }
        cases.push(json!({ "text": text, "ids": plain, "special": ids(&text, true) }));
    }
    decoded.truncate(8);
    let json: Value = serde_json::from_str(&file.json).unwrap_or_default();
    json!({ "file": json, "texts": cases, "decoded": decoded })
}
