//! The comparison of both tokenizers.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::str::FromStr;

use tokenbed_text::{Chunks, Memo, Options, Tokenizer, Workspace};

/// What `memo` is compared with: off, 64 chunks, and what is usual.
pub const MEMOS: [usize; 3] = [0, 4096, 8 << 20];

/// Both tokenizers of one file.
pub struct Pair {
    reference: tokenizers::Tokenizer,
    /// The same for other truncations: the reference may refuse to set that of the file again.
    truncated: Option<tokenizers::Tokenizer>,
    ours: Tokenizer,
    /// One for each of [`MEMOS`].
    memos: [Option<Memo>; MEMOS.len()],
    workspace: Workspace,
    /// Texts that were compared.
    pub texts: usize,
    /// Texts with which the reference panicked.
    pub panics: usize,
    /// The time that each took.
    pub times: [std::time::Duration; 2],
    ids: Vec<u32>,
}

/// What both say of a file.
pub enum Loaded {
    /// Both read it.
    Both(Box<Pair>),
    /// Neither reads it, and this is why we do not.
    Neither(String),
    /// The reference reads it, and this is why we do not.
    Reference(String),
}

impl Pair {
    /// Reads a file with both. Panics if only ours reads it.
    pub fn load(json: &str) -> Loaded {
        let reference = catch_unwind(|| tokenizers::Tokenizer::from_str(json).ok()).unwrap_or(None);
        match (reference, Tokenizer::from_json(json.as_bytes())) {
            (Some(mut reference), Ok(ours)) => {
                // The ids of one text, without padding.
                reference.with_padding(None);
                Loaded::Both(Box::new(Pair {
                    reference,
                    truncated: None,
                    memos: MEMOS.map(|memo| ours.memo(memo)),
                    workspace: Workspace::default(),
                    ours,
                    texts: 0,
                    panics: 0,
                    times: Default::default(),
                    ids: Vec::new(),
                }))
            }
            (None, Err(error)) => Loaded::Neither(error.rule.clone()),
            (Some(_), Err(error)) => Loaded::Reference(error.rule.clone()),
            (None, Ok(_)) => panic!("only tokenbed-text reads {json}"),
        }
    }

    /// Whether texts are cut into chunks.
    pub fn has_memo(&self) -> bool {
        self.memos.iter().any(Option::is_some)
    }

    /// Whether two tokens have the same id: which one the reference then takes as its token changes from run to run.
    pub fn has_shared_ids(&self) -> bool {
        let vocabulary = self.reference.get_vocab(true);
        let ids: std::collections::BTreeSet<u32> = vocabulary.values().copied().collect();
        ids.len() < vocabulary.len()
    }

    /// Compares the ids of a text.
    pub fn encode(&mut self, text: &str, special: bool) -> Result<(), String> {
        self.encode_as(
            text,
            Options {
                special,
                ..Options::default()
            },
        )
    }

    /// Compares the first `most` ids of a text, or all of them, whatever truncation the file has. With `drop_unknown`,
    /// those among them that are not the unknown token.
    pub fn encode_first(
        &mut self,
        text: &str,
        most: Option<usize>,
        drop_unknown: bool,
    ) -> Result<(), String> {
        let params = most.map(|max_length| tokenizers::TruncationParams {
            max_length,
            ..Default::default()
        });
        let options = Options {
            special: false,
            most: most.or(Some(usize::MAX)),
            drop_unknown,
        };
        let mut reference = self.truncated.take().unwrap_or_else(|| self.reference.clone());
        let result = match reference.with_truncation(params) {
            Ok(_) => {
                std::mem::swap(&mut self.reference, &mut reference);
                let result = self.encode_as(text, options);
                std::mem::swap(&mut self.reference, &mut reference);
                result
            }
            Err(_) => Ok(()), // The post-processor alone adds more ids.
        };
        self.truncated = Some(reference);
        result
    }

    fn encode_as(&mut self, text: &str, options: Options) -> Result<(), String> {
        let special = options.special;
        let start = std::time::Instant::now();
        let expected = catch_unwind(AssertUnwindSafe(|| self.reference.encode_fast(text, special)));
        self.times[0] += start.elapsed();
        let start = std::time::Instant::now();
        self.texts += 1;
        let expected = match &expected {
            Ok(Ok(encoding)) => {
                let dropped = self.ours.unknown().filter(|_| options.drop_unknown);
                let ids = encoding.get_ids().iter().copied();
                Some(ids.filter(|&id| Some(id) != dropped).collect::<Vec<_>>())
            }
            Ok(Err(_)) => None,
            // It panics where added tokens take the same white space. Ours must not.
            Err(_) => {
                self.panics += 1;
                for memo in &mut self.memos {
                    self.ids.clear();
                    let chunks = &mut Chunks::own(memo.as_mut());
                    let _ = self
                        .ours
                        .encode(chunks, &mut self.workspace, text, options, &mut self.ids);
                }
                return Ok(());
            }
        };
        let result = self.compare(text, options, expected.as_deref());
        self.times[1] += start.elapsed();
        result
    }

