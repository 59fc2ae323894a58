/**
 * A worker at the edge: GET /?text=Hi! answers with vectors, a row for each token, as bytes of a Float32Array.
 *
 * Such a host compiles WASM when the worker is deployed and hands it out as a module, so that there is nothing to
 * fetch and nothing to await: `initSync({ wasm })`, and everything is ready before the first request comes. Give
 * tables made there a `seed`, for there is no randomness before a request.
 *
 *   npm run example cloudflare-worker      or here, after `npm run setup` above: npm ci && npm start
 *   curl -s 'localhost:8787/?text=Hi!' | od -t f4
 *
 * It runs in workerd, the program in which Cloudflare runs workers, from npm. `wrangler deploy` bundles in the same
 * way, with esbuild, and takes this file as it is; it is not used here because it needs Node 22.
 */

import { CharTokenizer, EmbeddingLayer, initSync, type TokenbedError } from 'tokenbed';
import wasm from 'tokenbed/core.wasm';

initSync({ wasm });
const tokenizer = new CharTokenizer();
const layer = new EmbeddingLayer({ vocabSize: tokenizer.vocabSize, embeddingDim: 64, seed: 7 });

export default {
  fetch(request: Request): Response {
    const text = new URL(request.url).searchParams.get('text') ?? '';
    try {
      const { data, shape } = layer.forward(tokenizer.encode(text));
      return new Response(data.buffer as ArrayBuffer, {
        headers: { 'content-type': 'application/octet-stream', 'x-dtype': 'f32', 'x-shape': shape.join() },
      });
    } catch (error) {
      const { code, message } = error as TokenbedError; // longer than the layer's 512 positions
      return Response.json({ code, message }, { status: 400 });
    }
  },
};
