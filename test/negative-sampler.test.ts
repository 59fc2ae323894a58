/** The sampler of negatives: its draws by the definition, its position, arrays to fill, and every way to be wrong. */

import fc from 'fast-check';
import { NegativeSampler, type NegativeSamplerOptions } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { answersThroughout } from './helpers/backend.js';
import { disposed, expectError, invalidArray, invalidOption } from './helpers/errors.js';
import { detach, resizable, shared } from './helpers/memory.js';
import { philox } from './helpers/reference.mjs';

answersThroughout();

const LAST = Number.MAX_SAFE_INTEGER;

/** Draw `j` by its definition. */
function draw(weights: ArrayLike<number>, seed: number | bigint, j: number): number {
  const sums: number[] = [];
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sums.push((sum += weights[i]!));
  const bits = BigInt(seed);
  const block = Math.floor(j / 2);
  const words = philox(
    [block % 2 ** 32, Math.floor(block / 2 ** 32), 0, 3],
    [Number(bits & 0xffff_ffffn), Number(bits >> 32n)],
  );
  const [hi, lo] = j % 2 === 0 ? [words[0], words[1]] : [words[2], words[3]];
  const u = Number(((BigInt(hi) << 32n) | BigInt(lo)) >> 11n) / 2 ** 53;
  return sums.findIndex((each) => each > u * sum);
}

const draws = (weights: ArrayLike<number>, seed: number | bigint, first: number, count: number): number[] =>
  Array.from({ length: count }, (_, k) => draw(weights, seed, first + k));

/** word2vec's weights of words whose counts follow Zipf's law. */
const zipf = (size: number): number[] => Array.from({ length: size }, (_, i) => (1000 / (i + 1)) ** 0.75);

describe('draws', () => {
  const weights: [string, number[]][] = [
    ['one id', [0.25]],
    ['equal', new Array<number>(10).fill(0.1)],
    ['zipf', zipf(500)],
    ['zeros', [0, 0, 1, 0, 0, 0, 0, 0, 3, 0]],
    ['one heavy id', [...zipf(90), 1e9, ...zipf(90)]],
    ['subnormal', [5e-324, 1e-323, 5e-324]],
    ['huge', [4e307, 4e307, 4e307]],
  ];

  it.each(weights)('%s: are the first id whose prefix sum is above u', (_, list) => {
    for (const seed of [0, 7, LAST, 2n ** 64n - 1n]) {
      using sampler = new NegativeSampler({ weights: list, seed });
      const expected = draws(list, seed, 0, 300);
      if (expected.includes(-1)) continue; // u times a subnormal sum may round to the sum
      expect([...sampler.sample(300)]).toEqual(expected);
      for (const id of expected) expect(list[id]).toBeGreaterThan(0);
    }
  });

  it('of a subnormal sum are ids of a positive weight', () => {
    using sampler = new NegativeSampler({ weights: [0, 5e-324, 0], seed: 1 });
    expect(new Set(sampler.sample(100))).toEqual(new Set([1]));
  });

  it('do not depend on the lengths of calls', () => {
    const list = zipf(1000);
    const expected = draws(list, 3, 0, 700);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 140 }), { maxLength: 5 }), (lengths) => {
        using sampler = new NegativeSampler({ weights: list, seed: 3 });
        const all = lengths.flatMap((length) => [...sampler.sample(length)]);
        expect(all).toEqual(expected.slice(0, all.length));
        expect(sampler.position).toBe(all.length);
      }),
      { numRuns: 40 },
    );
  });

  it('follow any weights', () => {
    const weight = fc.oneof(
      fc.constant(0),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1e12, noNaN: true }),
    );
    const many = fc
      .array(weight, { minLength: 1, maxLength: 60 })
      .filter((list) => list.reduce((sum, each) => sum + each, 0) > 1e-300);
    fc.assert(
      fc.property(many, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat(2 ** 31), (list, seed, first) => {
        using sampler = new NegativeSampler({ weights: list, seed });
        sampler.position = first * 2 ** 20;
        expect([...sampler.sample(20)]).toEqual(draws(list, seed, first * 2 ** 20, 20));
      }),
      { numRuns: 60 },
    );
  });

  it('are as frequent as their weights', () => {
    const list = [1, 0, 2, 5, 0.5];
    const count = 200_000;
    using sampler = new NegativeSampler({ weights: list, seed: 5 });
    const counts = list.map(() => 0);
    for (const id of sampler.sample(count)) counts[id]! += 1;
    for (const [id, weight] of list.entries()) {
      const p = weight / 8.5;
      expect(Math.abs(counts[id]! - count * p)).toBeLessThanOrEqual(5 * Math.sqrt(count * p * (1 - p)));
    }
  });

  it('of many ids fill more than a tile', () => {
    const list = zipf(100_000);
    using sampler = new NegativeSampler({ weights: Float64Array.from(list), seed: 9 });
    const all = sampler.sample(200_001);
    const again = new Uint32Array(200_001);
    sampler.position = 0;
    for (let start = 0; start < again.length; start += 60_001) {
      sampler.sampleInto(again.subarray(start, start + 60_001));
    }
    expect(all).toEqual(again);
    for (const j of [0, 1, 65_535, 65_536, 131_071, 131_072, 200_000]) expect(all[j]).toBe(draw(list, 9, j));
  });
});

