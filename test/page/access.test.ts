/** Accessibility: keyboard, screen readers, light and dark, narrow screens. */

import { describe, expect, test } from 'vitest';
import { violations } from './axe.js';
import { f32Table } from '../helpers/files.js';
import { settled, visit } from './browser.js';
import { ask, kept, openSearch, ready } from './search.js';
import { chooseFile, openTab, status } from './table.js';
import { openTrain, press, progress } from './train.js';

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  test('axe reports no violations, initially and with everything open', async () => {
    const { page } = await visit({ colorScheme });
    expect(await violations(page)).toEqual([]);
    await page.getByText('The same bits in Node').click();
    await page.getByLabel('Seed').fill('-1');
    await page.getByLabel('Text', { exact: true }).fill('long text '.repeat(500));
    await page.getByLabel('Characters').check();
    expect(await violations(page)).toEqual([]);
  });

  test('axe reports no violations in the tab of the table: empty, with an open file, with errors', async () => {
    const { page } = await visit({ colorScheme });
    await openTab(page);
    expect(await violations(page)).toEqual([]);
    await page.getByText('What is read').click();
    await page.getByText('How large').click();
    await page.getByRole('button', { name: 'Open the sample' }).click();
    await expect.poll(() => status(page)).toContain('is open.');
    expect(await violations(page)).toEqual([]);
    await chooseFile(page, Uint8Array.of(1, 2, 3));
    await expect.poll(() => status(page)).toContain('ERR_FORMAT');
    await page.getByRole('textbox', { name: 'Rows' }).fill('nobody');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('#query-status').textContent()).toContain('nobody');
    expect(await violations(page)).toEqual([]);
  });

  test('axe reports no violations in the tab of the search: loading, with hits, with an empty text', async () => {
    const { page } = await visit({ colorScheme });
    await openSearch(page);
    expect(await violations(page)).toEqual([]);
    await ready(page);
    await kept(page);
    await page.getByText('License of the model').click();
    await ask(page, 'spicy food');
    await page.keyboard.press('ArrowDown');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('textbox', { name: 'Text to search' }).fill('');
    await expect.poll(() => page.locator('#hits-message').textContent()).toContain('The text is empty');
    expect(await violations(page)).toEqual([]);
  });

  test('axe reports no violations in the tab of the training: at first, while it trains, stopped', async () => {
    const { page } = await visit({ colorScheme });
    await openTrain(page);
    expect(await violations(page)).toEqual([]);
    await press(page, 'Train');
    await expect.poll(() => progress(page)).toBeGreaterThan(0.02);
    expect(await violations(page)).toEqual([]);
    await press(page, 'Stop');
    await page.getByRole('button', { name: 'Resume' }).waitFor();
    expect(await violations(page)).toEqual([]);
  });

  test('the maps use the colors of the scheme', async () => {
    const { page } = await visit({ colorScheme });
    // The encoding begins with sin 0, the middle of the scale: bright in light mode, dark in dark mode.
    const brightness = () =>
      page.evaluate(() => {
        const canvas = document.querySelector<HTMLCanvasElement>('#encoding')!;
        const [r, g, b] = canvas.getContext('2d')!.getImageData(2, 1, 1, 1).data;
        return (r! + g! + b!) / 3;
      });
    const other = colorScheme === 'light' ? 'dark' : 'light';
    const expected = (scheme: string) => (scheme === 'light' ? [200, 255] : [0, 90]);
    await expect.poll(brightness).toBeGreaterThanOrEqual(expected(colorScheme)[0]!);
    await expect.poll(brightness).toBeLessThanOrEqual(expected(colorScheme)[1]!);
    await page.emulateMedia({ colorScheme: other });
    await expect.poll(brightness).toBeGreaterThanOrEqual(expected(other)[0]!);
    await expect.poll(brightness).toBeLessThanOrEqual(expected(other)[1]!);
  });
});

test('axe detects a missing label and low contrast', async () => {
  const { page } = await visit();
  await page.evaluate(() => {
    document.querySelector('label[for=seed]')!.remove();
    (document.querySelector('.lead') as HTMLElement).style.color = '#ccc';
  });
  const rules = (await violations(page)).map((violation) => violation.split(':')[0]);
  expect(rules.sort()).toEqual(['color-contrast', 'label']);
});

