/** Turns errors that a binding throws into `ERR_INTERNAL`: each is a bug of this package. */

import { fail, type TokenbedError } from '../errors.js';

type Exported = (...args: unknown[]) => unknown;

/** The error for a bug; `cause` is the error that the binding threw. The message is the same on every backend. */
export function internalError(text: string, cause: unknown): TokenbedError {
  return fail(Error, 'ERR_INTERNAL', `Internal error, a defect of tokenbed: ${text}`, { cause });
}

/** Whether a binding can still be used; once `lost` is set, each of its functions throws. */
export interface Health {
  /** The error that made the binding unusable. */
  lost: TokenbedError | null;
}

/** The error for what a WASM instance threw. A trap leaves the instance in an unknown state: it is not used again. */
export function instanceError(
  binding: { lastPanic(): string },
  health: Health,
  error: unknown,
): TokenbedError {
  if (!(error instanceof WebAssembly.RuntimeError)) return internalError((error as Error).message, error);
  health.lost = internalError(panicText(binding) || error.message, error);
  return health.lost;
}

function panicText(binding: { lastPanic(): string }): string {
  try {
    return binding.lastPanic();
  } catch {
    return '';
  }
}

/**
 * Wraps each function of `binding` in a `try`; `failed` converts the errors that they throw.
 *
 * The wrappers have seven parameters, the most that a kernel takes. Absent arguments cost nothing, but a rest parameter
 * would allocate an array on every call.
 */
export function guarded<B extends object>(
  binding: B,
  health: Health,
  failed: (error: unknown) => TokenbedError,
): B {
  const guard =
    (run: Exported): Exported =>
    (a, b, c, d, e, f, g) => {
      if (health.lost !== null) throw internalError('this instance was given up after a trap', health.lost);
      try {
        return run(a, b, c, d, e, f, g);
      } catch (error) {
        throw failed(error);
      }
    };
  const entries = Object.entries(binding).filter(([, value]) => typeof value === 'function');
  return Object.fromEntries(entries.map(([name, run]) => [name, guard(run as Exported)])) as B;
}
