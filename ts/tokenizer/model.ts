/** The interface of the two modes of `BPETokenizer`. */

/** Progress of training. Training may end before `total` merges, when no pair is left. */
export interface TrainingProgress {
  /** Merges so far. */
  readonly done: number;
  /** The maximum number of merges. */
  readonly total: number;
}

/** Called after each merge while a tokenizer is trained. */
export type OnProgress = (progress: TrainingProgress) => void;

/** A vocabulary with its merges. */
export interface Model<Part> {
  /** The merged pairs in the order they were learned, frozen. */
  readonly merges: readonly (readonly [Part, Part])[];
  /** Maps spellings to ids; in mode `bytes` only the special tokens. */
  readonly vocab: ReadonlyMap<string, number>;
  /** The number of ids. */
  readonly vocabSize: number;
  /** Appends the ids of `text` to `ids`. */
  encode(text: string, ids: number[]): void;
  /** Returns the text of `ids`, which the caller has checked. */
  decode(ids: readonly number[], skipSpecialTokens: boolean): string;
}
