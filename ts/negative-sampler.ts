/// <reference lib="esnext.disposable" preserve="true" />
/** Draws ids with given probabilities, for negative sampling. */

import {
  bufferOf,
  describeGone,
  entriesOf,
  isArray,
  isGone,
  isWide,
  kindOf,
  lengthOf,
  offsetOf,
  type IdArray,
  type TypedArray,
} from './args/arrays.js';
import { type Bounds, integer, named, type Named, readSeed } from './args/options.js';
import { activeBackend, type Backend, type Handle, resultIds } from './backend/index.js';
import { ownJSON, showContents } from './contents.js';
import { Digest } from './digest.js';
import {
  describe,
  describeArgument,
  fail,
  invalidArray,
  tooLarge,
  withArticle,
  wrongKind,
  wrongValue,
} from './errors.js';
import { scratchBytes } from './table-spec.js';
import { DISPOSE, Lifetime } from './lifetime.js';

/** Options of {@link NegativeSampler}. */
export interface NegativeSamplerOptions {
  /** A weight for each id: finite, 0 or more, with a finite sum above 0. */
  readonly weights: readonly number[] | IdArray | Float32Array | Float64Array;
  /** The seed of the draws: an integer 0 .. 2^53 - 1 or a bigint 0 .. 2^64 - 1. Default: a random one. */
  readonly seed?: number | bigint | undefined;
}

/** The numbers of draws: a number of JavaScript counts them exactly. */
const POSITIONS: Bounds = { min: 0, max: Number.MAX_SAFE_INTEGER };

const WEIGHTS = 'an array or a typed array of numbers >= 0 with a finite sum above 0';

/** The option `weights`, copied. */
function readWeights(options: Named): Float64Array {
  const value = options['weights'];
  const weights = isArray(value) ? readNumbers(value) : readView(value);
  let sum = 0;
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i]!;
    sum += weight;
    if (weight >= 0 && sum < Infinity) continue;
    const what = weight >= 0 && weight < Infinity ? 'an infinite sum' : String(weight);
    throw wrongValue('weights', value, `${WEIGHTS} (${what} at [${i}])`);
  }
  if (sum === 0) throw wrongValue('weights', value, `${WEIGHTS} (the sum of all ${weights.length} is 0)`);
  return weights;
}

function readNumbers(value: readonly unknown[]): Float64Array {
  const list = entriesOf(value);
  const wrong = list.findIndex((entry) => typeof entry !== 'number');
  if (wrong < 0) return Float64Array.from(list as number[]);
  throw wrongKind('weights', value, `${WEIGHTS} (${describe(list[wrong])} at [${wrong}])`);
}

function readView(value: unknown): Float64Array {
  const kind = kindOf(value);
  if (kind === undefined || isWide(kind)) throw wrongKind('weights', value, WEIGHTS);
  const view = value as TypedArray;
  if (isGone(view)) throw wrongKind('weights', value, `${WEIGHTS} (${describeGone(view)})`);
  try {
    return new Float64Array(view as Float64Array);
  } catch {
    const bytes = 8 * lengthOf(view);
    throw tooLarge('A copy of the weights', bytes, 2 ** 32);
  }
}

/** Bytes of the prefix sums and of the guide table of `size` weights. */
function bytesOf(size: number): number {
  const entries = 2 ** Math.ceil(Math.log2(size));
  return 8 * size + 4 * entries;
}

/** A sampler of a backend. */
function createSampler(backend: Backend, weights: Float64Array, seed: number | bigint): Handle {
  const bytes = bytesOf(weights.length);
  const refuse = (limit: number) => tooLarge('A sampler', bytes, limit);
  if (bytes > backend.limit) throw refuse(backend.limit);
  return backend.prepare((kernels) => {
    const handle = kernels.samplerCreate(weights, BigInt(seed));
    if (handle === undefined) throw refuse(backend.limit);
    return handle;
  }, bytes);
}

/**
 * Draws ids with replacement, id i with the probability weights[i] / sum: the negatives of word2vec, with the weights
 * count^0.75.
 *
 * ```text
 * cum_i = f64 prefix sums of the weights, in order
 * u = ((hi 2^32 + lo) >> 11) / 2^53      hi, lo = words 2 (j mod 2) and 2 (j mod 2) + 1 of block floor(j / 2)
 * draw j = the first i with cum_i > u cum_last
 * ```
 * The words are those of Philox4x32-10 with the seed, stream 3 and call 0, so draw j is a function of the weights, the
 * seed and j alone, on every backend. Ids of weight 0 are never drawn; an id that is a positive elsewhere can be.
 *
 * Errors of the constructor: `ERR_INVALID_OPTION`, `ERR_TOO_LARGE`, `ERR_NOT_INITIALIZED` (browser).
 */
