//! A trie of byte strings in one array: a double array.

/// A node: from the highest bit, 24 bits for the base of its children, 8 for its label, 1 that says that the slot is
/// in use, and 31 for its value.
///
/// The child by `label` is in slot `base ^ label`. No two nodes with children have the same base, so that a slot in use
/// belongs to the node that its label leads to. A node without children has base 0, where no slot is in use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node(u64);

const BASE: u32 = 40;
const LABEL: u32 = 32;
const USED: u64 = 1 << 31;
const VALUE: u64 = USED - 1;

impl Node {
    /// The index of the string that ends here, the last one if it occurs twice.
    #[inline(always)]
    pub fn value(self) -> Option<u32> {
        ((self.0 & VALUE) as u32).checked_sub(1)
    }
}

/// Byte strings by their prefixes.
#[derive(Debug, Default)]
pub(crate) struct Trie {
    /// Blocks of 256. The first slot is the root, the rest of its block is empty.
    units: Vec<u64>,
}

impl Trie {
    /// The trie of the strings `text[starts[i]..starts[i + 1]]`. None if it takes more than 2^24 slots.
    pub fn new(text: &[u8], starts: &[u32]) -> Option<Trie> {
        let mut builder = Builder::default();
        builder.units.resize(256, 0);
        builder.build(text, starts)?;
        let mut units = builder.units;
        units.shrink_to_fit();
        Some(Trie { units })
    }

    /// The node of the empty string.
    #[inline(always)]
    pub fn root(&self) -> Node {
        Node(self.units.first().copied().unwrap_or(0))
    }

    /// The node after one more byte.
    #[inline(always)]
    pub fn child(&self, node: Node, byte: u8) -> Option<Node> {
        let slot = (node.0 >> BASE) as usize ^ byte as usize;
        let next = *self.units.get(slot)?;
        let expected = (byte as u32) << 1 | 1;
        ((next >> 31) as u32 & 0x1ff == expected).then_some(Node(next))
    }

    /// The node after more bytes.
    #[inline]
    pub fn walk(&self, mut node: Node, bytes: &[u8]) -> Option<Node> {
        for &byte in bytes {
            node = self.child(node, byte)?;
        }
        Some(node)
    }
}

/// 256 bits.
type Set = [u64; 4];

fn has(set: &Set, at: u8) -> bool {
    set[at as usize >> 6] >> (at & 63) & 1 == 1
}

fn put(set: &mut Set, at: u8) {
    set[at as usize >> 6] |= 1 << (at & 63);
}

/// The slots of a block that are in use, and the bases that nodes have in it.
#[derive(Default)]
struct Block {
    used: Set,
    bases: Set,
    count: usize,
}

impl Block {
    /// A base whose slots by `labels` are free.
    fn base(&self, labels: &[u8]) -> Option<u8> {
        let (&first, rest) = labels.split_first()?;
        if self.count + labels.len() > 256 {
            return None;
        }
        for (word, used) in self.used.iter().enumerate() {
            let mut free = !used;
            while free != 0 {
                let base = (word as u32 * 64 + free.trailing_zeros()) as u8 ^ first;
                free &= free - 1;
                if !has(&self.bases, base) && !rest.iter().any(|label| has(&self.used, base ^ label)) {
                    return Some(base);
                }
            }
        }
        None
    }
}

/// Strings with a common prefix: a range of the order, the length of the prefix, and its slot.
struct Group {
    start: usize,
    end: usize,
    depth: usize,
    slot: usize,
}

/// A search for free slots looks at this many blocks, the newest that have some.
const OPEN: usize = 8;
/// Groups up to here are sorted by insertion.
const FEW: usize = 16;

#[derive(Default)]
struct Builder {
    units: Vec<u64>,
    blocks: Vec<Block>,
    open: Vec<usize>,
}

