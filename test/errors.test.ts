/**
 * The error table: class, code, all fields and the complete message of each error, on every backend.
 */

import {
  binaryCrossEntropy,
  BPETokenizer,
  CharTokenizer,
  crossEntropy,
  Embedding,
  EmbeddingBag,
  EmbeddingLayer,
  type Gradient,
  PositionalEncoding,
  RotaryEncoding,
  Tensor,
  similarity,
} from 'tokenbed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answersThroughout, countingRows, countingTable, untyped } from './helpers/backend.js';
import { expectBits, expectPainted, painted } from './helpers/bits.js';
import type { Thrown } from './helpers/errors.js';
import { f32Table, gguf, join, TYPE } from './helpers/files.js';
import { detach, resizable } from './helpers/memory.js';

answersThroughout();

let table: Embedding;
let gone: Embedding;
let bag: EmbeddingBag;
let layer: EmbeddingLayer;
let positions: PositionalEncoding;
let rotary: RotaryEncoding;
let blocks: Embedding;
let stored: Embedding;
let dropping: PositionalEncoding;
let full: PositionalEncoding;
let ended: Gradient;
beforeAll(() => {
  table = countingTable(10, 2);
  gone = countingTable(10, 2);
  gone.dispose();
  bag = EmbeddingBag.from(table);
  layer = new EmbeddingLayer({ token: table, positional: null });
  positions = new PositionalEncoding({ embeddingDim: 64, maxSeqLength: 6 });
  rotary = new RotaryEncoding({ headDim: 64, maxSeqLength: 6 });
  const tensors = [{ name: 'token_embd.weight', sizes: [32, 1], type: TYPE.q8_0 }];
  blocks = Embedding.loadSync(gguf({ tensors, data: new Uint8Array(34) }));
  stored = table.convert('i8');
  dropping = new PositionalEncoding({ embeddingDim: 4, dropout: 0.5 }).train();
  full = new PositionalEncoding({ embeddingDim: 4, dropout: 0.5 }).train();
  full.trainingCalls = 2 ** 32;
  table.backward([1], new Float32Array(2));
  ended = table.weight.grad!;
  table.weight.zeroGrad();
});
afterAll(() => {
  const objects = [bag, layer, positions, rotary, blocks, stored, dropping, full, table];
  for (const each of objects) each.dispose();
});

/** Casts any value to any type. */
const as = <T>(value: unknown): T => value as T;
const make = (options: unknown): Embedding => new Embedding(as(options));

const IDS =
  'ids must be an integer, arrays of integers nested to any depth (at most 64), an integer typed array or an ' +
  'integer Tensor: got ';
const HINT = 'Pad rows to one length with padSequences, or give an EmbeddingBag flat ids with offsets';
const OUT = "Argument out must be a Float32Array or a Tensor<'f32'>: got ";

type Row = readonly [
  name: string,
  run: (out: Float32Array) => unknown,
  kind: typeof Error,
  code: string,
  message: string,
  fields: Record<string, unknown>,
];

