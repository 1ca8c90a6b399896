import { fileURLToPath } from 'node:url';
import { defaultClientConditions, defineConfig } from 'vite';

/** Modules print their class names. */
const rolldownOptions = { output: { keepNames: true } };
/** With these headers browsers tell a page how much memory it takes. */
const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // The built page works under any address.
  base: './',
  // The packages' sources, so that nothing has to be built first.
  resolve: { conditions: ['flambeau-source', ...defaultClientConditions] },
  worker: { format: 'es', rolldownOptions },
  build: { target: 'es2023', rolldownOptions },
  server: { headers },
  preview: { headers },
});
