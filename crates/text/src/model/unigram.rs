//! Unigram: the best path through the pieces of a text, by the sum of their scores.

use tokenbed_formats::{At, Error};

use super::vocabulary::Vocabulary;
use crate::fields::Value;
use crate::tokenizer::{trim, EncodeError};

/// The score of an unknown character is this much below the least score.
const PENALTY: f64 = 10.0;

/// What Unigram has beside its vocabulary, in which the ids are the indices.
#[derive(Debug)]
pub(crate) struct Unigram {
    scores: Vec<f64>,
    unknown_score: f64,
    /// The bytes of the longest piece.
    longest: usize,
    /// With `byte_fallback`, the ids of the tokens of bytes.
    bytes: Option<Vec<Option<u32>>>,
}

/// The best path that ends at a byte.
#[derive(Debug, Clone, Copy)]
struct Best {
    score: f64,
    /// Where its last piece starts; `NONE` if no path was found yet.
    start: u32,
    /// The id of its last piece.
    id: u32,
}

const NONE: u32 = u32::MAX;
/// After this many bytes, the path is written where all paths meet, which then need no more memory.
const SEGMENT: usize = 4096;

/// Memory that is used again for each piece.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    best: Vec<Best>,
    /// Where unknown pieces in a row begin, which are one piece.
    row: Option<usize>,
}

impl Scratch {
    pub fn trim(&mut self) {
        trim(&mut self.best);
    }
}

impl Unigram {
    /// Reads an array of pairs of a piece and its score.
    pub fn read(value: &Value) -> Result<(Vocabulary, Vec<f64>), Error> {
        let mut vocabulary = Vocabulary::new();
        let mut scores = Vec::new();
        value.named(pieces(value, &mut vocabulary, &mut scores))?;
        vocabulary.finish(value)?;
        scores.shrink_to_fit();
        Ok((vocabulary, scores))
    }

    /// The model. `fallback` is `byte_fallback`.
    pub fn new(vocabulary: &Vocabulary, scores: Vec<f64>, fallback: bool) -> Unigram {
        let least = scores
            .iter()
            .fold(f64::INFINITY, |least, &score| least.min(score));
        Unigram {
            scores,
            unknown_score: least - PENALTY,
            longest: vocabulary.longest(),
            bytes: fallback.then(|| vocabulary.bytes()),
        }
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
        let text = piece.as_bytes();
        let before = ids.len();
        let none = Best {
            score: 0.0,
            start: NONE,
            id: 0,
        };
        scratch.best.clear();
        scratch
            .best
            .resize(text.len().min(SEGMENT + self.longest) + 1, none);
        let trie = &vocabulary.trie;
        // `best` is of `part`, which begins at `base`. No piece was found that ends after `reach`.
        let (mut part, mut base, mut reach) = (text, 0, 0);
        scratch.row = None;
        let mut start = 0;
        while start < part.len() {
            if start >= SEGMENT {
                if reach <= start {
                    // All paths meet here.
                    let here = scratch.best[start];
                    self.path(vocabulary, unknown, text, base..base + start, scratch, ids);
                    scratch.best[..=start].fill(none);
                    scratch.best[0].score = here.score;
                    base += start;
                    part = &part[start..];
                    (start, reach) = (0, 0);
                } else if scratch.best.len() <= part.len() {
                    let count = part.len() + 1;
                    scratch.best.reserve_exact(count - scratch.best.len());
                    scratch.best.resize(count, none);
                }
            }
            let best = &mut scratch.best[..];
            let here = best[start].score;
            let width = width(part[start]);
            let mut single = false;
            let mut node = trie.root();
            for (&byte, end) in part[start..].iter().zip(start + 1..) {
                let Some(next) = trie.child(node, byte) else {
                    break;
                };
                node = next;
                if let Some(id) = node.value() {
                    let score = self.scores[id as usize] + here;
                    let target = &mut best[end];
                    if target.start == NONE || score > target.score {
                        *target = Best {
                            score,
                            start: start as u32,
                            id,
                        };
                    }
                    single |= end - start == width;
                    reach = reach.max(end);
                }
            }
            if !single {
                let score = self.unknown_score + here;
                let target = &mut best[start + width];
                if target.start == NONE || score > target.score {
                    let Some(id) = unknown else {
                        ids.truncate(before);
                        return Err(EncodeError::Unknown);
                    };
                    *target = Best {
                        score,
                        start: start as u32,
                        id,
                    };
                }
            }
            start += width;
        }
        self.path(vocabulary, unknown, text, base..text.len(), scratch, ids);
        if let (Some(start), Some(unknown)) = (scratch.row, unknown) {
            self.unknown(vocabulary, unknown, &text[start..], ids);
        }
        Ok(())
    }

