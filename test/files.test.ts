/** Loading: the golden files from every source, `inspect`, and what the options choose. */

import { Embedding, inspect, type Source } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { answersThroughout } from './helpers/backend.js';
import { expectBits } from './helpers/bits.js';
import { expectError, expectErrorAndNoWrite } from './helpers/errors.js';
import {
  entry,
  f32Table,
  gguf,
  join,
  KIND,
  npy,
  npyHeader,
  pieces,
  streamOf,
  strings,
  tensors,
  TYPE,
  word2vec,
} from './helpers/files.js';
import { GOLDEN, goldenBytes, type GoldenTable, goldenUrl, goldenValues, WHOLE } from './helpers/golden.js';
import { shared } from './helpers/memory.js';
import { decode, encode, ROW_BYTES, someRows, stored } from './helpers/stored.js';

answersThroughout();

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

/** Sources that pass bytes, each in a form of its own. */
const SOURCES: Readonly<Record<string, (bytes: Uint8Array<ArrayBuffer>, name: string) => Source>> = {
  'a Uint8Array': (bytes) => bytes,
  'an ArrayBuffer': ({ buffer }) => buffer,
  'a DataView at an odd offset': (bytes) => {
    const room = new Uint8Array(bytes.length + 5);
    room.set(bytes, 3);
    return new DataView(room.buffer, 3, bytes.length);
  },
  'bytes on a SharedArrayBuffer': (bytes) => {
    const room = new Uint8Array(shared(bytes.length));
    room.set(bytes);
    return room as unknown as Uint8Array<ArrayBuffer>;
  },
  'a Blob': (bytes) => new Blob([bytes.subarray(0, 5), bytes.subarray(5)]),
  'a Response': (bytes) => new Response(bytes),
  'a Response of a stream': (bytes) => new Response(streamOf(bytes, 100) as unknown as BodyInit),
  'a stream, byte by byte': (bytes) => streamOf(bytes, 1),
  'a stream in pieces of 1,000': (bytes) => streamOf(bytes, 1000),
  'an async iterable in pieces of 7': (bytes) => pieces(bytes, 7),
  'a data: URL': (bytes) => new URL(`data:application/octet-stream;base64,${base64(bytes)}`),
  'a blob: URL': (bytes) => new URL(URL.createObjectURL(new Blob([bytes]))),
  'a file: or http: URL': (_, name) => goldenUrl(name),
};

/** Expects that a table is the one of the golden file. */
function expectTable(embedding: Embedding, table: GoldenTable): void {
  const { dtype, shape, words = null, metadata } = table;
  expect(embedding.dtype).toBe(dtype);
  expect([embedding.vocabSize, embedding.embeddingDim]).toEqual(shape);
  // A NaN of fp8 has no specified payload.
  expectBits(embedding.weight.toTensor().data, goldenValues(table), { anyNaN: dtype === 'f16' });
  expect(embedding.words).toEqual(words);
  for (const word of words ?? []) expect(embedding.indexOf(word)).toBe(words!.indexOf(word));
  if (metadata !== undefined) expect({ ...embedding.metadata }).toEqual(metadata);
  expect([embedding.initType, embedding.seed, embedding.paddingIdx]).toEqual([null, null, null]);
}

