/** The timing loop of the profiler, the benches and the page, on a clock that the contenders themselves move. */

import { describe, expect, it } from 'vitest';
import {
  type Contender,
  measure,
  measureNow,
  median,
  type Plan,
  quantile,
  ratios,
  roundsOf,
} from '../dist/profiler/rounds.js';
import { expectError } from './helpers/errors.js';

/** A clock in milliseconds, and contenders whose calls move it. */
function world() {
  let time = 1000;
  const order: string[] = [];
  const contender = (name: string, callMs: (round: number) => number) => {
    let samples = 0;
    return {
      name,
      run(calls: number) {
        if (order.at(-1) !== name) order.push(name);
        time += calls * callMs(samples++);
      },
    };
  };
  return {
    clock: { now: () => time, resolutionMs: 1e-6 },
    order,
    contender,
    pass: (ms: number) => (time += ms),
  };
}

describe('a measurement', () => {
  it('keeps one figure for each round, in milliseconds per call', () => {
    const { clock, contender } = world();
    const [a, b] = measureNow([contender('a', () => 2), contender('b', () => 0.25)], {
      clock,
      warmupMs: 0,
      next: roundsOf(5),
    });
    expect(a!.rounds).toEqual([2, 2, 2, 2, 2]);
    expect(b!.rounds).toEqual([0.25, 0.25, 0.25, 0.25, 0.25]);
    expect([a!.calls, a!.elapsedMs, a!.medianMs]).toEqual([5, 10, 2]);
    expect(ratios(a!, b!)).toEqual([8, 8, 8, 8, 8]);
  });

  it('takes samples of the time that the plan says, or the contender', () => {
    const { clock, contender } = world();
    const plan = { clock, warmupMs: 100, sampleMs: 10, next: roundsOf(4) };
    const [a, b] = measureNow([contender('a', () => 1), { ...contender('b', () => 1), sampleMs: 30 }], plan);
    // A margin of a tenth keeps a sample from being too short; calls at most double on the way.
    expect([a!.elapsedMs / 4, b!.elapsedMs / 4]).toEqual([11, 32]);
  });

  it('fills a round with samples and keeps their median', () => {
    const { clock, contender } = world();
    // Each third sample takes a hundred times as long.
    const [a] = measureNow([contender('a', (sample) => (sample % 3 === 0 ? 100 : 1))], {
      clock,
      warmupMs: 0,
      roundMs: 150,
      next: roundsOf(6),
    });
    expect(a!.rounds).toEqual([1, 1, 1, 1, 1, 1]);
    expect(a!.elapsedMs).toBeGreaterThanOrEqual(6 * 150);
  });

  it('takes samples of many ticks on a coarse clock, and bounds the work between two readings', () => {
    const { clock, contender } = world();
    const coarse = { now: () => Math.floor(clock.now()), resolutionMs: 1 };
    const plan = { clock: coarse, warmupMs: 0, next: roundsOf(3) };
    const runs: number[] = [];
    const { run } = contender('a', () => 0.01);
    const watched = (bytes?: number): Contender => ({
      ...(bytes === undefined ? {} : { bytes }),
      run(calls) {
        runs.push(calls);
        run(calls);
      },
    });
    const [free] = measureNow([watched()], plan);
    expect(free!.elapsedMs / 3).toBeGreaterThanOrEqual(32);
    expect(free!.elapsedMs / 3).toBeLessThan(70);
    expect(Math.max(...runs)).toBeGreaterThan(2000);
    runs.length = 0;
    measureNow([watched(2 ** 20)], plan);
    expect(Math.max(...runs)).toBe(256);
  });

  it('calls everyone in each round, in an order that changes', () => {
    const { clock, contender, order } = world();
    const names = ['a', 'b', 'c'];
    let rounds = 0;
    const orders = new Set<string>();
    measureNow(
      names.map((name) => contender(name, () => 1)),
      {
        clock,
        warmupMs: 0,
        next: (all) => {
          order.length = 0;
          return rounds < 60 ? all : [];
        },
        onRound: () => {
          expect([...order].sort()).toEqual(names);
          orders.add(order.join(''));
          rounds++;
        },
      },
    );
    expect(orders.size).toBe(6);
  });

  it('goes on with those alone that the plan names', () => {
    const { clock, contender } = world();
    const [a, b] = measureNow([contender('a', () => 1), contender('b', () => 1)], {
      clock,
      warmupMs: 0,
      next: (all) => all.filter(({ contender, rounds }) => rounds.length < (contender.name === 'a' ? 2 : 5)),
    });
    expect([a!.rounds.length, b!.rounds.length]).toEqual([2, 5]);
  });

  it('checks each contender after its first call and after the last round', () => {
    const { clock, contender } = world();
    const seen: number[] = [];
    let calls = 0;
    const { run } = contender('a', () => 1);
    const counted: Contender = {
      run(count) {
        calls += count;
        return run(count);
      },
      check: () => void seen.push(calls),
    };
    const [a] = measureNow([counted], { clock, warmupMs: 100, next: roundsOf(7) });
    expect(seen).toEqual([1, calls]);
    expect(a!.calls).toBe(7);
    expect(calls).toBeGreaterThanOrEqual(1 + 100 + 7);
  });

  it('prepares each contender for each round, outside the time of its samples', () => {
    const { clock, contender, pass } = world();
    let prepared = 0;
    const prepare = () => {
      prepared++;
      pass(1000);
    };
    const plan = { clock, warmupMs: 0, next: roundsOf(3) };
    const [a] = measureNow([{ ...contender('a', () => 1), prepare }], plan);
    expect(prepared).toBe(3);
    expect(a!.rounds).toEqual([1, 1, 1]);
  });

  it('leaves Math.random alone', () => {
    const { random } = Math;
    Math.random = () => {
      throw new Error('Math.random was called');
    };
    try {
      const { clock, contender } = world();
      measureNow([contender('a', () => 1), contender('b', () => 1)], {
        clock,
        warmupMs: 0,
        next: roundsOf(3),
      });
    } finally {
      Math.random = random;
    }
  });

  it('throws when the clock stops', () => {
    const clock = { now: () => 7, resolutionMs: 1 };
    expectError(() => measureNow([{ run() {} }], { clock, warmupMs: 0, next: roundsOf(1) }), {
      class: Error,
      code: 'ERR_BACKEND_UNAVAILABLE',
      text: 'clock of this host stands still',
    });
  });
});

