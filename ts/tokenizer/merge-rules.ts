/**
 * Encoding with learned merges: applies rule 0 to the whole sequence, then rule 1, and so on.
 *
 *     for k = 0, 1, ...: replace every left[k] right[k] by first + k, from the left
 *
 * The implementation uses a linked list over the sequence and a heap of (rank, position): O(n log n) for n symbols.
 * The symbol that a rule produces occurs only in later rules, so the smallest rank in the heap never decreases, and
 * rules are applied in the order of the loop above. (For short sequences, a linear search in an array of ranks was
 * no faster.)
 */

const NONE = -1;

export class MergeRules {
  readonly #left: Int32Array;
  readonly #right: Int32Array;
  readonly #first: number;
  /** A hash table with open addressing, keyed by pair. Holds rank + 1; 0 is an empty slot. */
  readonly #table: Int32Array;

  // Scratch for one sequence, indexed by position.
  #symbols = new Int32Array(0);
  #previous = new Int32Array(0);
  #next = new Int32Array(0);
  /** A min-heap of the keys rank * scale + position. */
  #heap = new Float64Array(0);
  #size = 0;

  /** Rule k is `left[k] right[k] -> first + k`. Both parts are less than `first + k`. Pairs are distinct. */
  constructor(left: Int32Array, right: Int32Array, first: number) {
    this.#left = left;
    this.#right = right;
    this.#first = first;
    this.#table = new Int32Array(2 ** Math.ceil(Math.log2(4 * left.length + 4)));
    for (let rank = 0; rank < left.length; rank++) {
      this.#table[this.#find(left[rank]!, right[rank]!)] = rank + 1;
    }
  }

  /** A buffer of at least `length` symbols for the caller to fill. Valid until the next call. */
  buffer(length: number): Int32Array {
    const capacity = this.#symbols.length;
    // Shrink after a very long sequence.
    if (capacity < length || capacity > Math.max(2 ** 16, 8 * length)) {
      const size = 2 ** Math.ceil(Math.log2(Math.max(256, length)));
      this.#symbols = new Int32Array(size);
      this.#previous = new Int32Array(size);
      this.#next = new Int32Array(size);
      this.#heap = new Float64Array(2 * size);
    }
    return this.#symbols;
  }

  /** Applies the rules to the first `length` symbols of the buffer in place and returns the new length. */
  apply(length: number): number {
    if (length < 2) return length;
    const symbols = this.#symbols;
    const previous = this.#previous;
    const next = this.#next;
    // A power of two, so that division is exact. Keys are exact while rules * length stays below 2^52.
    const scale = 2 ** Math.ceil(Math.log2(length));
    this.#size = 0;
    for (let i = 0; i < length; i++) {
      previous[i] = i - 1;
      next[i] = i + 1 < length ? i + 1 : NONE;
      if (i + 1 < length) this.#push(i, scale);
    }
    while (this.#size > 0) {
      const key = this.#pop();
      const rank = Math.floor(key / scale);
      const left = key - rank * scale;
      const right = next[left]!;
      // Skip a pair that no longer exists. A merged position holds NONE, which is in no rule.
      if (symbols[left] !== this.#left[rank] || right === NONE || symbols[right] !== this.#right[rank])
        continue;
      symbols[left] = this.#first + rank;
      symbols[right] = NONE;
      const after = next[right]!;
      next[left] = after;
      if (after !== NONE) {
        previous[after] = left;
        this.#push(left, scale);
      }
      if (previous[left] !== NONE) this.#push(previous[left]!, scale);
    }
    let count = 0;
    for (let i = 0; i !== NONE; i = next[i]!) symbols[count++] = symbols[i]!;
    return count;
  }

  /** Adds the pair at `position` to the heap if it has a rule. */
  #push(position: number, scale: number): void {
    const left = this.#symbols[position]!;
    const right = this.#symbols[this.#next[position]!]!;
    const rank = this.#table[this.#find(left, right)]! - 1;
    if (rank === NONE) return;
    const key = rank * scale + position;
    const heap = this.#heap;
    let i = this.#size++;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (heap[parent]! <= key) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = key;
  }

  #pop(): number {
    const heap = this.#heap;
    const top = heap[0]!;
    const size = --this.#size;
    const key = heap[size]!;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= size) break;
      if (child + 1 < size && heap[child + 1]! < heap[child]!) child++;
      if (heap[child]! >= key) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = key;
    return top;
  }

  /** The slot of a pair in `#table`, or the empty slot where it would be. */
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
