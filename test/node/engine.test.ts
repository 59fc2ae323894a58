/** Engines that cannot run the WASM: the error says what is missing, names versions, and says what to do. */

import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { jsonOf, runProgram } from '../helpers/children.js';

interface Refused {
  readonly errors: Readonly<Record<string, { code: string; message: string; cause: string } | null>>;
  readonly provided: string | null;
}
const refused = (flags: readonly string[], args: readonly string[] = [], backend = 'wasm') =>
  jsonOf<Refused>(runProgram('engine.mjs', args, { TOKENBED_BACKEND: backend }, flags));

const VERSIONS = 'Chrome 91, Firefox 89, Safari 16.4, Node 16.4';

function expectReason({ errors }: Refused, ways: readonly string[], ...parts: string[]): void {
  expect(Object.keys(errors)).toEqual(ways);
  for (const error of Object.values(errors)) {
    expect(error).toMatchObject({ code: 'ERR_BACKEND_UNAVAILABLE' });
    for (const part of [...parts, VERSIONS]) expect(error?.message).toContain(part);
    expect(error?.message).not.toContain('\n');
    expect(error?.cause).toMatch(/Error: /);
  }
}

describe('ERR_BACKEND_UNAVAILABLE', () => {
  it('in an engine without WebAssembly', async () => {
    const result = await refused(['--jitless']);
    expectReason(result, ['init', 'initSync', 'first use'], 'no WebAssembly.', '--jitless');
  });

  it('on an x86 processor without SSE4.1; other processors have no such option', async () => {
    const result = await refused(['--no-enable-sse4-1']);
    if (process.arch === 'x64') {
      expectReason(result, ['init', 'initSync', 'first use'], 'no WebAssembly SIMD', 'SSE4.1');
    } else {
      expect(result.errors).toEqual({ init: null, initSync: null, 'first use': null });
    }
  });

  it('where compiling is forbidden; a compiled module works', async () => {
    const result = await refused(['--experimental-vm-modules'], ['forbidden']);
    const words = 'Wasm code generation disallowed by embedder';
    expectReason(result, ['init', 'initSync'], 'forbids', words, "'wasm-unsafe-eval'", 'initSync({ wasm })');
    expect(result.provided).toBe('wasm');
  });

  it('in Node older than `engines` names the versions', async () => {
    const { engines } = manifest;
    const [oldest, newer] = [...engines.node.matchAll(/>=(\S+)/g)].map(([, version]) => version);
    for (const backend of ['auto', 'native', 'wasm']) {
      const { errors } = await refused([], ['old-node'], backend);
      expect(Object.keys(errors)).toEqual(['init', 'first use']);
      for (const error of Object.values(errors)) {
        expect(error).toMatchObject({ code: 'ERR_BACKEND_UNAVAILABLE' });
        const versions = `needs Node ${oldest}, or Node ${newer} and newer: this is Node ${process.versions.node}`;
        expect(error?.message).toContain(versions);
      }
    }
  });
});
