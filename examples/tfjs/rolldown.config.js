import { defineConfig } from 'rolldown';

/** The sources of tfjs are modules without file extensions, which Node does not resolve. */
export default defineConfig({
  input: 'main.js',
  platform: 'node',
  resolve: { mainFields: ['module', 'main'] },
  external: ['tokenbed'],
  output: { dir: 'dist' },
});
