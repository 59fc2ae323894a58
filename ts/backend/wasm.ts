/**
 * The WASM backend: kernels, tables and tensors in one linear memory.
 *
 * Views of that memory are made here and handed to nobody but `Storage.data`, which makes a new one whenever
 * growth has emptied the old.
 */

import { tooLarge } from '../errors.js';
import { TableSpec } from '../table-spec.js';
import {
  type Backend,
  FREQUENCY_BYTES,
  type Handle,
  type Kernels,
  type WasmBinding,
  type Storage,
  type Table,
} from './contract.js';
import { FewRows } from './few-rows.js';
import { guarded, type Health, internalError } from './guard.js';
import type { Loader } from './loader.js';
import { OwnedHandle, OwnedTable } from './table.js';
import { createGlue } from './wasm-glue.js';

const PAGE = 65_536;
/** All that 32 bits can address, but for the last page: the allocator leaves it alone. */
const ADDRESSABLE = 2 ** 32 - PAGE;
/** The largest single piece: Rust allows none of 2 GiB where a pointer has 32 bits. */
const LARGEST = 2 ** 31 - 16;

/**
 * Row count up to which copying in JavaScript beats a call of the module, which takes as long as a few rows. Measured on
 * cold rows: the module waits for several at once, so 8 of them were 1.2 times as fast there as in JavaScript.
 */
const FEW_ROWS = 3;

/** As much memory as the engine grants of what the loader would like to reserve. */
function reserve(reservations: readonly number[]): WebAssembly.Memory {
  for (const initial of reservations.slice(0, -1)) {
    try {
      return new WebAssembly.Memory({ initial, maximum: 65_536 });
    } catch {
      // Too much address space for this process: ask for half.
    }
  }
  return new WebAssembly.Memory({ initial: reservations.at(-1)!, maximum: 65_536 });
}

/**
 * Ordinary memory as large as what a table takes of linear memory, never touched and so never resident.
 *
 * The collector does not see linear memory: 10,000 forgotten tables of 1 MiB would be some small objects to it,
 * and it would have no reason to run and let their finalizers free them.
 */
function ballast(bytes: number): ArrayBuffer | null {
  try {
    return new ArrayBuffer(Math.min(bytes, 256 * 2 ** 20));
  } catch {
    return null;
  }
}

/** A backend over an instance of its own of `module`. */
export function wasmBackend(
  loader: Loader,
  module: WebAssembly.Module,
  settings: { isa: string | undefined },
): Backend {
  const memory = reserve(loader.reservations);
  const glue = createGlue();
  glue.initSync({ module, memory });

  const health: Health = { lost: null };
  const kernels = guarded<WasmBinding>({ ...glue }, health, (error) => {
    if (!(error instanceof WebAssembly.RuntimeError)) return internalError((error as Error).message, error);
    // A trap leaves the instance in an unknown state: nothing of it is used again.
    health.lost = internalError(panicText(glue) || error.message, error);
    return health.lost;
  });
  if (settings.isa !== undefined) kernels.lowerIsa(settings.isa); // one of a processor lowers nothing here

  let used = 0;
  /** A table, and the function that frees it, which must not refer to what it frees it for. */
  const allocate = (what: string, spec: TableSpec, zeros: boolean) => {
    const { rows, dim, dtype, bytes } = spec;
    const limit = Math.min(ADDRESSABLE - used, LARGEST);
    if (bytes > limit) throw tooLarge(what, bytes, limit);
    const handle = kernels.tableCreate({ rows, dim, dtype, zeros });
    // The engine grants no more memory than there is already.
    if (handle === undefined) throw tooLarge(what, bytes, Math.max(0, memory.buffer.byteLength - used));
    used += bytes;
    let weight = ballast(bytes);
    const release = () => {
      used -= bytes;
      weight = null;
      if (health.lost === null) kernels.free(handle);
    };
    const address = kernels.tableAddress(handle);
    const view = address === undefined ? null : new LinearView(memory, address, spec.values);
    return { handle, release, weight, view };
  };

  const backend: Backend = {
    name: 'wasm',
    isa: kernels.isa() as Backend['isa'],
    threads: 1,
    kernels,
    get lost() {
      return health.lost !== null;
    },
    table(spec, contents): Table {
      const { handle, release, view } = allocate('A table', spec, contents === 'zeros');
      const few = new FewRows(spec, FEW_ROWS, () =>
        health.lost === null && view !== null ? view.floats : null,
      );
      return new OwnedTable(backend, spec, handle, release, few);
    },
    sinusoid(record): Handle {
      const [bytes, limit] = [record.dim * FREQUENCY_BYTES, ADDRESSABLE - used];
      if (bytes > limit) throw tooLarge('The frequencies', bytes, limit);
      return backend.prepare(() => kernels.sinusoidCreate(record));
    },
    prepare(create: (kernels: Kernels) => number): Handle {
      const handle = create(kernels);
      return new OwnedHandle(handle, () => health.lost === null && kernels.free(handle));
    },
    allocate(length): Storage {
      const { handle, release, view } = allocate('A tensor', new TableSpec(length, 1), true);
      return new LinearStorage(view!, handle, release);
    },
  };
  return backend;
}

function panicText(glue: WasmBinding): string {
  try {
    return glue.lastPanic();
  } catch {
    return '';
  }
}

/** Floats of linear memory, seen through a view that is made anew whenever growth has emptied the old one. */
class LinearView {
  #view: Float32Array | null = null;

  constructor(
    private readonly memory: WebAssembly.Memory,
    private readonly address: number,
    private readonly length: number,
  ) {}

  get floats(): Float32Array {
    // An emptied view has no length. To ask the memory for its buffer takes longer than a small lookup.
    if (this.#view === null || this.#view.length === 0) {
      this.#view = new Float32Array(this.memory.buffer, this.address, this.length);
    }
    return this.#view;
  }
}

/** A view with an owner. */
class LinearStorage extends OwnedHandle implements Storage {
  constructor(
    private readonly view: LinearView,
    handle: number,
    release: () => void,
  ) {
    super(handle, release);
  }

  get data(): Float32Array {
    return this.view.floats;
  }
}
