//! Finds many patterns in a text, in time linear in the text whatever the patterns are.

/// A pattern that begins at a byte of the text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub start: u32,
    pub value: u32,
}

/// The root. No node has it as a child or sibling, so that it means "none" there.
const ROOT: u32 = 0;
const NONE: u32 = u32::MAX;

#[derive(Debug)]
struct Node {
    /// The byte between the parent and this node.
    byte: u8,
    /// The first child and the next child of the parent.
    child: u32,
    next: u32,
    /// The node of the longest shorter text that this one ends with when it is read from its end.
    fail: u32,
    /// The value of the pattern that ends here, or after [`Trie::link`] of the longest one.
    value: u32,
}

/// Patterns with values: an Aho-Corasick automaton that reads texts from their end to their start. So it knows at each
/// byte the longest pattern that begins there, and need not look at a byte twice.
#[derive(Debug)]
pub(crate) struct Trie {
    nodes: Vec<Node>,
    /// The children of the root.
    first: Box<[u32; 256]>,
}

impl Default for Trie {
    fn default() -> Trie {
        Trie {
            nodes: vec![node(0)],
            first: Box::new([ROOT; 256]),
        }
    }
}

fn node(byte: u8) -> Node {
    Node {
        byte,
        child: ROOT,
        next: ROOT,
        fail: ROOT,
        value: NONE,
    }
}

impl Trie {
    /// The child of a node, or the root.
    #[inline]
    fn child(&self, node: u32, byte: u8) -> u32 {
        if node == ROOT {
            return self.first[byte as usize];
        }
        let mut child = self.nodes[node as usize].child;
        while child != ROOT && self.nodes[child as usize].byte != byte {
            child = self.nodes[child as usize].next;
        }
        child
    }

    /// The node of the longest text that continues that of `node` with `byte`, or that without some of its first bytes.
    #[inline]
    fn follow(&self, mut node: u32, byte: u8) -> u32 {
        loop {
            let child = self.child(node, byte);
            if child != ROOT || node == ROOT {
                return child;
            }
            node = self.nodes[node as usize].fail;
        }
    }

    /// Adds a pattern. False if it was there.
    pub fn insert(&mut self, pattern: &[u8], value: u32) -> bool {
        let mut at = ROOT;
        for &byte in pattern.iter().rev() {
            let mut child = self.child(at, byte);
            if child == ROOT {
                child = self.nodes.len() as u32;
                let mut new = node(byte);
                let parent = &mut self.nodes[at as usize];
                new.next = std::mem::replace(&mut parent.child, child);
                self.nodes.push(new);
                if at == ROOT {
                    self.first[byte as usize] = child;
                }
            }
            at = child;
        }
        let node = &mut self.nodes[at as usize];
        let is_new = node.value == NONE;
        if is_new {
            node.value = value;
        }
        is_new
    }

    /// The value of a pattern, before [`Trie::link`].
    pub fn get(&self, pattern: &[u8]) -> Option<u32> {
        let mut at = ROOT;
        for &byte in pattern.iter().rev() {
            at = self.child(at, byte);
            if at == ROOT {
                return None;
            }
        }
        Some(self.nodes[at as usize].value).filter(|&value| value != NONE)
    }

    /// Makes the trie ready for [`Trie::find`].
    pub fn link(&mut self) {
        // Shorter texts first.
        let mut order = vec![ROOT];
        let mut done = 0;
        while let Some(&at) = order.get(done) {
            done += 1;
            let mut child = self.nodes[at as usize].child;
            while child != ROOT {
                let Node { byte, next, .. } = self.nodes[child as usize];
                if at != ROOT {
                    let fail = self.follow(self.nodes[at as usize].fail, byte);
                    let value = self.nodes[fail as usize].value;
                    let node = &mut self.nodes[child as usize];
                    node.fail = fail;
                    if node.value == NONE {
                        node.value = value;
                    }
                }
                order.push(child);
                child = next;
            }
        }
    }

    /// The longest pattern at each byte that a pattern begins at, from the last byte to the first.
    pub fn find(&self, text: &[u8]) -> Vec<Found> {
        let mut found = Vec::new();
        let mut node = ROOT;
        for (start, &byte) in text.iter().enumerate().rev() {
            if node == ROOT {
                node = self.first[byte as usize];
                if node == ROOT {
                    continue;
                }
            } else {
                node = self.follow(node, byte);
            }
            let value = self.nodes[node as usize].value;
            if value != NONE {
                let start = start as u32;
                found.push(Found { start, value });
            }
        }
        found
    }
}
