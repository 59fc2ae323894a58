/**
 * The pictures of the documents, each taken of what it shows: docs/pictures/.
 *
 *   npm run pictures                     all of them
 *   npm run pictures -- page-dark.png    some
 *
 * They are kept in the repository, so each is at most 150 kB. Whoever changes what they show takes them anew, and looks.
 */

import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { chromium } from 'playwright';
import { buildPage } from './build-page.mjs';
import { ensureChromium } from './lib/chromium.mjs';
import { asProgram } from './lib/main.mjs';
import { count, say } from './lib/progress.mjs';
import { root } from './lib/run.mjs';
import { writeWhole } from './lib/stamp.mjs';
import { serveFolder } from './lib/static-server.mjs';
import { setUp } from './setup.mjs';

const FOLDER = 'docs/pictures';
const LARGEST = 150_000;
const WINDOW = { width: 1120, height: 1120 };

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
    take: page(
      { viewport: { width: 360, height: 800 }, deviceScaleFactor: 1.5, isMobile: true },
      '#text-form',
    ),
  },
];

/**
 * What a window shows of the page, from an element on.
 *
 * @param {import('playwright').BrowserContextOptions} look @param {string} [from]
 * @returns {Picture['take']}
 */
function page(look, from = 'html') {
  return async (browser) => {
    const { url, close } = await serveFolder(await buildPage());
    const context = await browser.newContext({ viewport: WINDOW, ...look });
    try {
      const visit = await context.newPage();
      await visit.goto(url);
      await visit.locator('main[aria-busy=false]').waitFor();
      await visit.locator(from).evaluate((element) => element.scrollIntoView());
      await visit.evaluate(() => new Promise(requestAnimationFrame)); // the maps are drawn by then
      return await visit.screenshot();
    } finally {
      await context.close();
      await close();
    }
  };
}

async function pictures() {
  const asked = process.argv.slice(2);
  const unknown = asked.find((name) => !PICTURES.some(({ file }) => file === name));
  if (unknown !== undefined) {
    throw new Error(`no picture is called ${unknown}: ${PICTURES.map(({ file }) => file).join(' ')}`);
  }
  await setUp({ browser: true });
  await mkdir(path.join(root, FOLDER), { recursive: true });
  const browser = await chromium.launch({
    executablePath: await ensureChromium(),
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  });
  try {
    for (const { file, what, take } of PICTURES) {
      if (asked.length > 0 && !asked.includes(file)) continue;
      const png = await take(browser);
      if (png.length > LARGEST)
        throw new Error(`${file} has ${count(png.length)} bytes, above ${count(LARGEST)}`);
      await writeWhole(path.join(root, FOLDER, file), png);
      say(`${FOLDER}/${file}: ${what}, ${count(png.length)} bytes`);
    }
  } finally {
    await browser.close();
  }
}

await asProgram(import.meta.url, pictures);
