/**
 * The one reader of calls. An object declares in its constructor what its calls take; each call has three phases:
 *
 * ```
 * 1  disposed?  option names, option values, the kind of every argument
 *    then a snapshot: getters inside nested arrays run, and ids in shared memory are copied
 * 2  rank, dim, shape, lengths, overlap, sequence length, ids and offsets that do not fit 32 bits
 * 3  one kernel call of the object, which checks offsets and ids before it writes; `Call.done` reports its status
 * ```
 *
 * Code of the caller runs in phase 1 only, so phase 2 sees values that can no longer change. Everything is read once. Only
 * if getters have run, inside nested arrays or of a Tensor of another copy of the package, are the object, the caller's
 * arrays and `out` checked again. Floats in shared memory are copied last: their values are not checked.
 */

import {
  bufferOf,
  type IdArray,
  isArray,
  isNarrow,
  isShared,
  kindOf,
  lengthOf,
  type OrdinaryFloats,
  overlaps,
  sameView,
} from './arrays.js';
import { resultFloats } from '../backend/index.js';
import {
  dimMismatch,
  fail,
  lengthError,
  overlapError,
  rankError,
  sequenceTooLong,
  type TokenbedError,
  wrongValue,
} from '../errors.js';
import { Floats, readFloats, unshared } from './floats.js';
import { type IdKind, Ids, type IdsInput } from './ids.js';
import type { Dropout } from '../dropout.js';
import type { Lifetime } from '../lifetime.js';
import { brokenOffset, expectBagRanks } from './offsets.js';
import { expectNames, expectOptions, flag, integer, type Named } from './options.js';
import { formatShape, shapeOption, sizeOf } from './shape.js';
import { isTensor, type Tensor, tensorOf, tensorSizes } from '../tensor.js';

/** Options of a call that takes ids. */
export interface IdsOptions {
  /** A shape for flat ids; its product is their number. */
  readonly shape?: readonly number[] | undefined;
}

/** Options of a call that adds positions. */
export interface PositionOptions {
  /** A shape for flat input. */
  readonly shape?: readonly number[] | undefined;
  /** The position of the first row of each sequence: 0 or more. Default 0. */
  readonly startPos?: number | undefined;
  /** The position of each row, `[seq]` or `[batch, seq]`; not together with `startPos`. */
  readonly positionIds?: IdsInput | undefined;
}

/** Options of the backward pass of a call that adds positions. */
export interface PositionBackwardOptions extends PositionOptions {
  /** The number of the training call whose dropout applies: below `trainingCalls`. Default: the last one. */
  readonly call?: number | undefined;
}

/** The ranks that an argument may have. */
export interface Rank {
  readonly min: number;
  readonly max: number;
  /** What is expected, for the error message. */
  readonly expected: string;
}

/** Ranks from `min` to `max`; `expected` says so in the error message. */
export const rank = (min: number, max: number, expected: string): Rank => ({ min, max, expected });

/** What the calls of an object take. */
export interface Takes {
  readonly lifetime: Lifetime;
  /** D: the width of the rows of the result, and of `x`. */
  readonly dim: number;
  /** The first argument is ids, below `bound`. */
  readonly ids?: { readonly bound: number; readonly kind?: IdKind; readonly rank?: Rank };
  /** The first argument is floats, whose last axis is `dim`. */
  readonly x?: Rank;
  /** The options `startPos` and `positionIds`, below `positions`; null: the object has no positions. */
  readonly positions?: number | null;
  /** `x` is of heads, `[..., seq, dim]` with a heads axis if there are four; the option `inverse`. */
  readonly heads?: boolean;
  /** The options `offsets` and `perSampleWeights` of bags. */
  readonly bags?: { readonly weighted: boolean; readonly includeLastOffset: boolean };
  /**
   * The calls are backward passes. `counted`: with the option `scaleGradByFreq`; `dropout`: with the option `call`, the
   * number of a training call of it.
   */
  readonly backward?: { readonly counted?: boolean; readonly dropout?: Dropout };
}

/** The status of a kernel that has written its result. */
export const DONE = -1;

