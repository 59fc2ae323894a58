/**
 * What the page asks of its Worker, and what comes back.
 *
 *   page -> worker   { id, kind, ask }
 *   worker -> page   { id, part }   any number of times, for work that is shown while it runs
 *                    { id, reply }  or  { id, error }, once
 *
 * Arrays in a reply are transferred: whoever receives them owns them.
 */

import type { ProfilerResults } from 'tokenbed';

export type TokenizerName = 'bytes' | 'words' | 'char';

/** Everything that decides a bit of the vectors. */
export interface EmbedSettings {
  readonly text: string;
  readonly tokenizer: TokenizerName;
  /** How many merges to learn from the text; means nothing to `char`. */
  readonly merges: number;
  readonly dim: number;
  readonly seed: number;
  /** Rows times sqrt(D) plus positions, or the rows alone. */
  readonly positions: boolean;
}

/** What became of a text. The ids and vectors stay with the Worker, which is asked for parts of them. */
export interface Embedded {
  readonly characters: number;
  readonly tokens: number;
  readonly vocabSize: number;
  /** Merges that were learned: fewer than wanted when no pair is left twice. */
  readonly merges: number;
  /** Tokens that stand for something the tokenizer does not know. */
  readonly unknown: number;
  /** SHA-256 of the vectors' bytes; null where the page has no `crypto.subtle` (plain http). */
  readonly digest: string | null;
  readonly bytes: number;
  readonly ms: number;
}

/** A stretch of tokens: `count` from `start` on, cut off at the last one. */
export interface Stretch {
  readonly start: number;
  readonly count: number;
}

/** A token as it is shown. */
export interface Piece {
  readonly id: number;
  /** What it stands for: the text itself, a special token's name, or bytes that are no whole character. */
  readonly kind: 'text' | 'special' | 'bytes';
  readonly text: string;
}

/** A stretch of tokens seen closely. */
export interface Lens {
  readonly start: number;
  readonly pieces: readonly Piece[];
  readonly dim: number;
  /** `[count, dim]` */
  readonly vectors: Float32Array<ArrayBuffer>;
  /** `[count, count]`, cosines. */
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
  /** `[dim, count]`: a row is one dimension's wave. */
  readonly values: Float32Array<ArrayBuffer>;
  /** One for each pair of dimensions, radians per position. */
  readonly frequencies: readonly number[];
}

export type Work = 'layer' | 'bag' | 'lookup';
export type Contender = 'tokenbed' | 'js' | 'copy';

export interface GaugeSettings {
  readonly work: Work;
  readonly dim: number;
}

/** All rounds so far. */
export interface Rates {
  /** How many times as long plain JavaScript took, for each round. */
  readonly ratios: readonly number[];
  /** Middle and quartiles of `ratios`. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  /** Medians. */
  readonly secondsPerCall: Readonly<Record<Contender, number>>;
  readonly tokensPerCall: number;
  /** The rows that a call looks up, in bytes. */
  readonly bytesPerCall: number;
  /** Which of the ways to write it in JavaScript was the fastest here. */
  readonly jsWay: string;
}

export interface Chart {
  readonly title: string;
  /** A document of its own. */
  readonly svg: string;
}

export interface ProfileStep {
  /** 0 .. 1 */
  readonly done: number;
  /** What is measured next. */
  readonly label: string;
}

export interface Profile {
  /** The whole report, a document of its own. */
  readonly html: string;
  readonly charts: readonly Chart[];
  readonly results: ProfilerResults;
}

/** Each call: what is asked, what is sent on the way, what comes back. */
export interface Calls {
  start: { ask: null; part: never; reply: { isa: string; version: string } };
  embed: { ask: EmbedSettings; part: never; reply: Embedded };
  pieces: { ask: Stretch; part: never; reply: readonly Piece[] };
  lens: { ask: Stretch; part: never; reply: Lens };
  /** All vectors, as a .npy file. */
  file: { ask: null; part: never; reply: ArrayBuffer };
  encoding: { ask: EncodingSettings; part: never; reply: Encoding };
  measure: { ask: GaugeSettings; part: Rates; reply: Rates };
  profile: { ask: null; part: ProfileStep; reply: Profile };
}

export type Kind = keyof Calls;

export interface Ask<K extends Kind = Kind> {
  readonly id: number;
  readonly kind: K;
  readonly ask: Calls[K]['ask'];
}

export type Answer =
  | { readonly id: number; readonly part: unknown }
  | { readonly id: number; readonly reply: unknown }
  | { readonly id: number; readonly error: { readonly name: string; readonly message: string } };
