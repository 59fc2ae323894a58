/**
 * A 128-bit digest: MurmurHash3 (x86, 128 bits) over 32-bit words.
 *
 * It tells contents apart that differ by accident, at the speed of a copy. It is not cryptographic.
 */

// Test runners run files in a context in which each access to a global takes a microsecond.
const { imul } = Math;

const C1 = 0x239b961b;
const C2 = 0xab0e9789 | 0;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93 | 0;

/** Takes lists of words in turn. Each list is padded with zeros to whole blocks of four words. */
export class Digest {
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;
  /** The number of words, as a wide integer. */
  #count = 0;

  /** Adds words. */
  words(words: Uint32Array): this {
    const { length } = words;
    let a = this.#a;
    let b = this.#b;
    let c = this.#c;
    let d = this.#d;
    for (let i = 0; i < length; i += 4) {
      // A word beyond the end is undefined, which `imul` reads as 0.
      let k = imul(words[i]!, C1);
      a ^= imul((k << 15) | (k >>> 17), C2);
      a = (imul(((a << 19) | (a >>> 13)) + b, 5) + 0x561ccd1b) | 0;
      k = imul(words[i + 1]!, C2);
      b ^= imul((k << 16) | (k >>> 16), C3);
      b = (imul(((b << 17) | (b >>> 15)) + c, 5) + 0x0bcaa747) | 0;
      k = imul(words[i + 2]!, C3);
      c ^= imul((k << 17) | (k >>> 15), C4);
      c = (imul(((c << 15) | (c >>> 17)) + d, 5) + 0x96cd1c35) | 0;
      k = imul(words[i + 3]!, C4);
      d ^= imul((k << 18) | (k >>> 14), C1);
      d = (imul(((d << 13) | (d >>> 19)) + a, 5) + 0x32ac3b17) | 0;
    }
    this.#a = a;
    this.#b = b;
    this.#c = c;
    this.#d = d;
    this.#count += length;
    return this;
  }

  /** Adds the lengths and the UTF-16 units of texts. */
  texts(texts: Iterable<string>): this {
    for (const text of texts) {
      const { length } = text;
      const words = new Uint32Array(1 + length);
      words[0] = length;
      for (let i = 0; i < length; i++) words[1 + i] = text.charCodeAt(i);
      this.words(words);
    }
    return this;
  }

  /** 32 hexadecimal digits. */
  toString(): string {
    const bytes = this.#count * 4;
    const high = Math.floor(bytes / 2 ** 32);
    const lanes = mixed([this.#a ^ bytes, this.#b ^ bytes, this.#c ^ bytes, this.#d ^ bytes ^ high]);
    return mixed(lanes.map(scrambled))
      .map((lane) => (lane >>> 0).toString(16).padStart(8, '0'))
      .join('');
  }
}

/** Adds every lane to every other. */
function mixed([a, b, c, d]: number[]): number[] {
  const sum = (a! + b! + c! + d!) | 0;
  return [sum, (b! + sum) | 0, (c! + sum) | 0, (d! + sum) | 0];
}

/** Lets each bit of a lane change every bit of it. */
function scrambled(lane: number): number {
  let h = lane;
  h = imul(h ^ (h >>> 16), 0x85ebca6b);
  h = imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
