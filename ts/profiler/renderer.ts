/**
 * The registry of the report renderer. The entry `tokenbed/report` contains a chart library and registers itself here
 * on import. The main entry does not include it.
 */

import { loadReport } from '../backend/index.js';
import { fail, firstLine } from '../errors.js';
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

/**
 * The registered renderer; some hosts load it on first use. `ERR_NOT_INITIALIZED` if it is not imported,
 * `ERR_BACKEND_UNAVAILABLE` if loading it fails.
 */
export function renderer(): ReportRenderer {
  try {
    registered ??= loadReport() ?? null;
  } catch (cause) {
    const text = `The charts of tokenbed/report cannot be loaded on this host: ${firstLine(cause)}`;
    throw fail(Error, 'ERR_BACKEND_UNAVAILABLE', text, { cause });
  }
  if (registered !== null) return registered;
  const text = "Reports require a separate entry: import 'tokenbed/report' once before you create a report";
  throw fail(Error, 'ERR_NOT_INITIALIZED', text);
}
