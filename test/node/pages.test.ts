/** Large allocations use huge pages if the system provides them. */

import { existsSync, readFileSync } from 'node:fs';
import { expect, inject, it } from 'vitest';
import { jsonOf, runProgram } from '../helpers/children.js';

const backend = inject('backend');
const SWITCH = '/sys/kernel/mm/transparent_hugepage/enabled';
const MIB = 2 ** 20;

/** The system's setting: `always`, `madvise` or `never`; `none` if it does not exist. */
const setting = existsSync(SWITCH) ? (/\[(\w+)\]/.exec(readFileSync(SWITCH, 'utf8'))?.[1] ?? 'none') : 'none';

if (backend === 'native' && process.platform === 'linux') {
  it(`tables, results and tensors of 64 MiB (the system says ${setting})`, async () => {
    const { name, ...bytes } = await jsonOf<Record<string, number> & { name: string }>(
      runProgram('pages.mjs', [], { TOKENBED_BACKEND: backend }),
    );
    expect(name).toBe(backend);
    const text = Object.entries(bytes).map(([what, count]) => `${what} ${(count / MIB).toFixed(0)} MiB`);
    console.log(`${setting}: ${text.join(', ')}`);
    for (const [what, count] of Object.entries(bytes)) {
      // Except for partial pages at the ends, and pages that were not available.
      if (setting === 'always' || setting === 'madvise') expect(count, what).toBeGreaterThanOrEqual(48 * MIB);
      else expect(count, what).toBe(0);
    }
  });
} else {
  it('are not requested if the system has none', async () => {
    const { Tensor } = await import('tokenbed');
    expect(Tensor.allocate([8 * MIB]).data.every((value) => value === 0)).toBe(true);
  });
}
