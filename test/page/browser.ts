/**
 * The page in a real Chromium: its static folder behind a plain server that sends the strict policy, opened under a
 * path of its own, with everything written down that a visitor's browser would complain of.
 */

import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright';
import { afterAll, beforeAll, expect, inject, onTestFinished } from 'vitest';
import { findChromium } from '../../scripts/lib/chromium.mjs';
import { serveFolder } from '../../scripts/lib/static-server.mjs';

/** Not the root of its server: a page that only works there works in few places. */
const BASE = '/some/folder/';

let browser: Browser;
let server: Awaited<ReturnType<typeof serveFolder>>;

beforeAll(async () => {
  server = await serveFolder(inject('pageFolder'), { base: BASE });
  browser = await chromium.launch({
    executablePath: findChromium() ?? 'chromium-not-found',
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  });
});

afterAll(async () => {
  await browser.close();
  await server.close();
});

export interface Visit {
  readonly page: Page;
  readonly url: string;
  /** Errors and warnings on the console, uncaught errors, failed requests. */
  readonly complaints: string[];
  /** Addresses that were asked for. */
  readonly requests: string[];
  /** What the policy stopped, as `directive: what`. */
  violations(): Promise<readonly string[]>;
}

/** A visit to the page, with the first text embedded; closed when the test ends. */
export async function visit(options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext(options);
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on('request', (request) => requests.push(request.url()));
  await page.addInitScript(watch);
  await page.goto(server.url);
  await settled(page);
  const violations = () => page.evaluate(() => watched.violations);
  return { page, url: server.url, complaints, requests, violations };
}

/** Nothing that a visitor's browser would complain of, and nothing from elsewhere. */
export async function expectNoComplaint({ url, complaints, requests, violations }: Visit): Promise<void> {
  expect(complaints).toEqual([]);
  expect(await violations()).toEqual([]);
  expect(requests.filter((request) => !request.startsWith(url) && !request.startsWith('blob:'))).toEqual([]);
}

/** Replaces a field's text by pasting, as people do with long texts. */
export async function paste(page: Page, field: Locator, text: string): Promise<void> {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.evaluate((clip) => navigator.clipboard.writeText(clip), text);
  await field.focus();
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.press('ControlOrMeta+V');
}

/** The digest that the page shows, once everything that was asked for is there. */
export async function settled(page: Page): Promise<string> {
  await page.locator('main[aria-busy=false]').waitFor();
  return page.locator('#digest').innerText();
}

/** What happens in the page meanwhile; see `watch`. */
declare const watched: {
  violations: string[];
  /** The longest time in ms for which the main thread could not answer: long tasks, and gaps between timers. */
  longest: number;
  /** The sum of layout shifts that no input explains. */
  shift: number;
};

/** Runs in the page before its own scripts. */
function watch(): void {
  const seen: typeof watched = { violations: [], longest: 0, shift: 0 };
  Object.assign(globalThis, { watched: seen });
  addEventListener('securitypolicyviolation', (event) => {
    seen.violations.push(`${event.effectiveDirective}: ${event.blockedURI}`);
  });
  const took = (ms: number) => (seen.longest = Math.max(seen.longest, ms));
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) took(duration);
  }).observe({ type: 'longtask', buffered: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as (PerformanceEntry & {
      value: number;
      hadRecentInput: boolean;
    })[]) {
      if (!entry.hadRecentInput) seen.shift += entry.value;
    }
  }).observe({ type: 'layout-shift', buffered: true });
  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    took(now - last);
    last = now;
  }, 4);
}

/** The longest stall so far, in ms; the count begins anew. */
export async function longestStall(page: Page): Promise<number> {
  // One frame more, so that the observer has been told of all.
  return page.evaluate(async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { longest } = watched;
    watched.longest = 0;
    return longest;
  });
}

export const layoutShift = (page: Page): Promise<number> => page.evaluate(() => watched.shift);
