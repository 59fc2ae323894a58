/** The bytes of optimizers: their format, and everything that is wrong with them. */

import fc from 'fast-check';
import { Adam, Adagrad, AdamW, Embedding, type Optimizer, RowwiseAdagrad, SGD } from 'tokenbed';
import { afterEach, describe, expect, it } from 'vitest';
import { answersThroughout } from './helpers/backend.js';
import { expectBits } from './helpers/bits.js';
import { disposed, type Expected, expectError, invalidArray, invalidOption } from './helpers/errors.js';
import { join, safetensors } from './helpers/files.js';
import { detach, resizable, shared } from './helpers/memory.js';

answersThroughout();

const made: { dispose(): void }[] = [];
afterEach(() => made.splice(0).forEach((each) => each.dispose()));
const kept = <T extends { dispose(): void }>(object: T): T => {
  made.push(object);
  return object;
};

const [ROWS, DIM] = [6, 3];
const table = (rows = ROWS, dim = DIM, options = {}): Embedding => {
  const values = Float32Array.from({ length: rows * dim }, (_, i) => i / 7 - 1);
  return kept(Embedding.fromPretrained(values, { embeddingDim: dim, ...options }));
};

/** A gradient of three rows. */
const backward = (embedding: Embedding, ids = [4, 1, 5]): void =>
  embedding.backward(ids, Float32Array.of(1, -2, 3, 0.5, 0, -1, 1e-3, 2, 7));

/** Every class, and the options with which it has state. */
const CLASSES = [
  ['SGD', SGD, { momentum: 0.9 }],
  ['Adagrad', Adagrad, {}],
  ['RowwiseAdagrad', RowwiseAdagrad, {}],
  ['Adam', Adam, {}],
  ['AdamW', AdamW, {}],
] as const;

/** An Adam of two tables after two steps, of which the second table took one. */
function trained(): { readonly tables: readonly [Embedding, Embedding]; readonly optimizer: Adam } {
  const tables = [table(), table(9, 2)] as const;
  const optimizer = kept(
    new Adam({ parameters: tables.map(({ weight }) => weight), lr: 0.1, weightDecay: 1e-300 }),
  );
  backward(tables[0]);
  optimizer.step();
  backward(tables[0]);
  tables[1].backward([8], Float32Array.of(3, 4));
  optimizer.step();
  optimizer.lr = 1 / 3;
  return { tables, optimizer };
}

