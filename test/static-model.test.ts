/** StaticModel: whose vectors, of what files, and every error of it. */

import { Embedding, StaticModel, type StaticModelFiles, type StaticModelOptions, Tensor } from 'tokenbed';
import { PretrainedTokenizer } from 'tokenbed/text';
import { describe, expect, it } from 'vitest';
import { answersThroughout } from './helpers/backend.js';
import { expectBits, expectPainted, painted } from './helpers/bits.js';
import {
  disposed,
  type Expected,
  expectError,
  expectRejection,
  invalidOption,
  outOfRange,
} from './helpers/errors.js';
import { join, streamOf } from './helpers/files.js';
import { detach } from './helpers/memory.js';
import { model, type Parts, TOKENS, values, vector } from './helpers/static-model.js';
import { unigram, wordPiece } from './helpers/tokenizer-files.js';

answersThroughout();

const DIM = 20;
const ROWS = values(TOKENS * DIM);
const PLAIN: Parts = { rows: ROWS, dim: DIM };
/** Texts and their ids without the unknown token, which is 1. */
const TEXTS = ['hello worlds!', '', 'Hello, 漢 cafe', 'xyz', 'hello xyz hello'];
const IDS = [[4, 5, 6, 9], [], [4, 10, 11, 7, 8], [], [4, 4]];
const WITH_UNKNOWN = [[4, 5, 6, 9], [], [4, 10, 11, 7, 8], [1], [4, 1, 4]];

const load = (parts: Parts, options?: StaticModelOptions): Promise<StaticModel> =>
  StaticModel.load(model(parts), options);

/** The vectors of texts with these ids, one after the other. */
const expected = (
  ids: readonly (readonly number[])[],
  parts: Parts,
  ...how: [StaticModel['compat'], boolean]
) => Float32Array.from(ids.flatMap((each) => Array.from(vector(each, parts, ...how))));

/** Expects that a load fails like this. */
const fails = (
  files: StaticModelFiles,
  text: string | readonly string[],
  options?: StaticModelOptions,
  fields: Expected['fields'] = {},
) => expectRejection(StaticModel.load(files, options), { class: Error, code: 'ERR_FORMAT', text, fields });

