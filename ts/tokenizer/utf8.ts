/**
 * UTF-8 on every host: with the `TextEncoder` and `TextDecoder` of the host, which are faster, or with the same rules in
 * JavaScript where they are missing, as in an audio worklet.
 *
 * The rules are those of the Encoding standard. Malformed bytes become one U+FFFD for each maximal subpart: the longest
 * run of bytes that a character could begin with, or a single byte.
 */

// Declared here because no `lib` in use declares them.
declare const TextEncoder: undefined | (new () => { encode(text: string): Uint8Array });
declare const TextDecoder:
  | undefined
  | (new (label: 'utf-8', options: { ignoreBOM: boolean }) => { decode(bytes: Uint8Array): string });

const REPLACEMENT = 0xfffd;

/** Encodes a text. A lone surrogate becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  return typeof TextEncoder === 'function' ? new TextEncoder().encode(text) : encode(text);
}

/** Decodes UTF-8. A byte order mark is kept; malformed bytes become U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  if (bytes.length === 0) return '';
  return typeof TextDecoder === 'function'
    ? new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
    : decode(bytes);
}

/**
 * The offset of a character at the end that is incomplete, or the length. Decoding the bytes before and after this
 * offset separately gives the same text as decoding them together.
 */
export function endOfCharacters(bytes: Uint8Array): number {
  const { length } = bytes;
  for (let at = length - 1; at >= 0 && at >= length - 3; at--) {
    // A byte that is not a continuation always begins a sequence.
    if ((bytes[at]! & 0xc0) !== 0x80) return at + lengthFrom(bytes[at]!) > length ? at : length;
  }
  return length;
}

/** The offset of the first malformed sequence, or the length. */
export function firstMalformed(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const length = sequence(bytes, at);
    if (length < 0) return at;
    at += length;
  }
  return at;
}

/** The number of bytes of a character with this first byte; 1 for a byte that begins no character. */
function lengthFrom(first: number): number {
  if (first < 0xc2 || first > 0xf4) return 1;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/** The length of the character at `at`, or minus the length of a malformed sequence. */
function sequence(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  const length = lengthFrom(first);
  if (length === 1) return -1;
  // The second byte excludes overlong forms, surrogates and code points beyond U+10FFFF.
  let low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  let high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  for (let k = 1; k < length; k++) {
    const byte = bytes[at + k]!;
    if (!(byte >= low && byte <= high)) return -k; // also at the end, where it is undefined
    [low, high] = [0x80, 0xbf];
  }
  return length;
}

/** The number of UTF-16 units that become text at once. Engines limit the arguments of a call. */
const UNITS = 4096;

function decode(bytes: Uint8Array): string {
  const units: number[] = [];
  let text = '';
  for (let at = 0; at < bytes.length;) {
    if (units.length >= UNITS) text += String.fromCharCode(...units.splice(0));
    const length = sequence(bytes, at);
    if (length < 0) {
      units.push(REPLACEMENT);
      at -= length;
      continue;
    }
    let point = length === 1 ? bytes[at]! : bytes[at]! & (0x7f >> length);
    for (let k = 1; k < length; k++) point = (point << 6) | (bytes[at + k]! & 0x3f);
    at += length;
    if (point > 0xffff) {
      units.push(0xd7c0 + (point >> 10));
      point = 0xdc00 | (point & 0x3ff);
    }
    units.push(point);
  }
  return text + String.fromCharCode(...units);
}

function encode(text: string): Uint8Array {
  const bytes = new Uint8Array(3 * text.length); // a surrogate pair has 4 bytes
  let at = 0;
  for (let unit = 0; unit < text.length; unit++) {
    let point = text.codePointAt(unit)!;
    if (point < 0x80) {
      bytes[at++] = point;
      continue;
    }
    if (point > 0xffff) unit++;
    else if (point >= 0xd800 && point <= 0xdfff) point = REPLACEMENT;
    if (point < 0x800) {
      bytes[at++] = 0xc0 | (point >> 6);
    } else {
      if (point < 0x10000) {
        bytes[at++] = 0xe0 | (point >> 12);
      } else {
        bytes[at++] = 0xf0 | (point >> 18);
        bytes[at++] = 0x80 | ((point >> 12) & 0x3f);
      }
      bytes[at++] = 0x80 | ((point >> 6) & 0x3f);
    }
    bytes[at++] = 0x80 | (point & 0x3f);
  }
  return bytes.slice(0, at);
}
