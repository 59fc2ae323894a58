//! Decoders: tokens to text.

use crate::fields::Fields;
use crate::normalize::{read_replace, Pattern};
use crate::split::{byte_character, read_byte_level, read_metaspace, Scheme};
use crate::Error;

/// A decoder. A sequence is a list of them.
#[derive(Debug)]
pub(crate) enum Decoder {
    /// Characters to the bytes that they stand for, and all tokens to one.
    ByteLevel,
    /// `<0x41>` to the byte 0x41.
    ByteFallback,
    /// All tokens to one.
    Fuse,
    /// The replacement of blanks to blanks.
    Metaspace { mark: char, scheme: Scheme },
    /// One string to another in each token.
    Replace { pattern: Pattern, content: String },
    /// Removes up to `start` and `stop` characters `content` at the ends of each token.
    Strip {
        content: char,
        start: usize,
        stop: usize,
    },
    /// Puts a blank before each token without `prefix`.
    WordPiece { prefix: String, cleanup: bool },
}

/// What WordPiece's clean-up replaces, in this order.
const CLEANUP: [(&str, &str); 11] = [
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" do not", " don't"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
];

impl Decoder {
    /// Reads a decoder and appends it to `list`; a sequence appends each of its members.
    pub fn read(fields: &Fields, list: &mut Vec<Decoder>) -> Result<(), Error> {
        let kind = fields.required("type")?.string()?;
        list.push(match &*kind {
            "ByteLevel" => {
                read_byte_level(fields)?;
                Decoder::ByteLevel
            }
            "ByteFallback" => Decoder::ByteFallback,
            "Fuse" => Decoder::Fuse,
            "Metaspace" => {
                let (mark, scheme, _) = read_metaspace(fields)?;
                Decoder::Metaspace { mark, scheme }
            }
            "Replace" => {
                let (pattern, content) = read_replace(fields)?;
                Decoder::Replace { pattern, content }
            }
            "Strip" => Decoder::Strip {
                content: fields.required("content")?.character()?,
                start: fields.required("start")?.size()?,
                stop: fields.required("stop")?.size()?,
            },
            "WordPiece" => Decoder::WordPiece {
                prefix: fields.required("prefix")?.string()?.into_owned(),
                cleanup: fields.required("cleanup")?.boolean()?,
            },
            "Sequence" => {
                for decoder in &fields.required("decoders")?.objects()? {
                    Decoder::read(decoder, list)?;
                }
                return Ok(());
            }
            other => {
                let template = "@ has the type $, which is not read: ByteFallback, ByteLevel, Fuse, Metaspace, Replace, \
                                Sequence, Strip and WordPiece are";
                return Err(fields.error(template, &[other]));
            }
        });
        Ok(())
    }

