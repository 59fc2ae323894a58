/**
 * A panic in the functions of tokenizers becomes `ERR_INTERNAL`, and their handles are freed. The builds are those of
 * faults.test.ts.
 */

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { expectError, thrown } from '../helpers/errors.js';
import { faultyPackage, type FaultyPackage } from '../helpers/faults.js';
import { wordLevel, wordPiece } from '../helpers/tokenizer-files.js';

const backend = inject('backend');

let api: FaultyPackage['api'];
let text: FaultyPackage['text'];
let insides: FaultyPackage['textInsides'];
let remove: FaultyPackage['remove'];

beforeAll(async () => {
  ({ api, text, textInsides: insides, remove } = await faultyPackage());
  await api.init({ backend });
});

afterAll(() => remove());

const INTERNAL = { class: Error, code: 'ERR_INTERNAL', text: 'defect of tokenbed' } as const;
const panic = () => insides.activeTexts().kernels.__panic();
const objects = () => insides.activeTexts().kernels.__objects();
const make = () => text.PretrainedTokenizer.fromJSON(wordPiece);

describe('a panic in the functions of tokenizers', () => {
  it('is ERR_INTERNAL with the message of the panic and a cause', () => {
    const error = expectError(panic, { ...INTERNAL, text: 'on purpose' });
    expect(error.cause).toBeInstanceOf(Error);
  });

  it('can happen repeatedly, and new objects work each time', () => {
    for (let i = 0; i < 20; i++) {
      expectError(panic, { ...INTERNAL, text: 'on purpose' });
      const tokenizer = make();
      expect(tokenizer.encode('hello worlds')).toEqual([4, 5, 6]);
      tokenizer.dispose();
    }
  });

  it(backend === 'native' ? 'leaves every object usable' : 'ends every tokenizer of that instance', () => {
    const tokenizer = make();
    const layer = new api.Embedding({ vocabSize: 3, embeddingDim: 2, seed: 1 });
    thrown(panic);
    const uses = [
      () => tokenizer.encode('hello'),
      () => tokenizer.encodeBatch(['hello']),
      () => tokenizer.decode([4]),
      () => tokenizer.tokenToId('hello'),
      () => tokenizer.idToToken(4),
    ];
    for (const use of uses) {
      if (backend === 'native') use();
      else expectError(use, { ...INTERNAL, text: 'given up' });
    }
    expect(layer.forward([1]).shape).toEqual([1, 2]); // text.wasm is another instance than core.wasm
    expect(tokenizer.toJSON()).toEqual(wordPiece);
    expect(tokenizer).not.toEqual(text.PretrainedTokenizer.fromJSON(wordLevel));
    tokenizer.dispose();
    tokenizer.dispose();
  });
});

describe('handles of tokenizers', () => {
  const collect = (globalThis as { gc?: () => void }).gc!;

  it('that are not referenced are freed', async () => {
    const before = objects();
    let most = 0;
    for (let i = 0; i < 2000; i++) {
      make();
      most = Math.max(most, objects());
    }
    expect(most).toBeGreaterThan(before);
    for (let i = 0; i < 100 && objects() > before; i++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 10)); // finalizers run between turns of the event loop
    }
    expect(objects()).toBeLessThanOrEqual(before); // objects of earlier tests, too
  });

  it('are freed by dispose, and after a file that is refused or has another sha256', async () => {
    const before = objects();
    const tokenizer = make();
    expect(objects()).toBe(before + 1);
    tokenizer.dispose();
    thrown(() => text.PretrainedTokenizer.fromJSON('{}'));
    const bytes = new TextEncoder().encode(JSON.stringify(wordPiece));
    for (const source of [bytes, new Blob([bytes])]) {
      await expect(text.PretrainedTokenizer.load(source, { sha256: '0'.repeat(64) })).rejects.toMatchObject({
        code: 'ERR_FORMAT',
      });
    }
    expect(objects()).toBe(before);
  });
});
