/**
 * A reference implementation of BPE: count all pairs, merge one, repeat. Slow, but obviously correct.
 */

export type Token = string | number;
type Pair<T> = readonly [T, T];

/** Counts all adjacent pairs, overlapping ones too. The Map keeps the order of first occurrence. */
function mostFrequent<T extends Token>(pieces: readonly (readonly T[])[]): Pair<T> | undefined {
  const counts = new Map<string, { pair: Pair<T>; count: number }>();
  for (const piece of pieces) {
    for (let at = 0; at + 1 < piece.length; at++) {
      const pair = [piece[at]!, piece[at + 1]!] as const;
      const key = JSON.stringify(pair);
      const entry = counts.get(key) ?? { pair, count: 0 };
      entry.count++;
      counts.set(key, entry);
    }
  }
  let best: { pair: Pair<T>; count: number } | undefined;
  for (const entry of counts.values()) {
    if (entry.count > (best?.count ?? 1)) best = entry;
  }
  return best?.pair;
}

/** Replaces a pair by a symbol, from the left. */
export function replaced<T extends Token>(piece: readonly T[], [left, right]: Pair<T>, symbol: T): T[] {
  const out: T[] = [];
  for (let at = 0; at < piece.length; at++) {
    if (piece[at] === left && piece[at + 1] === right) {
      out.push(symbol);
      at++;
    } else {
      out.push(piece[at]!);
    }
  }
  return out;
}

/** The merges learned from a corpus of bytes. */
export function trainBytes(texts: readonly string[], target: number): [number, number][] {
  let pieces = texts.map(bytesOf);
  const merges: [number, number][] = [];
  while (260 + merges.length < target) {
    const pair = mostFrequent(pieces);
    if (pair === undefined) break;
    pieces = pieces.map((piece) => replaced(piece, pair, 260 + merges.length));
    merges.push([...pair]);
  }
  return merges;
}

export function encodeBytes(text: string, merges: readonly Pair<number>[]): number[] {
  return merges.reduce((piece, pair, rank) => replaced(piece, pair, 260 + rank), bytesOf(text));
}

function bytesOf(text: string): number[] {
  return Array.from(new TextEncoder().encode(text), (byte) => 4 + byte);
}

/** The merges and the vocabulary learned from lowercased words. The texts must not contain `</w>`. */
export function trainWords(texts: readonly string[], target: number) {
  let pieces = texts.flatMap(wordsOf);
  const alphabet = [...new Set(pieces.flat())].sort((a, b) => (a < b ? -1 : 1));
  const vocab = new Map(['<PAD>', '<UNK>', '<BOS>', '<EOS>', ...alphabet].map((symbol, id) => [symbol, id]));
  const merges: [string, string][] = [];
  while (vocab.size < target) {
    const pair = mostFrequent(pieces);
    if (pair === undefined) break;
    const symbol = pair[0] + pair[1];
    if (!vocab.has(symbol)) vocab.set(symbol, vocab.size);
    pieces = pieces.map((piece) => replaced(piece, pair, symbol));
    merges.push([...pair]);
  }
  return { merges, vocab };
}

export function encodeWords(
  text: string,
  { merges, vocab }: { merges: readonly Pair<string>[]; vocab: ReadonlyMap<string, number> },
): number[] {
  return wordsOf(text).flatMap((word) =>
    merges
      .reduce<string[]>((piece, pair) => replaced(piece, pair, pair[0] + pair[1]), word)
      .map((symbol) => vocab.get(symbol) ?? 1),
  );
}

function wordsOf(text: string): string[][] {
  return text
    .toLowerCase()
    .split(/[ \n]+/)
    .filter((word) => word !== '')
    .map((word) => [...word, '</w>']);
}
