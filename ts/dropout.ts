/** Inverted dropout. The dropped elements are a function of (seed, call, element), so every run is reproducible. */

import { integer, type Named, readSeed, real } from './args/options.js';
import { fail, wrongValue } from './errors.js';

/** The number of training calls that the generator can tell apart. */
const CALLS = 2 ** 32;

/** The dropout of one object: off until `training`; counts the successful calls. */
export class Dropout {
  training = false;
  #calls = 0;

  constructor(
    /** The probability that an element is dropped: 0 <= p < 1. */
    readonly p: number,
    readonly seed: number | bigint,
  ) {}

  /** Reads the options `dropout` and `seed`. */
  static read(options: Named): Dropout {
    const p = Dropout.readProbability(options);
    return new Dropout(p, readSeed(options));
  }

  /** Reads the option `dropout`. */
  static readProbability(options: Named): number {
    return real(options, 'dropout', { min: 0, below: 1 }, 0);
  }

  /** The fields of a prepared operation. */
  get record(): { dropout?: number; seed?: bigint } {
    return this.p > 0 ? { dropout: this.p, seed: BigInt(this.seed) } : {};
  }

  /** What determines the next calls, for the comparison of objects. */
  get text(): string {
    const mode = this.training ? 'training' : 'evaluating';
    const calls = this.#calls === 0 ? '' : ` call ${this.#calls}`;
    return this.p > 0 ? `${mode} dropout ${this.p} seed ${this.seed}${calls}` : mode + calls;
  }

  /** The number of successful training calls. */
  get calls(): number {
    return this.#calls;
  }

  /** Sets the number of calls. Errors: `ERR_INVALID_OPTION` unless it is an integer in 0 .. 2^32. */
  setCalls(trainingCalls: unknown): void {
    this.#calls = integer({ trainingCalls }, 'trainingCalls', { min: 0, max: CALLS });
  }

  get #drops(): boolean {
    return this.training && this.p > 0;
  }

  /** The number of the next training call; `undefined` if nothing is dropped. Errors: `ERR_TOO_LARGE` at 2^32. */
  get call(): number | undefined {
    if (!this.#drops) return undefined;
    if (this.#calls < CALLS) return this.#calls;
    const text = `There are at most ${CALLS} training calls: set trainingCalls to a lower number`;
    throw fail(RangeError, 'ERR_TOO_LARGE', text, { limit: CALLS });
  }

  /**
   * The option `call` of a backward pass: the number of the training call whose dropout applies; by default the last one.
   * `undefined` if nothing is dropped. Errors: `ERR_INVALID_OPTION`, also if there was no such call.
   */
  readCall(call: unknown): number | undefined {
    const passed = call === undefined ? undefined : integer({ call }, 'call', { min: 0 });
    if (!this.#drops) return undefined;
    const number = passed ?? this.#calls - 1;
    if (number >= 0 && number < this.#calls) return number;
    const made = this.#calls === 0 ? 'there was none' : `0 .. ${this.#calls - 1}`;
    const wanted = `the number of a training call (${made})`;
    throw wrongValue('call', call, wanted);
  }

  /** Counts a call that succeeded. */
  done(): void {
    if (this.#drops) this.#calls++;
  }
}