describe.each(WHOLE)('%s', (name) => {
  const { tables, format } = GOLDEN[name]!;

  it.each(Object.entries(SOURCES))('from %s', async (_, make) => {
    const bytes = await goldenBytes(name);
    for (const table of tables) {
      const embedding = await Embedding.load(make(bytes, name), table.options);
      expectTable(embedding, table);
      embedding.dispose();
    }
  });

  it('at once, from bytes', async () => {
    const bytes = await goldenBytes(name);
    for (const table of tables) {
      const embedding = Embedding.loadSync(bytes, { ...table.options, format: format as 'npy' });
      expectTable(embedding, table);
      embedding.dispose();
    }
  });

  it('the bytes can be changed afterwards', async () => {
    const bytes = await goldenBytes(name);
    const embedding = Embedding.loadSync(bytes, tables[0]!.options);
    bytes.fill(0xaa);
    expectTable(embedding, tables[0]!);
  });

  it('inspect', async () => {
    const bytes = await goldenBytes(name);
    const found = await inspect(bytes);
    expect(Object.keys(found).sort()).toEqual(['format', 'metadata', 'tensors']);
    expect(found.format).toBe(format);
    for (const tensor of found.tensors)
      expect(Object.keys(tensor).sort()).toEqual(['bytes', 'dtype', 'name', 'offset', 'shape']);
    for (const table of tables) {
      const named = found.tensors.filter(({ shape }) => String(shape) === String(table.shape));
      expect(named.map((tensor) => tensor.name)).toContain(nameIn(name, table));
    }
    expect(JSON.parse(JSON.stringify(found))).toEqual({ ...found, metadata: { ...found.metadata } });
    for (const make of Object.values(SOURCES))
      await expect(inspect(make(bytes, name))).resolves.toEqual(found);
  });
});

/** The tensor of a table: .npy and word vectors have one, `weight`. */
function nameIn(file: string, { options }: GoldenTable): string {
  if (options.tensor !== undefined) return options.tensor;
  if (file.endsWith('.gguf')) return 'token_embd.weight';
  if (file === 'only.safetensors') return 'model/emb';
  return file.endsWith('.safetensors') ? file.replace('.safetensors', '') : 'weight';
}

it('the offset of inspect is that of the bytes in the file', async () => {
  const bytes = await goldenBytes('dtypes.safetensors');
  const { tensors: found } = await inspect(bytes);
  const table = GOLDEN['dtypes.safetensors']!.tables.find(({ options }) => options.tensor === 'F32')!;
  const { offset, bytes: length } = found.find(({ name }) => name === 'F32')!;
  expectBits(new Float32Array(bytes.slice(offset, offset + length).buffer), goldenValues(table));
  expect(found.find(({ name }) => name === '__proto__')).toMatchObject({ dtype: 'I64', shape: [1, 3] });
});

const FOUR = Float32Array.of(1, -2, 3.5, -0.25);

