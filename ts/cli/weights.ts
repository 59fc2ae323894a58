/** The table of a file of weights, with a progress bar. */

import { Embedding, type LoadOptions } from '../index.js';
import { namingFile } from './output.js';
import { Progress } from './progress.js';

/** Loads a table. Errors: those of `Embedding.load`; system errors get the name of the file. */
export async function loadWeights(file: string, options: LoadOptions = {}): Promise<Embedding> {
  const progress = new Progress('reading', null);
  const onProgress: LoadOptions['onProgress'] = ({ loaded, total }) => progress.set(loaded, total);
  try {
    return await namingFile(file, () => Embedding.load(file, { ...options, onProgress }));
  } finally {
    progress.end();
  }
}