describe('vectors', () => {
  it('are those of model2vec or sentence-transformers, to the bit', async () => {
    const mapping = Int32Array.from({ length: TOKENS }, (_, i) => (i * 5) % 7);
    const weights = values(TOKENS, 3);
    const variants: Parts[] = [
      PLAIN,
      { ...PLAIN, rows: values(7 * DIM), mapping },
      { ...PLAIN, rows: values(7 * DIM), mapping: BigInt64Array.from(mapping, BigInt) },
      { ...PLAIN, weights },
      { ...PLAIN, weights: Float64Array.from(weights, (w) => w * 1.000000001) },
      { ...PLAIN, rows: values(7 * DIM), mapping, weights: Float64Array.from(weights, (w) => w / 3) },
    ];
    for (const dim of [1, 7, 8, 20, 130, 300]) {
      variants.push({ rows: values(TOKENS * dim), dim, weights });
    }
    for (const compat of ['model2vec', 'sentence-transformers'] as const) {
      for (const normalize of [false, true]) {
        for (const parts of variants) {
          using made = await load(parts, { compat, normalize });
          expect([made.compat, made.normalize, made.dim]).toEqual([compat, normalize, parts.dim]);
          const ids = compat === 'model2vec' ? IDS : WITH_UNKNOWN;
          expect(made.tokenize(TEXTS)).toEqual(ids);
          const result = made.embed(TEXTS);
          expect(result.shape).toEqual([TEXTS.length, parts.dim]);
          expectBits(result.data, expected(ids, parts, compat, normalize));
        }
      }
    }
  });

  it('of many texts are those of each', async () => {
    using made = await load({ ...PLAIN, weights: values(TOKENS) }, { normalize: true });
    const texts = Array.from({ length: 5000 }, (_, i) => `${TEXTS[i % 5]} ${'hello '.repeat(i % 40)}`);
    const all = made.embed(texts).data;
    for (const i of [0, 1, 1023, 1024, 2500, 4999]) {
      expectBits(all.subarray(i * DIM, (i + 1) * DIM), made.embed([texts[i]!]).data);
    }
    const out = painted(texts.length * DIM + 3);
    expect(made.embedInto(texts, out)).toBe(out);
    expectBits(out.subarray(0, all.length), all);
    expectPainted(out, all.length);
  });

  it('leave out an unknown token that is an added one, too', async () => {
    const { '[UNK]': _, ...vocab } = wordPiece.model.vocab;
    using made = await load({
      ...PLAIN,
      tokenizer: { ...wordPiece, model: { ...wordPiece.model, vocab } },
    });
    // The reference numbers an added token that the vocabulary lacks by the size of the vocabulary, whatever the file says.
    expect((made.tokenizer as PretrainedTokenizer).unkId).toBe(TOKENS - 1);
    expect(made.tokenize(['hello [UNK] world'])).toEqual([[4, 5]]);
  });

  it('of no texts are [0, dim]', async () => {
    using made = await load(PLAIN);
    expect(made.embed([]).shape).toEqual([0, DIM]);
    expect(made.tokenize([])).toEqual([]);
    expect(made.embedInto([], new Float32Array(0))).toHaveLength(0);
  });

  it('of rows of any dtype are those of the rows that a lookup gives', async () => {
    for (const dtype of ['f16', 'bf16', 'i8', 'i4'] as const) {
      using made = await load(PLAIN, { dtype, normalize: true });
      expect(made.table.dtype).toBe(dtype);
      const rows = made.table.weight.toTensor().data;
      expectBits(made.embed(TEXTS).data, expected(IDS, { rows, dim: DIM }, 'model2vec', true));
      // The file that `convert` writes.
      const files = { ...model(PLAIN), model: made.table.toBytes('safetensors', { tensor: 'embeddings' }) };
      using again = await StaticModel.load(files, { normalize: true });
      expect([again.compat, again.table.dtype]).toEqual(['model2vec', dtype]);
      expectBits(again.embed(TEXTS).data, made.embed(TEXTS).data);
    }
    const integers = Int8Array.from({ length: TOKENS * DIM }, (_, i) => i - 120);
    using made = await load({
      ...PLAIN,
      extra: { embeddings: { dtype: 'I8', shape: [TOKENS, DIM], data: integers } },
    });
    expectBits(
      made.embed(TEXTS).data,
      expected(IDS, { rows: Float32Array.from(integers), dim: DIM }, 'model2vec', false),
    );
  });

  it('of the first dim columns are normalized after the cut', async () => {
    const cut = ROWS.filter((_, i) => i % DIM < 9);
    using made = await load(PLAIN, { dim: 9, normalize: true });
    expect(made.dim).toBe(9);
    expectBits(made.embed(TEXTS).data, expected(IDS, { rows: cut, dim: 9 }, 'model2vec', true));
  });

  it('have weights in f16, widened', async () => {
    const halves = Uint16Array.from(
      { length: TOKENS },
      (_, i) => [0x3c00, 0xc100, 0x0001, 0x03ff, 0x7bff, 0x8000][i % 6]!,
    );
    const weights = Float32Array.from(
      halves,
      (bits) =>
        ({ 0x3c00: 1, 0xc100: -2.5, 0x0001: 2 ** -24, 0x03ff: 1023 * 2 ** -24, 0x7bff: 65504, 0x8000: -0 })[
          bits
        ]!,
    );
    using made = await load({
      ...PLAIN,
      extra: { weights: { dtype: 'F16', shape: [TOKENS], data: halves } },
    });
    expectBits(made.embed(TEXTS).data, expected(IDS, { ...PLAIN, weights }, 'model2vec', false));
  });

  it('of a Unigram model leave out its unknown token', async () => {
    const size = unigram.model.vocab.length;
    using made = await load({ rows: values(size * 4), dim: 4, tokenizer: unigram });
    const unknown = unigram.model.unk_id;
    const tokenizer = PretrainedTokenizer.fromJSON(unigram);
    const text = 'hello 漢☃ world';
    const ids = tokenizer.encode(text);
    expect(ids).toContain(unknown);
    expect(made.tokenize([text])).toEqual([ids.filter((id) => id !== unknown)]);
  });
});

describe('lengths', () => {
  const long = 'hello '.repeat(1000);
  it('are those of config.json, by default 512; the unknown token counts', async () => {
    using usual = await load(PLAIN);
    expect(usual.maxLength).toBe(512);
    // The median token has 4 code points: the text is cut to 2048 of them, 341 words and an unknown one.
    expect(usual.tokenize([long])[0]).toHaveLength(341);
    using short = await load({ ...PLAIN, config: { max_length: 3, normalize: true, other: [] } });
    expect([short.maxLength, short.normalize]).toEqual([3, true]);
    expect(short.tokenize(['! x ! ! ! !', '!!!!!'])).toEqual([
      [9, 9],
      [9, 9, 9],
    ]);
    using none = await load({ ...PLAIN, config: { max_length: null } });
    expect(none.maxLength).toBeNull();
    expect(none.tokenize([long])[0]).toHaveLength(1000);
    using option = await load(
      { ...PLAIN, config: { max_length: 3, normalize: true } },
      { maxLength: null, normalize: false },
    );
    expect([option.maxLength, option.normalize]).toEqual([null, false]);
    expect(option.tokenize([long])[0]).toHaveLength(1000);
  });

  it('cut code points, not units', async () => {
    using made = await load(PLAIN, { maxLength: 1 });
    // Four code points: three of a pair of surrogates, which the vocabulary lacks, and one that counts.
    expect(made.tokenize(['😀😀 !!', '!😀'])).toEqual([[], [9]]);
  });

  it('of sentence-transformers are those of tokenizer.json', async () => {
    const truncation = { direction: 'Right', max_length: 2, strategy: 'LongestFirst', stride: 0 };
    const name = 'embedding.weight';
    using made = await load({ ...PLAIN, name, tokenizer: { ...wordPiece, truncation } });
    expect([made.compat, made.maxLength]).toEqual(['sentence-transformers', 2]);
    expect(made.tokenize(['! x !'])).toEqual([[9, 1]]);
    using option = await load({ ...PLAIN, name, tokenizer: { ...wordPiece, truncation } }, { maxLength: 1 });
    expect(option.tokenize(['! x !'])).toEqual([[9]]);
    using none = await load({ ...PLAIN, name, tokenizer: { ...wordPiece, truncation } }, { maxLength: null });
    expect(none.tokenize(['! x !'])).toEqual([[9, 1, 9]]);
    using plain = await load({ ...PLAIN, name });
    expect(plain.maxLength).toBeNull();
    expect(plain.tokenize([long])[0]).toHaveLength(1000);
    // model2vec replaces the truncation of the file.
    using other = await load({ ...PLAIN, tokenizer: { ...wordPiece, truncation } });
    expect(other.tokenize(['! x ! !'])).toEqual([[9, 9, 9]]);
  });

  it('modules.json decides whether sentence-transformers normalizes', async () => {
    const name = 'embedding.weight';
    const modules = [
      { idx: 0, name: '0', path: '0_StaticEmbedding', type: 'sentence_transformers.models.StaticEmbedding' },
      { idx: 1, name: '1', path: '1_Normalize', type: 'sentence_transformers.models.Normalize' },
    ];
    for (const [list, normalize] of [
      [modules, true],
      [modules.slice(0, 1), false],
      [undefined, false],
    ] as const) {
      using made = await load({ ...PLAIN, name, ...(list === undefined ? {} : { modules: list }) });
      expect(made.normalize).toBe(normalize);
    }
    using option = await load({ ...PLAIN, name, modules }, { normalize: false });
    expect(option.normalize).toBe(false);
  });
});

