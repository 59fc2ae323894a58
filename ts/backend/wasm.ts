/**
 * The WASM backend: kernels, tables and tensors in one linear memory.
 *
 * Views of that memory leave this file only as `Storage.data`, which creates a new view after growth has detached the
 * old one.
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
import { guarded, type Health, instanceError } from './guard.js';
import { ballast, OwnedHandle, OwnedTable } from './table.js';
import { createGlue } from './wasm-glue.js';

const PAGE = 65_536;
/**
 * The initial memory in pages, 16 MiB. Engines count memory that was never touched as used: with 4 GiB from the start, V8
 * collects garbage at once, which takes half a second if a program has many objects.
 */
const INITIAL = 256;
/** The 32-bit address space except the last page, which the allocator does not use. */
const ADDRESSABLE = 2 ** 32 - PAGE;
/** The largest allocation: Rust limits it to less than 2 GiB on 32-bit targets. */
const LARGEST = 2 ** 31 - 16;

/**
 * The row count up to which a copy in JavaScript is faster than a call of the module, whose overhead is a few rows.
 * Measured on cold rows: the module overlaps cache misses, so 8 rows were 1.2 times as fast there as in JavaScript.
 */
const FEW_ROWS = 3;

/** A backend over a new instance of `module`. */
export function wasmBackend(module: WebAssembly.Module, settings: { isa: string | undefined }): Backend {
  const memory = new WebAssembly.Memory({ initial: INITIAL, maximum: 65_536 });
  const glue = createGlue();
  glue.initSync({ module, memory });

  const health: Health = { lost: null };
  const kernels = guarded<WasmBinding>({ ...glue }, health, (error) => instanceError(glue, health, error));
  if (settings.isa !== undefined) kernels.lowerIsa(settings.isa); // no effect for the ISA of a processor

  let used = 0;
  /** Counts an object of `bytes`. `release` frees it and must not refer to its owner. */
  const hold = (handle: number, bytes: number) => {
    used += bytes;
    let weight = ballast(bytes);
    const release = () => {
      used -= bytes;
      weight = null;
      if (health.lost === null) kernels.free(handle);
    };
    return { handle, release, weight };
  };
  /** Counts a table. */
  const count = (spec: TableSpec, handle: number, bytes: number) => {
    const address = kernels.tableAddress(handle);
    const view = address === undefined ? null : new LinearView(memory, address, spec.values);
    return { ...hold(handle, bytes), view };
  };
  /** Allocates a table. */
  const allocate = (what: string, spec: TableSpec, zeros: boolean) => {
    const { rows, dim, dtype, bytes } = spec;
    const limit = Math.min(ADDRESSABLE - used, LARGEST);
    if (bytes > limit) throw tooLarge(what, bytes, limit);
    const handle = kernels.tableCreate({ rows, dim, dtype, zeros });
    // The engine refused to grow the memory.
    if (handle === undefined) throw tooLarge(what, bytes, Math.max(0, memory.buffer.byteLength - used));
    return count(spec, handle, bytes);
  };
  const tableOf = (spec: TableSpec, { handle, release, view }: ReturnType<typeof count>): Table => {
    const few = new FewRows(spec, FEW_ROWS, () =>
      health.lost === null && view !== null ? view.floats : null,
    );
    return new OwnedTable(backend, spec, handle, release, few);
  };

  const backend: Backend = {
    name: 'wasm',
    isa: kernels.isa() as Backend['isa'],
    tuning: 'wasm',
    threads: 1,
    kernels,
    texts: null,
    get lost() {
      return health.lost !== null;
    },
    get limit() {
      return Math.min(ADDRESSABLE - used, LARGEST);
    },
    table: (spec, contents) => tableOf(spec, allocate('A table', spec, contents === 'zeros')),
    map: () => undefined,
    adopt: (spec, handle, bytes = spec.bytes) => tableOf(spec, count(spec, handle, bytes)),
    sinusoid(record): Handle {
      const [bytes, limit] = [record.dim * FREQUENCY_BYTES, ADDRESSABLE - used];
      if (bytes > limit) throw tooLarge('The frequencies', bytes, limit);
      return backend.prepare(() => kernels.sinusoidCreate(record));
    },
    prepare(create: (kernels: Kernels) => number, bytes = 0): Handle {
      const { handle, release } = hold(create(kernels), bytes);
      return new OwnedHandle(handle, release);
    },
    allocate(length): Storage {
      const { handle, release, view } = allocate('A tensor', new TableSpec(length, 1), true);
      return new LinearStorage(view!, handle, release);
    },
  };
  return backend;
}

/** Floats in linear memory. Creates a new view after growth has detached the old one. */
class LinearView {
  #view: Float32Array | null = null;

  constructor(
    private readonly memory: WebAssembly.Memory,
    private readonly address: number,
    private readonly length: number,
  ) {}

  get floats(): Float32Array {
    // The length of a detached view is 0. Reading `memory.buffer` takes longer than a small lookup.
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