const rows: Row[] = [
  [
    'a nested id that is too large',
    (out) => table.forwardInto([[0, 1, 2, 12]], out),
    RangeError,
    'ERR_ID_OUT_OF_RANGE',
    'Token indices must be in range [0, 10): got 12 at [0, 3]',
    { value: 12, position: 3, bound: 10 },
  ],
  [
    'a negative id in a typed array',
    (out) => table.forwardInto(Int16Array.of(0, 1, -5), out),
    RangeError,
    'ERR_ID_OUT_OF_RANGE',
    'Token indices must be in range [0, 10): got -5 at [2]',
    { value: -5, position: 2, bound: 10 },
  ],
  [
    'a bigint beyond 32 bits',
    (out) => table.forwardInto(BigUint64Array.of(2n ** 40n), out, { shape: [1, 1] }),
    RangeError,
    'ERR_ID_OUT_OF_RANGE',
    'Token indices must be in range [0, 10): got 1099511627776 at [0, 0]',
    { value: 2n ** 40n, position: 0, bound: 10 },
  ],
  [
    'a number beyond every id type',
    (out) => table.forwardInto(1e300, out),
    RangeError,
    'ERR_ID_OUT_OF_RANGE',
    'Token indices must be in range [0, 10): got 1e+300 at []',
    { value: 1e300, position: 0, bound: 10 },
  ],
  [
    'a position that is too large',
    () => positions.forwardInto(new Float32Array(64), painted(64), { shape: [1, 64], positionIds: [6] }),
    RangeError,
    'ERR_ID_OUT_OF_RANGE',
    'Positions must be in range [0, 6): got 6 at [0]',
    { value: 6, position: 0, bound: 6 },
  ],
  [
    'a row out of range',
    (out) => table.weight.row(10, out),
    RangeError,
    'ERR_ID_OUT_OF_RANGE',
    'Token indices must be in range [0, 10): got row 10',
    { value: 10, position: 0, bound: 10 },
  ],
  [
    'a leaf that is not an integer',
    (out) =>
      table.forwardInto(
        [
          [1, 2],
          [3, 1.5],
        ],
        out,
      ),
    TypeError,
    'ERR_INVALID_ID',
    'Token indices must be integers: got 1.5 at [1, 1]',
    { value: 1.5, position: 3 },
  ],
  [
    'a leaf that is not a number',
    (out) => table.forwardInto(as([[1, '2']]), out),
    TypeError,
    'ERR_INVALID_ID',
    'Token indices must be integers: got "2" at [0, 1]',
    { value: '2', position: 1 },
  ],
  [
    'a Map as ids',
    (out) => table.forwardInto(as(new Map()), out),
    TypeError,
    'ERR_INVALID_IDS',
    `${IDS}a Map`,
    { argument: 'ids' },
  ],
  [
    'a string as ids',
    (out) => table.forwardInto(as('ids'), out),
    TypeError,
    'ERR_INVALID_IDS',
    `${IDS}"ids"`,
    { argument: 'ids' },
  ],
  [
    'a float array as ids',
    (out) => table.forwardInto(as(Float32Array.of(1)), out),
    TypeError,
    'ERR_INVALID_IDS',
    `${IDS}a Float32Array`,
    { argument: 'ids' },
  ],
  [
    'a detached array as ids',
    (out) => table.forwardInto(detach(Int32Array.of(1)), out),
    TypeError,
    'ERR_INVALID_IDS',
    `${IDS}a detached Int32Array`,
    { argument: 'ids' },
  ],
  [
    'a view outside its shrunk buffer as ids',
    (out) => {
      const memory = resizable(8, 8);
      const ids = new Uint16Array(memory, 4, 2);
      memory.resize(6);
      return table.forwardInto(ids, out);
    },
    TypeError,
    'ERR_INVALID_IDS',
    `${IDS}a Uint16Array outside its shrunk buffer`,
    { argument: 'ids' },
  ],
  [
    'no ids',
    (out) => untyped(table).forwardInto(undefined, out),
    TypeError,
    'ERR_INVALID_IDS',
    `${IDS}nothing`,
    { argument: 'ids' },
  ],
  [
    'an out of another class',
    () => table.forwardInto([1], as(new Float64Array(2))),
    TypeError,
    'ERR_INVALID_ARRAY',
    `${OUT}a Float64Array`,
    { argument: 'out' },
  ],
  [
    'an out of another dtype',
    () => table.forwardInto([1], as(new Tensor(new Int32Array(2)))),
    TypeError,
    'ERR_INVALID_ARRAY',
    `${OUT}a Tensor of an Int32Array`,
    { argument: 'out' },
  ],
  [
    'a detached out',
    () => table.forwardInto([1], detach(new Float32Array(2))),
    TypeError,
    'ERR_INVALID_ARRAY',
    `${OUT}a detached Float32Array`,
    { argument: 'out' },
  ],
  [
    'rows of unequal length',
    (out) => table.forwardInto([[1, 2], [3]], out),
    TypeError,
    'ERR_RAGGED',
    `ids is ragged: got an array of length 1 at [1], depth 1, expected an array of length 2. ${HINT}`,
    { length: 1, expected: 2, depth: 1 },
  ],
  [
    'an array among numbers',
    (out) => table.forwardInto([[1, [2]]], out),
    TypeError,
    'ERR_RAGGED',
    `ids is ragged: got an array of length 1 at [0, 1], depth 2, expected a number. ${HINT}`,
    { length: 1, expected: null, depth: 2 },
  ],
  [
    'an unknown option',
    (out) => table.forwardInto([1], out, as({ startPos: 1 })),
    TypeError,
    'ERR_INVALID_OPTION',
    'Unknown option startPos (expected one of: shape)',
    { option: 'startPos', value: 1 },
  ],
  [
    'a missing option',
    () => make({ vocabSize: 3 }),
    TypeError,
    'ERR_INVALID_OPTION',
    'Option embeddingDim must be an integer >= 1: got undefined',
    { option: 'embeddingDim', value: undefined },
  ],
  [
    'an option of a wrong type',
    () => make({ vocabSize: '3', embeddingDim: 2 }),
    TypeError,
    'ERR_INVALID_OPTION',
    'Option vocabSize must be an integer >= 1 and <= 4294967296: got "3"',
    { option: 'vocabSize', value: '3' },
  ],
  [
    'an option with an invalid value',
    () => make({ vocabSize: 3, embeddingDim: 2, paddingIdx: -4 }),
    RangeError,
    'ERR_INVALID_OPTION',
    'Option paddingIdx must be an integer >= -3 and <= 2: got -4',
    { option: 'paddingIdx', value: -4 },
  ],
  [
    'an option that conflicts with another',
    () => make({ vocabSize: 3, embeddingDim: 2, std: 1 }),
    RangeError,
    'ERR_INVALID_OPTION',
    'Option std must be absent unless initType is "normal" (it is "uniform"): got 1',
    { option: 'std', value: 1 },
  ],
  [
    'an unknown initializer',
    () => make({ vocabSize: 3, embeddingDim: 2, initType: 'kaiming' }),
    RangeError,
    'ERR_UNKNOWN_INIT',
    'Unknown init_type: kaiming (expected one of: uniform, normal, xavier, zeros)',
    { value: 'kaiming' },
  ],
  [
    'an initialiser of a wrong kind',
    () => make({ vocabSize: 3, embeddingDim: 2, initType: {} }),
    RangeError,
    'ERR_UNKNOWN_INIT',
    'Unknown init_type: an Object (expected one of: uniform, normal, xavier, zeros)',
    { value: {} },
  ],
  [
    'embeddings of another rank',
    (out) => positions.forwardInto(new Float32Array(64), out),
    RangeError,
    'ERR_RANK',
    'Expected 2D or 3D embeddings, got shape [64]',
    { shape: [64] },
  ],
  [
    'heads of another rank',
    (out) => rotary.forwardInto(new Float32Array(64), out),
    RangeError,
    'ERR_RANK',
    'Expected 2D, 3D or 4D input, got shape [64]',
    { shape: [64] },
  ],
  [
    'heads of another width',
    (out) => rotary.forwardInto(new Tensor(new Float32Array(65), { shape: [1, 65] }), out),
    RangeError,
    'ERR_DIM',
    'Head dim mismatch: expected 64, got 65',
    { expected: 64, got: 65 },
  ],
  [
    'ids of another rank for a layer',
    (out) => layer.forwardInto([[[1]]], out),
    RangeError,
    'ERR_RANK',
    'Expected 1D or 2D token ids, got shape [1, 1, 1]',
    { shape: [1, 1, 1] },
  ],
  [
    'ids of another rank for a bag',
    (out) => bag.forwardInto([[[1]]], out),
    RangeError,
    'ERR_RANK',
    'Expected 1D ids with offsets or 2D ids, got shape [1, 1, 1]',
    { shape: [1, 1, 1] },
  ],
  [
    'queries of another rank',
    () => table.nearest(new Tensor(3)),
    RangeError,
    'ERR_RANK',
    'Expected 1D or 2D queries, got shape []',
    { shape: [] },
  ],
  [
    'similarity of another rank',
    () => similarity(new Tensor(new Float32Array(3)), new Tensor(new Float32Array(3))),
    RangeError,
    'ERR_RANK',
    'Expected 2D rows, got shape [3]',
    { shape: [3] },
  ],
  [
    'flat scores without targets',
    () => crossEntropy(new Float32Array(6)),
    RangeError,
    'ERR_RANK',
    'Expected at least 2D scores without targets, got shape [6]',
    { shape: [6] },
  ],
  [
    'flat scores without labels',
    () => binaryCrossEntropy(new Float32Array(6)),
    RangeError,
    'ERR_RANK',
    'Expected at least 2D scores without labels, got shape [6]',
    { shape: [6] },
  ],
  [
    'a single score',
    () => crossEntropy(new Tensor(3), { targets: 0 }),
    RangeError,
    'ERR_RANK',
    'Expected at least 1D scores, got shape []',
    { shape: [] },
  ],
  [
    'queries of another width',
    () => table.nearest(new Float32Array(3)),
    RangeError,
    'ERR_DIM',
    'Embedding dim mismatch: expected 2, got 3',
    { expected: 2, got: 3 },
  ],
  [
    'embeddings of another width',
    (out) => positions.forwardInto(new Tensor(new Float32Array(130), { shape: [2, 65] }), out),
    RangeError,
    'ERR_DIM',
    'Embedding dim mismatch: expected 64, got 65',
    { expected: 64, got: 65 },
  ],
  [
    'weights of another width',
    () => Embedding.fromPretrained([[1, 2]], { embeddingDim: 3 }),
    RangeError,
    'ERR_DIM',
    'Embedding dim mismatch: expected 3, got 2',
    { expected: 3, got: 2 },
  ],
  [
    'a sequence that is too long',
    () => positions.forwardInto(new Tensor(new Float32Array(448), { shape: [7, 64] }), painted(448)),
    RangeError,
    'ERR_SEQUENCE_LENGTH',
    'Sequence length 7 exceeds max 6',
    { length: 7, startPos: 0, max: 6 },
  ],
  [
    'a shape with another product',
    (out) => table.forwardInto([1, 2, 3], out, { shape: [2, 2] }),
    RangeError,
    'ERR_SHAPE',
    'Shape [2, 2] holds 4 elements, but there are 3 ids',
    { shape: [2, 2], size: 4, count: 3 },
  ],
  [
    'an out that is too short',
    (out) => table.forwardInto([1, 2], out.subarray(0, 3)),
    RangeError,
    'ERR_SHAPE',
    'out has length 3, but the result has 4 elements',
    { length: 3 },
  ],
  [
    'values of another length',
    () => table.weight.set(0, [1, 2, 3]),
    RangeError,
    'ERR_SHAPE',
    'values has length 3, but a row has 2',
    { length: 3 },
  ],
  [
    'an out over the ids',
    (out) => table.forwardInto(new Uint8Array(out.buffer, 3, 1), out),
    RangeError,
    'ERR_OVERLAP',
    'out shares bytes with ids: pass a separate array',
    { argument: 'ids' },
  ],
  [
    'decreasing offsets',
    (out) => bag.forwardInto([1, 2, 3], out, { offsets: [0, 2, 1] }),
    RangeError,
    'ERR_OFFSETS',
    'Offsets must not fall (2 came before): got 1 at [2]',
    { index: 2, value: 1, rule: 'must not fall (2 came before)' },
  ],
  [
    'a disposed table',
    (out) => gone.forwardInto([1], out),
    Error,
    'ERR_DISPOSED',
    'The embedding has been disposed; create a new one',
    {},
  ],
  [
    'a tokenizer that was not trained',
    () => new BPETokenizer().encode('text'),
    Error,
    'ERR_NOT_TRAINED',
    'BPETokenizer must be trained before encoding!',
    {},
  ],
  [
    'JSON of another type of tokenizer',
    () => CharTokenizer.fromJSON({ type: 'BPETokenizer', version: 1 }),
    Error,
    'ERR_FORMAT',
    'Malformed tokenizer JSON: type must be "CharTokenizer", got "BPETokenizer"',
    { where: 'type', rule: '"CharTokenizer"', value: 'BPETokenizer' },
  ],
  [
    'a file of another length than its header says',
    () => Embedding.loadSync(f32Table(new Float32Array(4), 2).subarray(0, -1)),
    Error,
    'ERR_FORMAT',
    'bytes: byte 18: the data_offsets of the tensor "weight" are [0, 16], but the file has 15 bytes of data',
    {
      path: 'bytes',
      byte: 18,
      rule: 'the data_offsets of the tensor "weight" are [0, 16], but the file has 15 bytes of data',
    },
  ],
  [
    'a line without as many numbers as the first',
    () => Embedding.loadSync(join('cat 1 2\ndog 3\n')),
    Error,
    'ERR_FORMAT',
    'bytes: line 2: a row is a word and 2 decimals, this line has 2 fields',
    { path: 'bytes', line: 2, rule: 'a row is a word and 2 decimals, this line has 2 fields' },
  ],
  [
    'a write to a table in blocks of GGUF',
    () => blocks.weight.set(0, new Float32Array(32)),
    Error,
    'ERR_READ_ONLY',
    "A table of q8_0 is read-only; convert('f32') returns one that can be written",
    {},
  ],
  [
    'a table of i8 that is to be trained',
    () => (stored.weight.requiresGrad = true),
    Error,
    'ERR_NOT_TRAINABLE',
    "A table of i8 cannot be trained; convert('f32') returns one that can",
    { dtype: 'i8' },
  ],
  [
    'a requiresGrad that is not a boolean',
    () => Object.assign(table.weight, { requiresGrad: 1 }),
    TypeError,
    'ERR_INVALID_OPTION',
    'Option requiresGrad must be true or false: got 1',
    { option: 'requiresGrad', value: 1 },
  ],
  [
    'a gradOutput that is too short',
    () => table.backward([1, 2], new Float32Array(3)),
    RangeError,
    'ERR_SHAPE',
    'gradOutput has length 3, but the result of forward has 4 elements',
    { length: 3 },
  ],
  [
    'a gradOutput of another width',
    () => table.backward([1], new Tensor([[1]])),
    RangeError,
    'ERR_DIM',
    'Embedding dim mismatch: expected 2, got 1',
    { expected: 2, got: 1 },
  ],
  [
    'a gradOutput of the wrong kind',
    () => table.backward([1], [1, 2] as never),
    TypeError,
    'ERR_INVALID_ARRAY',
    "Argument gradOutput must be a Float32Array or a Tensor<'f32'>: got an array of length 2",
    { argument: 'gradOutput' },
  ],
  [
    'a training call that was not made',
    () => dropping.backward(new Float32Array(4), { shape: [1, 4], call: 0 }),
    RangeError,
    'ERR_INVALID_OPTION',
    'Option call must be the number of a training call (there was none): got 0',
    { option: 'call', value: 0 },
  ],
  [
    'one training call more than the generator can tell apart',
    () => full.forward(new Float32Array(4), { shape: [1, 4] }),
    RangeError,
    'ERR_TOO_LARGE',
    'There are at most 4294967296 training calls: set trainingCalls to a lower number',
    { limit: 2 ** 32 },
  ],
  [
    'a gradient that has ended',
    () => ended.values,
    Error,
    'ERR_DISPOSED',
    'The gradient has been disposed: it has ended; parameter.grad is the next one',
    {},
  ],
  [
    'a weight beyond f32',
    () => Embedding.fromPretrained(new Tensor(Float64Array.of(1, 2, 3, 1e39), { shape: [2, 2] })),
    RangeError,
    'ERR_RANGE',
    '1e+39 at row 1, column 1 does not fit f32',
    { row: 1, column: 1, value: 1e39 },
  ],
  [
    'a weight beyond f16',
    () =>
      Embedding.fromPretrained(
        [
          [1, 2],
          [3, 65_520],
        ],
        { dtype: 'f16' },
      ),
    RangeError,
    'ERR_RANGE',
    '65520 at row 1, column 1 does not fit f16 (magnitudes up to 65504, infinities and NaN)',
    { row: 1, column: 1, value: 65_520 },
  ],
  [
    'a weight beyond bf16, converted',
    () =>
      Embedding.fromPretrained([
        [1, 2],
        [-2, -(2 ** 128 - 2 ** 119)],
      ]).convert('bf16'),
    RangeError,
    'ERR_RANGE',
    '-3.39617752923046e+38 at row 1, column 1 does not fit bf16 (magnitudes up to 3.3895314e38, infinities and NaN)',
    { row: 1, column: 1, value: -(2 ** 128 - 2 ** 119) },
  ],
  [
    'a NaN in a row of i8',
    () => new Embedding({ vocabSize: 3, embeddingDim: 2, dtype: 'i8' }).weight.set(2, [1, NaN]),
    RangeError,
    'ERR_RANGE',
    'NaN at row 2, column 1 does not fit i8 (finite values, max - min of a row up to 3.4028235e38)',
    { row: 2, column: 1, value: NaN },
  ],
  [
    'an infinity in rows of i4',
    () =>
      new Embedding({ vocabSize: 3, embeddingDim: 2, dtype: 'i4' }).weight.setRows(
        1,
        Float32Array.of(1, 2, -Infinity, 0),
      ),
    RangeError,
    'ERR_RANGE',
    '-Infinity at row 2, column 0 does not fit i4 (finite values, the minimum of a row up to 65504 in magnitude, and (max - min) / 15 up to 65504)',
    { row: 2, column: 0, value: -Infinity },
  ],
  [
    'an unknown dtype',
    () => make({ vocabSize: 3, embeddingDim: 2, dtype: 'f64' }),
    RangeError,
    'ERR_INVALID_OPTION',
    'Option dtype must be one of "f32", "f16", "bf16", "i8", "i4": got "f64"',
    { option: 'dtype', value: 'f64' },
  ],
  [
    'a dtype of another type, to convert to',
    () => table.convert(as(16)),
    TypeError,
    'ERR_INVALID_OPTION',
    'Option dtype must be one of "f32", "f16", "bf16", "i8", "i4": got 16',
    { option: 'dtype', value: 16 },
  ],
  [
    'no dtype to convert to',
    () => table.convert(as(undefined)),
    TypeError,
    'ERR_INVALID_OPTION',
    'Option dtype must be one of "f32", "f16", "bf16", "i8", "i4": got undefined',
    { option: 'dtype', value: undefined },
  ],
];

