/**
 * Random programs over the public API, as JavaScript.
 *
 * A program makes a few objects and calls their methods. About one argument in ten is wrong. Programs are text, so that
 * a failing one can be printed and run.
 */

import { Random } from './random.mjs';

/**
 * One statement of a program.
 *
 * @typedef {object} Step
 * @property {string} code       an expression
 * @property {string} [object]   the variable whose method is called
 * @property {string} [method]
 * @property {boolean} [copies]  its floats are copied, not computed: every bit counts, those of a NaN too
 * @property {string[]} [arrays] the caller's arrays that it may write, or must not change
 */

/**
 * @typedef {object} Program
 * @property {readonly string[]} variables
 * @property {readonly Step[]} steps
 * @property {ReadonlyMap<string, readonly string[]>} parts  of objects over parts that the program made: their names
 */

/**
 * An object of the current program.
 *
 * @typedef {object} Made
 * @property {string} name
 * @property {'embedding' | 'bag' | 'layer' | 'sinusoidal' | 'learned'} kind
 * @property {number} vocab      rows of its table
 * @property {number} dim
 * @property {number} max        rows of its positions
 * @property {boolean} positions
 * @property {string} [mode]
 */

const NARROW = [
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
];
const WIDE = ['BigInt64Array', 'BigUint64Array'];
/** The largest integer of each class, if it is less than the largest id. */
const LARGEST = /** @type {Record<string, number>} */ ({
  Int8Array: 127,
  Uint8Array: 255,
  Uint8ClampedArray: 255,
  Int16Array: 32_767,
  Uint16Array: 65_535,
});

/** Values that are not ids. */
const NOT_IDS = [
  "'7'",
  '{}',
  'null',
  'undefined',
  'new Map()',
  'Float32Array.of(1)',
  'new Tensor([1, 2])',
  'true',
]
  .concat([
    'detached(Int32Array, [1, 2])',
    'shrunk(Uint16Array, [1, 2])',
    'new DataView(new ArrayBuffer(8))',
    '1.5',
  ])
  .concat(['NaN', 'nested(0, 65)']);
/** Array elements that are not integers. */
const NOT_INTEGERS = ['0.5', 'NaN', 'Infinity', "'1'", 'null', 'undefined', 'true', '1n', '{}'];
const OUT_OF_RANGE = ['-1', '2 ** 31', '2 ** 32', '2 ** 53', '-(2 ** 40)', '1e300'];
const NOT_FLOATS = [
  "'x'",
  '7',
  'null',
  'undefined',
  '[1, 2]',
  'new Float64Array(8)',
  'Int32Array.of(1, 2)',
].concat(['new Tensor(Int32Array.of(1, 2))', 'detached(Float32Array, [1, 2])', '{}']);
const NOT_OPTIONS = ['null', '7', '[]', "'options'"];
const BAD_NUMBERS = ['0', '-1', '1.5', 'NaN', 'Infinity', "'7'", 'null', 'true', '2 ** 53', '7n'];
const NOT_SHAPES = ['7', "'x'", '[1.5]', '[-1]', "['2']", '[2 ** 53]', '{}'];

/** @param {readonly (number | string)[]} list */
const array = (list) => `[${list.join(', ')}]`;

/** `{ name: value }` without the absent ones. @param {Record<string, string | null>} options */
function record(options) {
  const entries = Object.entries(options).filter(([, value]) => value !== null);
  return entries.length === 0
    ? '{}'
    : `{ ${entries.map(([name, value]) => `${name}: ${value}`).join(', ')} }`;
}

class Generator {
  /** @type {Step[]} */
  steps = [];
  /** @type {string[]} */
  variables = [];
  /** @type {Map<string, readonly string[]>} */
  parts = new Map();
  /** @type {Made[]} */
  objects = [];
  /** Whether the current constructor call has a wrong argument, so that it throws. */
  broken = false;
  /** Variables that hold floats, and how many. @type {{ name: string, size: number, tensor: boolean }[]} */
  arrays = [];

  /** @param {number} seed */
  constructor(seed) {
    this.random = new Random(seed);
    /** One program in forty works on results of many megabytes: several threads, tiles, non-temporal stores. */
    this.large = this.random.bool(1 / 40);
    /** The probability of a wrong argument. */
    this.wrong = this.random.pick([0, 0.02, 0.1]);
    this.dim = this.large
      ? this.random.pick([64, 300, 384, 1000])
      : this.random.weighted([
          [6, () => this.random.int(1, 20)],
          [3, () => this.random.int(16, 70)],
          [1, () => this.random.pick([128, 384, 1000])],
        ]);
  }

