/**
 * The pair queue of BPE training: finds the most frequent adjacent pair of symbols, and merges it at a cost
 * proportional to its occurrences.
 *
 *     while vocabSize < target:  (a, b) = queue.next();  queue.merge(z)        // every a b becomes z
 *
 * The corpus is one long array of symbols, divided into pieces (texts, or words with a weight). No pair crosses a
 * boundary. A place is an index into that array. Live places form a doubly linked list. A merged symbol keeps the
 * place of its left part, and the place of a pair is that of its left symbol, so places are always in reading order.
 *
 * Each pair that occurs at least twice has a slot: its count, and a run of `#places` with the places of its
 * occurrences in order. Places are removed from a run lazily: an occurrence is live while `#slotAt` of its place
 * is the slot. Nothing is ever added to a run, because a new pair needs a new symbol, and the runs of a symbol's
 * pairs are laid out when the symbol is created. Counts therefore only decrease and first places only increase, so
 * a heap that re-checks a key when it reaches the top is exact.
 *
 * Every adjacent pair counts, overlapping ones too (a a a contains the pair twice). Merges go from the left.
 *
 * Memory per symbol of the corpus: 4 numbers of 32 bits (5 with weights), and 3 more for `#places`. That is enough:
 * a merged occurrence shortens the corpus by one and adds at most two places. The sum is 28 bytes. Slots take 20
 * bytes each and are few in any real text.
 */

import { fail } from '../errors.js';

/** Rarer pairs are not merged. */
const MIN_COUNT = 2;

/** The limit of the corpus. Beyond it the arrays would exceed what engines can index. */
const MAX_SYMBOLS = 2 ** 28;

const NONE = -1;

/** A corpus for training. The queue takes ownership of `symbols` and modifies it. */
export interface Corpus {
  /** All pieces, concatenated. Symbols are integers >= 0. */
  readonly symbols: Int32Array;
  /** The number of symbols of each piece. */
  readonly lengths: readonly number[];
  /** The number of times each piece counts. Default: 1 each. */
  readonly weights?: readonly number[];
}

export class PairQueue {
  // Indexed by place.
  readonly #symbols: Int32Array;
  readonly #previous: Int32Array;
  readonly #next: Int32Array;
  readonly #slotAt: Int32Array;
  readonly #weights: Uint32Array | undefined;

  /** Runs of places. The first `#used` elements are in use. */
  readonly #places: Int32Array;
  #used = 0;

  // Indexed by slot.
  #slots = 0;
  #counts = new Uint32Array(1024);
  #starts = new Int32Array(1024);

  // The heap: largest count first, then smallest first place. Each slot enters it once.
  #size = 0;
  #heapCounts = new Uint32Array(1024);
  #heapFirsts = new Int32Array(1024);
  #heapSlots = new Int32Array(1024);

  readonly #before = new Neighbors();
  readonly #after = new Neighbors();

  /** The number of places and heap entries read so far: the cost of training, which a test compares with the text. */
  visits = 0;

  /** Takes ownership of the corpus. Errors: `ERR_TOO_LARGE` above 2^28 symbols. */
  constructor({ symbols, lengths, weights }: Corpus) {
    const total = symbols.length;
    if (total > MAX_SYMBOLS) {
      const bytes = total * 28;
      const limit = MAX_SYMBOLS * 28;
      const message = `A corpus of ${total} symbols needs ${bytes} bytes: the limit is ${limit}`;
      throw fail(RangeError, 'ERR_TOO_LARGE', message, { bytes, limit });
    }
    this.#symbols = symbols;
    this.#previous = new Int32Array(total);
    this.#next = new Int32Array(total);
    this.#slotAt = new Int32Array(total).fill(NONE);
    this.#weights = weights && new Uint32Array(total);
    this.#places = new Int32Array(3 * total);

    let place = 0;
    lengths.forEach((length, piece) => {
      const end = place + length;
      this.#weights?.fill(weights![piece]!, place, end);
      for (let i = place; i < end; i++) {
        this.#previous[i] = i === place ? NONE : i - 1;
        this.#next[i] = i + 1 === end ? NONE : i + 1;
      }
      place = end;
    });
    this.#countPairs();
  }

