/**
 * The gauge, on the library's own timing loop (ts/profiler/rounds.ts).
 *
 *   plain JavaScript and tokenbed answer batch 0, before and after: different bits are an error, not a figure
 *   of several ways to write it in JavaScript the fastest takes part
 *   figure = median over rounds of (JavaScript's time / the library's time in the same round)
 */

import {
  type Contender,
  measure as inRounds,
  median,
  quantile,
  ratios,
  roundsOf,
  type Series,
} from '../../../../dist/profiler/rounds.js';
import type { GaugeSettings, Rates } from '../messages.js';
import { type Case, caseOf, type Way } from './cases.js';

/** A page's clock ticks once in 0.1 to 1 ms: a sample of 25 ms is at most a few percent off. */
const TIMES = { sampleMs: 25, warmupMs: 120 };
const TOTAL_MS = 4000;
const LEAST_ROUNDS = 7;

export async function measure(settings: GaugeSettings, onRound: (rates: Rates) => void): Promise<Rates> {
  const work = caseOf(settings);
  const js = work.js.map((way) => ({ ...contender(way), way, check: () => compareAnswers(way, work) }));
  const tried = await inRounds(js, { ...TIMES, next: roundsOf(1) });
  const fastest = tried.reduce((best, next) => (next.medianMs < best.medianMs ? next : best)).contender;
  const contenders = [contender(work.tokenbed), fastest, contender(work.copy)];

  const end = performance.now() + TOTAL_MS;
  const series = await inRounds(contenders, {
    ...TIMES,
    next: (all) => (performance.now() < end || all[0]!.rounds.length < LEAST_ROUNDS ? all : []),
    onRound(all) {
      onRound(summary(all, work, fastest.way.name));
      return pause();
    },
  });
  return summary(series, work, fastest.way.name);
}

const contender = (way: Way): Contender => ({
  run(calls) {
    for (let k = 0; k < calls; k++) way.run(k);
  },
});

function compareAnswers(js: Way, { tokenbed }: Case): void {
  js.answer().fill(Number.NaN);
  for (const way of [js, tokenbed]) way.run(0);
  const [got, wanted] = [bits(js.answer()), bits(tokenbed.answer())];
  const wrong = got.findIndex((word, i) => word !== wanted[i]);
  if (wrong >= 0) throw new Error(`${js.name} and tokenbed differ at value ${wrong}`);
}

const bits = ({ buffer, byteOffset, length }: Float32Array) => new Uint32Array(buffer, byteOffset, length);

function summary(all: readonly Series[], { tokens, bytes }: Case, jsWay: string): Rates {
  const [tokenbed, js, copy] = all as readonly [Series, Series, Series];
  const found = ratios(js, tokenbed);
  const seconds = ({ medianMs }: Series) => medianMs / 1000;
  return {
    ratios: found,
    ratio: median(found),
    low: quantile(found, 0.25),
    high: quantile(found, 0.75),
    secondsPerCall: { tokenbed: seconds(tokenbed), js: seconds(js), copy: seconds(copy) },
    tokensPerCall: tokens,
    bytesPerCall: bytes,
    jsWay,
  };
}

/** Lets messages leave, and the browser breathe. */
const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 0));