  /** @param {string} prefix */
  variable(prefix) {
    const name = `${prefix}${this.variables.filter((each) => each.startsWith(prefix)).length}`;
    this.variables.push(name);
    return name;
  }

  /** Whether to make this argument wrong. */
  get isWrong() {
    return this.random.bool(this.wrong);
  }

  // Values

  /** A number of tokens. */
  count() {
    const { random } = this;
    if (this.large && random.bool(0.5)) return random.int(2000, 12_000);
    return random.weighted([
      [12, () => random.int(0, 9)],
      [3, () => random.int(1, 64)],
      [1, () => random.int(65, 400)],
    ]);
  }

  seed() {
    return this.random.weighted([
      [8, () => String(this.random.int(0, 2 ** 31))],
      [1, () => `${2 ** 53 - 1 - this.random.int(0, 9)}`],
      [1, () => `${2n ** 64n - 1n - BigInt(this.random.int(0, 99))}n`],
    ]);
  }

  /** Integers as the elements of an array in the text. @param {number} count @param {number} bound */
  elements(count, bound) {
    const { random } = this;
    const list = Array.from({ length: count }, () => String(random.int(0, bound - 1)));
    if (count > 0 && this.isWrong) {
      const [at, value] = [random.int(0, count - 1), random.pick([...OUT_OF_RANGE, String(bound)])];
      list[at] = value;
    }
    return list;
  }

  /**
   * `count` ids in any form, or in a form with the shape `shape`.
   *
   * @param {number} count @param {number} bound @param {readonly number[]} [shape]
   */
  ids(count, bound, shape) {
    const { random } = this;
    if (this.isWrong) return random.pick(NOT_IDS);
    if (count > 64) return this.#manyIds(count, bound, shape);
    const elements = this.elements(count, bound);
    if (shape !== undefined) {
      if (random.bool(0.3))
        return `new Tensor(Int32Array.of(${elements.join(', ')}), { shape: ${array(shape)} })`;
      return this.#nested(elements, shape);
    }
    return random.weighted([
      [4, () => this.#list(elements)],
      [1, () => (count === 1 ? elements[0] : this.#list(elements))],
      [8, () => this.#view(elements, bound)],
    ]);
  }

  /** @param {number} count @param {number} bound @param {readonly number[]} [shape] */
  #manyIds(count, bound, shape) {
    const list = `ids(${count}, ${bound}, ${this.random.int(0, 2 ** 31)})`;
    const type = this.random.pick(['Int32Array', 'Uint32Array', ...(bound > 30_000 ? [] : ['Int16Array'])]);
    if (shape !== undefined) return `new Tensor(${type}.from(${list}), { shape: ${array(shape)} })`;
    return this.random.weighted([
      [4, () => `${type}.from(${list})`],
      [1, () => list],
      [1, () => `BigInt64Array.from(${list}, BigInt)`],
      [1, () => `shared(${type}, ${list})`],
    ]);
  }

  /** @param {string[]} elements */
  #list(elements) {
    const { random } = this;
    const changed = [...elements];
    if (changed.length > 0 && this.isWrong) {
      changed[random.int(0, changed.length - 1)] = random.pick([...NOT_INTEGERS, '', '[0]', '[]']);
    }
    if (changed.length > 0 && random.bool(this.wrong / 2)) {
      const [target] = this.objects;
      const effect =
        target === undefined || random.bool(0.7) ? "throw new Error('mine')" : `${target.name}.dispose()`;
      return `getter(${array(changed)}, ${random.int(0, changed.length - 1)}, () => { ${effect} })`;
    }
    return array(changed);
  }

  /** Arrays in arrays; a row may be a typed array, or too long. @param {string[]} elements @param {readonly number[]} shape @returns {string} */
  #nested(elements, shape) {
    const [length, ...rest] = shape;
    if (rest.length === 0) {
      const row = this.random.bool(this.wrong / 4) ? [...elements, '0'] : elements;
      const typed =
        elements.length > 0 && this.random.bool(0.2) && row.every((each) => /^\d{1,4}$/.test(each));
      return typed ? `Uint16Array.of(${row.join(', ')})` : array(row);
    }
    const size = rest.reduce((product, each) => product * each, 1);
    const rows = Array.from({ length }, (_, i) =>
      this.#nested(elements.slice(i * size, (i + 1) * size), rest),
    );
    return array(rows);
  }

  /** @param {string[]} elements @param {number} bound */
  #view(elements, bound) {
    const { random } = this;
    const fitting = NARROW.filter((type) => (LARGEST[type] ?? Infinity) >= bound);
    if (random.bool(0.2)) {
      const type = random.pick(WIDE);
      const wide = elements.map((each) =>
        /^\d+$/.test(each) ? `${each}n` : random.pick(['-1n', '2n ** 40n', '2n ** 63n']),
      );
      return `${type}.of(${wide.join(', ')})`;
    }
    const type = random.pick(fitting);
    const list = elements.join(', ');
    return random.weighted([
      [6, () => `${type}.of(${list})`],
      [1, () => `shared(${type}, ${array(elements)})`],
      [1, () => `inside(${type}, ${array(elements)})`],
      [1, () => `tracking(${type}, ${array(elements)})`],
      [1, () => `new Tensor(${type}.of(${list}))`],
      [1, () => (bound <= 256 ? `Buffer.from(${array(elements)})` : `${type}.of(${list})`)],
    ]);
  }

