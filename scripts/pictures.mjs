/**
 * Takes the screenshots of the documents: docs/pictures/.
 *
 *   npm run pictures                     all
 *   npm run pictures -- page-dark.png    some
 *
 * They are committed to the repository, so each is at most 150 kB. Retake and review them after visual changes.
 */

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright';
import { buildPage } from './build-page.mjs';
import { ensureChromium } from './lib/chromium.mjs';
import { asProgram } from './lib/main.mjs';
import { count, say } from './lib/progress.mjs';
import { must, root } from './lib/run.mjs';
import { writeWhole } from './lib/stamp.mjs';
import { serveFolder } from './lib/static-server.mjs';
import { setUp } from './setup.mjs';

const FOLDER = 'docs/pictures';
const MAX_BYTES = 150_000;
const PROGRAM = path.join(root, 'dist/cli.js');
const WINDOW = { width: 1120, height: 1080 };
const SMALL = { width: 1120, height: 820 };
const PHONE = { viewport: { width: 360, height: 800 }, deviceScaleFactor: 1.5, isMobile: true };

/**
 * @typedef {object} Picture
 * @property {string} file
 * @property {string} what
 * @property {(browser: import('playwright').Browser) => Promise<Buffer>} take
 */

/** @type {readonly Picture[]} */
const PICTURES = [
  { file: 'page-light.png', what: 'the page, light', take: page({ colorScheme: 'light' }) },
  { file: 'page-dark.png', what: 'the page, dark', take: page({ colorScheme: 'dark' }) },
  {
    file: 'page-phone.png',
    what: 'the page on a phone',
    take: page(PHONE, '#text-form'),
  },
  {
    file: 'search-light.png',
    what: 'the search, light',
    take: page({ colorScheme: 'light', viewport: SMALL }, 'main', search),
  },
  {
    file: 'search-dark.png',
    what: 'the search, dark',
    take: page({ colorScheme: 'dark', viewport: SMALL }, 'main', search),
  },
  { file: 'search-phone.png', what: 'the search on a phone', take: page(PHONE, '#search-form', search) },
  {
    file: 'train-light.png',
    what: 'the training, light',
    take: page({ colorScheme: 'light', viewport: SMALL }, 'main', train),
  },
  {
    file: 'train-dark.png',
    what: 'the training, dark',
    take: page({ colorScheme: 'dark', viewport: SMALL }, 'main', train),
  },
  { file: 'train-phone.png', what: 'the training on a phone', take: page(PHONE, '#losses', train) },
  { file: 'report.png', what: 'a report of the profiler, measured now', take: report },
  { file: 'terminal.png', what: 'tokenbed bench in a terminal', take: terminal('bench --tokens 64,4096') },
  {
    file: 'search.png',
    what: 'tokenbed search in a terminal',
    take: terminal(
      "search --model models/minilm-static --query 'speed on several cores' -k 5 README.md docs/threads.md",
      1240,
    ),
  },
];

