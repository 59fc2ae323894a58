/**
 * The pair queue of BPE training: which adjacent pair of symbols is the most frequent, and its merge, at the cost
 * of its occurrences alone.
 *
 *     while there is room:  (a, b) = queue.next();  queue.merge(z)        // every a b becomes z
 *
 * The corpus is one long array of symbols, cut into pieces (texts, or words with a weight); no pair crosses a
 * cut. A place is an index into that array. Live places form a doubly linked list, a merged symbol keeps the
 * place of its left part, and a pair's place is that of its left symbol: so order of places is always the order
 * of reading.
 *
 * Each pair that is counted at least twice has a slot: its count and a run of `#places`, the places of its
 * occurrences in order. Places are dropped from a run lazily: an occurrence is real exactly while `#slotAt` of its
 * place names the slot. Nothing is ever added to a run, because a pair can only arise while one of its symbols is
 * made, and that is when its run is laid out. So counts only fall and first places only rise, and a heap whose
 * keys are looked at again when they reach the top is exact.
 *
 * Every adjacent pair counts, overlapping ones too (a a a holds the pair twice), and merges go from the left.
 *
 * Memory per symbol of the corpus: 4 numbers of 32 bits (5 with weights), and 3 more of `#places`, which cannot be
 * outgrown: a merged occurrence shortens the corpus by one and adds at most two places. That is 28 bytes; slots,
 * with 20 bytes each, are few in any real text.
 */

import { fail } from '../errors.js';

/** Pairs counted less often than this are not merged. */
const MIN_COUNT = 2;

/** More symbols than this are refused: the arrays would pass what engines can index. */
const MAX_SYMBOLS = 2 ** 28;

const NONE = -1;

/** A corpus for training; the queue changes `symbols` and keeps it. */
export interface Corpus {
  /** All pieces one after the other, each symbol an integer >= 0. */
  readonly symbols: Int32Array;
  /** How many symbols each piece has. */
  readonly lengths: readonly number[];
  /** How often each piece counts; every one once where absent. */
  readonly weights?: readonly number[];
}

export class PairQueue {
  // By place.
  readonly #symbols: Int32Array;
  readonly #previous: Int32Array;
  readonly #next: Int32Array;
  readonly #slotAt: Int32Array;
  readonly #weights: Uint32Array | undefined;

  /** Runs of places; `#used` of it is taken. */
  readonly #places: Int32Array;
  #used = 0;

  // By slot.
  #slots = 0;
  #counts = new Uint32Array(1024);
  #starts = new Int32Array(1024);

  // The heap, largest count first, then smallest first place; each slot enters it once.
  #size = 0;
  #heapCounts = new Uint32Array(1024);
  #heapFirsts = new Int32Array(1024);
  #heapSlots = new Int32Array(1024);

  readonly #before = new Neighbours();
  readonly #after = new Neighbours();

