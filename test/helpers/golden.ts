/** The golden files of test/vectors/golden/files.py, in Node and in a browser. */

import files from '../vectors/golden/files.json' with { type: 'json' };

/** A table in a golden file. */
export interface GoldenTable {
  readonly options: { readonly tensor?: string };
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Little-endian f32 in hexadecimal. */
  readonly values: string;
  readonly words?: readonly string[];
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A golden file. */
export interface GoldenFile {
  readonly sha256: string;
  readonly bytes: number;
  readonly format: string;
  readonly tables: readonly GoldenTable[];
}

/** Every golden file by its name. */
export const GOLDEN = files as unknown as Readonly<Record<string, GoldenFile>>;

/** The names of the files that are complete in themselves: all but the index of the shards. */
export const WHOLE = Object.keys(GOLDEN).filter((name) => !name.endsWith('.json'));

/** The URL of a golden file: `file:` in Node, `http:` in a browser. */
export const goldenUrl = (name: string): URL => new URL(`../vectors/golden/files/${name}`, import.meta.url);

/** The bytes of a golden file. */
export const goldenBytes = (name: string): Promise<Uint8Array<ArrayBuffer>> => contentOf(goldenUrl(name));

/** The bytes of a file of the project. */
export async function contentOf(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  if (url.protocol === 'file:') {
    return new Uint8Array(process.getBuiltinModule('node:fs').readFileSync(url));
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.href}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Bytes of digits. */
export const fromHex = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(text.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));

/** The values of a table. */
export const goldenValues = ({ values }: GoldenTable): Float32Array<ArrayBuffer> =>
  new Float32Array(fromHex(values).buffer);
