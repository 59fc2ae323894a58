/** A report as the charts and tables read it: checked, copied, and grouped by what may be compared. */

import { wrongKind } from '../errors.js';
import type {
  AccessPattern,
  LookupResult,
  MemoryScalingResult,
  PositionalResult,
  ProfilerReport,
} from '../profiler/results.js';
import { whole } from './figures.js';

/** A lookup that was measured, with its key and the width of the rows. */
export type Lookup = LookupResult & { readonly key: string; readonly embeddingDim: number };
/** A table whose size was computed, with its key. */
export type Scaling = MemoryScalingResult & { readonly key: string };

/** A {@link ProfilerReport}, ready to be drawn. */
export interface Reading extends Omit<ProfilerReport, 'results'> {
  readonly lookups: readonly Lookup[];
  readonly scalings: readonly Scaling[];
  readonly sinusoidal: PositionalResult | null;
  readonly learned: PositionalResult | null;
}

/** What no XML document may hold: most control characters, halves of a code point, the two non-characters. */
// oxlint-disable-next-line no-control-regex -- these are the characters to be found
const UNPRINTABLE = /[\0-\x08\x0B\x0C\x0E-\x1F\x7F\uFFFE\uFFFF]|\p{Surrogate}/gu;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Checks the kind of everything that is walked through; anything below may be missing. */
function checked(report: unknown): ProfilerReport {
  const wanted =
    'what an EmbeddingProfiler reports: results, backend, settings, machine, table and positions';
  const parts = ['results', 'backend', 'settings', 'machine'];
  if (!isObject(report) || !parts.every((part) => isObject(report[part]))) {
    throw wrongKind('report', report, wanted);
  }
  const { lookup, memoryScaling, positional } = report['results'] as Record<string, unknown>;
  for (const part of [lookup, memoryScaling]) {
    if (!isObject(part) || !Object.values(part).every(isObject)) throw wrongKind('report', report, wanted);
  }
  if (!isObject(positional)) throw wrongKind('report', report, wanted);
  return report as unknown as ProfilerReport;
}

/** Reads a report. `ERR_INVALID_OPTION` (TypeError) for anything else. */
export function read(report: ProfilerReport): Reading {
  // Through JSON: a copy, in which NaN and Infinity are null, and every string can be printed.
  const text = JSON.stringify(checked(report));
  const { results, ...rest } = JSON.parse(text, (_, value: unknown) =>
    typeof value === 'string' ? value.replace(UNPRINTABLE, '\uFFFD') : value,
  ) as ProfilerReport;
  const { lookup, memoryScaling, positional } = results;
  return {
    ...rest,
    table: rest.table ?? null,
    positions: rest.positions ?? null,
    lookups: Object.entries(lookup).map(([key, entry]) => ({
      ...entry,
      key: key.replace(UNPRINTABLE, '\uFFFD'),
      // The width of the rows is in the bytes that were written.
      embeddingDim: Math.round((entry.outputMemoryMb * 2 ** 20) / 4 / entry.totalTokens),
    })),
    scalings: Object.entries(memoryScaling).map(([key, entry]) => ({
      ...entry,
      key: key.replace(UNPRINTABLE, '\uFFFD'),
    })),
    sinusoidal: positional.sinusoidal ?? null,
    learned: positional.learned ?? null,
  };
}

/** Lookups that differ in nothing but batch and sequence, under the words that tell them from the others. */
export interface Condition {
  readonly label: string;
  readonly lookups: readonly Lookup[];
}

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)];

/** The lookups by pattern, and by backend and width of the rows where those differ too. */
export function conditions(lookups: readonly Lookup[]): Condition[] {
  const several = (name: 'pattern' | 'backend' | 'embeddingDim') =>
    distinct(lookups.map((entry) => entry[name])).length > 1;
  const names = { backend: several('backend'), width: several('embeddingDim') };
  const groups = new Map<string, Lookup[]>();
  for (const entry of lookups) {
    const label = [
      `${entry.pattern} ids`,
      names.backend ? entry.backend : '',
      names.width ? `${whole(entry.embeddingDim)} columns` : '',
    ];
    const key = label.filter((part) => part !== '').join(', ');
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return [...groups].map(([label, entries]) => ({ label, lookups: entries }));
}

/** One shape of a batch, looked up with several patterns, all else being equal. */
export interface Comparison {
  readonly label: string;
  readonly byPattern: ReadonlyMap<AccessPattern, Lookup>;
}

/** The shapes that were looked up with two patterns or more. */
export function comparisons(lookups: readonly Lookup[]): Comparison[] {
  const groups = new Map<string, { label: string; byPattern: Map<AccessPattern, Lookup> }>();
  for (const entry of lookups) {
    const { batchSize, seqLength, backend, embeddingDim, pattern } = entry;
    const key = [batchSize, seqLength, backend, embeddingDim].join(' ');
    const group = groups.get(key) ?? { label: shapeOf(entry), byPattern: new Map() };
    group.byPattern.set(pattern, entry);
    groups.set(key, group);
  }
  return [...groups.values()].filter(({ byPattern }) => byPattern.size > 1);
}

/** `8 × 512`: batch and sequence. */
export const shapeOf = ({ batchSize, seqLength }: Pick<Lookup, 'batchSize' | 'seqLength'>): string =>
  `${batchSize} × ${seqLength}`;

/** Whether a figure can be drawn: a number above zero. */
export const isDrawable = (value: number | null): value is number => value !== null && value > 0;

/** Distinct, ascending. */
export const ascending = (values: readonly number[]): number[] => distinct(values).sort((a, b) => a - b);
