//! The tokenizer: all parts, in the order of the reference.

use tokenbed_formats::json::{Kind, Reader};

use crate::added::{self, Added, Span};
use crate::decode::{self, Decoder};
use crate::fields::{Fields, Value};
use crate::memo::{Chunks, Cuts, Found, Key, Memo, News};
use crate::model::{number, Model, Scratch};
use crate::normalize::{Normalized, Normalizer, LONGEST};
use crate::post::{PostProcessor, Truncation};
use crate::split::{Piece, Pieces, PreTokenizer};
use crate::Error;

/// A text that the reference refuses to encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodeError {
    /// It has a character that the vocabulary lacks, and there is no unknown token to stand for it.
    Unknown,
    /// It has too many ids, and the file's truncation cuts the second text of a pair only.
    Truncation,
    /// It, or its normal form, is too long, or a template repeats it too often.
    TooLong,
}

/// Why ids have no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeError {
    /// No token has an id: the first such one.
    Unknown {
        /// Its index in the list.
        position: usize,
    },
    /// The text has more than 2^30 bytes, or the tokens take too much memory.
    TooLong,
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text.
    pub text: String,
    /// The ids that it stands for.
    pub taken: usize,
    /// Whether the next part begins the text.
    pub begins: bool,
}

/// A tokenizer. Threads may share it: each of them encodes with a workspace of its own.
#[derive(Debug)]
pub struct Tokenizer {
    parts: Parts,
    cuts: Option<Cuts>,
}

/// The memory that is used again for each text. It belongs to one tokenizer.
#[derive(Debug, Default)]
pub struct Workspace {
    buffers: Buffers,
    /// The ids of one chunk.
    chunk: Vec<u32>,
    pub(crate) news: News,
}

/// Which ids of a text are returned. By default those of the reference, without special tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether the post-processor adds its special tokens.
    pub special: bool,
    /// How many ids are kept, the first ones: `enable_truncation(max_length)` of the Python package. None: as
    /// `truncation` of the file says.
    pub most: Option<usize>,
    /// Whether the ids of the unknown token are left out, after truncation.
    pub drop_unknown: bool,
}

/// What the file says.
#[derive(Debug)]
struct Parts {
    added: Added,
    normalizers: Vec<Normalizer>,
    splits: Vec<PreTokenizer>,
    model: Model,
    truncation: Option<Truncation>,
    post: PostProcessor,
    decoders: Option<Vec<Decoder>>,
    pad: Option<u32>,
    unknown: Option<u32>,
}

/// Memory that is used again.
#[derive(Debug, Default)]
struct Buffers {
    raw: Vec<Span>,
    spans: Vec<Span>,
    normalized: Normalized,
    spare: Normalized,
    pieces: Pieces,
    spare_pieces: Pieces,
    model: Scratch,
}

/// The most bytes of the tokens that are decoded at once. A token takes memory of its own: it counts as [`TOKEN`] bytes
/// at least.
const DECODED: usize = match usize::BITS {
    32 => 1 << 29,
    _ => 1 << 30,
};
const TOKEN: usize = 16;

/// How many chunks are looked for at once.
const BLOCK: usize = 16;

/// The fields of a file.
const FIELDS: [&str; 9] = [
    "version",
    "truncation",
    "padding",
    "added_tokens",
    "normalizer",
    "pre_tokenizer",
    "post_processor",
    "decoder",
    "model",
];

/// A chunk has no ids of its own: it has an added token, or a character that the vocabulary lacks.
struct Whole;

impl Buffers {
    /// Frees what a long text took.
    fn trim(&mut self) {
        trim(&mut self.raw);
        trim(&mut self.spans);
        self.normalized.trim();
        self.spare.trim();
        self.pieces.trim();
        self.spare_pieces.trim();
        self.model.trim();
    }
}

/// Buffers of more bytes are freed after a text.
const KEPT: usize = 1 << 20;

/// Frees a buffer that is too large to be kept.
#[inline]
pub(crate) fn trim<T>(buffer: &mut Vec<T>) {
    if buffer.capacity() > KEPT / size_of::<T>() {
        *buffer = Vec::new();
    }
}

/// The same for a text.
#[inline]
pub(crate) fn trim_text(buffer: &mut String) {
    if buffer.capacity() > KEPT {
        *buffer = String::new();
    }
}

