/** Code points as strings: one or two UTF-16 units; a lone surrogate is a code point of its own. */

/** Whether `text` is exactly one code point. */
export function isCodePoint(text: string): boolean {
  return text.length === (text.codePointAt(0)! > 0xffff ? 2 : 1);
}

/** Compares two code points by number (JavaScript's own order goes by UTF-16 units). */
export function byCodePoint(a: string, b: string): number {
  return a.codePointAt(0)! - b.codePointAt(0)!;
}
