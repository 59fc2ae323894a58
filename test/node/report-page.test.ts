/** Reports in Chromium: light and dark, on a phone, in print, and drawn in a page. */

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { type Browser, chromium, type Page } from 'playwright';
import type { AccessPattern } from 'tokenbed';
import type * as drawn from 'tokenbed/report';
import { toHTML, toSVG } from 'tokenbed/report';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureChromium } from '../../scripts/lib/chromium.mjs';
import { root } from '../helpers/children.js';
import { emptyReport, profilerReport } from '../helpers/profiler-report.js';

const PATTERNS: readonly AccessPattern[] = ['uniform', 'zipf', 'sequential', 'repeated'];
const REPORTS = { one: profilerReport(), four: profilerReport(PATTERNS), nothing: emptyReport() };
type Name = keyof typeof REPORTS;

let browser: Browser;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tokenbed-report-'));
  for (const [name, report] of Object.entries(REPORTS)) {
    writeFileSync(path.join(folder, `${name}.html`), toHTML(report));
    writeFileSync(path.join(folder, `${name}.svg`), toSVG(report));
  }
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'];
  browser = await chromium.launch({ executablePath: await ensureChromium(), args });
}, 60_000);

afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true });
});

/** Opens a file and runs `look` in it. Expects no requests and no console output. */
async function open<T>(
  file: string,
  options: { readonly width?: number; readonly scheme?: 'light' | 'dark'; readonly print?: boolean },
  look: (page: Page) => Promise<T>,
): Promise<T> {
  const { width = 1200, scheme = 'light', print = false } = options;
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme });
  const page = await context.newPage();
  const url = pathToFileURL(path.join(folder, file)).href;
  const unwanted: string[] = [];
  page.on('console', (message) => unwanted.push(message.text()));
  page.on('pageerror', (error) => unwanted.push(error.message));
  page.on('request', (request) => request.url() !== url && unwanted.push(request.url()));
  try {
    await page.goto(url);
    if (print) await page.emulateMedia({ media: 'print' });
    const seen = await look(page);
    expect(unwanted).toEqual([]);
    return seen;
  } finally {
    await context.close();
  }
}

/** The colors of the surface, of text, and of the first point of a chart. */
const colors = (page: Page) =>
  page.evaluate(() => {
    const circle = document.querySelector('svg circle')!;
    const tick = document.querySelector('svg [aria-label="y-axis tick label"] text')!;
    return {
      surface: getComputedStyle(document.body).backgroundColor,
      ink: getComputedStyle(document.body).color,
      point: getComputedStyle(circle.getAttribute('fill') === null ? circle.parentElement! : circle).fill,
      tick: getComputedStyle(tick).fill,
    };
  });

const LIGHT = {
  surface: 'rgb(255, 255, 255)',
  ink: 'rgb(27, 32, 39)',
  point: 'rgb(26, 102, 194)',
  tick: 'rgb(90, 100, 114)',
};
const DARK = {
  surface: 'rgb(18, 22, 28)',
  ink: 'rgb(228, 232, 238)',
  point: 'rgb(108, 176, 248)',
  tick: 'rgb(152, 163, 179)',
};