describe('a tokenizer', () => {
  it('that was passed is used, and not disposed', async () => {
    const tokenizer = PretrainedTokenizer.fromJSON(wordPiece);
    const made = await StaticModel.load({ model: model(PLAIN).model }, { tokenizer });
    expect(made.tokenizer).toBe(tokenizer);
    expectBits(made.embed(TEXTS).data, expected(IDS, PLAIN, 'model2vec', false));
    made.dispose();
    expect(tokenizer.disposed).toBe(false);
    expect(tokenizer.encode('hello')).toEqual([4]);
    const other = await StaticModel.load({ model: model(PLAIN).model }, { tokenizer });
    tokenizer.dispose();
    expect(other.disposed).toBe(false);
    expectError(() => other.embed(TEXTS), disposed);
    other.dispose();
  });

  it('that is a function is called once per text, in order', async () => {
    const seen: string[] = [];
    const tokenizer = (text: string) => {
      seen.push(text);
      return IDS[TEXTS.indexOf(text)]!;
    };
    using made = await StaticModel.load({ model: model(PLAIN).model }, { tokenizer });
    expect(made.vocabSize).toBe(TOKENS);
    expectBits(made.embed(TEXTS).data, expected(IDS, PLAIN, 'model2vec', false));
    expect(seen).toEqual(TEXTS);
    made.embedInto(TEXTS, new Float32Array(TEXTS.length * DIM));
    made.tokenize(TEXTS);
    expect(seen).toEqual([...TEXTS, ...TEXTS, ...TEXTS]);
  });

  it('that is a function may return ids in any flat form', async () => {
    const forms = [4, [4, 5], Uint8Array.of(6), BigInt64Array.of(7n), new Tensor(Int32Array.of(8, 9)), []];
    const tokenizer = (text: string) => forms[Number(text)] as number[];
    using made = await StaticModel.load({ model: model(PLAIN).model }, { tokenizer });
    expect(made.tokenize(forms.map((_, i) => String(i)))).toEqual([[4], [4, 5], [6], [7], [8, 9], []]);
  });

  it('that is a function: unknown token and median come from tokenizer.json, whatever else is in it', async () => {
    const tokenizer = (text: string) => Array.from(text, () => 1).concat(4, 4, 4);
    const strange = { model: { type: 'Strange', vocab: wordPiece.model.vocab, unk_token: '[UNK]' } };
    const files = model({ ...PLAIN, tokenizer: strange, config: { max_length: 4 } });
    using made = await StaticModel.load(files, { tokenizer });
    expect(made.tokenize(['', 'a', 'abcdefghijklmnopqrstuvw'])).toEqual([[4, 4, 4], [4, 4, 4], []]);
    const lengths: number[] = [];
    using seen = await StaticModel.load(files, { tokenizer: (text) => (lengths.push(text.length), []) });
    seen.embed(['x'.repeat(100)]);
    expect(lengths).toEqual([16]);
    const pieces = {
      model: {
        vocab: [
          ['a', 0],
          ['bcd', -1],
        ],
        unk_id: 1,
      },
    };
    using small = await load({ rows: values(2), dim: 1, tokenizer: pieces }, { tokenizer: () => [0, 1, 0] });
    expect([small.vocabSize, small.tokenize(['x'])]).toEqual([2, [[0, 0]]]);
  });

  it('that is a function: what is wrong with its ids is an error that names the text', async () => {
    const out = painted(2 * DIM);
    const cases: [unknown, Expected][] = [
      [[3, TOKENS], outOfRange(TOKENS, 1, TOKENS)],
      [[-1], outOfRange(-1, 0, TOKENS)],
      [[1.5], { class: TypeError, code: 'ERR_INVALID_ID', fields: { value: 1.5, position: 0 } }],
      ['hello', { class: TypeError, code: 'ERR_INVALID_IDS' }],
      [undefined, { class: TypeError, code: 'ERR_INVALID_IDS' }],
      [Float32Array.of(1), { class: TypeError, code: 'ERR_INVALID_IDS' }],
    ];
    for (const [ids, error] of cases) {
      const tokenizer = (text: string) => (text === 'b' ? ids : [4]) as number[];
      using made = await StaticModel.load({ model: model(PLAIN).model }, { tokenizer });
      for (const call of [
        () => made.embedInto(['a', 'b'], out),
        () => made.embed(['a', 'b']),
        () => made.tokenize(['a', 'b']),
      ]) {
        expect(expectError(call, error).message).toContain('texts[1]');
      }
    }
    expectPainted(out);
  });

  it('that is a function and throws, disposes the model, or detaches out', async () => {
    let act = (): void => {};
    const tokenizer = (text: string) => {
      if (text === 'b') act();
      return [4];
    };
    const made = await StaticModel.load({ model: model(PLAIN).model }, { tokenizer });
    const own = new Error('of the caller');
    act = () => {
      throw own;
    };
    const out = painted(3 * DIM);
    expect(() => made.embedInto(['a', 'b', 'c'], out)).toThrow(own);
    expect(() => made.embed(['a', 'b', 'c'])).toThrow(own);
    expectPainted(out);
    act = () => void detach(out);
    expectError(() => made.embedInto(['a', 'b', 'c'], out), { class: TypeError, code: 'ERR_INVALID_ARRAY' });
    const other = painted(3 * DIM);
    act = () => made.dispose();
    expectError(() => made.embedInto(['a', 'b', 'c'], other), disposed);
    expectPainted(other);
  });
});

