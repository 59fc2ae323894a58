/**
 * What the browser keeps for the next visit, which then needs no network: the model, in a CacheStorage that the library
 * fills, and the files of the page, in one that its service worker fills.
 */

import { element, errorText, plural, size } from '../page.js';

const MODELS = 'tokenbed-models';
/** The service worker of this page, and the first part of the names of its caches. */
const SERVICE_WORKER = new URL('service-worker.js', document.baseURI);
const PAGE = `tokenbed-page ${new URL('.', SERVICE_WORKER).href} `;

/** The name of the cache for the model, or null: browsers keep files only for pages with https. */
export async function modelCache(): Promise<string | null> {
  if (!('caches' in globalThis)) return null;
  // A private window may refuse.
  return caches.open(MODELS).then(
    () => MODELS,
    () => null,
  );
}

export class KeepPanel {
  #status = element('kept', HTMLParagraphElement);
  #button = element('forget', HTMLButtonElement);

  constructor() {
    this.#button.addEventListener('click', () => void this.#forget());
  }

  /** Keeps the files of the page, too, and says what is kept. */
  async keep(): Promise<void> {
    if ((await modelCache()) === null || !('serviceWorker' in navigator)) {
      this.#status.textContent = 'Nothing is kept: this browser does not allow it here.';
      return;
    }
    try {
      await activate(await navigator.serviceWorker.register(SERVICE_WORKER));
      await this.#show();
    } catch (error) {
      this.#status.textContent = `The files of the page are not kept. ${errorText(error)}`;
    }
    this.#button.disabled = false;
  }

  async #show(): Promise<void> {
    const model = await bytesOf([MODELS]);
    const page = await bytesOf(await pageCaches());
    if (model.files === 0) {
      this.#status.textContent = 'This browser has no room for the model: the next visit fetches it again.';
      return;
    }
    this.#status.textContent =
      `Kept in this browser, so that this page works without a network: the model, ${size(model.bytes)}, ` +
      `and ${plural(page.files, 'file')} of the page, ${size(page.bytes)}.`;
  }

  async #forget(): Promise<void> {
    this.#button.disabled = true;
    const registration = await navigator.serviceWorker.getRegistration(SERVICE_WORKER);
    await registration?.unregister();
    for (const name of [MODELS, ...(await pageCaches())]) await caches.delete(name);
    this.#status.textContent =
      'Removed: nothing is kept. The next visit of this tab fetches the model again.';
  }
}

const pageCaches = async (): Promise<string[]> =>
  (await caches.keys()).filter((name) => name.startsWith(PAGE));

/** Waits until the service worker has fetched its files. */
async function activate({ active, installing, waiting }: ServiceWorkerRegistration): Promise<void> {
  const worker = active ?? installing ?? waiting!;
  while (worker.state !== 'activated') {
    if (worker.state === 'redundant') throw new Error('A file could not be fetched');
    await new Promise((resolve) => worker.addEventListener('statechange', resolve, { once: true }));
  }
}

/** The number and size of all files in these caches. */
async function bytesOf(names: readonly string[]): Promise<{ files: number; bytes: number }> {
  const sizes: number[] = [];
  for (const name of names) {
    const cache = await caches.open(name);
    for (const response of await cache.matchAll()) sizes.push((await response.blob()).size);
  }
  return { files: sizes.length, bytes: sizes.reduce((sum, bytes) => sum + bytes, 0) };
}
