/** Large memory lies on large pages, where the system gives them. */

import { existsSync, readFileSync } from 'node:fs';
import { expect, inject, it } from 'vitest';
import { jsonOf, runProgram } from '../helpers/children.js';

const backend = inject('backend');
const SWITCH = '/sys/kernel/mm/transparent_hugepage/enabled';
const MIB = 2 ** 20;

/** What the system does: `always`, `madvise` (for whoever asks) or `never`; `none` where it has no such switch. */
const given = existsSync(SWITCH) ? (/\[(\w+)\]/.exec(readFileSync(SWITCH, 'utf8'))?.[1] ?? 'none') : 'none';

if (backend === 'native' && process.platform === 'linux') {
  it(`tables, results and tensors of 64 MiB (the system says ${given})`, async () => {
    const { name, ...bytes } = await jsonOf<Record<string, number> & { name: string }>(
      runProgram('pages.mjs', [], { TOKENBED_BACKEND: backend }),
    );
    expect(name).toBe(backend);
    const text = Object.entries(bytes).map(([what, count]) => `${what} ${(count / MIB).toFixed(0)} MiB`);
    console.log(`${given}: ${text.join(', ')}`);
    for (const [what, count] of Object.entries(bytes)) {
      // All but the ends that are no whole page, and what the system had no page for at the moment.
      if (given === 'always' || given === 'madvise') expect(count, what).toBeGreaterThanOrEqual(48 * MIB);
      else expect(count, what).toBe(0);
    }
  });
} else {
  it('is not asked for where there is none to be had', async () => {
    const { Tensor } = await import('tokenbed');
    expect(Tensor.allocate([8 * MIB]).data.every((value) => value === 0)).toBe(true);
  });
}