describe('embed', () => {
  it('reports its progress between batches', async () => {
    using made = await load(PLAIN);
    const texts = Array.from({ length: 3000 }, () => 'hello');
    const seen: { done: number; total: number }[] = [];
    made.embed(texts, { onProgress: (progress) => void seen.push(progress) });
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.at(-1)).toEqual({ done: 3000, total: 3000 });
    expect(seen.map(({ done }) => done)).toEqual(seen.map(({ done }) => done).sort((a, b) => a - b));
    const failure = new Error('of the caller');
    const onProgress = () => {
      throw failure;
    };
    expect(() => made.embed(texts, { onProgress })).toThrow(failure);
  });

  it('refuses what is not a list of strings', async () => {
    using made = await load(PLAIN);
    const out = painted(4 * DIM);
    for (const texts of ['hello', undefined, null, 5, new Set(['a']), { length: 1 }]) {
      for (const call of [
        () => made.embed(texts as string[]),
        () => made.embedInto(texts as string[], out),
        () => made.tokenize(texts as string[]),
      ]) {
        expectError(call, invalidOption(TypeError, 'texts', texts));
      }
    }
    for (const text of [undefined, null, 5, ['a'], new String('a')]) {
      const error = invalidOption(TypeError, 'texts[1]', text);
      expectError(() => made.embed(['a', text as string]), error);
      expectError(() => made.embedInto(['a', text as string], out), error);
    }
    for (const options of [null, 5, { other: 1 }, { onProgress: 5 }]) {
      expectError(() => made.embed(['a'], options as object), {
        class: TypeError,
        code: 'ERR_INVALID_OPTION',
      });
    }
    expectError(() => made.embedInto(['a', 'b'], new Float32Array(2 * DIM - 1)), {
      class: RangeError,
      code: 'ERR_SHAPE',
      fields: { length: 2 * DIM - 1 },
    });
    for (const wrong of [undefined, [], new Float64Array(100), detach(new Float32Array(100))]) {
      expectError(() => made.embedInto(['a'], wrong as Float32Array), {
        class: TypeError,
        code: 'ERR_INVALID_ARRAY',
      });
    }
    expectPainted(out);
  });

  it('writes into a Tensor, also in the memory of the backend', async () => {
    using made = await load(PLAIN);
    for (const out of [
      Tensor.allocate([5, DIM]),
      new Tensor(new Float32Array(5 * DIM), { shape: [5, DIM] }),
    ]) {
      expect(made.embedInto(TEXTS, out)).toBe(out);
      expectBits(out.data, expected(IDS, PLAIN, 'model2vec', false));
    }
  });

  it('writes where out is, whatever its class and its getters do', async () => {
    using made = await load(PLAIN);
    const vectors = expected(IDS, PLAIN, 'model2vec', false);
    // `subarray` of such an array is one of the whole buffer.
    class OfBuffer extends Float32Array {
      // oxlint-disable-next-line no-useless-constructor -- it drops the other arguments
      constructor(buffer: ArrayBuffer) {
        super(buffer);
      }
    }
    const whole = new Float32Array(vectors.length + 7);
    const part: Float32Array = Reflect.construct(Float32Array, [whole.buffer, 4 * 3], OfBuffer);
    expect(made.embedInto(TEXTS, part)).toBe(part);
    expectBits(whole, [0, 0, 0, ...vectors, 0, 0, 0, 0]);
    const data = new Float32Array(vectors.length);
    const tensor = new Tensor(data);
    const other = Object.create(tensor, {
      data: {
        get() {
          made.embed(['hello', 'hello hello', 'cafe']);
          return data;
        },
      },
    }) as Tensor<'f32'>;
    made.embedInto(TEXTS, other);
    expectBits(data, vectors);
  });

  it('may be called by what it calls', async () => {
    using made = await load(PLAIN);
    const texts = Array.from({ length: 3000 }, (_, i) => TEXTS[i % 5]!);
    const all = made.embed(texts).data;
    const again = () => void made.embed(['hello', 'hello hello', 'cafe']);
    expectBits(made.embed(texts, { onProgress: again }).data, all);
    const list = [...texts];
    Object.defineProperty(list, 1500, { get: () => (again(), texts[1500]) });
    expectBits(made.embed(list).data, all);
    let depth = 0;
    const tokenizer = (text: string): number[] => {
      again();
      if (depth++ < 3) nested.embed(['a', 'b']);
      depth--;
      return IDS[TEXTS.indexOf(text)] ?? [3];
    };
    using nested = await StaticModel.load({ model: model(PLAIN).model }, { tokenizer });
    expectBits(nested.embed(TEXTS).data, all.subarray(0, TEXTS.length * DIM));
  });

  it('reads lone surrogates as U+FFFD, and megabytes of text', async () => {
    using made = await load(PLAIN, { maxLength: null });
    expect(made.tokenize(['\ud800 hello \udc00!'])).toEqual([[4, 9]]);
    const text = 'hello, world! '.repeat(200_000);
    expect(made.tokenize([text])[0]).toHaveLength(800_000);
    expectBits(made.embed([text]).data, vector(made.tokenize([text])[0]!, PLAIN, 'model2vec', false));
  });

  it('of a text that cannot be encoded names it, and writes nothing', async () => {
    const { unk_token: _, ...words } = { ...wordPiece.model, type: 'WordLevel', vocab: { hello: 0 } };
    const tokenizer = {
      ...wordPiece,
      added_tokens: [],
      post_processor: null,
      model: { ...words, unk_token: 'no' },
    };
    using made = await load({ rows: values(4), dim: 4, tokenizer });
    const texts = Array.from({ length: 3000 }, () => 'hello').concat('missing');
    const out = painted(texts.length * 4);
    const error = { class: Error, code: 'ERR_FORMAT', fields: { index: 3000 } } as const;
    expectError(() => made.embedInto(texts, out), error);
    expectError(() => made.embed(texts), error);
    expectPainted(out);
  });
});