  /** `count` floats as a Float32Array. @param {number} count @param {boolean} [special] */
  floats(count, special = this.random.bool(0.2)) {
    const made = `floats(${count}, ${this.random.int(0, 2 ** 31)}${special ? ', true' : ''})`;
    return this.random.weighted([
      [6, () => made],
      [1, () => `shared(Float32Array, ${made})`],
      [1, () => `inside(Float32Array, ${made})`],
      [1, () => `tracking(Float32Array, ${made})`],
    ]);
  }

  /** A shape of `count` elements with `rank` sizes, or occasionally a wrong one. @param {number} count @param {number} rank */
  shape(count, rank) {
    /** @type {number[]} */
    const shape = [];
    let left = count;
    for (let axis = 1; axis < rank; axis++) {
      const divisors = [1, 2, 3, 4, 5, 7, 8].filter((each) => left > 0 && left % each === 0);
      const size = left === 0 ? this.random.int(0, 3) : this.random.pick(divisors);
      shape.push(size);
      left = size === 0 ? 0 : left / size;
    }
    shape.push(left);
    return this.random.bool(0.2) ? shape.reverse() : shape;
  }

  /** The option `shape`. @param {readonly number[]} shape */
  shapeOption(shape) {
    if (this.isWrong) return this.random.pick([...NOT_SHAPES, array([...shape, 2]), array(shape.slice(1))]);
    return array(shape);
  }

  /** Options of a call, or an invalid value in their place. @param {Record<string, string | null>} options */
  options(options) {
    if (this.isWrong) return `, ${this.random.pick(NOT_OPTIONS)}`;
    if (this.isWrong) return `, ${record({ ...options, nonsense: '1' })}`;
    const text = record(options);
    return text === '{}' && this.random.bool(0.8) ? '' : `, ${text}`;
  }

  /** Constructor options, one of which may be wrong. @param {Record<string, string | null>} options */
  constructorOptions(options) {
    if (!this.isWrong) return record(options);
    this.broken = true;
    const names = Object.keys(options);
    const wrong = this.random.weighted([
      [
        8,
        () => ({
          ...options,
          [this.random.pick(names)]: this.random.pick([...BAD_NUMBERS, "'no such thing'", 'undefined']),
        }),
      ],
      [1, () => ({ ...options, nonsense: 'true' })],
      [1, () => ({ ...options, vocabSize: '2 ** 32', embeddingDim: '2 ** 21' })],
    ]);
    return record(wrong);
  }

  /** An argument for which the constructor throws. @param {readonly string[]} list */
  breaking(list) {
    this.broken = true;
    return this.random.pick(list);
  }

  // Objects

  /** @param {Step} step */
  add(step) {
    this.steps.push(step);
  }

