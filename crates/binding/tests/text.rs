//! Tokenizers by handle: batches of texts, and their answers as numbers.

use tokenbed_binding::text::Texts;
use tokenbed_binding::Failure;

const WORDS: &str = r#"{"version":"1.0","added_tokens":[],"normalizer":null,"pre_tokenizer":{"type":"Whitespace"},
    "post_processor":null,"decoder":null,
    "model":{"type":"WordLevel","vocab":{"one":0,"two":1,"four":3},"unk_token":"[UNK]"}}"#;

fn tokenizer(texts: &mut Texts) -> f64 {
    create(texts, WORDS, 4096.0, 1)
}

fn create(texts: &mut Texts, json: &str, memo: f64, threads: usize) -> f64 {
    let answer = texts.create(json.as_bytes(), memo, threads).unwrap();
    let handle = answer.split("\"handle\":").nth(1).unwrap();
    handle.trim_end_matches('}').parse().unwrap()
}

/// Texts as bytes and ends.
fn batch(texts: &[&str]) -> (Vec<u8>, Vec<u32>) {
    let mut bytes = Vec::new();
    let ends = texts.iter().map(|text| {
        bytes.extend_from_slice(text.as_bytes());
        bytes.len() as u32
    });
    let ends = ends.collect();
    (bytes, ends)
}