describe('a measurement that waits', () => {
  const plan = (clock: Plan['clock']): Plan => ({ clock: clock!, warmupMs: 0, next: roundsOf(4) });

  it('times an asynchronous contender until its promise is kept', async () => {
    const { clock, pass } = world();
    const slow: Contender = {
      async run(calls) {
        for (let i = 0; i < calls; i++) {
          await Promise.resolve();
          pass(3);
        }
      },
    };
    const [a] = await measure([slow], plan(clock));
    expect(a!.rounds).toEqual([3, 3, 3, 3]);
  });

  it('takes the time that a contender was told elsewhere', async () => {
    const { clock, pass } = world();
    const elsewhere: Contender = {
      run: (calls) => {
        pass(50); // the way there and back
        return Promise.resolve(calls * 0.125);
      },
    };
    const [a] = await measure([elsewhere], plan(clock));
    expect(a!.rounds).toEqual([0.125, 0.125, 0.125, 0.125]);
  });

  it('waits for onRound and for checks', async () => {
    const { clock, contender } = world();
    const events: string[] = [];
    const later = async (event: string) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      events.push(event);
    };
    const checked = { ...contender('a', () => 1), check: () => later('check') };
    const [a] = await measure([checked], {
      ...plan(clock),
      next: roundsOf(2),
      onRound: () => later('round'),
    });
    expect(events).toEqual(['check', 'round', 'round', 'check']);
    expect(a!.rounds).toEqual([1, 1]);
  });

  it('is rejected with what a check throws, before anything is timed', async () => {
    const { clock, contender } = world();
    const wrong = { ...contender('a', () => 1), check: () => Promise.reject(new Error('wrong answer')) };
    let rounds = 0;
    const onRound = () => void rounds++;
    await expect(measure([wrong], { ...plan(clock), onRound })).rejects.toThrow('wrong answer');
    expect(rounds).toBe(0);
  });

  it('gives the same as a measurement at once', async () => {
    const contenders = () => {
      const { clock, contender } = world();
      return [[contender('a', (k) => 1 + (k % 4))], plan(clock)] as const;
    };
    const [later] = await measure(...contenders());
    const [now] = measureNow(...contenders());
    expect(later!.rounds).toEqual(now!.rounds);
  });
});

describe('quantile', () => {
  it.each([
    [[4], 0.1, 4],
    [[3, 1], 0.5, 2],
    [[5, 1, 3], 0.5, 3],
    [[10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0], 0.1, 1],
    [[0, 10], 0.25, 2.5],
    [[9, 100], 1, 100],
  ])('of %j at %d is %d', (values, q, expected) => {
    expect(quantile(values, q)).toBe(expected);
  });

  it('leaves the values as they are', () => {
    const values = Object.freeze([3, 1, 2]);
    expect(median(values)).toBe(2);
    expect(values).toEqual([3, 1, 2]);
  });
});