  /** @param {Omit<Made, 'name'>} made @param {string} expression @param {readonly string[]} [parts] */
  make(made, expression, parts = []) {
    if (this.broken) {
      this.broken = false;
      this.add({ code: expression });
      return this.object();
    }
    const prefixes = { embedding: 'e', bag: 'b', layer: 'l', sinusoidal: 'p', learned: 'q' };
    const name = this.variable(prefixes[made.kind]);
    if (parts.length > 0) this.parts.set(name, parts);
    this.objects.push({ name, ...made });
    this.add({ code: `${name} = ${expression}`, object: name, method: 'construct' });
    this.add({ code: `state(${name})`, object: name, method: 'state' });
  }

  tableOptions() {
    const { random } = this;
    const vocab = this.large
      ? random.int(500, 5000)
      : random.pick([random.int(1, 12), random.int(1, 12), random.int(13, 400)]);
    const initType = random.pick([null, 'uniform', 'normal', 'xavier', 'zeros']);
    return {
      vocab,
      options: {
        vocabSize: String(vocab),
        embeddingDim: String(this.dim),
        paddingIdx: random.pick([null, null, 'null', String(random.int(-vocab, vocab - 1))]),
        initType: initType === null ? null : `'${initType}'`,
        std: random.bool(initType === 'normal' ? 0.3 : this.wrong) ? '0.5' : null,
        seed: this.seed(),
      },
    };
  }

  /** Most objects have the same width, so that they can be combined. */
  varyDim() {
    if (this.random.bool(0.05)) this.dim = this.random.int(1, 20);
  }

  embedding() {
    this.varyDim();
    const { vocab, options } = this.tableOptions();
    const base = { kind: /** @type {const} */ ('embedding'), dim: this.dim, max: 0, positions: false };
    if (this.random.bool(0.7)) {
      return this.make({ ...base, vocab }, `new Embedding(${this.constructorOptions(options)})`);
    }
    const weight = this.floats(vocab * this.dim);
    const { paddingIdx } = options;
    const [weights, more] = this.random.pick([
      [weight, { embeddingDim: String(this.dim) }],
      [`new Tensor(${weight}, { shape: [${vocab}, ${this.dim}] })`, {}],
      [
        `new Tensor(Float64Array.from(floats(${vocab * this.dim}, 7)), { shape: [${vocab}, ${this.dim}] })`,
        {},
      ],
      [`new Tensor(floats(${vocab * this.dim}, 3), { shape: [${vocab}, ${this.dim}] }).toArray()`, {}],
      [weight, { embeddingDim: this.isWrong ? 'undefined' : String(this.dim) }],
    ]);
    const source = this.isWrong ? this.breaking(NOT_FLOATS) : weights;
    this.make(
      { ...base, vocab },
      `Embedding.fromPretrained(${source}, ${this.constructorOptions({ ...more, paddingIdx })})`,
    );
  }

  bag() {
    const { random } = this;
    const mode = random.pick(['sum', 'mean', 'max']);
    const own = {
      mode: mode === 'mean' && random.bool(0.5) ? null : `'${mode}'`,
      includeLastOffset: random.pick([null, null, 'true', 'false']),
    };
    const over = this.find(['embedding']);
    const base = { kind: /** @type {const} */ ('bag'), max: 0, positions: false, mode };
    if (over !== undefined && random.bool(0.7)) {
      const { vocab, dim, name } = over;
      const part = this.isWrong ? this.breaking(['null', '{}', ...this.variables]) : name;
      return this.make(
        { ...base, vocab, dim },
        `EmbeddingBag.from(${part}, ${this.constructorOptions(own)})`,
        [name],
      );
    }
    const { vocab, options } = this.tableOptions();
    this.make(
      { ...base, vocab, dim: this.dim },
      `new EmbeddingBag(${this.constructorOptions({ ...options, ...own })})`,
    );
  }

  positionOptions() {
    const { random } = this;
    const max = this.large ? random.int(2000, 12_000) : random.pick([random.int(1, 12), random.int(10, 500)]);
    return {
      max,
      options: {
        maxSeqLength: String(max),
        dropout: random.pick([null, null, '0', '0.25', '0.9', String(random.next())]),
        base: random.pick([null, null, '100', '1', '1e12', '12345.678']),
        layout: random.pick([null, null, "'interleaved'", "'halves'"]),
      },
    };
  }

  sinusoidal() {
    this.varyDim();
    const { max, options } = this.positionOptions();
    const all = { embeddingDim: String(this.dim), ...options, seed: this.seed() };
    const made = { kind: /** @type {const} */ ('sinusoidal'), vocab: 0, dim: this.dim, max, positions: true };
    this.make(made, `new PositionalEncoding(${this.constructorOptions(all)})`);
  }