test('keyboard only: text, tokens, cells, positions, measuring, with a visible focus everywhere', async () => {
  const { page } = await visit();
  const focus = () =>
    page.evaluate(() => {
      const active = document.activeElement!;
      const outlined = active.closest('.choice label') ?? active;
      return {
        id: active.id || active.getAttribute('name'),
        outline: getComputedStyle(outlined).outlineStyle,
      };
    });
  const stops: (string | null)[] = [];
  const next = async () => {
    await page.keyboard.press('Tab');
    const { id, outline } = await focus();
    expect(outline, `the outline of ${id}`).toBe('solid');
    stops.push(id);
    return id;
  };
  const to = async (id: string) => {
    while ((await next()) !== id) expect(stops.length, stops.join(' ')).toBeLessThan(40);
  };

  await to('text');
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.type('tick tock tick tock');
  await settled(page);
  await to('tokens');
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowRight');
  await expect.poll(() => page.locator('#tokens').getAttribute('aria-activedescendant')).toBe('token-1');
  await expect.poll(() => page.locator('#alike').textContent()).toContain('(1):');

  await to('vectors');
  const cell = page.locator('#vectors-cell');
  await expect.poll(() => cell.textContent()).toMatch(/^token 0 .*dimension 0: /);
  expect(await cell.getAttribute('aria-live')).toBe('polite');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await expect.poll(() => cell.textContent()).toMatch(/^token 2 .*dimension 1: /);
  await page.keyboard.press('End');
  await expect.poll(() => cell.textContent()).toMatch(/dimension 63: /);
  await page.keyboard.press('Enter');
  await expect.poll(() => page.locator('#tokens').getAttribute('aria-activedescendant')).toBe('token-2');

  await to('encoding');
  expect(await cell.getAttribute('aria-live')).toBeNull();
  await page.keyboard.press('Control+Home');
  await page.keyboard.press('ArrowRight');
  await expect
    .poll(() => page.locator('#encoding-cell').textContent())
    .toBe('position 1, dimension 0: sin(1 × 1.00) = 0.841; period 6.28 positions');

  await to('measure');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.locator('#measure').textContent()).toBe('Stop');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.locator('#gauge-status').textContent()).toBe('Stopped.');
  expect(new Set(stops).size).toBe(stops.length); // no focus trap, no stop twice
});

test('keyboard only, in the tab of the table: tabs, the sample, a row, its nearest rows', async () => {
  const { page } = await visit();
  const selected = () => page.getByRole('tab', { selected: true }).textContent();
  await page.getByRole('tab', { name: 'Your text' }).focus();
  for (const [key, tab] of [
    ['End', 'Your table'],
    ['ArrowRight', 'Your text'],
    ['ArrowRight', 'Search'],
    ['ArrowLeft', 'Your text'],
    ['ArrowLeft', 'Your table'],
    ['Home', 'Your text'],
    ['ArrowLeft', 'Your table'],
  ] as const) {
    await page.keyboard.press(key);
    expect(await selected()).toBe(tab);
    expect(await page.evaluate(() => document.activeElement!.textContent)).toBe(tab);
    expect(await page.getByRole('tabpanel').count()).toBe(1);
    expect(await page.getByRole('tabpanel').getAttribute('aria-labelledby')).toBe(
      await page.getByRole('tab', { selected: true }).getAttribute('id'),
    );
  }
  await page.locator('#table-file').waitFor();
  const stops: string[] = [];
  const to = async (id: string) => {
    for (;;) {
      await page.keyboard.press('Tab');
      const { name, outline } = await page.evaluate(() => {
        const active = document.activeElement!;
        const outlined = active.closest('.choice label, .drop') ?? active;
        const label = active.getAttribute('aria-label') ?? active.getAttribute('name');
        const name = active.id || label || active.textContent!;
        return { name, outline: getComputedStyle(outlined).outlineStyle };
      });
      expect(outline, `the outline of ${name}`).toBe('solid');
      stops.push(name);
      expect(stops.length, stops.join(', ')).toBeLessThan(40);
      if (name === id) return;
    }
  };
  await to('table-file');
  await to('sample');
  await page.keyboard.press('Enter');
  await expect.poll(() => status(page)).toContain('is open.');
  await to('query');
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.type('paris dog');
  await page.keyboard.press('Enter');
  await to('table-map');
  const cell = page.locator('#table-cell');
  await expect.poll(() => cell.textContent()).toMatch(/^paris, dimension 0: /);
  expect(await cell.getAttribute('aria-live')).toBe('polite');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  await expect.poll(() => cell.textContent()).toMatch(/^dog, dimension 1: /);
  await page.keyboard.press('Enter');
  expect(await page.locator('#nearest-of').textContent()).toBe('Nearest to “dog”');
  expect(new Set(stops).size).toBe(stops.length);
});

