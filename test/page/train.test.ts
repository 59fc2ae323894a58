/**
 * The tab "Train": the loss falls and nearest words change while the page stays responsive; a run that was stopped, and
 * interrupted by a reload, ends with the words of one that ran in Node without a stop.
 */

import type { Page } from 'playwright';
import { describe, expect, test } from 'vitest';
import { plan, shownWords } from '../../examples/word2vec/plan.js';
import { SkipGram } from '../../examples/word2vec/skip-gram.js';
import { topicText } from '../../examples/word2vec/topics.js';
import { expectNoErrors, longestStall, visit } from './browser.js';
import { nearWords, openTrain, press, progress, started, status, trained } from './train.js';

/** Some seconds of training. */
const TEXT = topicText(7).slice(0, 60_000);
/** More, so that a run can be stopped on a fast machine, too. */
const LONG_TEXT = topicText(7).slice(0, 160_000);
const text = (page: Page) => page.getByRole('textbox', { name: 'Text to train on' });

/** The words of a whole run in Node, as the page shows them. */
function wordsInNode(): [word: string, near: string][] {
  const { corpus, settings } = plan(LONG_TEXT);
  const run = new SkipGram(corpus, settings);
  while (run.step() !== null);
  const near = (id: number) =>
    run
      .nearest(id, 5)
      .map(({ word, score }) => `${word} ${score.toFixed(2)}`)
      .join(', ');
  const words = shownWords(corpus, 8).map((id): [string, string] => [corpus.words[id]!, near(id)]);
  run.dispose();
  return words;
}

test('a run is stopped, resumed after a reload, and ends as in Node; nothing stalls', async () => {
  const visited = await visit();
  const { page } = visited;
  await openTrain(page);
  expect(await nearWords(page)).toEqual(Array.from({ length: 9 }, () => ['–', '']));
  await text(page).fill(LONG_TEXT);
  await longestStall(page);

  const start = performance.now();
  await press(page, 'Train');
  await expect.poll(() => progress(page)).toBeGreaterThan(0.05);
  const early = await nearWords(page);
  expect(await text(page).getAttribute('readonly')).not.toBeNull();
  await expect.poll(() => progress(page)).toBeGreaterThan(0.2);
  await press(page, 'Stop');
  await expect.poll(() => status(page)).toMatch(/^Stopped at \d+ %\./);
  const took = performance.now() - start;
  const stall = await longestStall(page);
  expect(stall, `the longest stall of ${took} ms`).toBeLessThan(took / 3);
  const stopped = { progress: await progress(page), words: await nearWords(page) };
  expect(stopped.progress).toBeLessThan(1);
  expect(stopped.words).not.toEqual(early);
  const curve = page.locator('#losses');
  const [, first, last] = /from ([\d.]+) to ([\d.]+)/.exec((await curve.getAttribute('aria-label'))!)!;
  expect(Number(last)).toBeLessThan(Number(first));

  await page.reload();
  await started(page);
  expect(await text(page).inputValue()).toBe(LONG_TEXT);
  expect({ progress: await progress(page), words: await nearWords(page) }).toEqual(stopped);
  expect(await curve.getAttribute('aria-label')).toContain(`from ${first} to ${last}`);
  await press(page, 'Resume');
  await trained(page);
  expect((await nearWords(page)).slice(1)).toEqual(wordsInNode());
  expect(await page.locator('#train-action').isDisabled()).toBe(true);
  await expectNoErrors(visited);
});

test('a page that is closed while it trains goes on from the last figures that were kept', async () => {
  const { page } = await visit();
  await openTrain(page);
  await press(page, 'Train'); // our text
  await expect
    .poll(() => page.locator('#run-kept').textContent())
    .toBe('Kept in this browser: text, vectors and the state of the optimizer.');
  await page.reload();
  await started(page);
  expect(await progress(page)).toBeGreaterThan(0);
  const before = await progress(page);
  await press(page, 'Resume');
  await expect.poll(() => progress(page)).toBeGreaterThan(before);
});

describe('what a user may do', () => {
  test('ask for a word of the text', async () => {
    const { page } = await visit();
    await openTrain(page);
    await text(page).fill(TEXT);
    await press(page, 'Train');
    await expect.poll(() => progress(page)).toBeGreaterThan(0.1);
    const field = page.getByRole('textbox', { name: 'A word of the text' });
    await field.fill(' Common1 ');
    await expect
      .poll(async () => (await nearWords(page))[0])
      .toEqual(['common1', expect.stringMatching(/^\S+ 0\.\d\d, /)]);
    await field.fill('zebra');
    await expect
      .poll(async () => (await nearWords(page))[0])
      .toEqual(['zebra', 'not in the text, or too rarely']);
  });

  test('choose another text, which starts anew; a text that is too short is refused', async () => {
    const { page } = await visit();
    await openTrain(page);
    await text(page).fill(TEXT);
    await press(page, 'Train');
    await trained(page);
    await text(page).fill('one two three');
    await press(page, 'Train');
    await expect.poll(() => status(page)).toBe('Error: The text needs more words that occur 2 times');
    await text(page).fill(TEXT); // the run before is still there
    expect(await page.locator('#train-action').isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Start over' }).click();
    await expect.poll(() => progress(page)).toBeLessThan(0.5);
  });

  test('remove what is kept', async () => {
    const { page } = await visit();
    await openTrain(page);
    await text(page).fill(TEXT);
    await press(page, 'Train');
    await expect.poll(() => progress(page)).toBeGreaterThan(0.05);
    await press(page, 'Stop');
    const remove = page.getByRole('button', { name: 'Remove' });
    await remove.click();
    await expect.poll(() => page.locator('#run-kept').textContent()).toBe('Nothing is kept yet.');
    expect(await remove.isDisabled()).toBe(true);
    await page.reload();
    await started(page);
    expect(await progress(page)).toBe(0);
    expect(await text(page).inputValue()).not.toBe(TEXT);
    await page.getByRole('button', { name: 'Train', exact: true }).waitFor();
  });
});

test('a browser without room keeps nothing: the page says so, and the training ends all the same', async () => {
  const { page, url } = await visit();
  const session = await page.context().newCDPSession(page);
  const { origin } = new URL(url);
  await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 20_000 });
  await openTrain(page);
  await text(page).fill(TEXT);
  await press(page, 'Train');
  await trained(page);
  expect(await page.locator('#run-kept').textContent()).toMatch(
    /^This browser keeps nothing: QuotaExceededError/,
  );
  expect(await page.getByRole('button', { name: 'Remove' }).isDisabled()).toBe(true);
});

test.each([320, 360])('%i px: the tab does not scroll horizontally', async (width) => {
  const { page } = await visit({ viewport: { width, height: 800 } });
  const scroll = () => page.evaluate(() => document.documentElement.scrollWidth);
  await openTrain(page);
  expect(await scroll()).toBeLessThanOrEqual(width);
  const long = 'a'.repeat(300);
  await text(page).fill(`${long} ${long} other. `.repeat(200));
  await press(page, 'Train');
  await trained(page);
  expect(await page.locator('#near-words').textContent()).toContain(long);
  expect(await scroll()).toBeLessThanOrEqual(width);
});
