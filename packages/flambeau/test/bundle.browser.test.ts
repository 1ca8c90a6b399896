/** The packages bundled for browsers: nothing of Node's is left, and they compute in a page and in a worker. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { build, defaultClientConditions, type Rollup } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { complaintsOf, openBrowser, serve } from '../../../scripts/lib/browser.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'flambeau-bundle-'));

const entry = `
import * as flambeau from 'flambeau';
import * as webgpu from '@flambeau/backend-webgpu';
import * as autograd from '@flambeau/autograd';
import * as nn from '@flambeau/nn';
import * as optim from '@flambeau/optim';
import * as data from '@flambeau/data';
import * as serialize from '@flambeau/serialize';
import * as vision from '@flambeau/vision';
export { flambeau, webgpu, autograd, nn, optim, data, serialize, vision };

/** The gradients of sum(a @ b), which are row sums of b and column sums of a. */
export async function gradients(device) {
  if (device === 'webgpu') await webgpu.init();
  const a = flambeau.tensor([[1, 2], [3, 4]]).to(device).requiresGrad_();
  const b = flambeau.tensor([[5, 6, 7], [8, 9, 10]]).to(device).requiresGrad_();
  a.matmul(b).sum().backward();
  return [await a.grad.toArray(), await b.grad.toArray()];
}
`;
const worker = `
import { gradients } from './bundle.js';
addEventListener('message', async ({ data }) => postMessage(await gradients(data)));
`;
const html = `<!doctype html><link rel="icon" href="data:,"><title>bundle</title>
<script type="module">
  import * as bundle from './bundle.js';
  globalThis.bundle = bundle;
</script>
`;
const expected = [
  [
    [18, 27],
    [18, 27],
  ],
  [
    [4, 4, 4],
    [6, 6, 6],
  ],
];

const specifiers = new Set<string>();
let chunks: Rollup.OutputChunk[];
let server: Awaited<ReturnType<typeof serve>>;
let browser: Awaited<ReturnType<typeof openBrowser>>;
let page: Page;
let complaints: string[];

/** Bundles the entry into the folder and notes every module name that is imported on the way. */
async function bundle(): Promise<Rollup.OutputChunk[]> {
  const name = path.join(root, 'bundle-entry.js');
  const result = await build({
    root,
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['flambeau-source', ...defaultClientConditions] },
    plugins: [
      {
        name: 'entry',
        enforce: 'pre',
        resolveId(specifier) {
          specifiers.add(specifier);
          return specifier === name ? name : null;
        },
        load: (id) => (id === name ? entry : null),
      },
    ],
    build: {
      outDir: folder,
      emptyOutDir: false,
      target: 'es2023',
      lib: { entry: name, formats: ['es'], fileName: () => 'bundle.js' },
    },
  });
  return (Array.isArray(result) ? result : [result])
    .flatMap((one) => ('output' in one ? one.output : []))
    .filter((one) => one.type === 'chunk');
}

beforeAll(async () => {
  chunks = await bundle();
  writeFileSync(path.join(folder, 'worker.js'), worker);
  writeFileSync(path.join(folder, 'index.html'), html);
  server = await serve(folder);
  browser = await openBrowser();
  page = await browser.context.newPage();
  complaints = complaintsOf(page);
  await page.goto(server.url);
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const inPage = (device: string): Promise<unknown> => page.evaluate(`bundle.gradients('${device}')`);

const inWorker = (device: string): Promise<unknown> =>
  page.evaluate(
    (device) =>
      new Promise((resolve, reject) => {
        const worker = new Worker(new URL('worker.js', location.href), { type: 'module' });
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = (event) => reject(new Error(event.message));
        worker.postMessage(device);
      }),
    device,
  );

describe('bundled for browsers', () => {
  it('the packages import no module of Node', () => {
    expect(specifiers.size).toBeGreaterThan(100);
    expect([...specifiers].filter((name) => isBuiltin(name))).toEqual([]);
  });

  it('nothing is left to be imported from outside of the bundle', () => {
    const own = new Set(chunks.map(({ fileName }) => fileName));
    const imported = chunks.flatMap(({ imports, dynamicImports }) => [...imports, ...dynamicImports]);
    expect(imported.filter((name) => !own.has(name))).toEqual([]);
  });

  it.each(['cpu', 'webgpu'])('products and their gradients on %s, in a page and in a worker', async (device) => {
    expect(await inPage(device)).toEqual(expected);
    expect(await inWorker(device)).toEqual(expected);
  });

  it('what needs files says so', async () => {
    const message = await page.evaluate(`bundle.flambeau.load('weights.safetensors').catch((error) => error.message)`);
    expect(message).toMatch(/files need Node .* in a browser/);
  });

  it('without complaints', () => {
    expect(complaints).toEqual([]);
  });
});