  learned() {
    const { max, options } = this.positionOptions();
    const { initType, std, seed } = this.tableOptions().options;
    const all = { maxSeqLength: options.maxSeqLength, embeddingDim: String(this.dim), initType, std, seed };
    const made = { kind: /** @type {const} */ ('learned'), vocab: 0, dim: this.dim, max, positions: true };
    this.make(made, `new LearnedPositionalEmbedding(${this.constructorOptions(all)})`);
  }

  layer() {
    const { random } = this;
    const scale = random.pick([null, 'true', 'false']);
    const token = this.find(['embedding']);
    const positional = this.find(['sinusoidal', 'learned']);
    const kind = /** @type {const} */ ('layer');
    if (token !== undefined && random.bool(0.6)) {
      const second = positional === undefined || random.bool(0.2) ? 'null' : positional.name;
      const options = this.constructorOptions({ token: token.name, positional: second, scale });
      const positions = second !== 'null';
      const made = {
        kind,
        vocab: token.vocab,
        dim: token.dim,
        max: positions ? (positional?.max ?? 0) : Infinity,
        positions,
      };
      return this.make(
        made,
        `new EmbeddingLayer(${options})`,
        positions ? [token.name, second] : [token.name],
      );
    }
    const { vocab, options } = this.tableOptions();
    const { max, options: more } = this.positionOptions();
    const type = random.pick([null, "'sinusoidal'", "'learned'", 'null']);
    const sinusoidal = type === null || type === "'sinusoidal'" || this.isWrong;
    const positions = {
      maxSeqLength: more.maxSeqLength,
      positional: type,
      scale,
      dropout: more.dropout,
      base: sinusoidal ? more.base : null,
      layout: sinusoidal ? more.layout : null,
    };
    const made = {
      kind,
      vocab,
      dim: this.dim,
      max: type === 'null' ? Infinity : max,
      positions: type !== 'null',
    };
    this.make(made, `new EmbeddingLayer(${this.constructorOptions({ ...options, ...positions })})`);
  }

  /** An object of one of these kinds. @param {readonly Made['kind'][]} kinds */
  find(kinds) {
    const fitting = this.objects.filter(({ kind }) => kinds.includes(kind));
    return fitting.length === 0 ? undefined : this.random.pick(fitting);
  }

  object() {
    this.random.weighted([
      [4, () => this.embedding()],
      [3, () => this.bag()],
      [4, () => this.layer()],
      [3, () => this.sinusoidal()],
      [1, () => this.learned()],
    ]);
  }

  // Calls

  /**
   * `forward`, whose result may be kept in a variable, or `forwardInto` with these arguments.
   *
   * @param {Made} made @param {string} first @param {number} size  floats of the result
   * @param {string} options  `, { ... }` or nothing
   * @param {{ arrays?: string[], copies?: boolean }} [more]
   */
  forward({ name, kind }, first, size, options, { arrays = [], copies = kind === 'embedding' } = {}) {
    const { random } = this;
    const step = { object: name, method: 'forward', copies, arrays };
    if (random.bool(0.5)) {
      if (!random.bool(0.2)) return this.add({ ...step, code: `${name}.forward(${first}${options})` });
      const result = this.variable('r');
      this.arrays.push({ name: result, size, tensor: true });
      return this.add({ ...step, code: `${result} = ${name}.forward(${first}${options})` });
    }
    if (this.isWrong) {
      return this.add({
        ...step,
        code: `${name}.forwardInto(${first}, ${random.pick(NOT_FLOATS)}${options})`,
      });
    }
    const out = this.variable('o');
    const length = random.weighted([
      [8, () => size],
      [3, () => size + random.int(1, 9)],
      [10 * this.wrong, () => Math.max(0, size - 1)],
    ]);
    const memory = random.weighted([
      [6, () => `painted(${length})`],
      [2, () => `Tensor.allocate([${length}])`],
      [1, () => `new Tensor(painted(${length}))`],
      [1, () => `shared(Float32Array, painted(${length}))`],
      [1, () => `inside(Float32Array, painted(${length}))`],
    ]);
    this.arrays.push({ name: out, size: length, tensor: false });
    this.add({
      ...step,
      method: 'forwardInto',
      code: `(${out} = ${memory}, ${name}.forwardInto(${first}, ${out}${options}) === ${out})`,
      arrays: [...arrays, out],
    });
  }

