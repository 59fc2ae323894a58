/**
 * The DOM for the chart library, which draws by creating elements. The same small implementation is used everywhere,
 * so that a report is the same text in Node, in a worker and in a page.
 */

import { Document, type Element, type Node, serializeToWellFormedString } from 'slimdom';

const SVG = 'http://www.w3.org/2000/svg';
const HTML = 'http://www.w3.org/1999/xhtml';

/** The factory of all elements. They are not attached to it, so they can be garbage-collected. */
const DOCUMENT = new Document();
DOCUMENT.appendChild(DOCUMENT.createElementNS(HTML, 'html'));

/** The `document` option of the chart library, which reads the root's namespace and creates elements. */
export const drawingDocument = DOCUMENT as unknown as globalThis.Document;

/** The chart library's result without its style sheet and with shortened attributes. */
export function toElement(svg: unknown): Element {
  const root = svg as Element;
  // CHART_STYLE replaces this style sheet.
  root.children.find(({ localName }) => localName === 'style')?.remove();
  shorten(root);
  return root;
}

/** Rounds to hundredths of a pixel. This also hides differences between engines in the last bits of logarithms. */
function shorten(element: Element): void {
  for (const { name, value } of element.attributes) {
    const short = value.replace(/-?\d+\.\d{3,}(?:e-?\d+)?/g, (digits) =>
      String(Math.round(Number(digits) * 100) / 100),
    );
    if (short !== value) element.setAttribute(name, short);
  }
  for (const child of element.children) shorten(child);
}

/** An SVG element with attributes and children. A string is a text node. */
export function svg(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  ...children: readonly (Element | string)[]
): Element {
  const element = DOCUMENT.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

/** Serializes a node to well-formed XML. */
export const serialize = (node: Node): string => serializeToWellFormedString(node);