    fn compare(&mut self, text: &str, options: Options, expected: Option<&[u32]>) -> Result<(), String> {
        // As if other threads used the memo, too.
        let shared = self.texts.is_multiple_of(3);
        for (bytes, memo) in MEMOS.iter().zip(&mut self.memos) {
            self.ids.clear();
            let mut chunks = match memo.as_ref().filter(|_| shared) {
                Some(memo) => Chunks::Shared(memo),
                None => Chunks::own(memo.as_mut()),
            };
            let workspace = &mut self.workspace;
            let found = self
                .ours
                .encode(&mut chunks, workspace, text, options, &mut self.ids);
            if let Some(memo) = memo {
                memo.learn(workspace);
            }
            let found = found.ok().map(|()| &*self.ids);
            if found != expected {
                return Err(format!(
                    "memo {bytes}, shared {shared}, {options:?}: {}\n  expected {}\n  found    {}",
                    shown(text),
                    short(expected),
                    short(found)
                ));
            }
        }
        Ok(())
    }

    /// Compares the text of ids, all of which tokens have, as a whole and in parts.
    pub fn decode(&self, ids: &[u32], skip: bool) -> Result<(), String> {
        let expected = catch_unwind(AssertUnwindSafe(|| self.reference.decode(ids, skip).ok()));
        let Ok(Some(expected)) = expected else {
            return Ok(());
        };
        let found = self.ours.decode(ids, skip);
        if found.as_ref() != Ok(&expected) {
            return Err(format!(
                "decode {ids:?}, skip {skip}\n  expected {expected:?}\n  found    {found:?}"
            ));
        }
        for step in 1..4 {
            let (mut text, mut start, mut begins) = (String::new(), 0, true);
            for end in (0..ids.len()).step_by(step).chain([ids.len()]) {
                let part = self
                    .ours
                    .decode_part(&ids[start..end], skip, begins, end == ids.len());
                let Ok(part) = part else {
                    return Err("an id is unknown".to_string());
                };
                text.push_str(&part.text);
                (start, begins) = (start + part.taken, part.begins);
            }
            if text != expected {
                return Err(format!("decode {ids:?}, skip {skip}, {step} by {step}\n  expected {expected:?}\n  found    {text:?}"));
            }
        }
        Ok(())
    }

    /// Compares the facts of the vocabulary, and returns the ids that tokens have, up to `most`.
    pub fn vocabulary(&self, most: u32) -> Result<Vec<u32>, String> {
        let ours = &self.ours;
        let mut ids = Vec::new();
        for id in 0..most {
            let (expected, found) = (self.reference.id_to_token(id), ours.id_to_token(id));
            if expected.as_deref() != found {
                return Err(format!(
                    "the token of {id}: expected {expected:?}, found {found:?}"
                ));
            }
            if expected.is_some() {
                ids.push(id);
            }
        }
        let vocabulary = self.reference.get_vocab(true);
        for token in vocabulary.keys() {
            let (expected, found) = (self.reference.token_to_id(token), ours.token_to_id(token));
            if expected != found {
                return Err(format!(
                    "the id of {token:?}: expected {expected:?}, found {found:?}"
                ));
            }
        }
        let bound = vocabulary.values().max().map_or(0, |&id| id as u64 + 1);
        if bound != ours.bound() {
            return Err(format!("the bound: expected {bound}, found {}", ours.bound()));
        }
        let mut lengths: Vec<usize> = vocabulary.keys().map(|token| token.chars().count()).collect();
        lengths.sort_unstable();
        let median = match lengths.len() {
            0 => 0,
            count => (lengths[(count - 1) / 2] + lengths[count / 2]) / 2,
        };
        match median == ours.median_token_length() as usize {
            true => Ok(ids),
            false => Err(format!(
                "the median: expected {median}, found {}",
                ours.median_token_length()
            )),
        }
    }
}

/// What we refuse although the reference reads it, in files of [`crate::files`]: parts of the rules.
const REFUSED: [&str; 4] = [
    "which is empty when it is normalized",
    "added_tokens has two tokens that are",
    "but the post-processor alone adds",
    "but must be below max_length without the special tokens",
];

/// Prints the panics of this process, but not those of the reference and its dependencies, which are caught.
pub fn silence_reference() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let ours = |location: &std::panic::Location| !location.file().contains("registry");
        if panic.location().is_none_or(ours) {
            hook(panic);
        }
    }));
}

/// Panics if `rule` is not one of those for which we refuse files that the reference reads.
pub fn expect_refusal(rule: &str, json: &str) {
    assert!(
        REFUSED.iter().any(|part| rule.contains(part)),
        "refused: {rule}\n{json}"
    );
}

fn shown(text: &str) -> String {
    let start: String = text.chars().take(200).collect();
    format!("{start:?} ({} bytes)", text.len())
}

fn short(ids: Option<&[u32]>) -> String {
    match ids {
        None => "an error".to_string(),
        Some(ids) => format!(
            "{:?}{}",
            &ids[..ids.len().min(60)],
            if ids.len() > 60 { "..." } else { "" }
        ),
    }
}
