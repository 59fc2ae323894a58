/**
 * Node, Deno and Bun: files, environment variables, and everything at once.
 *
 * Their own modules are asked for where they are used. An `import` of `node:fs` makes a module of all that it
 * exports, streams included, which takes longer than all else here together.
 */

import type { Loader } from './loader.js';
import type { NativeBinding } from './contract.js';

const builtin = process.getBuiltinModule;
const { constants } = builtin('node:buffer');
const CORE = new URL('../core.wasm', import.meta.url);

/** The names an addon of this platform may have, as @napi-rs/cli gives them. */
function platforms(): string[] {
  const { platform, arch } = process;
  if (platform === 'linux') return [`linux-${arch}-gnu`, `linux-${arch}-musl`];
  if (platform === 'win32') return [`win32-${arch}-msvc`];
  return [`${platform}-${arch}`];
}

/** The addon beside us, of a package that was packed on such a platform: as `require` loads one, without its search. */
function beside(platform: string): NativeBinding {
  const name = `native/tokenbed.${platform}.node`;
  const file = builtin('node:url').fileURLToPath(new URL(`../${name}`, import.meta.url));
  if (!builtin('node:fs').existsSync(file)) throw new Error(`${name} is not there`);
  const addon = { exports: {} };
  process.dlopen(addon, file);
  return addon.exports as NativeBinding;
}

/** The addon as a package of its own. */
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

/** Asked once: the system is slow to answer, several times as slow as a small table is to make. */
function memoryLimit(): number {
  if (limit === 0) {
    // 0 or an absurdly large number where no control group limits the process.
    const constrained = process.constrainedMemory?.() ?? 0;
    const total = builtin('node:os').totalmem();
    limit = constrained > 0 ? Math.min(total, constrained) : total;
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
  const { availableParallelism, cpus } = builtin('node:os');
  return {
    platform: `Node.js ${version.slice(1)}, ${platform}-${arch}`,
    processor: cpus()[0]?.model.trim() ?? null,
    processors: availableParallelism(),
  };
}

/** An ES module, required: Node, Deno and Bun can, as long as nothing in it awaits while it is loaded. */
function report(): void {
  try {
    builtin('node:module').createRequire(import.meta.url)('../report/index.js');
  } catch (error) {
    // Bundled into somebody's file, this one has lost its neighbours: the renderer says what to import.
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
  }
}

/** The host as this package sees it. */
export const loader: Loader = {
  synchronous: true,
  native,
  readCore: () => new Uint8Array(builtin('node:fs').readFileSync(CORE)),
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
