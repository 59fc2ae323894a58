//! Truncation and post-processors: what happens to the ids of a text after the model.

use crate::fields::{Fields, Value};
use crate::Error;

/// How a text with too many ids is cut.
#[derive(Debug)]
pub(crate) struct Truncation {
    /// The greatest number of ids, special tokens included.
    max_length: usize,
    /// Whether the last ids are kept, not the first.
    left: bool,
    /// Whether only the second text of a pair may be cut, which is not there.
    second: bool,
}

impl Truncation {
    /// Reads `truncation`. `added` is the number of special tokens.
    pub fn read(value: &Value, added: usize) -> Result<Truncation, Error> {
        let fields = value.fields()?;
        let left = match fields.optional("direction")? {
            None => false,
            Some(direction) => direction.choice(&["Right", "Left"])? == 1,
        };
        let strategy = fields
            .required("strategy")?
            .choice(&["LongestFirst", "OnlyFirst", "OnlySecond"])?;
        let max_length = fields.required("max_length")?.size()?;
        let stride = fields.required("stride")?;
        // The reference then panics, or does not cut at all, but not always: it stops reading a text where it has enough ids.
        let Some(least) = max_length.checked_sub(added) else {
            let template = "@.max_length is #, but the post-processor alone adds # ids";
            return Err(value.error(template, &[max_length as u64, added as u64], &[]));
        };
        let least = if least > 0 { least } else { max_length };
        if least > 0 && stride.size()? >= least {
            let template = "@ is #, but must be below max_length without the special tokens, which is #";
            return Err(stride.error(template, &[stride.size()? as u64, least as u64], &[]));
        }
        Ok(Truncation {
            max_length,
            left,
            second: strategy == 2,
        })
    }

    /// How many ids are enough, and whether they are counted from the end of the text: the model need not see other pieces.
    pub fn enough(&self) -> (usize, bool) {
        match self.second {
            true => (usize::MAX, false),
            false => (self.max_length, self.left),
        }
    }

    /// Cuts the ids after `start` so that there is room for `added` more. False if the reference refuses to cut, as there is
    /// no second text.
    #[must_use]
    pub fn apply(&self, ids: &mut Vec<u32>, start: usize, added: usize) -> bool {
        let most = self.max_length - added;
        let length = ids.len() - start;
        if length <= most {
            return true;
        }
        if most > 0 && self.second {
            return false;
        }
        match self.left {
            true => drop(ids.drain(start..start + length - most)),
            false => ids.truncate(start + most),
        }
        true
    }
}

/// A part of a template.
#[derive(Debug)]
enum Part {
    /// The ids of the text.
    Text,
    /// Ids of special tokens.
    Special(Vec<u32>),
}

/// The post-processors of a file: templates, each of which takes the result of the one before it as its text.
#[derive(Debug, Default)]
pub(crate) struct PostProcessor {
    templates: Vec<Vec<Part>>,
    /// Whether a template of type TemplateProcessing was read: it makes several texts of one for what follows it.
    split: bool,
}

impl PostProcessor {
    /// Reads a post-processor and adds it; a sequence adds each of its members.
    pub fn read(&mut self, fields: &Fields) -> Result<(), Error> {
        let kind = fields.required("type")?.string()?;
        if self.split && !matches!(&*kind, "ByteLevel" | "Sequence") {
            let template = "@ of the type $ follows a TemplateProcessing, which is not read";
            return Err(fields.error(template, &[&kind]));
        }
        match &*kind {
            // It trims offsets.
            "ByteLevel" => {
                fields.required("add_prefix_space")?.boolean()?;
                fields.required("trim_offsets")?.boolean()?;
            }
            "BertProcessing" | "RobertaProcessing" => {
                let first = special(&fields.required("cls")?)?;
                let last = special(&fields.required("sep")?)?;
                self.templates.push(vec![
                    Part::Special(vec![first]),
                    Part::Text,
                    Part::Special(vec![last]),
                ]);
            }
            "TemplateProcessing" => {
                fields.required("pair")?.objects()?;
                let single = fields.required("single")?.objects()?;
                let specials = fields.required("special_tokens")?.fields()?;
                let mut template = Vec::new();
                for piece in &single {
                    template.push(part(piece, &specials)?);
                }
                self.templates.push(template);
                self.split = true;
            }
            "Sequence" => {
                for processor in &fields.required("processors")?.objects()? {
                    self.read(processor)?;
                }
            }
            other => {
                let template =
                    "@ has the type $, which is not read: BertProcessing, ByteLevel, RobertaProcessing, \
                                Sequence and TemplateProcessing are";
                return Err(fields.error(template, &[other]));
            }
        }
        Ok(())
    }

    /// How many special tokens are added to a text.
    pub fn added(&self) -> usize {
        let parts = self.templates.iter().flatten();
        let lengths = parts.map(|part| match part {
            Part::Text => 0,
            Part::Special(ids) => ids.len(),
        });
        lengths.sum()
    }

    /// Applies the templates to the ids after `start`; without `special` they add no special token.
    pub fn apply(&self, ids: &mut Vec<u32>, start: usize, special: bool) {
        for template in &self.templates {
            if !special
                && matches!(
                    template.iter().filter(|part| matches!(part, Part::Text)).count(),
                    1
                )
            {
                continue;
            }
            let text = ids.split_off(start);
            for part in template {
                match part {
                    Part::Text => ids.extend_from_slice(&text),
                    Part::Special(tokens) if special => ids.extend_from_slice(tokens),
                    Part::Special(_) => {}
                }
            }
        }
    }
}

/// The id of a pair `[token, id]`.
fn special(value: &Value) -> Result<u32, Error> {
    let mut reader = value.reader()?;
    value.named(reader.array())?;
    let rule = "@ is not a pair of a token and its id";
    if !reader.element()? {
        return Err(value.error(rule, &[], &[]));
    }
    value.named(reader.string())?;
    if !reader.element()? {
        return Err(value.error(rule, &[], &[]));
    }
    let id = value.named(reader.unsigned())?;
    if reader.element()? {
        return Err(value.error(rule, &[], &[]));
    }
    value.within(id)
}

/// Reads a piece of a template: `{ "Sequence": { "id": "A", "type_id": 0 } }` is the text, and
/// `{ "SpecialToken": { "id": NAME, "type_id": 0 } }` the ids of `NAME` in `specials`.
fn part(piece: &Fields, specials: &Fields) -> Result<Part, Error> {
    if let Some(sequence) = piece.optional("Sequence")? {
        let sequence = sequence.fields()?;
        sequence.required("type_id")?.id()?;
        if sequence.required("id")?.choice(&["A", "B"])? == 1 {
            return Err(piece.error("@ is the second text of a pair, which is not there", &[]));
        }
        return Ok(Part::Text);
    }
    let token = piece.required("SpecialToken")?.fields()?;
    token.required("type_id")?.id()?;
    let name = token.required("id")?.string()?;
    let token = specials.required(&name)?.fields()?;
    let list = token.required("ids")?;
    let mut reader = list.reader()?;
    let mut ids = Vec::new();
    list.named(reader.array())?;
    while reader.element()? {
        ids.push(list.within(list.named(reader.unsigned())?)?);
    }
    Ok(Part::Special(ids))
}
