/** The text: pasted or ours, cut into passages and indexed by the Worker after each change. */

import { type Background, latest } from '../background.js';
import type { Hit, Indexed } from '../messages.js';
import { count, element, errorText, plural } from '../page.js';

export class TextPanel {
  #field = element('search-text', HTMLTextAreaElement);
  #ours = element('take-ours', HTMLButtonElement);
  #progress = element('index-progress', HTMLProgressElement);
  #status = element('index-status', HTMLParagraphElement);
  #index: (text: string) => void = () => {};
  #isMeasured = false;

  /** Begins with the text `ours`. `onChange` is called after a change of the text, with whether it is ours. */
  constructor(ours: string, onChange: (isOurs: boolean) => void) {
    this.#field.value = ours;
    const update = () => {
      const isOurs = this.#field.value === ours;
      this.#ours.disabled = isOurs;
      onChange(isOurs);
      this.#index(this.#field.value);
    };
    this.#field.addEventListener('input', update);
    this.#ours.addEventListener('click', () => {
      this.#field.value = ours;
      update();
    });
    this.#field.addEventListener('keydown', ({ key }) => {
      if (key === 'Escape') element('search-query', HTMLInputElement).focus();
    });
  }

  /**
   * Indexes the text from now on. `onIndexed` receives the number of passages. Resolves when the first text was indexed and
   * the speed is measured, which other work would disturb.
   */
  use(background: Background, onIndexed: (passages: number) => void): Promise<void> {
    return new Promise((resolve) => {
      this.#index = latest(async (text) => {
        try {
          const indexed = await background.call('indexText', text, ({ done, total }) => {
            this.#progress.value = done / total;
          });
          this.#show(indexed);
          onIndexed(indexed.passages);
          if (indexed.passages > 0) await this.#measure(background);
        } catch (error) {
          this.#status.textContent = errorText(error);
        }
        this.#progress.value = 0;
        resolve();
      });
      this.#index(this.#field.value);
    });
  }

  /** Measures the speed once. */
  async #measure(background: Background): Promise<void> {
    if (this.#isMeasured) return;
    this.#isMeasured = true;
    const rate = Number((await background.call('textsPerSecond', null)).toPrecision(2));
    element('index-rate', HTMLElement).textContent = `${count(rate)} texts/s`;
  }

  /** Selects a passage, and scrolls to it, unless the text has changed since it was found. */
  select({ start, end, text }: Hit): void {
    const field = this.#field;
    if (field.value.slice(start, end) !== text) return;
    field.focus();
    field.setSelectionRange(start, end);
    // Lines are not known, but the text before the passage has about its share of the height.
    field.scrollTop = (start / field.value.length) * field.scrollHeight - field.clientHeight / 3;
  }

  #show({ passages, isCut, ms }: Indexed): void {
    element('passages', HTMLElement).textContent = count(passages);
    const first = isCut ? ', the first of the text' : '';
    this.#status.textContent = `${plural(passages, 'passage')}${first}, indexed in ${ms.toFixed(1)} ms.`;
  }
}
