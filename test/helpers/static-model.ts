/** Small static models, and their vectors in plain JavaScript. */

import type { StaticModelFiles } from 'tokenbed';
import { join, tensors } from './files.js';
import { wordPiece } from './tokenizer-files.js';

/** A tensor of a model. */
interface Stored {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView;
}

/** What a model consists of. */
export interface Parts {
  readonly rows: Float32Array;
  readonly dim: number;
  /** The name of the table. */
  readonly name?: string;
  readonly mapping?: Int32Array | BigInt64Array;
  readonly weights?: Float32Array | Float64Array;
  /** Instead of the tensors that follow from the above. */
  readonly extra?: Readonly<Record<string, Stored>>;
  readonly config?: unknown;
  readonly modules?: unknown;
  readonly tokenizer?: object;
}

/** The number of tokens of {@link wordPiece}. */
export const TOKENS = Object.keys(wordPiece.model.vocab).length;

/** Values between -1 and 1, the same each time. */
export function values(count: number, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
}

const json = (value: unknown): Uint8Array<ArrayBuffer> => join(JSON.stringify(value));

/** The files of a model. */
export function model(parts: Parts): { [Key in keyof StaticModelFiles]: Uint8Array<ArrayBuffer> } & {
  model: Uint8Array<ArrayBuffer>;
  tokenizer: Uint8Array<ArrayBuffer>;
} {
  const { rows, dim, name = 'embeddings', mapping, weights, extra = {}, config, modules, tokenizer } = parts;
  const list: Record<string, Stored> = {
    // A file of 8-byte values begins with them, so that they are aligned.
    ...(mapping === undefined
      ? {}
      : {
          mapping: {
            dtype: mapping.BYTES_PER_ELEMENT === 8 ? 'I64' : 'I32',
            shape: [mapping.length],
            data: mapping,
          },
        }),
    ...(weights === undefined
      ? {}
      : {
          weights: {
            dtype: weights.BYTES_PER_ELEMENT === 8 ? 'F64' : 'F32',
            shape: [weights.length],
            data: weights,
          },
        }),
    [name]: { dtype: 'F32', shape: [rows.length / dim, dim], data: rows },
    ...extra,
  };
  return {
    model: tensors(list),
    tokenizer: json(tokenizer ?? wordPiece),
    ...(config === undefined ? {} : { config: json(config) }),
    ...(modules === undefined ? {} : { modules: json(modules) }),
  };
}

const f32 = Math.fround;

/** numpy's pairwise sum of squares. */
function pairwise(x: Float32Array): number {
  const n = x.length;
  const square = (i: number): number => f32(x[i]! * x[i]!);
  if (n < 8) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum = f32(sum + square(i));
    return sum;
  }
  if (n > 128) {
    const half = (n >> 1) - ((n >> 1) % 8);
    return f32(pairwise(x.subarray(0, half)) + pairwise(x.subarray(half)));
  }
  const r = Array.from({ length: 8 }, (_, i) => square(i));
  let i = 8;
  for (; i < n - (n % 8); i += 8) for (let k = 0; k < 8; k++) r[k] = f32(r[k]! + square(i + k));
  const [a, b, c, d, e, f, g, h] = r as [number, number, number, number, number, number, number, number];
  let sum = f32(f32(f32(a + b) + f32(c + d)) + f32(f32(e + f) + f32(g + h)));
  for (; i < n; i++) sum = f32(sum + square(i));
  return sum;
}

/** The sum of squares in 16 lanes. */
function inLanes(x: Float32Array): number {
  const lanes = new Float32Array(16);
  for (let i = 0; i < x.length; i++) lanes[i % 16] = lanes[i % 16]! + f32(x[i]! * x[i]!);
  for (let h = 8; h >= 1; h /= 2) for (let j = 0; j < h; j++) lanes[j] = lanes[j]! + lanes[j + h]!;
  return lanes[0]!;
}

/** The vector of a text of these ids. */
export function vector(
  ids: readonly number[],
  { rows, dim, mapping, weights }: Parts,
  compat: 'model2vec' | 'sentence-transformers',
  normalize: boolean,
): Float32Array {
  const out = new Float32Array(dim);
  if (ids.length === 0) return out;
  const precise = weights instanceof Float64Array && compat === 'model2vec';
  const round = precise ? (x: number): number => x : f32;
  for (let c = 0; c < dim; c++) {
    let sum = 0;
    for (const id of ids) {
      const row = mapping === undefined ? id : Number(mapping[id]);
      const x = rows[row * dim + c]!;
      sum = round(sum + (weights === undefined ? x : round(x * weights[id]!)));
    }
    out[c] = sum / ids.length;
  }
  if (!normalize) return out;
  const norm =
    compat === 'model2vec'
      ? f32(f32(Math.sqrt(pairwise(out))) + f32(1e-32))
      : Math.max(f32(Math.sqrt(inLanes(out))), f32(1e-12));
  return out.map((x) => x / norm);
}
