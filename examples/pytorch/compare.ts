/**
 * PyTorch side by side: its weights in tokenbed, the same ids, and the rows of both compared bit for bit.
 *
 *   torch                                   tokenbed
 *   nn.Embedding(V, D, padding_idx=0)       Embedding.fromPretrained(weight, { paddingIdx: 0 })
 *   layer(ids)                              embedding.forward(ids)
 *   nn.EmbeddingBag(..., mode="max")        EmbeddingBag.from(embedding, { mode: 'max' })
 *
 * Rows are copied and a maximum rounds nothing, so all bits must agree. Sums agree to rounding only: torch adds in
 * another order.
 *
 *   npm run example pytorch      with torch and numpy in `python3`, in the Python that PYTHON names, or where
 *                                `npm run bench:peers` puts them
 */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Embedding, EmbeddingBag, Tensor } from 'tokenbed';

/** One of export.py's files: a magic word, the length of the header, the header, the elements in row-major order. */
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

/** Floats as the integers that they are stored as: for them equal means the same bits. */
const bitsOf = ({ data }: Tensor<'f32'>): Uint32Array => new Uint32Array(data.buffer);

function compare(what: string, ours: Tensor<'f32'>, theirs: Tensor<'f32'>): void {
  const [a, b] = [bitsOf(ours), bitsOf(theirs)];
  const other = a.findIndex((bits, i) => bits !== b[i]);
  const same = `${ours.shape}` === `${theirs.shape}` && other < 0;
  console.log(`${what} [${ours.shape}]: ${same ? 'the same bits' : `OTHER bits, first at ${other}`}`);
  if (!same) process.exitCode = 1;
}

const embedding = Embedding.fromPretrained(await readFloats('weight'), { paddingIdx: 0 });
const { elements, shape } = await readNpy('ids');
const ids = new Tensor(new Int32Array(elements), { shape });

compare('rows', embedding.forward(ids), await readFloats('rows'));
compare('bags', EmbeddingBag.from(embedding, { mode: 'max' }).forward(ids), await readFloats('bags'));
