//! A memo in front of all parts: chunks of text to their ids.
//!
//! A text is cut into chunks where no part looks across the cut, and the ids of a text are those of its chunks. A chunk
//! begins at the start of the text or at a blank, so that the bytes of a chunk say where it may stand. [`Cuts::new`]
//! decides where texts may be cut. With `x` and `y` any texts and `b` a blank in front of `y`:
//!
//! * **Normalizers** must satisfy `N(x b y) = N(x) N(b y)`, and `N(b y)` must begin with a blank. That is so where each
//!   character is replaced by itself (Bert, Lowercase, Nmt, StripAccents), and for the four normal forms: a blank is a
//!   starter, and no composition has one. A literal Replace must not contain what the blank has become. Precompiled
//!   replaces grapheme clusters: a blank is a cluster by itself unless the character in front of it is of the class
//!   Prepend or the one after it is Extend, ZWJ or SpacingMark, and there is no cut then; the map must keep the blank.
//!   It must come first, as it must see the characters of the text. Prepend, Strip, ByteLevel and the pattern ` {2,}`
//!   look further.
//! * **The first pre-tokenizer** must satisfy `P(x b y) = P(x) P(b y)`. Those after it see only its pieces. One that
//!   depends on whether a piece is the first of the text must not follow where pieces begin with `b`: the text may be
//!   `b y`.
//!   - Bert, Whitespace and WhitespaceSplit drop all white space, so every blank is a cut.
//!   - Metaspace that splits begins a piece at each space, and prepends nothing to `b y`.
//!   - The patterns of GPT-2, cl100k, Qwen and o200k (ByteLevel, and Split that is isolated or removes what does not
//!     match): at a space between two characters that are not white space, a match begins. No alternative has a space
//!     after such a character; none but `(?!\S)` looks beyond its end, and it only after white space. The normal forms
//!     NFC and NFD and Lowercase keep the two characters from becoming white space, so no other normalizer is allowed.
//!   - Without a pre-tokenizer, and with any other one, there are no cuts.
//! * **Added tokens** must not contain a blank, nor what it has become. A chunk in which one is found has no ids of its
//!   own: it makes the tokenizer read the whole text, since an added token may take white space around it. So does a
//!   chunk that cannot be encoded.
//!
//! The model sees each piece alone.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::added::Added;
use crate::normalize::{self, Form, Normalized, Normalizer};
use crate::split::{Behavior, Pattern, PreTokenizer, Scheme};
use crate::tokenizer::Workspace;
use crate::unicode::{properties, Properties};

/// Where texts may be cut.
#[derive(Debug)]
pub(crate) struct Cuts {
    /// The bytes in front of which a chunk may begin.
    blanks: [bool; 33],
    /// Whether both neighbours must not be white space.
    between: bool,
}

const SPACE: Properties = Properties::WHITE_SPACE
    .or(Properties::ONIG_SPACE)
    .or(Properties::REGEX_SPACE);

