/** The run of training that the browser keeps for the next visit: one record of a database. */

import type { Checkpoint } from '../../../word2vec/skip-gram.js';
import type { LossPoint } from '../messages.js';

export interface KeptRun {
  readonly text: string;
  readonly losses: readonly LossPoint[];
  readonly checkpoint: Checkpoint;
}

const DATABASE = 'tokenbed-train';
const STORE = 'run';
const KEY = 'latest';

export const readRun = (): Promise<KeptRun | undefined> =>
  inStore('readonly', (store) => store.get(KEY) as IDBRequest<KeptRun | undefined>);

/** Replaces the kept run: as a whole, or not at all. */
export const writeRun = (run: KeptRun): Promise<unknown> =>
  inStore('readwrite', (store) => store.put(run, KEY));

export const removeRun = (): Promise<unknown> => inStore('readwrite', (store) => store.delete(KEY));

/** Resolves when the transaction is complete. Rejects where the browser keeps nothing, or has no room. */
async function inStore<T>(
  mode: IDBTransactionMode,
  work: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const opening = indexedDB.open(DATABASE);
  opening.addEventListener('upgradeneeded', () => opening.result.createObjectStore(STORE));
  const database = await resultOf(opening);
  try {
    const transaction = database.transaction(STORE, mode);
    const request = work(transaction.objectStore(STORE));
    await new Promise<void>((resolve, reject) => {
      transaction.addEventListener('complete', () => resolve());
      transaction.addEventListener('abort', () =>
        reject(transaction.error ?? new Error('The database gave up')),
      );
    });
    return request.result;
  } finally {
    database.close();
  }
}

function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error!));
  });
}