/** The options of one call, each read once. */
export class CallOptions {
  constructor(
    readonly shape: readonly number[] | undefined,
    readonly startPos: number,
    /** `offsets` or `positionIds`. */
    readonly index: unknown,
    readonly weights: unknown,
    readonly inverse: boolean = false,
    readonly counted: boolean = false,
    /** The option `call`. */
    readonly call: number | undefined = undefined,
    /** `perSampleWeightsGrad`. */
    readonly weightsGrad: unknown = undefined,
  ) {}
}

/** Whether reading a value runs getters of the caller: it is a Tensor of another copy of the package. */
export const isForeign = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  kindOf(value) === undefined &&
  !isArray(value) &&
  !isTensor(value);

/**
 * Reads floats again, because getters of the caller have run since: those in nested arrays (`nested`), or only those of
 * foreign Tensors. They may have detached, disposed or moved other arguments.
 *
 * `read` reads the arguments that `selects` selects: first, if getters in nested arrays have run, foreign Tensors, whose own
 * getters run again; then the others.
 */
export function readAgain(nested: boolean, read: (selects: (value: unknown) => boolean) => void): void {
  if (nested) read(isForeign);
  read((value) => !isForeign(value));
}

/** The ids for which the fast path of `forward` is taken: with more, the checks of the other one take no time to speak of. */
const FEW = 16;

/** The argument `out` of calls whose result is a new array, and `gradOutput` of those that are not backward passes. */
const NEW = new Float32Array(0);
const NO_OPTIONS = new CallOptions(undefined, 0, undefined, undefined);

/** Reads the calls of one object. */
export class CallReader {
  readonly lifetime: Lifetime;
  readonly dim: number;
  /** Whether the first argument is ids; otherwise it is floats. */
  readonly takesIds: boolean;
  readonly kind: IdKind;
  /** The bound of ids. */
  readonly bound: number;
  readonly rank: Rank | null;
  /** Whether calls have the options `startPos` and `positionIds`. */
  readonly positional: boolean;
  /** The bound of positions; null: the object has none. */
  readonly positions: number | null;
  /** Whether the rows are of heads, and calls have the option `inverse`. */
  readonly heads: boolean;
  /** Whether calls have the options `offsets` and `perSampleWeights`. */
  readonly bags: boolean;
  readonly weighted: boolean;
  readonly includeLastOffset: boolean;
  /** Whether calls have the option `scaleGradByFreq`. */
  readonly counted: boolean;
  /** Whether calls have the option `perSampleWeightsGrad`. */
  readonly graded: boolean;
  /** The dropout of backward passes. */
  readonly dropout: Dropout | null;
  /** The name of the first argument if it is floats. */
  readonly xName: string;
  readonly #names: readonly string[];

  constructor({ lifetime, dim, ids, x, positions, heads = false, bags, backward }: Takes) {
    this.lifetime = lifetime;
    this.dim = dim;
    this.takesIds = ids !== undefined;
    this.kind = ids?.kind ?? 'Token indices';
    this.bound = ids?.bound ?? 0;
    this.rank = x ?? ids?.rank ?? null;
    this.positional = positions !== undefined;
    this.positions = positions ?? null;
    this.heads = heads;
    this.bags = bags !== undefined;
    this.weighted = bags?.weighted ?? false;
    this.includeLastOffset = bags?.includeLastOffset ?? false;
    const names = ['shape'];
    if (this.positional) names.push('startPos', 'positionIds');
    if (this.heads) names.push('inverse');
    if (this.bags) names.push('offsets', 'perSampleWeights');
    this.counted = backward?.counted ?? false;
    if (this.counted) names.push('scaleGradByFreq');
    this.graded = this.bags && backward !== undefined;
    if (this.graded) names.push('perSampleWeightsGrad');
    this.dropout = backward?.dropout ?? null;
    if (this.dropout !== null) names.push('call');
    this.xName = backward === undefined ? 'x' : 'gradOutput';
    this.#names = names;
  }