impl Cuts {
    /// The cuts that the parts allow, or None.
    pub fn new(normalizers: &[Normalizer], splits: &[PreTokenizer], added: &Added) -> Option<Cuts> {
        let (bytes, between): (&[u8], bool) = match splits {
            [PreTokenizer::Split {
                pattern: Pattern::Character(Properties::WHITE_SPACE),
                behavior: Behavior::Removed,
                invert: false,
            }, ..]
            | [PreTokenizer::Split {
                pattern: Pattern::Words,
                behavior: Behavior::Removed,
                invert: true,
            }, ..] => (b" \n\t", false),
            // Metaspace. A mark of white space would make other characters than spaces begin a piece.
            [PreTokenizer::Mark { mark, .. }, PreTokenizer::Split {
                pattern: Pattern::Literal(literal),
                behavior: Behavior::MergedWithNext,
                invert: false,
            }, ..]
                if literal.chars().eq([*mark]) =>
            {
                (b" ", false)
            }
            [PreTokenizer::Mark { mark: ' ', .. }, split, ..] | [split, ..] if matches_words(split) => {
                (b" ", true)
            }
            _ => return None,
        };
        let first = |split: &PreTokenizer| {
            matches!(
                split,
                PreTokenizer::Mark {
                    scheme: Scheme::First,
                    ..
                }
            )
        };
        if bytes == b" " && splits[1..].iter().any(first) {
            return None;
        }
        let mut cuts = Cuts {
            blanks: [false; 33],
            between,
        };
        for &byte in bytes {
            let blank = &*(byte as char).to_string();
            // What the normalizers make of the blank.
            let mut normalized = Normalized::default();
            normalized.set(blank, false);
            let mut spare = Normalized::default();
            let mut keeps = true;
            for (index, normalizer) in normalizers.iter().enumerate() {
                keeps &= match normalizer {
                    Normalizer::Lowercase | Normalizer::Form(Form::Nfc | Form::Nfd) => true,
                    Normalizer::Bert(_)
                    | Normalizer::Form(_)
                    | Normalizer::Nmt
                    | Normalizer::StripAccents => !between,
                    Normalizer::Precompiled(_) => !between && index == 0,
                    Normalizer::Replace {
                        pattern: normalize::Pattern::Literal(literal),
                        ..
                    } => !between && !share(literal, &normalized.text),
                    _ => false,
                };
                normalizer.apply(&mut normalized, &mut spare);
            }
            let space = normalized
                .text
                .chars()
                .all(|character| properties(character).any(SPACE));
            let kept = match byte {
                b' ' => normalized.text == " ",
                _ => space && !normalized.text.is_empty(),
            };
            let mut patterns = added.patterns();
            let apart = !patterns.any(|pattern| share(pattern, blank) || share(pattern, &normalized.text));
            cuts.blanks[byte as usize] = keeps && kept && apart;
        }
        cuts.blanks[b' ' as usize].then_some(cuts)
    }

    /// The end of the chunk that begins at `start`.
    #[inline]
    pub fn next(&self, text: &str, start: usize) -> usize {
        let mut at = start + 1;
        loop {
            at = next_control(text.as_bytes(), at);
            if at >= text.len() {
                return text.len();
            }
            if self.at(text, at) {
                return at;
            }
            at += 1;
        }
    }

    /// Whether a chunk begins at the byte `at`, which is at most a space and not the first.
    #[inline]
    fn at(&self, text: &str, at: usize) -> bool {
        let bytes = text.as_bytes();
        if !self.blanks[bytes[at] as usize] {
            return false;
        }
        let before = bytes[at - 1];
        let after = bytes.get(at + 1).copied();
        let (Some(after), true) = (after, before < 128) else {
            return self.at_unusual(text, at);
        };
        if after >= 128 {
            return self.at_unusual(text, at);
        }
        if self.between {
            return !is_blank(before) && !is_blank(after);
        }
        // A line end of two characters is one cluster.
        !(before == b'\r' && bytes[at] == b'\n')
    }

    /// The same next to a character that is not ASCII or at the end.
    #[inline(never)]
    fn at_unusual(&self, text: &str, at: usize) -> bool {
        let before = text[..at].chars().next_back().map(properties);
        let after = text[at + 1..].chars().next();
        let Some(before) = before else { return false };
        if before.any(Properties::PREPEND) || text.as_bytes()[at - 1] == b'\r' && text.as_bytes()[at] == b'\n'
        {
            return false;
        }
        match after.map(properties) {
            None => !self.between,
            Some(after) => {
                !after.any(Properties::EXTEND) && !(self.between && (before.any(SPACE) || after.any(SPACE)))
            }
        }
    }
}

/// Whether two texts have a character in common.
fn share(a: &str, b: &str) -> bool {
    a.chars().any(|character| b.contains(character))
}

/// Whether a step makes a piece of each match of a pattern of words.
fn matches_words(split: &PreTokenizer) -> bool {
    let &PreTokenizer::Split {
        ref pattern,
        behavior,
        invert,
    } = split
    else {
        return false;
    };
    let pieces = matches!(
        (behavior, invert),
        (Behavior::Isolated, _) | (Behavior::Removed, true)
    );
    pieces && matches!(pattern, Pattern::Gpt2 | Pattern::Cl100k { .. } | Pattern::O200k)
}

