/**
 * The entry point `tokenbed/tokenizer`: text to token ids and back. Needs neither a backend nor `init`.
 *
 * @module tokenbed/tokenizer
 */

export { BPETokenizer } from './bpe.js';
export type { BPEMode, BPETokenizerJSON, BPETokenizerOptions, MergePart, TrainOptions } from './bpe.js';
export { CharTokenizer } from './char.js';
export type { CharTokenizerJSON, CharTokenizerOptions } from './char.js';
export type { OnProgress, TrainingProgress } from './model.js';
export type { IntegerArray, TensorLike, TokenIds } from './token-ids.js';
export type { DecodeOptions, EncodeOptions, Tokenizer } from './tokenizer.js';
export type { ErrorCode, TokenbedError } from '../errors.js';
