//! Tokenizers of models, by handle.
//!
//! They are objects of their own, apart from [`crate::Environment`]: for browsers they are in a module of their own,
//! and the module of the tables must not contain them.

use crate::files::write_error;
use crate::handles::Slots;
use crate::status::{first, Failure};
use std::ops::Range;
use tokenbed_formats::json::write_number;
use tokenbed_text::{Chunks, DecodeError, EncodeError, Memo, Options, Tokenizer, Workspace};

/// The tokenizers of one JavaScript environment, and memory that their calls use again.
#[derive(Default)]
pub struct Texts {
    slots: Slots<Object>,
    bytes: usize,
    ids: Vec<u32>,
    ends: Vec<u32>,
    text: String,
}

/// What a handle refers to.
enum Object {
    Tokenizer(Box<Stored>),
    View(View),
}

struct Stored {
    tokenizer: Tokenizer,
    memo: Option<Memo>,
    /// One for each thread.
    lanes: Vec<Lane>,
    /// About how many bytes of memory it takes.
    bytes: usize,
}

/// A tokenizer with other options than those of its file.
#[derive(Clone, Copy)]
struct View {
    tokenizer: f64,
    options: Options,
}

/// What a thread encodes with, and what it has done of a call.
#[derive(Default)]
struct Lane {
    workspace: Workspace,
    ids: Vec<u32>,
    /// Where the ids of each text end in `ids`.
    ends: Vec<u32>,
    runs: Vec<Run>,
}

/// Texts in a row that a thread has encoded.
#[derive(Clone, Copy)]
struct Run {
    /// The index of the first text.
    first: usize,
    /// Where its ids begin in those of the lane, and the ends of its ids.
    ids: usize,
    ends: usize,
    /// Why the text after these has no ids.
    error: Option<EncodeError>,
}

/// The most threads of a call: what they learn is put into the memo by one of them.
const MOST_LANES: usize = 8;

/// The bytes of texts in a part. Fewer than two parts are encoded by one thread.
#[cfg(not(target_family = "wasm"))]
const PART: usize = 8 << 10;

/// Ids that are kept for the next call: a long text must not keep its memory.
const KEPT: usize = 1 << 20;

/// Memory of a tokenizer per byte of its file, measured.
const BYTES_PER_BYTE: usize = 2;