describe('what can be read', () => {
  const file = f32Table(FOUR, 2);

  it('nothing else is a source', async () => {
    for (const source of [null, undefined, 3, true, {}, [], new Map(), Symbol('s'), () => file, 10n]) {
      const load = () => Embedding.load(source as unknown as Source);
      const error = await load().catch((error: unknown) => error as Record<string, unknown>);
      expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'source' });
      expect(error).toBeInstanceOf(TypeError);
      expectError(() => Embedding.loadSync(source as unknown as Uint8Array), {
        class: TypeError,
        code: 'ERR_INVALID_OPTION',
        fields: { option: 'source' },
      });
    }
  });

  it('a stream is not read at once', () => {
    for (const source of [streamOf(file, 7), new Blob([file]), new Response(file), pieces(file, 7)]) {
      expectError(() => Embedding.loadSync(source as unknown as Uint8Array), {
        class: TypeError,
        code: 'ERR_INVALID_OPTION',
        fields: { option: 'source' },
      });
    }
  });

  it('a response that was read before', async () => {
    const response = new Response(file);
    await response.arrayBuffer();
    await expect(Embedding.load(response)).rejects.toMatchObject({
      code: 'ERR_INVALID_OPTION',
      option: 'source',
    });
  });

  it('what a stream throws rejects the load unchanged', async () => {
    const failure = new Error('of the stream');
    async function* failing() {
      yield file.slice(0, 30);
      throw failure;
    }
    await expect(Embedding.load(failing())).rejects.toBe(failure);
    const stream = new ReadableStream({
      pull: (controller) => controller.error(failure),
    });
    await expect(Embedding.load(stream)).rejects.toBe(failure);
  });

  it('what is not bytes in a stream is refused', async () => {
    async function* texts() {
      yield 'text' as unknown as Uint8Array;
    }
    await expect(Embedding.load(texts())).rejects.toMatchObject({ code: 'ERR_INVALID_ARRAY' });
  });

  it('empty pieces are nothing', async () => {
    async function* mixed() {
      yield new Uint8Array(0);
      yield file.slice(0, 9);
      yield new Uint8Array(0);
      yield file.slice(9);
      yield new Uint8Array(0);
    }
    expectBits((await Embedding.load(mixed())).weight.toTensor().data, FOUR);
  });

  it('an iterable is closed when the load fails', async () => {
    let closed = false;
    async function* endless() {
      try {
        for (;;) yield new Uint8Array(2 ** 16).fill(7);
      } finally {
        closed = true;
      }
    }
    await expect(Embedding.load(endless(), { format: 'npy' })).rejects.toMatchObject({ code: 'ERR_FORMAT' });
    expect(closed).toBe(true);
    let cancelled = false;
    const stream = streamOf(new Uint8Array(2 ** 22), 2 ** 16, () => (cancelled = true));
    await expect(Embedding.load(stream, { format: 'npy' })).rejects.toMatchObject({ code: 'ERR_FORMAT' });
    expect(cancelled).toBe(true);
  });

  it('a response that is not 2xx', async () => {
    for (const status of [404, 500]) {
      const error = await Embedding.load(new Response('not here', { status })).catch(
        (error: unknown) => error as Error & Record<string, unknown>,
      );
      expect(error).toMatchObject({ code: 'ERR_FORMAT' });
      expect((error as Error).message).toContain(String(status));
    }
  });

  it('a response of another length than its Content-Length', async () => {
    for (const length of [file.length - 1, file.length + 1]) {
      const response = new Response(file, { headers: { 'content-length': String(length) } });
      const error = await Embedding.load(response).catch((error: unknown) => error as Error);
      expect(error).toMatchObject({ code: 'ERR_FORMAT' });
      expect((error as Error).message).toContain(String(length));
    }
    // What is encoded has another length than the header says.
    const encoded = new Response(file, { headers: { 'content-length': '9', 'content-encoding': 'gzip' } });
    expectBits((await Embedding.load(encoded)).weight.toTensor().data, FOUR);
  });
});

describe('tensor', () => {
  const list = Object.fromEntries(
    ['first', 'second', '__proto__', 'größe'].map((name, i) => [
      name,
      { dtype: 'F32', shape: [2, 2], data: FOUR.map((x) => x + i) },
    ]),
  );
  // An object literal would set the prototype.
  const file = tensors(Object.assign(Object.create(null) as object, list) as Parameters<typeof tensors>[0]);

  it.each(Object.keys(list).map((name, i) => [name, i] as const))('%s', (name, i) => {
    const embedding = Embedding.loadSync(file, { tensor: name });
    expectBits(
      embedding.weight.toTensor().data,
      FOUR.map((x) => x + i),
    );
  });

  it('without one the names are listed', () => {
    const error = expectError(() => Embedding.loadSync(file), { class: Error, code: 'ERR_FORMAT' });
    for (const name of Object.keys(list)) expect(error.message).toContain(name);
  });

  it('the only table wins, then embeddings, embedding.weight, weight', () => {
    const usual = ['embeddings', 'embedding.weight', 'weight'];
    const table = (value: number) => ({ dtype: 'F32', shape: [1, 1], data: Float32Array.of(value) });
    for (let start = 0; start < usual.length; start++) {
      const names = ['a', ...usual.slice(start), 'z'].reverse();
      const file = tensors(Object.fromEntries(names.map((name) => [name, table(usual.indexOf(name))])));
      expect(Embedding.loadSync(file).weight.row(0)[0]).toBe(start);
    }
    expect(Embedding.loadSync(tensors({ z: table(7) })).weight.row(0)[0]).toBe(7);
  });
});