describe('weights', () => {
  it('may be any array of numbers, which is copied', () => {
    const list = [3, 0, 1, 200];
    const expected = draws(list, 1, 0, 50);
    const arrays = [
      Float64Array,
      Float32Array,
      Uint8Array,
      Uint8ClampedArray,
      Int16Array,
      Uint16Array,
      Int32Array,
      Uint32Array,
    ].map((Class) => Class.from(list));
    const view = new Float64Array(shared(32));
    view.set(list);
    for (const weights of [list, [3, -0, 1, 200], view, ...arrays]) {
      using sampler = new NegativeSampler({ weights, seed: 1 });
      expect(sampler.size).toBe(4);
      weights[3] = 0;
      expect([...sampler.sample(50)]).toEqual(expected);
      weights[3] = 200;
    }
  });

  it('are read once', () => {
    const reads = new Map<PropertyKey, number>();
    const weights = new Proxy([1, 2, 3], {
      get(target, key) {
        reads.set(key, (reads.get(key) ?? 0) + 1);
        return Reflect.get(target, key) as unknown;
      },
    });
    using sampler = new NegativeSampler({ weights, seed: 1 });
    expect([...sampler.sample(20)]).toEqual(draws([1, 2, 3], 1, 0, 20));
    for (const key of ['length', '0', '1', '2']) expect(reads.get(key)).toBe(1);
  });

  it.each<[string, unknown, typeof TypeError | typeof RangeError, RegExp]>([
    ['absent', undefined, TypeError, /undefined/],
    ['null', null, TypeError, /null/],
    ['a number', 5, TypeError, /5/],
    ['a string', '123', TypeError, /123/],
    ['an object', { 0: 1, length: 1 }, TypeError, /Object/],
    ['a Map', new Map(), TypeError, /Map/],
    ['a buffer', new ArrayBuffer(8), TypeError, /ArrayBuffer/],
    ['bigints in an array', [1, 2n], TypeError, /2n at \[1\]/],
    ['strings', [1, 1, '2'], TypeError, /"2" at \[2\]/],
    ['nested', [[1, 2]], TypeError, /at \[0\]/],
    ['with a hole', Object.assign(new Array(2), { 1: 1 }), TypeError, /undefined at \[0\]/],
    ['wide integers', BigInt64Array.of(1n), TypeError, /BigInt64Array/],
    ['wide unsigned integers', BigUint64Array.of(1n), TypeError, /BigUint64Array/],
    ['negative', [1, 2, -0.5, 3], RangeError, /-0\.5 at \[2\]/],
    ['negative integers', Int8Array.of(1, -1), RangeError, /-1 at \[1\]/],
    ['NaN', [1, NaN], RangeError, /NaN at \[1\]/],
    ['infinite', Float32Array.of(Infinity, 1), RangeError, /Infinity at \[0\]/],
    ['of an infinite sum', [1e308, 7e307, 1e308], RangeError, /infinite sum at \[2\]/],
    ['zeros', [0, 0, -0], RangeError, /sum of all 3 is 0/],
    ['none', [], RangeError, /sum of all 0 is 0/],
    ['no floats', new Float64Array(0), RangeError, /sum of all 0 is 0/],
  ])('that are %s are an error', (_, weights, kind, text) => {
    const options = { weights, seed: 1 } as NegativeSamplerOptions;
    const error = expectError(() => new NegativeSampler(options), invalidOption(kind, 'weights', weights));
    expect(error.message).toMatch(text);
  });
});

