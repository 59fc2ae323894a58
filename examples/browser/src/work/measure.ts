/**
 * The gauge.
 *
 *   both answer call 0; different bits are an error, not a figure
 *   each is called until it is warm; the fastest way in JavaScript stays
 *   round 1, 2, ...:  all, in a new random order, for a sample of a few clock ticks each
 *   figure = median over rounds of (JavaScript's time / the library's time in the same round)
 *
 * What slows a machine down for a while slows down a whole round, and leaves its ratio alone.
 */

import type { Contender, GaugeSettings, Rates } from '../messages.js';
import { type Case, caseOf, type Way } from './cases.js';

/** A page's clock ticks once in 0.1 to 1 ms: a sample of 25 ms is at most a few percent off. */
const SAMPLE_MS = 25;
const WARM_MS = 120;
const TOTAL_MS = 4000;
const LEAST_ROUNDS = 7;

export async function measure(settings: GaugeSettings, onRound: (rates: Rates) => void): Promise<Rates> {
  const work = caseOf(settings);
  compareAnswers(work);
  const js = work.js
    .map((way) => ({ way, seconds: warm(way) }))
    .reduce((best, next) => (next.seconds < best.seconds ? next : best)).way;
  const ways: Record<Contender, Way> = { tokenbed: work.tokenbed, js, copy: work.copy };
  const calls = mapped(ways, (way) => Math.max(1, Math.ceil(SAMPLE_MS / 1000 / warm(way))));

  const times: Record<Contender, number[]> = { tokenbed: [], js: [], copy: [] };
  const end = performance.now() + TOTAL_MS;
  let rates: Rates;
  do {
    for (const who of shuffled(Object.keys(ways) as Contender[])) {
      times[who].push(sample(ways[who], calls[who]));
    }
    rates = summary(times, work, js.name);
    onRound(rates);
    await turn();
  } while (performance.now() < end || times.js.length < LEAST_ROUNDS);
  return rates;
}

/** Seconds per call. */
function sample(way: Way, calls: number): number {
  const start = performance.now();
  for (let k = 0; k < calls; k++) way.run(k);
  return (performance.now() - start) / 1000 / calls;
}

/** Until the engine has compiled it; the last, longest sample is the estimate. */
function warm(way: Way): number {
  const end = performance.now() + WARM_MS;
  let seconds: number;
  let calls = 1;
  do {
    seconds = sample(way, calls);
    calls *= 2;
  } while (performance.now() < end);
  return seconds;
}

function compareAnswers({ tokenbed, js }: Case): void {
  tokenbed.run(0);
  const wanted = bits(tokenbed.answer());
  for (const way of js) {
    way.answer().fill(Number.NaN);
    way.run(0);
    const got = bits(way.answer());
    const wrong = got.findIndex((word, i) => word !== wanted[i]);
    if (wrong >= 0) throw new Error(`${way.name} and tokenbed differ at value ${wrong}`);
  }
}

const bits = ({ buffer, byteOffset, length }: Float32Array) => new Uint32Array(buffer, byteOffset, length);

function summary(times: Record<Contender, number[]>, { tokens, bytes }: Case, jsWay: string): Rates {
  const ratios = times.js.map((seconds, round) => seconds / times.tokenbed[round]!);
  return {
    ratios,
    ratio: quantile(ratios, 0.5),
    low: quantile(ratios, 0.25),
    high: quantile(ratios, 0.75),
    secondsPerCall: mapped(times, (list) => quantile(list, 0.5)),
    tokensPerCall: tokens,
    bytesPerCall: bytes,
    jsWay,
  };
}

/** By linear interpolation between the two nearest. */
function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort();
  const at = q * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return below + (above - below) * (at % 1);
}

function mapped<K extends string, A, B>(from: Record<K, A>, to: (value: A) => B): Record<K, B> {
  return Object.fromEntries(Object.entries<A>(from).map(([key, value]) => [key, to(value)])) as Record<K, B>;
}

function shuffled<T>(list: readonly T[]): T[] {
  const order = list.map((value) => ({ value, at: Math.random() }));
  return order.sort((a, b) => a.at - b.at).map(({ value }) => value);
}

/** Lets messages leave, and the browser breathe. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));
