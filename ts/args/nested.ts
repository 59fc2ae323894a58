/**
 * Walking nested arrays once: the first path down fixes the shape, everything else must agree with it.
 *
 * ```
 * visit(array, level):  length as fixed for this level, or fixed by it
 *   level is the last:  give its leaves to the sink
 *   else                visit each child
 * ```
 *
 * Every length and every element is read exactly once, in index order, since a getter or a Proxy may answer
 * differently the second time; a typed array may be the innermost level. What a getter throws passes through.
 */

import {
  type ArrayKind,
  describeGone,
  isArray,
  isGone,
  kindOf,
  lengthOf,
  type TypedArray,
} from './arrays.js';
import { ragged, tooLarge, type TokenbedError } from '../errors.js';
import { sizeOf } from './shape.js';

/** How deep arrays may be nested. */
const MAX_LEVELS = 64;

/** How many leaves are read at most: arrays that contain one array many times can claim any number. */
const MAX_LEAVES = 2 ** 32;

/** What a walk hands its leaves to, and which words it uses when it finds something else. */
export interface LeafSink {
  /** The argument's name in messages. */
  readonly name: string;
  /** How many leaves have been taken: the flat position of the next one. */
  readonly count: number;
  /** Whether typed arrays of this class may be the innermost level. */
  accepts(kind: ArrayKind): boolean;
  /** Takes `first` (already read) and then `row[1]` ... `row[length - 1]`. */
  takeRow(row: readonly unknown[], length: number, first: unknown, walk: Walk): void;
  /** Takes all elements of an innermost typed array. */
  takeView(view: TypedArray, kind: ArrayKind, length: number, walk: Walk): void;
  /** The error for an argument that is not of the right kind as a whole. */
  refuse(came: string): TokenbedError;
  /** The error for a leaf, the next one to take, that is no number; `index` is its place in the arrays around it. */
  refuseLeaf(value: unknown, index: readonly number[]): TokenbedError;
}

/** One walk over one nested array; `shape` is complete as soon as the sink gets its first leaf. */
export class Walk {
  readonly shape: number[] = [];
  readonly #sink: LeafSink;
  /** The arrays from the outermost one to the one being read, and the index of the child read in each. */
  readonly #path: unknown[] = [];
  readonly #index: number[] = [];
  /** The number of levels; unknown (infinite) until the first leaf or the first empty array. */
  #rank = Infinity;

  constructor(sink: LeafSink) {
    this.#sink = sink;
  }

  /** Reads all of `root`; its shape is in `shape` afterwards. */
  run(root: readonly unknown[]): void {
    this.#array(root);
  }

  /** The error for `value`, found by the sink where a number should be; `offset` is its index in the row. */
  wrongLeaf(value: unknown, offset: number): TokenbedError {
    this.#index[this.#path.length - 1] = offset;
    if (isArray(value)) {
      if (this.#path.includes(value)) return this.#circular();
      return ragged(this.#sink.name, this.#index, value.length, null);
    }
    const kind = kindOf(value);
    if (kind === undefined) return this.#sink.refuseLeaf(value, this.#index);
    return this.#sink.accepts(kind)
      ? ragged(this.#sink.name, this.#index, lengthOf(value as TypedArray), null)
      : this.#refuseView(kind);
  }

  #array(array: readonly unknown[]): void {
    const path = this.#path;
    if (path.includes(array)) throw this.#circular();
    const level = path.length;
    // A Proxy may claim any length.
    const length = array.length >>> 0;
    this.#enter(length);
    if (length === 0) return;
    path.push(array);
    const index = this.#index;
    index.push(0);
    const first = array[0];
    if (this.#rank === Infinity && !isArray(first) && kindOf(first) === undefined) this.#bottom();
    if (this.#rank === level + 1) {
      this.#sink.takeRow(array, length, first, this);
    } else {
      this.#child(first);
      for (let i = 1; i < length; i++) {
        index[level] = i;
        this.#child(array[i]);
      }
    }
    index.pop();
    path.pop();
  }

  #child(value: unknown): void {
    if (isArray(value)) {
      this.#array(value);
      return;
    }
    const kind = kindOf(value);
    if (kind !== undefined) this.#view(value as TypedArray, kind);
    else if (typeof value !== 'number') throw this.#sink.refuseLeaf(value, this.#index);
    else throw ragged(this.#sink.name, this.#index, null, this.shape[this.#path.length]!);
  }

  #view(view: TypedArray, kind: ArrayKind): void {
    if (!this.#sink.accepts(kind)) throw this.#refuseView(kind);
    if (isGone(view)) throw this.#sink.refuse(`${describeGone(view)} at [${this.#index.join(', ')}]`);
    const length = lengthOf(view);
    const level = this.#path.length;
    this.#enter(length);
    if (length === 0) return;
    if (this.#rank === Infinity) this.#bottom();
    // Numbers where arrays stand elsewhere.
    if (this.#rank !== level + 1)
      throw ragged(this.#sink.name, [...this.#index, 0], null, this.shape[level + 1]!);
    this.#sink.takeView(view, kind, length, this);
  }

  /** An array of `length` begins: it must be as long as the first one of its level was. */
  #enter(length: number): void {
    const level = this.#path.length;
    if (level === MAX_LEVELS) throw this.#sink.refuse(`arrays nested more than ${MAX_LEVELS} levels deep`);
    const expected = this.shape[level];
    if (expected === undefined) {
      // Deeper than the first path went: an array, where a number or the end stands elsewhere.
      if (this.#rank !== Infinity) throw ragged(this.#sink.name, this.#index, length, null);
      this.shape.push(length);
      if (length === 0) this.#rank = level + 1;
    } else if (length !== expected) {
      throw ragged(this.#sink.name, this.#index, length, expected);
    }
  }

  /** The first leaf has been reached, so the shape is known. */
  #bottom(): void {
    this.#rank = this.shape.length;
    const size = sizeOf(this.shape);
    if (size > MAX_LEAVES) throw tooLarge(this.#sink.name, size * 4, MAX_LEAVES * 4);
  }

  #circular(): TokenbedError {
    return this.#sink.refuse(`an array that contains itself at [${this.#index.join(', ')}]`);
  }

  #refuseView(kind: ArrayKind): TokenbedError {
    return this.#sink.refuse(`a ${kind} at [${this.#index.join(', ')}]`);
  }
}
