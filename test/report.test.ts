/** Reports: they contain every figure, nothing that was not measured, and no injected markup. */

import { Document, type Element, parseXmlDocument } from 'slimdom';
import { type AccessPattern, Embedding, EmbeddingProfiler, type LookupResult } from 'tokenbed';
import * as entry from 'tokenbed/report';
import {
  encodingSVG,
  frequenciesSVG,
  type ReportSource,
  throughputSVG,
  toHTML,
  toSVG,
} from 'tokenbed/report';
import { describe, expect, it } from 'vitest';
import { expectError, invalidOption } from './helpers/errors.js';
import { emptyReport, profilerReport, type WholeReport } from './helpers/profiler-report.js';

const PATTERNS: readonly AccessPattern[] = ['uniform', 'zipf', 'sequential', 'repeated'];

type Results = ReportSource['results'];

/** Entries with arbitrary keys. */
const byIndex = <T>(entries: readonly T[]): Record<string, T> =>
  Object.fromEntries(entries.map((entry, i) => [`entry_${i}`, entry]));

/** The charts of results by name. */
const CHARTS = {
  accessPatternsSVG: entry.accessPatternsSVG,
  bandwidthSVG: entry.bandwidthSVG,
  lookupTimeSVG: entry.lookupTimeSVG,
  positionalSVG: entry.positionalSVG,
  tableSizeSVG: entry.tableSizeSVG,
  throughputSVG: entry.throughputSVG,
  timePerTokenSVG: entry.timePerTokenSVG,
} satisfies Record<string, (results: Results) => string>;

/** The two complete documents. */
const wholes = (report: ReportSource): [name: string, text: string][] => [
  ['toHTML', toHTML(report)],
  ['toSVG', toSVG(report)],
];

const drawn = new WeakMap<ReportSource, [name: string, text: string][]>();

/** All documents of a report. */
function documents(report: ReportSource): [name: string, text: string][] {
  const known = drawn.get(report) ?? [
    ...wholes(report),
    ...Object.entries(CHARTS).map(([name, draw]): [string, string] => [name, draw(report.results)]),
  ];
  drawn.set(report, known);
  return known;
}

/** Parses well-formed XML; in a browser also with the browser's parser. */
function parsed(text: string): Document {
  if ('DOMParser' in globalThis) {
    const xml = new DOMParser().parseFromString(text, 'application/xhtml+xml');
    expect(xml.querySelector('parsererror')?.textContent).toBeUndefined();
  }
  return parseXmlDocument(text);
}

const all = (document: Document, name = '*'): Element[] => document.getElementsByTagName(name);
const words = (node: Element | Document): string =>
  (node instanceof Document ? node.documentElement! : node).textContent!;

/** The visible text, without the style sheet and with ordinary spaces. */
function prose(text: string): string {
  const document = parsed(text);
  for (const style of all(document, 'style')) style.remove();
  return words(document).replace(/\s+/g, ' ');
}

const UNITS: Record<string, number> = {
  '': 1,
  '%': 0.01,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  ns: 1e-6,
  µs: 1e-3,
  ms: 1,
  s: 1e3,
  bytes: 2 ** -20,
  KiB: 2 ** -10,
  MiB: 1,
  GiB: 2 ** 10,
  TiB: 2 ** 20,
};

/** Parses a figure like `58.7 M/s` into tokens, milliseconds or MiB. */
function read(text: string): number {
  const [, digits, unit] = /^([\d.,]+)\s*([^\d/]*)(?:\/s)?$/.exec(text.trim())!;
  expect(UNITS).toHaveProperty([unit!]);
  return Number(digits!.replaceAll(',', '')) * UNITS[unit!]!;
}

/** The cells of a row by column name. */
function cells(document: Document, key: string): Record<string, string> {
  const rows = all(document, 'tr').filter((row) => row.getAttribute('data-key') === key);
  expect(rows, key).toHaveLength(1);
  const named = rows[0]!.children.map((cell) => [cell.getAttribute('data-name') ?? '', words(cell).trim()]);
  return Object.fromEntries(named) as Record<string, string>;
}

