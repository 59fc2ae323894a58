/** Clipping of gradients by their norm. */

import { positive } from '../args/options.js';
import type { Parameter } from '../parameter.js';
import { trainingOf } from '../parameter.js';
import { readParameters } from './rule.js';

/**
 * Scales the gradients of `parameters` to a common norm of `maxNorm`, if it is greater. Returns the norm before.
 *
 * ```text
 * in f64:  sum = dot(g, g) of each row, in 16 lanes, rows in ascending order, parameters in their order
 *          norm = sqrt(sum);   c = maxNorm / (norm + 1e-6);   c < 1: g = f32(g f32(c))
 * ```
 * Parameters without a gradient are skipped; one that is listed twice counts once. If the norm is not finite, nothing is
 * changed.
 *
 * Errors: `ERR_INVALID_OPTION` unless `parameters` is an array of Parameters, at least one, and `maxNorm` finite and greater
 * than 0; `ERR_DISPOSED`.
 */
export function clipGradNorm(parameters: readonly Parameter[], maxNorm: number): number {
  const all = readParameters(parameters).map((parameter) => trainingOf(parameter)!);
  const most = positive({ maxNorm }, 'maxNorm');
  for (const { lifetime } of all) lifetime.check();
  let sum = 0;
  for (const { table } of all) {
    sum = table.backend.kernels.gradientSquares(table.handle(), sum);
  }
  const norm = Math.sqrt(sum);
  const factor = most / (norm + 1e-6);
  if (!Number.isFinite(norm) || !(factor < 1)) return norm;
  for (const { table } of all) table.backend.kernels.gradientScale(table.handle(), factor);
  return norm;
}