/// Whether an ASCII byte is white space.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

/// The first byte at or after `at` that is at most a space, eight at a time.
#[inline]
fn next_control(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(word.try_into().unwrap_or_default());
        // The high bit of each byte: 0 if the byte is at most 0x20.
        let above = ((word & 0x7f7f_7f7f_7f7f_7f7f) + 0x5f5f_5f5f_5f5f_5f5f) | word;
        let found = !above & 0x8080_8080_8080_8080;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|&byte| byte > b' ') {
        at += 1;
    }
    at
}

/// Longer chunks are not kept: few of them come again, and they take much memory.
const LONGEST: usize = 64;
/// A chunk is looked for in that many slots.
const PROBES: usize = 8;
/// Bytes of a slot.
const SLOT: usize = size_of::<Slot>();
/// The slots of a new memo, and the fewest of all: a tokenizer that is used little takes little memory.
const SMALLEST: usize = 64;
/// How much larger a table becomes.
const GROWTH: usize = 4;
/// The units of 16 bits in a slot. An id takes one unit where all ids fit into it, else two.
const UNITS: usize = 6;

/// What is known of one chunk. A slot is half a cache line.
#[derive(Debug, Default)]
#[repr(align(32))]
struct Slot {
    /// The bytes of a chunk of up to 16, else its hash and where its bytes begin in [`Memo::keys`].
    key: [u64; 2],
    /// The length of the chunk in bytes; 0 is an empty slot.
    length: u8,
    /// Whether it was found since another chunk needed its place.
    found: AtomicBool,
    /// The number of ids, or [`WHOLE`].
    count: u16,
    /// The ids if there is room, else where they begin in [`Memo::more`].
    ids: [u16; UNITS],
}

impl Slot {
    fn is_found(&self) -> bool {
        self.found.load(Ordering::Relaxed)
    }

    /// Written only if it changes: other threads read it.
    #[inline]
    fn set_found(&self, found: bool) {
        if self.is_found() != found {
            self.found.store(found, Ordering::Relaxed);
        }
    }
}

/// The count of a chunk that has no ids of its own.
const WHOLE: u16 = u16::MAX;

/// The chunks of earlier texts: a table with open addressing. It grows up to its limit; then a new chunk takes the
/// place of one that was not found for a while (the algorithm CLOCK, in each run of slots).
#[derive(Debug)]
pub struct Memo {
    /// A chunk may be in the [`PROBES`] slots from its index on.
    slots: Vec<Slot>,
    used: usize,
    /// The most slots, and the most bytes of all.
    limit: usize,
    bytes: usize,
    /// Whether an id takes two units.
    wide: bool,
    /// The bytes of chunks of more than 16.
    keys: Vec<u8>,
    /// The units of lists of ids that do not fit into a slot.
    more: Vec<u16>,
    /// The most bytes of `keys` and of `more`. When they are full, the memo is emptied.
    arena: usize,
}

