/** Code points as strings of one or two UTF-16 units. A lone surrogate counts as a code point. */

/** Whether `text` is exactly one code point. */
export function isCodePoint(text: string): boolean {
  return text.length === (text.codePointAt(0)! > 0xffff ? 2 : 1);
}

/** Compares by code point. (JavaScript compares strings by UTF-16 unit.) */
export function byCodePoint(a: string, b: string): number {
  return a.codePointAt(0)! - b.codePointAt(0)!;
}
