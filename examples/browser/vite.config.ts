import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** The files of the model, which the library keeps itself. */
const MODEL = ['model.safetensors', 'tokenizer.json', 'config.json'];
const modelBytes = MODEL.reduce(
  (sum, name) => sum + statSync(here(`../../models/minilm-static/${name}`)).size,
  0,
);
const ofModel = new RegExp(`/(${MODEL.join('|').replaceAll('.', '-[\\w-]+\\.')})$`);

/** Writes service-worker.js beside index.html, with the list of the files that it keeps. */
const serviceWorker = (): Plugin => ({
  name: 'service-worker',
  apply: 'build',
  writeBundle({ dir = '' }) {
    const all = readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'));
    const files = all.filter((file) => file !== 'index.html' && !ofModel.test(file)).sort();
    // The names of all other files change with their contents.
    const version = createHash('sha256')
      .update(files.join())
      .update(readFileSync(path.join(dir, 'index.html')));
    const constants = { FILES: files, VERSION: version.digest('hex').slice(0, 16) };
    const lines = Object.entries(constants).map(
      ([name, value]) => `const ${name} = ${JSON.stringify(value)};\n`,
    );
    const source = readFileSync(here('service-worker.js'), 'utf8');
    writeFileSync(path.join(dir, 'service-worker.js'), lines.join('') + source);
  },
});

/** `npm run page:build` writes a folder that works under any path, hence the relative base. */
export default defineConfig({
  base: './',
  define: { MODEL_BYTES: String(modelBytes) },
  plugins: [serviceWorker()],
  build: {
    outDir: '../../.cache/page',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // no data: URLs
  },
  worker: { format: 'es' },
});
