//! Writes test/vectors/golden/text.json: `cargo run -p tokenbed-text-reference --bin vectors`.

fn main() -> std::io::Result<()> {
    std::panic::set_hook(Box::new(|_| {}));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/vectors/golden/text.json");
    std::fs::write(path, tokenbed_text_reference::vectors::vectors())
}
