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
        reader.object()?;
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
        let mut all = vec![self.part.as_str()];
        all.extend(texts);
        Error::new(At::Byte(self.at), template, &[], &all)
    }

    /// The value of a field that has a default. Null is a value.
    pub fn given(&self, name: &str) -> Option<Value<'a>> {
        let field = self.list.iter().find(|field| field.name == name)?;
        Some(Value {
            part: format!("{}.{name}", self.part),
            at: field.at,
            text: field.value,
        })
    }

    /// The value of a field that may be missing; null is missing, too.
    pub fn optional(&self, name: &str) -> Result<Option<Value<'a>>, Error> {
        let Some(value) = self.given(name) else {
            return Ok(None);
        };
        Ok(match value.reader()?.kind()? {
            Kind::Null => None,
            _ => Some(value),
        })
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
        Reader::new(self.text.as_bytes(), self.at)
    }

    /// The name of the value in messages.
    pub fn part(&self) -> &str {
        &self.part
    }

    /// An error at the value. `template` begins with `@`, which is the name of the value: see [`Error::new`].
    #[cold]
    pub fn error(&self, template: &str, numbers: &[u64], texts: &[&str]) -> Error {
        let mut all = vec![self.part.as_str()];
        all.extend(texts);
        Error::new(At::Byte(self.at), template, numbers, &all)
    }

    /// An object.
    pub fn fields(&self) -> Result<Fields<'a>, Error> {
        Fields::read(&mut self.reader()?, &self.part)
    }

    /// An array of objects.
    pub fn objects(&self) -> Result<Vec<Fields<'a>>, Error> {
        let mut reader = self.reader()?;
        let mut list = Vec::new();
        reader.array()?;
        while reader.element()? {
            let part = format!("{}[{}]", self.part, list.len());
            list.push(Fields::read(&mut reader, &part)?);
        }
        Ok(list)
    }

    /// A string.
    pub fn string(&self) -> Result<Cow<'a, str>, Error> {
        self.reader()?.string()
    }

    /// A boolean.
    pub fn boolean(&self) -> Result<bool, Error> {
        self.reader()?.boolean()
    }

    /// An integer in [0, 2^32).
    pub fn id(&self) -> Result<u32, Error> {
        let number = self.reader()?.unsigned()?;
        u32::try_from(number).map_err(|_| self.error("@ must be in [0, 2^32), found #", &[number], &[]))
    }
}