  /**
   * The pair with the highest count. Among equals, the one that occurs first in the corpus. `undefined` if no pair
   * occurs at least twice. Follow with `merge` or `skip`.
   */
  next(): { readonly left: number; readonly right: number } | undefined {
    while (this.#size > 0) {
      const slot = this.#heapSlots[0]!;
      const count = this.#counts[slot]!;
      if (count < MIN_COUNT) {
        this.skip();
        continue;
      }
      const first = this.#firstPlace(slot);
      if (count === this.#heapCounts[0] && first === this.#heapFirsts[0]) {
        return { left: this.#symbols[first]!, right: this.#symbols[this.#next[first]!]! };
      }
      this.#heapCounts[0] = count;
      this.#heapFirsts[0] = first;
      this.#siftDown(0);
    }
    return undefined;
  }

  /** Removes the pair that `next` returned from the queue without merging it. */
  skip(): void {
    const last = --this.#size;
    this.#move(last, 0);
    this.#siftDown(0);
  }

  /** Replaces every occurrence of the pair that `next` returned by `symbol`, from the left. The symbol must be new. */
  merge(symbol: number): void {
    const slot = this.#heapSlots[0]!;
    this.skip();
    const from = this.#starts[slot]!;
    let to = from;
    for (let i = from; this.#counts[slot]! > 0; i++) {
      this.visits++;
      const place = this.#places[i]!;
      if (this.#slotAt[place] !== slot) continue;
      const right = this.#next[place]!;
      const before = this.#previous[place]!;
      const after = this.#next[right]!;
      if (before !== NONE) this.#detach(before);
      this.#detach(place);
      this.#detach(right);
      this.#symbols[place] = symbol;
      this.#symbols[right] = NONE;
      this.#next[place] = after;
      if (after !== NONE) this.#previous[after] = place;
      // The run has been read up to here, so its memory is reused for the places of the new symbol.
      this.#places[to++] = place;
    }
    this.#layOut(symbol, from, to, true);
  }

  /** Counts the pairs of the initial corpus: sorts places by symbol (stable counting sort), then lays out the runs. */
  #countPairs(): void {
    const total = this.#symbols.length;
    let symbols = 0;
    for (const symbol of this.#symbols) symbols = Math.max(symbols, symbol + 1);
    const ends = new Int32Array(symbols + 1);
    for (const symbol of this.#symbols) ends[symbol + 1]!++;
    // The last third of #places is scratch. The runs laid out below take at most the first third.
    ends[0] = 2 * total;
    for (let symbol = 0; symbol < symbols; symbol++) ends[symbol + 1]! += ends[symbol]!;
    for (let place = 0; place < total; place++) this.#places[ends[this.#symbols[place]!]!++] = place;
    let from = 2 * total;
    for (let symbol = 0; symbol < symbols; symbol++) {
      this.#layOut(symbol, from, ends[symbol]!, false);
      from = ends[symbol]!;
    }
  }

  /**
   * Counts the pairs of the symbol whose places are `#places[from .. to)`, and lays out their runs: pairs with the
   * next symbol and, if `both`, with the previous one.
   */
  #layOut(symbol: number, from: number, to: number, both: boolean): void {
    const places = this.#places;
    const symbols = this.#symbols;
    const before = this.#before;
    const after = this.#after;
    this.visits += 2 * (to - from);
    for (let i = from; i < to; i++) {
      const place = places[i]!;
      const weight = this.#weights === undefined ? 1 : this.#weights[place]!;
      const next = this.#next[place]!;
      if (next !== NONE) after.count(symbols[next]!, weight);
      const previous = both ? this.#previous[place]! : NONE;
      // A pair of the symbol with itself has been counted with the next symbol of its left one.
      if (previous !== NONE && symbols[previous] !== symbol) before.count(symbols[previous]!, weight);
    }
    const firstSlot = this.#slots;
    this.#allocateRuns(after);
    this.#allocateRuns(before);
    for (let i = from; i < to; i++) {
      const place = places[i]!;
      const next = this.#next[place]!;
      if (next !== NONE) this.#append(after, symbols[next]!, place);
      const previous = both ? this.#previous[place]! : NONE;
      if (previous !== NONE && symbols[previous] !== symbol)
        this.#append(before, symbols[previous]!, previous);
    }
    after.clear();
    before.clear();
    for (let slot = firstSlot; slot < this.#slots; slot++) this.#push(slot);
  }

  /** Allocates a slot and a run for every neighbor that occurs often enough. */
  #allocateRuns(neighbors: Neighbors): void {
    for (let index = 0; index < neighbors.size; index++) {
      const symbol = neighbors.symbols[index]!;
      const count = neighbors.weights[symbol]!;
      if (count < MIN_COUNT) {
        neighbors.slots[symbol] = NONE;
        continue;
      }
      if (this.#slots === this.#counts.length) this.#growSlots();
      const slot = this.#slots++;
      this.#counts[slot] = count;
      this.#starts[slot] = this.#used;
      neighbors.slots[symbol] = slot;
      const occurrences = neighbors.occurrences[symbol]!;
      // From here on: the index in #places of the next occurrence.
      neighbors.occurrences[symbol] = this.#used;
      this.#used += occurrences;
    }
  }

  /** Appends a place to the run of a neighbor. */
  #append(neighbors: Neighbors, symbol: number, place: number): void {
    const slot = neighbors.slots[symbol]!;
    if (slot === NONE) return;
    this.#slotAt[place] = slot;
    this.#places[neighbors.occurrences[symbol]!++] = place;
  }

  /** Removes the occurrence at `place` from its pair. */
  #detach(place: number): void {
    const slot = this.#slotAt[place]!;
    if (slot === NONE) return;
    this.#counts[slot]! -= this.#weights === undefined ? 1 : this.#weights[place]!;
    this.#slotAt[place] = NONE;
  }

  /** The first live place of a pair. The run must not be empty. */
  #firstPlace(slot: number): number {
    let i = this.#starts[slot]!;
    while (this.#slotAt[this.#places[i]!] !== slot) i++;
    this.visits += i + 1 - this.#starts[slot]!;
    this.#starts[slot] = i;
    return this.#places[i]!;
  }

  #push(slot: number): void {
    let i = this.#size++;
    this.#heapCounts[i] = this.#counts[slot]!;
    this.#heapFirsts[i] = this.#places[this.#starts[slot]!]!;
    this.#heapSlots[i] = slot;
    while (i > 0) {
      this.visits++;
      const parent = (i - 1) >> 1;
      if (!this.#precedes(i, parent)) return;
      this.#swap(i, parent);
      i = parent;
    }
  }

  #siftDown(start: number): void {
    const size = this.#size;
    let i = start;
    for (;;) {
      this.visits++;
      let child = 2 * i + 1;
      if (child >= size) return;
      if (child + 1 < size && this.#precedes(child + 1, child)) child++;
      if (!this.#precedes(child, i)) return;
      this.#swap(child, i);
      i = child;
    }
  }

  #precedes(a: number, b: number): boolean {
    const counts = this.#heapCounts;
    if (counts[a] !== counts[b]) return counts[a]! > counts[b]!;
    return this.#heapFirsts[a]! < this.#heapFirsts[b]!;
  }

  #swap(a: number, b: number): void {
    const count = this.#heapCounts[a]!;
    const first = this.#heapFirsts[a]!;
    const slot = this.#heapSlots[a]!;
    this.#move(b, a);
    this.#heapCounts[b] = count;
    this.#heapFirsts[b] = first;
    this.#heapSlots[b] = slot;
  }

