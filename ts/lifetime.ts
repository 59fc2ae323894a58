/// <reference lib="esnext.disposable" preserve="true" />
/** Disposal, for every object with `dispose()`. */

import { disposedError } from './errors.js';

const ownDispose: typeof Symbol.dispose | undefined = Symbol.dispose;

/** The name of the method that `using` calls: `Symbol.dispose`, or the symbol that transpilers use if it is missing. */
export const DISPOSE: typeof Symbol.dispose =
  ownDispose ?? (Symbol.for('Symbol.dispose') as typeof Symbol.dispose);

/** Whether an object and the objects that it uses are still alive. */
export class Lifetime {
  #ended = false;
  readonly #name: string;
  readonly #first: Lifetime | undefined;
  readonly #second: Lifetime | undefined;

  /** `name`: its name in error messages; `first`, `second`: the lifetimes of the objects that it uses. */
  constructor(name: string, first?: Lifetime, second?: Lifetime) {
    this.#name = name;
    this.#first = first;
    this.#second = second;
  }

  /** Whether the object itself was disposed. */
  get ended(): boolean {
    return this.#ended;
  }

  /** `live` or `disposed`, for the comparison of objects. */
  get text(): string {
    return this.#ended ? 'disposed' : 'live';
  }

  /** Throws `ERR_DISPOSED` if the object or one of its parts was disposed. The message names the disposed one. */
  check(): void {
    if (this.#ended) throw disposedError(this.#name);
    if (this.#first !== undefined) this.#first.check();
    if (this.#second !== undefined) this.#second.check();
  }

  /** Idempotent. */
  end(): void {
    this.#ended = true;
  }
}
