/** The settings form: text, tokenizer, width, seed, storage. */

import type { StorageDType } from 'tokenbed';
import type { Embedded, EmbedSettings, TokenizerName } from './messages.js';
import { count, element, plural, errorText } from './page.js';

const form = element('text-form', HTMLFormElement);
const status = element('text-status', HTMLParagraphElement);
const merges = element('merges', HTMLInputElement);
const seed = element('seed', HTMLInputElement);

/** Reads the form. Returns null while the seed is not an integer. */
function read(): EmbedSettings | null {
  const data = new FormData(form);
  const text = (name: string) => String(data.get(name));
  element('merges-value', HTMLOutputElement).value = text('merges');
  merges.disabled = text('tokenizer') === 'char';
  seed.setAttribute('aria-invalid', String(!seed.validity.valid));
  if (!seed.validity.valid) {
    status.textContent = `Seed: an integer from 0 to ${count(Number.MAX_SAFE_INTEGER)}`;
    return null;
  }
  return {
    text: text('text'),
    tokenizer: text('tokenizer') as TokenizerName,
    merges: merges.valueAsNumber,
    dim: Number(text('dim')),
    seed: seed.valueAsNumber,
    positions: text('positions') === 'yes',
    dtype: text('dtype') as StorageDType,
  };
}

/** Calls `onSettings` now and after each change. */
export function listen(onSettings: (settings: EmbedSettings) => void): void {
  const onChange = () => {
    const settings = read();
    if (settings !== null) onSettings(settings);
  };
  for (const field of form.elements) field.addEventListener('input', onChange);
  form.addEventListener('submit', (event) => event.preventDefault());
  onChange();
}

/** Training ends early when no adjacent pair occurs twice. */
const learned = (merges: number, requested: number) =>
  `${plural(merges, 'merge')} learned${merges < requested ? ', no pair occurs twice' : ''}`;

/** Shows a summary of the embedded text. */
export function showSummary(settings: EmbedSettings, embedded: Embedded): void {
  const { characters, tokens, vocabSize, merges, unknown, ms } = embedded;
  const parts = [
    plural(characters, 'character'),
    plural(tokens, 'token'),
    settings.tokenizer === 'char' ? '' : learned(merges, settings.merges),
    `vocabulary ${count(vocabSize)}`,
    unknown > 0 ? `${count(unknown)} unknown` : '',
    `${ms < 10 ? ms.toFixed(1) : count(ms)} ms`,
  ];
  status.textContent = parts.filter(Boolean).join(' · ');
}

export function fail(error: unknown): void {
  status.textContent = errorText(error);
}
