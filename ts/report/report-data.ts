/** The data of a report: checked, copied, and grouped into comparable conditions. */

import { wrongKind } from '../errors.js';
import type {
  AccessPattern,
  LookupResult,
  MemoryScalingResult,
  PositionalResult,
  ProfilerReport,
} from '../profiler/results.js';
import { product, integer } from './figures.js';

/** A measured lookup with its key and the width of the rows. Lookups with equal `table` used the same table. */
export type Lookup = LookupResult & {
  readonly key: string;
  readonly embeddingDim: number;
  readonly table: string;
};
/** A table size with its key. */
export type Scaling = MemoryScalingResult & { readonly key: string };

/** The source of a report: the `results` of an `EmbeddingProfiler` and, optionally, how they were measured. */
export type ReportSource = Pick<ProfilerReport, 'results'> & Partial<ProfilerReport>;

/** A report that can be drawn. Unknown properties are null. */
export interface ReportData {
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

/** Characters that XML does not allow: most control characters, lone surrogates, two non-characters. */
// oxlint-disable-next-line no-control-regex -- matching control characters is the purpose
const UNPRINTABLE = /[\0-\x08\x0B\x0C\x0E-\x1F\x7F\uFFFE\uFFFF]|\p{Surrogate}/gu;

const printable = (text: string): string => text.replace(UNPRINTABLE, '\uFFFD');

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Checks the structure of a report. */
function checkReport(report: unknown): ReportSource {
  const parts = ['backend', 'settings', 'machine', 'table', 'positions'];
  const isKnown = (part: unknown): boolean => part === undefined || part === null || isObject(part);
  if (!isObject(report) || !parts.every((part) => isKnown(report[part]))) {
    throw wrongKind('report', report, 'an object { results, ... } as returned by an EmbeddingProfiler');
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

/** Reads a report. Errors: `ERR_INVALID_OPTION` (TypeError) for any other value. */
export function read(report: ReportSource): ReportData {
  // JSON copies the report and turns NaN and Infinity into null. The reviver makes strings printable.
  const copy = JSON.parse(JSON.stringify(checkReport(report)), (_, value: unknown) =>
    typeof value === 'string' ? printable(value) : value,
  ) as ReportSource;
  const { lookup, memoryScaling, positional } = copy.results;
  return {
    lookups: Object.entries(lookup).map(([key, entry]) => ({
      ...entry,
      key: printable(key),
      // With several tables it is unknown which lookup used which table.
      table: copy.table === null ? key : '',
      // The width of a row follows from the bytes that were written.
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

/** Lookups that differ only in batch size and sequence length, with a label for what they share. */
export interface Condition {
  readonly label: string;
  readonly lookups: readonly Lookup[];
}

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)];

/** Groups lookups by pattern, and by backend and width of the rows if those differ. */
export function conditions(lookups: readonly Lookup[]): Condition[] {
  const differs = (name: 'pattern' | 'backend' | 'embeddingDim') =>
    distinct(lookups.map((entry) => entry[name])).length > 1;
  const names = { backend: differs('backend'), width: differs('embeddingDim') };
  const groups = new Map<string, Lookup[]>();
  for (const entry of lookups) {
    const label = [
      `${entry.pattern} ids`,
      names.backend ? entry.backend : '',
      names.width ? `${integer(entry.embeddingDim)} columns` : '',
    ];
    const key = label.filter((part) => part !== '').join(', ');
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return [...groups].map(([label, entries]) => ({ label, lookups: entries }));
}

/** Lookups that differ only in the pattern. */
export interface Comparison {
  readonly label: string;
  readonly byPattern: ReadonlyMap<AccessPattern, Lookup>;
}

/** The batch shapes that were measured with at least two patterns. */
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
export const shapeOf = ({ batchSize, seqLength }: Lookup): string => product(batchSize, seqLength);

/** `50,000 × 256`: rows and columns. */
export const tableOf = ({ vocabSize, embeddingDim }: { vocabSize: number; embeddingDim: number }): string =>
  product(vocabSize, embeddingDim);

/** Whether a figure can be drawn: it is a number above zero. */
export const isDrawable = (value: number | null): value is number => value !== null && value > 0;

/** The distinct values in ascending order. */
export const ascending = (values: readonly number[]): number[] => distinct(values).sort((a, b) => a - b);
