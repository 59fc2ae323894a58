//! Properties of characters, normalization and grapheme clusters against the crates of the reference.

use tokenbed_text::for_tests::unicode;
use tokenbed_text_reference::tables::{decompositions_file, Reference, Row};
use unicode_segmentation::UnicodeSegmentation;

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

#[test]
fn the_file_of_decompositions_is_up_to_date() {
    assert!(decompositions_file() == include_bytes!("../../text/src/unicode/decompositions.bin"));
}

#[test]
fn every_pair_is_composed_as_in_the_reference() {
    let mut seconds = std::collections::BTreeSet::new();
    for character in '\0'..=char::MAX {
        let [canonical, _] = Reference::decompositions(character);
        seconds.extend(canonical.last().copied());
    }
    // Hangul.
    seconds.extend('\u{1160}'..='\u{1176}');
    seconds.extend('\u{11a6}'..='\u{11c3}');
    for first in ('\0'..='\u{2ffff}').chain('\u{e0000}'..='\u{e0fff}') {
        for &second in seconds.iter().filter(|&&second| {
            // A second of one of the two at least; others are asked about with few characters.
            unicode::row(second).0 & 1 << 18 != 0 || first < '\u{180}'
        }) {
            let expected = unicode_normalization_alignments::char::compose(first, second);
            assert_eq!(unicode::compose(first, second), expected, "{first:?} {second:?}");
        }
    }
}

/// A generator of numbers (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }
}

#[test]
fn clusters_end_where_those_of_the_reference_end() {
    // A few characters of each class of clusters, GB9c included.
    let mut of: std::collections::BTreeMap<u8, Vec<char>> = Default::default();
    for character in '\0'..=char::MAX {
        let cluster = unicode::row(character).3;
        // `cluster::end` looks at one cluster only, so that whatever links consonants must never begin one.
        assert!(
            cluster & 0x30 == 0 || (4..=6).contains(&(cluster & 15)),
            "{character:?}"
        );
        let list = of.entry(cluster).or_default();
        if list.len() < 4 {
            list.push(character);
        }
    }
    let classes: Vec<Vec<char>> = of.into_values().collect();
    let mut random = Random(1);
    for _ in 0..400_000 {
        let text: String = (0..1 + random.below(12))
            .map(|_| {
                let class = &classes[random.below(classes.len())];
                class[random.below(class.len())]
            })
            .collect();
        let mut at = 0;
        for cluster in text.graphemes(true) {
            let end = unicode::cluster_end(&text, at);
            assert_eq!(
                &text[at..end],
                cluster,
                "{text:?} {:?}",
                text.chars()
                    .map(|c| (c as u32, unicode::row(c).3))
                    .collect::<Vec<_>>()
            );
            at = end;
        }
    }
}