interface Described {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** The header of a safetensors file, and its data. */
function parts(bytes: Uint8Array): {
  readonly tensors: Record<string, Described>;
  readonly metadata: Record<string, string>;
  readonly data: Uint8Array<ArrayBuffer>;
} {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const text = new TextDecoder().decode(bytes.subarray(8, 8 + length));
  const { __metadata__: metadata, ...tensors } = JSON.parse(text) as Record<string, never>;
  return { tensors, metadata: metadata as unknown as Record<string, string>, data: bytes.slice(8 + length) };
}

describe('toBytes', () => {
  it('writes the documented tensors and metadata', () => {
    const { tables, optimizer } = trained();
    const bytes = optimizer.toBytes();
    expect(bytes.byteOffset).toBe(0);
    expect(bytes.buffer.byteLength).toBe(bytes.length);
    const { tensors, metadata, data } = parts(bytes);
    expect(Object.entries(tensors).map(([name, { dtype, shape }]) => [name, dtype, shape])).toEqual([
      ['0.rows', 'U32', [3]],
      ['0.m', 'F32', [3, DIM]],
      ['0.v', 'F32', [3, DIM]],
      ['1.rows', 'U32', [1]],
      ['1.m', 'F32', [1, 2]],
      ['1.v', 'F32', [1, 2]],
    ]);
    const { options, parameters, ...others } = metadata;
    expect(others).toEqual({ format: 'tokenbed-optimizer', version: '1', optimizer: 'Adam' });
    expect(JSON.parse(options!)).toEqual({
      lr: 1 / 3,
      beta1: 0.9,
      beta2: 0.999,
      eps: 1e-8,
      weightDecay: 1e-300,
      lazy: true,
    });
    expect(JSON.parse(parameters!)).toEqual([
      { shape: [ROWS, DIM], step: 2, p1: 0.9 * 0.9, p2: 0.999 * 0.999 },
      { shape: [9, 2], step: 1, p1: 0.9, p2: 0.999 },
    ]);
    const of = (name: string) => data.slice(...tensors[name]!.data_offsets).buffer;
    for (const [i, { weight }] of tables.entries()) {
      const { rows, m, v } = optimizer.state(weight);
      expect(new Uint32Array(of(`${i}.rows`))).toEqual(rows);
      expectBits(new Float32Array(of(`${i}.m`)), m!.data);
      expectBits(new Float32Array(of(`${i}.v`)), v!.data);
    }
    expect(optimizer.toBytes()).toEqual(bytes);
  });

  it('writes the tensors of each class', () => {
    const { parameters } = table();
    const names = (optimizer: Optimizer) => Object.keys(parts(kept(optimizer).toBytes()).tensors);
    expect(names(new SGD({ parameters, lr: 1 }))).toEqual([]);
    expect(names(new SGD({ parameters, lr: 1, momentum: 0.5 }))).toEqual(['0.rows', '0.momentum']);
    expect(names(new Adagrad({ parameters }))).toEqual(['0.rows', '0.sum']);
    expect(names(new RowwiseAdagrad({ parameters }))).toEqual(['0.rows', '0.sum']);
    expect(names(new AdamW({ parameters }))).toEqual(['0.rows', '0.m', '0.v']);
  });

  it('changes nothing, and does not save pending gradients', () => {
    const { tables, optimizer } = trained();
    backward(tables[0]);
    const bytes = optimizer.toBytes();
    expect(tables[0].weight.grad!.count).toBe(3);
    tables[0].weight.zeroGrad();
    expect(optimizer.toBytes()).toEqual(bytes);
  });
});

describe('fromBytes', () => {
  it('takes any form of bytes', () => {
    const { tables, optimizer } = trained();
    const bytes = optimizer.toBytes() as Uint8Array<ArrayBuffer>;
    const odd = new Uint8Array(bytes.length + 9);
    odd.set(bytes, 3);
    const parallel = new Uint8Array(shared(bytes.length));
    parallel.set(bytes);
    const parameters = tables.map(({ weight }) => weight);
    for (const form of [
      bytes,
      bytes.buffer,
      odd.subarray(3, 3 + bytes.length),
      new DataView(odd.buffer, 3, bytes.length),
      parallel,
      parallel.buffer as unknown as ArrayBuffer,
    ]) {
      const next = kept(Adam.fromBytes(form, { parameters }));
      expect(next.toBytes()).toEqual(bytes);
      expect(next.lr).toBe(1 / 3);
      expect(next.disposed).toBe(false);
    }
  });

  it('accepts a header of another writer', () => {
    const { tables, optimizer } = trained();
    const { tensors, metadata, data } = parts(optimizer.toBytes());
    const turned = Object.fromEntries(Object.entries(tensors).reverse());
    const file = safetensors({ ...turned, __metadata__: { note: 'mine', ...metadata } }, data);
    const next = kept(Adam.fromBytes(file, { parameters: tables.map(({ weight }) => weight) }));
    expect(next.toBytes()).toEqual(optimizer.toBytes());
  });

  it('stores values below 2^-126 as +0', () => {
    const { tables, optimizer } = trained();
    const { tensors, metadata, data } = parts(optimizer.toBytes());
    const at = tensors['0.m']!.data_offsets[0];
    new DataView(data.buffer).setFloat32(at, -1e-40, true);
    const file = safetensors({ ...tensors, __metadata__: metadata }, data);
    const next = kept(Adam.fromBytes(file, { parameters: tables.map(({ weight }) => weight) }));
    expectBits(next.state(tables[0].weight).m!.data.subarray(0, 1), [0]);
  });

  it('checks its arguments', () => {
    const { tables, optimizer } = trained();
    const bytes = optimizer.toBytes() as Uint8Array<ArrayBuffer>;
    const parameters = tables.map(({ weight }) => weight);
    const load = Adam.fromBytes as (...args: unknown[]) => Adam;
    for (const value of [undefined, null, 5, 'bytes', {}, [1, 2], tables[0]]) {
      expectError(() => load(value, { parameters }), invalidArray('bytes'));
    }
    expectError(() => load(detach(bytes.slice()), { parameters }), invalidArray('bytes', 'detached'));
    const shrunk = resizable(8, 16);
    const view = new Uint8Array(shrunk, 4, 4);
    shrunk.resize(2);
    expectError(() => load(view, { parameters }), invalidArray('bytes'));
    expectError(() => load(bytes), invalidOption(TypeError, 'options', undefined));
    expectError(() => load(null, { parameters, lr: 1 }), invalidOption(TypeError, 'lr', 1));
    expectError(() => load(null, { parameters: 5 }), invalidOption(TypeError, 'parameters', 5));
    expectError(() => load(null, { parameters: [] }), invalidOption(RangeError, 'parameters', []));
    const stored = table(ROWS, DIM, { dtype: 'f16' });
    const untrainable = { class: Error, code: 'ERR_NOT_TRAINABLE' };
    expectError(() => load(bytes, { parameters: [stored.weight, tables[1].weight] }), untrainable);
    tables[1].dispose();
    expectError(() => load(bytes, { parameters }), disposed);
  });

  it('matches parameters by order, and by shape', () => {
    const { tables, optimizer } = trained();
    const bytes = optimizer.toBytes();
    const [a, b] = tables.map(({ weight }) => weight);
    const misfit = (...text: string[]): Expected => ({ class: RangeError, code: 'ERR_SHAPE', text });
    const load =
      (...parameters: (typeof a)[]) =>
      () =>
        Adam.fromBytes(bytes, { parameters: parameters as never });
    expectError(load(a), misfit('2 parameters', 'got 1'));
    expectError(load(a, a), misfit('2 parameters', 'got 1'));
    expectError(load(a, b, table().weight), misfit('2 parameters', 'got 3'));
    expectError(load(b, a), misfit('Parameter 0', '[9, 2]', `[${ROWS}, ${DIM}]`));
    expectError(load(a, table(9, 3).weight), misfit('Parameter 1', '[9, 3]', '[9, 2]'));
    expectError(load(a, table(8, 2).weight), misfit('Parameter 1', '[8, 2]', '[9, 2]'));
    kept(load(table().weight, table(9, 2).weight)());
  });
});

/** Expects `ERR_FORMAT`, and that the tables stay as they are. */
function refused(bytes: Uint8Array, tables: readonly Embedding[], ...text: (string | RegExp)[]): void {
  const parameters = tables.map(({ weight }) => weight);
  expectError(() => Adam.fromBytes(bytes, { parameters }), {
    class: Error,
    code: 'ERR_FORMAT',
    text: ['bytes: ', ...text],
  });
}

describe('malformed bytes', () => {
  it('are refused wherever they are cut, and with one byte more', () => {
    const { tables, optimizer } = trained();
    const bytes = optimizer.toBytes();
    for (let length = 0; length < bytes.length; length++) refused(bytes.subarray(0, length), tables);
    refused(join(bytes, [0]), tables);
    refused(join([0], bytes), tables);
  });

  it('never do more than fail, whichever byte is changed', () => {
    const { tables, optimizer } = trained();
    const bytes = optimizer.toBytes();
    const parameters = tables.map(({ weight }) => weight);
    const before = tables.map(({ weight }) => weight.toTensor().data);
    let accepted = 0;
    for (let at = 0; at < bytes.length; at++) {
      for (const flip of [1, 0x20, 0x80]) {
        const changed = bytes.slice();
        changed[at]! ^= flip;
        let next: Adam | undefined;
        try {
          next = Adam.fromBytes(changed, { parameters });
        } catch (error) {
          expect(['ERR_FORMAT', 'ERR_SHAPE']).toContain((error as { code?: string }).code);
          continue;
        }
        // A value, a number or a blank. It is an optimizer like any other.
        accepted++;
        for (const { weight } of tables) {
          const { rows, m } = next.state(weight);
          expect(rows.every((row, i) => row < weight.shape[0] && (i === 0 || rows[i - 1]! < row))).toBe(true);
          expect(m!.shape).toEqual([rows.length, weight.shape[1]]);
        }
        next.dispose();
      }
    }
    expect(accepted).toBeGreaterThan(100);
    tables.forEach(({ weight }, i) => expectBits(weight.toTensor().data, before[i]!));
  });

  it.each(CLASSES)('%s: never do more than fail, whatever is changed', (_, Class, options) => {
    const tables = [table(4, 3), table(2, 2)];
    const parameters = tables.map(({ weight }) => weight);
    const first = kept(new Class({ parameters, lr: 0.1, ...options }));
    backward(tables[0]!, [2, 0, 3]);
    tables[1]!.backward([1], Float32Array.of(3, 4));
    first.step();
    const bytes = first.toBytes();
    const tokens = '0 1 -1 2 0.9 1e999 " \\" { } [ ] , : null true rows p1'.split(' ');
    const edit = fc.tuple(fc.nat(bytes.length), fc.nat(12), fc.constantFrom(...tokens));
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), fc.boolean(), (edits, sized) => {
        let mutated = join(bytes);
        for (const [at, removed, token] of edits) {
          mutated = join(mutated.subarray(0, at), token, mutated.subarray(at + removed));
        }
        // The length of the header, so that most changes get past it.
        if (sized) {
          const length =
            Number(new DataView(bytes.buffer).getBigUint64(0, true)) + mutated.length - bytes.length;
          new DataView(mutated.buffer).setBigUint64(0, BigInt(Math.max(0, length)), true);
        }
        let next: Optimizer;
        try {
          next = Class.fromBytes(mutated, { parameters });
        } catch (error) {
          expect(['ERR_FORMAT', 'ERR_SHAPE']).toContain((error as { code?: string }).code);
          return;
        }
        expect(Class.fromBytes(next.toBytes(), { parameters }).toBytes()).toEqual(next.toBytes());
        next.dispose();
      }),
      { numRuns: 1000 },
    );
  });

  type Parts = ReturnType<typeof parts>;
  /** The bytes, with a change of their parts. */
  const changed = (optimizer: Optimizer, change: (parts: Parts) => Partial<Parts> | void): Uint8Array => {
    const all = parts(optimizer.toBytes());
    const { tensors, metadata, data } = { ...all, ...change(all) };
    return safetensors({ ...tensors, __metadata__: metadata }, data);
  };

  const metadata: readonly [string, Record<string, string | undefined>, ...(string | RegExp)[]][] = [
    ['another format', { format: 'tokenbed' }, 'format', '"tokenbed-optimizer"'],
    ['no format', { format: undefined }, 'format', 'nothing'],
    ['another version', { version: '2' }, 'version', '"1"'],
    ['no version', { version: undefined }, 'version'],
    ['another class', { optimizer: 'AdamW' }, 'optimizer', '"Adam"', '"AdamW"'],
    ['no options', { options: undefined }, 'options'],
    ['no JSON in options', { options: '{' }, 'options', 'JSON'],
    ['null as options', { options: 'null' }, 'options'],
    ['an array as options', { options: '[]' }, 'options'],
    ['no parameters', { parameters: undefined }, 'parameters'],
    ['no JSON in parameters', { parameters: '[{]' }, 'parameters', 'JSON'],
    ['an object as parameters', { parameters: '{}' }, 'parameters', 'array'],
    ['null as a parameter', { parameters: '[null, null]' }, 'entry 0'],
  ];
  it.each(metadata)('metadata: %s', (_, change, ...text) => {
    const { tables, optimizer } = trained();
    const bytes = changed(optimizer, (all) => {
      const metadata = { ...all.metadata };
      for (const [key, value] of Object.entries(change)) {
        if (value === undefined) delete metadata[key];
        else metadata[key] = value;
      }
      return { metadata };
    });
    refused(bytes, tables, ...text);
  });

  const options: readonly [string, Record<string, unknown>, ...(string | RegExp)[]][] = [
    ['lr below 0', { lr: -1 }, 'lr'],
    ['lr as a string', { lr: '0.1' }, 'lr'],
    ['lr as null', { lr: null }, 'lr'],
    ['beta1 of 1', { beta1: 1 }, 'beta1'],
    ['beta2 below 0', { beta2: -0.5 }, 'beta2'],
    ['eps of 0', { eps: 0 }, 'eps'],
    ['eps above 1', { eps: 2 }, 'eps'],
    ['weightDecay below 0', { weightDecay: -1 }, 'weightDecay'],
    ['lazy as a number', { lazy: 1 }, 'lazy'],
    ['momentum', { momentum: 0.9 }, 'momentum'],
    ['betas', { betas: [0.9, 0.999] }, 'betas'],
    ['parameters', { parameters: [] }, 'parameters'],
    ['no lr', { lr: undefined }, 'lr'],
    ['no beta2', { beta2: undefined }, 'beta2'],
    ['no lazy', { lazy: undefined }, 'lazy'],
  ];
  it.each(options)('options: %s', (_, change, ...text) => {
    const { tables, optimizer } = trained();
    const bytes = changed(optimizer, ({ metadata }) => {
      const read = JSON.parse(metadata['options']!) as object;
      return { metadata: { ...metadata, options: JSON.stringify({ ...read, ...change }) } };
    });
    refused(bytes, tables, 'options', ...text);
  });

  const entries: readonly [string, Record<string, unknown>, ...(string | RegExp)[]][] = [
    ['no shape', { shape: undefined }, 'shape'],
    ['a shape of one size', { shape: [6] }, 'shape'],
    ['a shape of a string', { shape: ['6', 3] }, 'shape'],
    ['a shape below 0', { shape: [6, -3] }, 'shape'],
    ['no step', { step: undefined }, 'step'],
    ['half a step', { step: 1.5 }, 'step'],
    ['a step below 0', { step: -1 }, 'step'],
    ['no p1', { p1: undefined }, 'p1'],
    ['p2 as a string', { p2: '0.9' }, 'p2'],
    ['p1 above beta1', { p1: 0.95 }, 'p1'],
    ['p2 of 1 after a step', { p2: 1 }, 'p2'],
    ['p1 below 0', { p1: -0.5 }, 'p1'],
    ['products before a step', { step: 0 }, 'p1'],
    ['something else', { t: 2 }, 't'],
  ];
  it.each(entries)('parameters: %s', (_, change, ...text) => {
    const { tables, optimizer } = trained();
    const bytes = changed(optimizer, ({ metadata }) => {
      const [first, second] = JSON.parse(metadata['parameters']!) as object[];
      return { metadata: { ...metadata, parameters: JSON.stringify([{ ...first, ...change }, second]) } };
    });
    refused(bytes, tables, 'entry 0', ...text);
  });

  it('products belong to Adam alone', () => {
    const embedding = table();
    const optimizer = kept(new Adagrad({ parameters: embedding.parameters }));
    const bytes = changed(optimizer, ({ metadata }) => ({
      metadata: { ...metadata, parameters: '[{"shape":[6,3],"step":0,"p1":1}]' },
    }));
    expectError(() => Adagrad.fromBytes(bytes, { parameters: embedding.parameters }), {
      class: Error,
      code: 'ERR_FORMAT',
      text: 'p1',
    });
  });

  /** Changes words of the tensor `name`. */
  const words =
    (name: string, ...values: number[]) =>
    ({ tensors, data }: Parts): void => {
      const [start] = tensors[name]!.data_offsets;
      values.forEach((value, i) => new DataView(data.buffer).setUint32(start + 4 * i, value, true));
    };

  const rows: readonly [string, readonly number[], ...string[]][] = [
    ['falling', [1, 5, 4], 'ascending', '[2]'],
    ['twice', [1, 1, 4], 'ascending', '[1]'],
    ['at V', [1, 4, ROWS], `below ${ROWS}`, '[2]'],
    ['far beyond V', [0xffff_ffff, 4, 5], `below ${ROWS}`, '[0]'],
  ];
  it.each(rows)('rows: %s', (_, list, ...text) => {
    const { tables, optimizer } = trained();
    refused(changed(optimizer, words('0.rows', ...list)), tables, 'rows', ...text);
  });

  it('tensors: missing, extra, of another name, dtype or shape', () => {
    const { tables, optimizer } = trained();
    const { tensors } = parts(optimizer.toBytes());
    const without = (name: string, others: object = {}) =>
      changed(optimizer, (all) => {
        const { [name]: _, ...rest } = all.tensors;
        return { tensors: { ...rest, ...others } as Parts['tensors'] };
      });
    for (const name of Object.keys(tensors)) {
      const tensor = tensors[name]!;
      refused(without(name), tables); // a hole in the data
      for (const other of [
        `2${name.slice(1)}`,
        `${name.slice(0, 2)}sum`,
        `00${name.slice(1)}`,
        name.slice(2),
      ]) {
        refused(without(name, { [other]: tensor }), tables, `"${name}" is missing`);
      }
      const dtype = tensor.dtype === 'F32' ? 'U32' : 'F32';
      refused(without(name, { [name]: { ...tensor, dtype } }), tables, name, 'must be');
      for (const shape of [
        [...tensor.shape, 1],
        [1, ...tensor.shape],
        [tensor.shape.reduce((a, b) => a * b), ...tensor.shape.slice(1).map(() => 1)],
      ]) {
        if (shape.join() === tensor.shape.join()) continue;
        refused(without(name, { [name]: { ...tensor, shape } }), tables, name, 'must be');
      }
      refused(without(name, { [name]: { ...tensor, data_offsets: [4, 16] } }), tables);
    }
    const more = changed(optimizer, ({ tensors, data }) => {
      const end = data.length;
      const extra = { dtype: 'F32', shape: [1], data_offsets: [end, end + 4] as [number, number] };
      return { tensors: { ...tensors, '2.m': extra }, data: join(data, [0, 0, 0, 0]) as never };
    });
    refused(more, tables, '"2.m" belongs to nothing');
    const empty = changed(optimizer, ({ tensors, data }) => {
      const extra = {
        dtype: 'F32',
        shape: [0],
        data_offsets: [data.length, data.length] as [number, number],
      };
      return { tensors: { ...tensors, note: extra } };
    });
    refused(empty, tables, '"note" belongs to nothing');
  });

  it('a name twice', () => {
    const { tables, optimizer } = trained();
    const { tensors, metadata, data } = parts(optimizer.toBytes());
    const { '0.m': first, ...others } = tensors;
    const header = JSON.stringify({ ...others, __metadata__: metadata });
    const half = (start: number, end: number) =>
      `"0.m":${JSON.stringify({ dtype: 'F32', shape: [(end - start) / 4], data_offsets: [start, end] })}`;
    const [start, end] = first!.data_offsets;
    const twice = `{${half(start, start + 8)},${half(start + 8, end)},${header.slice(1)}`;
    refused(safetensors(twice, data), tables, '0.m');
  });

  it('other files', () => {
    const { tables } = trained();
    refused(new Uint8Array(0), tables);
    refused(new TextEncoder().encode('{}'), tables);
    refused(tables[0].toBytes('safetensors'), tables, 'format');
    refused(tables[0].toBytes('npy'), tables);
  });
});
