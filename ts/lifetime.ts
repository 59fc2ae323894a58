/// <reference lib="esnext.disposable" preserve="true" />
/**
 * `Symbol.dispose`, for `using`; on engines that lack it the name that transpilers look for in its place.
 */

const ownDispose: typeof Symbol.dispose | undefined = Symbol.dispose;

/** The name of the method that `using` calls at the end of a block. */
export const DISPOSE: typeof Symbol.dispose =
  ownDispose ?? (Symbol.for('Symbol.dispose') as typeof Symbol.dispose);