/// How a text uses a memo.
#[derive(Debug)]
pub enum Chunks<'a> {
    /// Not at all: no chunk is kept.
    Off,
    /// The memo belongs to this thread.
    Own(&'a mut Memo),
    /// Other threads use the memo, too. New chunks are kept in the workspace: see [`Memo::learn`].
    Shared(&'a Memo),
}

impl<'a> Chunks<'a> {
    /// A memo that belongs to this thread, if there is one.
    pub fn own(memo: Option<&'a mut Memo>) -> Self {
        memo.map_or(Chunks::Off, Chunks::Own)
    }

    /// The memo.
    #[inline]
    pub(crate) fn memo(&self) -> Option<&Memo> {
        match self {
            Chunks::Off => None,
            Chunks::Own(memo) => Some(memo),
            Chunks::Shared(memo) => Some(memo),
        }
    }

    /// Keeps the ids of a chunk; None: it has no ids of its own.
    #[inline]
    pub(crate) fn keep(&mut self, news: &mut News, key: Key, chunk: &str, ids: Option<&[u32]>) {
        match self {
            Chunks::Off => {}
            Chunks::Own(memo) => memo.insert(key, chunk, ids),
            Chunks::Shared(_) => news.push(key, chunk, ids),
        }
    }
}

/// The most chunks that a thread learns before they are put into the memo.
const MOST_NEWS: usize = 4096;

/// The chunks that a thread has learned while the memo was shared.
#[derive(Debug, Default)]
pub(crate) struct News {
    list: Vec<Learned>,
    text: String,
    ids: Vec<u32>,
}

/// A chunk: its key, where its text and its ids end, and whether it has ids of its own.
#[derive(Debug)]
struct Learned {
    key: Key,
    text: usize,
    ids: usize,
    own: bool,
}

impl News {
    fn push(&mut self, key: Key, chunk: &str, ids: Option<&[u32]>) {
        if self.list.len() < MOST_NEWS && key.length <= LONGEST {
            self.text.push_str(chunk);
            self.ids.extend_from_slice(ids.unwrap_or_default());
            self.list.push(Learned {
                key,
                text: self.text.len(),
                ids: self.ids.len(),
                own: ids.is_some(),
            });
        }
    }
}

/// A chunk as the table looks for it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Key {
    key: [u64; 2],
    hash: u64,
    pub length: usize,
}

/// What the memo knows of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Its ids were appended.
    Ids,
    /// It has no ids of its own: the whole text must be read.
    Whole,
    /// Nothing.
    Nothing,
}

fn mix(left: u64, right: u64) -> u64 {
    let product = (left as u128) * (right as u128);
    product as u64 ^ (product >> 64) as u64
}

impl Memo {
    /// A memo of at most `bytes`, or None if that is less than 64 chunks. All ids are below `bound`.
    pub(crate) fn new(bytes: usize, bound: u64) -> Option<Memo> {
        // Of the memory, 10 parts in 16 are slots, 3 keys, 3 ids.
        let limit = bytes / 16 * 10 / SLOT;
        (limit >= SMALLEST).then(|| Memo {
            slots: empty(SMALLEST),
            used: 0,
            limit,
            bytes,
            wide: bound > 1 << 16,
            keys: Vec::new(),
            more: Vec::new(),
            arena: bytes / 16 * 3,
        })
    }

    /// The key of the chunk `text[start..end]`.
    #[inline]
    pub(crate) fn key(text: &str, start: usize, end: usize) -> Key {
        let bytes = text.as_bytes();
        let length = end - start;
        let key = if length <= 16 {
            let key = match bytes.get(start..start + 16) {
                Some(bytes) => {
                    u128::from_le_bytes(bytes.try_into().unwrap_or_default())
                        & (u128::MAX >> (128 - 8 * length))
                }
                None => {
                    let mut padded = [0; 16];
                    padded[..length].copy_from_slice(&bytes[start..end]);
                    u128::from_le_bytes(padded)
                }
            };
            [key as u64, (key >> 64) as u64]
        } else {
            let mut hash = length as u64;
            for word in bytes[start..end].chunks(8) {
                let mut padded = [0; 8];
                padded[..word.len()].copy_from_slice(word);
                hash = mix(hash ^ u64::from_le_bytes(padded), 0x9e37_79b9_7f4a_7c15);
            }
            [hash, 0]
        };
        Key {
            key,
            hash: hash(key, length),
            length,
        }
    }

    /// Loads the slots that chunks are looked for in. The loads do not depend on each other, so that the processor
    /// waits for all of them at once.
    #[inline]
    pub(crate) fn touch(&self, keys: &[Key]) {
        let slots = &self.slots[..];
        let loaded = keys
            .iter()
            .fold(0, |loaded, key| loaded ^ slots[index(slots, key.hash)].key[0]);
        std::hint::black_box(loaded);
    }

