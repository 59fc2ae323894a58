/** HTML as text, in which nothing that is filled in can become markup. What comes out is well-formed XML too. */

/** Markup that is finished. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** What may be filled in: text, markup, lists of them, and nothing. */
export type Filling = string | number | Markup | null | false | readonly Filling[];

function fill(value: Filling): string {
  if (value === null || value === false) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'string' || typeof value === 'number') {
    return String(value).replace(/[&<>"']/g, (character) => ENTITIES[character]!);
  }
  return value.map(fill).join('');
}

/** html`<p>${text}</p>`: text is escaped, markup is not. */
export function html(pieces: TemplateStringsArray, ...values: readonly Filling[]): Markup {
  return new Markup(pieces.map((piece, i) => (i === 0 ? piece : fill(values[i - 1]!) + piece)).join(''));
}
