/**
 * Who draws reports: the entry `tokenbed/report`, which brings a chart library and registers itself here when it is
 * imported. The main entry holds nothing of it.
 */

import { loadReport } from '../backend/index.js';
import { fail } from '../errors.js';
import type { ProfilerReport } from './results.js';

/** Draws what a profiler found. */
export interface ReportRenderer {
  /** One self-contained document. */
  toHTML(report: ProfilerReport): string;
  /** The charts alone, as one SVG document. */
  toSVG(report: ProfilerReport): string;
}

let registered: ReportRenderer | null = null;

/** From now on `renderer` draws. */
export function registerRenderer(renderer: ReportRenderer): void {
  registered = renderer;
}

/** The registered one, which some hosts can load at once. `ERR_NOT_INITIALIZED` where nobody imported it. */
export function renderer(): ReportRenderer {
  if (registered === null) loadReport();
  if (registered !== null) return registered;
  const text =
    "Reports are drawn by an entry of their own: import 'tokenbed/report' once, before asking for one";
  throw fail(Error, 'ERR_NOT_INITIALIZED', text);
}
