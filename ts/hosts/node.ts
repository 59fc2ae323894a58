/**
 * Node, Deno and Bun: files, environment variables, and synchronous loading. Tools that know no condition of package.json
 * choose these files for any host, so this also loads with fetch if there is no Node.
 *
 * Built-in modules are loaded where they are used. An `import` of `node:fs` initializes all of its exports, streams
 * included, which takes longer than everything else here. Nothing is computed when this file is loaded: a host may refuse
 * what the program never needs.
 */

import type { ModuleName, NativeBinding } from '../backend/contract.js';
import { firstLine, hasCode } from '../errors.js';
import type { ReportRenderer } from '../profiler/renderer.js';
import { builtin } from './builtin.js';
import type { Host } from './host.js';
import { type Location, locations } from './location.js';
import { nodeFiles } from './node-files.js';

const inNode = (): boolean => typeof process === 'object' && process.versions?.node !== undefined;

const pathOf = (place: string | URL): string => {
  const text = String(place);
  return text.startsWith('file:') ? builtin('url').fileURLToPath(text) : text;
};

/** Uses what `find` finds, one after the other; the first result, or the first error, or `absent`. */
function firstOf<T>(
  find: (location: Location) => string | URL | undefined,
  use: (place: string | URL) => T,
  absent = 'this bundle does not know its address',
): T {
  const failures: unknown[] = [];
  for (const location of locations) {
    try {
      const place = find(location);
      if (place !== undefined) return use(place);
    } catch (error) {
      failures.push(error);
    }
  }
  throw failures[0] ?? new Error(absent);
}

/** Loads a CommonJS file of this package or another package, as `require` beside `core.wasm` does. */
const requireThere = (name: string): unknown =>
  firstOf(
    ({ core }) => core(),
    (place) => builtin('module').createRequire(pathOf(place))(name),
  );

/** The names that @napi-rs/cli uses for addons of this platform. */
function platforms(): string[] {
  const { platform, arch } = process;
  if (platform === 'linux') return [`linux-${arch}-gnu`, `linux-${arch}-musl`];
  if (platform === 'win32') return [`win32-${arch}-msvc`];
  return [`${platform}-${arch}`];
}

/** The addon inside this package, if it was packed on this platform. As `require`, but without its search. */
const packed = (platform: string): NativeBinding =>
  firstOf(
    ({ addon }) => {
      const place = addon(platform);
      return place !== undefined && builtin('fs').existsSync(pathOf(place)) ? place : undefined;
    },
    (place) => {
      const addon = { exports: {} };
      process.dlopen(addon, pathOf(place));
      return addon.exports as NativeBinding;
    },
    `native/tokenbed.${platform}.node is not there`,
  );

/**
 * The addon from its platform package. Tools that copy addons look for literal names, and tolerate absent packages only
 * directly inside a `try`. A bundle whose `require` finds nothing looks from its address.
 */
function fromPackage(platform: string): NativeBinding {
  try {
    switch (platform) {
      case 'darwin-arm64':
        return require('@tokenbed/darwin-arm64') as NativeBinding;
      case 'darwin-x64':
        return require('@tokenbed/darwin-x64') as NativeBinding;
      case 'linux-arm64-gnu':
        return require('@tokenbed/linux-arm64-gnu') as NativeBinding;
      case 'linux-arm64-musl':
        return require('@tokenbed/linux-arm64-musl') as NativeBinding;
      case 'linux-x64-gnu':
        return require('@tokenbed/linux-x64-gnu') as NativeBinding;
      case 'linux-x64-musl':
        return require('@tokenbed/linux-x64-musl') as NativeBinding;
      case 'win32-arm64-msvc':
        return require('@tokenbed/win32-arm64-msvc') as NativeBinding;
      case 'win32-x64-msvc':
        return require('@tokenbed/win32-x64-msvc') as NativeBinding;
    }
  } catch {
    // Not installed, or not reachable by this `require`.
  }
  const name = `@tokenbed/${platform}`;
  try {
    return requireThere(name) as NativeBinding;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw code === 'MODULE_NOT_FOUND' && message.includes(name) ? new Error(`${name} is not there`) : error;
  }
}