it('weights that are detached are an error', () => {
  const weights = detach(new Float64Array(2));
  expectError(() => new NegativeSampler({ weights }), {
    class: TypeError,
    code: 'ERR_INVALID_OPTION',
    text: ['weights', 'a detached Float64Array'],
    fields: { option: 'weights' },
  });
});

describe('options', () => {
  const weights = [1, 1];
  const make = (options?: unknown) => new NegativeSampler(options as NegativeSamplerOptions);

  it('are checked', () => {
    for (const options of [undefined, null, 5, []])
      expectError(() => make(options), invalidOption(TypeError, 'options'));
    expectError(() => make({ weights, sed: 1 }), invalidOption(TypeError, 'sed', 1));
    for (const seed of ['1', null, true])
      expectError(() => make({ weights, seed }), invalidOption(TypeError, 'seed', seed));
    for (const seed of [-1, 0.5, NaN, 2 ** 53, -1n, 2n ** 64n]) {
      expectError(() => make({ weights, seed }), invalidOption(RangeError, 'seed', seed));
    }
    // Names come first, then weights.
    expectError(() => make({ weights: [], seed: -1, x: 1 }), invalidOption(TypeError, 'x'));
    expectError(() => make({ weights: [], seed: -1 }), invalidOption(RangeError, 'weights'));
  });

  it('are readable, and a seed is random by default', () => {
    const sampler = make({ weights, seed: 7n });
    expect([sampler.size, sampler.seed, sampler.position, sampler.disposed]).toEqual([2, 7n, 0, false]);
    expect(make({ weights, seed: 7 }).sample(40)).toEqual(sampler.sample(40));
    const [a, b] = [make({ weights }), make({ weights })];
    expect(Number.isSafeInteger(a.seed)).toBe(true);
    expect(a.seed).not.toBe(b.seed);
    expect(make({ weights, seed: a.seed }).sample(99)).toEqual(a.sample(99));
  });

  it('are JSON, with the position', () => {
    const sampler = make({ weights, seed: 2n ** 60n });
    sampler.sample(3);
    expect(JSON.parse(JSON.stringify(sampler))).toEqual({ size: 2, seed: String(2n ** 60n), position: 3 });
  });
});

describe('position', () => {
  const weights = zipf(30);

  it('counts draws and can be set', () => {
    const sampler = new NegativeSampler({ weights, seed: 4 });
    const first = sampler.sample(7);
    expect(sampler.position).toBe(7);
    sampler.sampleInto(new Int32Array(5));
    expect(sampler.position).toBe(12);
    sampler.position = 0;
    expect(sampler.sample(7)).toEqual(first);
    for (const position of [1, 2 ** 31 + 1, 2 ** 32, 2 ** 33 + 1, 2 ** 50 + 1]) {
      sampler.position = position;
      expect([...sampler.sample(5)]).toEqual(draws(weights, 4, position, 5));
      expect(sampler.position).toBe(position + 5);
    }
    sampler.position = -0;
    expect(sampler.position).toBe(0);
  });

  it('resumes', () => {
    const whole = new NegativeSampler({ weights, seed: 4 }).sample(50);
    const sampler = new NegativeSampler({ weights, seed: 4 });
    sampler.sample(20);
    const resumed = new NegativeSampler({ weights, seed: 4 });
    resumed.position = sampler.position;
    expect(resumed.sample(30)).toEqual(whole.slice(20));
  });

  it('ends at 2^53 - 1', () => {
    const sampler = new NegativeSampler({ weights, seed: 4 });
    sampler.position = LAST - 3;
    const tooLarge = {
      class: RangeError,
      code: 'ERR_TOO_LARGE',
      text: /2\^53 - 1 draws/,
      fields: { limit: LAST },
    };
    const out = new Uint32Array(4).fill(77);
    expectError(() => sampler.sampleInto(out), tooLarge);
    expectError(() => sampler.sample(4), tooLarge);
    expectError(() => sampler.sample(LAST), tooLarge);
    expect([sampler.position, ...out]).toEqual([LAST - 3, 77, 77, 77, 77]);
    expect([...sampler.sample(3)]).toEqual(draws(weights, 4, LAST - 3, 3));
    expect(sampler.position).toBe(LAST);
    expect(sampler.sample(0)).toHaveLength(0);
    expectError(() => sampler.sample(1), tooLarge);
  });

  it('must be an integer', () => {
    const sampler = new NegativeSampler({ weights, seed: 4 });
    sampler.position = 5;
    const set = (position: unknown) => () => void (sampler.position = position as number);
    for (const value of ['1', null, undefined, 1n, {}])
      expectError(set(value), invalidOption(TypeError, 'position', value));
    for (const value of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
      expectError(set(value), invalidOption(RangeError, 'position', value));
    }
    expect(sampler.position).toBe(5);
  });
});

