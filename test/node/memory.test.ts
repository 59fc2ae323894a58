/** What tables cost while they live and after: measured as peak resident memory of child processes. */

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

describe('tables of 1 MiB made one after the other', () => {
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

describe('large tables', () => {
  it('hold rows on both sides of what 31 or 32 bits can address', async () => {
    const found = await jsonOf<object>(runProgram('large.mjs', [], { TOKENBED_BACKEND: backend }));
    const rows = (backend === 'native' ? 5 : 1.5) * 2 ** 18;
    expect(found).toEqual({
      name: backend,
      bytes: rows * 4096,
      refusal: `Token indices must be in range [0, ${rows}): got ${rows} at [0]`,
    });
  });

  it('are refused before anything is allocated, with what is possible', () => {
    const refusal = { class: RangeError, code: 'ERR_TOO_LARGE' } as const;
    const asked = (vocabSize: number, embeddingDim: number) => {
      const error = expectError(() => new Embedding({ vocabSize, embeddingDim, initType: 'zeros' }), refusal);
      expect(error['bytes']).toBe(vocabSize * embeddingDim * 4);
      expect(error['limit']).toBeGreaterThan(2 ** 30);
      expect(error['limit']).toBeLessThan(error['bytes'] as number);
    };
    const before = process.memoryUsage().rss;
    asked(2 ** 32, 2 ** 20);
    asked(2 ** 32, Number.MAX_SAFE_INTEGER);
    if (backend === 'wasm') asked(2 ** 20, 2 ** 9);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * MIB);
    const next = new Embedding({ vocabSize: 2, embeddingDim: 2 });
    expect(next.forward(1).shape).toEqual([2]);
  });
});
