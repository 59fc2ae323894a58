/** The clock and its resolution: browsers round it to 0.1 or 1 ms, and some hosts stop it while a program computes. */

import { fail, type TokenbedError } from '../errors.js';

/** A clock that advances. */
export interface Clock {
  /** Milliseconds since an arbitrary origin. */
  readonly now: () => number;
  /** The smallest observed step, in milliseconds. */
  readonly resolutionMs: number;
}

/** The number of steps to observe, and the most readings (about 0.1 s). */
const STEPS = 8;
const MOST_READINGS = 2 ** 21;

/** The monotonic clock; the wall clock is the fallback for hosts that stop it or do not have it. */
const CLOCKS = [() => performance.now(), () => Date.now()] as const;

/** The smallest step of a clock; `Infinity` if it does not advance or does not exist. */
function smallestStep(now: () => number): number {
  let smallest = Infinity;
  let steps = 0;
  let last: number;
  try {
    last = now();
  } catch {
    return Infinity; // the host has no such clock
  }
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

/** Opens the first clock that advances. `ERR_BACKEND_UNAVAILABLE` if none does. */
export function openClock(): Clock {
  for (const now of CLOCKS) {
    const resolutionMs = smallestStep(now);
    if (resolutionMs < Infinity) return { now, resolutionMs };
  }
  throw clockStandsStill();
}

/** The error on a host whose clocks do not advance while a program computes: it lacks what a measurement requires. */
export function clockStandsStill(): TokenbedError {
  const text =
    'The clock of this host stands still while the program computes: nothing can be measured here. Fake timers of a ' +
    'test and privacy settings stop it';
  return fail(Error, 'ERR_BACKEND_UNAVAILABLE', text);
}