describe('the error table', () => {
  it.each(rows)('%s', (_name, run, kind, code, message, fields) => {
    const out = painted(16);
    let thrown: Thrown | undefined;
    try {
      run(out);
    } catch (error) {
      thrown = error as Thrown;
    }
    expect(Object.getPrototypeOf(thrown)).toBe(kind.prototype);
    expect(thrown!.message).toBe(message);
    expect({ ...thrown }).toEqual({ code, ...fields });
    expect(thrown!.name).toBe(kind.name);
    expect(thrown!.stack).toContain(message);
    // Neither out nor the table was written, and the next call works.
    expectPainted(out);
    expectBits(table.weight.toTensor().data, countingRows([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 2));
    expectBits(table.forwardInto([9, 0], out).subarray(0, 4), [9000, 9001, 0, 1]);
    expectPainted(out, 4);
  });

  it('ERR_TOO_LARGE has the requested bytes and the limit', () => {
    let thrown: Thrown | undefined;
    try {
      make({ vocabSize: 2 ** 32, embeddingDim: 2 ** 31 });
    } catch (error) {
      thrown = error as Thrown;
    }
    const limit = thrown!['limit'] as number;
    expect(Object.getPrototypeOf(thrown)).toBe(RangeError.prototype);
    expect({ ...thrown }).toEqual({ code: 'ERR_TOO_LARGE', bytes: 2 ** 65, limit });
    expect(thrown!.message).toBe(`A table needs ${2 ** 65} bytes, the limit is ${limit}`);
    expect(limit).toBeGreaterThan(2 ** 24);
  });

  it('tokenizers throw ERR_ID_OUT_OF_RANGE for ids that do not exist', () => {
    expect(() => new CharTokenizer().decode([99])).toThrow(
      expect.objectContaining({ code: 'ERR_ID_OUT_OF_RANGE', value: 99, position: 0, bound: 99 }),
    );
  });
});
