/** Whatever a binding throws is a defect of ours: it becomes `ERR_INTERNAL`, for every function at once. */

import { fail, type TokenbedError } from '../errors.js';

type Exported = (...args: unknown[]) => unknown;

/** The error for a defect; `cause` is what the binding threw. The same words on every backend. */
export function internalError(text: string, cause: unknown): TokenbedError {
  return fail(Error, 'ERR_INTERNAL', `Internal error, a defect of tokenbed: ${text}`, { cause });
}

/** Whether a binding can still be used; once `lost` is set, each of its functions throws. */
export interface Health {
  /** The defect after which the binding was given up. */
  lost: TokenbedError | null;
}

/**
 * The functions of `binding`, each inside a `try`; `failed` turns what they throw into an error.
 *
 * Seven parameters, the most that a kernel takes: absent ones cost nothing, while a rest parameter would allocate an
 * array on every call.
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