describe('dtype', () => {
  const DIM = 13;
  const values = someRows(DIM);

  it.each(['f32', 'f16', 'bf16', 'i8', 'i4'] as const)('%s stores what is read', async (dtype) => {
    const file = f32Table(values, DIM);
    for (const source of [file, streamOf(file, 1000)]) {
      const embedding = await Embedding.load(source, { dtype });
      expect(embedding.dtype).toBe(dtype);
      expectBits(embedding.weight.toTensor().data, stored(dtype, values, DIM));
    }
    const made = Embedding.fromPretrained(values, { embeddingDim: DIM, dtype });
    expect(Embedding.loadSync(file, { dtype }).toBytes('safetensors')).toEqual(made.toBytes('safetensors'));
  });

  it('f16 rows become other dtypes from the values that lookups give', () => {
    const halves = join(...rowsOf(values, DIM).map((row) => encode('f16', row) as Uint8Array));
    const file = tensors({ weight: { dtype: 'F16', shape: [values.length / DIM, DIM], data: halves } });
    for (const dtype of ['f32', 'bf16', 'i8', 'i4'] as const)
      expectBits(
        Embedding.loadSync(file, { dtype }).weight.toTensor().data,
        stored(dtype, stored('f16', values, DIM), DIM),
      );
  });

  it('f64 is rounded once', () => {
    // Through f32 first, 1 + 2^-11 + 2^-40 would be a tie of f16.
    const value = 1 + 2 ** -11 + 2 ** -40;
    const file = tensors({ weight: { dtype: 'F64', shape: [1, 1], data: Float64Array.of(value) } });
    expect(Embedding.loadSync(file).weight.row(0)[0]).toBe(Math.fround(value));
    expect(Embedding.loadSync(file).dtype).toBe('f32');
  });

  it.each([
    ['F64', 'keep', Float64Array.of(0, 1, 2, 1e39), 1e39],
    ['F32', 'f16', Float32Array.of(0, 1, 2, 65_520), 65_520],
    ['F32', 'i8', Float32Array.of(0, 1, 2, Infinity), Infinity],
    ['F32', 'i4', Float32Array.of(0, 1, 2, Number.NaN), Number.NaN],
    ['F32', 'bf16', Float32Array.of(0, 1, 2, 3.4e38), Math.fround(3.4e38)],
  ] as const)('%s as %s: a value that does not fit', async (dtype, chosen, data, value) => {
    const file = tensors({ weight: { dtype, shape: [2, 2], data } });
    const refusal = { class: RangeError, code: 'ERR_RANGE', fields: { row: 1, column: 1, value } } as const;
    expectError(() => Embedding.loadSync(file, { dtype: chosen }), refusal);
    await expect(Embedding.load(streamOf(file, 9), { dtype: chosen })).rejects.toMatchObject({
      code: 'ERR_RANGE',
      row: 1,
      column: 1,
    });
  });

  it('blocks are kept, or become another dtype', async () => {
    const bytes = await goldenBytes('types.gguf');
    for (const table of GOLDEN['types.gguf']!.tables) {
      const kept = Embedding.loadSync(bytes, table.options);
      const dim = table.shape[1]!;
      for (const dtype of ['f32', 'f16', 'i8'] as const) {
        if (dtype !== 'f32' && table.dtype === 'f32') continue; // it has infinities
        const embedding = Embedding.loadSync(bytes, { ...table.options, dtype });
        expect(embedding.dtype).toBe(dtype);
        const expected = kept.weight.toTensor().data;
        expectBits(
          embedding.weight.toTensor().data,
          dtype === 'f32' ? expected : stored(dtype, expected, dim),
        );
      }
      const blocks = table.dtype.startsWith('q');
      expect(kept.readOnly).toBe(blocks);
      if (!blocks) continue;
      expectError(() => kept.weight.set(0, new Float32Array(dim)), { class: Error, code: 'ERR_READ_ONLY' });
      expectError(() => kept.toBytes('safetensors'), { class: RangeError, code: 'ERR_INVALID_OPTION' });
    }
  });
});

