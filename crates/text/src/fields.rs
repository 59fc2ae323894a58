//! The fields of one JSON object, found by name.

use std::borrow::Cow;

use tokenbed_formats::json::{Kind, Reader};
use tokenbed_formats::At;

use crate::Error;

/// The fields of an object. Fields that no part takes are ignored, as in the reference.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    /// What the object is, as messages name it: `normalizer`, `pre_tokenizer.pretokenizers[1]`.
    pub part: String,
    /// Where the object begins.
    pub at: u64,
    list: Vec<Field<'a>>,
}

#[derive(Debug)]
struct Field<'a> {
    name: Cow<'a, str>,
    at: u64,
    value: &'a str,
}

/// `result` with an error that begins with the name of the part, unless that is the whole file.
pub(crate) fn in_part<T>(part: &str, result: Result<T, Error>) -> Result<T, Error> {
    match result {
        Err(error) if !part.is_empty() => Err(Error::new(error.at, "@: @", &[], &[part, &error.rule])),
        result => result,
    }
}

/// A value of a field.
pub(crate) struct Value<'a> {
    part: String,
    at: u64,
    text: &'a str,
}

impl<'a> Fields<'a> {
    /// Reads the object at the reader.
    pub fn read(reader: &mut Reader<'a>, part: &str) -> Result<Fields<'a>, Error> {
        reader.kind()?;
        let at = reader.position();
        let mut list = Vec::new();
        in_part(part, reader.object())?;
        while let Some(name) = reader.key()? {
            reader.kind()?;
            let at = reader.position();
            let value = reader.raw()?;
            list.push(Field { name, at, value });
        }
        Ok(Fields {
            part: part.to_string(),
            at,
            list,
        })
    }

    /// An error at the start of the object. `template` begins with `@`, which is the part: see [`Error::new`].
    #[cold]
    pub fn error(&self, template: &str, texts: &[&str]) -> Error {
        let name = if self.part.is_empty() {
            "the file"
        } else {
            &self.part
        };
        let mut all = vec![name];
        all.extend(texts);
        Error::new(At::Byte(self.at), template, &[], &all)
    }

    /// Refuses fields with other names.
    pub fn only(&self, names: &[&str]) -> Result<(), Error> {
        for Field { name, at, .. } in &self.list {
            if !names.contains(&&**name) {
                let template = "$ is not a field of a tokenizer.json";
                return Err(Error::new(At::Byte(*at), template, &[], &[name]));
            }
        }
        Ok(())
    }

    /// The value of a field that may be missing, null included.
    pub fn value(&self, name: &str) -> Option<Value<'a>> {
        let field = self.list.iter().find(|field| field.name == name)?;
        Some(self.value_of(field))
    }

    fn value_of(&self, field: &Field<'a>) -> Value<'a> {
        let mut part = self.part.clone();
        part.push_str(if part.is_empty() { "" } else { "." });
        part.push_str(&field.name);
        Value {
            part,
            at: field.at,
            text: field.value,
        }
    }

    /// The names and values of all fields.
    pub fn all(&self) -> impl Iterator<Item = (&str, Value<'a>)> {
        self.list.iter().map(|field| (&*field.name, self.value_of(field)))
    }

    /// The value of a field that may be missing; null is missing, too.
    pub fn optional(&self, name: &str) -> Result<Option<Value<'a>>, Error> {
        match self.value(name) {
            Some(value) if value.reader()?.kind()? != Kind::Null => Ok(Some(value)),
            _ => Ok(None),
        }
    }

    /// The value of a field that must be there.
    pub fn required(&self, name: &str) -> Result<Value<'a>, Error> {
        self.optional(name)?
            .ok_or_else(|| self.error("@ has no $", &[name]))
    }
}

impl<'a> Value<'a> {
    /// A reader of the value. It checks that nothing follows only if [`Reader::end`] is called.
    pub fn reader(&self) -> Result<Reader<'a>, Error> {
        Ok(Reader::again(self.text, self.at))
    }

    /// An error at the value. `template` begins with `@`, which is the name of the value: see [`Error::new`].
    #[cold]
    pub fn error(&self, template: &str, numbers: &[u64], texts: &[&str]) -> Error {
        let mut all = vec![self.part.as_str()];
        all.extend(texts);
        Error::new(At::Byte(self.at), template, numbers, &all)
    }

    /// `result`, which was read in this value, with an error that names the value.
    pub fn named<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        in_part(&self.part, result)
    }

    /// An object.
    pub fn fields(&self) -> Result<Fields<'a>, Error> {
        Fields::read(&mut self.reader()?, &self.part)
    }

    /// An array of objects.
    pub fn objects(&self) -> Result<Vec<Fields<'a>>, Error> {
        let mut reader = self.reader()?;
        let mut list = Vec::new();
        self.named(reader.array())?;
        while reader.element()? {
            let part = format!("{}[{}]", self.part, list.len());
            list.push(Fields::read(&mut reader, &part)?);
        }
        Ok(list)
    }

    /// A string.
    pub fn string(&self) -> Result<Cow<'a, str>, Error> {
        self.named(self.reader()?.string())
    }

    /// A boolean.
    pub fn boolean(&self) -> Result<bool, Error> {
        self.named(self.reader()?.boolean())
    }

    /// An integer in [0, 2^32).
    pub fn id(&self) -> Result<u32, Error> {
        self.within(self.named(self.reader()?.unsigned())?)
    }

    /// `number`, which was read in this value, if it is in [0, 2^32).
    pub fn within(&self, number: u64) -> Result<u32, Error> {
        u32::try_from(number).map_err(|_| self.error("@ must be in [0, 2^32), found #", &[number], &[]))
    }

    /// An integer in [0, 2^64), at most the greatest size of this processor.
    pub fn size(&self) -> Result<usize, Error> {
        Ok(usize::try_from(self.named(self.reader()?.unsigned())?).unwrap_or(usize::MAX))
    }

    /// The index of a string in `choices`.
    pub fn choice(&self, choices: &[&str]) -> Result<usize, Error> {
        let found = self.string()?;
        choices.iter().position(|choice| *choice == found).ok_or_else(|| {
            let mut known = String::new();
            for choice in choices {
                known.push_str(if known.is_empty() { "" } else { ", " });
                known.push_str(choice);
            }
            self.error("@ is $, which is not one of @", &[], &[&found, &known])
        })
    }

    /// The only character of a string.
    pub fn character(&self) -> Result<char, Error> {
        let found = self.string()?;
        let mut characters = found.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => Ok(character),
            _ => Err(self.error("@ must be one character, found $", &[], &[&found])),
        }
    }
}
