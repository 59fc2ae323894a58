/**
 * Runs before every test file: initializes the backend of the project by name and checks that it is active. If the backend
 * cannot load, every file of the project fails; nothing is skipped.
 */

import { backendInfo, init } from 'tokenbed';
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** The backend of the vitest project that runs this test. */
    backend: 'native' | 'wasm';
  }
}

const requested = inject('backend');
await init({ backend: requested });
const { name } = backendInfo();
if (name !== requested) throw new Error(`this project tests the backend ${requested}, but ${name} answers`);
