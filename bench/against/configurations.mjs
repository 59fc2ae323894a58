/** The configurations of a comparison with an earlier build. Each sets the environment of a separate process. */

/** @type {Record<string, { backends: readonly ('native' | 'wasm')[], env: Record<string, string> }>} */
export const ON = {
  avx512: native({ TOKENBED_ISA: 'avx512' }),
  avx2: native({ TOKENBED_ISA: 'avx2' }),
  neon: native({ TOKENBED_ISA: 'neon' }),
  scalar: native({ TOKENBED_ISA: 'scalar' }),
  threads: native({ TOKENBED_THREADS: '2' }),
  wasm: { backends: ['wasm'], env: { TOKENBED_THREADS: '1' } },
};

export const CONFIGURATIONS = Object.keys(ON);

/** The native backend on one thread, unless `env` sets the threads. @param {Record<string, string>} env */
function native(env) {
  return { backends: /** @type {const} */ (['native']), env: { TOKENBED_THREADS: '1', ...env } };
}