impl Builder {
    fn build(&mut self, text: &[u8], starts: &[u32]) -> Option<()> {
        let bounds = |index: usize| (starts[index] as usize, starts[index + 1] as usize);
        // The index of a string, and above it one more than its next byte, 0 at its end.
        let mut order: Vec<u64> = (0..starts.len() as u64 - 1).collect();
        let mut sorted = Vec::new();
        let mut labels = Vec::new();
        let mut groups = vec![Group {
            start: 0,
            end: order.len(),
            depth: 0,
            slot: 0,
        }];
        while let Some(group) = groups.pop() {
            let Group { depth, mut slot, .. } = group;
            let strings = &mut order[group.start..group.end];
            if let [string] = strings {
                let index = *string as u32;
                let (start, end) = bounds(index as usize);
                for &byte in &text[start + depth..end] {
                    slot = self.children(slot, &[byte])? ^ byte as usize;
                }
                self.units[slot] |= index as u64 + 1;
                continue;
            }
            for string in &mut *strings {
                let index = *string as u32;
                let (start, end) = bounds(index as usize);
                let next = if start + depth < end {
                    text[start + depth] as u64 + 1
                } else {
                    0
                };
                *string = next << 32 | index as u64;
            }
            sort(strings, &mut sorted);
            let ending = strings.iter().take_while(|string| **string >> 32 == 0).count();
            if let Some(last) = strings[..ending].last() {
                self.units[slot] |= last + 1;
            }
            labels.clear();
            let runs = strings[ending..].chunk_by(|a, b| a >> 32 == b >> 32);
            labels.extend(runs.clone().map(|run| ((run[0] >> 32) - 1) as u8));
            if labels.is_empty() {
                continue;
            }
            let base = self.children(slot, &labels)?;
            let mut start = group.start + ending;
            for (run, &label) in runs.zip(&labels) {
                groups.push(Group {
                    start,
                    end: start + run.len(),
                    depth: depth + 1,
                    slot: base ^ label as usize,
                });
                start += run.len();
            }
        }
        Some(())
    }

    /// Gives a node children, and returns its base.
    fn children(&mut self, slot: usize, labels: &[u8]) -> Option<usize> {
        let base = self.place(labels)?;
        self.units[slot] |= (base as u64) << BASE;
        for &label in labels {
            self.units[base ^ label as usize] = (label as u64) << LABEL | USED;
        }
        Some(base)
    }

    /// Takes a base, and its slots by `labels`.
    fn place(&mut self, labels: &[u8]) -> Option<usize> {
        let mut found = None;
        for (at, &block) in self.open.iter().enumerate() {
            if let Some(base) = self.blocks[block].base(labels) {
                found = Some((at, base));
                break;
            }
        }
        let (at, base) = match found {
            Some(found) => found,
            None => {
                if self.units.len() >= 1 << 24 {
                    return None;
                }
                if self.open.len() == OPEN {
                    self.open.remove(0);
                }
                self.open.push(self.blocks.len());
                self.blocks.push(Block::default());
                self.units.resize(self.units.len() + 256, 0);
                (self.open.len() - 1, 0)
            }
        };
        let index = self.open[at];
        let block = &mut self.blocks[index];
        put(&mut block.bases, base);
        for label in labels {
            put(&mut block.used, base ^ label);
        }
        block.count += labels.len();
        if block.count == 256 {
            self.open.remove(at);
        }
        Some((index + 1) * 256 + base as usize)
    }
}

/// Sorts strings by their next bytes. Equal ones keep their order.
fn sort(strings: &mut [u64], sorted: &mut Vec<u64>) {
    let key = |string: u64| (string >> 32) as usize;
    if strings.len() <= FEW {
        for at in 1..strings.len() {
            let string = strings[at];
            let mut to = at;
            while to > 0 && key(strings[to - 1]) > key(string) {
                strings[to] = strings[to - 1];
                to -= 1;
            }
            strings[to] = string;
        }
        return;
    }
    let mut ends = [0u32; 258];
    for &string in &*strings {
        ends[key(string) + 1] += 1;
    }
    for next in 0..257 {
        ends[next + 1] += ends[next];
    }
    sorted.clear();
    sorted.extend_from_slice(strings);
    for &string in &*sorted {
        let end = &mut ends[key(string)];
        strings[*end as usize] = string;
        *end += 1;
    }
}
