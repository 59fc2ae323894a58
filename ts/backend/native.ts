/** The native backend: the kernels of the addon, and tables in its memory. */

import { hasCode, tooLarge, wrongValue } from '../errors.js';
import { floatBytes } from '../table-spec.js';
import { VERSION } from '../version.js';
import {
  type Backend,
  FREQUENCY_BYTES,
  type Handle,
  type Kernels,
  type NativeBinding,
  type Settings,
  type Storage,
  type Table,
} from './contract.js';
import { FewRows } from './few-rows.js';
import { guarded, internalError } from './guard.js';
import type { Host } from '../hosts/host.js';
import { OwnedHandle, OwnedTable } from './table.js';

/** The row count up to which a copy in JavaScript is faster than a native call, whose overhead is 3 or 4 rows. */
function fewRows(dim: number): number {
  return dim <= 1024 ? 3 : 1;
}

class OrdinaryStorage implements Storage {
  disposed = false;
  constructor(readonly data: Float32Array) {}
  dispose(): void {
    this.disposed = true;
  }
}

/** Throws if the addon belongs to another version of the package, whose exports may differ. */
function expectSameVersion(binding: Partial<NativeBinding>): void {
  const version = binding.version?.();
  if (version === VERSION) return;
  const its = version === undefined ? 'does not export its version' : `is version ${version}`;
  throw new Error(`the addon ${its}, this package is ${VERSION}`);
}

/**
 * The backend over the addon of `host`. Errors: `ERR_INVALID_OPTION` for an ISA of another architecture; any other
 * error is the reason why the addon cannot be used.
 */
export function nativeBackend(host: Host, settings: Settings): Backend {
  const kernels = guarded(host.native(expectSameVersion), { lost: null }, (error) =>
    // A mapped file that was cut short: the addon throws the error as it is documented.
    hasCode(error, 'ERR_FORMAT') ? error : internalError((error as Error).message, error),
  );
  // simd128 is an instruction set of WASM, valid on every machine.
  if (settings.isa !== undefined && settings.isa !== 'simd128' && !kernels.lowerIsa(settings.isa)) {
    throw wrongValue('TOKENBED_ISA', settings.isa, 'an instruction set of this architecture');
  }

  const backend: Backend = {
    name: 'native',
    isa: kernels.isa() as Backend['isa'],
    tuning: kernels.useTuning(settings.tuning),
    threads: kernels.useThreads(settings.threads),
    kernels,
    texts: kernels,
    lost: false,
    get limit() {
      return host.memoryLimit();
    },
    table(spec, contents): Table {
      const { rows, dim, dtype, bytes } = spec;
      const limit = host.memoryLimit();
      const handle =
        bytes <= limit ? kernels.tableCreate({ rows, dim, dtype, zeros: contents === 'zeros' }) : undefined;
      if (handle === undefined) throw tooLarge('A table', bytes, limit);
      return backend.adopt(spec, handle);
    },
    adopt(spec, handle): Table {
      let view: Float32Array | null | undefined;
      const few = new FewRows(spec, fewRows(spec.dim), () => {
        if (view === undefined) view = kernels.tableView(handle) ?? null;
        return view;
      });
      return new OwnedTable(backend, spec, handle, () => kernels.free(handle), few);
    },
    map(spec, { fd, path, offset, length }): Table | undefined {
      const { rows, dim, dtype, rowBytes: stride } = spec;
      const handle = kernels.tableMap({ fd, path, offset, length, rows, dim, dtype, stride });
      if (handle === undefined) return undefined;
      // JavaScript has no view of the file, which may become shorter at any time.
      const none = new FewRows(spec, 0, () => null);
      return new OwnedTable(backend, spec, handle, () => kernels.free(handle), none);
    },
    sinusoid(record): Handle {
      const [bytes, limit] = [record.dim * FREQUENCY_BYTES, host.memoryLimit()];
      if (bytes > limit) throw tooLarge('The frequencies', bytes, limit);
      return backend.prepare(() => kernels.sinusoidCreate(record));
    },
    prepare(create: (kernels: Kernels) => number): Handle {
      const handle = create(kernels);
      return new OwnedHandle(handle, () => kernels.free(handle));
    },
    allocate(length): Storage {
      const [bytes, limit] = [floatBytes(length), Math.min(host.memoryLimit(), host.longestArray)];
      if (bytes > limit) throw tooLarge('A tensor', bytes, limit);
      try {
        return new OrdinaryStorage(new Float32Array(length));
      } catch {
        throw tooLarge('A tensor', bytes, limit);
      }
    },
  };
  return backend;
}
