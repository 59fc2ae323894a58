/**
 * Saving of optimizers, as safetensors.
 *
 * ```text
 * i.rows             U32 [count], the rows of parameter i with state, ascending
 * i.momentum, ...    F32 [count, D], or [count, 1] for RowwiseAdagrad
 * __metadata__       format, version; optimizer: the class; options: JSON of every option and lr;
 *                    parameters: JSON of [{ shape, step, p1?, p2? }], with P1 and P2 of Adam
 * ```
 * Everything is checked before anything is made.
 */

import type { OrdinaryBytes } from '../args/arrays.js';
import { expectNames, expectOptions, type Named, named } from '../args/options.js';
import { describe, fail, invalidArray, type TokenbedError } from '../errors.js';
import { type FileTensor, type Header, readHeader } from '../files/header.js';
import { BytesInput, malformed } from '../files/input.js';
import { type OutTensor, safetensorsBytes } from '../files/save.js';
import { bytesOf } from '../files/source.js';
import { runSync } from '../files/steps.js';
import { isTrainable, notTrainable } from '../gradient.js';
import { type Parameter, trainingOf } from '../parameter.js';
import { floatBytes } from '../table-spec.js';
import { internalsOf, type OptimizerInternals, type ParameterState } from './parameter-state.js';
import { readParameters, type Rule, type Settings, type StateTensor } from './rule.js';

const FORMAT = 'tokenbed-optimizer';
const VERSION = '1';

/** The bytes of an array. */
const raw = ({ buffer, byteOffset, byteLength }: Uint32Array | Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** The tensors of parameter `i`. Copies are made one after the other. */
function tensorsOf(state: ParameterState, i: number): OutTensor[] {
  const { count, width, tensors } = state;
  if (tensors.length === 0) return [];
  const rows: OutTensor = {
    name: `${i}.rows`,
    dtype: 'U32',
    shape: [count],
    bytes: floatBytes(count),
    pieces: () => [raw(state.rows())],
  };
  const values = tensors.map((name, tensor): OutTensor => ({
    name: `${i}.${name}`,
    dtype: 'F32',
    shape: [count, width],
    bytes: floatBytes(count * width),
    pieces: () => [raw(state.values(tensor))],
  }));
  return [rows, ...values];
}

/** The bytes of an optimizer. Errors: `ERR_TOO_LARGE`. */
export function toBytes({ settings, states }: OptimizerInternals, rule: Rule, lr: number): OrdinaryBytes {
  const hasProducts = settings.beta1 !== undefined;
  const parameters = states.map(({ internals, step, product1, product2 }) => ({
    shape: [internals.table.rows, internals.table.dim],
    step,
    ...(hasProducts ? { p1: product1, p2: product2 } : {}),
  }));
  return safetensorsBytes(states.flatMap(tensorsOf), [
    ['format', FORMAT],
    ['version', VERSION],
    ['optimizer', rule.name],
    ['options', JSON.stringify({ ...settings, lr })],
    ['parameters', JSON.stringify(parameters)],
  ]);
}

/** `ERR_FORMAT` for the bytes of an optimizer. */
const wrong = (rule: string, byte?: number): TokenbedError =>
  malformed('bytes', rule, byte === undefined ? {} : { byte });

/** A parameter of the saved optimizer. */
interface Saved {
  readonly shape: readonly [number, number];
  readonly step: number;
  readonly p1: number;
  readonly p2: number;
}

/** What is restored of one parameter. */
interface Restored {
  readonly saved: Saved;
  readonly rows: Uint32Array;
  readonly values: readonly Float32Array[];
}

/** JSON of the metadata. Errors: `ERR_FORMAT`. */
function json(metadata: Header['metadata'], name: string): unknown {
  const text = metadata[name];
  if (text === undefined) throw wrong(`the metadata lack ${name}`);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw wrong(`the metadata ${name} are not JSON`);
  }
}

function expectMetadata(metadata: Header['metadata'], name: string, expected: string): void {
  const value = metadata[name];
  if (value === expected) return;
  const got = value === undefined ? 'nothing' : describe(value);
  throw wrong(`the metadata ${name} must be ${JSON.stringify(expected)}: got ${got}`);
}

