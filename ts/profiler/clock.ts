/** The clock, and how coarse it is: browsers round it to 0.1 or 1 ms, and some hosts stop it while a program computes. */

import { fail, type TokenbedError } from '../errors.js';

/** A clock that moves. */
export interface Clock {
  /** Milliseconds from some beginning. */
  readonly now: () => number;
  /** The smallest step that was seen, in milliseconds. */
  readonly resolutionMs: number;
}

/** So many steps are looked at, unless that takes too many readings (about 0.1 s). */
const STEPS = 8;
const MOST_READINGS = 2 ** 21;

/** The monotonic clock; where that one stands still, the wall clock is better than none. */
const CLOCKS = [() => performance.now(), () => Date.now()] as const;

/** Watches a clock; `Infinity` if it stands still. */
function smallestStep(now: () => number): number {
  let smallest = Infinity;
  let steps = 0;
  let last = now();
  for (let readings = 0; readings < MOST_READINGS && steps < STEPS; readings++) {
    const next = now();
    if (next > last) {
      smallest = Math.min(smallest, next - last);
      steps++;
    }
    last = next;
  }
  return smallest;
}

/** A clock to measure with. `ERR_INTERNAL` where none moves. */
export function openClock(): Clock {
  for (const now of CLOCKS) {
    const resolutionMs = smallestStep(now);
    if (resolutionMs < Infinity) return { now, resolutionMs };
  }
  throw clockStandsStill();
}

/** The error of a host whose clock does not move while a program computes: no time can be told there. */
export function clockStandsStill(): TokenbedError {
  const text = 'The clock of this host stands still while the program computes: nothing can be measured here';
  return fail(Error, 'ERR_INTERNAL', text);
}
