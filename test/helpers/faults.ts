/** Node alone: a copy of the package built with the cargo feature `faults`, whose kernels panic on demand and count their objects. */

import { cp, readdir } from 'node:fs/promises';
import path from 'node:path';
import type * as Package from 'tokenbed';
import type * as TextPackage from 'tokenbed/text';
import type { Kernels, TextKernels } from '../../dist/backend/contract.cjs';
import { copyOfPackage, root } from './children.js';

/** Exports that only this build has. */
interface Faults {
  __panic(): void;
  __objects(): number;
}

/** The copy, its internals that are used by tests, and a way to delete it. */
export interface FaultyPackage {
  readonly api: typeof Package;
  readonly text: typeof TextPackage;
  readonly insides: {
    activeBackend(): {
      readonly kernels: Kernels & Faults;
      readonly lost: boolean;
    };
  };
  readonly textInsides: {
    activeTexts(): { readonly kernels: TextKernels & Faults; readonly lost: boolean };
  };
  readonly remove: () => Promise<void>;
}

/** Makes such a copy and imports it. */
export async function faultyPackage(): Promise<FaultyPackage> {
  const copy = await copyOfPackage();
  for (const [from, to] of [
    ['native', 'native'],
    ['wasm', '.'],
    ['ts', '.'],
  ] as const) {
    const product = path.join(root, '.cache/faults', from);
    const files = await readdir(product).catch(() => []);
    if (files.length === 0) throw new Error(`build them first: node scripts/build-${from}.mjs --faults`);
    await cp(product, path.join(copy.dist, to), { recursive: true });
  }
  const api = (await import(copy.url('index.mjs'))) as typeof Package;
  const insides = (await import(copy.url('backend/index.cjs'))) as FaultyPackage['insides'];
  const text = (await import(copy.url('text/index.mjs'))) as typeof TextPackage;
  const textInsides = (await import(copy.url('backend/text.cjs'))) as FaultyPackage['textInsides'];
  return { api, insides, text, textInsides, remove: copy.remove };
}
