//! The exports for tokenizers of models.

use crate::arrays::{self, Bytes, IdsOut};
use crate::error::export;
use crate::Instance;
use napi::bindgen_prelude::Uint8Array;
use napi::Env;
use napi_derive::napi;
use tokenbed_binding::text::Texts;
use tokenbed_binding::Failure;

/// Runs `work` on the tokenizers of this environment.
fn with<T>(env: &Env, work: impl FnOnce(&mut Texts) -> Result<T, Failure>) -> napi::Result<T> {
    export(env, || {
        arrays::with_instance_data(env, |owner: &mut Instance| work(&mut owner.texts))
    })
}

/// The number of threads that a call of this environment may use.
fn threads(env: &Env) -> napi::Result<usize> {
    crate::with(env, |env| Ok(env.threads()))
}

/// Reads a tokenizer.json. The answer is JSON text with its handle and its facts, or the error.
#[napi(ts_args_type = "json: Uint8Array, memo: number")]
pub fn text_create(env: Env, json: Bytes, memo: f64) -> napi::Result<String> {
    let threads = threads(&env)?;
    let (answer, bytes) = with(&env, |texts| {
        let before = texts.bytes();
        let answer = texts.create(json.slice(), memo, threads)?;
        Ok((answer, texts.bytes() - before))
    })?;
    arrays::report_bytes(&env, bytes as i64)?;
    Ok(answer)
}

/// Prepares a tokenizer for `text_encode` with other options.
#[napi]
pub fn text_prepare(env: Env, tokenizer: f64, most: f64, drop_unknown: bool) -> napi::Result<f64> {
    with(&env, |texts| texts.prepare(tokenizer, most, drop_unknown))
}

/// Removes a tokenizer or a view. Idempotent.
#[napi]
pub fn text_free(env: Env, tokenizer: f64) -> napi::Result<()> {
    let bytes = with(&env, |texts| Ok(texts.free(tokenizer)))?;
    arrays::report_bytes(&env, -(bytes as i64))
}

/// Computes the ids of texts.
#[allow(clippy::too_many_arguments, reason = "one call per batch of texts")]
#[napi(
    ts_args_type = "tokenizer: number, bytes: Uint8Array, ends: Uint32Array, count: number, special: boolean, ids: Uint32Array, at: number"
)]
pub fn text_encode(
    env: Env,
    tokenizer: f64,
    bytes: Bytes,
    mut ends: IdsOut,
    count: u32,
    special: bool,
    mut ids: IdsOut,
    at: u32,
) -> napi::Result<f64> {
    with(&env, |texts| {
        let (at, len) = (at as usize, ids.slice().len());
        let room = len.checked_sub(at).ok_or(Failure::Short("ids", len, at))?;
        let texts_end = &ends.slice()[..count as usize];
        let status = texts.encode(tokenizer, bytes.slice(), texts_end, special, at, room)?;
        let found = texts.ids();
        ids.slice_mut()[at..at + found.len()].copy_from_slice(found);
        let found = texts.ends();
        ends.slice_mut()[..found.len()].copy_from_slice(found);
        texts.shrink();
        Ok(status)
    })
}

/// Computes the text of ids that arrive in parts.
#[napi(
    ts_args_type = "tokenizer: number, ids: Uint32Array, skipSpecial: boolean, begins: boolean, ends: boolean"
)]
pub fn text_decode(
    env: Env,
    tokenizer: f64,
    ids: IdsOut,
    skip_special: bool,
    begins: bool,
    ends: bool,
) -> napi::Result<f64> {
    with(&env, |texts| {
        texts.decode(tokenizer, ids.slice(), skip_special, begins, ends)
    })
}

/// The id of a token, or -1.
#[napi(ts_args_type = "tokenizer: number, token: Uint8Array")]
pub fn text_token_to_id(env: Env, tokenizer: f64, token: Bytes) -> napi::Result<f64> {
    with(&env, |texts| texts.token_to_id(tokenizer, token.slice()))
}

/// Finds the token of an id. Returns whether there is one.
#[napi]
pub fn text_id_to_token(env: Env, tokenizer: f64, id: f64) -> napi::Result<bool> {
    with(&env, |texts| texts.id_to_token(tokenizer, id))
}

/// The text or token that the last call has found, in UTF-8.
#[napi]
pub fn text_found(env: Env) -> napi::Result<Uint8Array> {
    with(&env, |texts| {
        let found = Uint8Array::from(texts.text().as_bytes());
        texts.shrink();
        Ok(found)
    })
}

/// The number of tokenizers and views.
#[cfg(feature = "faults")]
pub(crate) fn objects(env: &Env) -> napi::Result<usize> {
    with(env, |texts| Ok(texts.objects()))
}
