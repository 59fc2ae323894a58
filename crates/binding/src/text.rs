//! Tokenizers of models, by handle.
//!
//! They are objects of their own, apart from [`crate::Environment`]: for browsers they are in a module of their own,
//! and the module of the tables must not contain them.

use crate::files::write_error;
use crate::handles::Slots;
use crate::status::{first, Failure};
use tokenbed_formats::json::write_number;
use tokenbed_text::{DecodeError, EncodeError, Tokenizer};

/// The tokenizers of one JavaScript environment, and memory that their calls use again.
#[derive(Default)]
pub struct Texts {
    slots: Slots<Stored>,
    bytes: usize,
    ids: Vec<u32>,
    ends: Vec<u32>,
    text: String,
}

struct Stored {
    tokenizer: Tokenizer,
    /// About how many bytes of memory it takes.
    bytes: usize,
}

/// Ids that are kept for the next call: a long text must not keep its memory.
const KEPT: usize = 1 << 20;

/// Memory of a tokenizer per byte of its file, measured.
const BYTES_PER_BYTE: usize = 2;

impl Texts {
    /// Reads a tokenizer.json. The answer is JSON text: `{"handle":n,"size":n,"median":n}`, with `unknown` and `pad` if
    /// the tokenizer has them, or `{"error":{"byte":n,"rule":"..."}}`.
    pub fn create(&mut self, json: &[u8], memo: f64) -> Result<String, Failure> {
        let mut out = String::new();
        let tokenizer = match Tokenizer::from_json(json, memo as usize) {
            Ok(tokenizer) => tokenizer,
            Err(error) => {
                write_error(&mut out, &error);
                return Ok(out);
            }
        };
        let mut facts = vec![
            ("{\"size\":", tokenizer.bound()),
            (",\"median\":", tokenizer.median_token_length().into()),
        ];
        facts.extend(tokenizer.unknown().map(|id| (",\"unknown\":", id.into())));
        facts.extend(tokenizer.pad().map(|id| (",\"pad\":", id.into())));
        let bytes = json.len() * BYTES_PER_BYTE;
        let stored = Stored { tokenizer, bytes };
        let handle = self.slots.insert(stored).ok_or(Failure::Handles)?;
        self.bytes += bytes;
        for (name, value) in facts {
            out.push_str(name);
            write_number(&mut out, value);
        }
        out.push_str(",\"handle\":");
        write_number(&mut out, handle as u64);
        out.push('}');
        Ok(out)
    }

    /// Removes a tokenizer. Returns the bytes of its memory, 0 the second time.
    pub fn free(&mut self, handle: f64) -> usize {
        let bytes = self.slots.remove(handle).map_or(0, |stored| stored.bytes);
        self.bytes -= bytes;
        bytes
    }

    /// The number of tokenizers.
    pub fn objects(&self) -> usize {
        self.slots.len()
    }

    /// The bytes of memory of all tokenizers.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn get(&mut self, handle: f64) -> Result<&mut Tokenizer, Failure> {
        let stored = self.slots.get_mut(handle).ok_or(Failure::Handle(handle))?;
        Ok(&mut stored.tokenizer)
    }

    /// The ids of texts, into [`Texts::ids`], and where those of each text end, into [`Texts::ends`], counted from
    /// `at`.
    /// `bytes` is all texts in UTF-8, and `ends` where each of them ends in it. Stops before the text with which there
    /// are more than `room` ids.
    ///
    /// Returns the number of texts that are done, or `-1 - (4 i + reason)` if text i cannot be encoded.
    pub fn encode(
        &mut self,
        handle: f64,
        bytes: &[u8],
        ends: &[u32],
        special: bool,
        at: usize,
        room: usize,
    ) -> Result<f64, Failure> {
        let mut ids = std::mem::take(&mut self.ids);
        let mut id_ends = std::mem::take(&mut self.ends);
        ids.clear();
        id_ends.clear();
        let used = ends.last().map_or(0, |end| *end as usize);
        let all = bytes
            .get(..used)
            .and_then(|bytes| std::str::from_utf8(bytes).ok());
        let all = all.ok_or(Failure::Argument("texts in UTF-8"))?;
        let tokenizer = self.get(handle)?;
        let mut start = 0;
        let mut status = None;
        for (index, end) in ends.iter().enumerate() {
            let end = *end as usize;
            let text = all.get(start..end).ok_or(Failure::Argument("whole characters"))?;
            start = end;
            if let Err(error) = tokenizer.encode(text, special, &mut ids) {
                status = Some(-1.0 - (4 * index + reason(error)) as f64);
                break;
            }
            if ids.len() > room {
                break;
            }
            id_ends.push((at + ids.len()) as u32);
        }
        let done = id_ends.len();
        ids.truncate(id_ends.last().map_or(0, |end| *end as usize - at));
        (self.ids, self.ends) = (ids, id_ends);
        Ok(status.unwrap_or(done as f64))
    }

    /// The ids of the last [`Texts::encode`].
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Where the ids of each text of the last [`Texts::encode`] end.
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// Frees the memory of a long result.
    pub fn shrink(&mut self) {
        if self.ids.capacity() > KEPT {
            self.ids = Vec::new();
        }
        if self.text.capacity() > 4 * KEPT {
            self.text = String::new();
        }
    }

    /// The text of ids that arrive in parts, into [`Texts::text`]. `begins`: no token came before; `ends`: none
    /// follows.
    ///
    /// Returns the position of the first id that no token has; the number of ids if their text is too long; or
    /// `-1 - (2 taken + begins)`: the number of ids that the text stands for, and whether the next part begins the
    /// text, too.
    pub fn decode(
        &mut self,
        handle: f64,
        ids: &[u32],
        skip_special: bool,
        begins: bool,
        ends: bool,
    ) -> Result<f64, Failure> {
        match self.get(handle)?.decode_part(ids, skip_special, begins, ends) {
            Ok(part) => {
                self.text = part.text;
                Ok(-1.0 - (2 * part.taken + usize::from(part.begins)) as f64)
            }
            Err(DecodeError::Unknown { position }) => Ok(first(position)),
            Err(DecodeError::TooLong) => Ok(ids.len() as f64),
        }
    }

    /// The token of an id, into [`Texts::text`]. Returns whether there is one.
    pub fn id_to_token(&mut self, handle: f64, id: f64) -> Result<bool, Failure> {
        let token = self.get(handle)?.id_to_token(id as u32).map(str::to_owned);
        let found = token.is_some();
        self.text = token.unwrap_or_default();
        Ok(found)
    }

    /// The id of a token in UTF-8, or -1.
    pub fn token_to_id(&mut self, handle: f64, token: &[u8]) -> Result<f64, Failure> {
        let token = std::str::from_utf8(token).map_err(|_| Failure::Argument("a token in UTF-8"))?;
        Ok(self.get(handle)?.token_to_id(token).map_or(-1.0, f64::from))
    }

    /// The text of the last call of [`Texts::decode`] or [`Texts::id_to_token`].
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Why a text cannot be encoded, as a number below 4.
fn reason(error: EncodeError) -> usize {
    match error {
        EncodeError::Unknown => 0,
        EncodeError::Truncation => 1,
        EncodeError::TooLong => 2,
    }
}
