/** The generator and the initialisers of api.md in plain JavaScript, written from its words alone. */

/** The high and the low half of a 32 x 32 bit product. */
function multiply(a: number, b: number): readonly [high: number, low: number] {
  const product = BigInt(a) * BigInt(b);
  return [Number(product >> 32n), Math.imul(a, b) >>> 0];
}

type Words = readonly [number, number, number, number];

/** Philox4x32-10. */
export function philox(counter: Words, key: readonly [number, number]): Words {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = multiply(c0, 0xd2511f53);
    const [high1, low1] = multiply(c2, 0xcd9e8d57);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** Block `block` of a table's stream: four words. */
function block(seed: number | bigint, stream: number, block: number): Words {
  const bits = BigInt(seed);
  const key = [Number(bits & 0xffff_ffffn), Number(bits >> 32n)] as const;
  return philox([block % 2 ** 32, Math.floor(block / 2 ** 32), 0, stream], key);
}

/** The neighbour of an f32 in the direction of zero or away from it. */
function step(value: number, by: number): number {
  const float = Float32Array.of(value);
  new Uint32Array(float.buffer)[0]! += by;
  return float[0]!;
}

/** Element `i` of U[-a, a): f32(-a + 2 a u), then the nearest f32 inside. */
export function uniform(seed: number | bigint, i: number, a: number, stream = 0): number {
  const u = (block(seed, stream, Math.floor(i / 4))[i % 4]! + 0.5) / 2 ** 32;
  const value = Math.fround(-a + 2 * a * u);
  return value >= a || value < -a ? step(value, -1) : value;
}

/** Element `i` of N(0, std), with the host's ln, sin and cos: the rounding to f32 hides their last bits. */
export function normal(seed: number | bigint, i: number, std: number, stream = 0): number {
  const words = block(seed, stream, Math.floor(i / 2));
  const unit = (high: number, low: number): number =>
    (Number((BigInt(high) * 2n ** 32n + BigInt(low)) >> 11n) + 0.5) / 2 ** 53;
  const u1 = unit(words[0], words[1]);
  const u2 = unit(words[2], words[3]);
  const r = Math.sqrt(-2 * Math.log(u1));
  const turn = 2 * Math.PI * u2;
  return Math.fround(r * (i % 2 === 0 ? Math.cos(turn) : Math.sin(turn)) * std);
}