impl Texts {
    /// Reads a tokenizer.json. The answer is JSON text: `{"handle":n,"size":n,"median":n}`, with `unknown`, `pad`
    /// and `truncation` if the tokenizer has them, or `{"error":{"byte":n,"rule":"..."}}`.
    /// Batches are encoded by up to `threads` threads. They share a memo of `memo` bytes.
    pub fn create(&mut self, json: &[u8], memo: f64, threads: usize) -> Result<String, Failure> {
        let mut out = String::new();
        let tokenizer = match Tokenizer::from_json(json) {
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
        let max_length = tokenizer.max_length();
        facts.extend(max_length.map(|most| (",\"truncation\":", most as u64)));
        let bytes = json.len() * BYTES_PER_BYTE;
        let stored = Object::Tokenizer(Box::new(Stored {
            memo: tokenizer.memo(memo as usize),
            lanes: (0..threads.clamp(1, MOST_LANES))
                .map(|_| Lane::default())
                .collect(),
            tokenizer,
            bytes,
        }));
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

    /// Prepares a tokenizer for [`Texts::encode`] with other options: the first `most` ids of each text, or, if that is
    /// negative, those that the truncation of the file keeps; then without the unknown token if `drop_unknown`. The
    /// handle is that of a view, which uses the tokenizer and its memo.
    pub fn prepare(&mut self, tokenizer: f64, most: f64, drop_unknown: bool) -> Result<f64, Failure> {
        self.get(tokenizer)?;
        let view = Object::View(View {
            tokenizer,
            options: Options {
                special: false,
                most: (most >= 0.0).then_some(most as usize),
                drop_unknown,
            },
        });
        self.slots.insert(view).ok_or(Failure::Handles)
    }

    /// Removes a tokenizer, or a view. Returns the bytes of its memory, 0 the second time.
    pub fn free(&mut self, handle: f64) -> usize {
        let bytes = match self.slots.remove(handle) {
            Some(Object::Tokenizer(stored)) => stored.bytes,
            Some(Object::View(_)) | None => 0,
        };
        self.bytes -= bytes;
        bytes
    }

    /// The number of tokenizers and views.
    pub fn objects(&self) -> usize {
        self.slots.len()
    }

    /// The bytes of memory of all tokenizers.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn get(&mut self, handle: f64) -> Result<&mut Stored, Failure> {
        match self.slots.get_mut(handle) {
            Some(Object::Tokenizer(stored)) => Ok(stored),
            Some(Object::View(_)) | None => Err(Failure::Handle(handle)),
        }
    }

    /// The ids of texts, into [`Texts::ids`], and where those of each text end, into [`Texts::ends`], counted from
    /// `at`. `handle` is that of a tokenizer or of a view. `bytes` is all texts in UTF-8, and `ends` where each of them
    /// ends in it. Stops before the text with which there are more than `room` ids.
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
        let (mut ids, mut id_ends) = (std::mem::take(&mut self.ids), std::mem::take(&mut self.ends));
        ids.clear();
        id_ends.clear();
        let view = match self.slots.get(handle) {
            Some(Object::View(view)) => *view,
            _ => View {
                tokenizer: handle,
                options: Options::default(),
            },
        };
        let options = Options {
            special,
            ..view.options
        };
        let batch = Batch::new(bytes, ends)?;
        let Stored {
            tokenizer,
            memo,
            lanes,
            ..
        } = self.get(view.tokenizer)?;
        // Now, since the call before may have panicked.
        for lane in &mut *lanes {
            lane.ids.clear();
            lane.ends.clear();
            lane.runs.clear();
        }
        share(lanes, memo, batch.text.len(), |lane, mut chunks, part| {
            let Lane {
                workspace,
                ids,
                ends,
                runs,
            } = lane;
            let texts = batch.texts(part);
            if texts.is_empty() {
                return;
            }
            let from = ids.len();
            let mut run = Run {
                first: texts.start,
                ids: from,
                ends: ends.len(),
                error: None,
            };
            for index in texts {
                let text = batch.get(index);
                if let Err(error) = tokenizer.encode(&mut chunks, workspace, text, options, ids) {
                    run.error = Some(error);
                    break;
                }
                if ids.len() - from > room {
                    break;
                }
                ends.push(ids.len() as u32);
            }
            runs.push(run);
        });
        let error = gather(lanes, room, &mut ids, &mut id_ends);
        let done = id_ends.len();
        id_ends.iter_mut().for_each(|end| *end += at as u32);
        (self.ids, self.ends) = (ids, id_ends);
        Ok(match error {
            Some(error) => -1.0 - (4 * done + reason(error)) as f64,
            None => done as f64,
        })
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
        match self
            .get(handle)?
            .tokenizer
            .decode_part(ids, skip_special, begins, ends)
        {
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
        let token = self
            .get(handle)?
            .tokenizer
            .id_to_token(id as u32)
            .map(str::to_owned);
        let found = token.is_some();
        self.text = token.unwrap_or_default();
        Ok(found)
    }

    /// The id of a token in UTF-8, or -1.
    pub fn token_to_id(&mut self, handle: f64, token: &[u8]) -> Result<f64, Failure> {
        let token = std::str::from_utf8(token).map_err(|_| Failure::Argument("a token in UTF-8"))?;
        Ok(self
            .get(handle)?
            .tokenizer
            .token_to_id(token)
            .map_or(-1.0, f64::from))
    }

    /// The text of the last call of [`Texts::decode`] or [`Texts::id_to_token`].
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Texts, one after the other, and where each of them ends.
struct Batch<'a> {
    text: &'a str,
    ends: &'a [u32],
}

impl<'a> Batch<'a> {
    fn new(bytes: &'a [u8], ends: &'a [u32]) -> Result<Batch<'a>, Failure> {
        let used = ends.last().map_or(0, |end| *end as usize);
        let text = bytes
            .get(..used)
            .and_then(|bytes| std::str::from_utf8(bytes).ok());
        let text = text.ok_or(Failure::Argument("texts in UTF-8"))?;
        let batch = Batch { text, ends };
        let whole = (0..ends.len()).all(|index| text.get(batch.range(index)).is_some());
        whole
            .then_some(batch)
            .ok_or(Failure::Argument("whole characters"))
    }

