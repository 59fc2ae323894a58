/** The query as it is typed, and the nearest passages: a combo box whose list is always open. */

import { type Background, latest } from '../background.js';
import type { Hit } from '../messages.js';
import { element, errorText, short } from '../page.js';

const EXAMPLES = [
  'spicy food',
  'foliage colours',
  'musician who could not hear',
  'tired after flying',
  'inflation',
  'visa requirements',
];
/** The time after the last change until a screen reader is told of the hits. */
const PAUSE_MS = 600;

export class HitsPanel {
  #query = element('search-query', HTMLInputElement);
  #examples = element('search-examples', HTMLDivElement);
  #list = element('hits', HTMLOListElement);
  #message = element('hits-message', HTMLParagraphElement);
  #live = element('hits-live', HTMLParagraphElement);
  #timer = 0;
  #hits: readonly Hit[] = [];
  /** The index of the active hit; -1 if there is none. */
  #active = -1;
  #passages = 0;
  #onHit: (hit: Hit) => void;
  #search: (query: string) => void = () => {};

  /** `onHit` is called when a hit is chosen. */
  constructor(onHit: (hit: Hit) => void) {
    this.#onHit = onHit;
    for (const text of EXAMPLES) {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = text;
      button.addEventListener('click', () => this.#ask(text));
      this.#examples.append(button);
    }
    this.#query.addEventListener('input', () => this.update());
    this.#query.addEventListener('keydown', (event) => this.#key(event));
    element('search-form', HTMLFormElement).addEventListener('submit', (event) => event.preventDefault());
    this.#list.addEventListener('click', ({ target }) => {
      const item = (target as Element).closest('li');
      if (item !== null) this.#onHit(this.#hits[[...this.#list.children].indexOf(item)]!);
    });
  }

  /** Whether the examples, which are about our text, are shown. */
  showExamples(shown: boolean): void {
    this.#examples.hidden = !shown;
  }

  /** Queries the Worker from now on. */
  use(background: Background): void {
    this.#search = latest(async (query) => {
      if (query.trim() === '' || this.#passages === 0) return this.#show([]);
      try {
        const { hits, ms } = await background.call('search', query);
        // Of a later query there will be another answer.
        if (query !== this.#query.value) return;
        element('query-ms', HTMLElement).textContent = `${ms.toFixed(1)} ms`;
        this.#show(hits);
      } catch (error) {
        this.#show([]);
        this.#message.textContent = errorText(error);
      }
    });
  }

  /** Searches again: the query or the passages have changed. */
  update(passages = this.#passages): void {
    this.#passages = passages;
    this.#search(this.#query.value);
  }

  #ask(query: string): void {
    this.#query.value = query;
    this.#query.focus();
    this.update();
  }

  #show(hits: readonly Hit[]): void {
    this.#hits = hits;
    this.#list.replaceChildren(...hits.map(itemOf));
    this.#list.hidden = hits.length === 0;
    this.#message.hidden = hits.length > 0;
    this.#message.textContent = this.#hint();
    this.#query.setAttribute('aria-expanded', String(hits.length > 0));
    this.#activate(-1);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const [first] = hits;
      this.#live.textContent = first === undefined ? '' : `Nearest, ${short(first.score)}: ${first.text}`;
    }, PAUSE_MS);
  }

  /** What to do if there are no hits. */
  #hint(): string {
    if (this.#passages === 0) return 'The text is empty: paste one below, or take ours.';
    if (this.#query.value.trim() === '') return 'Type a query, or choose an example.';
    return 'No passage is near: the model knows no word of the query.';
  }

  #activate(index: number): void {
    this.#active = index;
    [...this.#list.children].forEach((item, i) => item.setAttribute('aria-selected', String(i === index)));
    const active = this.#list.children[index];
    if (active === undefined) return this.#query.removeAttribute('aria-activedescendant');
    this.#query.setAttribute('aria-activedescendant', active.id);
    active.scrollIntoView({ block: 'nearest' });
  }

  #key(event: KeyboardEvent): void {
    const { key } = event;
    const last = this.#hits.length - 1;
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (key === 'ArrowDown') this.#activate(Math.min(this.#active + 1, last));
    else if (key === 'ArrowUp') this.#activate(Math.max(this.#active - 1, -1));
    else if (key === 'Escape' && this.#active >= 0) this.#activate(-1);
    else if (key === 'Escape') this.#ask('');
    else if (key === 'Enter' && last >= 0) this.#onHit(this.#hits[Math.max(0, this.#active)]!);
    else return;
    event.preventDefault();
  }
}

/** A hit as an option: its score, and its text with the marks. */
function itemOf({ text, score, marks }: Hit, i: number): HTMLLIElement {
  const item = document.createElement('li');
  item.id = `hit-${i}`;
  item.setAttribute('role', 'option');
  item.setAttribute('aria-selected', 'false');
  item.style.setProperty('--share', String(score));
  const number = document.createElement('span');
  number.className = 'score';
  number.textContent = score.toFixed(2);
  const passage = document.createElement('span');
  passage.className = 'passage';
  let at = 0;
  for (const { start, end } of marks) {
    const mark = document.createElement('mark');
    mark.textContent = text.slice(start, end);
    passage.append(text.slice(at, start), mark);
    at = end;
  }
  passage.append(text.slice(at));
  item.append(number, passage);
  return item;
}
