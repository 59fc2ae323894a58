//! test/vectors/golden/text.json is what the reference says.

#[test]
fn vectors_are_those_of_the_reference() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/vectors/golden/text.json");
    tokenbed_text_reference::compare::silence_reference();
    let expected = tokenbed_text_reference::vectors::vectors();
    let found = std::fs::read_to_string(path).expect("test/vectors/golden/text.json");
    assert!(
        found == expected,
        "run cargo run -p tokenbed-text-reference --bin vectors"
    );
}
