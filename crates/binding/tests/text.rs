//! Tokenizers by handle: batches of texts, and their answers as numbers.

use tokenbed_binding::text::Texts;
use tokenbed_binding::Failure;

const WORDS: &str = r#"{"version":"1.0","added_tokens":[],"normalizer":null,"pre_tokenizer":{"type":"Whitespace"},
    "post_processor":null,"decoder":null,
    "model":{"type":"WordLevel","vocab":{"one":0,"two":1,"four":3},"unk_token":"[UNK]"}}"#;

fn tokenizer(texts: &mut Texts) -> f64 {
    let answer = texts.create(WORDS.as_bytes(), 4096.0, 1).unwrap();
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
    let answer = texts.create(json.as_bytes(), 0.0, 1).unwrap();
    let handle = answer.split("\"handle\":").nth(1).unwrap();
    let handle = handle.trim_end_matches('}').parse().unwrap();
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
