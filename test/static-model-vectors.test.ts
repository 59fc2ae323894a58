/**
 * Variants of the real model give the ids and the vectors of model2vec 0.10.0, to the bit: those with the hashes that
 * `npm run test:references -- --write` wrote. test/texts/static_models.py makes the same variants with numpy.
 */

import { Embedding, StaticModel, type StaticModelFiles } from 'tokenbed';
import { beforeAll, expect, it } from 'vitest';
import { answersThroughout } from './helpers/backend.js';
import { bits } from './helpers/bits.js';
import { realModel, tokensOf } from './helpers/real-model.js';
import { sampleTexts } from './helpers/sample-texts.mjs';
import { model } from './helpers/static-model.js';
import triples from './models/triples.json' with { type: 'json' };
import golden from './vectors/golden/static-models.json' with { type: 'json' };

answersThroughout();

interface Variant {
  readonly dtype: string;
  readonly rows: number;
  readonly dim: number;
  readonly mapping: string | null;
  readonly weights: string | null;
  readonly normalize: boolean;
  readonly maxLength: number | null;
  readonly ids: string;
  readonly vectors: string;
}

const VARIANTS: Readonly<Record<string, Variant>> = golden.variants;

let files: Awaited<ReturnType<typeof realModel>>;
let texts: string[];
let table: Float32Array;
let columns: number;

beforeAll(async () => {
  files = await realModel();
  texts = sampleTexts(
    tokensOf(files.tokenizer),
    triples.flatMap((triple) => Object.values(triple)),
  );
  using embedding = await Embedding.load(files.model);
  table = embedding.weight.toTensor().data;
  columns = embedding.embeddingDim;
});

async function sha256(data: string | Float32Array): Promise<string> {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : bits(data);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** round(127 x / max |x|), the middle to the even neighbour. */
function quantized(rows: Float32Array): Int8Array {
  let most = 0;
  for (const x of rows) most = Math.max(most, Math.abs(x));
  const [scale, out] = [127 / most, new Int8Array(rows.length)];
  for (let i = 0; i < rows.length; i++) {
    const value = rows[i]! * scale;
    const rounded = Math.round(value);
    out[i] = rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
  }
  return out;
}

/** The files of a variant. */
function made({ dtype, rows, dim, mapping, weights, normalize, maxLength }: Variant): StaticModelFiles {
  const tokens = table.length / columns;
  const part = new Float32Array(rows * dim);
  for (let row = 0; row < rows; row++) {
    part.set(table.subarray(row * columns, row * columns + dim), row * dim);
  }
  const rowOf = Int32Array.from({ length: tokens }, (_, id) => (7919 * id) % rows);
  const weightOf = Float64Array.from(
    { length: tokens },
    (_, id) => 0.25 + ((2654435761 * id) % 2 ** 32) / 2 ** 32,
  );
  return {
    ...model({
      rows: part,
      dim,
      ...(mapping !== null && { mapping: mapping === 'I64' ? BigInt64Array.from(rowOf, BigInt) : rowOf }),
      ...(weights !== null && { weights: weights === 'F64' ? weightOf : Float32Array.from(weightOf) }),
      ...(dtype === 'I8' && { extra: { embeddings: { dtype, shape: [rows, dim], data: quantized(part) } } }),
      config: { normalize, max_length: maxLength },
    }),
    tokenizer: files.tokenizer,
  };
}

it('the texts are those that Python read', async () => {
  expect(texts).toHaveLength(golden.texts.count);
  expect(await sha256(JSON.stringify(texts))).toBe(golden.texts.sha256);
});

it('the ids are those that are kept', async () => {
  using real = await StaticModel.load(files);
  expect(real.tokenize(texts.slice(0, golden.ids.length))).toEqual(golden.ids);
});

it.each(Object.keys(VARIANTS))('%s', async (name) => {
  const variant = VARIANTS[name]!;
  using small = await StaticModel.load(made(variant));
  expect(await sha256(JSON.stringify(small.tokenize(texts)))).toBe(variant.ids);
  expect(await sha256(small.embed(texts).data)).toBe(variant.vectors);
});

it('the committed model, as i4 and stored otherwise as f32', async () => {
  const { ids, vectors } = golden.variants.f32;
  for (const dtype of ['keep', 'f32'] as const) {
    using real = await StaticModel.load(files, { dtype });
    expect(await sha256(JSON.stringify(real.tokenize(texts)))).toBe(ids);
    expect(await sha256(real.embed(texts).data)).toBe(vectors);
  }
});