impl Parts {
    fn read(json: &[u8]) -> Result<Parts, Error> {
        let mut reader = Reader::new(json, 0)?;
        // The reference reads every number, if only to ignore it.
        reader.check_numbers(|text| number(text).is_some());
        let file = Fields::read(&mut reader, "")?;
        reader.end()?;
        // In other objects, the reference ignores fields that it does not know.
        file.only(&FIELDS)?;
        if let Some(version) = file.value("version") {
            let found = version.string()?;
            if found != "1.0" {
                return Err(version.error("@ is $, only \"1.0\" is read", &[], &[&found]));
            }
        }
        let mut normalizers = Vec::new();
        if let Some(value) = file.optional("normalizer")? {
            Normalizer::read(value.fields()?, &mut normalizers)?;
        }
        let mut splits = Vec::new();
        if let Some(value) = file.optional("pre_tokenizer")? {
            PreTokenizer::read(value.fields()?, &mut splits)?;
        }
        let model = Model::read(file.required("model")?.fields()?)?;
        let added = match file.value("added_tokens") {
            Some(value) => Added::read(&mut value.reader()?, &model, &normalizers)?,
            None => Added::default(),
        };
        let mut post = PostProcessor::default();
        if let Some(value) = file.optional("post_processor")? {
            post.read(&value.fields()?)?;
        }
        let mut decoders = None;
        if let Some(value) = file.optional("decoder")? {
            Decoder::read(&value.fields()?, decoders.insert(Vec::new()))?;
        }
        let truncation = match file.optional("truncation")? {
            Some(value) => Some(Truncation::read(&value, post.added())?),
            None => None,
        };
        let mut parts = Parts {
            added,
            normalizers,
            splits,
            model,
            truncation,
            post,
            decoders,
            pad: None,
            unknown: None,
        };
        parts.unknown = parts.model.unknown(|token| parts.token_to_id(token));
        parts.pad = match file.optional("padding")? {
            Some(padding) => Some(pad(&padding)?),
            None => ["[PAD]", "<pad>", "<PAD>"]
                .iter()
                .find_map(|token| parts.token_to_id(token)),
        };
        Ok(parts)
    }

    fn token_to_id(&self, token: &str) -> Option<u32> {
        self.added
            .token_to_id(token)
            .or_else(|| self.model.token_to_id(token))
    }

    /// Appends the ids of a whole text. Those that `truncation` drops may be missing.
    fn encode(
        &self,
        buffers: &mut Buffers,
        text: &str,
        truncation: Option<Truncation>,
        ids: &mut Vec<u32>,
    ) -> Result<(), EncodeError> {
        let mut goal = Goal::new(ids.len(), truncation);
        let mut raw = std::mem::take(&mut buffers.raw);
        raw.clear();
        self.added.split_raw(text, &mut raw);
        let mut result = Ok(());
        for span in &raw {
            match span.id {
                Some(id) => ids.push(id),
                None => {
                    result = normalize(&self.normalizers, buffers, text, span.range())
                        .and_then(|()| self.encode_normalized(buffers, &mut goal, ids));
                }
            }
            if result.is_err() || goal.done {
                break;
            }
        }
        buffers.raw = raw;
        result.and(goal.end(ids))
    }

    /// Appends the ids of `buffers.normalized`.
    fn encode_normalized(
        &self,
        buffers: &mut Buffers,
        goal: &mut Goal,
        ids: &mut Vec<u32>,
    ) -> Result<(), EncodeError> {
        let mut spans = std::mem::take(&mut buffers.spans);
        spans.clear();
        self.added.split_normalized(&buffers.normalized.text, &mut spans);
        let mut result = Ok(());
        for span in &spans {
            match span.id {
                Some(id) => ids.push(id),
                None => result = self.encode_span(buffers, span.range(), goal, ids),
            }
            if result.is_err() || goal.done {
                break;
            }
        }
        buffers.spans = spans;
        result
    }

