/** The rules of offsets: they start at 0, never fall, and do not exceed the number of ids. Kernels check them too. */

import { fail, offsetError, rankError, type TokenbedError, wrongValue } from '../errors.js';
import type { Ids } from './ids.js';
import { formatShape } from './shape.js';

/** Checks the ranks: `[n]` with flat offsets, or `[bags, n]` without; `passed` is the option `offsets`. */
export function expectBagRanks(ids: Ids, offsets: Ids | null, passed: unknown): void {
  const { rank } = ids;
  if (rank === 1 && offsets === null) {
    const text = 'Offsets are needed for 1D ids: give offsets, or ids of shape [bags, n]';
    throw fail(RangeError, 'ERR_OFFSETS', text);
  }
  if (rank === 2 && offsets !== null) throw wrongValue('offsets', passed, 'absent for 2D ids');
  if (rank !== 1 && rank !== 2) throw rankError('1D ids with offsets or 2D ids', ids.shape);
  if (offsets !== null && offsets.rank !== 1) {
    const text = `Offsets must be a flat list: got shape ${formatShape(offsets.shape)}`;
    throw fail(RangeError, 'ERR_OFFSETS', text, { shape: [...offsets.shape] });
  }
}

/** The error for the first offset that breaks a rule for `count` ids; null if all are valid. */
export function brokenOffset(offsets: Ids, count: number, includeLast: boolean): TokenbedError | null {
  const broken = (index: number, rule: string) => offsetError(index, offsets.at(index), rule);
  const length = offsets.count;
  let previous: number | bigint = 0;
  for (let index = 0; index < length; index++) {
    const offset: number | bigint = offsets.at(index)!;
    if (index === 0 && Number(offset) !== 0) return broken(index, 'must start at 0');
    if (offset < previous) return broken(index, `must not fall (${previous} came before)`);
    if (offset > count) return broken(index, `must not exceed the number of ids, ${count}`);
    previous = offset;
  }
  if (includeLast && length === 0) return broken(0, 'must end with the number of ids');
  if (includeLast && previous < count) {
    return broken(length - 1, `must end with the number of ids, ${count}`);
  }
  if (length === 0 && count > 0) return broken(0, `must cover all ${count} ids`);
  return null;
}