describe('sample and sampleInto', () => {
  const weights = zipf(20);
  const make = () => new NegativeSampler({ weights, seed: 6 });

  it('return a new array, or the passed one', () => {
    const sampler = make();
    const drawn = sampler.sample(6);
    expect([drawn.constructor, drawn.byteOffset, drawn.buffer.byteLength]).toEqual([Uint32Array, 0, 24]);
    expect(sampler.sample(0)).toEqual(new Uint32Array(0));
    for (const out of [
      new Uint32Array(6),
      new Int32Array(6),
      new Uint32Array(shared(24)),
      new Int32Array(shared(24)),
      new Int32Array(new ArrayBuffer(32), 4, 6),
      new Uint32Array(resizable(24, 48)),
    ]) {
      sampler.position = 0;
      expect(sampler.sampleInto(out)).toBe(out);
      expect([...out]).toEqual([...drawn]);
    }
    const part = new Uint32Array(8).fill(99);
    sampler.position = 0;
    sampler.sampleInto(part.subarray(1, 7));
    expect([...part]).toEqual([99, ...drawn, 99]);
  });

  it('check their argument, and change nothing', () => {
    const sampler = make();
    for (const count of ['1', null, undefined, 1n, {}]) {
      expectError(() => sampler.sample(count as never), invalidOption(TypeError, 'count', count));
    }
    for (const count of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
      expectError(() => sampler.sample(count), invalidOption(RangeError, 'count', count));
    }
    expectError(() => sampler.sample(2 ** 52), { class: RangeError, code: 'ERR_TOO_LARGE' });
    const wrong: [unknown, RegExp][] = [
      [undefined, /nothing/],
      [null, /null/],
      [5, /5/],
      [[1, 2], /array/],
      [new Float32Array(2), /Float32Array/],
      [new Uint16Array(2), /Uint16Array/],
      [new BigUint64Array(2), /BigUint64Array/],
      [new DataView(new ArrayBuffer(8)), /DataView/],
      [detach(new Uint32Array(2)), /detached/],
      [detach(new Int32Array(2)), /detached/],
    ];
    for (const [out, came] of wrong) {
      expectError(() => sampler.sampleInto(out as Uint32Array), invalidArray('out', came));
    }
    expect(sampler.position).toBe(0);
  });

  it('need a sampler that is not disposed', () => {
    const sampler = make();
    sampler.sample(3);
    sampler.dispose();
    sampler.dispose();
    expect([sampler.disposed, sampler.size, sampler.seed, sampler.position]).toEqual([true, 20, 6, 3]);
    expectError(() => sampler.sample(1), disposed);
    expectError(() => sampler.sample(-1), disposed);
    expectError(() => sampler.sampleInto(new Uint32Array(1)), disposed);
    expectError(() => void (sampler.position = 0), disposed);
    expectError(() => sampler.toJSON(), disposed);
  });
});