  /** Phases 1 and 2 of a call whose result is a new array. */
  read(first: unknown, options: unknown): Call {
    return this.readNew(first, this.readOptions(options));
  }

  /** The rest of phases 1 and 2 of a call whose result is a new array. */
  readNew(first: unknown, passed: CallOptions): Call {
    return this.readRest(first, NEW, passed);
  }

  /** Phases 1 and 2 of a call that writes to `out`. */
  readInto(first: unknown, out: unknown, options: unknown): Call {
    return this.readRest(first, out, this.readOptions(options));
  }

  /** The options of a call. Code of the caller may run here. */
  readOptions(options: unknown): CallOptions {
    this.lifetime.check();
    return this.#readPassed(options);
  }

  /** The rest of phases 1 and 2 of a call that writes to `out`. */
  readRest(first: unknown, out: unknown, passed: CallOptions): Call {
    const call = new Call(this, passed, first, out, NEW);
    call.takeSnapshot();
    if (this.takesIds) call.checkIds();
    else call.checkFloats();
    return call;
  }

  /** Phases 1 and 2 of a backward pass: `gradOutput` has as many elements as the result of the call with these ids. */
  readBackward(ids: unknown, gradOutput: unknown, options: unknown): Call {
    this.lifetime.check();
    const passed = this.#readPassed(options);
    const call = new Call(this, passed, ids, NEW, gradOutput);
    call.takeSnapshot();
    call.checkIds();
    return call;
  }

  /**
   * The fast path: the number of ids if a call without options passes all checks before those of a kernel, otherwise 0.
   *
   * `ids` must be an integer array of up to 32 bits, and `out` have room in another buffer. This runs no code of the
   * caller. Any other call, and one that fails in the kernel, takes the path above, which reports the error. A kernel
   * must not get `ids` on a SharedArrayBuffer: it reads them twice.
   *
   * ```
   * ns per call of forwardInto, 64 columns, native    commit 798c4ca   without the fast path   with it
   * Embedding        a number                                     27                     100        27
   *                  1 / 8 / 64 ids                   75 / 320 / 620         134 / 410 / 760   59 / 305 / 620
   * EmbeddingLayer   1 / 8 / 64 ids                  340 / 375 / 900         416 / 482 / 950  290 / 340 / 800
   * ```
   */
  plainCount(ids: unknown, out: Float32Array): number {
    const kind = kindOf(ids);
    if (kind === undefined || !isNarrow(kind)) return 0;
    const count = lengthOf(ids as IdArray);
    if (count * this.dim > lengthOf(out) || (this.positions !== null && count > this.positions)) return 0;
    return bufferOf(ids as IdArray) === bufferOf(out) ? 0 : count;
  }

  /** Memory for the result of a few such ids, for the fast path of a call that returns a Tensor; otherwise null. */
  plainResult(ids: unknown): OrdinaryFloats | null {
    const kind = kindOf(ids);
    if (kind === undefined || !isNarrow(kind)) return null;
    const count = lengthOf(ids as IdArray);
    return count === 0 || count > FEW ? null : resultFloats(count * this.dim);
  }

  /** The number of bags in offsets, or of equal bags; negative if the last offset is missing. */
  bagCount(bags: IdArray | number): number {
    return typeof bags === 'number' ? bags : lengthOf(bags) - Number(this.includeLastOffset);
  }

  /**
   * The fast path of bags: the offsets, or the number of equal bags, of a call that passes all checks before those of a
   * kernel; otherwise undefined. `ids` is in `data`, `out` undefined for a new result.
   *
   * The ids must be a flat array with offsets, or a Tensor `[bags, n]`, of integers of up to 32 bits in ordinary memory, and
   * there must be no other options. This runs no code of the caller.
   */
  plainBags(
    ids: unknown,
    data: IdArray,
    out: Float32Array | undefined,
    { index, shape, weights }: CallOptions,
  ): IdArray | number | undefined {
    if (shape !== undefined || weights !== undefined) return undefined;
    let bags: IdArray | number;
    if (index === undefined) {
      const sizes = tensorSizes(ids);
      if (sizes?.length !== 2 || sizes[0]! * sizes[1]! !== lengthOf(data)) return undefined;
      bags = sizes[0]!;
    } else {
      const kind = kindOf(index);
      if (data !== ids || kind === undefined || !isNarrow(kind)) return undefined;
      bags = index as IdArray;
    }
    const rows = this.bagCount(bags);
    if (rows <= 0 || lengthOf(data) === 0) return undefined;
    if (out === undefined ? rows > FEW : rows * this.dim > lengthOf(out)) return undefined;
    const to = out === undefined ? undefined : bufferOf(out);
    const isSeparate = (array: IdArray) => {
      const buffer = bufferOf(array);
      return buffer !== to && !isShared(buffer);
    };
    return isSeparate(data) && (typeof bags === 'number' || isSeparate(bags)) ? bags : undefined;
  }

