/** The public functions: render a report, or one of its charts, as a document. */

import { integer, named } from '../args/options.js';
import type { ProfilerResults } from '../profiler/results.js';
import type { Figure } from './chart.js';
import { htmlDocument } from './html.js';
import * as lookups from './lookup-charts.js';
import * as memory from './memory-charts.js';
import * as positions from './position-charts.js';
import { type ReportData, read, type ReportSource } from './report-data.js';
import { sectionsOf } from './sections.js';
import { svgDocument } from './svg.js';

const TITLE = 'Embedding profile';

/**
 * Renders a report as one self-contained HTML page without scripts, fonts or network access.
 *
 * The page has charts, tables of all figures, insights computed from them, and the machine and settings. It follows the
 * reader's light or dark preference and adapts to phones and to print. Sections without measurements say so. The same
 * report gives the same text, which is also well-formed XML.
 *
 * Errors: `ERR_INVALID_OPTION` if `report` is not a report.
 */
export function toHTML(report: ReportSource): string {
  const data = read(report);
  return htmlDocument(data, TITLE, sectionsOf(data));
}

/**
 * Renders all charts of a report as one SVG document in two columns.
 *
 * It follows the reader's light or dark preference in viewers that support style sheets, and is light elsewhere. Charts
 * without measurements are omitted; if there are none at all, the document says so.
 *
 * Errors: `ERR_INVALID_OPTION` if `report` is not a report.
 */
export function toSVG(report: ReportSource): string {
  const sections = sectionsOf(read(report));
  return svgDocument(
    TITLE,
    sections.map(({ figures }) => figures),
  );
}

const document = (figure: Figure): string => svgDocument(figure.title, [[figure]]);

const chart =
  (draw: (data: ReportData) => Figure) =>
  (results: ProfilerResults): string =>
    document(draw(read({ results })));

/** Tokens per second against tokens per call, from a profiler's `results`. Errors as {@link toSVG}. */
export const throughputSVG = chart(lookups.throughput);

/** Bandwidth of writing vectors as a share of a plain copy of the same size. Errors as {@link toSVG}. */
export const bandwidthSVG = chart(lookups.bandwidthShare);

/** The time per token: the median, and the 10th to the 90th percentile. Errors as {@link toSVG}. */
export const timePerTokenSVG = chart(lookups.timePerToken);

/** The same batches with different access patterns, if several were measured. Errors as {@link toSVG}. */
export const accessPatternsSVG = chart(lookups.accessPatterns);

/** Memory and parameters of a table against vocabulary and columns. Errors as {@link toSVG}. */
export const tableSizeSVG = chart(memory.tableSize);

/** Lookup time against the size of the table. Errors as {@link toSVG}. */
export const lookupTimeSVG = chart(memory.lookupTime);

/** A comparison of sinusoidal and learned positions: time, memory, parameters. Errors as {@link toSVG}. */
export const positionalSVG = chart(positions.positionalComparison);

/** The shape of an encoding. The defaults are those of `comparePositionalEncodings`. */
export interface EncodingChartOptions {
  /** The number of positions, at least 1. Default: 100. A heat map shows the first 64. */
  readonly seqLength?: number | undefined;
  /** D, the number of columns, at least 1. Default: 256. A heat map shows 64, in evenly spaced pairs. */
  readonly embeddingDim?: number | undefined;
}

function readShape(options: EncodingChartOptions | undefined): positions.EncodingShape {
  const fields = named(options, ['seqLength', 'embeddingDim']);
  return {
    seqLength: integer(fields, 'seqLength', { min: 1, max: 2 ** 32 }, 100),
    embeddingDim: integer(fields, 'embeddingDim', { min: 1 }, 256),
  };
}

/** A heat map of the sinusoidal encoding. Errors: `ERR_INVALID_OPTION`. */
export const encodingSVG = (options?: EncodingChartOptions): string =>
  document(positions.encodingMap(readShape(options)));

/** The frequencies of the encoding, in rad per position. Errors: `ERR_INVALID_OPTION`. */
export const frequenciesSVG = (options?: EncodingChartOptions): string =>
  document(positions.frequencyCurve(readShape(options)));
