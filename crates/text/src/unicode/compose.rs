//! Decomposition and composition of characters, by the crate unicode-normalization-alignments.
//!
//! `unicode/decompositions.bin` has the full decompositions. Pairs that are composed follow from those, since the row
//! of a character says whether it is composed again. Hangul is computed.

use std::sync::OnceLock;

use super::{properties, File, Properties};

const SYLLABLES: std::ops::Range<u32> = 0xac00..0xd7a4;
const LEADING: u32 = 0x1100;
const VOWEL: u32 = 0x1161;
const TRAILING: u32 = 0x11a7;
const VOWELS: u32 = 21;
const TRAILINGS: u32 = 28;

/// Characters of a block.
const BLOCK: usize = 64;
/// Greater than every character that has a decomposition.
const CHARACTERS: usize = 0x3_0000;
/// Slots of the table of pairs, a power of two.
const SLOTS: usize = 2048;

/// The decompositions of a character: at `start` the canonical one, then the compatible one.
#[derive(Clone, Copy, Default)]
struct Entry {
    start: u16,
    canonical: u8,
    /// 0 if it is the canonical one.
    compatible: u8,
}

struct Table {
    /// The block of each 64 characters.
    starts: Vec<u16>,
    /// The entry of each character of each block. Block 0 has none.
    blocks: Vec<[u16; BLOCK]>,
    entries: Vec<Entry>,
    parts: Vec<char>,
    /// Two characters and the one that they are composed to: open addressing. An empty slot has three NULs.
    pairs: Vec<[char; 3]>,
}

static TABLE: OnceLock<Table> = OnceLock::new();

impl Table {
    /// The slot of a pair, or the empty one where it belongs.
    fn slot(&self, first: char, second: char) -> usize {
        let hash = (first as u32).wrapping_mul(0x9e37_79b1) ^ (second as u32).wrapping_mul(0x85eb_ca6b);
        let mut slot = (hash >> 16) as usize % SLOTS;
        // Half of the slots are empty.
        while self.pairs[slot][1] != '\0' && (self.pairs[slot][0], self.pairs[slot][1]) != (first, second) {
            slot = (slot + 1) % SLOTS;
        }
        slot
    }

    fn parts(&self, entry: Entry, compatible: bool) -> &[char] {
        let canonical = entry.canonical as usize;
        let parts = &self.parts[entry.start as usize..];
        match entry.compatible {
            length @ 1.. if compatible => &parts[canonical..][..length as usize],
            _ => &parts[..canonical],
        }
    }

    fn compose(&self, first: char, second: char) -> Option<char> {
        Some(self.pairs[self.slot(first, second)][2]).filter(|&composed| composed != '\0')
    }
}

#[cold]
fn read() -> Table {
    let mut file = File(include_bytes!("decompositions.bin"));
    let mut table = Table {
        starts: vec![0; CHARACTERS / BLOCK],
        blocks: vec![[0; BLOCK]],
        entries: vec![Entry::default()],
        parts: Vec::new(),
        pairs: vec![['\0'; 3]; SLOTS],
    };
    let mut composed = Vec::new();
    let mut code = 0;
    while let (Some(distance), Some(lengths)) = (file.number(), file.byte()) {
        code += distance;
        let character = char::from_u32(code).unwrap_or_default();
        let start = &mut table.starts[code as usize / BLOCK];
        if *start == 0 {
            *start = table.blocks.len() as u16;
            table.blocks.push([0; BLOCK]);
        }
        table.blocks[*start as usize][code as usize % BLOCK] = table.entries.len() as u16;
        let entry = Entry {
            start: table.parts.len() as u16,
            canonical: lengths & 7,
            compatible: lengths >> 3,
        };
        table.entries.push(entry);
        for _ in 0..entry.canonical + entry.compatible {
            table.parts.push(file.character().unwrap_or_default());
        }
        if properties(character).any(Properties::COMPOSES) {
            composed.push((character, entry));
        }
    }
    // The pair of a character is all but the last of its parts, composed, and the last one.
    for length in 2..8 {
        for &(character, entry) in composed.iter().filter(|(_, entry)| entry.canonical == length) {
            let parts = table.parts(entry, false);
            let (mut first, last) = (parts[0], parts[parts.len() - 1]);
            for &part in &parts[1..parts.len() - 1] {
                first = table.compose(first, part).unwrap_or_default();
            }
            let slot = table.slot(first, last);
            table.pairs[slot] = [first, last, character];
        }
    }
    table
}

/// Passes the characters of the full decomposition to `push`: the character itself if it has none.
#[inline]
pub(crate) fn decompose(
    character: char,
    properties: Properties,
    compatible: bool,
    mut push: impl FnMut(char),
) {
    let code = character as u32;
    if properties.any(Properties::DECOMPOSES) {
        let table = TABLE.get_or_init(read);
        let block = table
            .starts
            .get(code as usize / BLOCK)
            .map_or(0, |&block| block as usize);
        let entry = table.entries[table.blocks[block][code as usize % BLOCK] as usize];
        let parts = table.parts(entry, compatible);
        if !parts.is_empty() {
            return parts.iter().for_each(|&part| push(part));
        }
    } else if SYLLABLES.contains(&code) {
        let index = code - SYLLABLES.start;
        let trailing = index % TRAILINGS;
        let leading = LEADING + index / (VOWELS * TRAILINGS);
        push(char::from_u32(leading).unwrap_or_default());
        push(char::from_u32(VOWEL + index / TRAILINGS % VOWELS).unwrap_or_default());
        if trailing > 0 {
            push(char::from_u32(TRAILING + trailing).unwrap_or_default());
        }
        return;
    }
    push(character);
}

/// The character that two are composed to.
pub fn compose(first: char, second: char) -> Option<char> {
    let (a, b) = (first as u32, second as u32);
    if (LEADING..LEADING + 19).contains(&a) && (VOWEL..VOWEL + VOWELS).contains(&b) {
        let index = (a - LEADING) * VOWELS + (b - VOWEL);
        return char::from_u32(SYLLABLES.start + index * TRAILINGS);
    }
    if (TRAILING + 1..TRAILING + TRAILINGS).contains(&b)
        && SYLLABLES.contains(&a)
        && (a - SYLLABLES.start).is_multiple_of(TRAILINGS)
    {
        return char::from_u32(a + b - TRAILING);
    }
    TABLE.get_or_init(read).compose(first, second)
}
