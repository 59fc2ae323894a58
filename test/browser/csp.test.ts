/**
 * Content security policies: the package needs `'wasm-unsafe-eval'`, but not `'unsafe-eval'`. Without the former the browser
 * does not compile WebAssembly, and `init` reports it.
 */

import { afterEach, describe, expect, it } from 'vitest';
import { packageInPage, removePages } from './pages.js';

const ENTRY = new URL('../../dist/index.js', import.meta.url).href;
const { origin } = new URL(ENTRY);

afterEach(removePages);

const policy = (scripts: string) =>
  `default-src 'none'; connect-src ${origin}; script-src ${origin} 'nonce-here' ${scripts}`;

describe('a content security policy', () => {
  it("needs only 'wasm-unsafe-eval'", async () => {
    const { init, Embedding } = await packageInPage(ENTRY, policy("'wasm-unsafe-eval'"));
    expect(await init()).toMatchObject({ name: 'wasm', isa: 'simd128' });
    const row = new Embedding({ vocabSize: 4, embeddingDim: 2, seed: 7 }).forward(3);
    expect(row.shape).toEqual([2]);
  });

  it('without it: init fails, and the error names the policy', async () => {
    const { init } = await packageInPage(ENTRY, policy(''));
    const error = await init().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'ERR_BACKEND_UNAVAILABLE' });
    expect((error as Error).message).toContain('Content Security Policy');
    expect((error as { cause: unknown }).cause).toBeDefined();
  });
});
