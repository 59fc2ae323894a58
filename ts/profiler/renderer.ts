/**
 * The registry of the report renderer. The entry `tokenbed/report` contains a chart library and registers itself here
 * on import. The main entry does not include it.
 */

import { loadReport } from '../backend/index.js';
import { fail } from '../errors.js';
import type { ProfilerReport } from './results.js';

/** Draws the results of a profiler. */
export interface ReportRenderer {
  /** One self-contained document. */
  toHTML(report: ProfilerReport): string;
  /** The charts alone, as one SVG document. */
  toSVG(report: ProfilerReport): string;
}

let registered: ReportRenderer | null = null;

/** Registers the renderer. */
export function registerRenderer(renderer: ReportRenderer): void {
  registered = renderer;
}

/** The registered renderer; some hosts load it on first use. `ERR_NOT_INITIALIZED` if it is not imported. */
export function renderer(): ReportRenderer {
  if (registered === null) loadReport();
  if (registered !== null) return registered;
  const text = "Reports require a separate entry: import 'tokenbed/report' once before you create a report";
  throw fail(Error, 'ERR_NOT_INITIALIZED', text);
}
