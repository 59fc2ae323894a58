/** Files of tensors and of models, for the tests of the commands. */

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { model, type Parts } from '../helpers/static-model.js';

/** Writes a model of model2vec into a new folder of `cwd`. Returns the path of the folder. */
export function writeModel(cwd: string, name: string, parts: Parts): string {
  const made = path.join(cwd, name);
  mkdirSync(made, { recursive: true });
  const { model: tensors, tokenizer, config } = model({ config: { normalize: true }, ...parts });
  writeFileSync(path.join(made, 'model.safetensors'), tensors);
  writeFileSync(path.join(made, 'tokenizer.json'), tokenizer);
  writeFileSync(path.join(made, 'config.json'), config!);
  return made;
}

export interface FileTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** A tensor over the bytes of `data`. */
export const tensorOf = (
  dtype: string,
  shape: readonly number[],
  { buffer, byteOffset, byteLength }: ArrayBufferView,
): FileTensor => ({ dtype, shape, data: new Uint8Array(buffer, byteOffset, byteLength) });

/** The tensors and the metadata of a safetensors file. */
export function parseSafetensors(file: Buffer): {
  tensors: Record<string, FileTensor>;
  metadata: Record<string, string>;
} {
  const start = 8 + Number(file.readBigUInt64LE());
  const { __metadata__: metadata = {}, ...entries } = JSON.parse(file.toString('utf8', 8, start)) as {
    __metadata__?: Record<string, string>;
  };
  const list = entries as Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
  const tensors = Object.entries(list).map(
    ([
      name,
      {
        dtype,
        shape,
        data_offsets: [from, to],
      },
    ]) => [name, tensorOf(dtype, shape, Uint8Array.from(file.subarray(start + from, start + to)))],
  );
  return { tensors: Object.fromEntries(tensors) as Record<string, FileTensor>, metadata };
}
