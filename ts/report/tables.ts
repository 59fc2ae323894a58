/** The tables below the charts. On narrow pages the style sheet shows their rows as cards. */

import { bandwidth, NONE, percent, rate, size, time, integer } from './figures.js';
import { type Content, html, type Markup } from './markup.js';
import {
  conditions,
  isDrawable,
  type Lookup,
  type ReportData,
  type Scaling,
  shapeOf,
  tableOf,
} from './report-data.js';

/** The number of columns above which a table needs the width of a screen. */
const MANY = 8;

interface Column<T> {
  readonly name: string;
  readonly value: (row: T) => Content;
}

/**
 * A table whose first column names its rows.
 *
 * The explicit roles are needed because `display` rules that turn a table into cards remove the implicit ones.
 */
function table<T extends { readonly key: string }>(
  caption: Markup,
  rows: readonly T[],
  columns: readonly Column<T>[],
): Markup {
  const [first, ...others] = columns;
  const kind = columns.length > MANY ? 'many' : 'few';
  return html`<div class="scroll">
    <table role="table" class="${kind}">
      <caption>
        ${caption}
      </caption>
      <thead role="rowgroup">
        <tr role="row">
          ${columns.map(({ name }) => html`<th role="columnheader" scope="col">${name}</th>`)}
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${rows.map(
          (row) =>
            html`<tr role="row" data-key="${row.key}">
              <th role="rowheader" scope="row">${first!.value(row)}</th>
              ${others.map(({ name, value }) => html`<td role="cell" data-name="${name}">${value(row)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

const LOOKUP: readonly Column<Lookup>[] = [
  { name: 'Batch × sequence', value: shapeOf },
  { name: 'Tokens', value: ({ totalTokens }) => integer(totalTokens) },
  { name: 'Tokens/s', value: ({ tokensPerSecond }) => rate(tokensPerSecond) },
  {
    name: 'Per token',
    value: ({ timePerTokenUs }) => time(isDrawable(timePerTokenUs) ? timePerTokenUs / 1000 : null),
  },
  { name: 'p10', value: (entry) => perToken(entry.p10Ms, entry) },
  { name: 'p90', value: (entry) => perToken(entry.p90Ms, entry) },
  { name: 'Per call', value: ({ lookupTimeMs }) => time(lookupTimeMs) },
  { name: 'Calls', value: ({ iterations }) => integer(iterations) },
  { name: 'Ids', value: ({ inputMemoryMb }) => size(inputMemoryMb) },
  { name: 'Vectors', value: ({ outputMemoryMb }) => size(outputMemoryMb) },
  { name: 'Bandwidth', value: ({ memoryBandwidthMbS }) => bandwidth(memoryBandwidthMbS) },
  { name: 'Plain copy', value: ({ machineBandwidthMbS }) => bandwidth(machineBandwidthMbS) },
  { name: 'Share', value: ({ bandwidthUtilization }) => percent(bandwidthUtilization) },
];

const perToken = (ms: number, { totalTokens }: Lookup): string =>
  time(isDrawable(totalTokens) ? ms / totalTokens : null);

/** All lookups, one table per condition. */
export function lookupTables({ lookups }: ReportData): Content {
  const times = 'Times are medians; p10 and p90 are percentiles of the time per token.';
  const shares = 'Bandwidth counts ids and vectors; the share compares only vectors with a plain copy.';
  return conditions(lookups).map(({ label, lookups: rows }, i) => {
    const caption = html`<b>Lookups, ${label}.</b>${i === 0 && ` ${times} ${shares}`}`;
    return table(caption, rows, LOOKUP);
  });
}

/** All table sizes. */
export function memoryTables({ scalings }: ReportData): Content {
  const caption = html`<b>Tables.</b> A lookup is one call with 32 × 64 ids; times are medians.`;
  return table<Scaling>(caption, scalings, [
    { name: 'Rows × columns', value: tableOf },
    { name: 'Parameters', value: ({ totalParameters }) => integer(totalParameters) },
    { name: 'Memory', value: ({ memoryMb }) => size(memoryMb) },
    {
      name: 'Lookup',
      value: ({ lookupTimeMs }) =>
        isDrawable(lookupTimeMs) ? time(lookupTimeMs) : html`<i>not measured</i>`,
    },
  ]);
}

/** Both kinds of positions. */
export function positionTables({ sinusoidal, learned }: ReportData): Content {
  const rows = [
    sinusoidal === null ? null : { key: 'sinusoidal', name: 'Sinusoidal', ...sinusoidal },
    learned === null ? null : { key: 'learned', name: 'Learned', ...learned },
  ].filter((row) => row !== null);
  return table(html`<b>Positions.</b> Times are medians.`, rows, [
    { name: 'Kind', value: ({ name }) => name },
    { name: 'Add', value: ({ computationTimeMs }) => time(computationTimeMs) },
    { name: 'Construct', value: ({ constructionTimeMs }) => time(constructionTimeMs) },
    { name: 'Table', value: ({ tableMemoryMb }) => size(tableMemoryMb) },
    { name: 'Trainable', value: ({ memoryUsageMb }) => size(memoryUsageMb) },
    { name: 'Parameters', value: ({ parameters }) => integer(parameters) },
    { name: 'Deterministic', value: ({ deterministic }) => (deterministic ? 'yes' : NONE) },
    {
      name: 'Beyond the table',
      value: ({ extrapolation }) => html`<span class="wrap">${extrapolation}</span>`,
    },
  ]);
}
