/**
 * Walks nested arrays once: the first path down fixes the shape, and everything else must agree with it.
 *
 * ```
 * visit(array, level):
 *   compare its length with that of the level, or fix it
 *   at the last level pass the leaves to the sink, at any other visit each child
 * ```
 *
 * Every length and every element is read exactly once, in index order: a getter or a Proxy may return something else
 * the second time. A typed array may be the innermost level. Exceptions of getters propagate.
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
import { scratchBytes } from '../table-spec.js';
import { sizeOf } from './shape.js';

/** The maximum depth of nested arrays. */
const MAX_LEVELS = 64;

/** The maximum number of leaves: arrays that contain one array many times can claim any number. */
const MAX_LEAVES = 2 ** 32;

/** Takes the leaves of a walk, and builds the errors for whatever is not a leaf. */
export interface LeafSink {
  /** The argument's name in messages. */
  readonly name: string;
  /** The number of leaves taken so far: the flat position of the next one. */
  readonly count: number;
  /** Whether typed arrays of this class may be the innermost level. */
  accepts(kind: ArrayKind): boolean;
  /** Takes `first` (already read) and then `row[1]` ... `row[length - 1]`. */
  takeRow(row: readonly unknown[], length: number, first: unknown, walk: Walk): void;
  /** Takes all elements of an innermost typed array. */
  takeView(view: TypedArray, kind: ArrayKind, length: number, walk: Walk): void;
  /** The error for an argument of the wrong kind as a whole; `received` describes it. */
  refuse(received: string): TokenbedError;
  /** The error for the next leaf, which is not a number; `index` is its index in each of the arrays around it. */
  refuseLeaf(value: unknown, index: readonly number[]): TokenbedError;
}

/** One walk over one nested array; `shape` is complete once the sink gets its first leaf. */
export class Walk {
  readonly shape: number[];
  readonly #sink: LeafSink;
  /** The arrays from the outermost one to the one being read, and the index of the child read in each. */
  readonly #path: unknown[];
  readonly #index: number[];
  /** The number of levels; Infinity until the first leaf or the first empty array. */
  #rank = Infinity;

  /** Reads `root`. */
  constructor(sink: LeafSink, root: readonly unknown[]) {
    this.#sink = sink;
    // A Proxy may claim any length.
    const length = root.length >>> 0;
    this.shape = [length];
    this.#path = [root];
    this.#index = [0];
    if (length > 0) this.#children(root, length, 0);
  }

  /** The error for `value`, which a sink read where a number should be; `offset` is its index in the row. */
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
    const length = array.length >>> 0;
    this.#enter(length);
    if (length === 0) return;
    path.push(array);
    this.#index.push(0);
    this.#children(array, length, level);
    this.#index.pop();
    path.pop();
  }

  #children(array: readonly unknown[], length: number, level: number): void {
    const first = array[0];
    if (this.#rank === Infinity && isLeaf(first)) this.#bottom();
    if (this.#rank === level + 1) {
      this.#sink.takeRow(array, length, first, this);
      return;
    }
    this.#child(first);
    for (let i = 1; i < length; i++) {
      this.#index[level] = i;
      this.#child(array[i]);
    }
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
    // A row of numbers at a level that has arrays elsewhere.
    if (this.#rank !== level + 1)
      throw ragged(this.#sink.name, [...this.#index, 0], null, this.shape[level + 1]!);
    this.#sink.takeView(view, kind, length, this);
  }

  /** Enters an array of `length`, which must be that of the first array of its level. */
  #enter(length: number): void {
    const level = this.#path.length;
    if (level === MAX_LEVELS) throw this.#sink.refuse(`arrays nested more than ${MAX_LEVELS} levels deep`);
    const expected = this.shape[level];
    if (expected === undefined) {
      // Deeper than the first path: an array where that one had a number or was empty.
      if (this.#rank !== Infinity) throw ragged(this.#sink.name, this.#index, length, null);
      this.shape.push(length);
      if (length === 0) this.#rank = level + 1;
    } else if (length !== expected) {
      throw ragged(this.#sink.name, this.#index, length, expected);
    }
  }

  /** The first leaf has been reached: the shape is known. */
  #bottom(): void {
    this.#rank = this.shape.length;
    const size = sizeOf(this.shape);
    if (size > MAX_LEAVES) throw tooLarge(this.#sink.name, scratchBytes(size), scratchBytes(MAX_LEAVES));
  }

  #circular(): TokenbedError {
    return this.#sink.refuse(`an array that contains itself at [${this.#index.join(', ')}]`);
  }

  #refuseView(kind: ArrayKind): TokenbedError {
    return this.#sink.refuse(`a ${kind} at [${this.#index.join(', ')}]`);
  }
}

const isLeaf = (value: unknown): boolean =>
  typeof value === 'number' || (!isArray(value) && kindOf(value) === undefined);
