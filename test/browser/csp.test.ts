/**
 * Content security policies: the package needs `'wasm-unsafe-eval'`, but not `'unsafe-eval'`. Without the former the browser
 * does not compile WebAssembly, and `init` reports it.
 */

import type * as library from 'tokenbed';
import { afterEach, describe, expect, it } from 'vitest';

type Package = typeof library;

const ENTRY = new URL('../../dist/index.js', import.meta.url).href;
const { origin } = new URL(ENTRY);

const frames: HTMLIFrameElement[] = [];
afterEach(() => frames.splice(0).forEach((frame) => frame.remove()));

/** The result of `use` in a page with the policy. */
async function inPage<T>(policy: string, use: (tokenbed: Package) => Promise<T>): Promise<T> {
  const frame = document.createElement('iframe');
  frames.push(frame);
  const loaded = new Promise<Package>((resolve, reject) => {
    Object.assign(window, { inPage: { resolve, reject } });
    frame.srcdoc = `<meta http-equiv="Content-Security-Policy" content="${policy}">
      <script type="module" nonce="here">
        import(${JSON.stringify(ENTRY)}).then(parent.inPage.resolve, parent.inPage.reject);
      </script>`;
    document.body.append(frame);
  });
  return use(await loaded);
}

const policy = (scripts: string) =>
  `default-src 'none'; connect-src ${origin}; script-src ${origin} 'nonce-here' ${scripts}`;

describe('a content security policy', () => {
  it("needs only 'wasm-unsafe-eval'", async () => {
    const row = await inPage(policy("'wasm-unsafe-eval'"), async ({ init, Embedding }) => {
      expect(await init()).toMatchObject({ name: 'wasm', isa: 'simd128' });
      return new Embedding({ vocabSize: 4, embeddingDim: 2, seed: 7 }).forward(3);
    });
    expect(row.shape).toEqual([2]);
  });

  it('without it: init fails, and the error names the policy', async () => {
    const error = await inPage(policy(''), ({ init }) => init().catch((caught: unknown) => caught));
    expect(error).toMatchObject({ code: 'ERR_BACKEND_UNAVAILABLE' });
    expect((error as Error).message).toContain('Content Security Policy');
    expect((error as { cause: unknown }).cause).toBeDefined();
  });
});