describe('embedStream', () => {
  const collect = async (stream: AsyncIterable<Tensor>): Promise<Tensor[]> => {
    const all: Tensor[] = [];
    for await (const tensor of stream) all.push(tensor);
    return all;
  };

  it('gives the vectors of embed, in batches', async () => {
    using made = await load(PLAIN, { normalize: true });
    async function* slowly() {
      for (const text of TEXTS) {
        await Promise.resolve();
        yield text;
      }
    }
    for (const texts of [TEXTS, new Set(TEXTS), slowly()]) {
      const tensors = await collect(made.embedStream(texts, { batchSize: 2 }));
      expect(tensors.map(({ shape }) => shape[0])).toEqual([2, 2, 1]);
      expectBits(
        Float32Array.from(tensors.flatMap(({ data }) => Array.from(data as Float32Array))),
        made.embed(TEXTS).data,
      );
    }
    expect(await collect(made.embedStream([]))).toEqual([]);
    expect(await collect(made.embedStream(TEXTS.slice(0, 4), { batchSize: 4 }))).toHaveLength(1);
  });

  it('closes its source', async () => {
    using made = await load(PLAIN);
    let closed = 0;
    function* endless() {
      try {
        for (;;) yield 'hello';
      } finally {
        closed++;
      }
    }
    for await (const tensor of made.embedStream(endless(), { batchSize: 10 })) {
      expect(tensor.shape).toEqual([10, DIM]);
      break;
    }
    expect(closed).toBe(1);
    function* wrong() {
      try {
        yield 'a';
        yield 5 as unknown as string;
      } finally {
        closed++;
      }
    }
    await expectRejection(
      collect(made.embedStream(wrong(), { batchSize: 1 })),
      invalidOption(TypeError, 'texts[1]', 5),
    );
    expect(closed).toBe(2);
    const own = new Error('of the source');
    // oxlint-disable-next-line require-yield -- it fails before
    async function* broken(): AsyncGenerator<string> {
      throw own;
    }
    await expect(collect(made.embedStream(broken()))).rejects.toBe(own);
  });

  it('begins its source at the first text, and an error is not replaced by that of closing', async () => {
    using made = await load(PLAIN);
    let begun = 0;
    const failsToClose = (closing: () => unknown) => ({
      [Symbol.iterator]() {
        begun++;
        return { next: () => ({ done: false, value: 5 as unknown as string }), return: closing as never };
      },
    });
    await made.embedStream(failsToClose(() => {})).return();
    expect(begun).toBe(0);
    const throwing = () => {
      throw new Error('of closing');
    };
    for (const closing of [throwing, () => Promise.reject(new Error('of closing'))]) {
      const stream = made.embedStream(failsToClose(closing));
      await expectRejection(collect(stream), invalidOption(TypeError, 'texts[0]', 5));
    }
    expect(begun).toBe(2);
    const whole = {
      [Symbol.iterator]: () => ({ next: () => ({ done: false, value: 'a' }), return: throwing }),
    };
    const stream = made.embedStream(whole, { batchSize: 1 });
    await stream.next();
    await expect(stream.return()).rejects.toThrow('of closing');
  });

  it('names the text that failed by its index in the stream', async () => {
    const tokenizer = (text: string) => (text === 'b' ? [TOKENS] : [4]);
    using made = await StaticModel.load({ model: model(PLAIN).model }, { tokenizer });
    const texts = Array.from({ length: 10 }, (_, i) => (i === 7 ? 'b' : 'a'));
    await expectRejection(collect(made.embedStream(texts, { batchSize: 3 })), {
      class: RangeError,
      code: 'ERR_ID_OUT_OF_RANGE',
      text: 'texts[7]',
    });
  });

  it('ends with the reason of its signal, even if the source never answers', async () => {
    using made = await load(PLAIN);
    const reason = new Error('enough');
    await expect(collect(made.embedStream(TEXTS, { signal: AbortSignal.abort(reason) }))).rejects.toBe(
      reason,
    );
    const controller = new AbortController();
    const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
    setTimeout(() => controller.abort(reason), 20);
    await expect(collect(made.embedStream(silent, { signal: controller.signal }))).rejects.toBe(reason);
    // The rejection of a source that has aborted the signal itself is handled: the runner fails otherwise.
    const other = new AbortController();
    // oxlint-disable-next-line require-yield -- it fails before
    async function* failing(): AsyncGenerator<string> {
      other.abort(reason);
      throw new Error('of the source');
    }
    await expect(collect(made.embedStream(failing(), { signal: other.signal }))).rejects.toBe(reason);
    await new Promise((resolve) => setTimeout(resolve, 0));
  });

  it('refuses wrong options', async () => {
    using made = await load(PLAIN);
    for (const texts of ['text', 5, null, undefined, {}]) {
      expectError(() => made.embedStream(texts as string[]), invalidOption(TypeError, 'texts', texts));
    }
    expectError(() => made.embedStream([], { batchSize: 0 }), invalidOption(RangeError, 'batchSize', 0));
    expectError(
      () => made.embedStream([], { batchSize: '2' as never }),
      invalidOption(TypeError, 'batchSize', '2'),
    );
    expectError(() => made.embedStream([], { signal: {} as never }), {
      class: TypeError,
      code: 'ERR_INVALID_OPTION',
    });
    expectError(() => made.embedStream([], { other: 1 } as never), {
      class: TypeError,
      code: 'ERR_INVALID_OPTION',
    });
  });
});

