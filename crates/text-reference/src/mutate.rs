//! Mutations of tokenizer.json files.

use crate::random::Random;

/// Texts that readers look for.
const TEXTS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u0041",
    "\\ud800",
    "null",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "1.5",
    "1e400",
    "-1e400",
    "18446744073709551615",
    "4294967295",
    "4294967296",
    "\"\"",
    "\" \"",
    "\"a\"",
    "\"Regex\"",
    "\"String\"",
    "\"type\":\"Sequence\"",
    "\"normalizers\":[]",
    "\"type\":null",
    "\"NFC\"",
    "\"Foo\"",
    "\"Left\"",
    "\"[UNK]\"",
    "{}",
    "[]",
    "[[]]",
    "\"unk_id\":0",
    "\"dropout\":0.1",
    "\"dropout\":0",
    "\"vocab\":{}",
    "\"vocab\":[]",
    "\"merges\":[]",
    "\\u0000",
    "é",
];

/// Changes a file in one place, mostly so that it is still JSON.
pub fn mutate(file: &mut String, other: &str, random: &mut Random) {
    let place = |text: &str, random: &mut Random| {
        let mut at = random.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let tokens = tokens(file);
    match random.below(10) {
        0 => {
            let at = place(file, random);
            file.insert_str(at, random.pick(TEXTS));
        }
        1 => {
            let at = place(file, random);
            file.truncate(at);
        }
        2 => {
            let (from, to) = (place(file, random), place(file, random));
            file.replace_range(
                from.min(to)..from.max(to).min(from.min(to) + 40).max(from.min(to)),
                "",
            );
        }
        3 => {
            let (at, from) = (place(file, random), place(other, random));
            file.truncate(at);
            file.push_str(&other[from..]);
        }
        // Another value, or a value of another place, in place of one.
        4..=6 if !tokens.is_empty() => {
            let (start, end) = tokens[random.below(tokens.len())];
            file.replace_range(start..end, random.pick(TEXTS));
        }
        _ if !tokens.is_empty() => {
            let (start, end) = tokens[random.below(tokens.len())];
            let (from, to) = tokens[random.below(tokens.len())];
            let value = file[from..to].to_string();
            file.replace_range(start..end, &value);
        }
        _ => file.push_str(random.pick(TEXTS)),
    }
}

/// The strings and numbers of a file.
fn tokens(file: &str) -> Vec<(usize, usize)> {
    let bytes = file.as_bytes();
    let (mut list, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            b'"' => {
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += 1 + (bytes[at] == b'\\') as usize;
                }
                at += 1;
            }
            b'0'..=b'9' | b'-' | b'a'..=b'z' => {
                while at < bytes.len() && matches!(bytes[at], b'0'..=b'9' | b'-' | b'.' | b'a'..=b'z') {
                    at += 1;
                }
            }
            _ => {
                at += 1;
                continue;
            }
        }
        if file.is_char_boundary(at.min(file.len())) {
            list.push((start, at.min(file.len())));
        }
    }
    list
}

/// What a file with a text is: the JSON, NUL, the text.
pub fn parts(file: &str) -> (&str, &str) {
    file.split_once('\0').unwrap_or((file, "a text"))
}

/// Reads a file with both tokenizers and compares the ids of its text. Returns how it ended: `read`, or the rule that it
/// breaks. Panics if both differ.
pub fn check(file: &str) -> String {
    use crate::compare::{Loaded, Pair};
    let (json, text) = parts(file);
    match Pair::load(json) {
        Loaded::Both(mut pair) => {
            for special in [false, true] {
                if let Err(error) = pair.encode(text, special) {
                    panic!("{error}");
                }
            }
            "read".to_string()
        }
        Loaded::Neither(rule) | Loaded::Reference(rule) => rule,
    }
}