  /** @param {Made} made */
  lookUp(made) {
    const { random } = this;
    const count = this.count();
    if (random.bool(0.1))
      return this.forward(
        made,
        this.isWrong ? random.pick(OUT_OF_RANGE) : String(random.int(0, made.vocab - 1)),
        made.dim,
        '',
      );
    const shape = random.bool(0.4) ? this.shape(count, random.int(1, 4)) : undefined;
    if (random.bool(0.5))
      return this.forward(made, this.ids(count, made.vocab, shape), count * made.dim, this.options({}));
    const options = this.options({ shape: shape === undefined ? null : this.shapeOption(shape) });
    this.forward(made, this.ids(count, made.vocab), count * made.dim, options);
  }

  /** Ids and `out` in one buffer. @param {Made} made */
  overlapping(made) {
    const buffer = this.variable('o');
    const start = this.random.pick([0, 8, 12, 16, 64]);
    this.add({
      object: made.name,
      method: 'forwardInto',
      copies: true,
      code: `(${buffer} = new Float32Array(${16 + 3 * made.dim}), ${made.name}.forwardInto(new Int32Array(${buffer}.buffer, 0, 3), ${buffer}.subarray(${start / 4})) === null)`,
      arrays: [buffer],
    });
  }

  /** @param {Made} made */
  bagCall(made) {
    const { random } = this;
    const count = this.count();
    const weights = random.bool(made.mode === 'max' ? this.wrong : 0.4)
      ? this.isWrong
        ? random.pick(NOT_FLOATS)
        : random.pick([
            this.floats(count),
            `new Tensor(${this.floats(count)})`,
            this.floats(count + random.pick([0, 0, 1])),
          ])
      : null;
    if (random.bool(0.4)) {
      const shape = this.shape(count, 2);
      const flat = random.bool(0.5);
      const options = this.options({
        shape: flat ? this.shapeOption(shape) : null,
        perSampleWeights: weights,
      });
      const first = flat ? this.ids(count, made.vocab) : this.ids(count, made.vocab, shape);
      return this.forward(made, first, shape[0] * made.dim, options, { copies: made.mode === 'max' });
    }
    const bags = random.int(count > 0 ? 1 : 0, 6);
    const offsets = Array.from({ length: Math.max(0, bags - 1) }, () => random.int(0, count)).sort(
      (a, b) => a - b,
    );
    const starts = bags === 0 ? [] : [0, ...offsets];
    if (random.bool(0.3)) starts.push(count);
    if (this.isWrong) starts.push(random.pick([0, count + 1, 2 ** 33]));
    const form = this.isWrong
      ? this.ids(4, 2, random.bool(0.5) ? undefined : [2, 2])
      : random.pick([
          array(starts),
          `Int32Array.of(${starts})`,
          `Uint32Array.of(${starts})`,
          `BigInt64Array.from(${array(starts)}, BigInt)`,
          `shared(Int32Array, ${array(starts)})`,
          `new Tensor(Int32Array.of(${starts}))`,
        ]);
    const options = this.options({ offsets: this.isWrong ? null : form, perSampleWeights: weights });
    this.forward(made, this.ids(count, made.vocab), starts.length * made.dim, options, {
      copies: made.mode === 'max',
    });
  }

  /** The options `startPos` and `positionIds`. @param {Made} made @param {number} seq @param {number} batch 0: no batch */
  positions(made, seq, batch) {
    const { random } = this;
    const bound = Math.min(made.max, 2 ** 31);
    const startPos = this.isWrong
      ? random.pick(BAD_NUMBERS)
      : String(random.int(0, Math.max(0, Math.min(bound, 600) - seq)));
    const shape = random.bool(0.5) || batch === 0 ? [seq] : [batch, seq];
    const positionIds = () =>
      shape.length === 1 ? this.ids(seq, bound) : this.ids(batch * seq, bound, shape);
    if (!made.positions && !this.isWrong) return {};
    return random.weighted([
      [4, () => ({})],
      [3, () => ({ startPos })],
      [3, () => ({ positionIds: positionIds() })],
      [5 * this.wrong, () => ({ startPos, positionIds: positionIds() })],
    ]);
  }

