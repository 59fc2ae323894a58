//! Byte pair encoding: characters, and pairs of tokens merged by rank.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use tokenbed_formats::json::{Kind, Reader};
use tokenbed_formats::{At, Error};

use super::trie::Node;
use super::unigram::number;
use super::vocabulary::Vocabulary;
use crate::fields::{Fields, Value};
use crate::tokenizer::{trim, EncodeError};

/// What BPE has beside its vocabulary.
#[derive(Debug)]
pub(crate) struct Bpe {
    merges: Merges,
    /// The node of `continuing_subword_prefix`.
    continued: Option<Node>,
    prefix: Vec<u8>,
    suffix: Vec<u8>,
    /// With `byte_fallback`, the ids of the tokens of bytes.
    bytes: Option<Vec<Option<u32>>>,
    /// There is no `unk_token`: unknown characters are left out.
    leave_out: bool,
    fuse: bool,
    ignore_merges: bool,
    /// The pairs that follow each other at one position never make tokens with the same id: their texts grow, and
    /// no two tokens have the same id.
    plain: bool,
}

/// Memory that is used again for each piece.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    symbols: Vec<u32>,
    ranks: Vec<u32>,
    links: Vec<Link>,
    queue: Vec<Reverse<u64>>,
    /// By index of a token: 1 if its text is encoded as this token alone, 2 if not, 0 if this is not known yet.
    alone: Vec<u8>,
}

impl Scratch {
    /// `alone` stays: it is as large as the vocabulary, not as a text.
    pub fn trim(&mut self) {
        trim(&mut self.symbols);
        trim(&mut self.ranks);
        trim(&mut self.links);
        trim(&mut self.queue);
    }
}

/// The neighbours of a symbol.
#[derive(Debug, Clone, Copy)]
struct Link {
    previous: u32,
    next: u32,
}

/// No neighbour.
const END: u32 = u32::MAX;
/// As `next`: the symbol was merged into the one before it.
const REMOVED: u32 = u32::MAX - 1;
/// No rank.
const NONE: u32 = u32::MAX;
/// Words of at most this many symbols are merged without a queue.
const SHORT: usize = 48;

impl Bpe {
    /// Reads the fields.
    pub fn read(fields: &Fields, vocabulary: &Vocabulary) -> Result<Bpe, Error> {
        let flag = |name: &str| -> Result<bool, Error> {
            fields.optional(name)?.map_or(Ok(false), |value| value.boolean())
        };
        let text = |name: &str| -> Result<Vec<u8>, Error> {
            let value = fields.optional(name)?;
            value.map_or(Ok(Vec::new()), |value| {
                Ok(value.string()?.into_owned().into_bytes())
            })
        };
        if let Some(value) = fields.optional("dropout")? {
            let dropout = value.named(value.reader()?.number())?;
            if number(dropout) != Some(0.0) {
                return Err(value.error("@ must be null or 0, found @", &[], &[dropout]));
            }
        }
        let prefix = text("continuing_subword_prefix")?;
        let trie = &vocabulary.trie;
        let mut plain = vocabulary.unique() && prefix.is_empty();
        let list = fields.required("merges")?;
        let merges = list.named(Merges::read(&list, vocabulary, prefix.len(), &mut plain))?;
        Ok(Bpe {
            merges,
            continued: trie.walk(trie.root(), &prefix),
            prefix,
            suffix: text("end_of_word_suffix")?,
            bytes: flag("byte_fallback")?.then(|| vocabulary.bytes()),
            leave_out: fields.optional("unk_token")?.is_none(),
            fuse: flag("fuse_unk")?,
            ignore_merges: flag("ignore_merges")?,
            plain,
        })
    }

    /// Appends the ids of `piece`.
    pub fn encode(
        &self,
        vocabulary: &Vocabulary,
        unknown: Option<u32>,
        piece: &str,
        scratch: &mut Scratch,
        ids: &mut Vec<u32>,
    ) -> Result<(), EncodeError> {
        let found = vocabulary.find(piece.as_bytes());
        if let Some(index) = found {
            if self.ignore_merges || scratch.alone.get(index as usize) == Some(&1) {
                ids.push(vocabulary.id(index));
                return Ok(());
            }
        }
        self.symbols(vocabulary, unknown, piece, &mut scratch.symbols)?;
        match self.plain && scratch.symbols.len() <= SHORT {
            true => self.merge_short(scratch),
            false => self.merge_long(scratch),
        }
        ids.extend_from_slice(&scratch.symbols);
        if let Some(index) = found {
            let alone = &mut scratch.alone;
            if alone.is_empty() {
                alone.resize(vocabulary.len(), 0);
            }
            alone[index as usize] = if scratch.symbols == [vocabulary.id(index)] {
                1
            } else {
                2
            };
        }
        Ok(())
    }

