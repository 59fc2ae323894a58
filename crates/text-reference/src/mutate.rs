//! Mutations of tokenizer.json files.

use serde_json::{json, Value};

use crate::compare::{Loaded, Pair};
use crate::random::Random;
use crate::texts::character;

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
    if !random.one_in(4) {
        if let (Ok(mut value), Ok(other)) = (serde_json::from_str(file), serde_json::from_str(other)) {
            mutate_value(&mut value, &other, random);
            *file = value.to_string();
            return;
        }
    }
    let place = |text: &str, random: &mut Random| {
        let mut at = random.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let tokens = tokens(file);
    match random.below(6) {
        0 => {
            let at = place(file, random);
            file.insert_str(at, random.pick(TEXTS));
        }
        1 => {
            let at = place(file, random);
            file.truncate(at);
        }
        2 => {
            let start = place(file, random);
            let some = file[start..].chars().take(random.below(40)).map(char::len_utf8);
            let end = start + some.sum::<usize>();
            file.replace_range(start..end, "");
        }
        3 => {
            let (at, from) = (place(file, random), place(other, random));
            file.truncate(at);
            file.push_str(&other[from..]);
        }
        // A text in place of a string or a number.
        _ if !tokens.is_empty() => {
            let (start, end) = tokens[random.below(tokens.len())];
            file.replace_range(start..end, random.pick(TEXTS));
        }
        _ => file.push_str(random.pick(TEXTS)),
    }
}

/// A random part of a value.
fn part<'a>(value: &'a Value, random: &mut Random) -> &'a Value {
    let mut value = value;
    loop {
        let next = match value {
            Value::Object(map) if !map.is_empty() => map.values().nth(random.below(map.len())),
            Value::Array(list) if !list.is_empty() => list.get(random.below(list.len())),
            _ => None,
        };
        match next {
            Some(next) if !random.one_in(4) => value = next,
            _ => return value,
        }
    }
}

/// Removes, replaces, copies or moves a part of `value`.
fn mutate_value(value: &mut Value, other: &Value, random: &mut Random) {
    let from = match random.one_in(2) {
        true => part(value, random).clone(),
        false => part(other, random).clone(),
    };
    let into = random.below(5);
    match value {
        Value::Object(map) if !map.is_empty() => {
            let index = random.below(map.len());
            let Some(key) = map.keys().nth(index).cloned() else {
                return;
            };
            match into {
                // The field of another object with the same name.
                0 => {
                    if let Some(field) = field(other, &key) {
                        map.insert(key, field.clone());
                    }
                }
                1 if random.one_in(3) => drop(map.remove(&key)),
                1 if random.one_in(2) => {
                    map.insert(key, from);
                }
                1 => {
                    if let Some(field) = map.remove(&key) {
                        map.insert(from.as_str().unwrap_or("other").to_string(), field);
                    }
                }
                _ => {
                    if let Some(inner) = map.get_mut(&key) {
                        mutate_value(inner, other, random);
                    }
                }
            }
        }
        Value::Array(list) if !list.is_empty() => {
            let at = random.below(list.len());
            match into {
                0 if random.one_in(2) => drop(list.remove(at)),
                0 => list.insert(at, from),
                1 => {
                    let copy = list[random.below(list.len())].clone();
                    list.insert(at, copy);
                }
                2 => {
                    let to = random.below(list.len());
                    list.swap(at, to);
                }
                _ => mutate_value(&mut list[at], other, random),
            }
        }
        Value::Bool(flag) if into > 0 => *flag = !*flag,
        Value::Number(number) if into > 0 => {
            let near = number.as_f64().unwrap_or(0.0) + [-1.0, 1.0, 0.5, 1e9, -1e9][random.below(5)];
            *value = match into {
                1 => json!(near),
                2 => json!(u64::MAX),
                _ => json!(random.below(300)),
            };
        }
        Value::String(text) if into > 0 => match random.below(4) {
            0 => text.clear(),
            1 => drop(text.pop()),
            2 => text.push(character(random)),
            _ => text.insert_str(0, random.pick(&[" ", "  ", "\n", "\u{301}", "\u{2581}", "##"])),
        },
        _ => *value = from,
    }
}

/// The first field with a name, at any depth.
fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(map) => map
            .get(name)
            .or_else(|| map.values().find_map(|value| field(value, name))),
        Value::Array(list) => list.iter().find_map(|value| field(value, name)),
        _ => None,
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

/// Reads a file with both tokenizers and compares the ids of its text, as a whole and with special tokens, and the text
/// of its ids. Returns how it ended: `read`, or the rule that it breaks, without names and numbers. Panics if both
/// differ.
pub fn check(file: &str) -> String {
    let (json, text) = parts(file);
    match Pair::load(json) {
        Loaded::Both(mut pair) => {
            let result = pair
                .encode(text, false)
                .and_then(|()| pair.encode(text, true))
                .and_then(|()| pair.encode_first(text, Some(text.len() % 8), true));
            let result = match pair.has_shared_ids() {
                true => result,
                false => result
                    .and_then(|()| pair.vocabulary(1100))
                    .and_then(|ids| pair.decode(&ids[..ids.len().min(40)], true)),
            };
            if let Err(error) = result {
                panic!("{error}");
            }
            "read".to_string()
        }
        Loaded::Neither(rule) | Loaded::Reference(rule) => end(&rule),
    }
}

/// A rule without what is in quotes, numbers and indices.
fn end(rule: &str) -> String {
    let mut parts = rule.split('"');
    let mut end = String::new();
    while let Some(part) = parts.next() {
        end.extend(part.chars().filter(|character| !character.is_ascii_digit()));
        parts.next();
    }
    end
}