    /// Appends the ids of a part of `buffers.normalized` without added tokens.
    fn encode_span(
        &self,
        buffers: &mut Buffers,
        span: std::ops::Range<usize>,
        goal: &mut Goal,
        ids: &mut Vec<u32>,
    ) -> Result<(), EncodeError> {
        let pieces = &mut buffers.pieces;
        pieces.list.clear();
        pieces.origin = buffers.normalized.origin.saturating_sub(span.start);
        if span.is_empty() {
            return Ok(());
        }
        pieces.list.push(Piece {
            start: 0,
            end: span.len() as u32,
        });
        if span.len() == buffers.normalized.text.len() {
            std::mem::swap(&mut pieces.text, &mut buffers.normalized.text);
        } else {
            pieces.text.clear();
            pieces.text.push_str(&buffers.normalized.text[span]);
        }
        for split in &self.splits {
            if pieces.text.len() > LONGEST {
                return Err(EncodeError::TooLong);
            }
            split.apply(pieces, &mut buffers.spare_pieces);
        }
        for piece in &pieces.list {
            let start = ids.len();
            let text = &pieces.text[piece.start as usize..piece.end as usize];
            let result = self.model.encode(text, &mut buffers.model, ids);
            goal.piece(start, ids.len(), result)?;
            if goal.done {
                break;
            }
        }
        Ok(())
    }

    /// Appends the ids of a chunk of a text.
    fn encode_chunk(
        &self,
        buffers: &mut Buffers,
        text: &str,
        chunk: std::ops::Range<usize>,
        ids: &mut Vec<u32>,
    ) -> Result<(), Whole> {
        if self.added.has_raw(&text[chunk.clone()]) {
            return Err(Whole);
        }
        normalize(&self.normalizers, buffers, text, chunk).map_err(|_| Whole)?;
        if self.added.has_normalized(&buffers.normalized.text) {
            return Err(Whole);
        }
        let all = 0..buffers.normalized.text.len();
        self.encode_span(buffers, all, &mut Goal::new(ids.len(), None), ids)
            .map_err(|_| Whole)
    }
}

/// Which pieces the model must see. The reference stops at the piece with which there are as many ids as truncation
/// keeps, counted from the end of the text if it keeps the last ids; it does not see errors beyond.
#[derive(Debug)]
struct Goal {
    /// How many ids there were before.
    first: usize,
    /// How many are enough.
    enough: usize,
    /// Whether they are counted from the end of the text.
    left: bool,
    /// Whether there are enough.
    done: bool,
    /// With `left`: the last error, and where the ids of the piece after it begin.
    error: Option<EncodeError>,
    after: Option<usize>,
}

impl Goal {
    fn new(first: usize, truncation: Option<Truncation>) -> Goal {
        let (enough, left) = truncation.map_or((usize::MAX, false), |truncation| truncation.enough());
        Goal {
            first,
            enough,
            left,
            done: false,
            error: None,
            after: None,
        }
    }

    /// The model has seen a piece, whose ids are those from `start` to `end`.
    fn piece(
        &mut self,
        start: usize,
        end: usize,
        result: Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        if !self.left {
            self.done = end - self.first >= self.enough;
            return result;
        }
        match result {
            Err(error) => {
                self.error = Some(error);
                self.after = None;
            }
            Ok(()) if self.error.is_some() && self.after.is_none() => self.after = Some(start),
            Ok(()) => {}
        }
        Ok(())
    }

    /// At the end of the text: drops the ids in front of an error, or returns it.
    fn end(self, ids: &mut Vec<u32>) -> Result<(), EncodeError> {
        let Some(error) = self.error else { return Ok(()) };
        match self.after {
            Some(after) if ids.len() - after >= self.enough => {
                ids.drain(self.first..after);
                Ok(())
            }
            _ => Err(error),
        }
    }
}

/// Puts the normal form of a part of `text` into `buffers.normalized`.
fn normalize(
    normalizers: &[Normalizer],
    buffers: &mut Buffers,
    text: &str,
    part: std::ops::Range<usize>,
) -> Result<(), EncodeError> {
    let normalized = &mut buffers.normalized;
    normalized.set(&text[part.clone()], part.start == 0);
    for normalizer in normalizers {
        normalizer.apply(normalized, &mut buffers.spare);
        if normalized.text.len() > LONGEST {
            return Err(EncodeError::TooLong);
        }
    }
    Ok(())
}

/// Removes an id from those after `start`.
fn drop_ids(ids: &mut Vec<u32>, start: usize, dropped: u32) {
    let mut kept = start;
    for at in start..ids.len() {
        let id = ids[at];
        ids[kept] = id;
        kept += usize::from(id != dropped);
    }
    ids.truncate(kept);
}

/// Reads `padding`, of which only the id counts.
fn pad(value: &Value) -> Result<u32, Error> {
    let fields = value.fields()?;
    let strategy = fields.required("strategy")?;
    match strategy.reader()?.kind()? {
        Kind::Object => drop(strategy.fields()?.required("Fixed")?.size()?),
        _ => drop(strategy.choice(&["BatchLongest"])?),
    }
    if let Some(multiple) = fields.optional("pad_to_multiple_of")? {
        multiple.size()?;
    }
    fields.required("direction")?.choice(&["Left", "Right"])?;
    fields.required("pad_type_id")?.id()?;
    fields.required("pad_token")?.string()?;
    fields.required("pad_id")?.id()
}