describe('parts that do not fit each other', () => {
  const i32 = (...list: number[]) => Int32Array.from({ length: TOKENS }, (_, i) => list[i] ?? 0);

  it('rows, mapping, weights and vocabulary', async () => {
    await fails(model({ ...PLAIN, rows: values((TOKENS - 1) * DIM) }), [
      'row for each of the 12 tokens',
      'has 11',
    ]);
    await fails(model({ ...PLAIN, mapping: new Int32Array(TOKENS - 1) }), [
      '"mapping"',
      'the 12 tokens',
      'has 11',
    ]);
    await fails(model({ ...PLAIN, mapping: new Int32Array(TOKENS + 1) }), [
      '"mapping"',
      'the 12 tokens',
      'has 13',
    ]);
    await fails(model({ ...PLAIN, weights: new Float32Array(TOKENS + 1) }), [
      '"weights"',
      'the 12 tokens',
      'has 13',
    ]);
    await fails(model({ ...PLAIN, mapping: i32(), weights: new Float32Array(3) }), ['12 entries', '3']);
    await fails(model({ ...PLAIN, mapping: i32(0, 1, TOKENS) }), ['in range [0, 12)', 'got 12 at [2]']);
    await fails(model({ ...PLAIN, mapping: i32(0, -1) }), ['in range [0, 12)', 'got -1 at [1]']);
    const wide = BigInt64Array.from(i32(), BigInt);
    wide[3] = 2n ** 32n;
    await fails(model({ ...PLAIN, mapping: wide }), `got ${2n ** 32n} at [3]`);
    // A longer table is padded.
    using made = await load({ ...PLAIN, rows: values((TOKENS + 4) * DIM) });
    expect(made.vocabSize).toBe(TOKENS);
  });

  it('tensors of another dtype or shape', async () => {
    const f32 = { dtype: 'F32', shape: [TOKENS], data: new Float32Array(TOKENS) };
    const i32s = { dtype: 'I32', shape: [1, TOKENS], data: new Int32Array(TOKENS) };
    await fails(model({ ...PLAIN, extra: { mapping: f32 } }), [
      '"mapping" must be I32 or I64 [tokens]',
      'F32 [12]',
    ]);
    await fails(model({ ...PLAIN, extra: { mapping: i32s } }), ['"mapping"', 'I32 [1, 12]']);
    await fails(model({ ...PLAIN, extra: { weights: i32s } }), [
      '"weights" must be F64 or F32 or F16',
      'I32 [1, 12]',
    ]);
    await fails(model({ ...PLAIN, name: 'other' }), ['"embeddings" or "embedding.weight"', 'it has "other"']);
    await fails(model({ ...PLAIN, extra: { embeddings: f32 } }), ['"embeddings" must be 2-D', '[12]']);
    await fails({ ...model(PLAIN), model: join('nonsense') }, 'bytes');
    await fails(
      { ...model(PLAIN), model: join('a 1 2\n') },
      '"embeddings" or "embedding.weight": it has "weight"',
    );
  });

  it('config.json and modules.json', async () => {
    const wrong: [unknown, string][] = [
      [{ normalize: 1 }, 'normalize must be true or false: got 1'],
      [{ max_length: 0 }, 'max_length must be an integer >= 1 or null: got 0'],
      [{ max_length: '512' }, 'max_length'],
      [[], 'must be a JSON object'],
    ];
    for (const [config, text] of wrong) await fails(model({ ...PLAIN, config }), text);
    await fails({ ...model(PLAIN), config: join('{') }, 'must be JSON');
    const name = 'embedding.weight';
    for (const [modules, text] of [
      [{}, 'must be a JSON array'],
      [[5], '[0].type must be a string'],
    ] as const) {
      await fails(model({ ...PLAIN, name, modules }), text);
    }
  });

  it('tokenizer.json', async () => {
    await fails({ ...model(PLAIN), tokenizer: join('{"version":"2.0"}') }, [
      'version',
      'the option tokenizer',
    ]);
    await fails({ ...model(PLAIN), tokenizer: join('[') }, 'the option tokenizer');
    const tokenizer = () => [];
    for (const [file, text] of [
      [{}, 'model.vocab must be'],
      [{ model: { vocab: { a: -1 } } }, 'the id of "a"'],
      [{ model: { vocab: [[5, 1]] } }, 'model.vocab[0] must be a token'],
      [{ model: { vocab: {} }, added_tokens: [{}] }, 'added_tokens[0]'],
      [{ model: { vocab: {} }, added_tokens: 5 }, 'added_tokens must be an array'],
      [
        { model: { vocab: {} }, truncation: { max_length: -1 } },
        'truncation.max_length must be an integer >= 0',
      ],
      [{ model: { vocab: {} }, truncation: { max_length: 1.5 } }, 'truncation.max_length'],
    ] as const) {
      await fails({ ...model(PLAIN), tokenizer: join(JSON.stringify(file)) }, text, { tokenizer });
    }
  });
});

