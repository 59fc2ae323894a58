//! Properties of characters, normalization and grapheme clusters against the crates of the reference.

use tokenbed_text::for_tests::unicode;
use tokenbed_text_reference::tables::{Reference, Row};

#[test]
fn every_character_has_the_properties_of_the_reference() {
    let reference = Reference::default();
    for character in '\0'..=char::MAX {
        let (properties, lower, class, cluster) = unicode::row(character);
        let row = Row {
            properties,
            lower,
            class,
            cluster,
        };
        assert_eq!(row, reference.row(character), "{character:?}");
        let lower: String = character.to_lowercase().collect();
        assert_eq!(unicode::lowercase(character), lower, "{character:?}");
    }
}