function native(accept: (binding: NativeBinding) => void): NativeBinding {
  const reasons: string[] = [];
  for (const platform of platforms()) {
    for (const load of [packed, fromPackage]) {
      try {
        const binding = load(platform);
        accept(binding);
        return binding;
      } catch (error) {
        if (hasCode(error, 'ERR_BACKEND_UNAVAILABLE')) throw error;
        reasons.push(firstLine(error));
      }
    }
  }
  const distinct = [...new Set(reasons)].join('; ');
  throw new Error(`no addon for ${process.platform}-${process.arch} can be loaded: ${distinct}`);
}

async function open(
  module: ModuleName,
  source: string | undefined,
): Promise<Response | Uint8Array<ArrayBuffer>> {
  if (!inNode()) return fetch(source ?? firstOf((location) => location[module](), String));
  if (source === undefined) return read(module);
  if (/^(https?|data|blob):/.test(source)) return fetch(source);
  return new Uint8Array(await builtin('fs/promises').readFile(pathOf(source)));
}

const read = (module: ModuleName): Uint8Array<ArrayBuffer> =>
  firstOf(
    (location) => location[module](),
    (place) => new Uint8Array(builtin('fs').readFileSync(pathOf(place))),
  );

/** The value of `read`, or `otherwise` if the host refuses it. */
function permitted<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

let limit = 0;

/** Cached: the system calls take several times as long as creating a small table. */
function memoryLimit(): number {
  if (limit === 0) {
    // 0 or an absurdly large number if no control group limits the process.
    const constrained = permitted(() => process.constrainedMemory?.() ?? 0, 0);
    const total = permitted(() => builtin('os').totalmem(), Number.MAX_SAFE_INTEGER);
    limit = constrained > 0 ? Math.min(total, constrained) : total;
  }
  return limit;
}

let longest = 0;

/** The longest byte array of the engine. */
const longestBytes = (): number => (longest ||= builtin('buffer').constants.MAX_LENGTH);

let buffers: typeof Buffer | null = null;

function floats(length: number): Float32Array<ArrayBuffer> {
  // `allocUnsafeSlow` returns an unzeroed Buffer with a separate ArrayBuffer. Beyond its limit, fall back to zeros.
  if (length === 0 || length * 4 > longestBytes()) return new Float32Array(length);
  // Not the global `Buffer`: a program that simulates a browser removes or replaces it.
  buffers ??= builtin('buffer').Buffer;
  const bytes = buffers.allocUnsafeSlow(length * 4);
  return new Float32Array(bytes.buffer, bytes.byteOffset, length);
}

function machine() {
  const { version, platform, arch } = process;
  return {
    platform: `Node.js ${version.slice(1)}, ${platform}-${arch}`,
    processor: permitted(() => builtin('os').cpus()[0]?.model.trim() ?? null, null),
    processors: permitted(() => builtin('os').availableParallelism(), null),
  };
}

function report(): ReportRenderer | undefined {
  try {
    return requireThere('./report/index.cjs') as ReportRenderer;
  } catch (error) {
    // In a bundle the file does not exist. The error of `renderer` then says what to import.
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    return undefined;
  }
}

const node: Host = {
  get synchronous() {
    return inNode();
  },
  native,
  read,
  open,
  variable: (name) => permitted(() => process.env[name], undefined) || undefined,
  memoryLimit,
  // V8 limits the number of elements; MAX_LENGTH is the limit for a byte array.
  get longestArray() {
    return Math.min(longestBytes() * 4, Number.MAX_SAFE_INTEGER);
  },
  floats,
  machine,
  report,
  // A tool that resolves for Node may still run the file elsewhere.
  get files() {
    return inNode() ? nodeFiles : undefined;
  },
};

/** The host of Node. */
export const host = (): Host => node;
