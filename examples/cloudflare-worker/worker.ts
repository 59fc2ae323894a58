/**
 * A Cloudflare Worker: GET /?text=Hi! returns vectors, one row per token, as the bytes of a Float32Array.
 *
 * The platform compiles WASM at deployment and provides it as a module. There is nothing to fetch or await: after
 * `initSync({ wasm })` everything is ready before the first request. Tables that are created at startup need a `seed`,
 * because Workers have no randomness outside of requests.
 *
 *   npm run example cloudflare-worker      or in this folder, after `npm run setup` in the repository: npm ci && npm start
 *   curl -s 'localhost:8787/?text=Hi!' | od -t f4
 *
 * The example runs in workerd, Cloudflare's runtime, installed from npm. `wrangler deploy` also bundles with esbuild and
 * works with this file unchanged; it is not used here because it requires Node 22.
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
      const { code, message } = error as TokenbedError; // the text exceeds the layer's 512 positions
      return Response.json({ code, message }, { status: 400 });
    }
  },
};
