/**
 * A network with `loss.backward()`: the hour that follows an hour by some hours, on a clock of 6.
 *
 *   npm run example tape
 *
 *   hour, hours -> rows of one table, added -> W1, b1, relu -> W2, b2, softmax -> squared error
 *
 * The tape (tape.ts) takes the gradient through the network and hands it to our tables. Every gradient is compared with a
 * finite difference. Rows of the tables are the weights of the network, too, so that one optimizer trains everything.
 */

import { Adam, Embedding } from 'tokenbed';
import { add, embed, matmul, mul, relu, softmax, Value } from './tape.js';

const CLOCK = 6;
const WIDTH = 8;
const HIDDEN = 16;
/** The distance of a finite difference. */
const H = 2 ** -20;

const table = (rows: number, columns: number, seed: number) =>
  new Embedding({ vocabSize: rows, embeddingDim: columns, seed });
const numbers = table(CLOCK, WIDTH, 1);
const [w1, b1] = [table(WIDTH, HIDDEN, 2), table(1, HIDDEN, 3)];
const [w2, b2] = [table(HIDDEN, CLOCK, 4), table(1, CLOCK, 5)];
const tables = [numbers, w1, b1, w2, b2];

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const all = (of: Embedding): Value => embed(of, range(of.vocabSize));

// Every pair of numbers, and its answer as a row with a single 1.
const [hour, hours] = [
  range(CLOCK ** 2).map((i) => Math.floor(i / CLOCK)),
  range(CLOCK ** 2).map((i) => i % CLOCK),
];
const answers = hour.map((each, i) => (each + hours[i]!) % CLOCK);
const expected = answers.flatMap((answer) => range(CLOCK).map((i) => Number(i === answer)));

function answer(): Value {
  const x = add(embed(numbers, hour), embed(numbers, hours));
  const hidden = relu(add(matmul(x, all(w1)), all(b1)));
  return softmax(add(matmul(hidden, all(w2)), all(b2)));
}

/** The squared errors. Their sum is the loss. */
function errors(): Value {
  const found = answer();
  const difference = add(
    found,
    new Value(
      Float64Array.from(expected, (e) => -e),
      found.shape,
    ),
  );
  return mul(difference, difference);
}

const lossNow = (): number => errors().data.reduce((sum, each) => sum + each, 0);

/** The largest distance between the gradient of a table and finite differences. */
function distance({ weight }: Embedding): number {
  const [rows, columns] = weight.shape;
  const gradient = weight.grad!.toTensor().data;
  const distances = range(rows * columns).map((i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const before = weight.row(row);
    // What the table stores after rounding, and the loss with it.
    const [[upper, above], [lower, below]] = [H, -H].map((h) => {
      weight.set(
        row,
        before.map((value, c) => (c === column ? value + h : value)),
      );
      return [weight.row(row)[column]!, lossNow()] as const;
    }) as [readonly [number, number], readonly [number, number]];
    weight.set(row, before);
    return Math.abs((above - below) / (upper - lower) - gradient[i]!);
  });
  return Math.max(...distances);
}

errors().backward();
const farthest = Math.max(...tables.map(distance));
console.log(`gradients and finite differences: at most ${farthest.toExponential(1)} apart`);
if (!(farthest < 1e-6)) throw new Error('a gradient is not that of the loss');
for (const { weight } of tables) weight.zeroGrad();

const adam = new Adam({ parameters: tables.map(({ weight }) => weight), lr: 0.03 });
const first = lossNow();
for (let step = 0; step < 400; step++) {
  errors().backward();
  adam.step();
}
const last = lossNow();
const { data } = answer();
const right = answers.filter((answer, i) => {
  const row = data.subarray(i * CLOCK, (i + 1) * CLOCK);
  return row.indexOf(Math.max(...row)) === answer;
}).length;
console.log(
  `the loss fell from ${first.toFixed(2)} to ${last.toFixed(4)}; ${right} of ${answers.length} answers are right`,
);
if (right < answers.length) throw new Error('not all answers are right');
