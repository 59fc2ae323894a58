//! The normalizer of BERT, in one pass.

use super::form::{Form, Former};
use super::origin::Origin;
use super::{scan, Normalized};
use crate::unicode::{properties, Properties};

/// The normalizer of BERT.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bert {
    /// Removes control characters and makes white space blanks.
    pub clean: bool,
    /// Puts blanks around ideographs.
    pub chinese: bool,
    /// Decomposes, and removes nonspacing marks.
    pub strip: bool,
    pub lower: bool,
}

fn is_chinese(character: char) -> bool {
    matches!(character as u32,
        0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x2a6df | 0x2a700..=0x2b73f
        | 0x2b740..=0x2b81f | 0x2b920..=0x2ceaf | 0x2f800..=0x2fa1f)
}

impl Bert {
    pub fn apply(&self, text: &mut Normalized, spare: &mut Normalized) -> bool {
        let source = text.text.as_str();
        if scan::printable(source.as_bytes(), 0) == source.len() {
            if self.lower {
                text.text.make_ascii_lowercase();
            }
            return false;
        }
        let mut former = Former {
            form: Form::Nfd,
            out: &mut spare.text,
            origin: Origin::new(text.origin),
            marks: &mut spare.marks,
            starter: None,
            strip: self.strip,
            lower: self.lower,
        };
        let mut at = 0;
        while at < source.len() {
            // Printable ASCII is only made lower case.
            let end = match former.origin.active {
                true => at,
                false => scan::printable(source.as_bytes(), at),
            };
            if end > at {
                former.flush();
                let start = former.out.len();
                former.out.push_str(&source[at..end]);
                if self.lower {
                    former.out[start..].make_ascii_lowercase();
                }
                at = end;
            }
            let Some(character) = source[at..].chars().next() else {
                break;
            };
            self.push(&mut former, character, at < text.origin);
            at += character.len_utf8();
        }
        former.flush();
        spare.origin = former.origin.finish();
        true
    }

    fn push(&self, former: &mut Former, mut character: char, from: bool) {
        let mut known = properties(character);
        if self.clean {
            if !matches!(character, '\t' | '\n' | '\r')
                && (matches!(character, '\0' | '\u{fffd}') || known.any(Properties::OTHER))
            {
                return;
            }
            if known.any(Properties::WHITE_SPACE) {
                character = ' ';
                known = properties(character);
            }
        }
        let blanks = self.chinese && is_chinese(character);
        let mut put = |character, known| {
            former.origin.from += from as usize;
            match self.strip {
                true => former.push(character, known),
                false => former.copy(character),
            }
        };
        if blanks {
            put(' ', properties(' '));
        }
        put(character, known);
        if blanks {
            put(' ', properties(' '));
        }
    }
}