    /// Looks for a chunk.
    #[inline]
    fn slot(&self, key: Key, chunk: &str) -> Option<&Slot> {
        let first = index(&self.slots, key.hash);
        for slot in &self.slots[first..first + PROBES] {
            if slot.length == 0 {
                return None;
            }
            if slot.length as usize != key.length || slot.key[0] != key.key[0] {
                continue;
            }
            let same = match key.length <= 16 {
                true => slot.key[1] == key.key[1],
                false => self.keys[slot.key[1] as usize..][..key.length] == *chunk.as_bytes(),
            };
            if same {
                return Some(slot);
            }
        }
        None
    }

    /// Looks for a chunk and appends its ids.
    #[inline]
    pub(crate) fn find(&self, key: Key, chunk: &str, ids: &mut Vec<u32>) -> Found {
        let Some(slot) = self.slot(key, chunk) else {
            return Found::Nothing;
        };
        slot.set_found(true);
        if slot.count == WHOLE {
            return Found::Whole;
        }
        let length = ids.len() + slot.count as usize;
        let units = (slot.count as usize) << self.wide as u32;
        // A copy of a fixed length, if the ids are in the slot.
        let units = match units <= UNITS {
            true => &slot.ids,
            false => &self.more[start_of(&slot.ids)..][..units],
        };
        match self.wide {
            true => ids.extend(
                units
                    .chunks_exact(2)
                    .map(|pair| pair[0] as u32 | (pair[1] as u32) << 16),
            ),
            false => ids.extend(units.iter().map(|unit| *unit as u32)),
        }
        ids.truncate(length);
        Found::Ids
    }

    /// Keeps the chunks that a workspace has learned while the memo was shared.
    pub fn learn(&mut self, workspace: &mut Workspace) {
        let News { list, text, ids } = &mut workspace.news;
        let (mut from, mut first) = (0, 0);
        for each in list.drain(..) {
            let chunk = &text[from..each.text];
            // It may occur twice.
            if self.slot(each.key, chunk).is_none() {
                self.insert(each.key, chunk, each.own.then_some(&ids[first..each.ids]));
            }
            (from, first) = (each.text, each.ids);
        }
        text.clear();
        ids.clear();
    }

    /// Keeps the ids of a chunk; None: it has no ids of its own.
    pub(crate) fn insert(&mut self, key: Key, chunk: &str, ids: Option<&[u32]>) {
        let count = ids.map_or(WHOLE as usize, <[u32]>::len);
        let list = ids.unwrap_or_default();
        let units = list.len() << self.wide as u32;
        let more = if units > UNITS { units } else { 0 };
        if key.length > LONGEST || list.len() >= WHOLE as usize || 2 * more > self.arena / 4 {
            return;
        }
        let long = key.length > 16;
        let keys = self.keys.len() + long as usize * key.length;
        if keys > self.arena || 2 * (self.more.len() + more) > self.arena {
            self.slots.fill_with(Slot::default);
            self.keys.clear();
            self.more.clear();
            self.used = 0;
        } else if self.used * 4 >= self.slots.len() * 3 {
            self.grow();
        }
        let mut slot = Slot {
            key: key.key,
            length: key.length as u8,
            found: AtomicBool::new(false),
            count: count as u16,
            ids: [0; UNITS],
        };
        if long {
            slot.key[1] = self.keys.len() as u64;
            reserve(&mut self.keys, key.length, self.arena);
            self.keys.extend_from_slice(chunk.as_bytes());
        }
        let wide = self.wide;
        let ids = list
            .iter()
            .flat_map(|&id| [id as u16, (id >> 16) as u16].into_iter().take(1 + wide as usize));
        if more == 0 {
            slot.ids.iter_mut().zip(ids).for_each(|(unit, id)| *unit = id);
        } else {
            let start = self.more.len();
            [slot.ids[0], slot.ids[1]] = [start as u16, (start >> 16) as u16];
            reserve(&mut self.more, more, self.arena / 2);
            self.more.extend(ids);
        }
        self.used += place(&mut self.slots, key.hash, slot) as usize;
    }

