//! Random tokenizer.json files and texts: the ids of the reference.
//!
//! `TOKENBED_SEED` and `TOKENBED_TEXTS` set the seed and the number of texts.

use tokenbed_text_reference::compare::{expect_refusal, silence_reference, Loaded, Pair};
use tokenbed_text_reference::random::Random;
use tokenbed_text_reference::{files, texts};

fn variable(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(value) => value.parse().expect("a number"),
        Err(_) => default,
    }
}

/// The parts of a file that fit on a screen. `files::generated(&mut Random(seed + (round << 32)))` makes the whole
/// again.
fn without_vocabulary(json: &str) -> String {
    let mut file: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
    if let Some(model) = file["model"].as_object_mut() {
        model.remove("vocab");
        model.remove("merges");
    }
    file.to_string()
}

#[test]
fn generated_files_have_the_ids_of_the_reference() {
    silence_reference();
    let seed = variable("TOKENBED_SEED", std::process::id() as u64);
    let wanted = variable("TOKENBED_TEXTS", 100_000) as usize;
    println!("seed {seed}");
    let (mut compared, mut panics, mut read, mut neither, mut memos, mut round) = (0, 0, 0, 0, 0, 0);
    let mut times = [std::time::Duration::ZERO; 2];
    let mut refused = std::collections::BTreeMap::new();
    let mut wrong = Vec::new();
    while compared < wanted {
        let mut random = Random(seed.wrapping_add(round << 32));
        round += 1;
        let file = files::generated(&mut random);
        let mut pair = match Pair::load(&file.json) {
            Loaded::Both(pair) => pair,
            Loaded::Neither(_) => {
                neither += 1;
                continue;
            }
            Loaded::Reference(rule) => {
                expect_refusal(&rule, &file.json);
                *refused.entry(rule).or_insert(0) += 1;
                continue;
            }
        };
        read += 1;
        memos += pair.has_memo() as usize;
        let mut result = pair.vocabulary(1100).map(|ids| {
            for _ in 0..if ids.is_empty() { 0 } else { 20 } {
                let list: Vec<u32> = (0..random.below(12))
                    .map(|_| ids[random.below(ids.len())])
                    .collect();
                pair.decode(&list, random.one_in(2))?;
            }
            for _ in 0..60 {
                let text = texts::generated(&mut random, &file.alphabet, &file.tokens);
                pair.encode(&text, random.one_in(3))?;
                let most = (!random.one_in(4)).then(|| random.below(9));
                pair.encode_first(&text, most, random.one_in(2))?;
            }
            Ok(())
        });
        if let Ok(Err(_)) | Err(_) = &result {
            let error = match &mut result {
                Err(error) | Ok(Err(error)) => std::mem::take(error),
                Ok(Ok(())) => String::new(),
            };
            wrong.push(format!(
                "round {}: {error}\n{}",
                round - 1,
                without_vocabulary(&file.json)
            ));
            if wrong.len() > 10 {
                break;
            }
        }
        compared += pair.texts;
        panics += pair.panics;
        times[0] += pair.times[0];
        times[1] += pair.times[1];
    }
    println!(
        "the reference took {:.1?}, three of ours {:.1?}, and it panicked with {panics} texts",
        times[0], times[1]
    );
    println!("{compared} texts, {read} files ({memos} with a memo), {neither} that neither reads, refused: {refused:#?}");
    assert!(
        wrong.is_empty(),
        "{} files differ\n{}",
        wrong.len(),
        wrong.join("\n\n")
    );
}
