//! Properties of characters, by the crate that the reference takes each from.

/// A set of properties of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Properties(u16);

impl Properties {
    /// `char::is_whitespace` of std.
    pub const WHITE_SPACE: Properties = Properties(1);
    /// `char::is_numeric` of std.
    pub const NUMERIC: Properties = Properties(1 << 1);
    /// `is_punctuation` of unicode_categories, or ASCII punctuation of std.
    pub const PUNCTUATION: Properties = Properties(1 << 2);
    /// `is_mark_nonspacing` of unicode_categories.
    pub const NONSPACING_MARK: Properties = Properties(1 << 3);
    /// `is_other` of unicode_categories.
    pub const OTHER: Properties = Properties(1 << 4);
    /// `is_combining_mark` of unicode-normalization-alignments.
    pub const COMBINING_MARK: Properties = Properties(1 << 5);
    /// `\s` of Oniguruma.
    pub const ONIG_SPACE: Properties = Properties(1 << 6);
    /// `\p{L}` of Oniguruma.
    pub const ONIG_LETTER: Properties = Properties(1 << 7);
    /// `\p{N}` of Oniguruma.
    pub const ONIG_NUMBER: Properties = Properties(1 << 8);
    /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]` of Oniguruma.
    pub const ONIG_UPPER: Properties = Properties(1 << 9);
    /// `[\p{Ll}\p{Lm}\p{Lo}\p{M}]` of Oniguruma.
    pub const ONIG_LOWER: Properties = Properties(1 << 10);
    /// `\w` of the crate regex.
    pub const REGEX_WORD: Properties = Properties(1 << 11);
    /// `\s` of the crate regex.
    pub const REGEX_SPACE: Properties = Properties(1 << 12);
    /// No grapheme cluster ends after it, if a character follows that is no control (GB9b).
    pub const PREPEND: Properties = Properties(1 << 13);
    /// No grapheme cluster begins with it after a character that is no control (GB9, GB9a).
    pub const EXTEND: Properties = Properties(1 << 14);

    /// Whether the character has any property of `other`.
    pub fn any(self, other: Properties) -> bool {
        self.0 & other.0 != 0
    }
}

/// The properties of a character.
pub(crate) fn properties(_character: char) -> Properties {
    todo!()
}

/// `char::to_lowercase` of the reference: one to three characters.
pub(crate) fn lowercase(_character: char) -> impl Iterator<Item = char> {
    std::iter::empty()
}
