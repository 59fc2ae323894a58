/** Text to ids: the vocabulary, and the sentences as rows of it. */

export interface Corpus {
  /** The most frequent first. */
  readonly words: readonly string[];
  readonly counts: Uint32Array;
  /** The ids of the text, without rare words. */
  readonly ids: Uint32Array;
  /** Sentence s is `ids[offsets[s]]` to `ids[offsets[s + 1] - 1]`. */
  readonly offsets: Uint32Array;
}

/** A longer sentence becomes several. */
export const LONGEST = 200;

/** A word, or the end of a sentence or paragraph. */
const PIECE = /[\p{L}\p{M}](?:['’]?[\p{L}\p{M}\p{N}])*|[.!?](?=\s)|\n\s*\n/gu;

/** Words that occur `minCount` times or more are the vocabulary; others are left out of their sentences. */
export function readCorpus(text: string, minCount: number): Corpus {
  const found = new Map<string, number>();
  const pieces = function* () {
    for (const [piece] of text.matchAll(PIECE))
      yield /[\p{L}\p{M}]/u.test(piece) ? piece.toLowerCase() : null;
  };
  for (const word of pieces()) if (word !== null) found.set(word, (found.get(word) ?? 0) + 1);
  // The sort is stable: words of one frequency stay in the order of the text.
  const frequent = [...found].filter(([, count]) => count >= minCount).sort(([, a], [, b]) => b - a);
  const words = frequent.map(([word]) => word);
  const idOf = new Map(words.map((word, id) => [word, id]));

  const ids: number[] = [];
  const offsets = [0];
  const end = () => {
    if (ids.length > offsets.at(-1)!) offsets.push(ids.length);
  };
  for (const word of pieces()) {
    const id = word === null ? undefined : idOf.get(word);
    if (id !== undefined) ids.push(id);
    if (word === null || ids.length === offsets.at(-1)! + LONGEST) end();
  }
  end();
  return {
    words,
    counts: Uint32Array.from(frequent, ([, count]) => count),
    ids: Uint32Array.from(ids),
    offsets: Uint32Array.from(offsets),
  };
}
