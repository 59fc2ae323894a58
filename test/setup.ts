/**
 * Before every test file: the backend this project was given is asked for by name, and must be the one that
 * answers. A backend that cannot load therefore fails each file of its project; nothing is skipped.
 */

import { backendInfo, init } from 'tokenbed';
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** The backend of the vitest project that runs this test. */
    backend: 'native' | 'wasm';
  }
}

const asked = inject('backend');
await init({ backend: asked });
const { name } = backendInfo();
if (name !== asked) throw new Error(`this project tests the backend ${asked}, but ${name} answers`);
