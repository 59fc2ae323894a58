//! Writes test/vectors/golden/text.json: `cargo run -p tokenbed-text-reference --bin vectors`.

fn main() -> std::io::Result<()> {
    tokenbed_text_reference::compare::silence_reference();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/vectors/golden/text.json");
    std::fs::write(path, tokenbed_text_reference::vectors::vectors())
}
