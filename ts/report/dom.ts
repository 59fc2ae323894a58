/**
 * A document for the chart library where there is none: it draws by making elements. The same small one everywhere, so
 * that a report is the same text in Node, in a worker and in a page.
 */

import { Document, type Element, type Node, serializeToWellFormedString } from 'slimdom';

const SVG = 'http://www.w3.org/2000/svg';
const HTML = 'http://www.w3.org/1999/xhtml';

/** Where all elements are made. It holds none of them: they live as long as somebody draws with them. */
const DOCUMENT = new Document();
DOCUMENT.appendChild(DOCUMENT.createElementNS(HTML, 'html'));

/** What the chart library is given as `document`: it looks at the namespace of the root and creates elements. */
export const drawingDocument = DOCUMENT as unknown as globalThis.Document;

/** What the chart library gave back, with every attribute as short as the eye allows. */
export function drawn(svg: unknown): Element {
  const root = svg as Element;
  // Its style sheet is one of ours already.
  root.children.find(({ localName }) => localName === 'style')?.remove();
  shorten(root);
  return root;
}

/** Hundredths of a pixel are enough; this also hides the last bits of other engines' logarithms. */
function shorten(element: Element): void {
  for (const { name, value } of element.attributes) {
    const short = value.replace(/-?\d+\.\d{3,}(?:e-?\d+)?/g, (digits) =>
      String(Math.round(Number(digits) * 100) / 100),
    );
    if (short !== value) element.setAttribute(name, short);
  }
  for (const child of element.children) shorten(child);
}

/** An element of SVG with attributes and children; a string is text. */
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

/** As text: well-formed XML. */
export const serialize = (node: Node): string => serializeToWellFormedString(node);
