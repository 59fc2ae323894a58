//! Documents, and tokenizers trained on them as real ones are: the ids of the reference.
//!
//! The documents are the Markdown files and the locales of the npm packages in node_modules.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::Instant;

use serde_json::{json, Value};
use tokenbed_text_reference::charsmap::charsmap;
use tokenbed_text_reference::compare::{Loaded, Pair};
use tokenbed_text_reference::random::Random;
use tokenbed_text_reference::texts::SENTENCES;
use tokenizers::models::bpe::BpeTrainer;
use tokenizers::models::unigram::UnigramTrainer;
use tokenizers::models::wordpiece::WordPieceTrainer;
use tokenizers::models::TrainerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, Tokenizer};
use unicode_normalization_alignments::UnicodeNormalization;

/// The most bytes of documents.
const MOST: usize = 2_200_000;
/// The bytes of texts that a tokenizer is trained on.
const TRAINING: usize = 300_000;
/// The number of tokens of each.
const TOKENS: usize = 4000;

const QWEN: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);

/// Each paragraph of the Markdown files, each locale and each of its lines, and the sentences; each once.
fn texts() -> &'static [String] {
    static TEXTS: OnceLock<Vec<String>> = OnceLock::new();
    TEXTS.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../node_modules");
        let mut files = Vec::new();
        find(&root, &mut files);
        files.sort();
        let mut seen = HashSet::new();
        let mut texts = Vec::new();
        let mut add = |text: &str| {
            if !text.trim().is_empty() && seen.insert(text.to_string()) {
                texts.push(text.to_string());
            }
        };
        let mut bytes = 0;
        for file in &files {
            let text = fs::read_to_string(file).unwrap_or_default();
            bytes += text.len();
            if bytes > MOST {
                break;
            }
            match file.extension().is_some_and(|extension| extension == "json") {
                true => {
                    text.lines().for_each(&mut add);
                    add(&text);
                }
                false => text.split("\n\n").for_each(&mut add),
            }
        }
        SENTENCES.iter().copied().for_each(add);
        assert!(
            texts.len() > 5000,
            "{} has few documents: run npm ci",
            root.display()
        );
        texts
    })
}

/// Adds the documents below a folder.
fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}: run npm ci", folder.display()));
    for entry in entries {
        let entry = entry.unwrap();
        let path = entry.path();
        let kind = entry.file_type().unwrap();
        let extension = path.extension().unwrap_or_default();
        let locale = folder.file_name().is_some_and(|name| name == "locales");
        if kind.is_dir() {
            find(&path, files);
        } else if kind.is_file() && (extension == "md" || locale && extension == "json") {
            files.push(path);
        }
    }
}

fn special(tokens: &[&str]) -> Vec<AddedToken> {
    tokens
        .iter()
        .map(|&token| AddedToken::from(token, true))
        .collect()
}

/// The file of a tokenizer of these parts and of a model that is trained.
fn trained(parts: Value, trainer: impl Into<TrainerWrapper>) -> Value {
    let mut tokenizer = Tokenizer::from_str(&parts.to_string()).unwrap();
    let mut left = TRAINING;
    // Texts from all over the documents.
    let part = texts().iter().step_by(3).take_while(|text| {
        left = left.saturating_sub(text.len());
        left > 0
    });
    let part: Vec<&str> = part.map(String::as_str).chain(SENTENCES).collect();
    tokenizer.train(&mut trainer.into(), part.into_iter()).unwrap();
    serde_json::from_str(&tokenizer.to_string(false).unwrap()).unwrap()
}

/// Compares the ids of all texts, and the texts of lists of ids.
fn compare(name: &str, file: &Value) {
    let start = Instant::now();
    let json = file.to_string();
    let Loaded::Both(mut pair) = Pair::load(&json) else {
        panic!("{name} is not read: {:.1000}", json);
    };
    let mut wrong = Vec::new();
    for (index, text) in texts().iter().enumerate() {
        wrong.extend(pair.encode(text, index % 2 == 1).err());
    }
    let result = pair.vocabulary(2 * TOKENS as u32).map(|ids| {
        let mut random = Random(1);
        for round in 0..2000 {
            let list: Vec<u32> = (0..random.below(40))
                .map(|_| ids[random.below(ids.len())])
                .collect();
            wrong.extend(pair.decode(&list, round % 2 == 0).err());
        }
    });
    wrong.extend(result.err());
    println!(
        "{name}: {} texts, {} differ, {}, {:.1} s",
        pair.texts,
        wrong.len(),
        if pair.has_memo() {
            "with the memo"
        } else {
            "no memo"
        },
        start.elapsed().as_secs_f64()
    );
    if !wrong.is_empty() {
        // A training is not repeatable.
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.json"));
        fs::write(&kept, json).unwrap();
        wrong.truncate(5);
        panic!("{}:\n{}", kept.display(), wrong.join("\n"));
    }
}

