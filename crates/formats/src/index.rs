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
    let mut index = Index {
        weight_map: Vec::new(),
        metadata: Vec::new(),
    };
    match read(bytes, &mut index) {
        Ok(()) => Ok(index),
        Err(error) => Err(error),
    }
}

fn read(bytes: &[u8], index: &mut Index) -> Result<(), Error> {
    let mut reader = Reader::new(bytes, 0)?;
    let mut found = false;
    reader.object()?;
    while let Some(key) = reader.key()? {
        let files = key == "weight_map";
        found |= files;
        if !files && key != "metadata" {
            reader.skip()?;
            continue;
        }
        reader.object()?;
        while let Some(key) = reader.key()? {
            let kind = reader.kind()?;
            let at = reader.position();
            let value: String = match kind {
                Kind::String => reader.string()?.into(),
                _ if files => return Err(reader.unexpected("the name of a file")),
                _ => reader.raw()?.into(),
            };
            if files && leaves_folder(&value) {
                let template = "the file of the tensor $ must be a name in the folder of the index, got $";
                return Err(Error::byte(at, template, &[], &[&key, &value]));
            }
            let pairs = if files {
                &mut index.weight_map
            } else {
                &mut index.metadata
            };
            pairs.push((key.into(), value));
        }
    }
    reader.end()?;
    match found {
        true => Ok(()),
        false => Err(Error::new(
            At::File,
            "the safetensors index lacks weight_map",
            &[],
            &[],
        )),
    }
}

fn leaves_folder(name: &str) -> bool {
    matches!(name, "" | "." | "..") || name.bytes().any(|byte| matches!(byte, b'/' | b'\\' | b':' | 0))
}

impl Index {
    /// Appends the index as JSON: `{"format":"index","weightMap":[["tensor","file"]],"metadata":[["key","value"]]}`.
    #[inline(never)]
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
