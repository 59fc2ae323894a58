/**
 * Fetching the model: progress, cancel, retry, and the figures of the loaded model. A load has its own Worker, which
 * `Cancel` terminates.
 */

import { Background } from '../background.js';
import type { LoadedModel, LoadStep } from '../messages.js';
import { count, element, errorText, plural, size } from '../page.js';

/** The bytes of the model's files: vite.config.ts defines it. A server that compresses does not send their sum. */
declare const MODEL_BYTES: number;

const LOAD = `Load the model (${size(MODEL_BYTES)})`;

export class ModelPanel {
  #state = element('model-state', HTMLDivElement);
  #message = element('model-message', HTMLParagraphElement);
  #progress = element('model-progress', HTMLProgressElement);
  #loaded = element('model-loaded', HTMLSpanElement);
  #action = element('model-action', HTMLButtonElement);
  #loading: Background | null = null;
  #cache: string | null;
  #onModel: (background: Background) => Promise<void>;

  /** `cache` keeps the model. `onModel` receives the Worker of the loaded model. */
  constructor(cache: string | null, onModel: (background: Background) => Promise<void>) {
    this.#cache = cache;
    this.#onModel = onModel;
    this.#action.addEventListener('click', () => {
      if (this.#loading === null) void this.#load();
      else this.#end('The model is not loaded.', LOAD);
    });
  }

  /** Loads the model. */
  start(): void {
    void this.#load();
  }

  async #load(): Promise<void> {
    const loading = (this.#loading = new Background());
    this.#message.textContent = 'Fetching the model, once …';
    this.#action.textContent = 'Cancel';
    this.#progress.hidden = false;
    this.#progress.removeAttribute('value');
    try {
      const model = await loading.call('loadModel', this.#cache, (step) => this.#step(step));
      this.#show(model);
      await this.#onModel(loading);
    } catch (error) {
      this.#end(errorText(error), 'Retry');
    }
  }

  #step({ loaded }: LoadStep): void {
    // The text of the bar. A live region would announce every step.
    const text = `${size(loaded)} of ${size(MODEL_BYTES)}`;
    this.#progress.value = loaded / MODEL_BYTES;
    this.#progress.setAttribute('aria-valuetext', text);
    this.#loaded.textContent = text;
  }

  #end(message: string, action: string): void {
    this.#loading?.end();
    this.#loading = null;
    this.#message.textContent = message;
    this.#action.textContent = action;
    this.#progress.hidden = true;
    this.#progress.removeAttribute('aria-valuetext');
    this.#loaded.textContent = '';
  }

  #show({ rows, dim, dtype, bytes }: LoadedModel): void {
    const hasFocus = document.activeElement === this.#action;
    this.#state.hidden = true;
    if (hasFocus) element('search-query', HTMLInputElement).focus();
    element('model-rows', HTMLElement).textContent = count(rows);
    element('model-dim', HTMLElement).textContent = count(dim);
    element('model-dtype', HTMLElement).textContent = `${dtype}, ${plural(bytes / rows, 'byte')} a row`;
    element('model-memory', HTMLElement).textContent = size(bytes);
    element('model-size', HTMLElement).textContent = `${dtype}, ${size(MODEL_BYTES)}`;
  }
}
