//! Compares both tokenizers over files of texts: `compare TOKENIZER... -- TEXTS...`. The texts of a file are apart by
//! NUL.
//!
//! `npm run test:texts` runs it. The exit code is 1 if a text has other ids.

use std::path::Path;

use tokenbed_text_reference::compare::{Loaded, Pair};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let middle = arguments
        .iter()
        .position(|argument| argument == "--")
        .expect("compare TOKENIZER... -- TEXTS...");
    let name = |path: &str| {
        Path::new(path)
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let (mut wrong, mut all_texts) = (0, 0);
    for tokenizer in &arguments[..middle] {
        let json = std::fs::read_to_string(tokenizer).expect(tokenizer);
        let Loaded::Both(mut pair) = Pair::load(&json) else {
            println!("{tokenizer}: is not read");
            wrong += 1;
            continue;
        };
        for file in &arguments[middle + 1..] {
            let all = std::fs::read_to_string(file).expect(file);
            let (mut texts, mut differing) = (0, 0);
            for text in all.split('\0').filter(|text| !text.is_empty()) {
                texts += 1;
                if let Err(error) = pair.encode(text, texts % 2 == 0) {
                    differing += 1;
                    if differing <= 3 {
                        println!("{error}");
                    }
                }
            }
            let memo = if pair.has_memo() {
                "with and without the memo"
            } else {
                "no memo"
            };
            let names = [name(tokenizer), name(file)].map(Option::unwrap_or_default);
            println!("{}: {texts} texts, {differing} differ ({memo})", names.join(", "));
            all_texts += texts;
            wrong += differing;
        }
    }
    println!("{all_texts} texts, {wrong} differ");
    std::process::exit((wrong > 0) as i32);
}
