/** The figures below the charts: tables that turn into cards where the page is narrow. */

import { bandwidth, NONE, percent, rate, size, time, whole } from './figures.js';
import { type Filling, html, Markup } from './markup.js';
import { conditions, isDrawable, type Lookup, type Reading, type Scaling, shapeOf } from './reading.js';

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
function table<T>(
  caption: string,
  rows: readonly (readonly [key: string, row: T])[],
  columns: readonly Column<T>[],
): Markup {
  const [first, ...others] = columns;
  return html`<table role="table" ${columns.length > MANY ? new Markup(' class="many"') : null}>
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
        ([key, row]) =>
          html` <tr role="row" data-key="${key}">
            <th role="rowheader" scope="row">${first!.of(row)}</th>
            ${others.map(({ name, of }) => html`<td role="cell" data-name="${name}">${of(row)}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table> `;
}

/** Every lookup. */
export function lookupTable({ lookups }: Reading): Markup {
  const groups = conditions(lookups);
  const varies = (of: (entry: Lookup) => unknown) => new Set(lookups.map(of)).size > 1;
  const perToken = (ms: number, { totalTokens }: Lookup) =>
    time(isDrawable(totalTokens) ? ms / totalTokens : null);
  const columns: readonly (Column<Lookup> | false)[] = [
    { name: 'Batch × sequence', of: shapeOf },
    groups.length > 1 && { name: 'Pattern', of: ({ pattern }) => pattern },
    varies(({ backend }) => backend) && { name: 'Backend', of: ({ backend }) => backend },
    varies(({ embeddingDim }) => embeddingDim) && {
      name: 'Columns',
      of: ({ embeddingDim }) => whole(embeddingDim),
    },
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
  return table(
    'Lookups. Times are medians; p10 and p90 are percentiles of the time per token. Bandwidth counts ids and vectors; the share compares vectors alone with a plain copy.',
    lookups.map((entry) => [entry.key, entry]),
    columns.filter((column) => column !== false),
  );
}

/** Every table whose size was computed. */
export function memoryTable({ scalings }: Reading): Markup {
  return table<Scaling>(
    'Tables. A lookup is one call of 32 × 64 ids.',
    scalings.map((entry) => [entry.key, entry]),
    [
      { name: 'Vocabulary', of: ({ vocabSize }) => whole(vocabSize) },
      { name: 'Columns', of: ({ embeddingDim }) => whole(embeddingDim) },
      { name: 'Parameters', of: ({ totalParameters }) => whole(totalParameters) },
      { name: 'Memory', of: ({ memoryMb }) => size(memoryMb) },
      {
        name: 'Lookup',
        of: ({ lookupTimeMs }) => (isDrawable(lookupTimeMs) ? time(lookupTimeMs) : html`<i>not measured</i>`),
      },
    ],
  );
}

/** Both kinds of positions. */
export function positionTable({ sinusoidal, learned }: Reading): Markup {
  const kinds = [
    { key: 'sinusoidal', name: 'Sinusoidal', positions: sinusoidal },
    { key: 'learned', name: 'Learned', positions: learned },
  ] as const;
  const rows = kinds.flatMap(({ key, name, positions }) =>
    positions === null ? [] : [[key, { name, ...positions }] as const],
  );
  return table('Positions. Times are medians.', rows, [
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
