/** The order of a report: which figures stand together, and whether anything of them was measured. */

import type { Figure } from './chart.js';
import { accessPatterns, bandwidthShare, throughput, timePerToken } from './lookup-charts.js';
import { lookupTime, tableSize } from './memory-charts.js';
import { encodingMap, frequencyCurve, positionalComparison } from './position-charts.js';
import type { Reading } from './reading.js';

/** What belongs together. */
export interface Section {
  readonly name: 'lookups' | 'memory' | 'positions';
  readonly title: string;
  readonly isMeasured: boolean;
  readonly figures: readonly Figure[];
}

/** All sections, in order. */
export function sectionsOf(reading: Reading): Section[] {
  const { lookups, scalings, sinusoidal, learned, positions } = reading;
  return [
    {
      name: 'lookups',
      title: 'Lookups',
      isMeasured: lookups.length > 0,
      figures: [throughput, bandwidthShare, timePerToken, accessPatterns].map((draw) => draw(reading)),
    },
    {
      name: 'memory',
      title: 'Memory',
      isMeasured: scalings.length > 0,
      figures: [tableSize, lookupTime].map((draw) => draw(reading)),
    },
    {
      name: 'positions',
      title: 'Positions',
      isMeasured: sinusoidal !== null || learned !== null,
      figures: [positionalComparison(reading), encodingMap(positions), frequencyCurve(positions)],
    },
  ];
}
