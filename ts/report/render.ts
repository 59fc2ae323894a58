/** The public functions: a report, or one chart of it, as a document. */

import type { ProfilerReport } from '../profiler/results.js';
import type { Figure } from './chart.js';
import { htmlDocument } from './html.js';
import * as lookups from './lookup-charts.js';
import * as memory from './memory-charts.js';
import * as positions from './position-charts.js';
import { type Reading, read } from './reading.js';
import { sectionsOf } from './sections.js';
import { svgDocument } from './svg.js';

const TITLE = 'Embedding profile';

/**
 * A report as one HTML page that needs nothing beside it: no script, no font, no network.
 *
 * Charts, every figure as a table, sentences computed from them, machine and settings. It follows the reader's light or
 * dark preference, is one column on a phone and black on white on paper. What was not measured says so; the same report
 * gives the same text, which is also well-formed XML. Errors: `ERR_INVALID_OPTION` for anything but a report.
 */
export function toHTML(report: ProfilerReport): string {
  const reading = read(report);
  return htmlDocument(reading, TITLE, sectionsOf(reading));
}

/**
 * All charts of a report as one SVG document, in two columns.
 *
 * Light or dark as the reader prefers, in viewers that know style sheets; light in all others. Charts of which nothing was
 * measured are left out; if all are, the document says so. Errors: `ERR_INVALID_OPTION` for anything but a report.
 */
export function toSVG(report: ProfilerReport): string {
  return svgDocument(
    TITLE,
    sectionsOf(read(report)).map(({ figures }) => figures),
  );
}

function alone(report: ProfilerReport, draw: (reading: Reading) => Figure): string {
  const figure = draw(read(report));
  return svgDocument(figure.title, [[figure]]);
}

/** Tokens per second against the tokens of a call, as an SVG document of its own. Errors as {@link toSVG}. */
export const throughputSVG = (report: ProfilerReport): string => alone(report, lookups.throughput);

/** Vectors written per second as a share of a plain copy of as many bytes. Errors as {@link toSVG}. */
export const bandwidthSVG = (report: ProfilerReport): string => alone(report, lookups.bandwidthShare);

/** The time of one token, from the 10th to the 90th percentile. Errors as {@link toSVG}. */
export const timePerTokenSVG = (report: ProfilerReport): string => alone(report, lookups.timePerToken);

/** The same batches under several patterns of access, where more than one was measured. Errors as {@link toSVG}. */
export const accessPatternsSVG = (report: ProfilerReport): string => alone(report, lookups.accessPatterns);

/** MiB and parameters against vocabulary and columns. Errors as {@link toSVG}. */
export const tableSizeSVG = (report: ProfilerReport): string => alone(report, memory.tableSize);

/** The time of a lookup against the size of the table. Errors as {@link toSVG}. */
export const lookupTimeSVG = (report: ProfilerReport): string => alone(report, memory.lookupTime);

/** Sinusoidal and learned positions beside each other: time, memory, parameters. Errors as {@link toSVG}. */
export const positionalSVG = (report: ProfilerReport): string =>
  alone(report, positions.positionalComparison);

/** A heat map of the sinusoidal encoding that was compared. Errors as {@link toSVG}. */
export const encodingSVG = (report: ProfilerReport): string => alone(report, positions.encodingMap);

/** The frequencies of its pairs of columns. Errors as {@link toSVG}. */
export const frequenciesSVG = (report: ProfilerReport): string => alone(report, positions.frequencyCurve);
