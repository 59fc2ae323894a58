/**
 * The entry point `tokenbed/text`: tokenizers of models. Text to the ids of the Python package `tokenizers`, from the model's
 * `tokenizer.json`.
 *
 * In Node the addon of `tokenbed` has the functions. With the backend WASM, and in browsers, they are in a module of their
 * own, `tokenbed/text.wasm`, which `tokenbed` alone never loads.
 *
 * @module tokenbed/text
 */

import { named } from '../args/options.js';
import { initTexts, readSource, type WasmSource } from '../backend/text.js';

export { PretrainedTokenizer } from './pretrained-tokenizer.js';
export type {
  EncodedBatch,
  PretrainedTokenizerLoadOptions,
  PretrainedTokenizerOptions,
} from './pretrained-tokenizer.js';
export type { WasmSource } from '../backend/text.js';
export type { ErrorCode, TokenbedError } from '../errors.js';
export type { ResponseCache } from '../files/cache.js';
export type { LoadProgress, OnLoadProgress } from '../files/monitor.js';
export type { BlobLike, ResponseLike, Source, StreamLike, UrlLike } from '../files/source.js';
export type { LoadSignal } from '../files/steps.js';
export type { TokenDecoder } from '../tokenizer/decoding.js';
export type { IntegerArray, TensorLike, TokenIds } from '../tokenizer/token-ids.js';
export type { DecodeOptions, EncodeOptions, Tokenizer } from '../tokenizer/tokenizer.js';

/** Options of {@link init}. */
export interface TextInitOptions {
  /** The module; by default `text.wasm` of this package, fetched or read. Unused where the addon is. */
  readonly wasm?: WasmSource | Promise<WasmSource> | undefined;
}

/**
 * Loads the functions of tokenizers. Required before `PretrainedTokenizer.fromJSON` in a browser; elsewhere, and before
 * `PretrainedTokenizer.load`, it is not needed.
 *
 * Concurrent calls share one load; a failed load may be retried. Errors: `ERR_INVALID_OPTION`, `ERR_BACKEND_UNAVAILABLE`
 * with `cause`.
 */
export async function init(options?: TextInitOptions): Promise<void> {
  await initTexts(readSource(named(options, ['wasm'])));
}
