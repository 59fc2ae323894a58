//! The patterns that text is split at, each as a scanner that finds what the engine of the reference finds: the
//! leftmost match, of the first alternative that matches, with its repetitions as long as possible.

use super::{Behavior, Piece};
use crate::fields::Value;
use crate::unicode::{properties, Properties};
use crate::Error;

pub(super) const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
pub(super) const CL100K: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);
pub(super) const QWEN2: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);
pub(super) const O200K: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);

/// A pattern.
#[derive(Debug, PartialEq)]
pub(crate) enum Pattern {
    /// Each character that has a property.
    Character(Properties),
    /// A text that is not empty.
    Literal(String),
    /// ` {2,}`
    Blanks,
    /// `\w+|[^\w\s]+` of the crate regex.
    Words,
    /// The pattern of GPT-2.
    Gpt2,
    /// The pattern of cl100k and Llama 3, in which a piece has up to `digits` = 3 digits, or that of Qwen 2 and 3 (1).
    Cl100k { digits: usize },
    /// The pattern of o200k.
    O200k,
}

const LETTER: Properties = Properties::ONIG_LETTER;
const NUMBER: Properties = Properties::ONIG_NUMBER;
const SPACE: Properties = Properties::ONIG_SPACE;
const UPPER: Properties = Properties::ONIG_UPPER;
const LOWER: Properties = Properties::ONIG_LOWER;
const WORD: Properties = LETTER.or(NUMBER);
const CASED: Properties = UPPER.or(LOWER);
const SIGN_ENDS: Properties = WORD.or(SPACE);

/// A property that no pattern tests.
const NONE: Properties = Properties::OTHER;

/// The properties of ASCII that patterns test, in a table of their own, so that a byte takes one lookup.
pub(super) static ASCII: [Properties; 128] = ascii();

const fn ascii() -> [Properties; 128] {
    let mut table = [NONE; 128];
    let mut code = 0;
    while code < 128 {
        let byte = code as u8;
        let mut set = NONE;
        if matches!(byte, b'\t'..=b'\r' | b' ') {
            set = SPACE.or(Properties::REGEX_SPACE).or(Properties::WHITE_SPACE);
        } else if byte.is_ascii_digit() {
            set = NUMBER.or(Properties::NUMERIC).or(Properties::REGEX_WORD);
        } else if byte.is_ascii_uppercase() {
            set = LETTER.or(UPPER).or(Properties::REGEX_WORD);
        } else if byte.is_ascii_lowercase() {
            set = LETTER.or(LOWER).or(Properties::REGEX_WORD);
        } else if byte == b'_' {
            set = Properties::PUNCTUATION.or(Properties::REGEX_WORD);
        } else if byte.is_ascii_punctuation() {
            set = Properties::PUNCTUATION;
        }
        table[code] = set;
        code += 1;
    }
    table
}

impl Pattern {
    /// Reads `{"String": "..."}` or `{"Regex": "..."}`.
    pub fn read(value: &Value) -> Result<Pattern, Error> {
        let mut reader = value.reader()?;
        let template = "@ must be an object with one key, String or Regex";
        let wrong = || value.error(template, &[], &[]);
        value.named(reader.object())?;
        let key = reader.key()?.ok_or_else(wrong)?;
        let text = value.named(reader.string())?;
        if reader.key()?.is_some() {
            return Err(wrong());
        }
        match &*key {
            "String" if text.is_empty() => Err(value.error("@ is empty", &[], &[])),
            "String" => Ok(Pattern::Literal(text.into_owned())),
            "Regex" => match &*text {
                " {2,}" => Ok(Pattern::Blanks),
                GPT2 => Ok(Pattern::Gpt2),
                CL100K => Ok(Pattern::Cl100k { digits: 3 }),
                QWEN2 => Ok(Pattern::Cl100k { digits: 1 }),
                O200K => Ok(Pattern::O200k),
                _ => {
                    let template =
                        "@ is the regular expression $; read are those of GPT-2, cl100k, Llama 3, Qwen 2, \
                        Qwen 3 and o200k, and the pattern of two or more blanks";
                    Err(value.error(template, &[], &[&text]))
                }
            },
            _ => Err(wrong()),
        }
    }

