/**
 * The tokens as chips, 256 per page, because 100,000 elements would block the browser. The list is a single tab stop; arrow
 * keys select a token, which the other panels then show.
 */

import type { Piece } from './messages.js';
import { count, element, plural } from './page.js';

export const PAGE = 256;
/** The number of chip colors in style.css. */
const HUES = 8;

/** A token's text with visible white space. */
export function visible({ kind, text }: Piece): string {
  if (kind !== 'text') return text;
  return text.replaceAll(' ', '·').replaceAll('\n', '↵').replaceAll('\t', '→') || '∅';
}

/** The chips of tokens, of which the first has the index `start`. */
export function chipsOf(
  pieces: readonly Piece[],
  start: number,
  role: 'option' | 'listitem',
): HTMLSpanElement[] {
  let hue = -1;
  return pieces.map((piece, i) => {
    // The color depends on the id, unless a different token with the same color precedes.
    const usual = piece.id % HUES;
    if (piece.id !== pieces[i - 1]?.id) hue = usual === hue ? (usual + 1) % HUES : usual;
    const chip = document.createElement('span');
    chip.className = `chip ${piece.kind} hue-${hue}`;
    chip.setAttribute('role', role);
    chip.title = `token ${start + i}, id ${piece.id}`;
    chip.textContent = visible(piece);
    return chip;
  });
}

export interface TokenListOptions {
  /** Called when another page is requested. */
  readonly onPage: (start: number) => void;
  /** Called when a token is selected, with its index in the text. */
  readonly onChoose: (token: number) => void;
}

export class TokenList {
  #list = element('tokens', HTMLDivElement);
  #shown = element('tokens-shown', HTMLParagraphElement);
  #backButton = element('tokens-back', HTMLButtonElement);
  #nextButton = element('tokens-on', HTMLButtonElement);
  #options: TokenListOptions;
  #start = 0;
  #total = 0;
  #selected = 0;

  constructor(options: TokenListOptions) {
    this.#options = options;
    this.#backButton.addEventListener('click', () => this.#goToPage(this.#start - PAGE));
    this.#nextButton.addEventListener('click', () => this.#goToPage(this.#start + PAGE));
    this.#list.addEventListener('click', ({ target }) => {
      const chip = (target as Element).closest<HTMLElement>('[role=option]');
      if (chip !== null) this.#options.onChoose(this.#start + this.#chips.indexOf(chip));
    });
    this.#list.addEventListener('keydown', (event) => this.#key(event));
  }

  show(pieces: readonly Piece[], start: number, total: number): void {
    this.#start = start;
    this.#total = total;
    const chips = chipsOf(pieces, start, 'option');
    chips.forEach((chip, i) => {
      chip.id = `token-${start + i}`;
      chip.setAttribute('aria-posinset', String(start + i + 1));
      chip.setAttribute('aria-setsize', String(total));
    });
    this.#list.replaceChildren(...chips);
    const all = pieces.length === total;
    this.#shown.textContent = all
      ? `All ${plural(total, 'token')} shown`
      : `Tokens ${count(start)} to ${count(start + pieces.length - 1)} shown, of ${count(total)}`;
    this.#backButton.hidden = this.#nextButton.hidden = all;
    this.#backButton.disabled = start === 0;
    this.#nextButton.disabled = start + pieces.length >= total;
    this.choose(this.#selected);
  }

  /** Shows the selected token, and the range of the lens. */
  choose(token: number, lens?: { readonly start: number; readonly end: number }): void {
    this.#selected = token;
    const chips = this.#chips;
    chips.forEach((chip, i) => {
      chip.setAttribute('aria-selected', String(this.#start + i === token));
      if (lens !== undefined) {
        chip.classList.toggle('seen', this.#start + i >= lens.start && this.#start + i < lens.end);
      }
    });
    const chip = chips[token - this.#start];
    if (chip === undefined) return this.#list.removeAttribute('aria-activedescendant');
    this.#list.setAttribute('aria-activedescendant', chip.id);
    // Scroll only the list, not the page.
    const [top, bottom] = [chip.offsetTop, chip.offsetTop + chip.offsetHeight];
    const list = this.#list;
    if (top < list.scrollTop) list.scrollTop = top - 4;
    else if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight + 4;
  }

  get #chips(): HTMLElement[] {
    return [...this.#list.children] as HTMLElement[];
  }

  #goToPage(start: number): void {
    const first = Math.max(0, Math.min(start, this.#total - 1));
    this.#options.onPage(first);
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey || this.#total === 0) return;
    const moves: Record<string, () => number> = {
      ArrowLeft: () => this.#selected - 1,
      ArrowRight: () => this.#selected + 1,
      ArrowUp: () => this.#inAdjacentLine(-1),
      ArrowDown: () => this.#inAdjacentLine(1),
      PageUp: () => this.#selected - PAGE,
      PageDown: () => this.#selected + PAGE,
      Home: () => 0,
      End: () => this.#total - 1,
    };
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    this.#options.onChoose(Math.max(0, Math.min(this.#total - 1, move())));
  }

  /** The nearest token in the line above or below. */
  #inAdjacentLine(direction: 1 | -1): number {
    const chips = this.#chips;
    const current = chips[this.#selected - this.#start];
    if (current === undefined) return this.#start;
    const others = chips.filter((chip) => Math.sign(chip.offsetTop - current.offsetTop) === direction);
    const line = others.at(direction === 1 ? 0 : -1)?.offsetTop;
    if (line === undefined) return this.#selected + direction;
    const distance = (chip: HTMLElement) => Math.abs(chip.offsetLeft - current.offsetLeft);
    const nearest = others
      .filter((chip) => chip.offsetTop === line)
      .reduce((best, chip) => (distance(chip) < distance(best) ? chip : best));
    return this.#start + chips.indexOf(nearest);
  }
}
