/**
 * The entry point `tokenbed/tokenizer`: text to token ids and back. Needs neither a backend nor `init`.
 *
 * @module tokenbed/tokenizer
 */

export { BPETokenizer } from './bpe.js';
export type { BPEMode, BPETokenizerJSON, BPETokenizerOptions, MergePart, TrainOptions } from './bpe.js';
export { CharTokenizer } from './char.js';
export type { CharTokenizerJSON, CharTokenizerOptions } from './char.js';
export type { TokenDecoder } from './decoding.js';
export type { IntegerArray, TensorLike, TokenIds } from './token-ids.js';
export type { DecodeOptions, EncodeOptions, OnProgress, Tokenizer, TrainingProgress } from './tokenizer.js';
export type { ErrorCode, TokenbedError } from '../errors.js';