    /// The bytes of memory that it takes.
    fn held(&self) -> usize {
        self.slots.capacity() * SLOT + self.keys.capacity() + self.more.capacity() * 2
    }

    /// More slots, if there is memory for both tables.
    #[cold]
    fn grow(&mut self) {
        let slots = std::mem::take(&mut self.slots);
        let size = (slots.len() * GROWTH).min(self.limit);
        if size == slots.len() || self.held() + (slots.len() + size) * SLOT > self.bytes {
            self.slots = slots;
            return;
        }
        self.slots = empty(size);
        self.used = 0;
        for slot in slots.into_iter().filter(|slot| slot.length > 0) {
            let key = match slot.length <= 16 {
                true => slot.key,
                false => [slot.key[0], 0],
            };
            self.used += place(&mut self.slots, hash(key, slot.length as usize), slot) as usize;
        }
    }
}

#[inline]
fn hash(key: [u64; 2], length: usize) -> u64 {
    mix(
        key[0] ^ 0xa076_1d64_78bd_642f,
        key[1] ^ 0xe703_7ed1_a0b4_28db ^ length as u64,
    )
}

/// Slots without chunks.
fn empty(count: usize) -> Vec<Slot> {
    (0..count).map(|_| Slot::default()).collect()
}

/// Where a list begins in [`Memo::more`].
fn start_of(units: &[u16; UNITS]) -> usize {
    units[0] as usize | (units[1] as usize) << 16
}

/// Makes room for `more`. The capacity grows to `limit` at most, unless more is needed.
fn reserve<T>(list: &mut Vec<T>, more: usize, limit: usize) {
    let least = list.len() + more;
    if least > list.capacity() {
        list.reserve_exact((2 * list.capacity()).clamp(least, limit.max(least)) - list.len());
    }
}

/// The first slot in which a chunk may be.
#[inline]
fn index(slots: &[Slot], hash: u64) -> usize {
    // The high half of the product is below the number of slots.
    ((hash as u32 as u64 * (slots.len() - (PROBES - 1)) as u64) >> 32) as usize
}

