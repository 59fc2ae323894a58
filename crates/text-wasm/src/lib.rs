//! Tokenizers of models as WebAssembly: the exports of crates/node/src/text.rs, and SHA-256 for files that are loaded.
//!
//! `ts/backend/contract.ts` documents the exports; a check compares its types with those generated from this file. The
//! module has a memory of its own, which grows with the tokenizers and with the longest text.

use std::cell::RefCell;
use tokenbed_binding::handles::Slots;
use tokenbed_binding::hash::{self, Sha256};
use tokenbed_binding::owned::Owned;
use tokenbed_binding::text::Texts;
use tokenbed_binding::Failure;
use wasm_bindgen::prelude::*;

#[global_allocator]
static HEAP: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// The objects of an instance, and copies of arrays of JavaScript.
#[derive(Default)]
struct Instance {
    texts: Texts,
    hashes: Slots<Sha256>,
    bytes: Vec<u8>,
    words: Vec<u32>,
}

static INSTANCE: Owned<Instance> = Owned::empty();

/// Copies of longer arrays are freed at the end of the call.
const KEPT: usize = 1 << 20;

#[wasm_bindgen(module = "/src/border.js")]
extern "C" {
    fn attach(memory: &JsValue);
    #[wasm_bindgen(js_name = loadBytes)]
    fn load_bytes(to: *mut u8, array: &JsValue, length: u32);
    #[wasm_bindgen(js_name = loadWords)]
    fn load_words(to: *mut u32, array: &JsValue, length: u32);
    #[wasm_bindgen(js_name = storeWords)]
    fn store_words(from: *const u32, array: &JsValue, at: u32, length: u32);
    #[wasm_bindgen(js_name = lengthOf)]
    fn length_of(array: &JsValue) -> u32;
}

impl Instance {
    /// Copies the first `length` elements of a Uint8Array to `bytes`.
    fn load_bytes(&mut self, array: &JsValue, length: u32) {
        self.bytes.clear();
        self.bytes.resize(length as usize, 0);
        load_bytes(self.bytes.as_mut_ptr(), array, length);
    }

    /// Copies the first `length` elements of a Uint32Array to `words`.
    fn load_words(&mut self, array: &JsValue, length: u32) {
        self.words.clear();
        self.words.resize(length as usize, 0);
        load_words(self.words.as_mut_ptr(), array, length);
    }

    /// Frees the memory of long copies.
    fn shrink(&mut self) {
        self.texts.shrink();
        if self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
        if self.words.capacity() > KEPT {
            self.words = Vec::new();
        }
    }
}

/// Runs `work` on the objects of this instance and throws a failure.
fn with<T>(work: impl FnOnce(&mut Instance) -> Result<T, Failure>) -> T {
    let result = INSTANCE.lend(work);
    result.unwrap_or_else(|failure| throw(failure))
}

#[cold]
#[inline(never)]
fn throw(failure: Failure) -> ! {
    wasm_bindgen::throw_val(JsError::from(failure).into())
}

/// Initializes the instance: attaches its memory to the copies of arrays, and stores the message of a panic.
#[wasm_bindgen(start)]
pub fn start() {
    attach(&wasm_bindgen::memory());
    std::panic::set_hook(Box::new(|panic| {
        PANIC.set(panic.payload_as_str().unwrap_or("panic").to_owned())
    }));
}

/// The message of the last panic; empty if there was none.
#[wasm_bindgen(js_name = lastPanic)]
pub fn last_panic() -> String {
    PANIC.take()
}

/// Reads a tokenizer.json. The answer is JSON text with its handle and its facts, or the error.
#[wasm_bindgen(js_name = textCreate)]
pub fn text_create(json: &[u8], memo: f64) -> String {
    with(|instance| instance.texts.create(json, memo, 1))
}

/// Prepares a tokenizer for `textEncode` with other options.
#[wasm_bindgen(js_name = textPrepare)]
pub fn text_prepare(
    tokenizer: f64,
    most: f64,
    #[wasm_bindgen(js_name = dropUnknown)] drop_unknown: bool,
) -> f64 {
    with(|instance| instance.texts.prepare(tokenizer, most, drop_unknown))
}

/// Removes a tokenizer or a view. Idempotent.
#[wasm_bindgen(js_name = textFree)]
pub fn text_free(tokenizer: f64) {
    with(|instance| {
        instance.texts.free(tokenizer);
        Ok(())
    })
}

