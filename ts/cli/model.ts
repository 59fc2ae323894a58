/** The static model of a command: its options, and loading it with a progress bar. */

import { StaticModel, type StaticModelOptions, type StorageDType } from '../index.js';
import { choiceOption, integerOption, textOption, UsageError, type Values } from './command.js';
import { systemError } from './output.js';
import { Progress } from './progress.js';

const DTYPES = ['f32', 'f16', 'bf16', 'i8', 'i4'] as const;

/** The options of a model, for `parseArgs`. */
export const MODEL_OPTIONS = {
  model: { type: 'string' },
  dim: { type: 'string' },
  dtype: { type: 'string' },
} as const;

/** Their help. */
export const MODEL_HELP = `      --model DIR          the folder of the model: model.safetensors, tokenizer.json and
                           config.json
      --dim N              keep the first N columns of its vectors
      --dtype KIND         f32, f16, bf16, i8 or i4: how its rows are kept in memory (default:
                           as in the file)`;

/** The options of a model. */
export interface ModelOptions {
  readonly folder: string;
  readonly dim: number | undefined;
  readonly dtype: StorageDType | undefined;
}

/** Reads the options of a model; `undefined` without --model. */
export function readModelOptions(values: Values): ModelOptions | undefined {
  const folder = textOption(values, 'model');
  const dim = integerOption(values, 'dim', { min: 1 }, undefined);
  const dtype = choiceOption<StorageDType | ''>(values, 'dtype', DTYPES, '') || undefined;
  return folder === undefined ? undefined : { folder, dim, dtype };
}

/** Loads a model. Errors: those of `StaticModel.load`, in terms of the command line; system errors name the file. */
export async function loadModel({ folder, dim, dtype }: ModelOptions): Promise<StaticModel> {
  const progress = new Progress('reading', null);
  const onProgress: StaticModelOptions['onProgress'] = ({ loaded, total }) => progress.set(loaded, total);
  try {
    return await StaticModel.load(folder, { dim, dtype, onProgress });
  } catch (error) {
    throw explained(error, folder);
  } finally {
    progress.end();
  }
}

function explained(error: unknown, folder: string): unknown {
  const { code, syscall, path = folder, message } = error as NodeJS.ErrnoException;
  if (syscall !== undefined) return systemError(path, error);
  return code === 'ERR_INVALID_OPTION' ? new UsageError(message.replace('Option ', 'Option --')) : error;
}
