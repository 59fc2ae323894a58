/**
 * Environment variables: all instruction sets and all thresholds give identical bits, and a malformed value is an error.
 */

import { rm } from 'node:fs/promises';
import path from 'node:path';
import type * as Package from 'tokenbed';
import type { BackendInfo } from 'tokenbed';
import { describe, expect, inject, it } from 'vitest';
import { copyOfPackage, jsonOf, runProgram } from '../helpers/children.js';

const backend = inject('backend');

interface Digest {
  readonly info: BackendInfo;
  readonly digest: string;
}
const digest = (env: Record<string, string>) =>
  jsonOf<Digest>(runProgram('digest.mjs', [], { TOKENBED_BACKEND: backend, ...env }));

const x64 = process.arch === 'x64';
const KINDS =
  backend === 'wasm' ? ['scalar', 'simd128'] : x64 ? ['scalar', 'avx2', 'avx512'] : ['scalar', 'neon'];
/** The instruction sets that every machine of this kind must support; AVX-512 depends on the processor. */
const MUST = KINDS.filter((isa) => isa !== 'avx512');

const reference = digest({ TOKENBED_BACKEND: 'wasm', TOKENBED_ISA: 'scalar' });

describe('TOKENBED_ISA', () => {
  it.each(KINDS)('%s is bit-identical to WASM', async (isa) => {
    const [{ digest: expected }, best, actual] = [
      await reference,
      await digest({}),
      await digest({ TOKENBED_ISA: isa }),
    ];
    expect(actual.info.name).toBe(backend);
    expect(actual.digest).toBe(expected);
    if (actual.info.isa === isa) {
      console.log(`${backend} ${isa}: run`);
    } else {
      console.log(`${backend} ${isa}: NOT RUN: this processor has ${best.info.isa}`);
      expect(MUST).not.toContain(isa);
      expect(actual.info.isa).toBe(best.info.isa);
    }
  });

  it('unset selects the best, with identical bits', async () => {
    const { info, digest: bits } = await digest({});
    expect(bits).toBe((await reference).digest);
    expect(KINDS.slice(1)).toContain(info.isa);
    expect((await digest({ TOKENBED_ISA: '' })).info.isa).toBe(info.isa);
  });

  it('never raises: an instruction set of the other backend has no effect', async () => {
    const best = (await digest({})).info.isa;
    for (const isa of backend === 'wasm' ? ['avx2', 'neon'] : ['simd128']) {
      const env = { TOKENBED_BACKEND: backend, TOKENBED_ISA: isa };
      expect((await jsonOf<BackendInfo>(runProgram('info.mjs', [], env))).isa).toBe(best);
    }
  });
});

describe('TOKENBED_TUNING', () => {
  it.each(['intel', 'granite', 'zen4', 'zen5', 'amd', 'arm', 'other'])(
    '%s is bit-identical',
    async (tuning) => {
      expect((await digest({ TOKENBED_TUNING: tuning })).digest).toBe((await reference).digest);
    },
  );
});

describe('a malformed variable', () => {
  const errorOf = async (env: Record<string, string>) => {
    const { code, stderr } = await runProgram('info.mjs', [], { TOKENBED_BACKEND: backend, ...env });
    expect(code).toBe(1);
    expect(stderr).toContain('ERR_INVALID_OPTION');
    return stderr;
  };

  const foreign = backend === 'native' ? [x64 ? 'neon' : 'avx2'] : [];
  it.each(['sse2', 'AVX2', 'avx512 ', '1', ...foreign])('TOKENBED_ISA=%s', async (value) => {
    expect(await errorOf({ TOKENBED_ISA: value })).toContain('TOKENBED_ISA');
  });

  it.each(['zen', 'Zen5', 'zen5 ', '26'])('TOKENBED_TUNING=%s', async (value) => {
    const text = await errorOf({ TOKENBED_TUNING: value });
    expect(text).toContain('TOKENBED_TUNING');
    expect(text).toContain('one of intel, granite, zen4, zen5, amd, arm, other');
  });

  it.each(['0', '-1', '1.5', 'two', '1e1', '10000'])('TOKENBED_THREADS=%s', async (value) => {
    expect(await errorOf({ TOKENBED_THREADS: value })).toContain('TOKENBED_THREADS');
  });

  it.each(['napi', 'WASM', '1'])('TOKENBED_BACKEND=%s', async (value) => {
    expect(await errorOf({ TOKENBED_BACKEND: value })).toContain('TOKENBED_BACKEND');
  });
});

describe('a valid variable', () => {
  const info = (env: Record<string, string>) =>
    jsonOf<BackendInfo>(runProgram('info.mjs', [], { TOKENBED_BACKEND: backend, ...env }));

  it.each(['1', '2', '64', '9999', ''])('TOKENBED_THREADS=%s', async (value) => {
    const { threads } = await info({ TOKENBED_THREADS: value });
    expect(threads).toBeGreaterThanOrEqual(1);
    expect(threads).toBeLessThanOrEqual(Number(value) || Infinity);
  });

  it('TOKENBED_THREADS does not change results', async () => {
    expect((await digest({ TOKENBED_THREADS: '2' })).digest).toBe((await reference).digest);
  });

  it.each([
    ['auto', 'native'],
    ['', 'native'],
    ['native', 'native'],
    ['wasm', 'wasm'],
  ])('TOKENBED_BACKEND=%s is answered by %s', async (value, name) => {
    expect(await info({ TOKENBED_BACKEND: value })).toMatchObject({ name, fallbackReason: null });
  });
});

describe('without the addon', () => {
  it('auto uses WASM and gives the reason; native is an error with a cause; wasm has no fallback reason', async () => {
    const copy = await copyOfPackage();
    try {
      await rm(path.join(copy.dist, 'native'), { recursive: true });
      const saved = process.env['TOKENBED_BACKEND'];
      delete process.env['TOKENBED_BACKEND'];
      try {
        const api = (await import(copy.url('index.mjs'))) as typeof Package;
        const info = api.backendInfo();
        expect(info.name).toBe('wasm');
        expect(info.fallbackReason).toContain('no addon');
        const refusal = await api.init({ backend: 'native' }).then(
          () => undefined,
          (error: unknown) => error,
        );
        expect(refusal).toMatchObject({ code: 'ERR_BACKEND_UNAVAILABLE', backend: 'native' });
        expect((refusal as Error).cause).toBeInstanceOf(Error);
        expect(api.backendInfo()).toEqual(info);
        expect(await api.init({ backend: 'wasm' })).toMatchObject({ name: 'wasm', fallbackReason: null });
        expect(await api.init()).toMatchObject({ name: 'wasm' });
        process.env['TOKENBED_BACKEND'] = 'native';
        await expect(api.init()).rejects.toMatchObject({ code: 'ERR_BACKEND_UNAVAILABLE' });
      } finally {
        if (saved === undefined) delete process.env['TOKENBED_BACKEND'];
        else process.env['TOKENBED_BACKEND'] = saved;
      }
    } finally {
      await copy.remove();
    }
  });
});