describe('load', () => {
  it('refuses wrong options before anything is read', async () => {
    let pulled = 0;
    const stream = () => new ReadableStream<Uint8Array>({ pull: () => void pulled++ }, { highWaterMark: 0 });
    const wrong: [object | null, new (text: string) => Error, string?][] = [
      [null, TypeError],
      [{ other: 1 }, TypeError, 'other'],
      [{ compat: 'other' }, RangeError, 'compat'],
      [{ compat: 5 }, TypeError, 'compat'],
      [{ dtype: 'q8_0' }, RangeError, 'dtype'],
      [{ dim: 0 }, RangeError, 'dim'],
      [{ dim: 1.5 }, RangeError, 'dim'],
      [{ dim: '5' }, TypeError, 'dim'],
      [{ normalize: 1 }, TypeError, 'normalize'],
      [{ normalize: null }, TypeError, 'normalize'],
      [{ maxLength: 0 }, RangeError, 'maxLength'],
      [{ maxLength: '1' }, TypeError, 'maxLength'],
      [{ mmap: 'yes' }, RangeError, 'mmap'],
      [{ tokenizer: 'gpt2' }, TypeError, 'tokenizer'],
      [{ tokenizer: null }, TypeError, 'tokenizer'],
      [{ onProgress: 1 }, TypeError, 'onProgress'],
      [{ signal: 1 }, TypeError, 'signal'],
      [{ sha256: 'x' }, RangeError, 'sha256'],
      [{ cache: '' }, RangeError, 'cache'],
      [{ wasm: 5 }, TypeError, 'wasm'],
    ];
    for (const [options, kind, option] of wrong) {
      const files = { model: stream(), tokenizer: stream() };
      const fields = option === undefined ? {} : { option };
      await expectRejection(StaticModel.load(files, options as never), {
        class: kind,
        code: 'ERR_INVALID_OPTION',
        fields,
      });
    }
    const sources = [undefined, null, 5, '', [], {}, { model: stream(), other: 1 }, new Map()];
    for (const source of sources) {
      const error = await StaticModel.load(source as never).catch((error: unknown) => error);
      expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION' });
    }
    await expectRejection(
      StaticModel.load({ model: stream() }),
      invalidOption(TypeError, 'source.tokenizer', undefined),
    );
    await expectRejection(
      StaticModel.load(model(PLAIN), { tokenizer: {} as never }),
      invalidOption(TypeError, 'tokenizer', expect.anything()),
    );
    expect(pulled).toBe(0);
    let listeners = 0;
    const counting = {
      aborted: false,
      reason: undefined,
      addEventListener: () => void listeners++,
      removeEventListener: () => void listeners--,
    };
    for (const options of [{ dtype: 'q8_0' as never }, { dim: DIM + 1 }, { mmap: true }, {}]) {
      await load(PLAIN, { ...options, signal: counting }).then(
        (made) => made.dispose(),
        () => {},
      );
      expect(listeners).toBe(0);
    }
    await expectRejection(
      StaticModel.load(model(PLAIN), { dim: DIM + 1 }),
      invalidOption(RangeError, 'dim', DIM + 1),
    );
    await expectRejection(
      StaticModel.load(model(PLAIN), { mmap: true }),
      invalidOption(RangeError, 'mmap', true),
    );
  });

  it('reads every kind of source, with one progress for all', async () => {
    const files = model({ ...PLAIN, config: { normalize: true } });
    const size = files.model.length + files.tokenizer.length + files.config!.length;
    const variants: StaticModelFiles[] = [
      files,
      { ...files, model: new Blob([files.model]) },
      { ...files, model: streamOf(files.model, 100), tokenizer: streamOf(files.tokenizer, 100) },
      { ...files, model: new Response(files.model), config: new Response(files.config!) },
    ];
    for (const source of variants) {
      const seen: { loaded: number; total: number | null }[] = [];
      using made = await StaticModel.load(source, { onProgress: (progress) => void seen.push(progress) });
      expectBits(made.embed(TEXTS).data, expected(IDS, PLAIN, 'model2vec', true));
      expect(seen.at(-1)).toEqual({ loaded: size, total: size });
      const loaded = seen.map((each) => each.loaded);
      expect([...loaded].sort((a, b) => a - b)).toEqual(loaded);
    }
  });

  it('of files that are cut, or have another sha256', async () => {
    const files = model(PLAIN);
    await fails({ ...files, model: files.model.slice(0, -1) }, 'bytes');
    await fails({ ...files, tokenizer: files.tokenizer.slice(0, -1) }, 'tokenizer');
    await fails(files, 'sha256', { sha256: '0'.repeat(64) });
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', files.model));
    const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
    using made = await StaticModel.load(files, { sha256 });
    expect(made.vocabSize).toBe(TOKENS);
  });

  it('aborts with the reason of its signal, and cancels every source', async () => {
    const reason = new Error('enough');
    await expect(load(PLAIN, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const cancelled: string[] = [];
    const silent = (name: string) =>
      new ReadableStream<Uint8Array>({
        pull: () => new Promise(() => {}),
        cancel: () => void cancelled.push(name),
      });
    setTimeout(() => controller.abort(reason), 20);
    const files = { model: silent('model'), tokenizer: silent('tokenizer') };
    await expect(StaticModel.load(files, { signal: controller.signal })).rejects.toBe(reason);
    expect(cancelled.sort()).toEqual(['model', 'tokenizer']);
    // One file that is malformed ends the others, too.
    async function* nonsense() {
      await new Promise((resolve) => setTimeout(resolve, 100));
      yield join('nonsense');
    }
    await fails({ model: nonsense(), tokenizer: silent('other') }, 'bytes');
    expect(cancelled).toContain('other');
  });
});

describe('a model', () => {
  it('is disposed with its table', async () => {
    const made = await load(PLAIN);
    const { table, tokenizer } = made;
    const vectors = made.embed(TEXTS);
    made.dispose();
    made.dispose();
    expect([made.disposed, table.disposed, (tokenizer as PretrainedTokenizer).disposed]).toEqual([
      true,
      true,
      true,
    ]);
    for (const call of [
      () => made.embed(TEXTS),
      () => made.embedInto(TEXTS, new Float32Array(100)),
      () => made.tokenize(TEXTS),
      () => made.embedStream(TEXTS),
      () => made.toJSON(),
    ]) {
      expectError(call, disposed);
    }
    expect([made.dim, made.vocabSize, made.maxLength]).toEqual([DIM, TOKENS, 512]);
    expect(vectors.shape).toEqual([5, DIM]);
    const other = await load(PLAIN);
    other.table.dispose();
    expect(other.disposed).toBe(false);
    expectError(() => other.embed(TEXTS), disposed);
    other.dispose();
  });

  it('equals another one if their contents are equal', async () => {
    using a = await load({ ...PLAIN, weights: values(TOKENS) });
    using b = await load({ ...PLAIN, weights: values(TOKENS) });
    using c = await load({ ...PLAIN, weights: values(TOKENS, 2) });
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
    expect(() => structuredClone(a)).toThrow();
    expect(JSON.parse(JSON.stringify(a))).toMatchObject({ dim: DIM, compat: 'model2vec', vocabSize: TOKENS });
  });

  it('cannot be made by its constructor', () => {
    const Constructor = StaticModel as unknown as new (from?: unknown) => StaticModel;
    expect(() => new Constructor({})).toThrow(TypeError);
    expect(() => new Constructor()).toThrow('StaticModel.load');
  });

  it('has a table that is an Embedding', async () => {
    using made = await load(PLAIN);
    expect(made.table).toBeInstanceOf(Embedding);
    expectBits(made.table.forward([0, 1]).data, ROWS.slice(0, 2 * DIM));
  });
});