  /** A sequence length that usually fits the positions. @param {Made} made */
  sequence({ max }) {
    const count = this.count();
    return this.random.bool(0.05) ? count : Math.min(count, max);
  }

  /** @param {Made} made */
  layerCall(made) {
    const { random } = this;
    const seq = this.sequence(made);
    const batch = random.pick([0, 0, 1, 2, 3]);
    const count = (batch === 0 ? 1 : batch) * seq;
    const shape = batch === 0 ? [seq] : [batch, seq];
    const flat = batch === 0 || random.bool(0.5);
    const shapeText = flat && (batch > 0 || random.bool(0.1)) ? this.shapeOption(shape) : null;
    const options = this.options({ shape: shapeText, ...this.positions(made, seq, batch) });
    const rank = random.bool(this.wrong) ? [1, ...shape, 1] : shape;
    const first = flat ? this.ids(count, made.vocab) : this.ids(count, made.vocab, rank);
    this.forward(made, first, count * made.dim, options);
  }

  /** @param {Made} made */
  addPositions(made) {
    const { random } = this;
    const seq = this.sequence(made);
    const batch = random.pick([0, 0, 1, 2, 3]);
    const dim = random.bool(this.wrong) ? made.dim + 1 : made.dim;
    const shape = batch === 0 ? [seq, dim] : [batch, seq, dim];
    const size = shape.reduce((product, each) => product * each, 1);
    const positionOptions = this.positions(made, seq, batch);
    const kept = this.arrays.filter((each) => each.tensor && each.size === size);
    if (kept.length > 0 && random.bool(0.5)) {
      const { name } = random.pick(kept);
      return this.forward(made, name, size, this.options(positionOptions), { arrays: [name] });
    }
    if (this.isWrong) return this.forward(made, random.pick(NOT_FLOATS), size, this.options(positionOptions));
    const tensor = random.bool(0.5);
    const options = this.options({ shape: tensor ? null : this.shapeOption(shape), ...positionOptions });
    const x = this.variable('x');
    const memory = this.floats(size);
    const source = tensor ? `new Tensor(${memory}, { shape: ${array(shape)} })` : memory;
    this.arrays.push({ name: x, size, tensor });
    this.add({ code: `${x} = ${source}` });
    if (random.bool(0.6)) return this.forward(made, x, size, options, { arrays: [x] });
    // In place, or with an overlapping output.
    const out = tensor || random.bool(0.7) ? x : `${x}.subarray(${random.int(0, 2)})`;
    const code = `${made.name}.forwardInto(${x}, ${out}${options}) === ${x}`;
    this.add({ code, object: made.name, method: 'forwardInto', arrays: [x] });
  }

  /** @param {Made} made */
  encode(made) {
    const { random } = this;
    const count = this.count();
    const bound = random.pick([made.max, 100_000, 2 ** 32]);
    const shape = random.bool(0.3) ? this.shape(count, 2) : undefined;
    const positions =
      count > 64 ? this.ids(count, Math.min(bound, 2 ** 31), shape) : this.ids(count, bound, shape);
    this.add({ code: `${made.name}.encode(${positions})`, object: made.name, method: 'encode' });
  }

  /** Reads or writes rows of a table. @param {string} object @param {string} path  to the Parameter @param {number} rows @param {number} dim */
  parameter(object, path, rows, dim) {
    const { random } = this;
    const row = this.isWrong
      ? random.pick([...OUT_OF_RANGE, '0.5', "'0'", 'undefined', String(rows)])
      : String(random.int(0, rows - 1));
    /** @param {number} count */
    const values = (count) => {
      if (this.isWrong) return random.pick([...NOT_FLOATS, '[1e39]', `floats(${count + 1}, 1)`]);
      const floats = this.floats(count);
      return random.pick([
        floats,
        `new Tensor(${floats})`,
        `Array.from(floats(${count}, ${random.int(0, 99)}))`,
      ]);
    };
    const step = { object, method: 'weight', copies: true };
    random.weighted([
      [2, () => this.add({ ...step, code: `${path}.row(${row})` })],
      [
        1,
        () => {
          const out = this.variable('o');
          const size = dim + random.pick([0, 0, 2, this.isWrong ? -1 : 0]);
          this.add({
            ...step,
            code: `(${out} = painted(${Math.max(0, size)}), ${path}.row(${row}, ${out}) === ${out})`,
            arrays: [out],
          });
        },
      ],
      [3, () => this.add({ ...step, code: `${path}.set(${row}, ${values(dim)})` })],
      [
        2,
        () =>
          this.add({
            ...step,
            code: `${path}.setRows(${row}, ${values(dim * random.int(0, Math.min(rows, 4)))})`,
          }),
      ],
      [1, () => this.add({ ...step, code: `${path}.toTensor()` })],
    ]);
  }