  #move(from: number, to: number): void {
    this.#heapCounts[to] = this.#heapCounts[from]!;
    this.#heapFirsts[to] = this.#heapFirsts[from]!;
    this.#heapSlots[to] = this.#heapSlots[from]!;
  }

  #growSlots(): void {
    const length = 2 * this.#slots;
    this.#counts = grown(this.#counts, new Uint32Array(length));
    this.#starts = grown(this.#starts, new Int32Array(length));
    this.#heapCounts = grown(this.#heapCounts, new Uint32Array(length));
    this.#heapFirsts = grown(this.#heapFirsts, new Int32Array(length));
    this.#heapSlots = grown(this.#heapSlots, new Int32Array(length));
  }
}

/** Counts the symbols on one side of the symbol whose pairs are being laid out. */
class Neighbors {
  /** The `size` distinct neighbors in order of first occurrence. */
  symbols = new Int32Array(512);
  size = 0;
  // Indexed by symbol. All zero between two uses.
  occurrences = new Uint32Array(512);
  weights = new Uint32Array(512);
  slots = new Int32Array(512);

  count(symbol: number, weight: number): void {
    if (symbol >= this.symbols.length) this.#grow(symbol + 1);
    if (this.occurrences[symbol]!++ === 0) this.symbols[this.size++] = symbol;
    this.weights[symbol]! += weight;
  }

  clear(): void {
    for (let index = 0; index < this.size; index++) {
      const symbol = this.symbols[index]!;
      this.occurrences[symbol] = 0;
      this.weights[symbol] = 0;
    }
    this.size = 0;
  }

  #grow(symbols: number): void {
    const length = Math.max(symbols, 2 * this.symbols.length);
    this.symbols = grown(this.symbols, new Int32Array(length));
    this.occurrences = grown(this.occurrences, new Uint32Array(length));
    this.weights = grown(this.weights, new Uint32Array(length));
    this.slots = grown(this.slots, new Int32Array(length));
  }
}

function grown<T extends Int32Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
