/** Every optimizer in plain loops, one row after the other: what docs/contract.md says, line by line. */

const f = Math.fround;

/** |x| < 2^-126 is +0. */
const flush = (x: number): number => (Math.abs(x) < 2 ** -126 ? 0 : x);

/** The dot product in 16 lanes; `add` rounds each operation. */
export function dot(x: Float32Array, y: Float32Array, round: (x: number) => number = f): number {
  const lanes = new Float64Array(16);
  x.forEach((value, c) => (lanes[c % 16] = round(lanes[c % 16]! + round(value * y[c]!))));
  for (const half of [8, 4, 2, 1])
    for (let j = 0; j < half; j++) lanes[j] = round(lanes[j]! + lanes[j + half]!);
  return lanes[0]!;
}

/** The options of an optimizer, all of them. */
export interface ReferenceOptions {
  readonly lr: number;
  readonly momentum?: number;
  readonly nesterov?: boolean;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly eps?: number;
  readonly initialAccumulator?: number;
  readonly weightDecay?: number;
  readonly lazy?: boolean;
}

export type ReferenceName = 'SGD' | 'Adagrad' | 'RowwiseAdagrad' | 'Adam' | 'AdamW';

/** The defaults of each class. */
export const DEFAULTS: Readonly<Record<ReferenceName, Omit<ReferenceOptions, 'lr'> & { lr?: number }>> = {
  SGD: { momentum: 0, nesterov: false, weightDecay: 0, lazy: true },
  Adagrad: { lr: 0.01, eps: 1e-10, initialAccumulator: 0, weightDecay: 0, lazy: true },
  RowwiseAdagrad: { lr: 0.01, eps: 1e-8, initialAccumulator: 0, weightDecay: 0, lazy: true },
  Adam: { lr: 0.001, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0, lazy: true },
  AdamW: { lr: 0.001, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, lazy: true },
};

/** The tensors of the state of a row. */
type RowState = Record<string, Float32Array>;

/** A table that an optimizer trains. */
export class ReferenceTraining {
  step = 0;
  lr: number;
  readonly state = new Map<number, RowState>();
  readonly #options: ReferenceOptions;
  #p1 = 1;
  #p2 = 1;

  constructor(
    readonly name: ReferenceName,
    options: Partial<ReferenceOptions>,
    readonly table: Float32Array,
    readonly dim: number,
    readonly padding: number | null = null,
  ) {
    this.#options = { ...DEFAULTS[name], lr: 0.1, ...options };
    this.lr = this.#options.lr;
  }

  /** A step with the rows of a gradient. */
  update(rows: ReadonlyMap<number, Float32Array>): void {
    const { beta1 = 1, beta2 = 1, lazy = true } = this.#options;
    this.step++;
    this.#p1 *= beta1;
    this.#p2 *= beta2;
    for (let row = 0; row < this.table.length / this.dim; row++) {
      const g = rows.get(row);
      if (row === this.padding || (lazy && g === undefined)) continue;
      this.#row(row, g === undefined ? new Float32Array(this.dim) : g.slice());
    }
  }

  #initial(): RowState {
    const { momentum = 0, initialAccumulator = 0 } = this.#options;
    const zeros = () => new Float32Array(this.dim);
    const sums = (count: number) => new Float32Array(count).fill(flush(f(initialAccumulator)));
    switch (this.name) {
      case 'SGD':
        return momentum === 0 ? {} : { momentum: zeros() };
      case 'Adagrad':
        return { sum: sums(this.dim) };
      case 'RowwiseAdagrad':
        return { sum: sums(1) };
      default:
        return { m: zeros(), v: zeros() };
    }
  }

  #row(row: number, g: Float32Array): void {
    const { momentum = 0, nesterov, beta1 = 0, beta2 = 0, weightDecay = 0 } = this.#options;
    const eps = f(this.#options.eps ?? 0);
    const { dim, table } = this;
    const w = table.subarray(row * dim, (row + 1) * dim);
    const state = this.state.get(row) ?? this.#initial();
    if (Object.keys(state).length > 0) this.state.set(row, state);
    const lr = f(this.lr);
    if (weightDecay > 0 && this.name !== 'AdamW') {
      for (let c = 0; c < dim; c++) g[c] = f(g[c]! + f(f(weightDecay) * w[c]!));
    }
    if (this.name === 'SGD') {
      const mu = f(momentum);
      for (let c = 0; c < dim; c++) {
        let u = g[c]!;
        if (momentum > 0) {
          const b = flush(f(f(mu * state['momentum']![c]!) + u));
          state['momentum']![c] = b;
          u = nesterov ? f(u + f(mu * b)) : b;
        }
        w[c] = f(w[c]! - f(lr * u));
      }
    } else if (this.name === 'Adagrad') {
      for (let c = 0; c < dim; c++) {
        const s = flush(f(state['sum']![c]! + f(g[c]! * g[c]!)));
        state['sum']![c] = s;
        w[c] = f(w[c]! - f(lr * f(g[c]! / f(f(Math.sqrt(s)) + eps))));
      }
    } else if (this.name === 'RowwiseAdagrad') {
      const s = flush(f(state['sum']![0]! + f(dot(g, g) / f(dim))));
      state['sum']![0] = s;
      const a = f(lr / f(f(Math.sqrt(s)) + eps));
      for (let c = 0; c < dim; c++) w[c] = f(w[c]! - f(a * g[c]!));
    } else {
      const [b1, b2, c1, c2] = [f(beta1), f(beta2), f(1 - beta1), f(1 - beta2)] as const;
      const a = f(this.lr / (1 - this.#p1));
      const r = f(1 / Math.sqrt(1 - this.#p2));
      const k = f(1 - this.lr * weightDecay);
      for (let c = 0; c < dim; c++) {
        if (this.name === 'AdamW') w[c] = f(w[c]! * k);
        const m = flush(f(f(b1 * state['m']![c]!) + f(c1 * g[c]!)));
        const v = flush(f(f(b2 * state['v']![c]!) + f(c2 * f(g[c]! * g[c]!))));
        state['m']![c] = m;
        state['v']![c] = v;
        w[c] = f(w[c]! - f(a * f(m / f(f(f(Math.sqrt(v)) * r) + eps))));
      }
    }
  }

  /** The rows with state, ascending. */
  get rows(): number[] {
    return [...this.state.keys()].sort((a, b) => a - b);
  }

  /** The values of a tensor, in the order of the rows. */
  values(name: string): Float32Array {
    return Float32Array.from(this.rows.flatMap((row) => [...this.state.get(row)![name]!]));
  }
}

/** The rows of a gradient: row i of `values` is the contribution to `ids[i]`. */
export function gradientRows(
  ids: readonly number[],
  values: Float32Array,
  dim: number,
  padding: number | null = null,
): Map<number, Float32Array> {
  const rows = new Map<number, Float32Array>();
  ids.forEach((id, i) => {
    const row = values.slice(i * dim, (i + 1) * dim);
    const sum = rows.get(id);
    if (id === padding) return;
    if (sum === undefined) rows.set(id, row);
    else row.forEach((value, c) => (sum[c] = f(sum[c]! + value)));
  });
  return rows;
}

/** `renorm` of one row. */
export function renormed(row: Float32Array, maxNorm: number): Float32Array {
  const n = f(Math.sqrt(dot(row, row)));
  if (!(n > f(maxNorm))) return row.slice();
  const factor = f(f(maxNorm) / f(n + f(1e-7)));
  return row.map((value) => f(value * factor));
}
