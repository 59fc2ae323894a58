//! Truncation and post-processors: what happens to the ids of a text after the model.

use std::borrow::Cow;
use std::sync::Arc;

use crate::added::search::Trie;
use crate::fields::{Fields, Value};
use crate::normalize::LONGEST;
use crate::split::read_byte_level;
use crate::tokenizer::EncodeError;
use crate::Error;

/// How a text with too many ids is cut.
#[derive(Debug, Clone, Copy)]
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
        let left = match fields.value("direction") {
            None => false,
            Some(direction) => direction.choice(&["Right", "Left"])? == 1,
        };
        let strategy = fields
            .required("strategy")?
            .choice(&["LongestFirst", "OnlyFirst", "OnlySecond"])?;
        let max_length = fields.required("max_length")?.size()?;
        let stride_value = fields.required("stride")?;
        let stride = stride_value.size()?;
        // The reference then panics, or does not cut at all, but not always: it stops reading a text where it has
        // enough ids.
        let Some(least) = max_length.checked_sub(added) else {
            let template = "@.max_length is #, but the post-processor alone adds # ids";
            return Err(value.error(template, &[max_length as u64, added as u64], &[]));
        };
        let least = if least > 0 { least } else { max_length };
        if least > 0 && stride >= least {
            let template = "@ is #, but must be below max_length without the special tokens, which is #";
            return Err(stride_value.error(template, &[stride as u64, least as u64], &[]));
        }
        Ok(Truncation {
            max_length,
            left,
            second: strategy == 2,
        })
    }

    /// Keeps the first `most` ids.
    pub fn first(most: usize) -> Truncation {
        Truncation {
            max_length: most,
            left: false,
            second: false,
        }
    }

    /// The greatest number of ids.
    pub fn max_length(&self) -> usize {
        self.max_length
    }

    /// How many ids are enough, and whether they are counted from the end of the text: the model need not see other
    /// pieces.
    pub fn enough(&self) -> (usize, bool) {
        match self.second {
            true => (usize::MAX, false),
            false => (self.max_length, self.left),
        }
    }

    /// Cuts the ids after `start` so that there is room for `added` more. False if the reference refuses to cut, as
    /// there is no second text.
    #[must_use]
    pub fn apply(&self, ids: &mut Vec<u32>, start: usize, added: usize) -> bool {
        // Only `first` may leave less room.
        let most = self.max_length.saturating_sub(added);
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
    /// Ids of special tokens. A template may have the same ones many times.
    Special(Arc<[u32]>),
}

/// The most special tokens of a template: a small file must not take memory without bounds.
const MOST: u64 = 1 << 20;

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
        // The reference goes by the fields before it looks at the type.
        let other = match &*kind {
            "BertProcessing" | "RobertaProcessing" => None,
            "Sequence" if fields.value("single").is_some() => Some("single"),
            _ => fields.value("cls").map(|_| "cls"),
        };
        if let Some(name) = other {
            let template = "@ of the type $ has the field $ of another type";
            return Err(fields.error(template, &[&kind, name]));
        }
        match &*kind {
            // It trims offsets.
            "ByteLevel" => {
                read_byte_level(fields)?;
            }
            "BertProcessing" | "RobertaProcessing" => {
                let first = special(&fields.required("cls")?)?;
                let last = special(&fields.required("sep")?)?;
                self.templates.push(vec![
                    Part::Special([first].into()),
                    Part::Text,
                    Part::Special([last].into()),
                ]);
            }
            "TemplateProcessing" => {
                for piece in &fields.required("pair")?.objects()? {
                    Piece::read(piece)?;
                }
                let tokens = fields.required("special_tokens")?.fields()?;
                let (mut names, mut specials) = (Trie::default(), Vec::<Arc<[u32]>>::new());
                for (name, token) in tokens.all() {
                    names.insert(name.as_bytes(), specials.len() as u32);
                    specials.push(special_ids(&token.fields()?)?.into());
                }
                let (mut template, mut count) = (Vec::new(), 0);
                for piece in &fields.required("single")?.objects()? {
                    template.push(match Piece::read(piece)? {
                        Piece::Text => Part::Text,
                        Piece::Second => {
                            let template = "@ is the second text of a pair, which is not there";
                            return Err(piece.error(template, &[]));
                        }
                        Piece::Special(name) => {
                            let found = names.get(name.as_bytes());
                            let index = found.ok_or_else(|| tokens.error("@ has no $", &[&name]))?;
                            let ids = &specials[index as usize];
                            count += ids.len() as u64;
                            if count > MOST {
                                let template = "@ is where the template has more than 2^20 special tokens";
                                return Err(piece.error(template, &[]));
                            }
                            Part::Special(ids.clone())
                        }
                    });
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

    /// Applies the templates to the ids after `start`; without `special` they add no special token. An error if a
    /// template repeats the text until it is too long.
    pub fn apply(&self, ids: &mut Vec<u32>, start: usize, special: bool) -> Result<(), EncodeError> {
        for template in &self.templates {
            let texts = template.iter().filter(|part| matches!(part, Part::Text)).count();
            if !special && texts == 1 {
                continue;
            }
            let text = ids.split_off(start);
            if texts > 1 && text.len() > LONGEST / texts {
                return Err(EncodeError::TooLong);
            }
            for part in template {
                match part {
                    Part::Text => ids.extend_from_slice(&text),
                    Part::Special(tokens) if special => ids.extend_from_slice(tokens),
                    Part::Special(_) => {}
                }
            }
        }
        Ok(())
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

/// A piece of a template as the file has it.
enum Piece<'a> {
    Text,
    /// The second text of a pair.
    Second,
    /// The name of a special token.
    Special(Cow<'a, str>),
}

impl<'a> Piece<'a> {
    /// Reads a piece: `{ "Sequence": { "id": "A", "type_id": 0 } }` or `{ "SpecialToken": { "id": NAME, "type_id": 0 }
    /// }`.
    fn read(piece: &Fields<'a>) -> Result<Piece<'a>, Error> {
        let mut all = piece.all();
        let (Some((name, value)), None) = (all.next(), all.next()) else {
            return Err(piece.error("@ must have one field, \"Sequence\" or \"SpecialToken\"", &[]));
        };
        let fields = value.fields()?;
        fields.required("type_id")?.id()?;
        let id = fields.required("id")?;
        match name {
            "Sequence" => Ok(match id.choice(&["A", "B"])? {
                0 => Piece::Text,
                _ => Piece::Second,
            }),
            "SpecialToken" => Ok(Piece::Special(id.string()?)),
            _ => Err(piece.error("@ has $, but must have \"Sequence\" or \"SpecialToken\"", &[name])),
        }
    }
}

/// The ids of a special token of a template.
fn special_ids(token: &Fields) -> Result<Vec<u32>, Error> {
    token.required("id")?.string()?;
    let tokens = token.required("tokens")?;
    let mut reader = tokens.reader()?;
    tokens.named(reader.array())?;
    while reader.element()? {
        tokens.named(reader.string())?;
    }
    let list = token.required("ids")?;
    let mut reader = list.reader()?;
    let mut ids = Vec::new();
    list.named(reader.array())?;
    while reader.element()? {
        ids.push(list.within(list.named(reader.unsigned())?)?);
    }
    Ok(ids)
}