/** The rows of a flat table. */
function rowsOf(values: Float32Array, dim: number): Float32Array[] {
  return Array.from({ length: values.length / dim }, (_, row) => values.subarray(row * dim, (row + 1) * dim));
}

/** The first columns of each row. */
const cut = (values: Float32Array, dim: number, kept: number): Float32Array =>
  Float32Array.from(rowsOf(values, dim).flatMap((row) => [...row.subarray(0, kept)]));

describe('dim', () => {
  const DIM = 13;
  const values = someRows(DIM);
  const file = f32Table(values, DIM);

  it.each([1, 2, 7, 12, 13])('%d columns, cut before any conversion', async (dim) => {
    for (const dtype of ['keep', 'f32', 'f16', 'bf16', 'i8', 'i4'] as const) {
      const expected = cut(values, DIM, dim);
      for (const source of [file, streamOf(file, 100)]) {
        const embedding = await Embedding.load(source, { dim, dtype });
        expect(embedding.embeddingDim).toBe(dim);
        expectBits(
          embedding.weight.toTensor().data,
          dtype === 'keep' ? expected : stored(dtype, expected, dim),
        );
      }
    }
  });

  it.each(['f16', 'bf16', 'i8', 'i4'] as const)('stored %s rows keep what they store', (dtype) => {
    const saved = Embedding.fromPretrained(values, { embeddingDim: DIM, dtype }).toBytes('safetensors');
    for (const dim of [1, 2, 7, 12, 13]) {
      const embedding = Embedding.loadSync(saved, { dim });
      expect([embedding.dtype, embedding.embeddingDim]).toEqual([dtype, dim]);
      expectBits(embedding.weight.toTensor().data, cut(stored(dtype, values, DIM), DIM, dim));
      // Saved again it is a table of this width.
      const again = Embedding.loadSync(embedding.toBytes('safetensors'));
      expectBits(again.weight.toTensor().data, embedding.weight.toTensor().data);
      // A conversion starts from the values of the columns that are kept.
      const converted = Embedding.loadSync(saved, { dim, dtype: 'i8' });
      if (dtype === 'f16' || dtype === 'bf16')
        expectBits(
          converted.weight.toTensor().data,
          stored('i8', cut(stored(dtype, values, DIM), DIM, dim), dim),
        );
    }
  });

  it('blocks are cut at whole blocks', async () => {
    const bytes = await goldenBytes('types.gguf');
    for (const table of GOLDEN['types.gguf']!.tables.filter(({ dtype }) => dtype.startsWith('q'))) {
      const width = table.shape[1]!;
      const block = width === 256 ? 256 : 32;
      const embedding = Embedding.loadSync(bytes, { ...table.options, dim: block });
      expect(embedding.dtype).toBe(table.dtype);
      expectBits(embedding.weight.toTensor().data, cut(goldenValues(table), width, block));
      for (const dim of [1, block - 1])
        expectError(() => Embedding.loadSync(bytes, { ...table.options, dim }), {
          class: RangeError,
          code: 'ERR_INVALID_OPTION',
          fields: { option: 'dim', value: dim },
        });
      // Converted, they can be cut anywhere.
      const converted = Embedding.loadSync(bytes, { ...table.options, dim: 5, dtype: 'f32' });
      expectBits(converted.weight.toTensor().data, cut(goldenValues(table), width, 5));
    }
  });

  it('Fortran order and word vectors', () => {
    const fortran = Float32Array.from({ length: 12 }, (_, i) => (i % 3) * 4 + Math.floor(i / 3));
    const rows = npy(npyHeader('<f4', '(3, 4)', 'True'), fortran);
    expect([...Embedding.loadSync(rows).weight.toTensor().data]).toEqual([...Array(12).keys()]);
    expect([...Embedding.loadSync(rows, { dim: 2 }).weight.toTensor().data]).toEqual([0, 1, 4, 5, 8, 9]);
    for (const words of [
      join('2 3\na 1 2 3\nb 4 5 6\n'),
      word2vec(['a', 'b'], Float32Array.of(1, 2, 3, 4, 5, 6)),
    ])
      expect([...Embedding.loadSync(words, { dim: 2 }).weight.toTensor().data]).toEqual([1, 2, 4, 5]);
  });

  it('beyond the columns of the file', () => {
    expectError(() => Embedding.loadSync(file, { dim: 14 }), {
      class: RangeError,
      code: 'ERR_INVALID_OPTION',
      text: '13',
      fields: { option: 'dim', value: 14 },
    });
  });
});

