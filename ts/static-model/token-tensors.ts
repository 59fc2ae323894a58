/** The tensors of a static model that have an entry for each token: `mapping` and `weights`. */

import type { OrdinaryBytes, OrdinaryIds } from '../args/arrays.js';
import type { FileTensor } from '../files/header.js';
import { malformed } from '../files/input.js';

/** The names and dtypes of the tensors. */
const READABLE = { mapping: ['I32', 'I64'], weights: ['F64', 'F32', 'F16'] };

/**
 * Finds `mapping` and `weights`. Errors: `ERR_FORMAT` for another dtype or shape, or unequal lengths.
 */
export function findTokenTensors(path: string, tensors: readonly FileTensor[]): FileTensor[] {
  const found = tensors.filter(({ name }) => Object.hasOwn(READABLE, name));
  for (const { name, dtype, shape, offset } of found) {
    const dtypes = READABLE[name as keyof typeof READABLE];
    if (dtypes.includes(dtype) && shape.length === 1) continue;
    const rule = `the tensor "${name}" must be ${dtypes.join(' or ')} [tokens]: it is ${dtype} [${shape.join(', ')}]`;
    throw malformed(path, rule, { byte: offset });
  }
  const [first, second] = found;
  if (first !== undefined && second !== undefined && first.shape[0] !== second.shape[0]) {
    const rule = `"${first.name}" has ${first.shape[0]} entries and "${second.name}" ${second.shape[0]}: both have one for each token`;
    throw malformed(path, rule, { byte: second.offset });
  }
  return found;
}

/** The values of the tensors, as the kernel takes them. */
export interface TokenValues {
  /** The row of each token; absent: its id. */
  readonly mapping?: OrdinaryIds;
  /** The weight of each token. */
  readonly weights?: Float32Array;
  /** Weights in f64, instead. */
  readonly preciseWeights?: Float64Array;
}

/** Reads the values. Errors: `ERR_FORMAT` for a mapping to a row that the table does not have. */
export function readTokenValues(
  path: string,
  tensors: ReadonlyMap<FileTensor, OrdinaryBytes>,
  rows: number,
): TokenValues {
  const find = (name: string) => [...tensors].find(([tensor]) => tensor.name === name);
  const [mapping, weights] = [find('mapping'), find('weights')];
  return {
    ...(mapping && { mapping: readMapping(path, ...mapping, rows) }),
    ...(weights && readWeights(weights[0].dtype, weights[1])),
  };
}

/** The rows of a mapping, in I32 or I64. */
function readMapping(
  path: string,
  { dtype, offset }: FileTensor,
  bytes: OrdinaryBytes,
  rows: number,
): OrdinaryIds {
  const words = new Uint32Array(bytes.buffer, 0, bytes.length / 4);
  const size = dtype === 'I64' ? 8 : 4;
  const mapping = size === 4 ? words : words.filter((_, i) => i % 2 === 0);
  for (let i = 0; i < mapping.length; i++) {
    if (mapping[i]! < rows && (size === 4 || words[2 * i + 1] === 0)) continue;
    const view = new DataView(bytes.buffer);
    const value = size === 4 ? view.getInt32(4 * i, true) : view.getBigInt64(8 * i, true);
    const rule = `the tensor "mapping" must have rows of the table, in range [0, ${rows}): got ${value} at [${i}]`;
    throw malformed(path, rule, { byte: offset + size * i });
  }
  return mapping;
}

function readWeights(dtype: string, { buffer, length }: OrdinaryBytes): TokenValues {
  if (dtype === 'F64') return { preciseWeights: new Float64Array(buffer, 0, length / 8) };
  if (dtype === 'F32') return { weights: new Float32Array(buffer, 0, length / 4) };
  return { weights: Float32Array.from(new Uint16Array(buffer, 0, length / 2), widened) };
}

/** The number with the bits of an f16. */
function widened(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size =
    exponent === 31
      ? fraction === 0
        ? Infinity
        : NaN
      : exponent === 0
        ? fraction * 2 ** -24
        : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits >> 15 === 0 ? size : -size;
}