    /// Decodes the tokens of `part` in place. It takes fewer tokens where later ones may change their text.
    pub fn apply(&self, part: &mut Part) {
        if !part.ends && part.joined && !matches!(self, Decoder::Fuse | Decoder::Strip { stop: 0, .. }) {
            // What follows may change all of the text.
            return part.keep(0);
        }
        match self {
            Decoder::ByteLevel => byte_level(part),
            Decoder::ByteFallback => byte_fallback(part),
            Decoder::Fuse => part.join(part.tokens.concat()),
            &Decoder::Metaspace { mark, scheme } => {
                let first = part.first();
                for (index, token) in part.tokens.iter_mut().enumerate() {
                    let removed = index < first && scheme != Scheme::Never;
                    *token = token
                        .chars()
                        .filter(|&character| !(removed && character == mark))
                        .map(|character| if character == mark { ' ' } else { character })
                        .collect();
                }
            }
            Decoder::Replace { pattern, content } => {
                for token in &mut part.tokens {
                    let (mut replaced, mut start) = (String::new(), 0);
                    while let Some((from, to)) = pattern.find(token, start) {
                        part.room = part.room.saturating_sub(content.len());
                        if part.room == 0 {
                            return;
                        }
                        replaced.push_str(&token[start..from]);
                        replaced.push_str(content);
                        start = to;
                    }
                    if start > 0 {
                        replaced.push_str(&token[start..]);
                        *token = replaced;
                    }
                }
            }
            &Decoder::Strip { content, start, stop } => {
                if part.joined && !part.begins {
                    return;
                }
                for token in &mut part.tokens {
                    let removed = strip(token, content, start, stop);
                    if part.joined && !part.ends && token.is_empty() && removed < start {
                        // The next token may begin with characters that are removed.
                        return part.keep(0);
                    }
                }
            }
            Decoder::WordPiece { prefix, cleanup } => {
                let first = part.first();
                for (index, token) in part.tokens.iter_mut().enumerate() {
                    if index >= first {
                        match token.strip_prefix(prefix.as_str()) {
                            Some(rest) => *token = rest.to_string(),
                            None => token.insert(0, ' '),
                        }
                    }
                    if *cleanup {
                        for (from, to) in CLEANUP {
                            if token.contains(from) {
                                *token = token.replace(from, to);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The tokens of a text, or of a part of it.
pub(crate) struct Part {
    pub tokens: Vec<String>,
    /// How many of the tokens that there were at first are decoded.
    pub taken: usize,
    /// Whether no token came before.
    pub begins: bool,
    /// Whether no token follows.
    pub ends: bool,
    /// Whether all tokens were joined, so that the next part would have been in the same token.
    pub joined: bool,
    /// Whether each token is still one of those that there were at first.
    pub apart: bool,
    /// How many more bytes the tokens may have. At 0 the text is too long, and the tokens are of no use.
    pub room: usize,
}

impl Part {
    /// How many tokens are the first of the text: 0 or 1.
    fn first(&self) -> usize {
        (self.begins || self.joined) as usize
    }

    /// Keeps the first `count` tokens for this part.
    fn keep(&mut self, count: usize) {
        if count < self.tokens.len() {
            self.taken = if self.apart { count } else { 0 };
            self.tokens.truncate(self.taken);
        }
    }

    fn join(&mut self, text: String) {
        self.tokens = vec![text];
        self.joined = true;
        self.apart = false;
    }
}

fn byte_level(part: &mut Part) {
    let mut bytes = Vec::new();
    // How many tokens, and how many bytes, there are up to the last token that does not end inside a character.
    let mut complete = (0, 0);
    let mut checked = 0;
    for (index, token) in part.tokens.iter().enumerate() {
        let start = bytes.len();
        for character in token.chars() {
            match byte_of(character) {
                Some(byte) => bytes.push(byte),
                // A token with any other character stands for itself.
                None => {
                    bytes.truncate(start);
                    bytes.extend_from_slice(token.as_bytes());
                    break;
                }
            }
        }
        while let Err(error) = std::str::from_utf8(&bytes[checked..]) {
            checked += error.valid_up_to() + error.error_len().unwrap_or(0);
            if error.error_len().is_none() {
                break;
            }
        }
        if std::str::from_utf8(&bytes[checked..]).is_ok() {
            checked = bytes.len();
            complete = (index + 1, bytes.len());
        }
    }
    if !part.ends {
        bytes.truncate(complete.1);
        part.keep(complete.0);
        if part.taken == 0 {
            bytes.clear();
        }
    }
    part.join(String::from_utf8_lossy(&bytes).into_owned());
}

/// The byte that a character of a byte-level token stands for.
fn byte_of(character: char) -> Option<u8> {
    let code = character as u32;
    let byte = match code {
        0..0x100 => code as u8,
        0x100..=0x120 => (code - 0x100) as u8,
        0x121..=0x142 => (code - 0x121 + 0x7f) as u8,
        0x143 => 0xad,
        _ => return None,
    };
    (byte_character(byte) == character).then_some(byte)
}

/// The byte of a token `<0x41>`. The digits are those of `u8::from_str_radix`, which takes a plus sign.
fn fallback(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    match token.len() {
        6 => u8::from_str_radix(digits, 16).ok(),
        _ => None,
    }
}

fn byte_fallback(part: &mut Part) {
    if !part.ends {
        // A run of bytes may go on.
        let last = part.tokens.iter().rposition(|token| fallback(token).is_none());
        part.keep(last.map_or(0, |last| last + 1));
    }
    let mut decoded = Vec::new();
    let mut bytes = Vec::new();
    for token in std::mem::take(&mut part.tokens) {
        match fallback(&token) {
            Some(byte) => bytes.push(byte),
            None => {
                flush(&mut bytes, &mut decoded);
                decoded.push(token);
            }
        }
    }
    flush(&mut bytes, &mut decoded);
    part.tokens = decoded;
    part.apart = false;
}

/// Appends the text of `bytes`, or U+FFFD for each of them if they are not UTF-8, and empties `bytes`.
fn flush(bytes: &mut Vec<u8>, decoded: &mut Vec<String>) {
    if bytes.is_empty() {
        return;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => decoded.push(text.to_string()),
        Err(_) => decoded.extend(bytes.iter().map(|_| "\u{fffd}".to_string())),
    }
    bytes.clear();
}

/// Returns how many characters were removed at the start.
fn strip(token: &mut String, content: char, start: usize, stop: usize) -> usize {
    let at_start = token
        .chars()
        .take(start)
        .take_while(|&character| character == content)
        .count();
    let at_end = token
        .chars()
        .rev()
        .take(stop)
        .take_while(|&character| character == content)
        .count();
    let end = token.len() - at_end * content.len_utf8();
    // The reference panics where both ends meet.
    token.truncate(end);
    token.drain(..(at_start * content.len_utf8()).min(end));
    at_start
}