  /** A call that fits the object. @param {Made} made */
  call(made) {
    const { random } = this;
    const { name, kind, vocab, dim } = made;
    const rows = () => {
      if (kind === 'learned') return this.parameter(name, `${name}.positionEmbedding.weight`, made.max, dim);
      if (kind === 'sinusoidal') return this.encode(made);
      this.parameter(name, kind === 'layer' ? `${name}.token.weight` : `${name}.weight`, vocab, dim);
    };
    const main = {
      embedding: () => (random.bool(0.05) ? this.overlapping(made) : this.lookUp(made)),
      bag: () => this.bagCall(made),
      layer: () => this.layerCall(made),
      sinusoidal: () => this.addPositions(made),
      learned: () => this.addPositions(made),
    };
    random.weighted([
      [10, main[kind]],
      [3, rows],
      [
        kind === 'embedding' || kind === 'bag' ? 0 : 2,
        () => {
          const method = random.pick(['train', 'train', 'eval']);
          this.add({ code: `${name}.${method}() === ${name}`, object: name, method });
        },
      ],
      [
        kind === 'sinusoidal' ? 0.5 : 0,
        () => {
          const code = random.pick([
            `${name}.pe`,
            `${name}.visualizeEncoding({ print: null })`,
            `${name}.toSVG({ seqLength: 5, dimsToShow: 6 })`,
          ]);
          this.add({ code, object: name, method: 'report' });
        },
      ],
      [0.5, () => this.add({ code: `${name}.getMemoryUsage?.()`, object: name, method: 'getMemoryUsage' })],
      [0.3, () => this.dispose(made)],
      [0.3, () => this.add({ code: `state(${name})`, object: name, method: 'state' })],
    ]);
  }

  /** @param {Made} made */
  dispose({ name, kind }) {
    const part =
      kind === 'layer'
        ? '.token'
        : kind === 'bag'
          ? '.embedding'
          : kind === 'learned'
            ? '.positionEmbedding'
            : '';
    const target = this.random.bool(0.2) ? `${name}${part}` : name;
    this.add({ code: `${target}.dispose()`, object: name, method: 'dispose' });
    this.add({ code: `state(${name})`, object: name, method: 'state' });
  }

  tensor() {
    const { random } = this;
    const count = random.int(0, 12);
    const shape = this.shape(count, random.int(1, 3));
    const data = this.isWrong
      ? random.pick([...NOT_IDS, '[[1], 2]', '[1e39]'])
      : random.pick([this.floats(count), this.ids(count, 100), this.ids(count, 100, shape)]);
    const made = `new Tensor(${data}${this.options({ shape: random.bool(0.5) ? this.shapeOption(shape) : null })})`;
    const use = random.pick([
      '',
      '.toArray()',
      '.toString()',
      `.reshape(${this.shape(count, random.int(1, 3))})`,
      '.reshape(-1)',
      '.reshape(2, -1)',
    ]);
    this.add({ code: `${made}${use}`, copies: true });
  }

  /** @returns {Program} */
  program() {
    const { random } = this;
    for (let i = random.int(1, 4); i > 0; i--) this.object();
    for (let i = random.int(2, this.large ? 5 : 12); i > 0; i--) {
      random.weighted([
        [20, () => this.call(random.pick(this.objects))],
        [2, () => this.object()],
        [1, () => this.tensor()],
      ]);
    }
    for (const { name } of this.objects) this.add({ code: `state(${name})`, object: name, method: 'state' });
    // Later steps must not change earlier results. Some are computed, so NaNs may differ here too.
    this.add({ code: 'undefined', arrays: this.arrays.map(({ name }) => name) });
    return { variables: this.variables, steps: this.steps, parts: this.parts };
  }
}

/** Program `index` of a seed. @param {number} seed @param {number} index @returns {Program} */
export function programOf(seed, index) {
  return new Generator(Math.imul(seed, 0x9e3779b1) + index).program();
}
