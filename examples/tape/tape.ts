/** A tape as in TinyTorch: every result knows what it was made of, so `loss.backward()` reaches our tables. In f64. */

import type { Tensor } from 'tokenbed';

/** Numbers, their gradient, and how to pass the gradient on to the inputs. */
export class Value {
  readonly grad: Float64Array;

  constructor(
    readonly data: Float64Array,
    readonly shape: readonly number[],
    readonly inputs: readonly Value[] = [],
    readonly pass: (grad: Float64Array) => void = () => {},
  ) {
    this.grad = new Float64Array(data.length);
  }

  /** Adds the derivatives of this value, summed, to the `grad` of everything that it was made of. */
  backward(): void {
    const order = new Set<Value>();
    const visit = (value: Value) => {
      if (order.has(value)) return;
      value.inputs.forEach(visit);
      order.add(value); // after its inputs
    };
    visit(this);
    this.grad.fill(1);
    for (const value of [...order].reverse()) value.pass(value.grad);
  }
}

/** The rows of a layer for `ids`. Their gradient goes to the tables of the layer. */
export function embed<Ids>(
  layer: { forward(ids: Ids): Tensor<'f32'>; backward(ids: Ids, gradOutput: Float32Array): void },
  ids: Ids,
): Value {
  const { data, shape } = layer.forward(ids);
  const pass = (grad: Float64Array) => layer.backward(ids, Float32Array.from(grad));
  return new Value(Float64Array.from(data), shape, [], pass);
}

/** A result for two numbers, and its slopes by both. */
type Rule = (x: number, y: number) => [result: number, dx: number, dy: number];

/** The results of a rule, number by number. `b` is repeated as often as it fits into `a`, like a bias. */
function each(a: Value, b: Value, rule: Rule): Value {
  const j = (i: number) => i % b.data.length;
  const rules = Array.from(a.data, (x, i) => rule(x, b.data[j(i)]!));
  return new Value(
    Float64Array.from(rules, ([result]) => result),
    a.shape,
    [a, b],
    (grad) =>
      rules.forEach(([, dx, dy], i) => {
        a.grad[i]! += grad[i]! * dx;
        b.grad[j(i)]! += grad[i]! * dy;
      }),
  );
}

const zero = new Value(Float64Array.of(0), []);
export const add = (a: Value, b: Value): Value => each(a, b, (x, y) => [x + y, 1, 1]);
export const mul = (a: Value, b: Value): Value => each(a, b, (x, y) => [x * y, y, x]);
export const relu = (a: Value): Value => each(a, zero, (x) => [Math.max(x, 0), Number(x > 0), 0]);

/** `[..., n]` times `[n, m]` */
export function matmul(a: Value, b: Value): Value {
  const [n, m] = b.shape as [number, number];
  const result = new Float64Array((a.data.length / n) * m);
  const products = (visit: (r: number, i: number, j: number) => void) =>
    result.forEach((_, r) => {
      for (let k = 0; k < n; k++) visit(r, Math.floor(r / m) * n + k, k * m + (r % m));
    });
  products((r, i, j) => (result[r]! += a.data[i]! * b.data[j]!));
  return new Value(result, [...a.shape.slice(0, -1), m], [a, b], (grad) =>
    products((r, i, j) => {
      a.grad[i]! += grad[r]! * b.data[j]!;
      b.grad[j]! += grad[r]! * a.data[i]!;
    }),
  );
}

/** e^x / (the sum of e^x), over the last axis. */
export function softmax(a: Value): Value {
  const n = a.shape.at(-1)!;
  const row = (numbers: Float64Array, i: number) => numbers.subarray(i - (i % n), i - (i % n) + n);
  const sum = (numbers: Float64Array) => numbers.reduce((all, each) => all + each, 0);
  const powers = a.data.map((x, i) => Math.exp(x - Math.max(...row(a.data, i))));
  const y = powers.map((power, i) => power / sum(row(powers, i)));
  return new Value(y, a.shape, [a], (grad) => {
    const weighted = grad.map((g, i) => g * y[i]!);
    weighted.forEach((g, i) => (a.grad[i]! += g - y[i]! * sum(row(weighted, i))));
  });
}
