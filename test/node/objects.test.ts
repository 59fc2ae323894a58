/** What Node's deep comparisons and messages to workers see of every class. test/objects.test.ts has the rest. */

import assert, { AssertionError } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { Embedding, EmbeddingBag, init, Tensor } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { restoreBackend } from '../helpers/backend.js';
import { CLONEABLE, gone, OTHERS } from '../helpers/objects.js';

const isDeepEqual = (a: unknown, b: unknown): boolean => {
  try {
    assert.deepEqual(a, b);
    return true;
  } catch (error) {
    if (error instanceof AssertionError) return false;
    throw error;
  }
};

/** As libraries that know neither symbols nor classes compare: fast-deep-equal, dequal. */
function equalByStrings(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a.constructor !== b.constructor) return false;
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const keys = Object.keys(x);
  return (
    keys.length === Object.keys(y).length &&
    keys.every((key) => Object.hasOwn(y, key) && equalByStrings(x[key], y[key]))
  );
}

describe.each([...CLONEABLE, ...OTHERS])('$name', ({ make, others }) => {
  it('equals an object with the same contents', () => {
    for (const each of [make, ...Object.values(others)]) {
      expect(isDeepStrictEqual(each(), each())).toBe(true);
      expect(isDeepEqual(each(), each())).toBe(true);
      expect(equalByStrings(each(), each())).toBe(true);
    }
  });

  it.each(Object.keys(others))('differs: %s', (name) => {
    for (const [a, b] of [
      [make(), others[name]!()],
      [others[name]!(), make()],
    ]) {
      expect(isDeepStrictEqual(a, b)).toBe(false);
      expect(equalByStrings(a, b)).toBe(false);
      // `==` makes no difference between 0 and -0, and the loose comparison none between integer classes.
      if (!/^(0 instead|another dtype)/.test(name)) expect(isDeepEqual(a, b)).toBe(false);
    }
  });
});

describe('a disposed Tensor', () => {
  it('is compared with any object', () => {
    const dead = gone(Tensor.allocate([2]));
    const { shape, dtype, size } = dead;
    const data = new Float32Array(2);
    for (const other of [
      new Tensor([0, 0]),
      { data, shape, dtype, size },
      { data, shape, dtype },
      { data, shape },
      { data },
      {},
    ])
      for (const compare of [isDeepStrictEqual, isDeepEqual, equalByStrings]) {
        expect(compare(dead, other)).toBe(false);
        expect(compare(other, dead)).toBe(false);
      }
  });
});

describe('objects of two backends', () => {
  it('are equal if their contents are', async () => {
    try {
      const make = async (backend: 'native' | 'wasm') => {
        await init({ backend });
        const embedding = new Embedding({ vocabSize: 100, embeddingDim: 9, seed: 3, initType: 'normal' });
        return [
          embedding.weight,
          EmbeddingBag.from(embedding),
          embedding.forward([1, 2]),
          Tensor.allocate([2]),
        ];
      };
      const [native, wasm] = [await make('native'), await make('wasm')];
      expect(isDeepStrictEqual(native, wasm)).toBe(true);
      expect(native).toStrictEqual(wasm);
    } finally {
      await restoreBackend();
    }
  });
});

describe('a message to another thread', () => {
  it('has the contents of a Tensor', () => {
    const { port1, port2 } = new MessageChannel();
    const tensor = new Tensor([[1, 2]]);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- applies to windows: threads have no origin
    port1.postMessage(tensor);
    const { data, shape, dtype, size } = tensor;
    expect(receiveMessageOnPort(port2)?.message).toStrictEqual({ data, shape, dtype, size });
    port1.close();
  });
});
