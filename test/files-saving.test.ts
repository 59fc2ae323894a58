/** `toBytes`: what is written, and that loading it gives the same bits, words and metadata. */

import { Embedding } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { answersThroughout } from './helpers/backend.js';
import { expectBits } from './helpers/bits.js';
import { expectError, invalidOption } from './helpers/errors.js';
import { entry, f32Table, gguf, join, KIND, streamOf, strings, TYPE } from './helpers/files.js';
import { DTYPES, encode, ROW_BYTES, SOME_ROWS, someRows } from './helpers/stored.js';

answersThroughout();

const DIMS = [1, 2, 7, 16, 65];

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** The header of a safetensors file, and the bytes of its tensors. */
function parsed(bytes: Uint8Array): {
  header: Record<string, Entry>;
  metadata: Record<string, string>;
  data: (name: string) => Uint8Array;
} {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const { __metadata__: metadata = {}, ...header } = JSON.parse(
    new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, 8 + length)),
  ) as Record<string, Entry> & { __metadata__?: Record<string, string> };
  // Readers of other programs want the data at a multiple of 8.
  expect((8 + length) % 8).toBe(0);
  return {
    header,
    metadata,
    data: (name) =>
      bytes.subarray(8 + length + header[name]!.data_offsets[0], 8 + length + header[name]!.data_offsets[1]),
  };
}

const made = (dtype: (typeof DTYPES)[number], dim: number): Embedding =>
  Embedding.fromPretrained(someRows(dim), { embeddingDim: dim, dtype });

describe.each(DTYPES)('%s as safetensors', (dtype) => {
  it.each(DIMS)('%d columns', async (dim) => {
    const embedding = made(dtype, dim);
    const bytes = embedding.toBytes('safetensors');
    expect([bytes.byteOffset, bytes.byteLength]).toEqual([0, bytes.buffer.byteLength]);
    for (const source of [bytes, streamOf(bytes, 100), new Blob([bytes as Uint8Array<ArrayBuffer>])]) {
      const loaded = await Embedding.load(source);
      expect(loaded.dtype).toBe(dtype);
      expectBits(loaded.weight.toTensor().data, embedding.weight.toTensor().data);
      expect(loaded.toBytes('safetensors')).toEqual(bytes);
    }
  });

  it.each(DIMS)('the tensors of %d columns', (dim) => {
    const { header, metadata, data } = parsed(made(dtype, dim).toBytes('safetensors'));
    const values = someRows(dim);
    const rows = Array.from({ length: SOME_ROWS }, (_, row) =>
      encode(dtype, values.subarray(row * dim, (row + 1) * dim)),
    );
    const packed = dtype === 'i8' || dtype === 'i4';
    const name = packed ? 'weight.rows' : 'weight';
    expect(Object.keys(header)).toEqual([name]);
    const { [name]: tensor } = header;
    expect(tensor!.dtype).toBe(packed ? 'U8' : dtype.toUpperCase());
    expect(tensor!.shape).toEqual([SOME_ROWS, packed ? ROW_BYTES[dtype](dim) : dim]);
    expect(metadata).toEqual(packed ? { 'tokenbed.dtype': dtype, 'tokenbed.dim': String(dim) } : {});
    expect([...data(name)]).toEqual([...join(...(rows as Uint8Array[]))]);
  });

  it('under another name', () => {
    const embedding = made(dtype, 7);
    for (const tensor of ['embeddings', 'größe 🙂', '__proto__', 'a"b\\c\n', 'weight.rows']) {
      const bytes = embedding.toBytes('safetensors', { tensor });
      const packed = dtype === 'i8' || dtype === 'i4';
      expect(Object.keys(parsed(bytes).header)).toEqual(packed ? [`${tensor}.rows`] : [tensor]);
      for (const options of [{}, { tensor }])
        expectBits(
          Embedding.loadSync(bytes, options).weight.toTensor().data,
          embedding.weight.toTensor().data,
        );
    }
  });
});

describe('.npy', () => {
  it.each(['f32', 'f16'] as const)('%s', (dtype) => {
    for (const dim of DIMS) {
      const embedding = made(dtype, dim);
      const bytes = embedding.toBytes('npy');
      const length = new DataView(bytes.buffer).getUint16(8, true);
      expect([...bytes.subarray(0, 8)]).toEqual([0x93, ...join('NUMPY'), 1, 0]);
      expect((10 + length) % 64).toBe(0);
      const header = new TextDecoder().decode(bytes.subarray(10, 10 + length));
      const descr = dtype === 'f32' ? '<f4' : '<f2';
      expect(header).toMatch(/^\{'descr': '<f[24]', 'fortran_order': False, 'shape': \(\d+, \d+\), \} *\n$/);
      expect(header).toContain(`'${descr}'`);
      expect(header).toContain(`(${SOME_ROWS}, ${dim})`);
      expect(bytes.length).toBe(10 + length + SOME_ROWS * ROW_BYTES[dtype](dim));
      const loaded = Embedding.loadSync(bytes);
      expect(loaded.dtype).toBe(dtype);
      expectBits(loaded.weight.toTensor().data, embedding.weight.toTensor().data);
    }
  });

  it.each(['bf16', 'i8', 'i4'] as const)('%s cannot be stored', (dtype) => {
    const error = expectError(
      () => made(dtype, 4).toBytes('npy'),
      invalidOption(RangeError, 'format', 'npy'),
    );
    expect(error.message).toContain(dtype);
  });
});