#[test]
fn word_piece() {
    let names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
    let trainer = WordPieceTrainer::builder()
        .vocab_size(TOKENS)
        .limit_alphabet(500)
        .show_progress(false)
        .special_tokens(special(&names))
        .build();
    let file = trained(
        json!({
            "normalizer": {
                "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null,
                "lowercase": true
            },
            "pre_tokenizer": { "type": "BertPreTokenizer" },
            "post_processor": { "type": "BertProcessing", "cls": ["[CLS]", 2], "sep": ["[SEP]", 3] },
            "decoder": { "type": "WordPiece", "prefix": "##", "cleanup": true },
            "model": {
                "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100, "vocab": {}
            }
        }),
        trainer,
    );
    compare("WordPiece", &file);
}

/// What NFKC and the rules of nmt replace, in part.
fn replacements() -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for character in ('\u{1}'..'\u{3400}').chain('\u{f900}'..'\u{fffe}') {
        let from = character.to_string();
        let to: String = match character {
            '\u{1}'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{7f}' => String::new(),
            '\t' | '\n' | '\r' | '\u{200b}' | '\u{feff}' => " ".to_string(),
            _ => from.nfkc().map(|(character, _)| character).collect(),
        };
        if from != to {
            pairs.push((from, to));
        }
    }
    for (from, to) in [
        ("e\u{301}", "é"),
        ("a\u{308}", "ä"),
        ("\r\n", " "),
        ("か\u{3099}", "が"),
    ] {
        pairs.push((from.to_string(), to.to_string()));
    }
    pairs
}

#[test]
fn unigram() {
    let trainer = UnigramTrainer::builder()
        .vocab_size(TOKENS as u32)
        .show_progress(false)
        .unk_token(Some("<unk>".to_string()))
        .special_tokens(special(&["<s>", "<pad>", "</s>", "<unk>", "<mask>"]))
        .build()
        .unwrap();
    let metaspace =
        json!({ "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true });
    let file = trained(
        json!({
            "normalizer": { "type": "Precompiled", "precompiled_charsmap": charsmap(&replacements()) },
            "pre_tokenizer": { "type": "Sequence", "pretokenizers": [{ "type": "WhitespaceSplit" }, &metaspace] },
            "post_processor": { "type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0] },
            "decoder": metaspace,
            "model": { "type": "Unigram", "unk_id": null, "vocab": [] }
        }),
        trainer,
    );
    compare("Unigram", &file);
}

#[test]
fn byte_level_bpe() {
    let trainer = BpeTrainer::builder()
        .vocab_size(TOKENS)
        .show_progress(false)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .special_tokens(special(&["<|endoftext|>", "<|im_start|>", "<|im_end|>"]))
        .build();
    let byte_level =
        json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false });
    let split =
        json!({ "type": "Split", "pattern": { "Regex": QWEN }, "behavior": "Isolated", "invert": false });
    let file = trained(
        json!({
            "normalizer": { "type": "NFC" },
            "pre_tokenizer": { "type": "Sequence", "pretokenizers": [split, &byte_level] },
            "post_processor": &byte_level,
            "decoder": byte_level,
            "model": { "type": "BPE", "vocab": {}, "merges": [] }
        }),
        trainer,
    );
    compare("byte-level BPE", &file);
}

#[test]
fn bpe_with_byte_fallback() {
    let mut names = vec!["<unk>".to_string(), "<s>".to_string(), "</s>".to_string()];
    let own = names.len();
    names.extend((0..256).map(|byte| format!("<0x{byte:02X}>")));
    let trainer = BpeTrainer::builder()
        .vocab_size(TOKENS)
        .limit_alphabet(300)
        .show_progress(false)
        .special_tokens(
            names
                .iter()
                .map(|name| AddedToken::from(name.as_str(), true))
                .collect(),
        )
        .build();
    let metaspace =
        json!({ "type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false });
    let blank = json!({ "type": "Replace", "pattern": { "String": "▁" }, "content": " " });
    let mut parts = json!({
        "pre_tokenizer": { "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true },
        "decoder": {
            "type": "Sequence",
            "decoders": [
                blank, { "type": "ByteFallback" }, { "type": "Fuse" },
                { "type": "Strip", "content": " ", "start": 1, "stop": 0 }
            ]
        },
        "model": {
            "type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true, "vocab": {}, "merges": []
        }
    });
    let mut file = trained(parts.take(), trainer);
    // The tokens of bytes are in the vocabulary only. Words are not split where the tokenizer is used.
    file["added_tokens"].as_array_mut().unwrap().truncate(own);
    compare("BPE with byte_fallback", &file);
    file["pre_tokenizer"] = metaspace;
    compare("BPE with byte_fallback of whole texts", &file);
}
