//! Writes the charsmaps of sentencepiece: a double array of darts-clone in front of the replacements, in base64.

use std::collections::BTreeMap;

/// A node of the trie.
#[derive(Default)]
struct Node {
    children: BTreeMap<u8, Node>,
    /// Where the replacement begins.
    value: Option<u32>,
}

/// A charsmap that replaces each first string, which is not empty, by the second.
pub fn charsmap(pairs: &[(String, String)]) -> String {
    let mut root = Node::default();
    let mut replacements = Vec::new();
    for (from, to) in pairs {
        let mut node = &mut root;
        for &byte in from.as_bytes() {
            node = node.children.entry(byte).or_default();
        }
        node.value = Some(replacements.len() as u32);
        replacements.extend_from_slice(to.as_bytes());
        replacements.push(0);
    }
    let mut units: Vec<Option<u32>> = vec![None; 256];
    units[0] = Some(0);
    place(&root, 0, &mut units);
    let mut bytes = ((units.len() * 4) as u32).to_le_bytes().to_vec();
    for unit in units {
        bytes.extend_from_slice(&unit.unwrap_or(0).to_le_bytes());
    }
    bytes.extend_from_slice(&replacements);
    base64(&bytes)
}

/// Places the children of the node at `position`: the child of the byte c is at `base ^ c`, the value at `base`.
fn place(node: &Node, position: usize, units: &mut Vec<Option<u32>>) {
    let mut base = 1;
    let fits = |base: usize, units: &[Option<u32>]| {
        let free = |index: usize| units.get(index).is_none_or(Option::is_none);
        free(base) && node.children.keys().all(|&byte| free(base ^ byte as usize))
    };
    while !fits(base, units) {
        base += 1;
    }
    // Whole blocks, so that no byte leads beyond the end.
    units.resize(units.len().max((base / 256 + 1) * 256), None);
    let unit = units[position].unwrap_or(0);
    units[position] = Some(unit | ((position ^ base) as u32) << 10 | (node.value.is_some() as u32) << 8);
    units[base] = Some(node.value.map_or(0, |value| value | 1 << 31));
    for &byte in node.children.keys() {
        units[base ^ byte as usize] = Some(byte as u32);
    }
    for (&byte, child) in &node.children {
        place(child, base ^ byte as usize, units);
    }
}

/// The standard base64 of RFC 4648 with padding.
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut three = [0; 4];
        three[1..1 + group.len()].copy_from_slice(group);
        let word = u32::from_be_bytes(three);
        for index in 0..4 {
            match index <= group.len() {
                true => text.push(DIGITS[(word >> (18 - 6 * index) & 63) as usize] as char),
                false => text.push('='),
            }
        }
    }
    text
}
