/**
 * Encoding by learned merges: rule 0 is applied to the whole sequence, from the left, then rule 1, and so on.
 *
 *     for k = 0, 1, ...: replace every left[k] right[k] by first + k, from the left
 *
 * Done with a linked list over the sequence and a heap of (rank, position): O(n log n) for n symbols. What a rule
 * makes occurs only in later rules, so the least rank in the heap never falls, and the order is that of the loop
 * above. (For short sequences an array of ranks, searched for its least, was tried instead: no faster.)
 */

const NONE = -1;

export class MergeRules {
  readonly #left: Int32Array;
  readonly #right: Int32Array;
  readonly #first: number;
  /** Open addressing by pair: rank + 1 of its rule, 0 where empty. */
  readonly #table: Int32Array;

  // Scratch for one sequence.
  #symbols = new Int32Array(0);
  #previous = new Int32Array(0);
  #next = new Int32Array(0);
  /** Keys rank * scale + position, smallest first. */
  #heap = new Float64Array(0);
  #size = 0;

  /** Rule k is `left[k] right[k] -> first + k`, and its parts are less than that; no pair has two rules. */
  constructor(left: Int32Array, right: Int32Array, first: number) {
    this.#left = left;
    this.#right = right;
    this.#first = first;
    this.#table = new Int32Array(2 ** Math.ceil(Math.log2(4 * left.length + 4)));
    for (let rank = 0; rank < left.length; rank++) {
      this.#table[this.#find(left[rank]!, right[rank]!)] = rank + 1;
    }
  }

  /** Room for a sequence of `length` symbols, to be filled by the caller; valid until the next call. */
  room(length: number): Int32Array {
    const held = this.#symbols.length;
    // The room of a very long sequence is given back at the next ordinary one.
    if (held < length || held > Math.max(2 ** 16, 8 * length)) {
      const size = 2 ** Math.ceil(Math.log2(Math.max(256, length)));
      this.#symbols = new Int32Array(size);
      this.#previous = new Int32Array(size);
      this.#next = new Int32Array(size);
      this.#heap = new Float64Array(2 * size);
    }
    return this.#symbols;
  }

  /** Applies the rules to the first `length` symbols of `room`; returns how many symbols are left there. */
  apply(length: number): number {
    if (length < 2) return length;
    const symbols = this.#symbols;
    const previous = this.#previous;
    const next = this.#next;
    // A power of two: division by it is exact. Keys are exact while rules * length stays below 2^52.
    const scale = 2 ** Math.ceil(Math.log2(length));
    this.#size = 0;
    for (let at = 0; at < length; at++) {
      previous[at] = at - 1;
      next[at] = at + 1 < length ? at + 1 : NONE;
      if (at + 1 < length) this.#push(at, scale);
    }
    while (this.#size > 0) {
      const key = this.#pop();
      const rank = Math.floor(key / scale);
      const at = key - rank * scale;
      // The pair may have gone since: a place that was swallowed holds NONE, which no rule has.
      const right = next[at]!;
      if (symbols[at] !== this.#left[rank] || right === NONE || symbols[right] !== this.#right[rank])
        continue;
      symbols[at] = this.#first + rank;
      symbols[right] = NONE;
      const after = next[right]!;
      next[at] = after;
      if (after !== NONE) {
        previous[after] = at;
        this.#push(at, scale);
      }
      if (previous[at] !== NONE) this.#push(previous[at]!, scale);
    }
    let count = 0;
    for (let at = 0; at !== NONE; at = next[at]!) symbols[count++] = symbols[at]!;
    return count;
  }

  /** Queues the pair at a position, if it has a rule. */
  #push(position: number, scale: number): void {
    const left = this.#symbols[position]!;
    const right = this.#symbols[this.#next[position]!]!;
    const rank = this.#table[this.#find(left, right)]! - 1;
    if (rank === NONE) return;
    const key = rank * scale + position;
    const heap = this.#heap;
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]! <= key) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = key;
  }

  #pop(): number {
    const heap = this.#heap;
    const top = heap[0]!;
    const size = --this.#size;
    const key = heap[size]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && heap[child + 1]! < heap[child]!) child++;
      if (heap[child]! >= key) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = key;
    return top;
  }

  /** Where in `#table` a pair is, or would be. */
  #find(left: number, right: number): number {
    const table = this.#table;
    const mask = table.length - 1;
    const hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (;;) {
      const rank = table[slot]! - 1;
      if (rank === NONE || (this.#left[rank] === left && this.#right[rank] === right)) return slot;
      slot = (slot + 1) & mask;
    }
  }
}