#[test]
fn the_answer_has_the_facts_or_the_error() {
    let mut texts = Texts::default();
    let answer = texts.create(WORDS.as_bytes(), 0.0, 1).unwrap();
    assert_eq!(answer, r#"{"size":4,"median":3,"handle":0}"#);
    let refused = texts.create(b"{\"version\":\"1.0\",}", 0.0, 1).unwrap();
    assert!(refused.starts_with(r#"{"error":{"byte":"#), "{refused}");
    assert_eq!(texts.objects(), 1);
}

#[test]
fn a_batch_ends_before_the_text_for_which_there_is_no_room() {
    let mut texts = Texts::default();
    let handle = tokenizer(&mut texts);
    let (bytes, ends) = batch(&["one two", "", "four", "two two"]);
    for (room, done) in [(0, 0), (1, 0), (2, 2), (3, 3), (4, 3), (5, 4), (9, 4)] {
        let status = texts.encode(handle, &bytes, &ends, false, 10, room).unwrap();
        assert_eq!(status, f64::from(done), "room {room}");
        assert_eq!(texts.ends(), &[12, 12, 13, 15][..done as usize], "room {room}");
        assert_eq!(
            texts.ids(),
            &[0, 1, 3, 1, 1][..texts.ends().last().map_or(0, |end| *end as usize - 10)]
        );
    }
}

#[test]
fn a_text_that_cannot_be_encoded_is_named() {
    let mut texts = Texts::default();
    let handle = tokenizer(&mut texts);
    let (bytes, ends) = batch(&["one", "two", "three", "four"]);
    assert_eq!(texts.encode(handle, &bytes, &ends, false, 0, 9), Ok(-1.0 - 8.0));
    assert_eq!(texts.encode(handle, &bytes, &ends[..2], false, 0, 9), Ok(2.0));
}

#[test]
fn a_view_keeps_the_first_ids_and_drops_the_unknown_token() {
    let mut texts = Texts::default();
    let json = WORDS.replace("[UNK]", "two").replace(
        "\"version\":\"1.0\"",
        r#""version":"1.0","truncation":{"max_length":3,"strategy":"LongestFirst","stride":0,"direction":"Left"}"#,
    );
    let handle = create(&mut texts, &json, 4096.0, 1);
    let (bytes, ends) = batch(&["one x two four four", "x", "", "one"]);
    // The last three ids, the first ones, all of them.
    for (most, drop_unknown, ids, id_ends) in [
        (-1.0, false, &[1, 3, 3, 1, 0][..], [3, 4, 4, 5]),
        (-1.0, true, &[3, 3, 0], [2, 2, 2, 3]),
        (2.0, false, &[0, 1, 1, 0], [2, 3, 3, 4]),
        (2.0, true, &[0, 0], [1, 1, 1, 2]),
        (0.0, false, &[], [0, 0, 0, 0]),
        (f64::INFINITY, false, &[0, 1, 1, 3, 3, 1, 0], [5, 6, 6, 7]),
        (f64::INFINITY, true, &[0, 3, 3, 0], [3, 3, 3, 4]),
    ] {
        let view = texts.prepare(handle, most, drop_unknown).unwrap();
        assert_eq!(texts.encode(view, &bytes, &ends, false, 0, 99), Ok(4.0));
        assert_eq!(
            (texts.ids(), texts.ends()),
            (ids, &id_ends[..]),
            "{most} {drop_unknown}"
        );
        assert_eq!(texts.free(view), 0);
        assert_eq!(
            texts.encode(view, &bytes, &ends, false, 0, 99),
            Err(Failure::Handle(view))
        );
    }
    let view = texts.prepare(handle, -1.0, true).unwrap();
    assert_eq!(texts.objects(), 2);
    assert_eq!(texts.prepare(view, 1.0, true), Err(Failure::Handle(view)));
    assert_eq!(texts.token_to_id(view, b"one"), Err(Failure::Handle(view)));
    texts.free(handle);
    assert_eq!(
        texts.encode(view, &bytes, &ends, false, 0, 99),
        Err(Failure::Handle(handle))
    );
    texts.free(view);
    assert_eq!((texts.objects(), texts.bytes()), (0, 0));
}

/// A generator of numbers.
fn random(state: &mut u64, below: usize) -> usize {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize % below
}

#[test]
fn the_number_of_threads_changes_nothing() {
    // Without an unknown token, other words are errors.
    let words = ["one", "two", "four", "oneone", "five"];
    let mut state = 5;
    let mut errors = 0;
    for memo in [0.0, 20_000.0, 1e6] {
        let mut texts = Texts::default();
        let handles = [1, 2, 3, 4, 9].map(|threads| create(&mut texts, WORDS, memo, threads));
        for round in 0..60 {
            // None, some, or thousands; some with thousands of words; most rounds without an error.
            let count = [0, 1, 30, 500, 1024][round % 5];
            let known = if round % 3 == 0 { 5 } else { 3 };
            let (mut bytes, mut ends) = (Vec::new(), Vec::new());
            for _ in 0..count {
                let length = match random(&mut state, 40) {
                    0 => 1000,
                    1..6 => 0,
                    _ => random(&mut state, 30),
                };
                for _ in 0..length {
                    // The words without an id are rare.
                    let kinds = if random(&mut state, 2000) == 0 { known } else { 3 };
                    bytes.extend_from_slice(words[random(&mut state, kinds)].as_bytes());
                    bytes.push(b' ');
                }
                ends.push(bytes.len() as u32);
            }
            let room = match round % 4 {
                0 => random(&mut state, bytes.len() + 1),
                _ => bytes.len(),
            };
            let mut results = handles.iter().map(|&handle| {
                let status = texts.encode(handle, &bytes, &ends, false, 7, room).unwrap();
                (status, texts.ids().to_vec(), texts.ends().to_vec())
            });
            let expected = results.next().unwrap();
            errors += usize::from(expected.0 < 0.0);
            for result in results {
                assert!(result == expected, "round {round}: {} {}", result.0, expected.0);
            }
        }
    }
    assert!(errors > 5, "{errors}");
}

#[test]
fn bytes_that_are_no_texts_are_a_failure() {
    let mut texts = Texts::default();
    let handle = tokenizer(&mut texts);
    for (bytes, ends) in [
        (&b"\xff"[..], &[1][..]),
        ("é".as_bytes(), &[1, 2]),
        (b"one", &[4]),
        (b"one", &[3, 1, 3]),
    ] {
        let failed = texts.encode(handle, bytes, ends, false, 0, 9);
        assert!(matches!(failed, Err(Failure::Argument(_))), "{failed:?}");
    }
    let (bytes, ends) = batch(&["one"]);
    assert_eq!(texts.encode(handle, &bytes, &ends, false, 0, 9), Ok(1.0));
}

#[test]
fn ids_are_decoded_in_parts() {
    let mut texts = Texts::default();
    let handle = tokenizer(&mut texts);
    assert_eq!(texts.decode(handle, &[0, 1], true, true, true), Ok(-1.0 - 4.0));
    assert_eq!(texts.text(), "one two");
    assert_eq!(texts.decode(handle, &[3], true, false, false), Ok(-1.0 - 2.0));
    assert_eq!(texts.text(), " four");
    assert_eq!(texts.decode(handle, &[], true, true, false), Ok(-1.0 - 1.0));
    assert_eq!(texts.decode(handle, &[0, 2], true, true, true), Ok(1.0));
}

#[test]
fn tokens_and_ids() {
    let mut texts = Texts::default();
    let handle = tokenizer(&mut texts);
    assert_eq!(texts.token_to_id(handle, b"four"), Ok(3.0));
    assert_eq!(texts.token_to_id(handle, b"five"), Ok(-1.0));
    assert_eq!(texts.id_to_token(handle, 3.0), Ok(true));
    assert_eq!(texts.text(), "four");
    assert_eq!(texts.id_to_token(handle, 2.0), Ok(false));
}

#[test]
fn a_freed_handle_is_a_failure() {
    let mut texts = Texts::default();
    let handle = tokenizer(&mut texts);
    let bytes = texts.bytes();
    assert!(bytes > 0);
    assert_eq!(texts.free(handle), bytes);
    assert_eq!((texts.free(handle), texts.bytes(), texts.objects()), (0, 0, 0));
    assert_eq!(texts.token_to_id(handle, b"one"), Err(Failure::Handle(handle)));
}

#[test]
fn a_text_that_is_too_long_is_refused_before_it_takes_memory() {
    let mut texts = Texts::default();
    let json = r#"{"version":"1.0","decoder":{"type":"Sequence","decoders":[
        {"type":"Replace","pattern":{"String":"b"},"content":"BIG"},
        {"type":"Replace","pattern":{"String":"c"},"content":"BIG"}]},
        "model":{"type":"WordLevel","vocab":{"a":0,"b":1,"bbbb":2,"BIG":3},"unk_token":"a"}}"#;
    let json = json.replace("BIG", &"c".repeat(1 << 15));
    let handle = create(&mut texts, &json, 0.0, 1);
    let mut decode = |ids: &[u32]| texts.decode(handle, ids, true, true, true).unwrap();
    assert_eq!(decode(&[0, 0]), -1.0 - 4.0);
    // Each is more than 2^30 bytes: of the tokens, after one decoder, after two.
    assert_eq!(decode(&[3; 1 << 16]), f64::from(1 << 16));
    assert_eq!(decode(&[2; 1 << 14]), f64::from(1 << 14));
    assert_eq!(decode(&[1, 1]), 2.0);
    assert_eq!(decode(&[0, 9]), 1.0);
    assert_eq!(decode(&[0]), -1.0 - 2.0);
}

