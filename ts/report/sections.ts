/** The sections of a report in order, with their figures. */

import type { Figure } from './chart.js';
import { accessPatterns, bandwidthShare, throughput, timePerToken } from './lookup-charts.js';
import { lookupTime, tableSize } from './memory-charts.js';
import { encodingMap, frequencyCurve, positionalComparison } from './position-charts.js';
import type { ReportData } from './report-data.js';

/** A section. */
export interface Section {
  readonly name: 'lookups' | 'memory' | 'positions';
  readonly title: string;
  readonly isMeasured: boolean;
  readonly figures: readonly Figure[];
}

/** All sections, in order. */
export function sectionsOf(data: ReportData): Section[] {
  const { lookups, scalings, sinusoidal, learned, positions } = data;
  return [
    {
      name: 'lookups',
      title: 'Lookups',
      isMeasured: lookups.length > 0,
      figures: [throughput, bandwidthShare, timePerToken, accessPatterns].map((draw) => draw(data)),
    },
    {
      name: 'memory',
      title: 'Memory',
      isMeasured: scalings.length > 0,
      figures: [tableSize, lookupTime].map((draw) => draw(data)),
    },
    {
      name: 'positions',
      title: 'Positions',
      isMeasured: sinusoidal !== null || learned !== null,
      figures: [positionalComparison(data), encodingMap(positions), frequencyCurve(positions)],
    },
  ];
}
