/**
 * Reports to look at: what an `EmbeddingProfiler` found, as one HTML file or as SVG.
 *
 * Importing this entry is what lets a profiler draw (`toHTML()`, `toSVG()`). In Node, Deno and Bun that happens by
 * itself; in a page it is imported first, once. The charts are drawn by Observable Plot, which is part of this entry.
 *
 * @module tokenbed/report
 */

import { registerRenderer } from '../profiler/renderer.js';
import { toHTML, toSVG } from './render.js';

registerRenderer({ toHTML, toSVG });

export type { ReportSource } from './reading.js';
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