    /// The ids of the characters.
    fn symbols(
        &self,
        vocabulary: &Vocabulary,
        unknown: Option<u32>,
        piece: &str,
        symbols: &mut Vec<u32>,
    ) -> Result<(), EncodeError> {
        let trie = &vocabulary.trie;
        symbols.clear();
        if symbols.capacity() < piece.len() {
            // A character may become several tokens of bytes.
            symbols.reserve_exact(match self.bytes {
                Some(_) => piece.len(),
                None => piece.chars().count(),
            });
        }
        // An unknown token is added when the next known character or the end comes, so after tokens of bytes.
        let mut pending = false;
        let mut start = 0;
        for character in piece.chars() {
            let end = start + character.len_utf8();
            let bytes = &piece.as_bytes()[start..end];
            let first = start == 0;
            let suffix: &[u8] = if end == piece.len() { &self.suffix } else { &[] };
            start = end;
            let from = if first { Some(trie.root()) } else { self.continued };
            let node = from.and_then(|node| trie.walk(trie.walk(node, bytes)?, suffix));
            if let Some(index) = node.and_then(Node::value) {
                if pending {
                    symbols.extend(unknown);
                    pending = false;
                }
                symbols.push(vocabulary.id(index));
                continue;
            }
            if let Some(table) = &self.bytes {
                let prefix: &[u8] = if first { &[] } else { &self.prefix };
                let all = prefix.iter().chain(bytes).chain(suffix);
                let before = symbols.len();
                symbols.extend(all.map_while(|&byte| table[byte as usize]));
                if symbols.len() - before == prefix.len() + bytes.len() + suffix.len() {
                    continue;
                }
                symbols.truncate(before);
            }
            if self.leave_out {
                continue;
            }
            let unknown = unknown.ok_or(EncodeError::Unknown)?;
            if pending && !self.fuse {
                symbols.push(unknown);
            }
            pending = true;
        }
        if pending {
            symbols.extend(unknown);
        }
        Ok(())
    }

    /// Merges the pair of the least rank, the first of equals, until there is none.
    ///
    /// If `plain`, the queue of [`Bpe::merge_long`] does the same: what it holds for a position is then merged only
    /// while the pair there is still the same.
    fn merge_short(&self, scratch: &mut Scratch) {
        let Scratch { symbols, ranks, .. } = scratch;
        ranks.clear();
        ranks.extend(symbols.windows(2).map(|pair| self.merges.rank(pair[0], pair[1])));
        loop {
            let (mut least, mut at) = (NONE, 0);
            for (index, &rank) in ranks.iter().enumerate() {
                if rank < least {
                    (least, at) = (rank, index);
                }
            }
            if least == NONE {
                return;
            }
            symbols[at] = self.merges.made[least as usize];
            symbols.remove(at + 1);
            ranks.remove(at);
            if at > 0 {
                ranks[at - 1] = self.merges.rank(symbols[at - 1], symbols[at]);
            }
            if at < ranks.len() {
                ranks[at] = self.merges.rank(symbols[at], symbols[at + 1]);
            }
        }
    }

    /// Merges with a queue of ranks and positions, as the reference does: a merge that is taken from the queue is
    /// done if the pair that is now at its position makes the same token, whatever its rank.
    fn merge_long(&self, scratch: &mut Scratch) {
        let Scratch {
            symbols,
            links,
            queue,
            ..
        } = scratch;
        let merges = &self.merges;
        let count = symbols.len() as u32;
        links.clear();
        links.extend((0..count).map(|at| Link {
            previous: at.checked_sub(1).unwrap_or(END),
            next: if at + 1 < count { at + 1 } else { END },
        }));
        let entry = |rank: u32, at: u32| Reverse((rank as u64) << 32 | at as u64);
        queue.clear();
        queue.reserve_exact(symbols.len());
        queue.extend((0..).zip(symbols.windows(2)).filter_map(|(at, pair)| {
            let rank = merges.rank(pair[0], pair[1]);
            (rank != NONE).then(|| entry(rank, at))
        }));
        let mut heap = BinaryHeap::from(std::mem::take(queue));
        while let Some(Reverse(top)) = heap.pop() {
            let (rank, at) = ((top >> 32) as usize, top as u32);
            let made = merges.made[rank];
            let link = links[at as usize];
            if link.next >= REMOVED {
                continue;
            }
            let right = link.next as usize;
            let now = merges.rank(symbols[at as usize], symbols[right]);
            if now == NONE || merges.made[now as usize] != made {
                continue;
            }
            symbols[at as usize] = made;
            let next = links[right].next;
            links[at as usize].next = next;
            links[right].next = REMOVED;
            if next != END {
                links[next as usize].previous = at;
                let rank = merges.rank(made, symbols[next as usize]);
                if rank != NONE {
                    heap.push(entry(rank, at));
                }
            }
            if link.previous != END {
                let rank = merges.rank(symbols[link.previous as usize], made);
                if rank != NONE {
                    heap.push(entry(rank, link.previous));
                }
            }
        }
        *queue = heap.into_vec();
        let mut at = 0;
        symbols.retain(|_| {
            at += 1;
            links[at - 1].next != REMOVED
        });
    }
}