/** Figures have three significant digits, shares two. */
function expectFigure(text: string | undefined, value: number, part = 0.006): void {
  expect(Math.abs(read(text!) / value - 1), `${text} for ${value}`).toBeLessThan(part);
}

const FOUR = profilerReport(PATTERNS);
const NOTHING = emptyReport();
const reports: [name: string, report: WholeReport][] = [
  ['one pattern', profilerReport()],
  ['four patterns', FOUR],
  ['nothing', NOTHING],
];

describe.each(reports)('a report of %s', (_, report) => {
  it('is well-formed, with unique ids', () => {
    for (const [name, text] of documents(report)) {
      const ids = all(parsed(text)).flatMap((element) => element.getAttribute('id') ?? []);
      expect(new Set(ids).size, name).toBe(ids.length);
      // Nothing refers to an id, so charts in the same page cannot interfere.
      expect(text).not.toMatch(/url\(|href=/);
    }
  });

  it('loads nothing', () => {
    for (const [, text] of documents(report)) {
      const addresses = new Set(text.match(/\w+:\/\/[^"'\s<]*/g));
      addresses.delete('http://www.w3.org/2000/svg'); // the namespace, which is not loaded
      expect([...addresses]).toEqual([]);
      expect(text).not.toMatch(
        /<(script|link|img|image|iframe|object|embed|base|form|use)\b|@import|@font-face/,
      );
      expect(text).not.toMatch(/\son\w+=/);
    }
    expect(toHTML(report)).toContain(
      `content="default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;"`,
    );
    expect(toHTML(report)).not.toMatch(/https?:/);
  });

  it('contains no NaN, undefined or Infinity', () => {
    for (const [name, text] of documents(report)) {
      expect(text, name).not.toMatch(/NaN|undefined|Infinity|null|\[object/);
    }
  });

  it('is the same text each time and does not modify the report', () => {
    const before = structuredClone(report);
    expect(documents(report)).toEqual(documents(structuredClone(report)));
    expect(report).toEqual(before);
    expect(documents(JSON.parse(JSON.stringify(report)) as WholeReport)).toEqual(documents(report));
  });

  it('writes nothing to the console', () => {
    const [log, warn, error] = [console.log, console.warn, console.error];
    const printed: unknown[] = [];
    console.log = console.warn = console.error = (...args: unknown[]) => void printed.push(args);
    try {
      documents({ ...report });
    } finally {
      Object.assign(console, { log, warn, error });
    }
    expect(printed).toEqual([]);
  });
});

describe('every figure', () => {
  const report = FOUR;
  const document = parsed(toHTML(report));

  it.each(Object.keys(report.results.lookup))('of %s is in the table', (key) => {
    const entry = report.results.lookup[key]!;
    const row = cells(document, key);
    expect(row['']!.replace(/\s/g, '')).toBe(`${entry.batchSize}×${entry.seqLength}`);
    expectFigure(row['Tokens'], entry.totalTokens, 1e-9);
    expectFigure(row['Tokens/s'], entry.tokensPerSecond);
    expectFigure(row['Per token'], entry.timePerTokenUs / 1000);
    expectFigure(row['p10'], entry.p10Ms / entry.totalTokens);
    expectFigure(row['p90'], entry.p90Ms / entry.totalTokens);
    expectFigure(row['Per call'], entry.lookupTimeMs);
    expectFigure(row['Calls'], entry.iterations, 1e-9);
    expectFigure(row['Ids'], entry.inputMemoryMb);
    expectFigure(row['Vectors'], entry.outputMemoryMb);
    expectFigure(row['Bandwidth'], entry.memoryBandwidthMbS);
    expectFigure(row['Plain copy'], entry.machineBandwidthMbS);
    expectFigure(row['Share'], entry.bandwidthUtilization, 0.05);
  });

  it.each(Object.keys(report.results.memoryScaling))('of %s is in the table', (key) => {
    const entry = report.results.memoryScaling[key]!;
    const row = cells(document, key);
    expectFigure(row['Parameters'], entry.totalParameters, 1e-9);
    expectFigure(row['Memory'], entry.memoryMb);
    if (entry.lookupTimeMs === null) expect(row['Lookup']).toBe('not measured');
    else expectFigure(row['Lookup'], entry.lookupTimeMs);
  });

  it.each(['sinusoidal', 'learned'] as const)('of %s positions is in the table', (kind) => {
    const entry = report.results.positional[kind]!;
    const row = cells(document, kind);
    expectFigure(row['Add'], entry.computationTimeMs);
    expectFigure(row['Construct'], entry.constructionTimeMs);
    expectFigure(row['Table'], entry.tableMemoryMb);
    expect(row['Parameters']).toBe(kind === 'learned' ? '51,200' : '0');
    expect(row['Trainable']!.replace(/\s/g, ' ')).toBe(kind === 'learned' ? '200 KiB' : '0');
    expect(row['Beyond the table']).toBe(entry.extrapolation);
  });

  it('of the machine and the settings is included', () => {
    const text = prose(toHTML(report));
    const { processor, platform } = report.machine;
    for (const expected of [
      processor,
      platform,
      'native, avx512, 2 threads',
      'tokenbed 0.1.0',
      '41 ns',
      '100 ms',
      '20 ms',
    ]) {
      expect(text).toContain(expected);
    }
    expect(text).toContain('50,000 × 256, 48.8 MiB');
    expect(text).toContain('16 × 100 × 256');
    expect(
      prose(toHTML({ ...report, backend: { ...report.backend, fallbackReason: 'no addon here' } })),
    ).toContain('no addon here');
  });

  it('of the charts is in the title of its point', () => {
    const points = (svg: string) =>
      all(parsed(svg), 'title').map((title) => words(title).replace(/\s/g, ' '));
    const { lookup, memoryScaling } = report.results;
    const many = Object.keys(lookup).length;
    for (const draw of [
      entry.throughputSVG,
      entry.bandwidthSVG,
      entry.timePerTokenSVG,
      entry.accessPatternsSVG,
    ]) {
      // The first title is the document's.
      expect(points(draw(report.results))).toHaveLength(many + 1);
    }
    expect(points(throughputSVG(report.results))).toContain('1 × 32: 58.7 M/s');
    const tables = Object.keys(memoryScaling).length;
    expect(points(entry.tableSizeSVG(report.results))).toHaveLength(tables + 1);
    expect(points(entry.lookupTimeSVG(report.results))).toHaveLength(tables + 1);
    expect(points(entry.lookupTimeSVG(report.results))).toContain('1,000,000 × 768: not measured');
  });
});

describe('missing measurements', () => {
  const { results, ...rest } = profilerReport();

  it('are reported by the page and every chart', () => {
    const [[, page], ...charts] = documents(NOTHING) as [[string, string], ...[string, string][]];
    expect(prose(page)).toContain('Nothing was measured.');
    expect(all(parsed(page), 'svg')).toEqual([]);
    expect(all(parsed(page), 'table')).toEqual([]);
    for (const [name, chart] of charts) expect(prose(chart), name).toMatch(/: nothing was measured/);
  });

  it.each([
    ['lookups', { ...results, memoryScaling: {}, positional: {} }],
    ['memory', { ...results, lookup: {}, positional: {} }],
    ['positions', { ...results, lookup: {}, memoryScaling: {} }],
  ])('except for %s are reported by the other sections', (name, part) => {
    const page = parsed(toHTML({ ...rest, results: part }));
    for (const other of ['lookups', 'memory', 'positions']) {
      const section = all(page, 'section').find((each) => each.getAttribute('id') === other)!;
      expect(words(section).includes('Not measured.'), other).toBe(other !== name);
      expect(section.getElementsByTagName('svg').length > 0, other).toBe(other === name);
      expect(section.getElementsByTagName('table').length > 0, other).toBe(other === name);
    }
  });

  it('of machine, backend, settings and shapes are omitted', () => {
    const text = prose(toHTML({ results }));
    for (const absent of ['Processor', 'Backend', 'Warm-up time', 'Clock resolution', 'Position batch']) {
      expect(text).not.toContain(absent);
    }
    // The picture of an encoding depends on its shape.
    expect(toHTML({ results })).not.toContain('id="encoding"');
    expect(toHTML({ ...rest, results })).toContain('id="encoding"');
  });

  it('of the host are reported', () => {
    const machine = { ...rest.machine, processor: null, processors: null, clockResolutionMs: null };
    const text = prose(toHTML({ ...rest, results, machine }));
    expect(text).toContain('not reported by the host');
    expect(text).not.toContain('Clock resolution');
  });

  it('of single figures are dashes, without a point in the chart', () => {
    const entry: LookupResult = { ...results.lookup['batch_8_seq_128']! };
    for (const field of [
      'tokensPerSecond',
      'p10Ms',
      'bandwidthUtilization',
      'lookupTimeMs',
      'timePerTokenUs',
    ] as const) {
      for (const value of [Number.NaN, Infinity, 0]) {
        const lookup = { ...results.lookup, batch_8_seq_128: { ...entry, [field]: value } };
        for (const [, text] of wholes({ ...rest, results: { ...results, lookup } })) {
          parsed(text);
          expect(text).not.toMatch(/NaN|Infinity|null/);
        }
      }
    }
    const lookup = { batch_8_seq_128: { ...entry, tokensPerSecond: Number.NaN } };
    expect(cells(parsed(toHTML({ results: { ...results, lookup } })), 'batch_8_seq_128')['Tokens/s']).toBe(
      '–',
    );
  });
});

describe('patterns', () => {
  it('are compared if there are several, one panel each', () => {
    const [one, four] = [toHTML(profilerReport()), toHTML(profilerReport(PATTERNS))];
    expect(one).not.toContain('id="access-patterns"');
    expect(four).toContain('id="access-patterns"');
    for (const pattern of PATTERNS) expect(prose(four)).toContain(`Lookups, ${pattern} ids.`);
    expect(prose(four)).toMatch(/lookups of repeated ids are 3\.1 × as fast as of uniform ids/);
  });

  it('of several tables are not compared', () => {
    const report = profilerReport(['uniform', 'zipf']);
    expect(toHTML(report)).toContain('as fast as');
    expect(toHTML({ ...report, table: null })).not.toContain('as fast as');

    const profiler = new EmbeddingProfiler({ minTimeMs: 0, warmupMs: 0 });
    const sizes = { batchSizes: [1], seqLengths: [4] };
    using small = new Embedding({ vocabSize: 10, embeddingDim: 4 });
    using large = new Embedding({ vocabSize: 20, embeddingDim: 4 });
    profiler.measureLookupPerformance({ ...sizes, embedding: small });
    expect(profiler.toHTML()).toContain('Lookup table');
    profiler.measureLookupPerformance({ ...sizes, embedding: large, pattern: 'zipf' });
    expect(profiler.toHTML()).not.toMatch(/Lookup table|as fast as/);
  });

  it('are separate from backends and widths', () => {
    const report = profilerReport();
    const entries = Object.values(report.results.lookup);
    entries[0]!.backend = 'wasm';
    entries[1]!.outputMemoryMb *= 2;
    const text = prose(toHTML(report));
    for (const label of [
      'uniform ids, wasm, 256 columns',
      'uniform ids, native, 512 columns',
      'uniform ids, native, 256 columns',
    ]) {
      expect(text).toContain(`Lookups, ${label}.`);
    }
  });
});

describe('hostile text', () => {
  const HOSTILE = `</script></style>]]>--><img src=x onerror="alert('1')">&amp;\0\uD800\uFFFF`;
  const seen = HOSTILE.replace('\0', '\uFFFD').replace('\uD800', '\uFFFD').replace('\uFFFF', '\uFFFD');
  const report = profilerReport();
  const { lookup, memoryScaling, positional } = report.results;
  const first = Object.values(lookup)[0]!;
  const hostile = {
    ...report,
    results: {
      lookup: { [HOSTILE]: first, b: { ...first, pattern: HOSTILE, backend: HOSTILE } },
      memoryScaling: { [`${HOSTILE} of a table`]: Object.values(memoryScaling)[0]! },
      positional: { ...positional, learned: { ...positional.learned!, extrapolation: HOSTILE } },
    },
    backend: { ...report.backend, name: HOSTILE, isa: HOSTILE, fallbackReason: HOSTILE, version: HOSTILE },
    machine: { ...report.machine, platform: HOSTILE, processor: HOSTILE },
  } as unknown as WholeReport;

  it('is escaped', () => {
    for (const [name, text] of documents(hostile)) {
      expect(text, name).not.toContain('<img');
      expect(text, name).not.toContain('</script');
      expect(all(parsed(text), 'img')).toEqual([]);
      expect(text.match(/<\/style>/g)).toHaveLength(1);
    }
    const page = parsed(toHTML(hostile));
    for (const [place, many] of [
      ['h4', 2],
      ['caption', 2],
      ['dd', 5],
    ] as const) {
      expect(
        all(page, place).filter((each) => words(each).includes(seen)).length,
        place,
      ).toBeGreaterThanOrEqual(many / 2);
    }
    expect(cells(page, seen)).toHaveProperty(['Tokens/s']);
    expect(cells(page, 'learned')['Beyond the table']).toBe(seen);
  });
});

describe('extremes', () => {
  const { results, ...rest } = profilerReport();
  const entry = results.lookup['batch_8_seq_128']!;
  const scaling = results.memoryScaling['vocab_1000_dim_64']!;

  const draws = (part: Partial<Results>, report: Partial<WholeReport> = {}): string[] =>
    wholes({ ...rest, ...report, results: { ...results, ...part } }).map(([name, text]) => {
      parsed(text);
      expect(text, name).not.toMatch(/NaN|Infinity/);
      return text;
    });

  it('a single lookup and a single table', () => {
    draws({ lookup: { a: entry }, memoryScaling: { b: scaling } });
  });

  it('times from picoseconds to hours, tables from bytes to terabytes', () => {
    const spread = [1e-9, 1e-3, 1, 1e4, 1e7].map((scale, i) => ({
      ...entry,
      batchSize: 10 ** i,
      totalTokens: 10 ** i * entry.seqLength,
      lookupTimeMs: entry.lookupTimeMs * scale,
      p10Ms: entry.p10Ms * scale,
      p90Ms: entry.p90Ms * scale,
      tokensPerSecond: entry.tokensPerSecond / scale,
      bandwidthUtilization: entry.bandwidthUtilization / scale,
    }));
    const tables = [1, 1e3, 2 ** 32].map((vocabSize) => ({
      ...scaling,
      vocabSize,
      totalParameters: vocabSize * 64,
      memoryMb: (vocabSize * 256) / 2 ** 20,
      lookupTimeMs: vocabSize / 1e6,
    }));
    const [page] = draws({ lookup: byIndex(spread), memoryScaling: byIndex(tables) });
    expect(prose(page!)).toContain('274,877,906,944');
    expect(prose(page!)).toContain('1 TiB');
  });

  it('all tables unmeasured', () => {
    const page = draws({ memoryScaling: { a: { ...scaling, lookupTimeMs: null } } })[0]!;
    expect(page).not.toContain('id="lookup-time"');
    expect(cells(parsed(page), 'a')['Lookup']).toBe('not measured');
  });

  it('five hundred batch shapes', () => {
    const many = Array.from({ length: 500 }, (_, i) => ({
      ...entry,
      batchSize: i + 1,
      totalTokens: (i + 1) * 128,
    }));
    const page = parsed(draws({ lookup: byIndex(many) })[0]!);
    expect(all(page, 'tr').filter((row) => row.hasAttribute('data-key')).length).toBeGreaterThan(500);
    const heights = all(page, 'svg').map((svg) => Number(svg.getAttribute('height')));
    expect(Math.max(...heights)).toBeLessThan(1000);
  });

  it.each([
    [1, 1],
    [1, 2],
    [3, 7],
    [64, 64],
    [65, 65],
    [2 ** 32, 100_001],
  ])('an encoding of %i positions in %i columns', (seqLength, embeddingDim) => {
    draws({}, { positions: { batchSize: 16, seqLength, embeddingDim } });
    for (const svg of [
      encodingSVG({ seqLength, embeddingDim }),
      frequenciesSVG({ seqLength, embeddingDim }),
    ]) {
      expect(all(parsed(svg), 'svg')).toHaveLength(2);
      expect(svg).not.toMatch(/NaN|Infinity/);
    }
  });
});

describe('the heat map', () => {
  const cellsOf = (svg: string) =>
    all(parsed(svg), 'g')
      .filter((group) => group.getAttribute('aria-label') === 'rect')
      .flatMap((group) => {
        const fill = group.getAttribute('fill')!;
        const opacity = Number(group.getAttribute('fill-opacity') ?? 1);
        return group.children.map((rect) => ({
          fill,
          opacity,
          x: Number(rect.getAttribute('x')),
          y: Number(rect.getAttribute('y')),
          width: Number(rect.getAttribute('width')),
          height: Number(rect.getAttribute('height')),
        }));
      });

  it('shows sin(p w) and cos(p w) with an accuracy of 1/16', () => {
    const [seqLength, embeddingDim] = [32, 16];
    const grid = cellsOf(encodingSVG({ seqLength, embeddingDim }));
    const warm = grid.find(({ x, y }) => x > 55 && y < 30)!.fill; // position 0, dimension 1: cos 0 = 1
    const [left, top] = [Math.min(...grid.map(({ x }) => x)), Math.min(...grid.map(({ y }) => y))];
    const [width, height] = [306 / embeddingDim, 256 / seqLength];
    for (let position = 0; position < seqLength; position++) {
      for (let dimension = 0; dimension < embeddingDim; dimension++) {
        const angle = position * 10_000 ** (-(dimension - (dimension % 2)) / embeddingDim);
        const value = dimension % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
        const [x, y] = [left + (dimension + 0.5) * width, top + (position + 0.5) * height];
        const hits = grid.filter(
          (cell) => cell.x < x && x < cell.x + cell.width && cell.y < y && y < cell.y + cell.height,
        );
        const shown = hits.length === 0 ? 0 : hits[0]!.opacity * (hits[0]!.fill === warm ? 1 : -1);
        expect(Math.abs(shown - value), `position ${position}, dimension ${dimension}`).toBeLessThan(
          1 / 16 + 0.02,
        );
      }
    }
  });
});

describe('colors', () => {
  const css = toHTML(emptyReport());
  const [light, dark] = [...css.matchAll(/:root\{(?:color-scheme:[^;]*;)?([^}]*)\}/g)].map(
    ([, rules]) =>
      new Map([...rules!.matchAll(/--(\w+):(#\w{6})/g)].map(([, name, color]) => [name!, color!])),
  );

  const luminance = (color: string): number => {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const contrast = (a: string, b: string): number => {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high! + 0.05) / (low! + 0.05);
  };

  it.each([
    ['light', light],
    ['dark', dark],
  ])('have sufficient contrast on a %s surface', (_, palette) => {
    const surface = palette!.get('surface')!;
    for (const role of ['ink', 'muted', 'blue', 'orange', 'green', 'purple', 'red', 'teal']) {
      expect(contrast(palette!.get(role)!, surface), role).toBeGreaterThanOrEqual(4.5);
    }
  });

  it('are all replaceable: charts contain no others', () => {
    const known = new Set(light!.values());
    for (const [, svg] of documents(FOUR).slice(1)) {
      const used = [...svg.matchAll(/ (?:fill|stroke|color)="([^"]*)"/g)].map(([, color]) => color!);
      expect(used.filter((color) => color.startsWith('#') && !known.has(color))).toEqual([]);
      const named = used.filter((color) => !color.startsWith('#'));
      expect(named.filter((color) => color !== 'currentColor' && color !== 'none')).toEqual([]);
    }
  });
});

describe('arguments', () => {
  const results = { lookup: {}, memoryScaling: {}, positional: {} };
  const untyped = (draw: unknown) => draw as (argument?: unknown) => string;

  it.each([toHTML, toSVG].map((draw) => [draw.name, untyped(draw)] as const))(
    '%s rejects values that are not reports',
    (_, draw) => {
      for (const wrong of [
        undefined,
        null,
        5,
        'x',
        [],
        () => 0,
        { results, machine: 'x' },
        { results, table: 5 },
      ]) {
        expectError(() => draw(wrong), invalidOption(TypeError, 'report'));
      }
      for (const wrong of [
        undefined,
        null,
        'x',
        {},
        { ...results, lookup: [] },
        { ...results, positional: null },
      ]) {
        expectError(() => draw({ results: wrong }), invalidOption(TypeError, 'results'));
      }
      for (const part of ['lookup', 'memoryScaling', 'positional']) {
        expectError(
          () => draw({ results: { ...results, [part]: { a: 5 } } }),
          invalidOption(TypeError, 'results'),
        );
      }
    },
  );

  it.each(Object.entries(CHARTS))('%s rejects values that are not results', (_, draw) => {
    for (const wrong of [undefined, null, 5, { results }, []]) {
      expectError(() => untyped(draw)(wrong), invalidOption(TypeError, 'results'));
    }
  });

  it.each([
    ['encodingSVG', encodingSVG],
    ['frequenciesSVG', frequenciesSVG],
  ])('%s rejects invalid options', (_, draw) => {
    for (const option of ['seqLength', 'embeddingDim']) {
      for (const value of [0, -1, 0.5, Number.NaN])
        expectError(() => draw({ [option]: value }), invalidOption(RangeError, option));
      expectError(() => untyped(draw)({ [option]: '1' }), invalidOption(TypeError, option));
    }
    expectError(() => untyped(draw)({ dim: 4 }), invalidOption(TypeError, 'dim'));
    expectError(() => untyped(draw)(null), invalidOption(TypeError, 'options'));
    expect(draw()).toBe(draw({ seqLength: 100, embeddingDim: 256 }));
  });
});

describe('an EmbeddingProfiler', () => {
  it('draws its results', () => {
    const profiler = new EmbeddingProfiler({ minTimeMs: 1, warmupMs: 0 });
    const embedding = new Embedding({ vocabSize: 100, embeddingDim: 8, seed: 1 });
    profiler.measureLookupPerformance({ embedding, batchSizes: [1, 3], seqLengths: [5] });
    profiler.measureLookupPerformance({
      embedding,
      batchSizes: [1, 3],
      seqLengths: [5],
      pattern: 'repeated',
    });
    profiler.analyzeMemoryScaling({ vocabSizes: [10, 1_000_000], embeddingDims: [4], maxTableMb: 1 });
    profiler.comparePositionalEncodings({ seqLength: 6, embeddingDim: 4 });
    const { lookup, memoryScaling } = profiler.results;
    const page = parsed(profiler.toHTML());
    for (const [key, entry] of Object.entries(lookup)) {
      expectFigure(cells(page, key)['Tokens/s'], entry.tokensPerSecond);
    }
    for (const key of Object.keys(memoryScaling)) cells(page, key);
    expect(cells(page, 'vocab_1000000_dim_4')['Lookup']).toBe('not measured');
    expect(profiler.toHTML()).toContain('id="access-patterns"');
    expect(profiler.toHTML()).toContain('id="encoding"');
    expect(all(parsed(profiler.toSVG()), 'svg').length).toBeGreaterThan(8);
    for (const draw of Object.values(CHARTS))
      expect(all(parsed(draw(profiler.results)), 'svg').length).toBeGreaterThan(1);
    embedding.dispose();
  });

  it('without results says so', () => {
    const profiler = new EmbeddingProfiler();
    expect(prose(profiler.toHTML())).toContain('Nothing was measured.');
    expect(prose(profiler.toSVG())).toContain('nothing was measured');
  });
});