    /// Appends the ids of the best path through `part` of a text. Unknown pieces at its end are left in `row`.
    fn path(
        &self,
        vocabulary: &Vocabulary,
        unknown: Option<u32>,
        text: &[u8],
        part: std::ops::Range<usize>,
        scratch: &mut Scratch,
        ids: &mut Vec<u32>,
    ) {
        let Scratch { best, row } = scratch;
        // From its end to its start, each piece stores where the next one ends.
        let (mut at, mut next) = (part.len(), NONE);
        while at > 0 {
            let start = std::mem::replace(&mut best[at].start, next);
            (at, next) = (start as usize, at as u32);
        }
        let mut first = *row;
        while next != NONE {
            let piece = best[next as usize];
            let start = part.start + at;
            if Some(piece.id) == unknown {
                first.get_or_insert(start);
            } else {
                if let (Some(row), Some(unknown)) = (first, unknown) {
                    self.unknown(vocabulary, unknown, &text[row..start], ids);
                    first = None;
                }
                ids.push(piece.id);
            }
            (at, next) = (next as usize, piece.start);
        }
        *row = first;
    }

    /// Appends the ids of a piece that is unknown.
    #[inline(never)]
    fn unknown(&self, vocabulary: &Vocabulary, unknown: u32, piece: &[u8], ids: &mut Vec<u32>) {
        let before = ids.len();
        if let Some(id) = vocabulary.find(piece) {
            return ids.push(id);
        }
        if let Some(bytes) = &self.bytes {
            ids.extend(piece.iter().map_while(|&byte| bytes[byte as usize]));
            if ids.len() - before == piece.len() {
                return;
            }
            ids.truncate(before);
        }
        ids.push(unknown);
    }
}

fn pieces(value: &Value, vocabulary: &mut Vocabulary, scores: &mut Vec<f64>) -> Result<(), Error> {
    let mut reader = value.reader()?;
    reader.array()?;
    while reader.element()? {
        reader.kind()?;
        let start = At::Byte(reader.position());
        let wrong = || {
            let template = "entry # must be a token and its score";
            Err(Error::new(start, template, &[scores.len() as u64], &[]))
        };
        reader.array()?;
        if !reader.element()? {
            return wrong();
        }
        let token = reader.string()?;
        if !reader.element()? {
            return wrong();
        }
        reader.kind()?;
        let at = At::Byte(reader.position());
        let text = reader.number()?;
        let Some(score) = number(text) else {
            let template = "the score of $ is @, which is beyond f64";
            return Err(Error::new(at, template, &[], &[&token, text]));
        };
        if reader.element()? {
            return wrong();
        }
        vocabulary.push(&token);
        scores.push(score);
    }
    Ok(())
}

/// The number of bytes of the character that starts with `byte`.
#[inline(always)]
fn width(byte: u8) -> usize {
    match byte {
        0..0xc0 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0.. => 4,
    }
}

/// The number `text` of JSON as serde_json reads it for the reference, which is not always the nearest f64: the first
/// 19 or 20 digits are rounded, and their product or quotient with a power of ten is rounded again. None beyond f64.
pub(crate) fn number(text: &str) -> Option<f64> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mut significand, mut exponent) = (0u64, 0i64);
    // Digits that do not fit are left out, and after the first one of the fraction all.
    let (mut fraction, mut full) = (false, false);
    let mut bytes = text.bytes();
    for byte in bytes.by_ref() {
        let digit = byte.wrapping_sub(b'0') as u64;
        if byte == b'.' {
            (fraction, full) = (true, false);
            continue;
        }
        if digit > 9 {
            break;
        }
        let next = significand.checked_mul(10).and_then(|ten| ten.checked_add(digit));
        match next {
            Some(next) if !full => {
                significand = next;
                exponent -= fraction as i64;
            }
            _ => {
                full = true;
                exponent += !fraction as i64;
            }
        }
    }
    // After the letter of the exponent.
    let (mut written, mut minus) = (0i64, false);
    for byte in bytes {
        match byte {
            b'-' => minus = true,
            b'0'..=b'9' => written = (written * 10 + (byte - b'0') as i64).min(1 << 40),
            _ => {}
        }
    }
    exponent += if minus { -written } else { written };
    let mut value = significand as f64;
    while exponent < -308 && value != 0.0 {
        value /= power_of_ten(308);
        exponent += 308;
    }
    if value != 0.0 {
        match exponent {
            309.. => return None,
            0.. => value *= power_of_ten(exponent as u32),
            _ => value /= power_of_ten(-exponent as u32),
        }
    }
    value.is_finite().then_some(if negative { -value } else { value })
}

/// The f64 that is nearest to `10^power`, up to 10^308.
fn power_of_ten(power: u32) -> f64 {
    if power <= 22 {
        return (0..power).fold(1.0, |product, _| product * 10.0); // Exact.
    }
    // 5^power, which has at most 716 bits; the factor 2^power is exact.
    let mut limbs = [0u32; 24];
    limbs[0] = 1;
    for _ in 0..power {
        let mut carry = 0;
        for limb in &mut limbs {
            let product = *limb as u64 * 5 + carry;
            *limb = product as u32;
            carry = product >> 32;
        }
    }
    // The three highest limbs that are not zero have at least 65 bits. The others only decide a tie.
    let top = limbs.iter().rposition(|&limb| limb != 0).unwrap_or(0).max(2);
    let high = (limbs[top] as u128) << 64 | (limbs[top - 1] as u128) << 32 | limbs[top - 2] as u128;
    let rest = limbs[..top - 2].iter().any(|&limb| limb != 0);
    let exponent = power as u64 + 32 * (top as u64 - 2);
    (high | rest as u128) as f64 * f64::from_bits((1023 + exponent) << 52)
}