/** The options of the saved optimizer: those that its constructor accepts, all of them. Errors: `ERR_FORMAT`. */
function readSettings(rule: Rule, value: unknown): Settings {
  try {
    expectOptions(value);
    expectNames(value, rule.options);
    const absent = rule.options.find((name) => value[name] === undefined);
    if (absent !== undefined) throw wrong(`the metadata options lack ${absent}`);
    return rule.read(value);
  } catch (error) {
    const { code, message } = error as TokenbedError;
    throw code === 'ERR_FORMAT' ? error : wrong(`the metadata options: ${message}`);
  }
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Whether a product of `step` betas can have this value: 1 before the first step, then at most `beta`. */
const isProduct = (value: unknown, step: number, beta: number): value is number =>
  typeof value === 'number' && (step === 0 ? value === 1 : value >= 0 && value <= beta);

/** The list of saved parameters. Errors: `ERR_FORMAT`. */
function readSaved(value: unknown, { beta1, beta2 }: Settings): Saved[] {
  if (!Array.isArray(value)) throw wrong('the metadata parameters are not an array');
  return value.map((entry: Named | null, i) => {
    const where = `entry ${i} of the metadata parameters`;
    if (typeof entry !== 'object' || entry === null) throw wrong(`${where} is not an object`);
    const { shape, step, p1 = 1, p2 = 1 } = entry;
    const adam = beta1 !== undefined && beta2 !== undefined;
    const known = adam ? ['shape', 'step', 'p1', 'p2'] : ['shape', 'step'];
    const unknown = Object.keys(entry).find((name) => !known.includes(name));
    if (unknown !== undefined) throw wrong(`${where} has an unknown ${JSON.stringify(unknown)}`);
    if (!Array.isArray(shape) || shape.length !== 2 || !shape.every(isSize)) {
      throw wrong(`${where}: shape must be two integers >= 0`);
    }
    if (!isSize(step)) throw wrong(`${where}: step must be an integer >= 0`);
    if (adam && !(isProduct(entry['p1'], step, beta1) && isProduct(entry['p2'], step, beta2))) {
      throw wrong(`${where}: p1 and p2 must be products of ${step} betas`);
    }
    return { shape: shape as [number, number], step, p1: p1 as number, p2: p2 as number };
  });
}

/** Throws `ERR_SHAPE` unless the saved parameters have the shapes of `parameters`. */
function expectShapes(saved: readonly Saved[], parameters: readonly Parameter[]): void {
  if (saved.length !== parameters.length) {
    const text = `The bytes have ${saved.length} parameters, got ${parameters.length}`;
    throw fail(RangeError, 'ERR_SHAPE', text, { expected: saved.length, got: parameters.length });
  }
  saved.forEach(({ shape }, i) => {
    const got = parameters[i]!.shape;
    if (got[0] === shape[0] && got[1] === shape[1]) return;
    const text = `Parameter ${i} has shape [${got.join(', ')}], in the bytes it has [${shape.join(', ')}]`;
    throw fail(RangeError, 'ERR_SHAPE', text, { expected: [...shape], got: [...got] });
  });
}

/** The tensors of a file by name. */
class Tensors {
  readonly #bytes: Uint8Array;
  readonly #left: Map<string, FileTensor>;

  constructor(bytes: Uint8Array, tensors: readonly FileTensor[]) {
    this.#bytes = bytes;
    this.#left = new Map(tensors.map((tensor) => [tensor.name, tensor]));
    const twice = tensors.find((tensor) => this.#left.get(tensor.name) !== tensor);
    if (twice !== undefined) {
      throw wrong(`the tensor ${JSON.stringify(twice.name)} appears twice`, twice.offset);
    }
  }

  /** A copy of the bytes of a tensor, which is then done. `count`: its first size; undefined: any. Errors: `ERR_FORMAT`. */
  take(
    name: string,
    dtype: string,
    columns: number | undefined,
    count?: number,
  ): { readonly tensor: FileTensor; readonly buffer: ArrayBuffer } {
    const tensor = this.#left.get(name);
    if (tensor === undefined) throw wrong(`the tensor ${JSON.stringify(name)} is missing`);
    this.#left.delete(name);
    const { shape, offset, bytes } = tensor;
    const wanted = columns === undefined ? [count ?? shape[0]] : [count ?? shape[0], columns];
    if (
      tensor.dtype !== dtype ||
      shape.length !== wanted.length ||
      shape.some((size, i) => size !== wanted[i])
    ) {
      const expected = wanted.map((size) => size ?? 'count').join(', ');
      const text = `the tensor ${JSON.stringify(name)} must be ${dtype} of shape [${expected}]`;
      throw wrong(`${text}: it is ${tensor.dtype} of shape [${shape.join(', ')}]`, offset);
    }
    const buffer = new ArrayBuffer(bytes);
    new Uint8Array(buffer).set(this.#bytes.subarray(offset, offset + bytes));
    return { tensor, buffer };
  }

  /** Throws `ERR_FORMAT` if a tensor was not read. */
  expectNone(): void {
    for (const { name, offset } of this.#left.values()) {
      throw wrong(`the tensor ${JSON.stringify(name)} belongs to nothing`, offset);
    }
  }
}

/** Reads the state of parameter `i`. Errors: `ERR_FORMAT`. */
function readState(
  tensors: Tensors,
  names: readonly StateTensor[],
  width: number,
  saved: Saved,
  i: number,
): Restored {
  if (names.length === 0) return { saved, rows: new Uint32Array(0), values: [] };
  const { tensor, buffer } = tensors.take(`${i}.rows`, 'U32', undefined);
  const rows = new Uint32Array(buffer);
  const [bound] = saved.shape;
  rows.forEach((row, at) => {
    const low = at === 0 ? -1 : rows[at - 1]!;
    if (row > low && row < bound) return;
    const rule = row >= bound ? `below ${bound}` : 'ascending';
    throw wrong(`the rows of parameter ${i} must be ${rule}: got ${row} at [${at}]`, tensor.offset + 4 * at);
  });
  const values = names.map(
    (name) => new Float32Array(tensors.take(`${i}.${name}`, 'F32', width, rows.length).buffer),
  );
  return { saved, rows, values };
}

/** Gives a new optimizer the saved state. Errors: `ERR_TOO_LARGE`. */
function restore(state: ParameterState, { saved, rows, values }: Restored): void {
  state.step = saved.step;
  state.product1 = saved.p1;
  state.product2 = saved.p2;
  if (rows.length === 0) return;
  const handle = state.handle.handle();
  state.expectRoom(state.kernels.optimizerRestore(handle, rows), rows.length);
  values.forEach((tensor, i) => state.kernels.optimizerWrite(handle, i, tensor));
}

/** What the constructor of an optimizer takes. */
type Options = Settings & { readonly parameters: readonly Parameter[] };

/** The optimizer of class `create` and its rule whose bytes these are. Errors: see `SGD.fromBytes`. */
export function fromBytes<T extends { dispose(): void }>(
  create: new (options: Options) => T,
  rule: Rule,
  argument: unknown,
  options: unknown,
): T {
  const values = named(options, ['parameters'], { required: true });
  const parameters = readParameters(values['parameters']);
  const bytes = bytesOf(argument, 'bytes');
  if (bytes === undefined) throw invalidArray('bytes', 'an ArrayBuffer or a view of one', describe(argument));
  const all = parameters.map((parameter) => trainingOf(parameter)!);
  for (const { lifetime, table } of all) {
    lifetime.check();
    if (!isTrainable(table)) throw notTrainable(table);
  }
  const { kernels } = all[0]!.table.backend;
  const { header } = runSync(readHeader(kernels, new BytesInput(bytes), 'safetensors'));
  const { metadata, tensors } = header as Header;
  expectMetadata(metadata, 'format', FORMAT);
  expectMetadata(metadata, 'version', VERSION);
  expectMetadata(metadata, 'optimizer', rule.name);
  const settings = readSettings(rule, json(metadata, 'options'));
  const saved = readSaved(json(metadata, 'parameters'), settings);
  expectShapes(saved, parameters);
  const left = new Tensors(bytes, tensors);
  const names = rule.tensors(settings);
  const restored = saved.map((entry, i) => readState(left, names, rule.width(entry.shape[1]), entry, i));
  left.expectNone();
  const optimizer = new create({ ...settings, parameters });
  try {
    internalsOf(optimizer).states.forEach((state, i) => restore(state, restored[i]!));
  } catch (error) {
    optimizer.dispose();
    throw error;
  }
  return optimizer;
}