  /** Takes the corpus over. Errors: `ERR_TOO_LARGE` above 2^28 symbols. */
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
      for (let at = place; at < end; at++) {
        this.#previous[at] = at === place ? NONE : at - 1;
        this.#next[at] = at + 1 === end ? NONE : at + 1;
      }
      place = end;
    });
    this.#survey();
  }

  /**
   * The pair with the highest count; among equals the one met first when the corpus is read from its start.
   * `undefined` when no pair is left that counts at least twice. Follow with `merge` or `skip`.
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

  /** Takes the pair that `next` gave out of the queue, unmerged. */
  skip(): void {
    const last = --this.#size;
    this.#move(last, 0);
    this.#siftDown(0);
  }

  /**
   * Replaces every occurrence of the pair that `next` gave by `symbol`, from the left. The symbol must be new.
   */
  merge(symbol: number): void {
    const slot = this.#heapSlots[0]!;
    this.skip();
    const from = this.#starts[slot]!;
    let to = from;
    for (let at = from; this.#counts[slot]! > 0; at++) {
      const place = this.#places[at]!;
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
      // The run has been read up to here: it now notes the places of the new symbol.
      this.#places[to++] = place;
    }
    this.#layOut(symbol, from, to, true);
  }

  /** The first count: sorts the places by symbol (a counting sort keeps their order), then lays out pairs. */
  #survey(): void {
    const total = this.#symbols.length;
    let symbols = 0;
    for (const symbol of this.#symbols) symbols = Math.max(symbols, symbol + 1);
    const ends = new Int32Array(symbols + 1);
    for (const symbol of this.#symbols) ends[symbol + 1]!++;
    // The last third of #places is scratch: the runs that are laid out below take at most the first.
    ends[0] = 2 * total;
    for (let symbol = 0; symbol < symbols; symbol++) ends[symbol + 1]! += ends[symbol]!;
    for (let place = 0; place < total; place++) this.#places[ends[this.#symbols[place]!]!++] = place;
    let from = 2 * total;
    for (let symbol = 0; symbol < symbols; symbol++) {
      this.#layOut(symbol, from, ends[symbol]!, false);
      from = ends[symbol]!;
    }
  }

  /** Lays out the pairs of the symbol that stands at `#places[from .. to)`: with what follows, and what precedes. */
  #layOut(symbol: number, from: number, to: number, both: boolean): void {
    const places = this.#places;
    const symbols = this.#symbols;
    const before = this.#before;
    const after = this.#after;
    for (let at = from; at < to; at++) {
      const place = places[at]!;
      const weight = this.#weights === undefined ? 1 : this.#weights[place]!;
      const next = this.#next[place]!;
      if (next !== NONE) after.count(symbols[next]!, weight);
      const previous = both ? this.#previous[place]! : NONE;
      // A pair of the symbol with itself has been counted as what follows its left one.
      if (previous !== NONE && symbols[previous] !== symbol) before.count(symbols[previous]!, weight);
    }
    const firstSlot = this.#slots;
    this.#open(after);
    this.#open(before);
    for (let at = from; at < to; at++) {
      const place = places[at]!;
      const next = this.#next[place]!;
      if (next !== NONE) this.#note(after, symbols[next]!, place);
      const previous = both ? this.#previous[place]! : NONE;
      if (previous !== NONE && symbols[previous] !== symbol) this.#note(before, symbols[previous]!, previous);
    }
    after.clear();
    before.clear();
    for (let slot = firstSlot; slot < this.#slots; slot++) this.#push(slot);
  }

  /** Gives every neighbour that counts often enough a slot and room for its run. */
  #open(neighbours: Neighbours): void {
    for (let index = 0; index < neighbours.size; index++) {
      const symbol = neighbours.met[index]!;
      const count = neighbours.weights[symbol]!;
      if (count < MIN_COUNT) {
        neighbours.slots[symbol] = NONE;
        continue;
      }
      if (this.#slots === this.#counts.length) this.#addSlots();
      const slot = this.#slots++;
      this.#counts[slot] = count;
      this.#starts[slot] = this.#used;
      neighbours.slots[symbol] = slot;
      const occurrences = neighbours.occurrences[symbol]!;
      // From here on: where the next occurrence is to be noted.
      neighbours.occurrences[symbol] = this.#used;
      this.#used += occurrences;
    }
  }

  #note(neighbours: Neighbours, symbol: number, place: number): void {
    const slot = neighbours.slots[symbol]!;
    if (slot === NONE) return;
    this.#slotAt[place] = slot;
    this.#places[neighbours.occurrences[symbol]!++] = place;
  }

  /** Ends the pair at a place. */
  #detach(place: number): void {
    const slot = this.#slotAt[place]!;
    if (slot === NONE) return;
    this.#counts[slot]! -= this.#weights === undefined ? 1 : this.#weights[place]!;
    this.#slotAt[place] = NONE;
  }

  /** The first place where a pair still stands; its run must not be empty. */
  #firstPlace(slot: number): number {
    let at = this.#starts[slot]!;
    while (this.#slotAt[this.#places[at]!] !== slot) at++;
    this.#starts[slot] = at;
    return this.#places[at]!;
  }

  #push(slot: number): void {
    let at = this.#size++;
    this.#heapCounts[at] = this.#counts[slot]!;
    this.#heapFirsts[at] = this.#places[this.#starts[slot]!]!;
    this.#heapSlots[at] = slot;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#precedes(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #siftDown(start: number): void {
    const size = this.#size;
    let at = start;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) return;
      if (child + 1 < size && this.#precedes(child + 1, child)) child++;
      if (!this.#precedes(child, at)) return;
      this.#swap(child, at);
      at = child;
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

  #addSlots(): void {
    const length = 2 * this.#slots;
    this.#counts = grown(this.#counts, new Uint32Array(length));
    this.#starts = grown(this.#starts, new Int32Array(length));
    this.#heapCounts = grown(this.#heapCounts, new Uint32Array(length));
    this.#heapFirsts = grown(this.#heapFirsts, new Int32Array(length));
    this.#heapSlots = grown(this.#heapSlots, new Int32Array(length));
  }
}

/** How often each symbol stands on one side of the symbol that is being laid out. */
class Neighbours {
  /** The symbols met, in order, `size` of them. */
  met = new Int32Array(512);
  size = 0;
  // By symbol; all zero between two uses.
  occurrences = new Uint32Array(512);
  weights = new Uint32Array(512);
  slots = new Int32Array(512);

  count(symbol: number, weight: number): void {
    if (symbol >= this.met.length) this.#grow(symbol + 1);
    if (this.occurrences[symbol]!++ === 0) this.met[this.size++] = symbol;
    this.weights[symbol]! += weight;
  }

  clear(): void {
    for (let index = 0; index < this.size; index++) {
      const symbol = this.met[index]!;
      this.occurrences[symbol] = 0;
      this.weights[symbol] = 0;
    }
    this.size = 0;
  }

  #grow(symbols: number): void {
    const length = Math.max(symbols, 2 * this.met.length);
    this.met = grown(this.met, new Int32Array(length));
    this.occurrences = grown(this.occurrences, new Uint32Array(length));
    this.weights = grown(this.weights, new Uint32Array(length));
    this.slots = grown(this.slots, new Int32Array(length));
  }
}

function grown<T extends Int32Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