/// Computes the ids of texts.
#[wasm_bindgen(js_name = textEncode)]
pub fn text_encode(
    tokenizer: f64,
    #[wasm_bindgen(unchecked_param_type = "Uint8Array")] bytes: &JsValue,
    #[wasm_bindgen(unchecked_param_type = "Uint32Array")] ends: &JsValue,
    count: u32,
    special: bool,
    #[wasm_bindgen(unchecked_param_type = "Uint32Array")] ids: &JsValue,
    at: u32,
) -> f64 {
    with(|instance| {
        instance.load_words(ends, count);
        instance.load_bytes(bytes, instance.words.last().map_or(0, |end| *end));
        let len = length_of(ids);
        let room = len
            .checked_sub(at)
            .ok_or(Failure::Short("ids", len as usize, at as usize))?;
        let Instance {
            texts, bytes, words, ..
        } = instance;
        let status = texts.encode(tokenizer, bytes, words, special, at as usize, room as usize)?;
        store_words(texts.ids().as_ptr(), ids, at, texts.ids().len() as u32);
        store_words(texts.ends().as_ptr(), ends, 0, texts.ends().len() as u32);
        instance.shrink();
        Ok(status)
    })
}

/// Computes the text of ids that arrive in parts.
#[wasm_bindgen(js_name = textDecode)]
pub fn text_decode(
    tokenizer: f64,
    #[wasm_bindgen(unchecked_param_type = "Uint32Array")] ids: &JsValue,
    #[wasm_bindgen(js_name = skipSpecial)] skip_special: bool,
    begins: bool,
    ends: bool,
) -> f64 {
    with(|instance| {
        instance.load_words(ids, length_of(ids));
        let Instance { texts, words, .. } = instance;
        texts.decode(tokenizer, words, skip_special, begins, ends)
    })
}

/// The id of a token, or -1.
#[wasm_bindgen(js_name = textTokenToId)]
pub fn text_token_to_id(tokenizer: f64, token: &[u8]) -> f64 {
    with(|instance| instance.texts.token_to_id(tokenizer, token))
}

/// Finds the token of an id. Returns whether there is one.
#[wasm_bindgen(js_name = textIdToToken)]
pub fn text_id_to_token(tokenizer: f64, id: f64) -> bool {
    with(|instance| instance.texts.id_to_token(tokenizer, id))
}

/// The text or token that the last call has found, in UTF-8.
#[wasm_bindgen(js_name = textFound)]
pub fn text_found() -> Vec<u8> {
    with(|instance| {
        let found = instance.texts.text().as_bytes().to_vec();
        instance.shrink();
        Ok(found)
    })
}

/// Starts a SHA-256.
#[wasm_bindgen(js_name = sha256Create)]
pub fn sha256_create() -> f64 {
    with(|instance| instance.hashes.insert(Sha256::default()).ok_or(Failure::Handles))
}

/// Adds bytes to a SHA-256.
#[wasm_bindgen(js_name = sha256Push)]
pub fn sha256_push(hash: f64, bytes: &[u8]) {
    with(|instance| {
        let hash = instance.hashes.get_mut(hash).ok_or(Failure::Handle(hash))?;
        hash::push(hash, bytes);
        Ok(())
    })
}

/// The SHA-256 of all bytes, as 64 hexadecimal digits.
#[wasm_bindgen(js_name = sha256End)]
pub fn sha256_end(hash: f64) -> String {
    with(|instance| {
        let hash = instance.hashes.get_mut(hash).ok_or(Failure::Handle(hash))?;
        Ok(hash::end(hash))
    })
}

/// Removes a SHA-256. Idempotent.
#[wasm_bindgen]
pub fn free(hash: f64) {
    with(|instance| {
        instance.hashes.remove(hash);
        Ok(())
    })
}

/// Panics, for the test that panics are caught.
#[cfg(feature = "faults")]
#[wasm_bindgen(js_name = __panic)]
pub fn panic_on_purpose() {
    panic!("on purpose")
}

/// The number of handles in use, for the test that they are freed.
#[cfg(feature = "faults")]
#[wasm_bindgen(js_name = __objects)]
pub fn objects() -> f64 {
    with(|instance| Ok((instance.texts.objects() + instance.hashes.len()) as f64))
}
