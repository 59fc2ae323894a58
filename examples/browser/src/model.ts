/** The tokenizer of a model beside the trained one: the same text, as a second list of chips. */

import { type Background, latest } from './background.js';
import { count, element, errorText, plural } from './page.js';
import { chipsOf, PAGE } from './tokens.js';

export class ModelPanel {
  #file = element('model-file', HTMLInputElement);
  #drop = element('model-drop', HTMLParagraphElement);
  #status = element('model-status', HTMLParagraphElement);
  #list = element('model-tokens', HTMLDivElement);
  #background: Background;
  #text = '';
  /** The name of the open file; empty if there is none. */
  #name = '';

  constructor(background: Background) {
    this.#background = background;
  }

  listen(): void {
    this.#file.addEventListener('change', () => {
      const file = this.#file.files?.[0];
      if (file !== undefined) void this.#open(file);
    });
    this.#drop.addEventListener('dragover', (event) => event.preventDefault());
    this.#drop.addEventListener('drop', (event) => {
      event.preventDefault();
      const file = event.dataTransfer?.files[0];
      if (file !== undefined) void this.#open(file);
    });
  }

  /** The text has changed. */
  show(text: string): void {
    this.#text = text;
    if (this.#name !== '') this.#update(null);
  }

  async #open(file: File): Promise<void> {
    this.#say(`Opening ${file.name}`);
    try {
      await this.#background.call('openModel', file);
    } catch (error) {
      return this.#say(errorText(error));
    }
    this.#name = file.name;
    this.#update(null);
  }

  #update = latest(async () => {
    try {
      const input = { text: this.#text, count: PAGE };
      const { tokens, pieces, vocabSize, unknown } = await this.#background.call('modelTokens', input);
      const parts = [
        this.#name,
        plural(tokens, 'token'),
        `vocabulary ${count(vocabSize)}`,
        unknown > 0 ? `${count(unknown)} unknown` : '',
        pieces.length < tokens ? `the first ${count(pieces.length)} shown` : '',
      ];
      this.#say(parts.filter(Boolean).join(' · '));
      this.#list.replaceChildren(...chipsOf(pieces, 0, 'listitem'));
      this.#list.hidden = false;
    } catch (error) {
      this.#list.hidden = true;
      this.#say(errorText(error));
    }
  });

  #say(text: string): void {
    this.#status.hidden = false;
    this.#status.textContent = text;
  }
}
