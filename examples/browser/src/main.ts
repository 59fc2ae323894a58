/**
 * The page.
 *
 *   settings.ts   text, tokenizer, width, seed, storage
 *       |  embed, in the Worker
 *   tokens.ts     chips; one of them is selected      model.ts: the same text by the tokenizer of a model
 *       |  a lens: 32 tokens around the selected one
 *   vectors.ts    similarity.ts       positions.ts, gauge.ts, profile.ts: independent
 *
 * Nothing is computed here: the page calls its Worker (background.ts, messages.ts) and draws the replies. The tabs "Search"
 * (search/tab.ts), "Train" (train/tab.ts) and "Your table" (table/tab.ts) are loaded on demand (tabs.ts) and have Workers of
 * their own.
 */

import { Background, latest } from './background.js';
import { Gauge } from './gauge.js';
import type { Embedded, EmbedSettings } from './messages.js';
import { ModelPanel } from './model.js';
import { element, errorText } from './page.js';
import { Positions } from './positions.js';
import { ProfilePanel } from './profile.js';
import { fail, listen, showSummary } from './settings.js';
import { Similarity } from './similarity.js';
import { listenToTabs } from './tabs.js';
import { PAGE, TokenList } from './tokens.js';
import { Vectors } from './vectors.js';

/** The number of rows that can be labeled. */
const LENS = 32;

const main = document.querySelector('main')!;
const background = new Background((busy) => main.setAttribute('aria-busy', String(busy)));
let embedded: Embedded | null = null;
let selected = 0;
/** The first token of the current page and lens; -1 if nothing of this text is shown yet. */
let page = -1;
let lens = -1;

const tokens = new TokenList({ onPage: choose, onChoose: choose });
const vectors = new Vectors({ onChoose: choose, file: () => background.call('file', null) });
const similarity = new Similarity(choose);
const positions = new Positions((settings) => background.call('encoding', settings));
const gauge = new Gauge();
gauge.listen();
const model = new ModelPanel(background);
model.listen();
const profile = new ProfilePanel();
profile.listen();

/** Updates the page and the lens to the selected token. Fetches them only if they changed. */
const update = latest(async () => {
  if (embedded === null) return;
  const target = { page: selected - (selected % PAGE), lens: selected - (selected % LENS) };
  try {
    // Set before the await: a text that arrives meanwhile resets them, and the next update fetches again.
    if (target.page !== page) {
      page = target.page;
      tokens.show(await background.call('pieces', { start: page, count: PAGE }), page, embedded.tokens);
    }
    if (target.lens !== lens) {
      lens = target.lens;
      const reply = await background.call('lens', { start: lens, count: LENS });
      vectors.show(reply);
      similarity.show(reply);
    }
  } catch (error) {
    return fail(error);
  }
  tokens.choose(selected, { start: target.lens, end: target.lens + LENS });
  vectors.mark(selected);
  similarity.mark(selected);
});

function choose(token: number): void {
  selected = token;
  update(null);
}

const embed = latest(async (settings: EmbedSettings) => {
  try {
    embedded = await background.call('embed', settings);
    selected = Math.max(0, Math.min(selected, embedded.tokens - 1));
    page = lens = -1;
    showSummary(settings, embedded);
    vectors.showSummary(settings, embedded);
    update(null);
  } catch (error) {
    fail(error);
  }
});

let width = 0;
listen((settings) => {
  embed(settings);
  model.show(settings.text);
  if (settings.dim === width) return;
  width = settings.dim;
  positions.width(width);
});

async function introduce(): Promise<void> {
  const line = element('backend', HTMLParagraphElement);
  try {
    const { isa, version } = await background.call('start', null);
    line.textContent = `tokenbed ${version}, WebAssembly with ${isa}. Nothing you type leaves this page.`;
  } catch (error) {
    line.textContent = errorText(error);
  }
}

void introduce();
listenToTabs({
  search: async (panel) => (await import('./search/tab.js')).fill(panel),
  train: async (panel) => (await import('./train/tab.js')).fill(panel),
  table: async (panel) => (await import('./table/tab.js')).fill(panel),
});
