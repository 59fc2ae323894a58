//! NFC, NFD, NFKC and NFKD, in one pass.

use super::origin::Origin;
use crate::unicode::{self, compose, Properties};

/// A normalization form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Nfc,
    Nfd,
    Nfkc,
    Nfkd,
}

impl Form {
    fn compatible(self) -> bool {
        matches!(self, Form::Nfkc | Form::Nfkd)
    }

    fn composes(self) -> bool {
        matches!(self, Form::Nfc | Form::Nfkc)
    }

    /// The characters that are decomposed first, and marks.
    fn decomposes(self) -> Properties {
        match self {
            Form::Nfc | Form::Nfd => Properties::NFD,
            Form::Nfkc | Form::Nfkd => Properties::NFKD,
        }
    }

    /// The characters that the form may change.
    pub fn changes(self) -> Properties {
        match self {
            Form::Nfc => Properties::NFC,
            Form::Nfd => Properties::NFD,
            Form::Nfkc => Properties::NFKC,
            Form::Nfkd => Properties::NFKD,
        }
    }
}

/// A character that is not written yet, with its combining class and its change of the alignment (see [`Origin`]).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    character: char,
    class: u8,
    /// 0 or 1.
    change: i8,
}

/// Decomposes the characters that are pushed, puts marks in order and composes, and writes the result.
pub(super) struct Former<'a> {
    pub form: Form,
    pub out: &'a mut String,
    pub origin: Origin,
    /// Characters with a class that is not 0, since the last one of class 0. It is empty after [`Former::flush`].
    pub marks: &'a mut Vec<Mark>,
    /// The last character of class 0 of a form that composes.
    pub starter: Option<(char, i32)>,
    /// Leaves out nonspacing marks.
    pub strip: bool,
    pub lower: bool,
}

/// Runs of marks that are longer are sorted by counting.
const INSERTION: usize = 32;

impl Former<'_> {
    /// Adds the next character of the source.
    #[inline]
    pub fn push(&mut self, character: char, properties: Properties) {
        if !properties.any(self.form.decomposes()) {
            return self.part(character, 0, 0);
        }
        let mut change = 0;
        compose::decompose(character, properties, self.form.compatible(), |part| {
            self.part(part, unicode::row(part).class, change);
            change = 1;
        });
    }

    /// Writes the next character of the source without its decomposition.
    pub fn copy(&mut self, character: char) {
        self.write(character, 0);
    }

    #[inline]
    fn part(&mut self, character: char, class: u8, change: i8) {
        if class != 0 {
            // A mark that is left out moves no other one, but alignments go by the order of all.
            if self.strip && !self.origin.active && is_nonspacing(character) {
                return;
            }
            self.marks.push(Mark {
                character,
                class,
                change,
            });
            return;
        }
        if !self.marks.is_empty() {
            self.order();
        }
        if !self.form.composes() {
            return self.write(character, change.into());
        }
        // Two characters of class 0 are composed only if nothing is between them.
        if let (Some((starter, sum)), true) = (self.starter, self.marks.is_empty()) {
            if let Some(composed) = compose::compose(starter, character) {
                self.starter = Some((composed, sum + i32::from(change) - 1));
                return;
            }
        }
        self.write_starter();
        self.starter = Some((character, change.into()));
    }

    /// Writes the starter and the marks that are not written yet.
    pub fn flush(&mut self) {
        if !self.marks.is_empty() {
            self.order();
        }
        self.write_starter();
    }

    /// Sorts the marks by class. A form that composes leaves in `marks` what it cannot join to the starter; others
    /// write all.
    fn order(&mut self) {
        sort(self.marks);
        let mut kept = 0;
        for index in 0..self.marks.len() {
            let mark = self.marks[index];
            let Some((starter, sum)) = self.starter else {
                self.write(mark.character, mark.change.into());
                continue;
            };
            let blocked = kept > 0 && self.marks[kept - 1].class >= mark.class;
            let composed = if blocked {
                None
            } else {
                compose::compose(starter, mark.character)
            };
            match composed {
                Some(composed) => self.starter = Some((composed, sum + i32::from(mark.change) - 1)),
                None => {
                    self.marks[kept] = mark;
                    kept += 1;
                }
            }
        }
        self.marks.truncate(kept);
    }

    fn write_starter(&mut self) {
        if let Some((starter, change)) = self.starter.take() {
            self.write(starter, change);
        }
        for index in 0..self.marks.len() {
            let mark = self.marks[index];
            self.write(mark.character, mark.change.into());
        }
        self.marks.clear();
    }

    #[inline]
    fn write(&mut self, character: char, change: i32) {
        let start = self.out.len();
        match (self.strip && is_nonspacing(character), self.lower) {
            (true, _) => {}
            (false, true) => put_lower(self.out, character),
            (false, false) => self.out.push(character),
        }
        if self.origin.active {
            self.origin.wrote(change, self.out.len() - start);
        }
    }
}

fn is_nonspacing(character: char) -> bool {
    unicode::properties(character).any(Properties::NONSPACING_MARK)
}

/// Appends the lower case of a character.
#[inline]
pub(super) fn put_lower(out: &mut String, character: char) {
    let (first, second) = unicode::lowercase(character);
    out.push(first);
    if let Some(second) = second {
        out.push(second);
    }
}

/// Sorts marks by class; those of a class stay in order.
fn sort(marks: &mut [Mark]) {
    if marks.len() > INSERTION {
        let mut ends = [0; 257];
        for mark in &*marks {
            ends[mark.class as usize + 1] += 1;
        }
        for class in 1..ends.len() {
            ends[class] += ends[class - 1];
        }
        let unsorted = marks.to_vec();
        for mark in unsorted {
            let end = &mut ends[mark.class as usize];
            marks[*end] = mark;
            *end += 1;
        }
        return;
    }
    for end in 1..marks.len() {
        let mark = marks[end];
        let mut at = end;
        while at > 0 && marks[at - 1].class > mark.class {
            marks[at] = marks[at - 1];
            at -= 1;
        }
        marks[at] = mark;
    }
}
