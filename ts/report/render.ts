/** The public functions: a report, or one chart of it, as a document. */

import { integer, named } from '../args/options.js';
import type { ProfilerResults } from '../profiler/results.js';
import type { Figure } from './chart.js';
import { htmlDocument } from './html.js';
import * as lookups from './lookup-charts.js';
import * as memory from './memory-charts.js';
import * as positions from './position-charts.js';
import { type Reading, read, type ReportSource } from './reading.js';
import { sectionsOf } from './sections.js';
import { svgDocument } from './svg.js';

const TITLE = 'Embedding profile';

/**
 * A report as one HTML page that needs nothing beside it: no script, no font, no network.
 *
 * Charts, every figure as a table, sentences computed from them, machine and settings. It follows the reader's light or
 * dark preference, is one column on a phone and black on white on paper. What was not measured says so. The same report
 * gives the same text, which is well-formed XML too. Errors: `ERR_INVALID_OPTION` for anything but a report.
 */
export function toHTML(report: ReportSource): string {
  const reading = read(report);
  return htmlDocument(reading, TITLE, sectionsOf(reading));
}

/**
 * All charts of a report as one SVG document, in two columns.
 *
 * Light or dark as the reader prefers, in viewers that know style sheets; light in all others. What was not measured is
 * left out; where that is everything, the document says so. Errors: `ERR_INVALID_OPTION` for anything but a report.
 */
export function toSVG(report: ReportSource): string {
  const sections = sectionsOf(read(report));
  return svgDocument(
    TITLE,
    sections.map(({ figures }) => figures),
  );
}

const alone = (figure: Figure): string => svgDocument(figure.title, [[figure]]);

const chart =
  (draw: (reading: Reading) => Figure) =>
  (results: ProfilerResults): string =>
    alone(draw(read({ results })));

/** Tokens per second against the tokens of a call: one chart of a profiler's `results`. Errors as {@link toSVG}. */
export const throughputSVG = chart(lookups.throughput);

/** Vectors written per second, as a share of a plain copy of as many bytes. Errors as {@link toSVG}. */
export const bandwidthSVG = chart(lookups.bandwidthShare);

/** The time of one token: its median, and from the 10th to the 90th percentile. Errors as {@link toSVG}. */
export const timePerTokenSVG = chart(lookups.timePerToken);

/** The same batches under several patterns of access, where several were measured. Errors as {@link toSVG}. */
export const accessPatternsSVG = chart(lookups.accessPatterns);

/** MiB and parameters of a table against its vocabulary and columns. Errors as {@link toSVG}. */
export const tableSizeSVG = chart(memory.tableSize);

/** The time of a lookup against the size of the table. Errors as {@link toSVG}. */
export const lookupTimeSVG = chart(memory.lookupTime);

/** Sinusoidal and learned positions beside each other: time, memory, parameters. Errors as {@link toSVG}. */
export const positionalSVG = chart(positions.positionalComparison);

/** The shape of an encoding: as many positions and columns. Defaults as in `comparePositionalEncodings`. */
export interface EncodingChartOptions {
  /** Positions, 1 or more; default 100. A heat map shows the first 64. */
  readonly seqLength?: number | undefined;
  /** D, the number of columns, 1 or more; default 256. A heat map shows 64, in pairs at equal distances. */
  readonly embeddingDim?: number | undefined;
}

function readShape(options: EncodingChartOptions | undefined): positions.EncodingShape {
  const given = named(options, ['seqLength', 'embeddingDim']);
  return {
    seqLength: integer(given, 'seqLength', { min: 1, max: 2 ** 32 }, 100),
    embeddingDim: integer(given, 'embeddingDim', { min: 1 }, 256),
  };
}

/** A heat map of the sinusoidal encoding. Errors: `ERR_INVALID_OPTION`. */
export const encodingSVG = (options?: EncodingChartOptions): string =>
  alone(positions.encodingMap(readShape(options)));

/** The frequencies of the encoding, in rad per position. Errors: `ERR_INVALID_OPTION`. */
export const frequenciesSVG = (options?: EncodingChartOptions): string =>
  alone(positions.frequencyCurve(readShape(options)));
