/** Memory of tables during and after their lifetime: peak resident memory of child processes. */

import { Embedding } from 'tokenbed';
import { describe, expect, inject, it } from 'vitest';
import { jsonOf, runProgram } from '../helpers/children.js';
import { expectError } from '../helpers/errors.js';

const backend = inject('backend');
const MIB = 2 ** 20;

interface Peak {
  readonly backend: string;
  readonly start: number;
  readonly peak: number;
}

describe('consecutive tables of 1 MiB', () => {
  it.each([
    ['dispose', backend === 'native' ? 100_000 : 10_000, 256],
    ['dispose-written', 2000, 256],
    ['forget', 10_000, 1024],
    ['forget-written', 3000, 1024],
  ])(
    '%s: the peak of %i of them is less than %i MiB above the first',
    async (how, cycles, limit) => {
      const ended = runProgram('memory.mjs', [how, String(cycles)], { TOKENBED_BACKEND: backend });
      const { backend: name, start, peak } = await jsonOf<Peak>(ended);
      expect(name).toBe(backend);
      console.log(`${backend} ${how}: ${cycles} tables, +${((peak - start) / MIB).toFixed(0)} MiB`);
      expect(peak - start).toBeLessThan(limit * MIB);
    },
    300_000,
  );
});

describe('training', () => {
  it.each([
    ['steps', 4000],
    ['tables', 300],
  ])(
    '%s: %i cycles leave resident memory where it was',
    async (how, cycles) => {
      const ended = runProgram('training-memory.mjs', [how, String(cycles)], { TOKENBED_BACKEND: backend });
      const { backend: name, start, peak } = await jsonOf<Peak>(ended);
      expect(name).toBe(backend);
      console.log(`${backend} ${how}: ${cycles} cycles, +${((peak - start) / MIB).toFixed(0)} MiB`);
      expect(peak - start).toBeLessThan(32 * MIB);
    },
    300_000,
  );
});

describe('large tables', () => {
  it('have rows on both sides of the 31-bit or 32-bit limit', async () => {
    const output = await jsonOf<object>(runProgram('large.mjs', [], { TOKENBED_BACKEND: backend }));
    const rows = (backend === 'native' ? 5 : 1.5) * 2 ** 18;
    expect(output).toEqual({
      name: backend,
      bytes: rows * 4096,
      refusal: `Token indices must be in range [0, ${rows}): got ${rows} at [0]`,
    });
  });

  it('are rejected before allocating, with the limit', () => {
    const refusal = { class: RangeError, code: 'ERR_TOO_LARGE' } as const;
    const expectTooLarge = (vocabSize: number, embeddingDim: number) => {
      const error = expectError(() => new Embedding({ vocabSize, embeddingDim, initType: 'zeros' }), refusal);
      expect(error['bytes']).toBe(vocabSize * embeddingDim * 4);
      expect(error['limit']).toBeGreaterThan(2 ** 30);
      expect(error['limit']).toBeLessThan(error['bytes'] as number);
    };
    const before = process.memoryUsage().rss;
    expectTooLarge(2 ** 32, 2 ** 20);
    expectTooLarge(2 ** 32, Number.MAX_SAFE_INTEGER);
    if (backend === 'wasm') expectTooLarge(2 ** 20, 2 ** 9);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * MIB);
    const next = new Embedding({ vocabSize: 2, embeddingDim: 2 });
    expect(next.forward(1).shape).toEqual([2]);
  });
});
