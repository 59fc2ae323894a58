//! Texts of up to 2 MB that are hard on one part or another: the time and the memory that each takes.

#[path = "../../formats/tests/common/allocation.rs"]
mod allocation;

use std::time::{Duration, Instant};

use allocation::{live, peak, Counting};
use serde_json::{json, Map, Value};
use tokenbed_text::{Chunks, Options, Tokenizer, Workspace};
use tokenbed_text_reference::charsmap::charsmap;
use tokenbed_text_reference::random::Random;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes of the texts that are most likely to be slow. Others are shorter.
const LENGTH: usize = 2_000_000;
/// The longest time that a text may take.
const LONGEST: Duration = Duration::from_secs(5);

/// The time that this thread has run, or the time of day where the system does not report it.
fn clock() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let status = std::fs::read_to_string("/proc/thread-self/schedstat");
    let nanoseconds = status
        .ok()
        .and_then(|status| status.split(' ').next()?.parse().ok());
    match nanoseconds {
        Some(nanoseconds) => Duration::from_nanos(nanoseconds),
        None => START.get_or_init(Instant::now).elapsed(),
    }
}

fn repeated(unit: &str) -> String {
    unit.repeat(LENGTH / 4 / unit.len())
}

fn long(unit: &str) -> String {
    unit.repeat(LENGTH / unit.len())
}

fn texts() -> Vec<(&'static str, String)> {
    let mut random = Random(1);
    let changing = (0..LENGTH)
        .map(|_| (b'a' + random.below(26) as u8) as char)
        .collect();
    vec![
        ("one letter", long("a")),
        ("changing letters", changing),
        ("blanks", long(" ")),
        ("line ends", repeated("\r\n")),
        ("words", repeated("ab c de ")),
        ("marks", long("\u{315}\u{300}\u{323}\u{5b0}")),
        ("apostrophes", repeated("'")),
        ("contractions", repeated("'s'll")),
        ("digits", repeated("1234567890")),
        ("punctuation", repeated(".,!")),
        ("emoji", repeated("👨\u{200d}👩\u{200d}👧")),
        ("an added token", repeated("<mask>")),
        ("added tokens and blanks", repeated(" <mask> ")),
        ("U+FDFA", repeated("\u{fdfa}")),
        ("control characters", repeated("\u{1}\u{b}\0")),
        ("jamo", repeated("\u{1100}\u{1161}\u{11a8}")),
        ("syllables", repeated("각갂")),
        ("ideographs", repeated("漢字")),
    ]
}

/// The letters and the tokens of vocabularies, in which one token is the start of another.
fn tokens() -> Vec<String> {
    let mut list: Vec<String> = vec!["<unk>".into(), "<mask>".into()];
    list.extend((0..=255u8).map(|byte| format!("<0x{byte:02X}>")));
    list.extend(('a'..='z').map(String::from));
    list.extend(" ▁'.,!漢字صلىلهعيوسم".chars().map(String::from));
    for length in 2..12 {
        list.push("a".repeat(length));
        list.push("▁".repeat(length));
        list.push(" ".repeat(length));
        list.push(format!("▁{}", "a".repeat(length)));
        list.push(format!("b{}", "a".repeat(length)));
    }
    list.extend(["de", "fo", "in", "▁de", "▁c", "12", "123", "'s"].map(String::from));
    list
}

fn vocabulary(list: impl IntoIterator<Item = String>) -> Value {
    let mut map = Map::new();
    for token in list {
        let id = map.len();
        map.entry(token).or_insert(json!(id));
    }
    Value::Object(map)
}

fn word_piece(longest: usize) -> Value {
    let continued: Vec<String> = tokens().iter().map(|token| format!("##{token}")).collect();
    json!({ "type": "WordPiece", "unk_token": "<unk>", "continuing_subword_prefix": "##",
        "max_input_chars_per_word": longest, "vocab": vocabulary(tokens().into_iter().chain(continued)) })
}

fn unigram(fallback: bool) -> Value {
    let list = tokens();
    let pieces = list
        .iter()
        .enumerate()
        .map(|(id, token)| json!([token, -(id as f64 % 7.0)]));
    json!({ "type": "Unigram", "unk_id": 0, "vocab": pieces.collect::<Vec<_>>(), "byte_fallback": fallback })
}

