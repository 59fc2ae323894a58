/** What the two modes of `BPETokenizer` have in common: a trained vocabulary that encodes and decodes. */

/** How far training has come: `done` of at most `total` merges; it may end early, when no pair is left. */
export interface TrainingProgress {
  /** Merges made. */
  readonly done: number;
  /** Merges wanted. */
  readonly total: number;
}

/** Called while a tokenizer is trained, after each merge. */
export type OnProgress = (progress: TrainingProgress) => void;

/** A vocabulary, learned or read: what encodes and decodes. */
export interface Model<Part> {
  /** The pairs, in the order they were learned; frozen. */
  readonly merges: readonly (readonly [Part, Part])[];
  /** The entries that have a spelling of their own. */
  readonly vocab: ReadonlyMap<string, number>;
  /** How many ids there are. */
  readonly vocabSize: number;
  /** Appends the ids of a text. */
  encode(text: string, ids: number[]): void;
  /** The text of ids that have been checked. */
  decode(ids: readonly number[], skipSpecialTokens: boolean): string;
}
