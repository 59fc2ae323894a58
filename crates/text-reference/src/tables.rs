//! What the crates of the reference say about every character, and the files that tokenbed-text reads it from.

use std::collections::BTreeMap;

use onig::Regex;
use unicode_categories::UnicodeCategories;
use unicode_normalization_alignments::char::{
    canonical_combining_class, compose, decompose_canonical, decompose_compatible, is_combining_mark,
};
use unicode_normalization_alignments::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// The facts about one character, as `unicode.rs` of tokenbed-text has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// A bit for each property.
    pub properties: u32,
    /// What is added to the character for its lower case. U+0130 has 0.
    pub lower: i32,
    /// The canonical combining class.
    pub class: u8,
    /// The class of grapheme clusters, and the bits of GB9c.
    pub cluster: u8,
}

/// One character of each class of grapheme clusters, in the order of `unicode.rs`.
pub const CLUSTERS: [char; 16] = [
    'a',
    '\r',
    '\n',
    '\u{1}',
    '\u{300}',
    '\u{200d}',
    '\u{903}',
    '\u{600}',
    '\u{1f1e6}',
    '\u{1100}',
    '\u{1160}',
    '\u{11a8}',
    '\u{ac00}',
    '\u{ac01}',
    '\u{a9}',
    '\u{915}',
];

/// The bit of a character that GB9c skips (InCB=Extend).
const SKIPPED: u8 = 1 << 4;
/// The bit of a character that links two consonants by GB9c (InCB=Linker).
const LINKER: u8 = 1 << 5;

/// Asks the reference.
pub struct Reference {
    onig: [(u32, Regex); 5],
    regex: [(u32, regex::Regex); 2],
    clusters: Vec<u64>,
    /// The characters that are the second of a pair that is composed.
    seconds: Vec<bool>,
}

