/**
 * The messages between the page and its Worker.
 *
 *   page -> worker   { id, kind, input }
 *   worker -> page   { id, part }   any number of times, for partial results
 *                    { id, reply }  or  { id, error }, once
 *
 * Arrays in a reply are transferred: the receiver owns them.
 */

import type { ProfilerResults, StorageDType } from 'tokenbed';

export type TokenizerName = 'bytes' | 'words' | 'char';

/** All settings that affect the vectors. */
export interface EmbedSettings {
  readonly text: string;
  readonly tokenizer: TokenizerName;
  /** The number of merges to learn from the text; ignored by `char`. */
  readonly merges: number;
  readonly dim: number;
  readonly seed: number;
  /** Whether to scale rows by sqrt(D) and add positions. */
  readonly positions: boolean;
  /** The storage of the table. */
  readonly dtype: StorageDType;
}

/** A summary of an embedded text. Ids and vectors stay in the Worker; the page requests parts of them. */
export interface Embedded {
  readonly characters: number;
  readonly tokens: number;
  readonly vocabSize: number;
  /** The number of merges learned: fewer than requested if no pair occurs twice. */
  readonly merges: number;
  /** The number of unknown tokens. */
  readonly unknown: number;
  /** SHA-256 of the vectors' bytes; null without `crypto.subtle` (plain http). */
  readonly digest: string | null;
  readonly bytes: number;
  readonly ms: number;
  readonly storage: Storage;
}

/** What the storage of the table costs and what it changes. */
export interface Storage {
  readonly bytesPerRow: number;
  readonly tableBytes: number;
  /** The bytes of the same table in f32. */
  readonly f32Bytes: number;
  /** Of |value - f32 value|, over all vectors of the text. */
  readonly largestDifference: number;
  readonly meanDifference: number;
}

/** A range of tokens: at most `count` from `start` on. */
export interface Stretch {
  readonly start: number;
  readonly count: number;
}

/** A token to display. */
export interface Piece {
  readonly id: number;
  /** Text, the name of a special token, or bytes that are not complete characters. */
  readonly kind: 'text' | 'special' | 'bytes';
  readonly text: string;
}

/** A range of tokens with their vectors and similarities. */
export interface Lens {
  readonly start: number;
  readonly pieces: readonly Piece[];
  readonly dim: number;
  /** `[count, dim]` */
  readonly vectors: Float32Array<ArrayBuffer>;
  /** `[count, dim]`: the vectors minus the vectors of an f32 table. */
  readonly differences: Float32Array<ArrayBuffer>;
  /** `[count, count]`: cosine similarities. */
  readonly similarity: Float32Array<ArrayBuffer>;
}

export interface EncodingSettings {
  readonly first: number;
  readonly count: number;
  readonly dim: number;
  readonly base: number;
  readonly layout: 'interleaved' | 'halves';
}

export interface Encoding {
  /** `[dim, count]`: a row is the wave of one dimension. */
  readonly values: Float32Array<ArrayBuffer>;
  /** One per pair of dimensions, in radians per position. */
  readonly frequencies: readonly number[];
}

export type Work = 'layer' | 'bag' | 'lookup';
export type Contender = 'tokenbed' | 'js' | 'copy';

export interface GaugeSettings {
  readonly work: Work;
  readonly dim: number;
}

/** The measurements so far. */
export interface Rates {
  /** The time of plain JavaScript divided by the time of tokenbed, for each round. */
  readonly ratios: readonly number[];
  /** Median and quartiles of `ratios`. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  /** Medians. */
  readonly secondsPerCall: Readonly<Record<Contender, number>>;
  readonly tokensPerCall: number;
  /** The bytes of the rows that a call looks up. */
  readonly bytesPerCall: number;
  /** The fastest JavaScript variant on this machine. */
  readonly jsWay: string;
}

export interface Chart {
  readonly title: string;
  /** A standalone SVG document. */
  readonly svg: string;
}

export interface ProfileStep {
  /** 0 .. 1 */
  readonly done: number;
  /** The next measurement. */
  readonly label: string;
}

export interface Profile {
  /** The complete report: a standalone HTML document. */
  readonly html: string;
  readonly charts: readonly Chart[];
  readonly results: ProfilerResults;
}

/** What the header of a file says. */
export interface FileSummary {
  readonly format: string;
  readonly tensors: readonly TensorSummary[];
}

export interface TensorSummary {
  readonly name: string;
  /** As the file names it. */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: number;
  /** The option `tensor` that loads it, or null if it is not a table. */
  readonly table: string | null;
}

export interface LoadSettings {
  readonly file: File;
  /** Default: the library chooses. */
  readonly tensor: string | undefined;
}

export interface LoadStep {
  readonly loaded: number;
  readonly total: number | null;
}

/** A summary of a loaded table. Its rows stay in the Worker. */
export interface LoadedTable {
  readonly rows: number;
  readonly dim: number;
  readonly dtype: string;
  readonly bytes: number;
  readonly bytesPerRow: number;
  /** The first words, if rows have words. */
  readonly words: readonly string[] | null;
}

export interface Query {
  /** `king - man + woman queen`: two vectors. */
  readonly text: string;
  readonly by: 'word' | 'row';
  readonly metric: 'cosine' | 'dot';
}