    /// Passes all matches in `text` to `sink`.
    pub fn matches(&self, text: &str, sink: &mut Sink) {
        match self {
            Pattern::Character(set) => {
                let mut at = 0;
                while at < text.len() {
                    let start = at;
                    let (found, size) = class(text, at);
                    at += size;
                    if found.any(*set) {
                        sink.found(start, at);
                    }
                }
            }
            Pattern::Literal(literal) if literal.len() <= 4 => {
                let (bytes, literal) = (text.as_bytes(), literal.as_bytes());
                let mut at = 0;
                while at < bytes.len() {
                    let start = at;
                    at += 1;
                    if bytes[start] == literal[0] && bytes[start..].starts_with(literal) {
                        at = start + literal.len();
                        sink.found(start, at);
                    }
                }
            }
            // The search of std is linear for long literals, too, but it takes long to begin.
            Pattern::Literal(literal) => {
                for (at, _) in text.match_indices(literal.as_str()) {
                    sink.found(at, at + literal.len());
                }
            }
            Pattern::Blanks => {
                let mut at = 0;
                while at < text.len() {
                    let start = at;
                    at += 1;
                    if text.as_bytes()[start] == b' ' {
                        while text.as_bytes().get(at) == Some(&b' ') {
                            at += 1;
                        }
                        if at - start >= 2 {
                            sink.found(start, at);
                        }
                    }
                }
            }
            Pattern::Words => {
                let (word, space) = (Properties::REGEX_WORD, Properties::REGEX_SPACE);
                let mut at = 0;
                while at < text.len() {
                    let (found, size) = class(text, at);
                    let start = at;
                    at += size;
                    if found.any(word) {
                        at = run(text, at, word);
                        sink.found(start, at);
                    } else if !found.any(space) {
                        at = run_without(text, at, word.or(space));
                        sink.found(start, at);
                    }
                }
            }
            // The matches of the others follow each other without gaps.
            Pattern::Gpt2 => {
                let mut at = 0;
                while at < text.len() {
                    let start = at;
                    at = gpt2(text, at);
                    sink.found(start, at);
                }
            }
            Pattern::Cl100k { digits } => {
                let mut at = 0;
                while at < text.len() {
                    let start = at;
                    at = cl100k(text, at, *digits);
                    sink.found(start, at);
                }
            }
            Pattern::O200k => {
                let mut at = 0;
                while at < text.len() {
                    let start = at;
                    at = o200k(text, at);
                    sink.found(start, at);
                }
            }
        }
    }
}

/// Makes pieces of the matches in a piece and of the gaps between them.
pub(crate) struct Sink<'a> {
    list: &'a mut Vec<Piece>,
    /// The number of pieces before the first one of this piece.
    floor: usize,
    /// Where the piece starts.
    base: u32,
    /// Up to where, from `base`, there are pieces.
    at: usize,
    behavior: Behavior,
    invert: bool,
    /// Whether the last range was a match.
    previous: bool,
}