  /** Memory for the result of a call on a few rows `x`, for the fast path of one that returns a Tensor; otherwise null. */
  plainFloatsResult(x: unknown): OrdinaryFloats | null {
    const sizes = tensorSizes(x);
    if (sizes === undefined) return null;
    const size = sizeOf(sizes);
    return size === 0 || size > FEW * this.dim ? null : resultFloats(size);
  }

  /**
   * The fast path of position layers: the length of a sequence of a call without options that passes all checks; otherwise
   * 0. The values of `x` are in `data`. This runs no code of the caller.
   */
  plainSequence(x: unknown, data: Float32Array, out: Float32Array): number {
    const sizes = tensorSizes(x);
    if (sizes === undefined) return 0;
    const rank = sizes.length;
    const seq = rank === 2 ? sizes[0]! : rank === 3 ? sizes[1]! : 0;
    const rows = rank === 3 ? sizes[0]! * seq : seq;
    const count = rows * this.dim;
    if (sizes[rank - 1] !== this.dim || seq > this.positions! || count !== lengthOf(data)) return 0;
    if (count === 0 || lengthOf(out) < count) return 0; // an empty array may be a detached one
    const from = bufferOf(data);
    return (data !== out && from === bufferOf(out)) || isShared(from) ? 0 : seq;
  }

  #readPassed(options: unknown): CallOptions {
    if (options !== undefined) return this.#readOptions(options);
    return this.dropout === null ? NO_OPTIONS : this.#readOptions({});
  }

  #readOptions(options: unknown): CallOptions {
    expectOptions(options);
    expectNames(options, this.#names);
    const shape = shapeOption(options['shape']);
    if (this.bags) return this.#readBagOptions(options, shape);
    if (this.positional) return this.#readPositionOptions(options, shape);
    return new CallOptions(shape, 0, undefined, undefined, false, this.#readCounted(options));
  }

  #readCounted(options: Named): boolean {
    return this.counted && flag({ scaleGradByFreq: options['scaleGradByFreq'] }, 'scaleGradByFreq', false);
  }

  #readBagOptions(options: Named, shape: readonly number[] | undefined): CallOptions {
    const offsets = options['offsets'];
    const weights = options['perSampleWeights'];
    if (weights !== undefined && !this.weighted) {
      throw wrongValue('perSampleWeights', weights, 'absent in mode "max"');
    }
    const counted = this.#readCounted(options);
    const weightsGrad = this.graded ? options['perSampleWeightsGrad'] : undefined;
    if (weightsGrad !== undefined && weights === undefined) {
      throw wrongValue('perSampleWeightsGrad', weightsGrad, 'absent without perSampleWeights');
    }
    return new CallOptions(shape, 0, offsets, weights, false, counted, undefined, weightsGrad);
  }

  #readPositionOptions(options: Named, shape: readonly number[] | undefined): CallOptions {
    const startPos = options['startPos'];
    const positionIds = options['positionIds'];
    const start = integer({ startPos }, 'startPos', { min: 0 }, 0);
    if (startPos !== undefined && positionIds !== undefined) {
      throw wrongValue('startPos', startPos, 'absent when there are positionIds');
    }
    if (this.positions === null) {
      for (const [name, value] of Object.entries({ startPos, positionIds })) {
        if (value !== undefined) throw wrongValue(name, value, 'absent in a layer without positions');
      }
    }
    const inverse = this.heads && flag({ inverse: options['inverse'] }, 'inverse', false);
    const call = options['call'] as number | undefined;
    this.dropout?.readCall(call); // checks it
    return new CallOptions(shape, start, positionIds, undefined, inverse, false, call);
  }
}

