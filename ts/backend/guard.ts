/** Whatever a binding throws is a defect of ours: it becomes `ERR_INTERNAL`, for every function at once. */

import { fail, type TokenbedError } from '../errors.js';

type Exported = (...args: unknown[]) => unknown;

/** The error for a defect; `cause` is what the binding threw. The same words on every backend. */
export function internalError(text: string, cause: unknown): TokenbedError {
  return fail(Error, 'ERR_INTERNAL', `Internal error, a defect of tokenbed: ${text}`, { cause });
}

/**
 * The functions of `binding`, each inside a `try`.
 *
 * A fixed list of parameters, as many as the widest kernel takes: V8 passes absent ones for nothing, while a rest
 * parameter would allocate an array on every call.
 */
export function guarded<B extends object>(binding: B, failed: (error: unknown) => TokenbedError): B {
  const guard =
    (run: Exported): Exported =>
    (a, b, c, d, e, f, g, h, i, j, k, l) => {
      try {
        return run(a, b, c, d, e, f, g, h, i, j, k, l);
      } catch (error) {
        throw failed(error);
      }
    };
  const entries = Object.entries(binding).filter(([, value]) => typeof value === 'function');
  return Object.fromEntries(entries.map(([name, run]) => [name, guard(run as Exported)])) as B;
}