impl Tokenizer {
    /// Reads a tokenizer.json.
    pub fn from_json(json: &[u8]) -> Result<Tokenizer, Error> {
        let parts = Parts::read(json)?;
        Ok(Tokenizer {
            cuts: Cuts::new(&parts.normalizers, &parts.splits, &parts.added),
            parts,
        })
    }

    /// A memo of the chunks of texts, which takes at most `bytes`. None if that is too little, or if the parts of the
    /// tokenizer do not allow to cut texts into chunks.
    pub fn memo(&self, bytes: usize) -> Option<Memo> {
        self.cuts.as_ref().and_then(|_| Memo::new(bytes, self.bound()))
    }

    /// Appends the ids of `text`, for which it uses a memo of this tokenizer, and the memory of a workspace. After an
    /// error, `ids` is as it was.
    pub fn encode(
        &self,
        chunks: &mut Chunks,
        workspace: &mut Workspace,
        text: &str,
        options: Options,
        ids: &mut Vec<u32>,
    ) -> Result<(), EncodeError> {
        let start = ids.len();
        let result = self.encode_text(chunks, workspace, text, options, ids);
        workspace.buffers.trim();
        trim(&mut workspace.chunk);
        if result.is_err() {
            ids.truncate(start);
        }
        result
    }

    fn encode_text(
        &self,
        chunks: &mut Chunks,
        workspace: &mut Workspace,
        text: &str,
        options: Options,
        ids: &mut Vec<u32>,
    ) -> Result<(), EncodeError> {
        let start = ids.len();
        if text.len() > LONGEST {
            return Err(EncodeError::TooLong);
        }
        let truncation = match options.most {
            Some(most) => Some(Truncation::first(most)),
            None => self.parts.truncation,
        };
        if !self.encode_chunks(chunks, workspace, text, truncation, ids) {
            ids.truncate(start);
            self.parts.encode(&mut workspace.buffers, text, truncation, ids)?;
        }
        let post = &self.parts.post;
        if let Some(truncation) = truncation {
            let added = if options.special { post.added() } else { 0 };
            if !truncation.apply(ids, start, added) {
                return Err(EncodeError::Truncation);
            }
        }
        post.apply(ids, start, options.special)?;
        if let (true, Some(unknown)) = (options.drop_unknown, self.unknown()) {
            drop_ids(ids, start, unknown);
        }
        Ok(())
    }