describe('words', () => {
  const WORDS = ['the', 'größe', 'the', '__proto__', '🙂', 'a b'];
  /** A file of tokenbed with these words. */
  const text = join(WORDS.map((word, i) => `${word} ${i} ${-i}\n`).join(''));

  it.each(DTYPES)('survive in %s', async (dtype) => {
    const loaded = Embedding.loadSync(text, { dtype });
    const words = loaded.words!;
    const bytes = loaded.toBytes('safetensors', { tensor: 'vectors' });
    const { header, data } = parsed(bytes);
    expect(header['vectors.words']).toMatchObject({ dtype: 'U8', shape: [join(...words).length] });
    expect(header['vectors.words.offsets']).toMatchObject({ dtype: 'U32', shape: [words.length + 1] });
    expect([...data('vectors.words')]).toEqual([...join(...words)]);
    let end = 0;
    const offsets = [0, ...words.map((word) => (end += join(word).length))];
    const stored = data('vectors.words.offsets');
    expect([...new Uint32Array(stored.slice().buffer)]).toEqual(offsets);
    for (const options of [{}, { tensor: 'vectors' }]) {
      for (const source of [bytes, streamOf(bytes, 11)]) {
        const again = await Embedding.load(source, options);
        expect(again.words).toEqual(words);
        expect(again.indexOf('the')).toBe(0);
        expectBits(again.weight.toTensor().data, loaded.weight.toTensor().data);
        expect(again.toBytes('safetensors', { tensor: 'vectors' })).toEqual(bytes);
      }
    }
  });

  it('are dropped by .npy', () => {
    const again = Embedding.loadSync(Embedding.loadSync(text).toBytes('npy'));
    expect(again.words).toBeNull();
    expect(again.vocabSize).toBe(WORDS.length);
  });

  it('of a GGUF file, an empty one among them', () => {
    const tokens = ['', '▁the', ''];
    const file = gguf({
      entries: [entry('tokenizer.ggml.tokens', KIND.array, strings(tokens))],
      tensors: [{ name: 'token_embd.weight', sizes: [2, 3], type: TYPE.f32 }],
      data: join(Float32Array.of(1, 2, 3, 4, 5, 6), new Uint8Array(8)),
    });
    for (const dtype of DTYPES) {
      const saved = Embedding.loadSync(file, { dtype }).toBytes('safetensors');
      const again = Embedding.loadSync(saved, { dim: 1 });
      expect(again.words).toEqual(tokens);
      expect(again.indexOf('')).toBe(0);
    }
  });

  it('convert keeps words and metadata', () => {
    const loaded = Embedding.loadSync(text);
    expect(loaded.convert('i8').words).toEqual(loaded.words);
    const file = f32Table(Float32Array.of(1, 2), 2, 'weight', { licence: 'MIT' });
    expect({ ...Embedding.loadSync(file).convert('f16').metadata }).toEqual({ licence: 'MIT' });
  });
});

describe('metadata', () => {
  const metadata = JSON.parse(
    '{"format":"pt","licence":"öffentlich 🙂","__proto__":"p","quote":"\\"\\\\\\n\\u0000"}',
  ) as Record<string, string>;
  const file = f32Table(someRows(4), 4, 'weight', metadata);

  it.each(DTYPES)('survives in %s', (dtype) => {
    const first = Embedding.loadSync(file, { dtype });
    const again = Embedding.loadSync(first.toBytes('safetensors'));
    for (const [key, value] of Object.entries(metadata))
      expect(Object.getOwnPropertyDescriptor(again.metadata, key)?.value).toBe(value);
    // Converted back, nothing says any more that the rows were packed.
    const plain = parsed(
      Embedding.loadSync(first.toBytes('safetensors'), { dtype: 'f32' }).toBytes('safetensors'),
    );
    expect(Object.entries(plain.metadata).sort()).toEqual(Object.entries(metadata).sort());
  });
});

describe('rows', () => {
  it('that were changed are saved', () => {
    const embedding = made('i8', 7);
    const before = embedding.toBytes('safetensors');
    embedding.weight.set(2, [1, 2, 3, 4, 5, 6, 7]);
    const again = Embedding.loadSync(embedding.toBytes('safetensors'));
    expectBits(again.weight.row(2), embedding.weight.row(2));
    expectBits(Embedding.loadSync(before).weight.row(2), made('i8', 7).weight.row(2));
  });

  it('of a seeded table', () => {
    for (const dtype of DTYPES) {
      const embedding = new Embedding({ vocabSize: 5, embeddingDim: 6, seed: 3, paddingIdx: 2, dtype });
      const again = Embedding.loadSync(embedding.toBytes('safetensors'), { paddingIdx: 2 });
      expectBits(again.weight.toTensor().data, embedding.weight.toTensor().data);
    }
  });
});
