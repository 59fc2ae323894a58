/**
 * Compares tokenbed with PyTorch: the same weights and ids, results compared bit for bit.
 *
 *   torch                                   tokenbed
 *   nn.Embedding(V, D, padding_idx=0)       Embedding.fromPretrained(weight, { paddingIdx: 0 })
 *   layer(ids)                              embedding.forward(ids)
 *   nn.EmbeddingBag(..., mode="max")        EmbeddingBag.from(embedding, { mode: 'max' })
 *
 * Rows are copied and a maximum does not round, so results must be bit-identical. (Sums differ in rounding, because torch
 * adds in another order.)
 *
 *   npm run example pytorch      uses the torch and numpy of $PYTHON, of `npm run bench:peers`, or of `python3`
 */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Embedding, EmbeddingBag, Tensor } from 'tokenbed';

/** Reads a file of export.py: magic number, header length, header, row-major elements. */
async function readNpy(name: string): Promise<{ elements: ArrayBuffer; shape: number[] }> {
  const bytes = await readFile(path.join(process.argv[2]!, `${name}.npy`));
  const start = 10 + bytes.readUInt16LE(8);
  const [, sizes] = /'shape': \(([^)]+)\)/.exec(bytes.toString('latin1', 10, start))!;
  const shape = sizes!.split(',').filter(Boolean).map(Number);
  return { elements: new Uint8Array(bytes.subarray(start)).buffer, shape };
}

async function readFloats(name: string): Promise<Tensor<'f32'>> {
  const { elements, shape } = await readNpy(name);
  return new Tensor(new Float32Array(elements), { shape });
}

/** The bits of floats, as integers. */
const bitsOf = ({ data }: Tensor<'f32'>): Uint32Array => new Uint32Array(data.buffer);

function compare(name: string, ours: Tensor<'f32'>, theirs: Tensor<'f32'>): void {
  const [a, b] = [bitsOf(ours), bitsOf(theirs)];
  const mismatch = a.findIndex((bits, i) => bits !== b[i]);
  const same = `${ours.shape}` === `${theirs.shape}` && mismatch < 0;
  console.log(`${name} [${ours.shape}]: ${same ? 'bit-identical' : `DIFFERENT, first at ${mismatch}`}`);
  if (!same) process.exitCode = 1;
}

const embedding = Embedding.fromPretrained(await readFloats('weight'), { paddingIdx: 0 });
const { elements, shape } = await readNpy('ids');
const ids = new Tensor(new Int32Array(elements), { shape });

compare('rows', embedding.forward(ids), await readFloats('rows'));
compare('bags', EmbeddingBag.from(embedding, { mode: 'max' }).forward(ids), await readFloats('bags'));
