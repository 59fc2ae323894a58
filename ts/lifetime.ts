/// <reference lib="esnext.disposable" preserve="true" />
/** Disposal: what every object with `dispose()` shares. */

import { disposedError } from './errors.js';

const ownDispose: typeof Symbol.dispose | undefined = Symbol.dispose;

/** The name of the method that `using` calls: `Symbol.dispose`, or without it the symbol that transpilers use. */
export const DISPOSE: typeof Symbol.dispose =
  ownDispose ?? (Symbol.for('Symbol.dispose') as typeof Symbol.dispose);

/** Whether an object, and the objects that it uses, can still be used. */
export class Lifetime {
  #ended = false;

  /** `name`: what error messages call the object; `parts`: the lifetimes of the objects that it uses. */
  constructor(
    private readonly name: string,
    private readonly first: Lifetime | null = null,
    private readonly second: Lifetime | null = null,
  ) {}

  /** Whether the object itself was disposed. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Throws `ERR_DISPOSED` if the object or one of its parts was disposed; the message names which. */
  check(): void {
    if (this.#ended) throw disposedError(this.name);
    this.first?.check();
    this.second?.check();
  }

  /** Idempotent. */
  end(): void {
    this.#ended = true;
  }
}
