/** Node, Deno and Bun: files, environment variables, and everything at once. */

import { constants } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Loader } from './loader.js';
import type { NativeBinding } from './backend.js';

const require = createRequire(import.meta.url);
const CORE = new URL('../core.wasm', import.meta.url);

/** The names an addon of this platform may have, as @napi-rs/cli gives them. */
function platforms(): string[] {
  const { platform, arch } = process;
  if (platform === 'linux') return [`linux-${arch}-gnu`, `linux-${arch}-musl`];
  if (platform === 'win32') return [`win32-${arch}-msvc`];
  return [`${platform}-${arch}`];
}

function native(): NativeBinding {
  const reasons: string[] = [];
  for (const platform of platforms()) {
    // Beside us (this package was packed on such a platform), or a package of its own.
    for (const name of [`../native/tokenbed.${platform}.node`, `@tokenbed/${platform}`]) {
      try {
        return require(name) as NativeBinding;
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        const missing = code === 'MODULE_NOT_FOUND' && message.includes(name.replace('../', ''));
        reasons.push(missing ? `${name.replace('../', '')} is not there` : message.split('\n')[0]!);
      }
    }
  }
  throw new Error(`no addon for ${process.platform}-${process.arch} can be loaded: ${reasons.join('; ')}`);
}

async function compile(source: string | URL = CORE): Promise<WebAssembly.Module> {
  const text = String(source);
  if (/^(https?|data|blob):/.test(text)) {
    const response = await fetch(text);
    if (!response.ok) throw new Error(`${text}: HTTP status ${response.status}`);
    return WebAssembly.compile(await response.arrayBuffer());
  }
  const bytes = await readFile(text.startsWith('file:') ? fileURLToPath(text) : text);
  return WebAssembly.compile(new Uint8Array(bytes));
}

let limit = 0;

/** Asked once: the system is slow to answer, several times as slow as a small table is to make. */
function memoryLimit(): number {
  if (limit === 0) {
    // 0 or an absurdly large number where no control group limits the process.
    const constrained = process.constrainedMemory?.() ?? 0;
    limit = constrained > 0 ? Math.min(totalmem(), constrained) : totalmem();
  }
  return limit;
}

function floats(length: number): Float32Array<ArrayBuffer> {
  // `allocUnsafeSlow` gives an ArrayBuffer of its own that was never zeroed; beyond its limit, zeros will do.
  if (length === 0 || length * 4 > constants.MAX_LENGTH) return new Float32Array(length);
  const bytes = Buffer.allocUnsafeSlow(length * 4);
  return new Float32Array(bytes.buffer, bytes.byteOffset, length);
}

function machine() {
  const { version, platform, arch } = process;
  return {
    platform: `Node.js ${version.slice(1)}, ${platform}-${arch}`,
    processor: cpus()[0]?.model.trim() ?? null,
    processors: availableParallelism(),
  };
}

/** An ES module, required: Node, Deno and Bun can, as long as nothing in it awaits while it is loaded. */
function report(): void {
  try {
    require('../report/index.js');
  } catch (error) {
    // Bundled into somebody's file, this one has lost its neighbours: the renderer says what to import.
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
  }
}

/** The host as this package sees it. */
export const loader: Loader = {
  synchronous: true,
  native,
  readCore: () => new Uint8Array(readFileSync(CORE)),
  compile,
  variable: (name) => process.env[name] || undefined,
  memoryLimit,
  // V8 counts elements here, and MAX_LENGTH is the count for bytes.
  longestArray: Math.min(constants.MAX_LENGTH * 4, Number.MAX_SAFE_INTEGER),
  floats,
  machine,
  report,
  // Reserving costs address space only, and a memory that never grows never moves. Halved when refused.
  reservations: [65_536, 32_768, 16_384, 8192, 4096, 2048, 1024, 512, 256],
};
