import { defineConfig } from 'vite';

/** `npm run page:build` writes a folder that works under any path, hence the relative base. */
export default defineConfig({
  base: './',
  build: {
    outDir: '../../.cache/page',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // no data: URLs
  },
  worker: { format: 'es' },
});