describe('paddingIdx', () => {
  it('is stored, and its row keeps its values', () => {
    for (const [paddingIdx, stored] of [
      [0, 0],
      [1, 1],
      [-1, 1],
      [null, null],
      [undefined, null],
    ] as const) {
      const embedding = Embedding.loadSync(f32Table(FOUR, 2), { paddingIdx });
      expect(embedding.paddingIdx).toBe(stored);
      expectBits(embedding.weight.toTensor().data, FOUR);
    }
  });

  it('outside the table', () => {
    for (const paddingIdx of [2, -3])
      expectError(() => Embedding.loadSync(f32Table(FOUR, 2), { paddingIdx }), {
        class: RangeError,
        code: 'ERR_INVALID_OPTION',
        fields: { option: 'paddingIdx', value: paddingIdx },
      });
  });
});

describe('words', () => {
  const file = join('the 1 2\na b 3 4\nthe 5 6\n__proto__ 7 8\nconstructor 9 10\n\u00e9 1 1\ne\u0301 2 2\n');

  it('keep order and repetitions; indexOf gives the first', () => {
    const embedding = Embedding.loadSync(file);
    expect(embedding.words).toEqual(['the', 'a b', 'the', '__proto__', 'constructor', 'é', 'e\u0301']);
    expect(
      ['the', 'a b', '__proto__', 'constructor', 'é', 'e\u0301'].map((word) => embedding.indexOf(word)),
    ).toEqual([0, 1, 3, 4, 5, 6]);
    for (const word of ['', 'The', 'the ', 'toString', 'hasOwnProperty', 'b', '\ud800', '0'])
      expect(embedding.indexOf(word)).toBe(-1);
    expect(embedding.words).toBe(embedding.words);
    expect(Object.isFrozen(embedding.words)).toBe(true);
  });

  it('indexOf takes text only', () => {
    const embedding = Embedding.loadSync(file);
    for (const word of [undefined, null, 3, ['the'], {}])
      expectError(() => embedding.indexOf(word as unknown as string), {
        class: TypeError,
        code: 'ERR_INVALID_OPTION',
      });
  });

  it('are null elsewhere', () => {
    const embedding = Embedding.loadSync(f32Table(FOUR, 2));
    expect([embedding.words, embedding.indexOf('a')]).toEqual([null, -1]);
    const made = new Embedding({ vocabSize: 2, embeddingDim: 2 });
    expect([made.words, made.indexOf('a'), made.readOnly]).toEqual([null, -1, false]);
    expect({ ...made.metadata }).toEqual({});
  });

  it('stay readable after dispose()', () => {
    const embedding = Embedding.loadSync(file);
    embedding.dispose();
    expect(embedding.words).toHaveLength(7);
    expectErrorAndNoWrite(2, (out) => embedding.forwardInto(0, out), { class: Error, code: 'ERR_DISPOSED' });
  });

  it('tokens of GGUF are words if there is one for each row', () => {
    const tokens = (list: string[]) =>
      gguf({
        entries: [entry('tokenizer.ggml.tokens', KIND.array, strings(list))],
        tensors: [{ name: 'token_embd.weight', sizes: [2, 2], type: TYPE.f32 }],
        data: join(FOUR, new Uint8Array(16)),
      });
    expect(Embedding.loadSync(tokens(['<s>', '▁a'])).words).toEqual(['<s>', '▁a']);
    expect(Embedding.loadSync(tokens(['<s>', '▁a', 'b'])).words).toBeNull();
    expect(Embedding.loadSync(tokens([])).words).toBeNull();
  });

  it('many words, from a stream in pieces that cut lines and characters', async () => {
    for (const [count, sizes] of [
      [100, [1, 2, 3]],
      [3000, [13, 4096, 65_537, Infinity]],
    ] as const) {
      const lines = Array.from({ length: count }, (_, i) => `w${i}é🙂 ${i} ${-i / 4} 1e-${i % 30}\n`);
      const bytes = join(lines.join(''));
      const last = count - 1;
      for (const size of sizes) {
        const embedding = await Embedding.load(streamOf(bytes, Math.min(size, bytes.length)));
        expect(embedding.vocabSize).toBe(count);
        expect(embedding.indexOf(`w${last}é🙂`)).toBe(last);
        expectBits(embedding.weight.row(last), Float32Array.of(last, -last / 4, Number(`1e-${last % 30}`)));
      }
    }
  });
});

