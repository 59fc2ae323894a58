//! `*.safetensors.index.json`: the file that each tensor is in.

use crate::error::{At, Error};
use crate::json::{put, write_string, Kind, Reader};

/// A checked index of shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// The name of a tensor, and the name of its file in the same folder. Tensors differ.
    pub weight_map: Vec<(String, String)>,
    /// The metadata. Values that are not strings are JSON text.
    pub metadata: Vec<(String, String)>,
}

/// Reads an index. A file name is not empty, `.` or `..`, and has no `/`, `\`, `:` or NUL: it stays in its folder.
#[inline(never)]
pub fn index(bytes: &[u8]) -> Result<Index, Error> {
    let mut reader = Reader::new(bytes, 0)?;
    let (mut map, mut metadata) = (None, Vec::new());
    reader.object()?;
    while let Some(key) = reader.key()? {
        match &*key {
            "weight_map" => map = Some(weight_map(&mut reader)?),
            "metadata" => {
                reader.object()?;
                while let Some(key) = reader.key()? {
                    let value = match reader.kind()? {
                        Kind::String => reader.string()?.into_owned(),
                        _ => reader.raw()?.into(),
                    };
                    metadata.push((key.into_owned(), value));
                }
            }
            _ => reader.skip()?,
        }
    }
    reader.end()?;
    match map {
        Some(weight_map) => Ok(Index { weight_map, metadata }),
        None => Err(Error::new(
            At::File,
            "the safetensors index lacks weight_map",
            &[],
            &[],
        )),
    }
}

#[inline(never)]
fn weight_map(reader: &mut Reader) -> Result<Vec<(String, String)>, Error> {
    let mut map = Vec::new();
    reader.object()?;
    while let Some(tensor) = reader.key()? {
        reader.kind()?;
        let at = reader.position();
        let file = reader.string()?;
        if matches!(&*file, "" | "." | "..")
            || file.bytes().any(|byte| matches!(byte, b'/' | b'\\' | b':' | 0))
        {
            let template = "the file of the tensor $ must be a name in the folder of the index, got $";
            return Err(Error::byte(at, template, &[], &[&tensor, &file]));
        }
        map.push((tensor.into_owned(), file.into_owned()));
    }
    Ok(map)
}

impl Index {
    /// Appends the index as JSON: `{"format":"index","weightMap":[["tensor","file"]],"metadata":[["key","value"]]}`.
    pub fn write_json(&self, out: &mut String) {
        put(out, "{\"format\":\"index\",\"weightMap\":[");
        write_pairs(out, &self.weight_map);
        put(out, "],\"metadata\":[");
        write_pairs(out, &self.metadata);
        put(out, "]}");
    }
}

fn write_pairs(out: &mut String, pairs: &[(String, String)]) {
    for (index, (key, value)) in pairs.iter().enumerate() {
        put(out, if index == 0 { "[" } else { ",[" });
        write_string(out, key);
        put(out, ",");
        write_string(out, value);
        put(out, "]");
    }
}
