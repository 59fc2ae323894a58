/**
 * The tokens as chips, a page of them at a time: 100,000 elements would stall what 256 do not. The list is one stop of the
 * Tab key; arrows choose a token, which the other panels then look at.
 */

import type { Piece } from './messages.js';
import { count, element, plural } from './page.js';

export const PAGE = 256;
/** Chip colours in style.css. */
const HUES = 8;

/** A token's text with its white space made visible. */
export function visible({ kind, text }: Piece): string {
  if (kind !== 'text') return text;
  return text.replaceAll(' ', '·').replaceAll('\n', '↵').replaceAll('\t', '→') || '∅';
}

export interface TokenListOptions {
  /** Another page is wanted. */
  readonly onPage: (start: number) => void;
  /** A token was chosen, by its place in the whole text. */
  readonly onChoose: (token: number) => void;
}

export class TokenList {
  #list = element('tokens', HTMLDivElement);
  #shown = element('tokens-shown', HTMLParagraphElement);
  #back = element('tokens-back', HTMLButtonElement);
  #on = element('tokens-on', HTMLButtonElement);
  #options: TokenListOptions;
  #start = 0;
  #total = 0;
  #chosen = 0;

  constructor(options: TokenListOptions) {
    this.#options = options;
    this.#back.addEventListener('click', () => this.#turn(this.#start - PAGE));
    this.#on.addEventListener('click', () => this.#turn(this.#start + PAGE));
    this.#list.addEventListener('click', ({ target }) => {
      const chip = (target as Element).closest<HTMLElement>('[role=option]');
      if (chip !== null) this.#options.onChoose(this.#start + this.#chips.indexOf(chip));
    });
    this.#list.addEventListener('keydown', (event) => this.#key(event));
  }

  show(pieces: readonly Piece[], start: number, total: number): void {
    this.#start = start;
    this.#total = total;
    let hue = -1;
    const chips = pieces.map((piece, i) => {
      // A token keeps its colour, unless its neighbour has the same one.
      const own = piece.id % HUES;
      if (piece.id !== pieces[i - 1]?.id) hue = own === hue ? (own + 1) % HUES : own;
      const chip = document.createElement('span');
      chip.className = `chip ${piece.kind} hue-${hue}`;
      chip.id = `token-${start + i}`;
      chip.setAttribute('role', 'option');
      chip.setAttribute('aria-posinset', String(start + i + 1));
      chip.setAttribute('aria-setsize', String(total));
      chip.title = `token ${start + i}, id ${piece.id}`;
      chip.textContent = visible(piece);
      return chip;
    });
    this.#list.replaceChildren(...chips);
    const all = pieces.length === total;
    this.#shown.textContent = all
      ? `All ${plural(total, 'token')} shown`
      : `Tokens ${count(start)} to ${count(start + pieces.length - 1)} shown, of ${count(total)}`;
    this.#back.hidden = this.#on.hidden = all;
    this.#back.disabled = start === 0;
    this.#on.disabled = start + pieces.length >= total;
    this.choose(this.#chosen);
  }

  /** Shows which token is looked at, and which stretch the maps show. */
  choose(token: number, lens?: { readonly start: number; readonly end: number }): void {
    this.#chosen = token;
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
    // Within the list alone: the page stays where it is.
    const [top, bottom] = [chip.offsetTop, chip.offsetTop + chip.offsetHeight];
    const list = this.#list;
    if (top < list.scrollTop) list.scrollTop = top - 4;
    else if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight + 4;
  }

  get #chips(): HTMLElement[] {
    return [...this.#list.children] as HTMLElement[];
  }

  #turn(start: number): void {
    const first = Math.max(0, Math.min(start, this.#total - 1));
    this.#options.onPage(first);
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey || this.#total === 0) return;
    const moves: Record<string, () => number> = {
      ArrowLeft: () => this.#chosen - 1,
      ArrowRight: () => this.#chosen + 1,
      ArrowUp: () => this.#inLine(-1),
      ArrowDown: () => this.#inLine(1),
      PageUp: () => this.#chosen - PAGE,
      PageDown: () => this.#chosen + PAGE,
      Home: () => 0,
      End: () => this.#total - 1,
    };
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    this.#options.onChoose(Math.max(0, Math.min(this.#total - 1, move())));
  }

  /** The nearest token in the line above or below. */
  #inLine(direction: 1 | -1): number {
    const chips = this.#chips;
    const own = chips[this.#chosen - this.#start];
    if (own === undefined) return this.#start;
    const others = chips.filter((chip) => Math.sign(chip.offsetTop - own.offsetTop) === direction);
    const line = others.at(direction === 1 ? 0 : -1)?.offsetTop;
    if (line === undefined) return this.#chosen + direction;
    const distance = (chip: HTMLElement) => Math.abs(chip.offsetLeft - own.offsetLeft);
    const nearest = others
      .filter((chip) => chip.offsetTop === line)
      .reduce((best, chip) => (distance(chip) < distance(best) ? chip : best));
    return this.#start + chips.indexOf(nearest);
  }
}