/// The merges: a hash table from pairs of ids to ranks.
#[derive(Debug, Default)]
struct Merges {
    slots: Vec<Slot>,
    seed: u64,
    shift: u32,
    /// The id of the token that a merge makes, by rank.
    made: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    left: u32,
    right: u32,
    /// `NONE` if the slot is free.
    rank: u32,
}

impl Merges {
    /// Reads strings of two tokens with a blank between them, or pairs of tokens. `plain` becomes false if a token of a
    /// merge is empty.
    fn read(
        value: &Value,
        vocabulary: &Vocabulary,
        prefix: usize,
        plain: &mut bool,
    ) -> Result<Merges, Error> {
        let mut merges = Merges::default();
        let mut pairs = Vec::new();
        let mut reader = value.reader()?;
        reader.array()?;
        let mut kind = None;
        while reader.element()? {
            let next = reader.kind()?;
            let at = At::Byte(reader.position());
            let count = pairs.len() as u64;
            let wrong = |template: &str, texts: &[&str]| Err(Error::new(at, template, &[count], texts));
            if *kind.get_or_insert(next) != next {
                return wrong("merge #: all merges must be strings, or all pairs", &[]);
            }
            let pair = match next {
                Kind::Array => pair(&mut reader)?,
                _ => {
                    let text = reader.string()?;
                    if text.starts_with("#version") {
                        continue;
                    }
                    halves(text)
                }
            };
            let Some((left, right)) = pair else {
                return wrong("merge # must be two tokens", &[]);
            };
            let trie = &vocabulary.trie;
            let index = |node: Option<Node>| node.and_then(Node::value);
            let first = trie.walk(trie.root(), left.as_bytes());
            // The prefix of the second token is cut off by its length, whatever is there.
            let rest = right.as_bytes().get(prefix..);
            let made = first.and_then(|first| trie.walk(first, rest?));
            let (Some(a), Some(b)) = (index(first), vocabulary.find(right.as_bytes())) else {
                return wrong("merge #: the vocabulary must have $ and $", &[&left, &right]);
            };
            let Some(made) = index(made) else {
                return wrong(
                    "merge #: the vocabulary lacks the token that $ and $ make",
                    &[&left, &right],
                );
            };
            *plain &= !left.is_empty() && !right.is_empty();
            pairs.push((vocabulary.id(a), vocabulary.id(b)));
            merges.made.push(vocabulary.id(made));
        }
        merges.fill(&pairs);
        Ok(merges)
    }

    /// Fills the table. The seed depends on all pairs, so that nobody can choose pairs that share a slot.
    fn fill(&mut self, pairs: &[(u32, u32)]) {
        let size = (pairs.len() * 3 / 2 + 2).next_power_of_two();
        self.shift = 64 - size.trailing_zeros();
        self.made.shrink_to_fit();
        for &(left, right) in pairs {
            self.seed = mix((left as u64) << 32 | right as u64, self.seed);
        }
        let free = Slot {
            left: 0,
            right: 0,
            rank: NONE,
        };
        self.slots = vec![free; size];
        for (rank, &(left, right)) in (0..).zip(pairs) {
            let at = self.find(left, right);
            self.slots[at] = Slot { left, right, rank };
        }
    }

    /// The slot of a pair, or the free slot where it would be.
    #[inline(always)]
    fn find(&self, left: u32, right: u32) -> usize {
        let mut at = (mix((left as u64) << 32 | right as u64, self.seed) >> self.shift) as usize;
        loop {
            let slot = &self.slots[at];
            if slot.rank == NONE || slot.left == left && slot.right == right {
                return at;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    /// The rank of a pair, or `NONE`.
    #[inline(always)]
    fn rank(&self, left: u32, right: u32) -> u32 {
        self.slots[self.find(left, right)].rank
    }
}

/// A hash of two numbers.
#[inline(always)]
fn mix(a: u64, b: u64) -> u64 {
    let product =
        (a ^ 0x9e37_79b9_7f4a_7c15 ^ b) as u128 * (0xd6e8_feb8_6659_fd93 ^ b.rotate_left(32)) as u128;
    product as u64 ^ (product >> 64) as u64
}

/// The two tokens of a merge.
type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// An array of two strings; None if it has another length.
fn pair<'a>(reader: &mut Reader<'a>) -> Result<Option<Pair<'a>>, Error> {
    reader.array()?;
    if !reader.element()? {
        return Ok(None);
    }
    let left = reader.string()?;
    if !reader.element()? {
        return Ok(None);
    }
    let right = reader.string()?;
    Ok((!reader.element()?).then_some((left, right)))
}

/// What is before and after the only blank of a string.
fn halves(text: Cow<str>) -> Option<Pair> {
    let at = text.find(' ')?;
    if text[at + 1..].contains(' ') {
        return None;
    }
    Some(match text {
        Cow::Borrowed(text) => (Cow::Borrowed(&text[..at]), Cow::Borrowed(&text[at + 1..])),
        Cow::Owned(text) => (Cow::Owned(text[..at].into()), Cow::Owned(text[at + 1..].into())),
    })
}