    fn range(&self, index: usize) -> Range<usize> {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        start as usize..self.ends[index] as usize
    }

    fn get(&self, index: usize) -> &'a str {
        &self.text[self.range(index)]
    }

    /// The texts that begin in a part of the bytes, in which the end of the last text counts as a byte.
    fn texts(&self, part: Range<usize>) -> Range<usize> {
        let first = |byte: usize| match byte {
            0 => 0,
            _ => (1 + self.ends.partition_point(|end| (*end as usize) < byte)).min(self.ends.len()),
        };
        first(part.start)..first(part.end)
    }
}

/// Encodes `bytes` bytes of texts with `work(lane, chunks, part)`: as a whole, or in parts on several threads.
#[cfg(not(target_family = "wasm"))]
fn share(
    lanes: &mut [Lane],
    memo: &mut Option<Memo>,
    bytes: usize,
    work: impl Fn(&mut Lane, Chunks, Range<usize>) + Sync,
) {
    use crate::split::{by_parts, Parts};
    let parts = Parts::new(lanes.len(), bytes + 1, PART);
    if parts.threads == 1 {
        return work(&mut lanes[0], Chunks::own(memo.as_mut()), 0..bytes + 1);
    }
    by_parts(parts, &mut lanes[..parts.threads], |lane, part| {
        work(lane, memo.as_ref().map_or(Chunks::Off, Chunks::Shared), part);
    });
    if let Some(memo) = memo {
        lanes.iter_mut().for_each(|lane| memo.learn(&mut lane.workspace));
    }
}

#[cfg(target_family = "wasm")]
fn share(
    lanes: &mut [Lane],
    memo: &mut Option<Memo>,
    bytes: usize,
    work: impl Fn(&mut Lane, Chunks, Range<usize>) + Sync,
) {
    work(&mut lanes[0], Chunks::own(memo.as_mut()), 0..bytes + 1)
}

/// Moves the ids of all lanes to `ids`, in the order of the texts, and where those of each text end to `ends`. Ends
/// before an error, which is returned, and before the text with which there are more than `room` ids.
fn gather(lanes: &mut [Lane], room: usize, ids: &mut Vec<u32>, ends: &mut Vec<u32>) -> Option<EncodeError> {
    let mut order = Vec::new();
    for (index, lane) in lanes.iter().enumerate() {
        order.extend(
            lane.runs
                .iter()
                .enumerate()
                .map(|(at, run)| (run.first, index, at)),
        );
    }
    order.sort_unstable();
    let mut error = None;
    if let [(_, lane, _)] = order[..] {
        let lane = &mut lanes[lane];
        error = lane.runs[0].error;
        std::mem::swap(ids, &mut lane.ids);
        std::mem::swap(ends, &mut lane.ends);
        ids.truncate(ends.last().map_or(0, |end| *end as usize));
    } else {
        for (first, lane, at) in order {
            if first != ends.len() {
                break; // The run before it has ended early.
            }
            let Lane {
                ids: own,
                ends: own_ends,
                runs,
                ..
            } = &lanes[lane];
            let run = runs[at];
            let last = runs.get(at + 1).map_or(own_ends.len(), |next| next.ends);
            let own_ends = &own_ends[run.ends..last];
            let before = ids.len();
            let after = |end: u32| before + end as usize - run.ids;
            let fit = own_ends.partition_point(|end| after(*end) <= room);
            let end = fit.checked_sub(1).map_or(run.ids, |last| own_ends[last] as usize);
            ids.extend_from_slice(&own[run.ids..end]);
            ends.extend(own_ends[..fit].iter().map(|end| after(*end) as u32));
            error = run.error.filter(|_| fit == own_ends.len());
        }
    }
    for lane in lanes {
        if lane.ids.capacity() > KEPT {
            lane.ids = Vec::new();
        }
    }
    error
}

/// Why a text cannot be encoded, as a number below 4.
fn reason(error: EncodeError) -> usize {
    match error {
        EncodeError::Unknown => 0,
        EncodeError::Truncation => 1,
        EncodeError::TooLong => 2,
    }
}