/// Puts a slot into the first free place, else into that of a chunk that was not found for a while. Returns whether the
/// place was free.
fn place(slots: &mut [Slot], hash: u64, slot: Slot) -> bool {
    let first = index(slots, hash);
    let places = &mut slots[first..first + PROBES];
    if let Some(free) = places.iter_mut().find(|place| place.length == 0) {
        *free = slot;
        return true;
    }
    let victim = places.iter().position(|place| !place.is_found()).unwrap_or(0);
    places.iter().for_each(|place| place.set_found(false));
    places[victim] = slot;
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ids of a chunk that has `count` of them; None if it has none of its own.
    fn ids(chunk: &str, count: usize, wide: bool) -> Option<Vec<u32>> {
        let number = chunk
            .bytes()
            .fold(7u32, |number, byte| number.wrapping_mul(31) + byte as u32);
        let bits = if wide { 0 } else { 16 };
        (number % 11 > 0).then(|| (0..count as u32).map(|at| (number ^ at) >> bits).collect())
    }

    /// Looks for a chunk, and inserts it if it is not there. Returns whether it was there; checks its ids.
    fn look(memo: &mut Memo, chunk: &str, count: usize) -> bool {
        // Between other texts, as in a long one.
        let text = ["a", chunk, " and more of it"].concat();
        let key = Memo::key(&text, 1, 1 + chunk.len());
        let expected = ids(chunk, count, memo.wide);
        let mut found = vec![1];
        match memo.find(key, chunk, &mut found) {
            Found::Nothing => {
                memo.insert(key, chunk, expected.as_deref());
                assert!(memo.held() <= memo.bytes);
                return false;
            }
            Found::Ids => assert_eq!(found[1..], expected.expect(chunk), "{chunk}"),
            Found::Whole => assert_eq!(expected, None, "{chunk}"),
        }
        true
    }

    #[test]
    fn chunks_of_any_length_are_told_apart() {
        for bytes in (0..10_000).step_by(97).chain([100_000, 8 << 20]) {
            let bound = if bytes % 2 == 0 { 1 << 16 } else { 1 << 32 };
            let Some(mut memo) = Memo::new(bytes, bound) else {
                assert!(bytes < 4096);
                continue;
            };
            let mut known = 0;
            for round in 0..3 {
                // They differ in their last byte, in their first one, or in their length only.
                for length in [1, 2, 7, 8, 9, 15, 16, 17, 24, 31, 63, 64, 65, 255, 256, 257, 300] {
                    for byte in [0u8, 1, b'a', b'b'] {
                        let zeros = "\0".repeat(length - 1);
                        for chunk in [
                            format!("{zeros}{}", byte as char),
                            format!("{}{zeros}", byte as char),
                        ] {
                            for _ in 0..2 {
                                known += look(&mut memo, &chunk, (length + byte as usize) % 9) as usize;
                            }
                        }
                    }
                }
                assert!(round > 0 || known > 0);
            }
        }
    }

    #[test]
    fn more_chunks_than_fit_are_right_and_take_no_more_memory() {
        for bytes in [4096, 5000, 9999, 65_536, 1 << 20] {
            let bound = if bytes % 2 == 0 { 1 << 16 } else { 1 << 32 };
            let mut memo = Memo::new(bytes, bound).unwrap();
            let mut known = 0;
            for number in 0..60_000usize {
                // Half of them come again soon.
                let number = if number % 2 == 0 {
                    number
                } else {
                    1 + number / 2 % 5
                };
                let chunk = format!("{number:0$}", 1 + number % 40);
                let count = if number % 1000 == 0 { 300 } else { number % 9 };
                known += look(&mut memo, &chunk, count) as usize;
            }
            assert!(known > 15_000, "{bytes} {known}");
        }
    }

    #[test]
    fn chunks_that_threads_learn_are_kept_once() {
        let mut memo = Memo::new(1 << 16, 1 << 16).unwrap();
        let mut workspaces = [Workspace::default(), Workspace::default()];
        let chunks: Vec<String> = (0..200)
            .map(|number| format!("{number:0$}", 1 + number % 40))
            .collect();
        for round in 0..2 {
            let mut new = 0;
            for (at, chunk) in chunks.iter().enumerate() {
                let key = Memo::key(chunk, 0, chunk.len());
                let expected = ids(chunk, at % 9, false);
                for workspace in &mut workspaces {
                    let mut shared = Chunks::Shared(&memo);
                    let mut found = Vec::new();
                    match memo.find(key, chunk, &mut found) {
                        Found::Nothing => {
                            shared.keep(&mut workspace.news, key, chunk, expected.as_deref());
                            new += 1;
                        }
                        Found::Ids => assert_eq!(Some(found), expected),
                        Found::Whole => assert_eq!(None, expected),
                    }
                }
            }
            // A few had to make room while the table was small.
            assert!(
                if round == 0 {
                    new == 2 * chunks.len()
                } else {
                    new < 40
                },
                "{new}"
            );
            for workspace in &mut workspaces {
                memo.learn(workspace);
                assert!(workspace.news.list.is_empty() && workspace.news.text.is_empty());
            }
            assert!(memo.used <= chunks.len());
        }
    }

    #[test]
    fn equal_hashes_are_compared() {
        let mut memo = Memo::new(1 << 16, 1 << 20).unwrap();
        let chunks: Vec<String> = (0..20)
            .map(|number| format!("a chunk of the number {number}"))
            .collect();
        for (chunk, count) in chunks.iter().zip(0..) {
            let mut key = Memo::key(chunk, 0, chunk.len());
            (key.key, key.hash) = ([5, 0], 9);
            let mut found = Vec::new();
            assert_eq!(memo.find(key, chunk, &mut found), Found::Nothing);
            memo.insert(key, chunk, Some(&[count; 5]));
            if count < PROBES as u32 {
                assert_eq!(memo.find(key, chunk, &mut found), Found::Ids);
                assert_eq!(found, [count; 5]);
            }
        }
    }
}