describe('the page', () => {
  it('follows the preferred color scheme, including charts, and prints in light colors', async () => {
    expect(await open('four.html', { scheme: 'light' }, colors)).toEqual(LIGHT);
    expect(await open('four.html', { scheme: 'dark' }, colors)).toEqual(DARK);
    expect(await open('four.html', { scheme: 'dark', print: true }, colors)).toEqual(LIGHT);
  });

  it.each(['one', 'four', 'nothing'] satisfies Name[])('of %s fits any width', async (name) => {
    await open(`${name}.html`, {}, async (page) => {
      for (const width of [1600, 1057, 1056, 900, 769, 768, 641, 640, 480, 360, 320]) {
        await page.setViewportSize({ width, height: 900 });
        const beyond = await page.evaluate(() =>
          [...document.querySelectorAll('body *')]
            .filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5)
            .map((element) => `${element.tagName} ${element.textContent?.trim().slice(0, 40)}`),
        );
        expect(beyond, `${width} px`).toEqual([]);
        const { scroll, client } = await page.evaluate(() => ({
          scroll: document.documentElement.scrollWidth,
          client: document.documentElement.clientWidth,
        }));
        expect(scroll, `${width} px`).toBeLessThanOrEqual(client);
      }
    });
  });

  it.each([1200, 360])('has no overlapping text at %i px', async (width) => {
    const upon = await open('four.html', { width }, (page) =>
      page.evaluate(() =>
        [...document.querySelectorAll('svg')].flatMap((svg) => {
          const boxes = [...svg.querySelectorAll('text')].map((text) => ({
            words: text.textContent!,
            box: text.getBoundingClientRect(),
          }));
          return boxes.flatMap((a, i) =>
            boxes
              .slice(i + 1)
              .filter(
                (b) =>
                  Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left) > 1 &&
                  Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top) > 2,
              )
              .map((b) => `${svg.getAttribute('aria-label')}: ${a.words} | ${b.words}`),
          );
        }),
      ),
    );
    expect(upon).toEqual([]);
  });

  it('has readable font sizes on a phone', async () => {
    const smallest = await open('four.html', { width: 360 }, (page) =>
      page.evaluate(() =>
        Math.min(
          ...[...document.querySelectorAll('svg text')].map((text) => {
            const svg = text.closest('svg')!;
            const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
            return Number.parseFloat(getComputedStyle(text).fontSize) * scale;
          }),
        ),
      ),
    );
    expect(smallest).toBeGreaterThan(9.5);
  });

  it('has labels for charts and roles for tables', async () => {
    for (const width of [1200, 360]) {
      const result = await open('four.html', { width }, async (page) => ({
        charts: await page.locator('svg').count(),
        described: await page.getByRole('img', { name: /\d/ }).count(),
        tables: await page.getByRole('table').count(),
        rows: await page.getByRole('row').count(),
        headings: await page.getByRole('heading', { level: 2 }).allTextContents(),
      }));
      expect(result.charts).toBeGreaterThan(15);
      expect(result.described).toBe(result.charts);
      expect(result.tables).toBe(6);
      expect(result.rows).toBeGreaterThan(60);
      expect(result.headings.map((text) => text.trim())).toEqual([
        'Lookups',
        'Memory',
        'Positions',
        'Machine and method',
      ]);
    }
  });

  it('prints on a few pages', async () => {
    const pages = await open('four.html', { print: true }, async (page) => {
      const pdf = await page.pdf({ format: 'A4', preferCSSPageSize: true });
      return pdf.toString('latin1').match(/\/Type \/Page\b/g)!.length;
    });
    expect(pages).toBeGreaterThan(3);
    expect(pages).toBeLessThan(10);
  });
});

describe('the SVG', () => {
  const background = (page: Page) =>
    page.evaluate(() => getComputedStyle(document.querySelector('rect')!).fill);

  it('follows the preferred color scheme', async () => {
    expect(await open('four.svg', { scheme: 'light' }, background)).toBe(LIGHT.surface);
    expect(await open('four.svg', { scheme: 'dark' }, background)).toBe(DARK.surface);
  });

  it.each(['one', 'four', 'nothing'] satisfies Name[])(
    'of %s has no text outside the drawing',
    async (name) => {
      const beyond = await open(`${name}.svg`, {}, (page) =>
        page.evaluate(() => {
          const svg = document.documentElement.getBoundingClientRect();
          return [...document.querySelectorAll('text')]
            .map((text) => ({ words: text.textContent, box: text.getBoundingClientRect() }))
            .filter(({ box }) => box.left < svg.left || box.right > svg.right || box.bottom > svg.bottom)
            .map(({ words }) => words);
        }),
      );
      expect(beyond).toEqual([]);
    },
  );
});

describe('drawing', () => {
  const ORIGIN = 'http://tokenbed.test';

  it('in a page gives the same text as in Node, with one import', async () => {
    const context = await browser.newContext();
    try {
      const page = await context.newPage();
      await page.route(`${ORIGIN}/**`, (route) => {
        const file = new URL(route.request().url()).pathname;
        if (file === '/') return route.fulfill({ contentType: 'text/html', body: PAGE });
        return route.fulfill({
          contentType: file.endsWith('.js') ? 'text/javascript' : 'application/octet-stream',
          body: readFileSync(path.join(root, file)),
        });
      });
      await page.goto(ORIGIN);
      await page.waitForFunction(() => 'drawing' in globalThis);
      const result = await page.evaluate((report) => {
        const { drawing } = globalThis as unknown as { drawing: typeof drawn };
        return [drawing.toHTML(report), drawing.toSVG(report)];
      }, REPORTS.four);
      expect(result).toEqual([toHTML(REPORTS.four), toSVG(REPORTS.four)]);
    } finally {
      await context.close();
    }
  });

  const PAGE = `<!DOCTYPE html>
    <script type="module">
      import * as drawing from '/dist/report/index.js';
      globalThis.drawing = drawing;
    </script>`;

  it.each([
    ['import', 'input-type=module', "import { EmbeddingProfiler } from 'tokenbed';"],
    ['require', 'input-type=commonjs', "const { EmbeddingProfiler } = require('tokenbed');"],
  ])('in Node needs no extra import and prints nothing: %s', async (_, type, head) => {
    const program = `${head}
      const profiler = new EmbeddingProfiler();
      console.log(profiler.toHTML().length, profiler.toSVG().length);`;
    const run = promisify(execFile);
    const { stdout, stderr } = await run(process.execPath, [`--${type}`, '--eval', program], { cwd: root });
    expect(stdout).toMatch(/^\d{4,} \d{4,}\n$/);
    expect(stderr).toBe('');
  });
});