/** The first window of a report. @type {Picture['take']} */
async function report(browser) {
  const sizes = ['--batch-sizes', '1,8,32', '--seq-lengths', '16,128,512', '--pattern', 'uniform,zipf'];
  const folder = await mkdtemp(path.join(tmpdir(), 'tokenbed-pictures-'));
  try {
    const file = path.join(folder, 'report.html');
    await must(process.execPath, [PROGRAM, 'profile', ...sizes, '--html', file]);
    return await windowOn(browser, pathToFileURL(file).href, { width: 1000, height: 1120 });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The output of a command in a terminal. @param {string} line @param {number} [width] @returns {Picture['take']} */
function terminal(line, width = 1000) {
  return async (browser) => {
    const args = Array.from(line.matchAll(/'([^']*)'|\S+/g), ([word, quoted]) => quoted ?? word);
    const { stdout } = await must(process.execPath, [PROGRAM, ...args]);
    const text = `$ npx tokenbed ${line}\n${stdout}`.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
    const style = 'margin:0;padding:20px;background:#16181d;color:#e6e6e6;font:14px/1.45 monospace';
    const html = `<!doctype html><meta charset="utf-8"><body style="margin:0;background:#16181d"><pre style="${style}">${text}</pre>`;
    const height = 40 + Math.ceil(21 * text.split('\n').length);
    const url = `data:text/html;charset=utf-8,${encodeURIComponent(html)}`;
    return windowOn(browser, url, { width, height });
  };
}

/** @param {import('playwright').Browser} browser @param {string} url @param {{ width: number, height: number }} viewport */
async function windowOn(browser, url, viewport) {
  const context = await browser.newContext({ viewport, colorScheme: 'light' });
  try {
    const visit = await context.newPage();
    await visit.goto(url);
    return await visit.screenshot();
  } finally {
    await context.close();
  }
}

/** Searches in the tab "Search". @param {import('playwright').Page} visit */
async function search(visit) {
  await visit.evaluate(() => void (location.hash = 'search')); // a click would leave the pointer on the tab
  await visit.getByText('texts/s').waitFor();
  await visit.getByRole('combobox', { name: 'Query' }).pressSequentially('foliage colours');
  await visit.getByRole('option').first().waitFor();
  await visit.getByText('Kept in this browser').waitFor();
}

/** Trains in the tab "Train", and stops. @param {import('playwright').Page} visit */
async function train(visit) {
  await visit.evaluate(() => void (location.hash = 'train'));
  await visit.getByRole('button', { name: 'Train', exact: true }).click();
  await visit.waitForFunction(
    () => /** @type {HTMLProgressElement} */ (document.querySelector('#train-progress')).value > 0.6,
  );
  await visit.getByRole('textbox', { name: 'A word of the text' }).fill('gradient');
  await visit.getByRole('button', { name: 'Stop' }).click();
  await visit.getByText('Stopped at').waitFor();
  await visit.mouse.move(0, 0); // not on a tab
}

/**
 * A screenshot of the page, scrolled to an element, after `prepare`.
 *
 * @param {import('playwright').BrowserContextOptions} look @param {string} [from]
 * @param {(visit: import('playwright').Page) => Promise<void>} [prepare]
 * @returns {Picture['take']}
 */
function page(look, from = 'html', prepare = async () => {}) {
  return async (browser) => {
    const { url, close } = await serveFolder(await buildPage());
    const context = await browser.newContext({ viewport: WINDOW, ...look });
    try {
      const visit = await context.newPage();
      await visit.goto(url);
      await visit.locator('main[aria-busy=false]').waitFor();
      await prepare(visit);
      await visit.locator(from).evaluate((element) => element.scrollIntoView());
      await visit.evaluate(() => new Promise(requestAnimationFrame)); // until the maps are drawn
      return await visit.screenshot();
    } finally {
      await context.close();
      await close();
    }
  };
}

async function pictures() {
  const requested = process.argv.slice(2);
  const unknown = requested.find((name) => !PICTURES.some(({ file }) => file === name));
  if (unknown !== undefined) {
    throw new Error(`unknown picture ${unknown}: ${PICTURES.map(({ file }) => file).join(' ')}`);
  }
  await setUp({ browser: true });
  await mkdir(path.join(root, FOLDER), { recursive: true });
  const browser = await chromium.launch({
    executablePath: await ensureChromium(),
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  });
  try {
    for (const { file, what, take } of PICTURES) {
      if (requested.length > 0 && !requested.includes(file)) continue;
      const png = await take(browser);
      if (png.length > MAX_BYTES)
        throw new Error(`${file} has ${count(png.length)} bytes, above ${count(MAX_BYTES)}`);
      await writeWhole(path.join(root, FOLDER, file), png);
      say(`${FOLDER}/${file}: ${what}, ${count(png.length)} bytes`);
    }
  } finally {
    await browser.close();
  }
}

await asProgram(import.meta.url, pictures);
