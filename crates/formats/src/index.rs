//! `*.safetensors.index.json`: the file that each tensor is in.

use crate::error::{error, At, Error, Part};
use crate::json::{write_string, Kind, Reader};

/// A checked index of shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// The name of a tensor, and the name of its file in the same folder. Tensors differ.
    pub weight_map: Vec<(String, String)>,
    /// The metadata. Values that are not strings are JSON text.
    pub metadata: Vec<(String, String)>,
}

/// Reads an index. A file name is not empty, `.` or `..`, and has no `/`, `\`, `:` or NUL: it stays in its folder.
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
        None => Err(error!(At::File, "the safetensors index lacks weight_map")),
    }
}

fn weight_map(reader: &mut Reader) -> Result<Vec<(String, String)>, Error> {
    let mut map = Vec::new();
    reader.object()?;
    while let Some(tensor) = reader.key()? {
        reader.kind()?;
        let at = At::Byte(reader.position());
        let file = reader.string()?;
        if matches!(&*file, "" | "." | "..") || file.contains(['/', '\\', ':', '\0']) {
            return Err(error!(
                at,
                "the file of the tensor ",
                Part::Quoted(&tensor),
                " must be a name in the folder of the index, got ",
                Part::Quoted(&file)
            ));
        }
        map.push((tensor.into_owned(), file.into_owned()));
    }
    Ok(map)
}

impl Index {
    /// Appends the index as JSON: `{"format":"index","weightMap":[["tensor","file"]],"metadata":[["key","value"]]}`.
    pub fn write_json(&self, out: &mut String) {
        out.push_str("{\"format\":\"index\",\"weightMap\":[");
        write_pairs(out, &self.weight_map);
        out.push_str("],\"metadata\":[");
        write_pairs(out, &self.metadata);
        out.push_str("]}");
    }
}

fn write_pairs(out: &mut String, pairs: &[(String, String)]) {
    for (index, (key, value)) in pairs.iter().enumerate() {
        out.push_str(if index == 0 { "[" } else { ",[" });
        write_string(out, key);
        out.push(',');
        write_string(out, value);
        out.push(']');
    }
}
