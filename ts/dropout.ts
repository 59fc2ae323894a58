/** Inverted dropout: which elements fall is a function of (seed, call, element), so every run can be repeated. */

import { type Named, real } from './options.js';
import { halves, readSeed } from './seed.js';

/** The dropout of one object: off until `training`, and one number further with every successful call. */
export class Dropout {
  training = false;
  #calls = 0;
  readonly #low: number;
  readonly #high: number;

  constructor(
    /** The probability with which an element is dropped: 0 <= p < 1. */
    readonly p: number,
    readonly seed: number | bigint,
  ) {
    [this.#low, this.#high] = halves(seed);
  }

  /** Reads the options `dropout` and `seed`. */
  static read(options: Named): Dropout {
    const p = real(options, 'dropout', { min: 0, below: 1 }, 0);
    return new Dropout(p, readSeed(options));
  }

  /** What a kernel needs to know: p (0 when off), both halves of the seed, and the number of this call. */
  get draw(): readonly [p: number, seedLow: number, seedHigh: number, call: number] {
    return [this.training ? this.p : 0, this.#low, this.#high, this.#calls % 2 ** 32];
  }

  /** Counts a call that succeeded. */
  done(): void {
    if (this.training && this.p > 0) this.#calls++;
  }
}