/** The arguments of one call, as a kernel takes them once phases 1 and 2 are done. */
export class Call {
  /** The length of a sequence. */
  seq = 0;
  /** The number of heads that share positions. */
  heads = 1;
  /** The number of rows of the result, of a call whose first argument is ids. */
  rows = 0;
  /** One weight per id; undefined: none. */
  weights: Float32Array | undefined;
  /** Where the gradient of the weights goes; undefined: nowhere. */
  weightsGrad: Float32Array | undefined;
  /** The floats to read; undefined: those in `out`. */
  x: Float32Array | undefined;
  /** Where the result goes. */
  out: Float32Array;
  /** The gradient of the result, of a backward pass. */
  gradOutput: Float32Array = NEW;
  readonly #takes: CallReader;
  readonly #passed: CallOptions;
  readonly #passedOut: unknown;
  readonly #ids: Ids | null;
  readonly #x: Floats | null;
  /** The offsets or the position ids. */
  readonly #index: Ids | null;
  readonly #grad: Floats | null;

  /** Checks the kinds of all arguments; those that a call does not have are `NEW`. No getter inside nested arrays runs. */
  constructor(takes: CallReader, passed: CallOptions, first: unknown, out: unknown, gradOutput: unknown) {
    this.#takes = takes;
    this.#passed = passed;
    this.#passedOut = out;
    this.#ids = takes.takesIds ? new Ids(first, takes.kind === 'Positions' ? 'positions' : 'ids') : null;
    this.#x = takes.takesIds ? null : new Floats(takes.xName, first);
    this.#grad = gradOutput === NEW ? null : new Floats('gradOutput', gradOutput);
    this.out = out === NEW ? NEW : readFloats('out', out);
    const { index, weights, weightsGrad } = passed;
    this.#index = index === undefined ? null : new Ids(index, takes.bags ? 'offsets' : 'positionIds');
    this.weights = weights === undefined ? undefined : readFloats('perSampleWeights', weights);
    if (weightsGrad !== undefined) this.weightsGrad = readFloats('perSampleWeightsGrad', weightsGrad);
  }

  /** The flat ids. */
  get ids(): IdArray {
    return this.#ids!.data;
  }

  /** The first position of each sequence, or the position of each row. */
  get positions(): number | IdArray {
    return this.#index === null ? this.#passed.startPos : this.#index.data;
  }

  /** The option `inverse`. */
  get inverse(): boolean {
    return this.#passed.inverse;
  }

  /** The number of the training call whose dropout applies; undefined: none. */
  get call(): number | undefined {
    return this.#takes.dropout?.readCall(this.#passed.call); // getters inside nested ids may have changed the dropout
  }

  /** The option `scaleGradByFreq`. */
  get counted(): boolean {
    return this.#passed.counted;
  }

  /** The number of equal bags, or the offsets of the bags. */
  get bags(): number | IdArray {
    return this.#index === null ? this.rows : this.#index.data;
  }

