/**
 * The page in Chromium, from a static server that sends the strict policy, under a path other than the root. Records all
 * errors and warnings of the browser.
 */

import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright';
import { afterAll, beforeAll, expect, inject, onTestFinished } from 'vitest';
import { findChromium } from '../../scripts/lib/chromium.mjs';
import { serveFolder } from '../../scripts/lib/static-server.mjs';

/** A path other than the root, so that absolute paths in the page would fail. */
export const BASE = '/some/folder/';

/** A name of this machine that browsers do not trust as they trust 127.0.0.1. */
export const PLAIN_HOST = 'plain.test';

let browser: Browser;
let server: Awaited<ReturnType<typeof serveFolder>>;

beforeAll(async () => {
  server = await serveFolder(inject('pageFolder'), { base: BASE });
  browser = await chromium.launch({
    executablePath: findChromium() ?? 'chromium-not-found',
    args: [
      '--no-sandbox',
      '--disable-dev-shm-usage',
      '--disable-gpu',
      `--host-resolver-rules=MAP ${PLAIN_HOST} 127.0.0.1`,
    ],
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
  readonly errors: string[];
  /** All requested URLs. */
  readonly requests: string[];
  /** Violations of the policy, as `directive: URL`. */
  violations(): Promise<readonly string[]>;
}

/** Opens the page, at `url` if another server has it, and waits until the initial text is embedded. Closed when the test ends. */
export async function visit(options: BrowserContextOptions = {}, url = server.url): Promise<Visit> {
  const context = await browser.newContext(options);
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const errors: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('requestfailed', (request) => errors.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on('request', (request) => requests.push(request.url()));
  await page.addInitScript(watch);
  await page.goto(url);
  await settled(page);
  const violations = () => page.evaluate(() => watched.violations);
  return { page, url, errors, requests, violations };
}

/** Expects no errors, no warnings, no violations and no requests to other origins. */
export async function expectNoErrors({ url, errors, requests, violations }: Visit): Promise<void> {
  expect(errors).toEqual([]);
  expect(await violations()).toEqual([]);
  expect(requests.filter((request) => !request.startsWith(url) && !request.startsWith('blob:'))).toEqual([]);
}

/** Replaces a field's text by pasting. */
export async function paste(page: Page, field: Locator, text: string): Promise<void> {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.evaluate((clip) => navigator.clipboard.writeText(clip), text);
  await field.focus();
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.press('ControlOrMeta+V');
}

/** Waits until the page is idle and returns its digest. */
export async function settled(page: Page): Promise<string> {
  await page.locator('main[aria-busy=false]').waitFor();
  return page.locator('#digest').innerText();
}

/** The observations of `watch` in the page. */
declare const watched: {
  violations: string[];
  /** The longest block of the main thread in ms: long tasks, and gaps between timers. */
  longest: number;
  /** The sum of layout shifts without recent input. */
  shift: number;
};

/** Runs in the page before its scripts. */
function watch(): void {
  const observed: typeof watched = { violations: [], longest: 0, shift: 0 };
  Object.assign(globalThis, { watched: observed });
  addEventListener('securitypolicyviolation', (event) => {
    observed.violations.push(`${event.effectiveDirective}: ${event.blockedURI}`);
  });
  const took = (ms: number) => (observed.longest = Math.max(observed.longest, ms));
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) took(duration);
  }).observe({ type: 'longtask', buffered: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as (PerformanceEntry & {
      value: number;
      hadRecentInput: boolean;
    })[]) {
      if (!entry.hadRecentInput) observed.shift += entry.value;
    }
  }).observe({ type: 'layout-shift', buffered: true });
  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    took(now - last);
    last = now;
  }, 4);
}

/** Returns the longest stall so far in ms, and resets it. */
export async function longestStall(page: Page): Promise<number> {
  // Wait until the observers have been notified.
  return page.evaluate(async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { longest } = watched;
    watched.longest = 0;
    return longest;
  });
}

export const layoutShift = (page: Page): Promise<number> => page.evaluate(() => watched.shift);
