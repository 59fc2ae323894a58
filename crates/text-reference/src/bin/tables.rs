//! Writes the Unicode tables of tokenbed-text: `cargo run -p tokenbed-text-reference --profile test --bin tables`.

use tokenbed_text_reference::tables::{decompositions_file, Reference};

fn main() -> std::io::Result<()> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../text/src/unicode");
    std::fs::write(
        format!("{folder}/properties.bin"),
        Reference::default().properties_file(),
    )?;
    std::fs::write(format!("{folder}/decompositions.bin"), decompositions_file())
}