export class NegativeSampler {
  /** The number of weights: ids are in `[0, size)`. */
  readonly size: number;
  /** The seed of the draws. */
  readonly seed: number | bigint;
  readonly #backend: Backend;
  readonly #sampler: Handle;
  readonly #lifetime = new Lifetime('The sampler');
  #position = 0;

  constructor(options: NegativeSamplerOptions) {
    const values = named(options, ['weights', 'seed'], { required: true });
    const weights = readWeights(values);
    this.seed = readSeed(values);
    this.size = weights.length;
    this.#backend = activeBackend();
    this.#sampler = createSampler(this.#backend, weights, this.seed);
    const contents = String(new Digest().words(new Uint32Array(weights.buffer)));
    showContents(this, () => `${contents} at ${this.#position} ${this.#lifetime.text}`);
    if (new.target === NegativeSampler) Object.freeze(this);
  }

  /**
   * The number of draws so far, which is the number j of the next one. It can be set, to an integer 0 .. 2^53 - 1: the
   * draws continue from there. Errors of setting it: `ERR_DISPOSED`, `ERR_INVALID_OPTION` (`position`).
   */
  get position(): number {
    return this.#position;
  }

  /** Sets the number of draws. Errors: `ERR_DISPOSED`, `ERR_INVALID_OPTION` unless it is an integer in 0 .. 2^53 - 1. */
  set position(position: number) {
    this.#lifetime.check();
    this.#position = integer({ position }, 'position', POSITIONS);
  }

  /** Whether the object was disposed. */
  get disposed(): boolean {
    return this.#lifetime.ended;
  }

  /**
   * The next `count` draws, 0 or more, in a new array.
   *
   * Errors: `ERR_DISPOSED`, `ERR_INVALID_OPTION` (`count`), `ERR_TOO_LARGE` (the result, or more than 2^53 - 1 draws).
   * After an error `position` is unchanged.
   */
  sample(count: number): Uint32Array {
    this.#lifetime.check();
    const length = integer({ count }, 'count', POSITIONS);
    this.#expectDraws(length);
    const out = resultIds(length);
    this.#draw(out);
    return out;
  }

  /**
   * Fills `out` with the next draws and returns it. Allocates nothing that grows with it.
   *
   * Errors: `ERR_DISPOSED`, `ERR_INVALID_ARRAY` (another array, or a detached one), `ERR_TOO_LARGE` (more than 2^53 - 1
   * draws). After an error `out` and `position` are unchanged.
   */
  sampleInto<O extends Uint32Array | Int32Array>(out: O): O {
    this.#lifetime.check();
    const accepted = 'a Uint32Array or an Int32Array';
    const kind = kindOf(out);
    if (kind !== 'Uint32Array' && kind !== 'Int32Array') {
      throw invalidArray('out', accepted, kind === undefined ? describeArgument(out) : withArticle(kind));
    }
    if (isGone(out)) throw invalidArray('out', accepted, describeGone(out));
    const length = lengthOf(out);
    this.#expectDraws(length);
    // The bits of an id below 2^31 are the same.
    this.#draw(
      kind === 'Uint32Array' ? (out as Uint32Array) : new Uint32Array(bufferOf(out), offsetOf(out), length),
    );
    return out;
  }

  #expectDraws(count: number): void {
    const limit = Number.MAX_SAFE_INTEGER;
    if (count <= limit - this.#position) return;
    const text = `A sampler has at most 2^53 - 1 draws: got ${count} at position ${this.#position}`;
    throw fail(RangeError, 'ERR_TOO_LARGE', text, {
      position: this.#position,
      bytes: scratchBytes(count),
      limit,
    });
  }

  #draw(out: Uint32Array): void {
    this.#backend.kernels.samplerDraw(this.#sampler.handle(), this.#position, out);
    this.#position += lengthOf(out);
  }

  /** A new plain object of `size`, `seed` and `position`, for `JSON.stringify`. Errors: `ERR_DISPOSED`. */
  toJSON(): object {
    this.#lifetime.check();
    return { ...ownJSON(this), position: this.#position };
  }

  /** Frees the memory. Idempotent. */
  dispose(): void {
    this.#lifetime.end();
    this.#sampler.dispose();
  }

  /** As `dispose()`, for `using`. */
  [DISPOSE](): void {
    this.dispose();
  }
}