    /// Appends the ids of `text` chunk by chunk. False if it must be read as a whole.
    fn encode_chunks(
        &self,
        chunks: &mut Chunks,
        workspace: &mut Workspace,
        text: &str,
        truncation: Option<Truncation>,
        ids: &mut Vec<u32>,
    ) -> bool {
        let Workspace {
            buffers,
            chunk: fresh,
            news,
        } = workspace;
        let Some(cuts) = &self.cuts else { return false };
        let first = ids.len();
        let enough = match truncation.map(|truncation| truncation.enough()) {
            // The first piece may be an error.
            Some((0, _)) => return false,
            Some((enough, false)) if !self.parts.added.strips(true) => enough,
            _ => usize::MAX,
        };
        let mut start = 0;
        let mut keys = [Key::default(); BLOCK];
        'text: while start < text.len() {
            let (mut count, mut end) = (0, start);
            while count < BLOCK && end < text.len() {
                let from = end;
                end = cuts.next(text, from);
                keys[count] = Memo::key(text, from, end);
                count += 1;
            }
            let Some(memo) = chunks.memo() else { return false };
            memo.touch(&keys[..count]);
            for &key in &keys[..count] {
                if ids.len() - first >= enough {
                    break 'text;
                }
                let range = start..start + key.length;
                let chunk = &text[range.clone()];
                start = range.end;
                match chunks.memo().map(|memo| memo.find(key, chunk, ids)) {
                    Some(Found::Ids) => {}
                    Some(Found::Whole) | None => return false,
                    Some(Found::Nothing) => {
                        fresh.clear();
                        match self.parts.encode_chunk(buffers, text, range, fresh) {
                            Ok(()) => {
                                ids.extend_from_slice(fresh);
                                chunks.keep(news, key, chunk, Some(fresh));
                            }
                            Err(Whole) => {
                                chunks.keep(news, key, chunk, None);
                                return false;
                            }
                        }
                    }
                }
            }
        }
        // An added token in the rest may take the white space in front of it, up to what has ids.
        let added = &self.parts.added;
        if start == text.len() || !added.strips(false) {
            return true;
        }
        let rest = text[start..].trim_start_matches(added::is_space);
        let end = cuts.next(text, text.len() - rest.len());
        !added.has_raw(&text[start..end])
    }

    /// The text of `ids`. Tokens that are special are left out if `skip_special`.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> Result<String, DecodeError> {
        Ok(self.decode_part(ids, skip_special, true, true)?.text)
    }

    /// The text of ids that arrive in parts. `begins`: no token came before; `ends`: none follows. Otherwise only as
    /// many ids are taken as have a text that no later id changes; the others are passed again, in front of the next
    /// ones. The texts of all parts are together the text of all ids.
    pub fn decode_part(
        &self,
        ids: &[u32],
        skip_special: bool,
        begins: bool,
        ends: bool,
    ) -> Result<Decoded, DecodeError> {
        if ids.len() >= DECODED / TOKEN {
            return Err(DecodeError::TooLong);
        }
        let mut room = DECODED;
        let mut tokens = Vec::with_capacity(ids.len());
        let mut positions = Vec::with_capacity(ids.len());
        for (position, &id) in ids.iter().enumerate() {
            let token = self.id_to_token(id).ok_or(DecodeError::Unknown { position })?;
            if !(skip_special && self.parts.added.is_special(token)) {
                room = room.saturating_sub(token.len().max(TOKEN));
                if room == 0 {
                    return Err(DecodeError::TooLong);
                }
                tokens.push(token.to_string());
                positions.push(position);
            }
        }
        let mut part = decode::Part {
            taken: tokens.len(),
            tokens,
            begins,
            ends,
            joined: false,
            apart: true,
            room,
        };
        match &self.parts.decoders {
            Some(decoders) => {
                for decoder in decoders {
                    decoder.apply(&mut part);
                    if part.room == 0 {
                        return Err(DecodeError::TooLong);
                    }
                }
            }
            None => {
                for (index, token) in part.tokens.iter_mut().enumerate() {
                    if index > 0 || !begins {
                        token.insert(0, ' ');
                    }
                }
            }
        }
        if part.taken == 0 {
            part.tokens.clear();
        }
        Ok(Decoded {
            text: part.tokens.concat(),
            taken: positions.get(part.taken).copied().unwrap_or(ids.len()),
            begins: begins && part.taken == 0,
        })
    }

    /// The id of a token, added tokens first.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.parts.token_to_id(token)
    }

    /// The token of an id, added tokens first, as `id_to_token` of the reference returns it.
    pub fn id_to_token(&self, id: u32) -> Option<&str> {
        self.parts
            .added
            .id_to_token(id)
            .or_else(|| self.parts.model.id_to_token(id))
    }

    /// One more than the greatest id.
    pub fn bound(&self) -> u64 {
        let added = self.parts.added.tokens().map(|(_, id)| id as u64 + 1);
        added.fold(self.parts.model.bound(), u64::max)
    }

    /// The id of the unknown token, which may be an added one that the model never gives.
    pub fn unknown(&self) -> Option<u32> {
        self.parts.unknown
    }

    /// The greatest number of ids of a text, by `truncation` of the file.
    pub fn max_length(&self) -> Option<usize> {
        self.parts.truncation.map(|truncation| truncation.max_length())
    }

    /// The id that pads sequences: `padding.pad_id`, else that of `[PAD]`, `<pad>` or `<PAD>`.
    pub fn pad(&self) -> Option<u32> {
        self.parts.pad
    }

    /// The median length of a token in code points, added tokens included, rounded down.
    pub fn median_token_length(&self) -> u32 {
        let mut lengths: Vec<u32> = Vec::new();
        let model = &self.parts.model;
        let count = |token: &str| token.chars().count() as u32;
        lengths.extend(model.tokens().map(count));
        let added = self.parts.added.tokens();
        lengths.extend(
            added
                .filter(|(token, _)| model.token_to_id(token).is_none())
                .map(|(token, _)| count(token)),
        );
        lengths.sort_unstable();
        match lengths.len() {
            0 => 0,
            count => (lengths[(count - 1) / 2] + lengths[count / 2]) / 2,
        }
    }
}