describe('metadata', () => {
  it('has own properties only, and changes no prototype', () => {
    const metadata = JSON.parse(
      '{"__proto__":"polluted","constructor":"c","toString":"t","a":"\\ud83d\\ude42"}',
    ) as Record<string, string>;
    const file = f32Table(FOUR, 2, 'weight', metadata);
    const { metadata: found } = Embedding.loadSync(file);
    expect(Object.entries(found).sort()).toEqual(Object.entries(metadata).sort());
    expect(Object.getOwnPropertyDescriptor(found, '__proto__')?.value).toBe('polluted');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.isFrozen(found)).toBe(true);
    expect(() => {
      (found as Record<string, string>)['a'] = 'changed';
    }).toThrow(TypeError);
  });

  it('of inspect', async () => {
    const file = f32Table(FOUR, 2, 'weight', JSON.parse('{"__proto__":"p"}') as Record<string, string>);
    const { metadata } = await inspect(file);
    expect(Object.entries(metadata)).toEqual([['__proto__', 'p']]);
  });
});

describe('a table that was loaded', () => {
  it('looks up, sums and finds like one that was made', () => {
    const DIM = 8;
    const values = someRows(DIM);
    for (const dtype of ['f32', 'f16', 'i8', 'i4'] as const) {
      const made = Embedding.fromPretrained(values, { embeddingDim: DIM, dtype });
      const loaded = Embedding.loadSync(made.toBytes('safetensors'));
      const ids = [3, 0, 10, 3];
      expectBits(loaded.forward(ids).data, made.forward(ids).data);
      expectBits(
        loaded.nearest(values.subarray(0, DIM)).scores.data,
        made.nearest(values.subarray(0, DIM)).scores.data,
      );
      expect(loaded.getMemoryUsage()).toEqual(made.getMemoryUsage());
      expect(ROW_BYTES[dtype](DIM)).toBeLessThanOrEqual(loaded.getMemoryUsage().bytesPerRow);
      loaded.weight.set(1, values.subarray(0, DIM));
      expectBits(
        loaded.weight.row(1),
        decode(dtype, encode(dtype, values.subarray(0, DIM)) as Uint8Array, DIM),
      );
      expect(loaded.readOnly).toBe(false);
    }
  });

  it('prefetch is harmless without a mapped file', () => {
    const embedding = Embedding.loadSync(f32Table(FOUR, 2));
    expect(embedding.prefetch([0, 1, 1])).toBeUndefined();
    expect(embedding.prefetch(Uint32Array.of(1))).toBeUndefined();
    expect(embedding.prefetch([])).toBeUndefined();
    expectError(() => embedding.prefetch([0, 2]), { class: RangeError, code: 'ERR_ID_OUT_OF_RANGE' });
    expectError(() => embedding.prefetch('a' as unknown as number), {
      class: TypeError,
      code: 'ERR_INVALID_IDS',
    });
    embedding.dispose();
    expectError(() => embedding.prefetch(0), { class: Error, code: 'ERR_DISPOSED' });
  });
});
