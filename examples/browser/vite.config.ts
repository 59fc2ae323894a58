import { defineConfig } from 'vite';

/** `npm run page:build`: a folder that works wherever it is put, hence the relative base. */
export default defineConfig({
  base: './',
  build: {
    outDir: '../../.cache/page',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // files stay files
  },
  worker: { format: 'es' },
});
