//! The normalizer Precompiled: the charsmap of SentencePiece, by the crate spm_precompiled.

use super::origin::Origin;
use super::{scan, Normalized, LONGEST};
use crate::fields::Value;
use crate::unicode::cluster;
use crate::Error;

/// A charsmap: a trie of texts and what replaces each.
#[derive(Debug)]
pub(crate) struct Charsmap {
    /// The units of the double-array trie.
    units: Vec<u32>,
    /// The replacements, each with a NUL at its end.
    texts: String,
    /// Whether printable ASCII and blanks are not replaced.
    plain: bool,
}

/// The bytes of well-formed UTF-8 are less than this.
const BYTES: usize = 0xf5;

// Units, by the crate spm_precompiled.

fn offset(unit: u32) -> usize {
    ((unit >> 10) as usize) << ((unit & 1 << 9) >> 6)
}

fn label(unit: u32) -> u32 {
    unit & (1 << 31 | 0xff)
}

fn has_leaf(unit: u32) -> bool {
    unit & 1 << 8 != 0
}

fn value(unit: u32) -> usize {
    (unit & !(1 << 31)) as usize
}

impl Charsmap {
    /// Reads the charsmap in Base64.
    pub fn read(field: &Value) -> Result<Charsmap, Error> {
        let text = field.string()?;
        let bytes = base64(text.as_bytes()).ok_or_else(|| field.error("@ is not Base64", &[], &[]))?;
        let Some((size, rest)) = bytes.split_first_chunk() else {
            let rule = "@ has # bytes, but a charsmap begins with the size of its trie, 4 bytes";
            return Err(field.error(rule, &[bytes.len() as u64], &[]));
        };
        let size = u32::from_le_bytes(*size);
        // The reference drops the remainder, too.
        let Some((trie, texts)) = rest.split_at_checked(size as usize / 4 * 4) else {
            let rule = "@ has a trie of # bytes, but # bytes are left";
            return Err(field.error(rule, &[size as u64, rest.len() as u64], &[]));
        };
        let Ok(texts) = std::str::from_utf8(texts) else {
            return Err(field.error("@ has replacements that are not UTF-8", &[], &[]));
        };
        let mut charsmap = Charsmap {
            units: trie
                .as_chunks()
                .0
                .iter()
                .map(|&unit| u32::from_le_bytes(unit))
                .collect(),
            texts: texts.to_string(),
            plain: true,
        };
        charsmap.check(field)?;
        charsmap.plain = (b' '..=b'~').all(|byte| charsmap.find(&[byte]).is_none());
        Ok(charsmap)
    }

    /// Where the search goes on from `node` with `byte`.
    fn step(&self, node: usize, byte: u8) -> Option<(usize, u32)> {
        let at = node ^ byte as usize;
        let &unit = self.units.get(at)?;
        (label(unit) == byte as u32).then_some((at ^ offset(unit), unit))
    }

    fn root(&self) -> usize {
        self.units.first().map_or(0, |&unit| offset(unit))
    }

    /// Checks every node that a search can arrive at. The reference panics when a text leads it out of the arrays.
    fn check(&self, field: &Value) -> Result<(), Error> {
        let count = self.units.len();
        let outside = || field.error("@ has a trie that leads out of its # units", &[count as u64], &[]);
        let mut seen = vec![false; count];
        let mut open = vec![self.root()];
        while let Some(node) = open.pop() {
            // The greatest of `node ^ byte` decides for whole blocks of 256.
            if node | 0xff >= count && (1..BYTES).any(|byte| node ^ byte >= count) {
                return Err(outside());
            }
            match seen.get_mut(node) {
                Some(seen) if !*seen => *seen = true,
                Some(_) => continue,
                None => return Err(outside()),
            }
            for byte in 1..BYTES as u8 {
                let Some((next, unit)) = self.step(node, byte) else {
                    continue;
                };
                if has_leaf(unit) {
                    let &leaf = self.units.get(next).ok_or_else(outside)?;
                    if !self.texts.is_char_boundary(value(leaf)) {
                        let rule =
                            "@ has a replacement at byte #, but its replacements take # bytes, in UTF-8";
                        let numbers = [value(leaf) as u64, self.texts.len() as u64];
                        return Err(field.error(rule, &numbers, &[]));
                    }
                }
                open.push(next);
            }
        }
        Ok(())
    }

