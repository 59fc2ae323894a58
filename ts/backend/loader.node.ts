/**
 * Node, Deno and Bun: files, environment variables, and synchronous loading.
 *
 * Built-in modules are loaded where they are used. An `import` of `node:fs` initializes all of its exports, streams
 * included, which takes longer than everything else here.
 */

import type { Loader } from './loader.js';
import type { NativeBinding } from './contract.js';

const builtin = process.getBuiltinModule;
const { constants } = builtin('node:buffer');
const CORE = new URL('../core.wasm', import.meta.url);

/** The names that @napi-rs/cli uses for addons of this platform. */
function platforms(): string[] {
  const { platform, arch } = process;
  if (platform === 'linux') return [`linux-${arch}-gnu`, `linux-${arch}-musl`];
  if (platform === 'win32') return [`win32-${arch}-msvc`];
  return [`${platform}-${arch}`];
}

/** The addon inside this package, if it was packed on this platform. As `require`, but without its search. */
function beside(platform: string): NativeBinding {
  const name = `native/tokenbed.${platform}.node`;
  const file = builtin('node:url').fileURLToPath(new URL(`../${name}`, import.meta.url));
  if (!builtin('node:fs').existsSync(file)) throw new Error(`${name} is not there`);
  const addon = { exports: {} };
  process.dlopen(addon, file);
  return addon.exports as NativeBinding;
}

/** The addon from its platform package. */
function packaged(platform: string): NativeBinding {
  const name = `@tokenbed/${platform}`;
  try {
    return builtin('node:module').createRequire(import.meta.url)(name) as NativeBinding;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw code === 'MODULE_NOT_FOUND' && message.includes(name) ? new Error(`${name} is not there`) : error;
  }
}

function native(): NativeBinding {
  const reasons: string[] = [];
  for (const platform of platforms()) {
    for (const load of [beside, packaged]) {
      try {
        return load(platform);
      } catch (error) {
        reasons.push((error as Error).message.split('\n')[0]!);
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
  const file = text.startsWith('file:') ? builtin('node:url').fileURLToPath(text) : text;
  return WebAssembly.compile(new Uint8Array(await builtin('node:fs/promises').readFile(file)));
}

let limit = 0;

/** Cached: the system calls take several times as long as creating a small table. */
function memoryLimit(): number {
  if (limit === 0) {
    // 0 or an absurdly large number if no control group limits the process.
    const constrained = process.constrainedMemory?.() ?? 0;
    const total = builtin('node:os').totalmem();
    limit = constrained > 0 ? Math.min(total, constrained) : total;
  }
  return limit;
}

function floats(length: number): Float32Array<ArrayBuffer> {
  // `allocUnsafeSlow` returns an unzeroed Buffer with a separate ArrayBuffer. Beyond its limit, fall back to zeros.
  if (length === 0 || length * 4 > constants.MAX_LENGTH) return new Float32Array(length);
  const bytes = Buffer.allocUnsafeSlow(length * 4);
  return new Float32Array(bytes.buffer, bytes.byteOffset, length);
}

function machine() {
  const { version, platform, arch } = process;
  const { availableParallelism, cpus } = builtin('node:os');
  return {
    platform: `Node.js ${version.slice(1)}, ${platform}-${arch}`,
    processor: cpus()[0]?.model.trim() ?? null,
    processors: availableParallelism(),
  };
}

/** Loads an ES module with `require`: Node, Deno and Bun support that for modules without top-level await. */
function report(): void {
  try {
    builtin('node:module').createRequire(import.meta.url)('../report/index.js');
  } catch (error) {
    // In a bundle the file does not exist. The error of `renderer` then says what to import.
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
  }
}

/** The loader of this host. */
export const loader: Loader = {
  synchronous: true,
  native,
  readCore: () => new Uint8Array(builtin('node:fs').readFileSync(CORE)),
  compile,
  variable: (name) => process.env[name] || undefined,
  memoryLimit,
  // V8 limits the number of elements; MAX_LENGTH is the limit for a byte array.
  longestArray: Math.min(constants.MAX_LENGTH * 4, Number.MAX_SAFE_INTEGER),
  floats,
  machine,
  report,
  // A reservation costs only address space, and a memory that never grows never moves. Each fallback is half as large.
  reservations: [65_536, 32_768, 16_384, 8192, 4096, 2048, 1024, 512, 256],
};
