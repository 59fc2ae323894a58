/**
 * Visual reports: the results of an `EmbeddingProfiler` as one HTML file or as SVG.
 *
 * `toHTML()` and `toSVG()` of a profiler require this entry point. Node, Deno and Bun load it on demand; a web page
 * has to import it once. Charts are drawn by Observable Plot, which is bundled here.
 *
 * @module tokenbed/report
 */

import { registerRenderer } from '../profiler/renderer.js';
import { toHTML, toSVG } from './render.js';

registerRenderer({ toHTML, toSVG });

export type { ReportSource } from './report-data.js';
export type {
  MachineInfo,
  ProfiledPositions,
  ProfiledTable,
  ProfilerReport,
  ProfilerSettings,
} from '../profiler/results.js';
export {
  accessPatternsSVG,
  bandwidthSVG,
  type EncodingChartOptions,
  encodingSVG,
  frequenciesSVG,
  lookupTimeSVG,
  positionalSVG,
  tableSizeSVG,
  throughputSVG,
  timePerTokenSVG,
  toHTML,
  toSVG,
} from './render.js';
