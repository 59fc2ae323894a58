//! Properties of characters, by the crate that the reference takes each from.
//!
//! `unicode/properties.bin` has the answers of those crates about every character. Characters with the same answers
//! share a row; the file has the rows and the runs of characters with the same row. `cargo run -p
//! tokenbed-text-reference --profile test --bin tables` writes it, and a test of that crate compares it with
//! them again.

use std::sync::OnceLock;

pub(crate) mod cluster;
pub(crate) mod compose;

/// A set of properties of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Properties(u32);

impl Properties {
    /// `char::is_whitespace` of std.
    pub const WHITE_SPACE: Properties = Properties(1);
    /// `char::is_numeric` of std.
    pub const NUMERIC: Properties = Properties(1 << 1);
    /// `is_punctuation` of unicode_categories, or ASCII punctuation of std.
    pub const PUNCTUATION: Properties = Properties(1 << 2);
    /// `is_mark_nonspacing` of unicode_categories.
    pub const NONSPACING_MARK: Properties = Properties(1 << 3);
    /// `is_other` of unicode_categories.
    pub const OTHER: Properties = Properties(1 << 4);
    /// `is_combining_mark` of unicode-normalization-alignments.
    pub const COMBINING_MARK: Properties = Properties(1 << 5);
    /// `\s` of Oniguruma.
    pub const ONIG_SPACE: Properties = Properties(1 << 6);
    /// `\p{L}` of Oniguruma.
    pub const ONIG_LETTER: Properties = Properties(1 << 7);
    /// `\p{N}` of Oniguruma.
    pub const ONIG_NUMBER: Properties = Properties(1 << 8);
    /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]` of Oniguruma.
    pub const ONIG_UPPER: Properties = Properties(1 << 9);
    /// `[\p{Ll}\p{Lm}\p{Lo}\p{M}]` of Oniguruma.
    pub const ONIG_LOWER: Properties = Properties(1 << 10);
    /// `\w` of the crate regex.
    pub const REGEX_WORD: Properties = Properties(1 << 11);
    /// `\s` of the crate regex.
    pub const REGEX_SPACE: Properties = Properties(1 << 12);
    /// No grapheme cluster ends after it, if a character follows that is not a control character (GB9b).
    pub const PREPEND: Properties = Properties(1 << 13);
    /// No grapheme cluster begins with it after a character that is not a control character (GB9, GB9a).
    pub const EXTEND: Properties = Properties(1 << 14);
    /// NFD changes it, or moves it to another place.
    pub const NFD: Properties = Properties(1 << 16);
    /// NFKD changes it, or moves it to another place.
    pub const NFKD: Properties = Properties(1 << 17);
    /// NFC changes it, moves it to another place, or may join it to the character in front of it.
    pub const NFC: Properties = Properties(1 << 18);
    /// NFKC changes it, moves it to another place, or may join it to the character in front of it.
    pub const NFKC: Properties = Properties(1 << 19);
    /// It has a decomposition, and is not a Hangul syllable.
    pub const DECOMPOSES: Properties = Properties(1 << 20);
    /// The characters of its canonical decomposition are composed again.
    pub const COMPOSES: Properties = Properties(1 << 21);

    /// Whether the character has any property of `other`.
    #[inline]
    pub fn any(self, other: Properties) -> bool {
        self.0 & other.0 != 0
    }

    /// The properties that are in either set.
    pub const fn or(self, other: Properties) -> Properties {
        Properties(self.0 | other.0)
    }
}

/// What is known about a character.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub properties: Properties,
    /// What is added to the character for its lower case.
    lower: i32,
    /// The canonical combining class.
    pub class: u8,
    /// The class of grapheme clusters: see [`cluster`].
    pub cluster: u8,
}

/// Characters of a block.
const BLOCK: usize = 128;
const CHARACTERS: usize = 0x11_0000;

struct Table {
    /// The block of each 128 characters.
    starts: Vec<u16>,
    /// The row of each character of each block.
    blocks: Vec<[u8; BLOCK]>,
    rows: Vec<Row>,
}

static TABLE: OnceLock<Table> = OnceLock::new();

/// What is known about a character.
#[inline]
pub(crate) fn row(character: char) -> &'static Row {
    let table = TABLE.get_or_init(read);
    let code = character as usize;
    let block = table.starts[code / BLOCK] as usize;
    &table.rows[table.blocks[block][code % BLOCK] as usize]
}

/// The properties of a character.
#[inline]
pub(crate) fn properties(character: char) -> Properties {
    row(character).properties
}

/// `char::to_lowercase` of std: one or two characters.
#[inline]
pub(crate) fn lowercase(character: char) -> (char, Option<char>) {
    // The only one that becomes two characters.
    if character == '\u{130}' {
        return ('i', Some('\u{307}'));
    }
    let code = (character as u32).wrapping_add_signed(row(character).lower);
    (char::from_u32(code).unwrap_or(character), None)
}

/// Reads numbers and characters from a file of tables.
pub(crate) struct File(pub &'static [u8]);

impl File {
    pub fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    /// A number, 7 bits in a byte, low bits first.
    pub fn number(&mut self) -> Option<u32> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            number |= (byte as u32 & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return Some(number);
            }
        }
    }

    /// A character in UTF-8.
    pub fn character(&mut self) -> Option<char> {
        let length = match self.0.first()? {
            ..0x80 => 1,
            ..0xe0 => 2,
            ..0xf0 => 3,
            _ => 4,
        };
        let (character, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(character).ok()?.chars().next()
    }
}

#[cold]
fn read() -> Table {
    let mut file = File(include_bytes!("unicode/properties.bin"));
    let mut table = Table {
        starts: vec![0; CHARACTERS / BLOCK],
        blocks: Vec::new(),
        rows: Vec::new(),
    };
    // The file is a part of this crate, so that no read fails.
    for _ in 0..file.number().unwrap_or(0) {
        let properties = Properties(file.number().unwrap_or(0));
        let lower = file.number().unwrap_or(0);
        table.rows.push(Row {
            properties,
            lower: (lower >> 1) as i32 ^ -(lower as i32 & 1),
            class: file.byte().unwrap_or(0),
            cluster: file.byte().unwrap_or(0),
        });
    }
    // Blocks within one run are the same for the same row.
    let mut uniform = vec![None; table.rows.len()];
    let mut at = 0;
    while let (Some(length), Some(row)) = (file.number(), file.number()) {
        let end = at + length as usize;
        while at < end {
            let first = at % BLOCK;
            let next = end.min(at - first + BLOCK);
            if first == 0 {
                let whole = next == at + BLOCK;
                let shared = if whole { uniform[row as usize] } else { None };
                table.starts[at / BLOCK] = shared.unwrap_or(table.blocks.len() as u16);
                if shared.is_none() {
                    table.blocks.push([row as u8; BLOCK]);
                }
                if whole {
                    uniform[row as usize] = Some(table.starts[at / BLOCK]);
                }
            } else if let Some(block) = table.blocks.last_mut() {
                block[first..][..next - at].fill(row as u8);
            }
            at = next;
        }
    }
    table
}

/// What the tests compare with the reference.
#[doc(hidden)]
pub mod for_tests {
    /// The properties, the distance to the lower case, the combining class and the class of grapheme clusters.
    pub fn row(character: char) -> (u32, i32, u8, u8) {
        let row = super::row(character);
        (row.properties.0, row.lower, row.class, row.cluster)
    }

    pub use super::cluster::end as cluster_end;
    pub use super::compose::compose;

    /// The lower case.
    pub fn lowercase(character: char) -> String {
        let (first, second) = super::lowercase(character);
        std::iter::once(first).chain(second).collect()
    }
}