test('the address selects the tab, and the tab changes the address', async () => {
  const { page, url } = await visit();
  await openTab(page);
  expect(page.url()).toBe(`${url}#table`);
  await page.reload();
  await page.locator('#table-file').waitFor();
  expect(await page.locator('#text-panel').isVisible()).toBe(false);
  await page.getByRole('tab', { name: 'Your text' }).click();
  expect(page.url()).toBe(`${url}#text`);
  await page.goto(`${url}#table`);
  await expect.poll(() => page.locator('#table-panel').isVisible()).toBe(true);
});

test('positions match the formula, at large positions and in the halves layout', async () => {
  const { page } = await visit();
  const readout = () => page.locator('#encoding-cell').textContent();
  await page.getByLabel('First position').fill('1000000');
  await page.getByLabel('In halves').check();
  await page.locator('#encoding').focus();
  await page.keyboard.press('Control+Home');
  await expect.poll(readout).toContain('position 1,000,000, dimension 0: sin(1,000,000 × 1.00) = −0.350;');
  for (let i = 0; i < 4; i++) await page.keyboard.press('PageDown');
  // Dimension 40 of 64 in halves is the cosine of pair 8: 10000 ** (-16 / 64) = 0.1.
  await expect
    .poll(readout)
    .toContain('dimension 40: cos(1,000,000 × 0.100) = −0.999; period 62.8 positions');
});

describe('on a narrow screen', () => {
  test.each([320, 360, 480, 768])('%i px: no horizontal scrolling, even with a long word', async (width) => {
    const { page } = await visit({ viewport: { width, height: 800 } });
    const scroll = () => page.evaluate(() => document.documentElement.scrollWidth);
    expect(await scroll()).toBeLessThanOrEqual(width);
    await page.getByText('The same bits in Node').click();
    await page.getByLabel('Text', { exact: true }).fill('a'.repeat(3000));
    await page.getByLabel('Merges to learn').fill('12');
    await settled(page);
    expect(await scroll()).toBeLessThanOrEqual(width);
    await page.evaluate((width) => {
      const wide = document.createElement('div');
      wide.style.cssText = `width: ${width}px; height: 1px`;
      document.querySelector('main')!.append(wide);
    }, width + 40);
    expect(await scroll()).toBeGreaterThan(width); // the check detects overflow
  });
});

test.each([320, 360])('%i px: the tab of the table does not scroll horizontally', async (width) => {
  const { page } = await visit({ viewport: { width, height: 800 } });
  const scroll = () => page.evaluate(() => document.documentElement.scrollWidth);
  await openTab(page);
  expect(await scroll()).toBeLessThanOrEqual(width);
  await page.getByText('What is read').click();
  await page.getByText('How large').click();
  await page.getByRole('button', { name: 'Open the sample' }).click();
  await expect.poll(() => status(page)).toContain('is open.');
  expect(await scroll()).toBeLessThanOrEqual(width);
  const long = 'a'.repeat(300);
  await chooseFile(page, f32Table(new Float32Array(9e5), 300, long), `${long}.safetensors`);
  await expect.poll(() => status(page)).toContain('is open.');
  await page.getByRole('textbox', { name: 'Rows' }).fill(long);
  await page.keyboard.press('Enter');
  await expect.poll(() => page.locator('#query-status').textContent()).toContain('ERR_INVALID_ID');
  expect(await scroll()).toBeLessThanOrEqual(width);
});

test.each([320, 360])('%i px: the tab of the search does not scroll horizontally', async (width) => {
  const { page } = await visit({ viewport: { width, height: 800 } });
  const scroll = () => page.evaluate(() => document.documentElement.scrollWidth);
  await openSearch(page);
  expect(await scroll()).toBeLessThanOrEqual(width);
  await ready(page);
  await kept(page);
  await page.getByText('License of the model').click();
  const long = 'spicy'.repeat(60);
  await page.getByRole('textbox', { name: 'Text to search' }).fill(`spicy ${long}`);
  await ask(page, `spicy ${long}`);
  expect(await scroll()).toBeLessThanOrEqual(width);
});

test('reduced motion disables all transitions', async () => {
  const { page } = await visit({ reducedMotion: 'reduce' });
  const durations = () =>
    page.evaluate(() => [
      ...new Set(
        [...document.querySelectorAll('*')].map((each) => getComputedStyle(each).transitionDuration),
      ),
    ]);
  expect(await durations()).toEqual(['0s']);
  await page.emulateMedia({ reducedMotion: 'no-preference' });
  expect((await durations()).length).toBeGreaterThan(1);
});
