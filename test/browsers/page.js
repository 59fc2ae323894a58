/** Runs the program of the query (`?entry=main&dist=URL`, with `&worker` in a worker) and posts the outcome. */

import { outcome } from './program.js';

const query = new URLSearchParams(location.search);
const entry = query.get('entry') ?? '';
const dist = query.get('dist') ?? '';

/** @returns {Promise<object>} */
function inWorker() {
  const worker = new Worker('worker.js', { type: 'module' });
  return new Promise((resolve) => {
    worker.addEventListener('message', ({ data }) => resolve(data));
    worker.addEventListener('error', ({ message }) => resolve({ message: `the worker failed: ${message}` }));
    worker.postMessage({ entry, dist }, []);
  });
}

const result = query.has('worker') ? inWorker() : outcome(entry, dist);
result.then((value) => fetch('/', { method: 'POST', body: JSON.stringify(value) }));
