/** The figures below the charts: tables that turn into cards where the page is narrow. */

import { bandwidth, NONE, percent, rate, size, time, whole } from './figures.js';
import { type Filling, html, type Markup } from './markup.js';
import {
  conditions,
  isDrawable,
  type Lookup,
  type Reading,
  type Scaling,
  shapeOf,
  tableOf,
} from './reading.js';

/** More columns than this need the width of a screen. */
const MANY = 8;

interface Column<T> {
  readonly name: string;
  readonly of: (row: T) => Filling;
}

/**
 * A table whose first column names its rows.
 *
 * The roles stand there because a table that a style sheet turns into cards would lose them.
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
              <th role="rowheader" scope="row">${first!.of(row)}</th>
              ${others.map(({ name, of }) => html`<td role="cell" data-name="${name}">${of(row)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

const LOOKUP: readonly Column<Lookup>[] = [
  { name: 'Batch × sequence', of: shapeOf },
  { name: 'Tokens', of: ({ totalTokens }) => whole(totalTokens) },
  { name: 'Tokens/s', of: ({ tokensPerSecond }) => rate(tokensPerSecond) },
  {
    name: 'Per token',
    of: ({ timePerTokenUs }) => time(isDrawable(timePerTokenUs) ? timePerTokenUs / 1000 : null),
  },
  { name: 'p10', of: (entry) => perToken(entry.p10Ms, entry) },
  { name: 'p90', of: (entry) => perToken(entry.p90Ms, entry) },
  { name: 'Per call', of: ({ lookupTimeMs }) => time(lookupTimeMs) },
  { name: 'Calls', of: ({ iterations }) => whole(iterations) },
  { name: 'Ids', of: ({ inputMemoryMb }) => size(inputMemoryMb) },
  { name: 'Vectors', of: ({ outputMemoryMb }) => size(outputMemoryMb) },
  { name: 'Bandwidth', of: ({ memoryBandwidthMbS }) => bandwidth(memoryBandwidthMbS) },
  { name: 'Plain copy', of: ({ machineBandwidthMbS }) => bandwidth(machineBandwidthMbS) },
  { name: 'Share', of: ({ bandwidthUtilization }) => percent(bandwidthUtilization) },
];

const perToken = (ms: number, { totalTokens }: Lookup): string =>
  time(isDrawable(totalTokens) ? ms / totalTokens : null);

/** Every lookup, a table for each condition. */
export function lookupTables({ lookups }: Reading): Filling {
  const explained = 'Times are medians; p10 and p90 are percentiles of the time per token.';
  const shares = 'Bandwidth counts ids and vectors; the share compares vectors alone with a plain copy.';
  return conditions(lookups).map(({ label, lookups: rows }, i) => {
    const caption = html`<b>Lookups, ${label}.</b>${i === 0 && ` ${explained} ${shares}`}`;
    return table(caption, rows, LOOKUP);
  });
}

/** Every table whose size was computed. */
export function memoryTables({ scalings }: Reading): Filling {
  const caption = html`<b>Tables.</b> A lookup is one call of 32 × 64 ids, the median of its times.`;
  return table<Scaling>(caption, scalings, [
    { name: 'Rows × columns', of: tableOf },
    { name: 'Parameters', of: ({ totalParameters }) => whole(totalParameters) },
    { name: 'Memory', of: ({ memoryMb }) => size(memoryMb) },
    {
      name: 'Lookup',
      of: ({ lookupTimeMs }) => (isDrawable(lookupTimeMs) ? time(lookupTimeMs) : html`<i>not measured</i>`),
    },
  ]);
}

/** Both kinds of positions. */
export function positionTables({ sinusoidal, learned }: Reading): Filling {
  const rows = [
    sinusoidal === null ? null : { key: 'sinusoidal', name: 'Sinusoidal', ...sinusoidal },
    learned === null ? null : { key: 'learned', name: 'Learned', ...learned },
  ].filter((row) => row !== null);
  return table(html`<b>Positions.</b> Times are medians.`, rows, [
    { name: 'Kind', of: ({ name }) => name },
    { name: 'Adding', of: ({ computationTimeMs }) => time(computationTimeMs) },
    { name: 'Making', of: ({ constructionTimeMs }) => time(constructionTimeMs) },
    { name: 'Table', of: ({ tableMemoryMb }) => size(tableMemoryMb) },
    { name: 'Trainable', of: ({ memoryUsageMb }) => size(memoryUsageMb) },
    { name: 'Parameters', of: ({ parameters }) => whole(parameters) },
    { name: 'Deterministic', of: ({ deterministic }) => (deterministic ? 'yes' : NONE) },
    { name: 'Behind the end', of: ({ extrapolation }) => html`<span class="words">${extrapolation}</span>` },
  ]);
}
