/** A report as the charts and tables read it: checked, copied, and grouped by what may be compared. */

import { wrongKind } from '../errors.js';
import type {
  AccessPattern,
  LookupResult,
  MemoryScalingResult,
  PositionalResult,
  ProfilerReport,
} from '../profiler/results.js';
import { by, whole } from './figures.js';

/** A lookup that was measured, with its key and the width of the rows. Those of equal `table` are of one table. */
export type Lookup = LookupResult & {
  readonly key: string;
  readonly embeddingDim: number;
  readonly table: string;
};
/** A table whose size was computed, with its key. */
export type Scaling = MemoryScalingResult & { readonly key: string };

/** What a report is drawn from: `results` of an `EmbeddingProfiler`, and what is known of how they were measured. */
export type ReportSource = Pick<ProfilerReport, 'results'> & Partial<ProfilerReport>;

/** A report, ready to be drawn; null stands for what is not known. */
export interface Reading {
  readonly lookups: readonly Lookup[];
  readonly scalings: readonly Scaling[];
  readonly sinusoidal: PositionalResult | null;
  readonly learned: PositionalResult | null;
  readonly backend: ProfilerReport['backend'] | null;
  readonly settings: ProfilerReport['settings'] | null;
  readonly machine: ProfilerReport['machine'] | null;
  readonly table: ProfilerReport['table'];
  readonly positions: ProfilerReport['positions'];
}

/** What no XML document may hold: most control characters, halves of a code point, the two non-characters. */
// oxlint-disable-next-line no-control-regex -- these are the characters to be found
const UNPRINTABLE = /[\0-\x08\x0B\x0C\x0E-\x1F\x7F\uFFFE\uFFFF]|\p{Surrogate}/gu;

const printable = (text: string): string => text.replace(UNPRINTABLE, '\uFFFD');

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Checks the kind of everything that is walked through. */
function checked(report: unknown): ReportSource {
  const parts = ['backend', 'settings', 'machine', 'table', 'positions'];
  const isKnown = (part: unknown): boolean => part === undefined || part === null || isObject(part);
  if (!isObject(report) || !parts.every((part) => isKnown(report[part]))) {
    throw wrongKind('report', report, 'an object { results, ... } as an EmbeddingProfiler gives it');
  }
  if (!isResults(report['results'])) {
    throw wrongKind('results', report['results'], 'the results of an EmbeddingProfiler');
  }
  return report as unknown as ReportSource;
}

function isResults(results: unknown): boolean {
  if (!isObject(results)) return false;
  const { lookup, memoryScaling, positional } = results;
  const isComplete = [lookup, memoryScaling, positional].every(isObject);
  return (
    isComplete &&
    [lookup, memoryScaling, positional].every((part) => Object.values(part as object).every(isObject))
  );
}

/** Reads a report. `ERR_INVALID_OPTION` (TypeError) for anything else. */
export function read(report: ReportSource): Reading {
  // Through JSON: a copy, in which NaN and Infinity are null, and every string can be printed.
  const copy = JSON.parse(JSON.stringify(checked(report)), (_, value: unknown) =>
    typeof value === 'string' ? printable(value) : value,
  ) as ReportSource;
  const { lookup, memoryScaling, positional } = copy.results;
  return {
    lookups: Object.entries(lookup).map(([key, entry]) => ({
      ...entry,
      key: printable(key),
      // Where several tables were looked up, nobody knows which was whose.
      table: copy.table === null ? key : '',
      // The width of the rows is in the bytes that were written.
      embeddingDim: Math.round((entry.outputMemoryMb * 2 ** 20) / 4 / entry.totalTokens),
    })),
    scalings: Object.entries(memoryScaling).map(([key, entry]) => ({ ...entry, key: printable(key) })),
    sinusoidal: positional.sinusoidal ?? null,
    learned: positional.learned ?? null,
    backend: copy.backend ?? null,
    settings: copy.settings ?? null,
    machine: copy.machine ?? null,
    table: copy.table ?? null,
    positions: copy.positions ?? null,
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
    const { batchSize, seqLength, backend, embeddingDim, table, pattern } = entry;
    const key = [batchSize, seqLength, backend, embeddingDim, table].join(' ');
    const group = groups.get(key) ?? { label: shapeOf(entry), byPattern: new Map() };
    group.byPattern.set(pattern, entry);
    groups.set(key, group);
  }
  return [...groups.values()].filter(({ byPattern }) => byPattern.size > 1);
}

/** `8 × 512`: batch and sequence. */
export const shapeOf = ({ batchSize, seqLength }: Lookup): string => by(batchSize, seqLength);

/** `50,000 × 256`: rows and columns. */
export const tableOf = ({ vocabSize, embeddingDim }: { vocabSize: number; embeddingDim: number }): string =>
  by(vocabSize, embeddingDim);

/** Whether a figure can be drawn: a number above zero. */
export const isDrawable = (value: number | null): value is number => value !== null && value > 0;

/** Distinct, ascending. */
export const ascending = (values: readonly number[]): number[] => distinct(values).sort((a, b) => a - b);
