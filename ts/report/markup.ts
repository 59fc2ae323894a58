/** HTML templates that escape their values. The result is also well-formed XML. */

/** Markup that needs no escaping. */
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

/** A value of a template: text, markup, a list of them, or nothing. */
export type Content = string | number | Markup | null | false | readonly Content[];

function render(value: Content): string {
  if (value === null || value === false) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'string' || typeof value === 'number') {
    return String(value).replace(/[&<>"']/g, (character) => ENTITIES[character]!);
  }
  return value.map(render).join('');
}

/** html`<p>${text}</p>`: text is escaped, markup is not. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(strings.map((text, i) => (i === 0 ? text : render(values[i - 1]!) + text)).join(''));
}