/** The vectors of a query, and the rows nearest to each. */
export interface Found {
  readonly names: readonly string[];
  readonly dim: number;
  /** `[names, dim]` */
  readonly vectors: Float32Array<ArrayBuffer>;
  readonly nearest: readonly (readonly Neighbor[])[];
  readonly ms: number;
}

export interface Neighbor {
  readonly row: number;
  readonly name: string;
  readonly score: number;
}

/** A summary of the model of the tab "Search". */
export interface LoadedModel {
  readonly rows: number;
  readonly dim: number;
  readonly dtype: string;
  /** The bytes of its table in memory. */
  readonly bytes: number;
}

export interface IndexStep {
  /** Passages whose vectors are computed. */
  readonly done: number;
  readonly total: number;
}

/** A summary of the passages of a text. Their vectors stay in the Worker. */
export interface Indexed {
  readonly passages: number;
  /** Whether the text has more passages than are kept. */
  readonly isCut: boolean;
  /** The time of computing the vectors. */
  readonly ms: number;
}

/** The passages nearest to a query. */
export interface Nearest {
  /** Descending by score. Empty if the model knows no word of the query. */
  readonly hits: readonly Hit[];
  /** The time from the query's text to the hits. */
  readonly ms: number;
}

/** `text` is a passage: the part of the indexed text from `start` to `end`. */
export interface Hit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** The cosine similarity of passage and query. */
  readonly score: number;
  /** The words of the passage that add the most to the score. */
  readonly marks: readonly Mark[];
}

/** A part of a hit's `text`. */
export interface Mark {
  readonly start: number;
  readonly end: number;
}

/** A run of training, new or kept by the browser. Its tables stay in the Worker. */
export interface Run {
  readonly text: string;
  /** The words of the text that are used, and how many of them are different. */
  readonly words: number;
  readonly different: number;
  readonly state: TrainState;
  readonly losses: readonly LossPoint[];
}

export interface TrainState {
  /** 0 .. 1 */
  readonly progress: number;
  /** Some words of the text, and the words nearest to each. */
  readonly near: readonly WordsNear[];
  /** Whether the browser has this run for the next visit; otherwise the reason. */
  readonly kept: boolean | string;
}

export interface LossPoint {
  readonly progress: number;
  /** The mean loss of a pair since the point before. */
  readonly loss: number;
}

export interface WordsNear {
  readonly word: string;
  /** The nearest first. Empty if the text does not have the word often enough. */
  readonly near: readonly { readonly word: string; readonly score: number }[];
}

export interface TrainStep extends TrainState {
  readonly point: LossPoint;
  readonly pairsPerSecond: number;
}

/** The input, partial results and reply of each call. */
export interface Calls {
  start: { input: null; part: never; reply: { isa: string; version: string } };
  embed: { input: EmbedSettings; part: never; reply: Embedded };
  pieces: { input: Stretch; part: never; reply: readonly Piece[] };
  lens: { input: Stretch; part: never; reply: Lens };
  /** All vectors, as a .npy file. */
  file: { input: null; part: never; reply: ArrayBuffer };
  /** Opens a tokenizer.json, which takes the place of the one before. */
  openModel: { input: Blob; part: never; reply: null };
  modelTokens: { input: { readonly text: string; readonly count: number }; part: never; reply: ModelTokens };
  encoding: { input: EncodingSettings; part: never; reply: Encoding };
  measure: { input: GaugeSettings; part: Rates; reply: Rates };
  profile: { input: null; part: ProfileStep; reply: Profile };
  inspect: { input: File; part: never; reply: FileSummary };
  load: { input: LoadSettings; part: LoadStep; reply: LoadedTable };
  find: { input: Query; part: never; reply: Found };
  /** `input` is the name of a CacheStorage that keeps the model, or null. */
  loadModel: { input: string | null; part: LoadStep; reply: LoadedModel };
  indexText: { input: string; part: IndexStep; reply: Indexed };
  search: { input: string; part: never; reply: Nearest };
  /** Measures how many passages become vectors in a second. */
  textsPerSecond: { input: null; part: never; reply: number };
  /** The run that the browser keeps, if it has one. */
  keptRun: { input: null; part: never; reply: Run | null };
  /** Begins a run with a text. */
  newRun: { input: string; part: never; reply: Run };
  /** Trains until the end of the run or `stopTraining`. */
  train: { input: null; part: TrainStep; reply: TrainState };
  stopTraining: { input: null; part: never; reply: null };
  wordsNear: { input: string; part: never; reply: WordsNear };
  /** Removes the run that the browser keeps. */
  forgetRun: { input: null; part: never; reply: null };
}

/** The tokens of a text by the tokenizer of a model: all of them counted, the first of them to display. */
export interface ModelTokens {
  readonly tokens: number;
  readonly pieces: readonly Piece[];
  readonly vocabSize: number;
  readonly unknown: number;
}

export type Kind = keyof Calls;

export interface Call<K extends Kind = Kind> {
  readonly id: number;
  readonly kind: K;
  readonly input: Calls[K]['input'];
}

export type Answer =
  | { readonly id: number; readonly part: unknown }
  | { readonly id: number; readonly reply: unknown }
  | { readonly id: number; readonly error: { readonly name: string; readonly message: string } };
