//! The reference can be called.
use std::str::FromStr;

#[test]
fn the_reference_encodes() {
    let json = r#"{"version":"1.0","model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"}}"#;
    let tokenizer = tokenizers::Tokenizer::from_str(json).unwrap();
    assert_eq!(tokenizer.encode_fast("b", false).unwrap().get_ids(), [0]);
}
