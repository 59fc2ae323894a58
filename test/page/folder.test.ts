/** The static folder: whole in itself, under a strict policy, without cross-origin isolation, from any path. */

import { readdir } from 'node:fs/promises';
import { expect, inject, test } from 'vitest';
import { policyOf } from '../../scripts/lib/static-server.mjs';
import { expectNoComplaint, layoutShift, settled, visit } from './browser.js';

test('asks for nothing outside itself, and nothing complains', async () => {
  const seen = await visit();
  await expectNoComplaint(seen);
  const asked = seen.requests.map((request) => request.slice(seen.url.length).replace(/-[\w-]{8}\./, '.'));
  expect(asked.sort()).toEqual(
    [
      '',
      'assets/core.wasm',
      'assets/icon.svg',
      'assets/index.css',
      'assets/index.js',
      'assets/worker.js',
    ].filter(
      (name) => name !== 'assets/icon.svg' || asked.includes(name), // headless browsers show no icon
    ),
  );
});

test('needs no cross-origin isolation', async () => {
  const { page } = await visit();
  expect(await page.evaluate(() => self.crossOriginIsolated)).toBe(false);
  expect(await settled(page)).toMatch(/^[0-9a-f]{64}$/);
});

test("lives under a policy with 'wasm-unsafe-eval' and nothing else unsafe", async () => {
  const policy = await policyOf(inject('pageFolder'));
  expect(policy).toContain("default-src 'none'");
  expect(policy.match(/'unsafe-[\w-]+'|'wasm-unsafe-eval'/g)).toEqual(["'wasm-unsafe-eval'"]);
  expect(policy.match(/https?:|\*/g)).toBeNull();
});

test('a script, a style or an address that the policy forbids is stopped, and noticed', async () => {
  const seen = await visit();
  const { page } = seen;
  await page.evaluate(async () => {
    document.body.setAttribute('style', 'color: red');
    const script = document.createElement('script');
    script.textContent = 'globalThis.ran = true;';
    document.body.append(script);
    await fetch('https://example.invalid/').catch(() => {});
  });
  expect(await page.evaluate(() => 'ran' in globalThis)).toBe(false);
  // By two policies: the page's own and the server's.
  const directives = new Set((await seen.violations()).map((violation) => violation.split(':')[0]));
  expect([...directives].sort()).toEqual(['connect-src', 'script-src-elem', 'style-src-attr']);
  await expect(expectNoComplaint(seen)).rejects.toThrow();
});

test.each([1280, 360])('nothing moves when the Worker answers, %i px wide', async (width) => {
  const { page } = await visit({ viewport: { width, height: 800 } });
  expect(await layoutShift(page)).toBeLessThan(0.001);
  await page.evaluate(() => document.querySelector('main')!.prepend(document.createElement('textarea')));
  await expect.poll(() => layoutShift(page)).toBeGreaterThan(0.001); // so it would have been seen
});

test('holds what is needed and no maps of sources', async () => {
  const files = await readdir(inject('pageFolder'), { recursive: true });
  expect(files.filter((file) => file.endsWith('.map'))).toEqual([]);
  expect(files.filter((file) => file.endsWith('.wasm'))).toHaveLength(1);
});