impl<'a> Sink<'a> {
    pub fn new(list: &'a mut Vec<Piece>, base: u32, behavior: Behavior, invert: bool) -> Sink<'a> {
        Sink {
            floor: list.len(),
            list,
            base,
            at: 0,
            behavior,
            invert,
            previous: false,
        }
    }

    /// The next match.
    fn found(&mut self, start: usize, end: usize) {
        self.gap(start);
        self.push(end, !self.invert);
    }

    /// There is no match up to `end`.
    pub fn gap(&mut self, end: usize) {
        if self.at < end {
            self.push(end, self.invert);
        }
    }

    fn push(&mut self, end: usize, is_match: bool) {
        let start = self.base + self.at as u32;
        self.at = end;
        let end = self.base + end as u32;
        let joins = match self.behavior {
            Behavior::Removed if is_match => return,
            Behavior::Removed | Behavior::Isolated => false,
            Behavior::MergedWithPrevious => is_match && !self.previous,
            Behavior::MergedWithNext => !is_match && self.previous,
            Behavior::Contiguous => is_match == self.previous,
        };
        self.previous = is_match;
        if joins && self.floor < self.list.len() {
            if let Some(last) = self.list.last_mut() {
                last.end = end;
            }
        } else {
            self.list.push(Piece { start, end });
        }
    }
}

/// The properties of the character at byte `at` that patterns test, and its size in bytes, which is 0 at the end of
/// the text.
#[inline(always)]
fn class(text: &str, at: usize) -> (Properties, usize) {
    match text.as_bytes().get(at) {
        Some(&byte) if byte < 0x80 => (ASCII[byte as usize], 1),
        Some(_) => wide_class(text, at),
        None => (NONE, 0),
    }
}

#[inline(never)]
fn wide_class(text: &str, at: usize) -> (Properties, usize) {
    match text.get(at..).and_then(|rest| rest.chars().next()) {
        Some(character) => (properties(character), character.len_utf8()),
        None => (NONE, 1),
    }
}

/// The end of the characters from `at` that have a property of `set`.
#[inline(always)]
fn run(text: &str, mut at: usize, set: Properties) -> usize {
    loop {
        let (found, size) = class(text, at);
        if !found.any(set) {
            return at;
        }
        at += size;
    }
}

/// The end of the characters from `at` that have no property of `set`.
#[inline(always)]
fn run_without(text: &str, mut at: usize, set: Properties) -> usize {
    loop {
        let (found, size) = class(text, at);
        if size == 0 || found.any(set) {
            return at;
        }
        at += size;
    }
}

/// The end of the match at `at`, which is not the end of the text.
fn gpt2(text: &str, at: usize) -> usize {
    if let Some(end) = contraction(text, at, false) {
        return end;
    }
    if let Some(end) = after_blank(text, at, true) {
        return end;
    }
    white_space(text, at, false)
}

/// ` ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+`, or the last alternative alone.
fn after_blank(text: &str, at: usize, words: bool) -> Option<usize> {
    let start = at + (text.as_bytes().get(at) == Some(&b' ')) as usize;
    let (found, size) = class(text, start);
    let next = start + size;
    if size == 0 || found.any(SPACE) {
        None
    } else if !found.any(WORD) {
        Some(run_without(text, next, SIGN_ENDS))
    } else if !words {
        None
    } else if found.any(LETTER) {
        Some(run(text, next, LETTER))
    } else {
        Some(run(text, next, NUMBER))
    }
}

fn cl100k(text: &str, at: usize, digits: usize) -> usize {
    if let Some(end) = contraction(text, at, true) {
        return end;
    }
    let (found, size) = class(text, at);
    let next = at + size;
    if found.any(LETTER) {
        return run(text, next, LETTER);
    }
    if found.any(NUMBER) {
        return numbers(text, next, digits);
    }
    if !is_line_end(text, at) {
        let end = run(text, next, LETTER);
        if end > next {
            return end;
        }
    }
    if let Some(mut end) = after_blank(text, at, false) {
        while is_line_end(text, end) {
            end += 1;
        }
        return end;
    }
    white_space(text, at, true)
}

fn o200k(text: &str, at: usize) -> usize {
    let (found, size) = class(text, at);
    let next = at + size;
    if found.any(NUMBER) {
        return numbers(text, next, 3);
    }
    let (mut lower, mut upper) = (None, None);
    if !found.any(LETTER) && !is_line_end(text, at) {
        (lower, upper) = cased(text, next);
    }
    // A letter, or a mark, with which a word can begin, too.
    if lower.is_none() && found.any(CASED) {
        let (first, second) = cased(text, at);
        (lower, upper) = (first, upper.or(second));
    }
    if let Some(end) = lower.or(upper) {
        return contraction(text, end, true).unwrap_or(end);
    }
    if let Some(mut end) = after_blank(text, at, false) {
        while is_line_end(text, end) || text.as_bytes().get(end) == Some(&b'/') {
            end += 1;
        }
        return end;
    }
    white_space(text, at, true)
}

/// With U = `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]` and L = `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`: the ends of the matches of `U*L+`
/// and, if there is none, of `U+L*`. Both take all U; if no L follows, `U*L+` ends after the last one that is an L,
/// too.
fn cased(text: &str, start: usize) -> (Option<usize>, Option<usize>) {
    let (mut at, mut both) = (start, None);
    loop {
        let (found, size) = class(text, at);
        if !found.any(UPPER) {
            if found.any(LOWER) {
                return (Some(run(text, at + size, LOWER)), None);
            }
            return (both, (at > start).then_some(at));
        }
        at += size;
        if found.any(LOWER) {
            both = Some(at);
        }
    }
}

/// The end of the match of `'s|'t|'re|'ve|'m|'ll|'d` at `at`, if there is one. Without regard to case, U+017F is an s.
fn contraction(text: &str, at: usize, any_case: bool) -> Option<usize> {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    if rest.first() != Some(&b'\'') {
        return None;
    }
    let mut letters = [0; 2];
    for (letter, byte) in letters.iter_mut().zip(&rest[1..]) {
        *letter = if any_case {
            byte.to_ascii_lowercase()
        } else {
            *byte
        };
    }
    match letters {
        [b's' | b't' | b'm' | b'd', _] => Some(at + 2),
        [b'r' | b'v', b'e'] | [b'l', b'l'] => Some(at + 3),
        [0xc5, 0xbf] if any_case => Some(at + 3),
        _ => None,
    }
}

/// `\p{N}{1,digits}` of which the first matches and ends at `at`.
fn numbers(text: &str, mut at: usize, digits: usize) -> usize {
    for _ in 1..digits {
        let (found, size) = class(text, at);
        if !found.any(NUMBER) {
            break;
        }
        at += size;
    }
    at
}

fn is_line_end(text: &str, at: usize) -> bool {
    matches!(text.as_bytes().get(at), Some(b'\r' | b'\n'))
}

/// `\s+(?!\S)|\s+` at white space: all of it, but without the last of several characters if something follows. Before
/// that, if `lines`, `\s*[\r\n]+`: all up to the last line end.
fn white_space(text: &str, at: usize, lines: bool) -> usize {
    let (mut end, mut last, mut line) = (at, at, at);
    loop {
        let (found, size) = class(text, end);
        if !found.any(SPACE) {
            break;
        }
        last = end;
        end += size;
        if is_line_end(text, last) {
            line = end;
        }
    }
    if lines && line > at {
        line
    } else if end < text.len() && last > at {
        last
    } else {
        end
    }
}