impl Default for Reference {
    fn default() -> Reference {
        let onig = [
            (6, r"\s"),
            (7, r"\p{L}"),
            (8, r"\p{N}"),
            (9, r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"),
            (10, r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"),
        ];
        let regex = [(11, r"^\w$"), (12, r"^\s$")];
        Reference {
            onig: onig.map(|(bit, pattern)| (bit, Regex::new(pattern).unwrap())),
            regex: regex.map(|(bit, pattern)| (bit, regex::Regex::new(pattern).unwrap())),
            clusters: CLUSTERS.map(borders).to_vec(),
            seconds: seconds(),
        }
    }
}

/// Whether there are borders of grapheme clusters between the character and one of each class, as bits.
fn borders(character: char) -> u64 {
    let mut bits = 0;
    let mut ask = |parts: [&str; 2]| {
        let text = parts.concat();
        let border = text
            .grapheme_indices(true)
            .any(|(start, _)| start == parts[0].len());
        bits = bits << 1 | border as u64;
    };
    let own = character.to_string();
    for other in CLUSTERS.map(|other| other.to_string()) {
        ask([&other, &own]);
        ask([&own, &other]);
    }
    ask(["\u{a9}\u{200d}", &own]);
    ask([&format!("\u{a9}{own}"), "\u{a9}"]);
    ask([&format!("\u{a9}{own}\u{200d}"), "\u{a9}"]);
    bits
}

/// Whether GB9c joins the last consonant to the text in front of it.
fn joins(front: &str) -> bool {
    let text = format!("{front}\u{915}");
    !text.grapheme_indices(true).any(|(start, _)| start == front.len())
}

fn seconds() -> Vec<bool> {
    let mut seconds = vec![false; 0x11_0000];
    let mut last = std::collections::BTreeSet::new();
    for character in '\0'..=char::MAX {
        let mut parts = Vec::new();
        decompose_canonical(character, |part| parts.push(part));
        if parts.len() > 1 {
            last.extend(parts.last());
        }
    }
    for second in last {
        seconds[second as usize] = ('\0'..=char::MAX).any(|first| compose(first, second).is_some());
    }
    seconds
}

impl Reference {
    /// The canonical and the compatible decomposition of a character: empty if it is the character, or Hangul.
    pub fn decompositions(character: char) -> [Vec<char>; 2] {
        let (mut canonical, mut compatible) = (Vec::new(), Vec::new());
        decompose_canonical(character, |part| canonical.push(part));
        decompose_compatible(character, |part| compatible.push(part));
        [canonical, compatible].map(|parts| match parts == [character] || hangul(character) {
            true => Vec::new(),
            false => parts,
        })
    }

    /// The facts about a character.
    pub fn row(&self, character: char) -> Row {
        let text = character.to_string();
        let class = canonical_combining_class(character);
        let text = text.as_str();
        let borders = borders(character);
        let cluster = self.clusters.iter().position(|&other| other == borders);
        let cluster = cluster.expect("each character is of one of the classes") as u8;
        // A character of the class Prepend, 7, joins whatever follows.
        let linker = cluster != 7 && joins(&format!("\u{915}{text}"));
        let skipped = cluster != 7 && !linker && joins(&format!("\u{915}\u{94d}{text}"));
        let nfc: String = text.nfc().map(|(part, _)| part).collect();
        let nfd: String = text.nfd().map(|(part, _)| part).collect();
        let nfkc: String = text.nfkc().map(|(part, _)| part).collect();
        let nfkd: String = text.nfkd().map(|(part, _)| part).collect();
        let second = self.seconds[character as usize];
        let [canonical, compatible] = Reference::decompositions(character);
        let mut properties = 0;
        for (bit, holds) in [
            (0, character.is_whitespace()),
            (1, character.is_numeric()),
            (2, character.is_punctuation() || character.is_ascii_punctuation()),
            (3, character.is_mark_nonspacing()),
            (4, character.is_other()),
            (5, is_combining_mark(character)),
            (13, cluster == 7),
            (14, matches!(cluster, 4..=6)),
            (16, class != 0 || nfd != text),
            (17, class != 0 || nfkd != text),
            (18, class != 0 || nfc != text || second),
            (19, class != 0 || nfkc != text || second),
            (20, !canonical.is_empty() || !compatible.is_empty()),
            (21, !canonical.is_empty() && nfc == text),
        ] {
            properties |= (holds as u32) << bit;
        }
        for (bit, pattern) in &self.onig {
            properties |= (pattern.is_match(text) as u32) << bit;
        }
        for (bit, pattern) in &self.regex {
            properties |= (pattern.is_match(text) as u32) << bit;
        }
        let lower: Vec<char> = character.to_lowercase().collect();
        let lower = match lower[..] {
            [lower] => lower as i32 - character as i32,
            _ => {
                assert_eq!((character, &lower[..]), ('\u{130}', &['i', '\u{307}'][..]));
                0
            }
        };
        Row {
            properties,
            lower,
            class,
            cluster: cluster | (skipped as u8 * SKIPPED) | (linker as u8 * LINKER),
        }
    }

    /// `unicode/properties.bin`: the number of different rows and the rows, then runs of characters with the same row
    /// (the length, the index of the row). Surrogates belong to the run in front of them.
    pub fn properties_file(&self) -> Vec<u8> {
        let rows: Vec<Row> = ('\0'..=char::MAX).map(|character| self.row(character)).collect();
        let mut counts = BTreeMap::new();
        for row in &rows {
            *counts.entry(*row).or_insert(0) += 1;
        }
        // Frequent rows first, so that their indices take one byte.
        let mut different: Vec<Row> = counts.keys().copied().collect();
        different.sort_by_key(|row| std::cmp::Reverse(counts[row]));
        let mut file = Vec::new();
        assert!(
            different.len() <= 256,
            "tokenbed-text keeps the index of a row in a byte"
        );
        put(&mut file, different.len() as u32);
        for row in &different {
            put(&mut file, row.properties);
            put(&mut file, zigzag(row.lower));
            file.extend([row.class, row.cluster]);
        }
        let mut runs: Vec<(u32, usize)> = Vec::new();
        for (character, row) in ('\0'..=char::MAX).zip(&rows) {
            let index = different.iter().position(|other| other == row).unwrap();
            if runs.last().is_none_or(|&(_, last)| last != index) {
                runs.push((character as u32, index));
            }
        }
        for (position, &(start, index)) in runs.iter().enumerate() {
            let end = runs.get(position + 1).map_or(0x11_0000, |&(next, _)| next);
            put(&mut file, end - start);
            put(&mut file, index as u32);
        }
        file
    }
}

/// `unicode/decompositions.bin`: for each character that has one, in ascending order, the distance to the last such
/// character, the number of characters of its canonical decomposition and 8 times that of the compatible one (0 if it
/// is the canonical one), and the characters of both in UTF-8.
pub fn decompositions_file() -> Vec<u8> {
    let mut file = Vec::new();
    let mut last = 0;
    for character in '\0'..=char::MAX {
        let [canonical, mut compatible] = Reference::decompositions(character);
        if compatible == canonical {
            compatible.clear();
        }
        if canonical.is_empty() && compatible.is_empty() {
            continue;
        }
        put(&mut file, character as u32 - last);
        last = character as u32;
        file.push((canonical.len() + 8 * compatible.len()) as u8);
        for part in canonical.into_iter().chain(compatible) {
            file.extend(part.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    file
}

fn hangul(character: char) -> bool {
    ('\u{ac00}'..='\u{d7a3}').contains(&character)
}

fn zigzag(number: i32) -> u32 {
    (number << 1 ^ number >> 31) as u32
}

/// Appends a number, 7 bits in a byte, low bits first.
fn put(file: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        file.push(number as u8 | 0x80);
        number >>= 7;
    }
    file.push(number as u8);
}
