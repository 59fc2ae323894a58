/** Words and their nearest words: some frequent ones, and one that the user chooses. */

import { type Background, latest } from '../background.js';
import type { WordsNear } from '../messages.js';
import { element } from '../page.js';

/** The rows of the table before there are words. */
const NONE: WordsNear = { word: '–', near: [] };
const ROWS = 8;

export class NearWords {
  #field = element('near-word', HTMLInputElement);
  #rows = element('near-words', HTMLTableSectionElement);
  #chosen: WordsNear | null = null;
  #others: readonly WordsNear[] = Array.from({ length: ROWS }, () => NONE);
  /** The words that are shown now, for each word. */
  #before = new Map<string, ReadonlySet<string>>();
  #ask: (word: string) => void;

  constructor(background: Background) {
    this.#ask = latest(async (word) => {
      // Fails only where the Worker does, which the panel reports.
      this.#chosen = word === '' ? null : await background.call('wordsNear', word).catch(() => null);
      this.#draw();
    });
    this.#field.addEventListener('input', () => this.update());
    this.#draw();
  }

  /** Shows these words. The chosen one is asked again. */
  show(others: readonly WordsNear[]): void {
    this.#others = others;
    if (this.#field.value === '') this.#draw();
    else this.update();
  }

  /** Asks for the words near the chosen one. */
  update(): void {
    this.#ask(this.#field.value.trim().toLowerCase());
  }

  #draw(): void {
    const all = [this.#chosen ?? NONE, ...this.#others];
    this.#rows.replaceChildren(...all.map((each) => this.#row(each)));
    this.#before = new Map(all.map(({ word, near }) => [word, new Set(near.map(({ word }) => word))]));
  }

  #row({ word, near }: WordsNear): HTMLTableRowElement {
    const row = document.createElement('tr');
    const name = document.createElement('th');
    name.scope = 'row';
    name.textContent = word;
    const cell = document.createElement('td');
    cell.className = 'near';
    const before = this.#before.get(word);
    near.forEach(({ word, score }, i) => {
      const shown = document.createElement(before === undefined || before.has(word) ? 'span' : 'mark');
      shown.textContent = word;
      cell.append(i === 0 ? '' : ', ', shown, ` ${score.toFixed(2)}`);
    });
    if (near.length === 0 && word !== NONE.word) cell.textContent = 'not in the text, or too rarely';
    row.append(name, cell);
    return row;
  }
}
