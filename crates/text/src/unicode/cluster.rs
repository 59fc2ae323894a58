//! Extended grapheme clusters, by the crate unicode-segmentation.

use super::row;

// The classes, in the order of CLUSTERS in the generator; 0 is any other character.
const CR: u8 = 1;
const LF: u8 = 2;
const CONTROL: u8 = 3;
const EXTEND: u8 = 4;
const JOINER: u8 = 5;
const SPACING: u8 = 6;
const PREPEND: u8 = 7;
const REGIONAL: u8 = 8;
const L: u8 = 9;
const V: u8 = 10;
const T: u8 = 11;
const LV: u8 = 12;
const LVT: u8 = 13;
const PICTOGRAPH: u8 = 14;
const CONSONANT: u8 = 15;

const CLASS: u8 = 15;
/// GB9c skips it.
const SKIPPED: u8 = 1 << 4;
/// It links two consonants by GB9c.
const LINKER: u8 = 1 << 5;

/// Where a rule that looks at more than two characters has arrived.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    None,
    /// A consonant, a pictograph, or an odd number of regional indicators.
    First,
    /// A consonant and a linker, or a pictograph and a joiner.
    Linked,
}

/// The end of the cluster that begins at `start`. All rules look at characters of the same cluster only.
pub fn end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let mut before = CONTROL;
    let (mut consonant, mut pictograph, mut regional) = (Progress::None, Progress::None, false);
    for (at, character) in rest.char_indices() {
        let cluster = row(character).cluster;
        let class = cluster & CLASS;
        let joined = match (before, class) {
            (CR, LF) => true,
            (CONTROL | CR | LF, _) | (_, CONTROL | CR | LF) => false,
            (L, L | V | LV | LVT) | (LV | V, V | T) | (LVT | T, T) => true,
            (_, EXTEND | JOINER | SPACING) | (PREPEND, _) => true,
            (_, CONSONANT) => consonant == Progress::Linked,
            (JOINER, PICTOGRAPH) => pictograph == Progress::Linked,
            (REGIONAL, REGIONAL) => regional,
            _ => false,
        };
        if at > 0 && !joined {
            return start + at;
        }
        consonant = match consonant {
            _ if class == CONSONANT => Progress::First,
            Progress::First | Progress::Linked if cluster & LINKER != 0 => Progress::Linked,
            progress if cluster & SKIPPED != 0 => progress,
            _ => Progress::None,
        };
        pictograph = match (pictograph, class) {
            (_, PICTOGRAPH) | (Progress::First, EXTEND) => Progress::First,
            (Progress::First, JOINER) => Progress::Linked,
            _ => Progress::None,
        };
        regional = class == REGIONAL && !regional;
        before = class;
    }
    text.len()
}