#[test]
fn a_template_takes_no_more_memory_than_its_file() {
    let mut texts = Texts::default();
    let mut create = |single: &str, count: usize, ids: &str| {
        let pieces = vec![single; count].join(",");
        let json = format!(
            r#"{{"version":"1.0","pre_tokenizer":{{"type":"Whitespace"}},"post_processor":{{"type":"TemplateProcessing","pair":[],"single":[{pieces}],
            "special_tokens":{{"t":{{"id":"t","ids":[{ids}],"tokens":["a"]}}}}}},
            "model":{{"type":"WordLevel","vocab":{{"a":0}},"unk_token":"a"}}}}"#
        );
        texts.create(json.as_bytes(), 0.0, 1).unwrap()
    };
    let special = r#"{"SpecialToken":{"id":"t","type_id":0}}"#;
    let list = vec!["0"; 1 << 12].join(",");
    assert!(create(special, 256, &list).contains("handle"));
    let refused = create(special, 257, &list);
    assert!(
        refused.contains("post_processor.single[256] is where the template has more than 2^20"),
        "{refused}"
    );
    let text = r#"{"Sequence":{"id":"A","type_id":0}}"#;
    assert!(create(text, 1 << 16, "0").contains("\"handle\":1"));
    // 2^31 ids.
    let long = " a".repeat(1 << 15);
    assert_eq!(
        texts.encode(1.0, long.as_bytes(), &[long.len() as u32], true, 0, 9),
        Ok(-3.0)
    );
    assert_eq!(texts.encode(1.0, b"a", &[1], true, 0, 1 << 16), Ok(1.0));
    assert_eq!(texts.ids().len(), 1 << 16);
}

#[test]
fn an_added_token_that_normalizers_make_too_long_is_refused() {
    let mut texts = Texts::default();
    let mut create = |parts: &str| {
        let model = r#""model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"}"#;
        texts
            .create(
                format!(r#"{{"version":"1.0",{parts},{model}}}"#).as_bytes(),
                0.0,
                1,
            )
            .unwrap()
    };
    let content = "a".repeat(1 << 10);
    let replace = format!(r#"{{"type":"Replace","pattern":{{"String":"a"}},"content":"{content}"}}"#);
    let normalizer = format!(
        r#""normalizer":{{"type":"Sequence","normalizers":[{0},{0},{0},{0}]}}"#,
        replace
    );
    let added = r#""added_tokens":[{"id":1,"content":"ba","single_word":false,"lstrip":false,"rstrip":false,
        "normalized":true,"special":false}]"#;
    let refused = create(&format!("{normalizer},{added}"));
    assert!(
        refused.contains("which is longer than 2^20 bytes when it is normalized"),
        "{refused}"
    );
}