/// Of bytes, each of which is a character, or of characters with fallback to bytes.
fn bpe(byte_level: bool) -> Value {
    let mut list = tokens();
    if byte_level {
        list = (0x21..0x180)
            .filter_map(char::from_u32)
            .map(String::from)
            .collect();
    }
    let mut merges = Vec::new();
    let letters: &[&str] = if byte_level {
        &["a", "Ġ", "Ì", "Â", "'", "1", "ğ"]
    } else {
        &["a", "▁", " ", "'", "."]
    };
    for letter in letters {
        for (left, right) in [(1, 1), (2, 2), (4, 4), (2, 1)] {
            merges.push(json!([letter.repeat(left), letter.repeat(right)]));
            list.push(letter.repeat(left + right));
        }
    }
    for (left, right) in [("d", "e"), ("f", "o"), ("i", "n")] {
        merges.push(json!([left, right]));
        list.push(format!("{left}{right}"));
    }
    json!({ "type": "BPE", "unk_token": if byte_level { Value::Null } else { json!("<unk>") }, "fuse_unk": true,
        "byte_fallback": !byte_level, "vocab": vocabulary(list), "merges": merges })
}

fn word_level() -> Value {
    json!({ "type": "WordLevel", "unk_token": "<unk>", "vocab": vocabulary(tokens()) })
}

fn added(content: &str, lstrip: bool, rstrip: bool, normalized: bool) -> Value {
    json!({ "id": 1, "content": content, "single_word": false, "lstrip": lstrip, "rstrip": rstrip,
        "normalized": normalized, "special": true })
}

