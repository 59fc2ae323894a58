/**
 * The WASM backend: kernels, tables and tensors in one linear memory.
 *
 * Views of that memory are made here and handed to nobody but `Storage.data`, which makes a new one whenever
 * growth has emptied the old.
 */

import { tooLarge } from '../errors.js';
import {
  type Backend,
  FREQUENCY_BYTES,
  type Handle,
  type WasmBinding,
  type Storage,
  type Table,
} from './backend.js';
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
 * How many rows JavaScript copies sooner than the module, which is called for as long as a few rows take. Cold rows are
 * the measure: the module waits for several at once, so 8 of them were 1.2 times as fast there as in JavaScript.
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
  if (settings.isa !== undefined) kernels.lowerIsa(settings.isa);

  let held = 0;
  /** A table and the function that frees it, which must not refer to what it frees it for. */
  const allocate = (what: string, rows: number, dim: number) => {
    const [bytes, limit] = [rows * dim * 4, Math.min(ADDRESSABLE - held, LARGEST)];
    if (bytes > limit) throw tooLarge(what, bytes, limit);
    const handle = kernels.tableAllocate(rows, dim);
    // The engine grants no more: what there is already is all there will be.
    if (handle < 0) throw tooLarge(what, bytes, Math.max(0, memory.buffer.byteLength - held));
    held += bytes;
    let weight = ballast(bytes);
    const release = () => {
      held -= bytes;
      weight = null;
      if (health.lost === null) kernels.free(handle);
    };
    return { handle, release, weight };
  };

  const backend: Backend = {
    name: 'wasm',
    isa: kernels.isa() as Backend['isa'],
    threads: 1,
    kernels,
    get lost() {
      return health.lost !== null;
    },
    table(rows, dim): Table {
      const { handle, release } = allocate('A table', rows, dim);
      const view = new LinearView(memory, kernels.tableAddress(handle), rows * dim);
      const few = new FewRows(rows, dim, FEW_ROWS, () => (health.lost === null ? view.floats : null));
      return new OwnedTable(backend, rows, dim, handle, release, few);
    },
    sinusoid(dim, base, halves): Handle {
      const [bytes, limit] = [dim * FREQUENCY_BYTES, ADDRESSABLE - held];
      if (bytes > limit) throw tooLarge('The frequencies', bytes, limit);
      const handle = kernels.sinusoid(dim, base, halves);
      return new OwnedHandle(handle, () => health.lost === null && kernels.free(handle));
    },
    // Nothing in a module can reach ordinary memory.
    advise() {},
    allocate(length): Storage {
      const { handle, release } = allocate('A tensor', 1, length);
      const view = new LinearView(memory, kernels.tableAddress(handle), length);
      return new LinearStorage(view, handle, release);
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
