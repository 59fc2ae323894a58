/**
 * The page.
 *
 *   settings.ts   text, tokenizer, width, seed
 *       |  embed, in the Worker
 *   tokens.ts     chips; one of them is chosen
 *       |  a lens: 32 tokens around the chosen one
 *   vectors.ts    similarity.ts       positions.ts, gauge.ts, profile.ts: by themselves
 *
 * Nothing is computed here: the page asks its Worker (background.ts, messages.ts) and draws the answers.
 */

import { Background, newest } from './background.js';
import { Gauge } from './gauge.js';
import type { Embedded, EmbedSettings } from './messages.js';
import { element, words } from './page.js';
import { Positions } from './positions.js';
import { ProfilePanel } from './profile.js';
import { fail, listen, tell } from './settings.js';
import { Similarity } from './similarity.js';
import { PAGE, TokenList } from './tokens.js';
import { Vectors } from './vectors.js';

/** As many rows as can carry their names. */
const LENS = 32;

const main = document.querySelector('main')!;
const background = new Background((busy) => main.setAttribute('aria-busy', String(busy)));
let embedded: Embedded | null = null;
let chosen = 0;
/** What is shown; -1: nothing of this text yet. */
let page = -1;
let lens = -1;

const tokens = new TokenList({ onPage: choose, onChoose: choose });
const vectors = new Vectors({ onChoose: choose, file: () => background.call('file', null) });
const similarity = new Similarity(choose);
const positions = new Positions((settings) => background.call('encoding', settings));
const gauge = new Gauge();
gauge.listen();
const profile = new ProfilePanel();
profile.listen();

/** Brings what is shown in line with what is chosen: asks for the page and the lens only when they are others. */
const look = newest(async () => {
  if (embedded === null) return;
  const wanted = { page: chosen - (chosen % PAGE), lens: chosen - (chosen % LENS) };
  try {
    // Said before the wait: a text that arrives meanwhile sets them back, and the next look asks again.
    if (wanted.page !== page) {
      page = wanted.page;
      tokens.show(await background.call('pieces', { start: page, count: PAGE }), page, embedded.tokens);
    }
    if (wanted.lens !== lens) {
      lens = wanted.lens;
      const seen = await background.call('lens', { start: lens, count: LENS });
      vectors.show(seen);
      similarity.show(seen);
    }
  } catch (error) {
    return fail(error);
  }
  tokens.choose(chosen, { start: wanted.lens, end: wanted.lens + LENS });
  vectors.mark(chosen);
  similarity.mark(chosen);
});

function choose(token: number): void {
  chosen = token;
  look(null);
}

const embed = newest(async (settings: EmbedSettings) => {
  try {
    embedded = await background.call('embed', settings);
    chosen = Math.max(0, Math.min(chosen, embedded.tokens - 1));
    page = lens = -1;
    tell(settings, embedded);
    vectors.tell(settings, embedded);
    look(null);
  } catch (error) {
    fail(error);
  }
});

let width = 0;
listen((settings) => {
  embed(settings);
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
    line.textContent = words(error);
  }
}

void introduce();
