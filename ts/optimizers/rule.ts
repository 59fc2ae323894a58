/** What distinguishes the classes of optimizers: their options and the tensors of their state. */

import { entriesOf, isArray } from '../args/arrays.js';
import { flag, type Named, real } from '../args/options.js';
import { describe, fail, wrongKind, wrongValue } from '../errors.js';
import { type Parameter, trainingOf } from '../parameter.js';

/** The name of a tensor of the state. */
export type StateTensor = 'momentum' | 'sum' | 'm' | 'v';

/** The options of an optimizer without its parameters. Those that a class does not have are absent. */
export interface Settings {
  readonly lr: number;
  readonly momentum?: number;
  readonly nesterov?: boolean;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly eps?: number;
  readonly initialAccumulator?: number;
  readonly weightDecay: number;
  readonly lazy: boolean;
}

/** What distinguishes a class of optimizers. */
export interface Rule {
  /** The name of the class. */
  readonly name: string;
  /** The names of the options without `parameters`, in the order in which they are checked and saved. */
  readonly options: readonly (keyof Settings)[];
  /** Checks the values of the options. Errors: `ERR_INVALID_OPTION`. */
  read(values: Named): Settings;
  /** The tensors of the state. */
  tensors(settings: Settings): readonly StateTensor[];
  /** The number of values of a row in a tensor, for a table of `dim` columns. */
  width(dim: number): number;
}

/** The option `lr`, or `fallback` if absent. */
export const readRate = (values: Named, ...fallback: [number?]): number =>
  real(values, 'lr', { min: 0 }, ...fallback) as number;

/** The option `eps`: its f32 is greater than 0. */
export function readEps(values: Named, fallback: number): number {
  const eps = real(values, 'eps', { min: 0, max: 1 }, fallback);
  if (Math.fround(eps) === 0) throw wrongValue('eps', eps, 'a number > 0 and <= 1, as f32, too');
  return eps;
}

/** The options `weightDecay` and `lazy`. */
export const readCommon = (values: Named, weightDecay: number): Pick<Settings, 'weightDecay' | 'lazy'> => ({
  weightDecay: real(values, 'weightDecay', { min: 0 }, weightDecay),
  lazy: flag(values, 'lazy', true),
});

/** An option of numbers in [0, 1). */
export const readFraction = (values: Named, name: string, fallback: number): number =>
  real(values, name, { min: 0, below: 1 }, fallback);

/**
 * The option or argument `parameters`: a new list without duplicates. Errors: `ERR_INVALID_OPTION` unless it is an array of
 * Parameters that is not empty.
 */
export function readParameters(value: unknown): readonly Parameter[] {
  const wanted = 'an array of Parameters, at least one';
  if (!isArray(value)) throw wrongKind('parameters', value, wanted);
  const list = entriesOf(value);
  if (list.length === 0) throw wrongValue('parameters', value, wanted);
  for (const [at, entry] of list.entries()) {
    if (trainingOf(entry) !== undefined) continue;
    const text = `Option parameters must be ${wanted}: got ${describe(entry)} at [${at}]`;
    throw fail(TypeError, 'ERR_INVALID_OPTION', text, { option: 'parameters', value });
  }
  return [...new Set(list as Parameter[])];
}
