/**
 * The service worker of the page: keeps its files, so that it works without a network. The tab "Search" registers it.
 * vite.config.ts defines FILES, the addresses of all files relative to this one, and VERSION, which changes with them.
 */

/* global FILES, VERSION */

const scope = self.registration.scope;
const prefix = `tokenbed-page ${scope} `;
const name = prefix + VERSION;
/** The page itself, under each of its addresses. */
const home = new URL('.', scope).href;
const own = new Set(FILES.map((file) => new URL(file, scope).href));

self.addEventListener('install', (event) => {
  // The page itself must not be an older one that the browser still has.
  const files = [new Request(home, { cache: 'reload' }), ...own];
  event.waitUntil(caches.open(name).then((cache) => cache.addAll(files)));
});

self.addEventListener('activate', (event) => {
  event.waitUntil(removeOthers());
});

/** Removes the files of earlier versions. */
async function removeOthers() {
  for (const other of await caches.keys()) {
    if (other.startsWith(prefix) && other !== name) await caches.delete(other);
  }
}

// The page comes from the network if there is one, so that a new version is seen at once. The names of all other files
// change with their contents.
self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.mode === 'navigate') event.respondWith(fetch(request).catch(() => kept(home, request)));
  else if (own.has(request.url)) event.respondWith(kept(request.url, request));
});

/** A file that is kept, or that of the network. */
async function kept(address, request) {
  const cache = await caches.open(name);
  return (await cache.match(address)) ?? fetch(request);
}