  /** Reads nested arrays, and copies ids from shared memory. If getters have run, checks the rest again. */
  takeSnapshot(): void {
    const ids = this.#ids;
    const index = this.#index;
    let nested = false;
    if (index !== null) {
      index.read();
      ({ nested } = index);
    }
    if (ids !== null) {
      ids.read();
      if (ids.nested) {
        nested = true;
        index?.expectWhole();
      }
    }
    const ran = nested || this.#hasForeign();
    if (ran) this.#readAgain(nested);
    if (ran || this.#passed !== NO_OPTIONS) this.#takes.lifetime.check();
  }

  #hasForeign(): boolean {
    if (isForeign(this.#passedOut) || isForeign((this.#ids ?? this.#x)!.value)) return true;
    if (this.#passed === NO_OPTIONS) return false;
    const { index, weights, weightsGrad } = this.#passed;
    return isForeign(index) || isForeign(weights) || isForeign(weightsGrad) || isForeign(this.#grad?.value);
  }

  #readAgain(nested: boolean): void {
    const { weights, weightsGrad } = this.#passed;
    const out = this.#passedOut;
    readAgain(nested, (selects) => {
      if (out !== NEW && selects(out)) this.out = readFloats('out', out);
      if (weights !== undefined && selects(weights)) this.weights = readFloats('perSampleWeights', weights);
      if (weightsGrad !== undefined && selects(weightsGrad)) {
        this.weightsGrad = readFloats('perSampleWeightsGrad', weightsGrad);
      }
      this.#x?.refresh(selects);
      this.#grad?.refresh(selects);
    });
  }

  /** Phase 2 of a call whose first argument is ids. */
  checkIds(): void {
    const takes = this.#takes;
    const ids = this.#ids!;
    const index = this.#index;
    const { shape, startPos } = this.#passed;
    if (shape !== undefined) ids.reshape(shape);
    if (takes.bags) expectBagRanks(ids, index, this.#passed.index);
    else expectRank(ids.rank, ids, takes.rank);
    this.#grad?.expectRows(takes.dim);
    ids.fit();
    this.#grad?.fit();
    index?.fit();
    this.seq = ids.rank === 2 ? ids.shape[1]! : ids.count;
    this.rows = ids.count;
    if (takes.bags) {
      this.rows = index === null ? ids.shape[0]! : Math.max(0, index.count - Number(takes.includeLastOffset));
    } else if (index !== null) {
      expectPositionShape(index, this.seq, ids.rank === 2 ? ids.shape[0]! : null);
    }
    const { weights } = this;
    if (weights !== undefined && lengthOf(weights) !== ids.count) {
      throw lengthError('perSampleWeights', lengthOf(weights), `there are ${ids.count} ids`);
    }
    const count = this.rows * takes.dim;
    const grad = this.#grad;
    if (grad !== null && grad.count !== count) {
      throw lengthError('gradOutput', grad.count, `the result of forward has ${count} elements`);
    }
    this.#checkOut(count, null);
    this.#checkWeightsGrad(ids.count);
    if (takes.positions !== null && index === null) expectSequence(this.seq, startPos, takes.positions);
    if (this.out === NEW && grad === null) this.out = resultFloats(count);
    if (ids.overflows || index?.overflows) this.#refuseOverflow();
    if (weights !== undefined) this.weights = unshared(weights, ids.count);
    if (grad !== null) this.gradOutput = unshared(grad.data, count);
  }

  /** Phase 2 of a call whose first argument is floats. */
  checkFloats(): void {
    const takes = this.#takes;
    const x = this.#x!;
    const index = this.#index;
    const { shape: requested, startPos } = this.#passed;
    if (requested !== undefined) x.reshape(requested);
    const { data, shape } = x;
    expectRank(shape.length, x, takes.rank);
    if (shape.at(-1) !== takes.dim) {
      throw dimMismatch(takes.dim, shape.at(-1)!, takes.heads ? 'Head dim' : 'Embedding dim');
    }
    x.fit();
    index?.fit();
    this.seq = shape.at(-2)!;
    if (shape.length === 4) this.heads = shape[1]!;
    if (index !== null) expectPositionShape(index, this.seq, shape.length === 2 ? null : shape[0]!);
    const count = lengthOf(data);
    const inPlace = sameView(this.out, data);
    this.#checkOut(count, inPlace ? null : data);
    if (index === null) expectSequence(this.seq, startPos, takes.positions!);
    if (this.out === NEW) this.out = resultFloats(count);
    index?.expectNoOverflow('Positions', takes.positions!);
    if (!inPlace) this.x = unshared(data, count);
  }

  /** `out` must have room for `needed` elements and share no byte with an input: `ERR_SHAPE`, `ERR_OVERLAP`. */
  #checkOut(needed: number, x: Float32Array | null): void {
    const { out } = this;
    if (out === NEW) return;
    const length = lengthOf(out);
    if (length < needed) throw lengthError('out', length, `the result has ${needed} elements`);
    this.#expectSeparate('out', out, x);
  }

  /** The same for the gradient of `needed` weights. */
  #checkWeightsGrad(needed: number): void {
    const name = 'perSampleWeightsGrad';
    const { weightsGrad } = this;
    if (weightsGrad === undefined) return;
    const length = lengthOf(weightsGrad);
    if (length < needed) throw lengthError(name, length, `there are ${needed} ids`);
    this.#expectSeparate(name, weightsGrad, this.#grad!.data);
  }

  /** An output must share no byte with an input; `floats` are those besides the weights. */
  #expectSeparate(name: string, out: Float32Array, floats: Float32Array | null): void {
    const ids = this.#ids;
    const index = this.#index;
    const { weights } = this;
    if (ids !== null && ids.overlaps(out)) throw overlapError(ids.name, name);
    if (floats !== null && overlaps(floats, out)) throw overlapError(this.#takes.xName, name);
    if (index !== null && index.overlaps(out)) throw overlapError(index.name, name);
    if (weights !== undefined && overlaps(weights, out)) throw overlapError('perSampleWeights', name);
  }

  /** Reports ids or offsets that do not fit 32 bits, or a lower one that is wrong, in the order of a kernel's checks. */
  #refuseOverflow(): void {
    const takes = this.#takes;
    const ids = this.#ids!;
    const index = this.#index;
    if (index !== null && takes.bags) {
      const broken = brokenOffset(index, ids.count, takes.includeLastOffset);
      if (broken !== null) throw broken;
    }
    ids.expectBelow(takes.kind, takes.bound);
    if (index !== null && !takes.bags) index.expectBelow('Positions', takes.positions!);
  }

  /** Ends the call: throws the error for the status of its kernel, or returns scratch memory to the pool. */
  done(status: number = DONE): this {
    if (status !== DONE) throw this.#failure(status);
    this.#ids?.release();
    this.#index?.release();
    return this;
  }

  #failure(status: number): TokenbedError {
    const { kind, bound, positions, bags, includeLastOffset } = this.#takes;
    const ids = this.#ids;
    if (status >= 0 && ids !== null) return ids.outOfRange(kind, status, bound);
    if (bags) return brokenOffset(this.#index!, ids!.count, includeLastOffset)!;
    return this.#index!.outOfRange('Positions', status >= 0 ? status : -2 - status, positions!);
  }

  /** The result of a call that was not passed an `out`. */
  tensor(): Tensor<'f32'> {
    return tensorOf(this.out as Float32Array<ArrayBuffer>, this.#shape());
  }

  #shape(): readonly number[] {
    if (this.#x !== null) return this.#x.shape;
    const { dim, bags } = this.#takes;
    return bags || this.#ids!.rank === 1 ? [this.rows, dim] : [...this.#ids!.shape, dim];
  }
}

/** Throws `ERR_RANK` unless the rank is one of those expected; `null`: any. */
export function expectRank(
  rank: number,
  { shape }: { readonly shape: readonly number[] },
  expected: Rank | null,
): void {
  if (expected === null || (rank >= expected.min && rank <= expected.max)) return;
  throw rankError(expected.expected, shape);
}

function expectSequence(length: number, startPos: number, positions: number): void {
  if (startPos + length > positions) throw sequenceTooLong(length, startPos, positions);
}

/** Position ids must be `[seq]`, or `[batch, seq]` if the rows have a batch axis. */
function expectPositionShape(ids: Ids, seq: number, batch: number | null): void {
  const { shape } = ids;
  if (shape.length === 1 && shape[0] === seq) return;
  if (shape.length === 2 && shape[0] === batch && shape[1] === seq) return;
  const wanted = batch === null ? `[${seq}]` : `[${seq}] or [${batch}, ${seq}]`;
  const text = `positionIds must have shape ${wanted}: got ${formatShape(shape)}`;
  throw fail(RangeError, 'ERR_SHAPE', text, { shape: [...shape] });
}
