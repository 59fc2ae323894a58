/** Inverted dropout. The dropped elements are a function of (seed, call, element), so every run is reproducible. */

import { type Named, readSeed, real } from './args/options.js';

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
    return this.p > 0 ? `${mode} dropout ${this.p} seed ${this.seed} call ${this.#calls}` : mode;
  }

  /** The number of the next training call; `undefined` if nothing is dropped. */
  get call(): number | undefined {
    return this.training && this.p > 0 ? this.#calls % 2 ** 32 : undefined;
  }

  /** Counts a call that succeeded. */
  done(): void {
    if (this.training && this.p > 0) this.#calls++;
  }
}