    /// What replaces `part`: that of its shortest prefix in the trie.
    fn find(&self, part: &[u8]) -> Option<&str> {
        let mut node = self.root();
        for &byte in part {
            if byte == 0 {
                return None;
            }
            let (next, unit) = self.step(node, byte)?;
            node = next;
            if has_leaf(unit) {
                let text = self.texts.get(value(*self.units.get(node)?)..)?;
                let end = text.bytes().position(|byte| byte == 0).unwrap_or(text.len());
                return text.get(..end);
            }
        }
        None
    }

    pub fn apply(&self, text: &Normalized, spare: &mut Normalized) -> bool {
        let source = text.text.as_str();
        if self.plain && scan::printable(source.as_bytes(), 0) == source.len() {
            return false;
        }
        let mut writer = Writer {
            out: &mut spare.text,
            origin: Origin::new(text.origin),
        };
        writer.origin.from = source.get(..text.origin).unwrap_or_default().chars().count();
        let mut changed = false;
        let mut at = 0;
        while at < source.len() && writer.out.len() <= LONGEST {
            if self.plain && !writer.origin.active {
                let mut end = scan::printable(source.as_bytes(), at);
                // The last one may be in a cluster with what follows.
                if end < source.len() && end > at {
                    end -= 1;
                }
                writer.out.push_str(&source[at..end]);
                at = end;
                if at == source.len() {
                    break;
                }
            }
            let end = cluster::end(source, at);
            let whole = &source[at..end];
            at = end;
            let replaced = if whole.len() < 6 {
                self.find(whole.as_bytes())
            } else {
                None
            };
            if let Some(replacement) = replaced {
                changed = true;
                writer.replace(whole, replacement);
                continue;
            }
            for (start, character) in whole.char_indices() {
                let part = &whole[start..start + character.len_utf8()];
                let replaced = self.find(part.as_bytes());
                changed |= replaced.is_some();
                writer.replace(part, replaced.unwrap_or(part));
            }
        }
        spare.origin = writer.origin.finish();
        changed
    }
}

struct Writer<'a> {
    out: &'a mut String,
    origin: Origin,
}

impl Writer<'_> {
    fn replace(&mut self, old: &str, new: &str) {
        self.out.push_str(new);
        if !self.origin.active {
            return;
        }
        // Characters replace characters one by one; what is left is added, or removed with the last one.
        let count = old.chars().count();
        for (index, character) in new.chars().enumerate() {
            self.origin.wrote((index >= count) as i32, character.len_utf8());
        }
        let removed = count.saturating_sub(new.chars().count());
        self.origin.amend(-(removed as i32));
    }
}

/// The bytes of a text in Base64. The padding may be missing in part, as in the crate base64 0.13.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut digits = text;
    while let [rest @ .., b'='] = digits {
        if rest.len() % 4 < 2 {
            break;
        }
        digits = rest;
    }
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for group in digits.chunks(4) {
        let mut bits = 0u32;
        for &digit in group {
            let digit = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'a'..=b'z' => digit - b'a' + 26,
                b'0'..=b'9' => digit - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits = bits << 6 | digit as u32;
        }
        // Six bits more than whole bytes, or none; those that are left must be 0.
        let left = group.len() * 6 % 8;
        if left == 6 || bits & ((1 << left) - 1) != 0 {
            return None;
        }
        let whole = (bits >> left) << (32 - (group.len() * 6 - left));
        bytes.extend_from_slice(whole.to_be_bytes().get(..group.len() * 6 / 8)?);
    }
    Some(bytes)
}