fn file(normalizer: Value, pre_tokenizer: Value, model: Value) -> Value {
    json!({ "version": "1.0", "added_tokens": [added("<mask>", true, false, false)], "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer, "model": model })
}

fn normalizers(list: &[Value]) -> Value {
    json!({ "type": "Sequence", "normalizers": list })
}

fn pre_tokenizers(list: &[Value]) -> Value {
    json!({ "type": "Sequence", "pretokenizers": list })
}

fn named(name: &str) -> Value {
    json!({ "type": name })
}

fn metaspace(scheme: &str) -> Value {
    json!({ "type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": true })
}

fn byte_level(regex: bool) -> Value {
    json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": regex })
}

fn split(pattern: &str) -> Value {
    json!({ "type": "Split", "pattern": { "Regex": pattern }, "behavior": "Isolated", "invert": false })
}

const QWEN: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const O200K: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Kinds of tokenizers.
fn kinds() -> Vec<(&'static str, Value)> {
    let bert = json!({ "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
        "strip_accents": null, "lowercase": true });
    let pairs = [
        ("\u{fdfa}", "صلى الله عليه وسلم"),
        ("\n", " "),
        ("\r", " "),
        ("\r\n", " "),
        ("\u{1}", ""),
        ("\u{b}", ""),
        ("ﬁ", "fi"),
        ("1", "１"),
    ];
    let pairs = pairs.map(|(from, to)| (from.to_string(), to.to_string()));
    let map = json!({ "type": "Precompiled", "precompiled_charsmap": charsmap(&pairs) });
    let blanks = json!({ "type": "Replace", "pattern": { "Regex": " {2,}" }, "content": "▁" });
    let llama = normalizers(&[
        json!({ "type": "Prepend", "prepend": "▁" }),
        json!({ "type": "Replace", "pattern": { "String": " " }, "content": "▁" }),
    ]);
    let digits = json!({ "type": "Digits", "individual_digits": true });
    let punctuation = json!({ "type": "Punctuation", "behavior": "Isolated" });
    let mut many = file(Value::Null, metaspace("first"), unigram(false));
    many["added_tokens"] = json!([
        added("<mask>", true, true, false),
        added("a", false, true, true),
        added(" ", true, true, false),
        added("aaaaaaaaaaaab", false, false, false),
        added("\u{301}", false, false, true),
        added("12345678901234567890x", true, false, false),
    ]);
    vec![
        (
            "BERT",
            file(bert.clone(), named("BertPreTokenizer"), word_piece(100)),
        ),
        (
            "BERT of long words",
            file(bert, named("BertPreTokenizer"), word_piece(usize::MAX)),
        ),
        (
            "charsmap",
            file(normalizers(&[map, blanks]), metaspace("always"), unigram(false)),
        ),
        (
            "Metaspace first",
            file(Value::Null, metaspace("first"), unigram(true)),
        ),
        ("Unigram alone", file(named("Nmt"), Value::Null, unigram(true))),
        ("GPT-2", file(Value::Null, byte_level(true), bpe(true))),
        (
            "Qwen",
            file(
                named("NFC"),
                pre_tokenizers(&[split(QWEN), byte_level(false)]),
                bpe(true),
            ),
        ),
        (
            "o200k",
            file(
                Value::Null,
                pre_tokenizers(&[split(O200K), byte_level(false)]),
                bpe(true),
            ),
        ),
        ("bytes alone", file(Value::Null, byte_level(false), bpe(true))),
        ("bytes of NFKD", file(named("NFKD"), byte_level(false), bpe(true))),
        (
            "normalized bytes",
            file(named("ByteLevel"), Value::Null, bpe(true)),
        ),
        ("Llama 2", file(llama, Value::Null, bpe(false))),
        (
            "WordLevel",
            file(
                normalizers(&[named("Lowercase"), named("StripAccents")]),
                named("Whitespace"),
                word_level(),
            ),
        ),
        ("added tokens", many),
        (
            "NFC",
            file(named("NFC"), named("WhitespaceSplit"), word_piece(usize::MAX)),
        ),
        (
            "NFD",
            file(named("NFD"), named("WhitespaceSplit"), unigram(false)),
        ),
        ("NFKC", file(named("NFKC"), metaspace("always"), unigram(false))),
        ("NFKD", file(named("NFKD"), metaspace("never"), unigram(true))),
        (
            "digits",
            file(
                Value::Null,
                pre_tokenizers(&[digits, punctuation, metaspace("always")]),
                unigram(false),
            ),
        ),
    ]
}

/// The most bytes that a text takes, for each of its bytes or of those of its normal form.
const RATIO: usize = 40;
/// The bytes of the memo.
const MEMO: usize = 1 << 20;
/// The most bytes that are kept after a text.
const KEPT: usize = 4 << 20;

/// How many bytes a normal form has for each byte of a text.
fn growth(kind: &str, text: &str) -> usize {
    match text {
        "U+FDFA" if kind.contains("NFK") || kind == "charsmap" => 11,
        "syllables" if kind.contains("NFKD") || kind == "NFD" => 3,
        _ => 1,
    }
}

#[test]
fn long_texts_take_little_time_and_memory() {
    let texts = texts();
    let (mut slowest, mut largest) = (Duration::ZERO, 0.0f64);
    for (kind, file) in kinds() {
        let tokenizer = Tokenizer::from_json(file.to_string().as_bytes()).unwrap();
        let (mut memo, mut workspace) = (tokenizer.memo(MEMO), Workspace::default());
        for (name, text) in &texts {
            let before = live();
            let start = clock();
            let (count, most) = peak(|| {
                let mut ids = Vec::new();
                let options = Options {
                    special: true,
                    ..Options::default()
                };
                let chunks = &mut Chunks::own(memo.as_mut());
                tokenizer
                    .encode(chunks, &mut workspace, text, options, &mut ids)
                    .unwrap();
                ids.len()
            });
            let time = clock() - start;
            let growth = growth(kind, name);
            let ratio = most as f64 / text.len() as f64 / growth as f64;
            let kept = live().saturating_sub(before);
            println!("{kind}, {name}: {time:.0?}, {ratio:.1} x {growth}, {count} ids, {kept} kept");
            assert!(time < LONGEST && most <= RATIO * growth * text.len() && kept <= KEPT + MEMO);
            slowest = slowest.max(time);
            largest = largest.max(ratio);
        }
    }
    println!("at most {slowest:.0?}, {largest:.1} times the text");
}

/// As many pieces as the largest vocabulary of sentencepiece in use, and as long.
#[test]
fn a_large_unigram_takes_little_memory() {
    const COUNT: usize = 276_326;
    let alphabets = [
        "etaoinshrdlucmfwypvbgkjqxz",
        "аоеинтсрвлкмдпуяыьгзбчйхжш",
        "的一是不了人我在有他这中大来",
        "자이다의는에가을한고",
    ];
    let alphabets = alphabets.map(|alphabet| alphabet.chars().collect::<Vec<_>>());
    let mut random = Random(7);
    let mut seen = std::collections::HashSet::new();
    let mut json =
        r#"{"version":"1.0","model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0.0]"#.to_string();
    while seen.len() < COUNT - 1 {
        let alphabet = &alphabets[[0, 0, 0, 1, 1, 2, 3][random.below(7)]];
        let mut piece = String::from(if random.one_in(2) { "▁" } else { "" });
        let length = match alphabet.len() > 20 {
            true => 2 + random.below(4) + random.below(4) + random.below(4),
            false => 1 + random.below(4),
        };
        // Frequent letters first, so that words share their starts.
        piece.extend(
            (0..length).map(|_| alphabet[random.below(alphabet.len()).min(random.below(alphabet.len()))]),
        );
        if seen.insert(piece.clone()) {
            json.push_str(&format!(
                r#",["{piece}",-{}.{:04}]"#,
                4 + random.below(12),
                random.below(10_000)
            ));
        }
    }
    json.push_str(r#"]},"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"}}"#);
    let before = live();
    let start = clock();
    let (tokenizer, most) = peak(|| Tokenizer::from_json(json.as_bytes()).unwrap());
    let time = clock() - start;
    let held = live() - before;
    println!(
        "{COUNT} pieces, {} bytes: {time:.0?}, {held} bytes held, at most {most} while it was read",
        json.len()
    );
    assert_eq!(tokenizer.bound(), COUNT as u64);
    assert!(held <= 40 << 20);
}
