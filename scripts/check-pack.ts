// Packs every public package as it would be published and checks the result: publint and attw on the tarballs, then a
// project outside the workspace that installs them, type-checks against them, runs and bundles.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { build } from 'vite';
import { root, runTool } from './lib/process.ts';
import { publicPackages, type WorkspacePackage } from './lib/workspace.ts';

const OLDEST_NODE = 20;
const consumerNode = await nodeOfConsumers();

async function main(folder: string): Promise<void> {
  const packages = publicPackages();
  await step('build', () => must('turbo', ['run', 'build', '--output-logs=errors-only']));
  await step(`pack ${packages.length} packages`, () => each(packages, (one) => pack(one, folder)));
  await step('publint and attw on the tarballs', () => each(packages, (one) => lint(tarball(one, folder))));
  await step('install the tarballs in a project of their own', () => installConsumer(packages, folder));
  await step('type-check that project', () => must('tsc', ['-p', '.'], path.join(folder, 'consumer')));
  await step(`run it with Node ${consumerNode.version}`, () =>
    must(consumerNode.file, ['main.mjs'], path.join(folder, 'consumer')),
  );
  await step('bundle it and run the bundle', () => runBundle(path.join(folder, 'consumer')));
}

/** The Node that was there before the workspace's own, so that older ones get their turn, if it is one we support. */
async function nodeOfConsumers(): Promise<{ file: string; version: string }> {
  const file = process.env.FLAMBEAU_OUTER_NODE;
  if (file !== undefined) {
    const { stdout } = await promisify(execFile)(file, ['-p', 'process.versions.node']);
    if (Number.parseInt(stdout, 10) >= OLDEST_NODE) return { file, version: stdout.trim() };
  }
  return { file: process.execPath, version: process.versions.node };
}

async function step(name: string, work: () => Promise<unknown>): Promise<void> {
  const began = performance.now();
  await work();
  console.log(`${name}: ok (${((performance.now() - began) / 1000).toFixed(1)} s)`);
}

async function must(tool: string, args: string[], cwd = root): Promise<void> {
  const status = await runTool(tool, args, { quiet: true, cwd });
  if (status !== 0) throw new Error(`${tool} ${args.join(' ')} failed (status ${status})`);
}

/** Does the work for every item, as many at a time as there are processors. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

function pack(one: WorkspacePackage, folder: string): Promise<void> {
  return must('pnpm', ['pack', '--out', tarball(one, folder)], path.join(root, one.folder));
}

function tarball({ manifest }: WorkspacePackage, folder: string): string {
  return path.join(folder, `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`);
}

async function lint(file: string): Promise<void> {
  await must('publint', ['--strict', file]);
  await must('attw', ['--profile', 'esm-only', file]);
}

/** Installs without a network: what the tarballs want of each other are the tarballs. */
async function installConsumer(packages: readonly WorkspacePackage[], folder: string): Promise<void> {
  const consumer = path.join(folder, 'consumer');
  cpSync(path.join(root, 'scripts/consumer'), consumer, { recursive: true });
  const tarballs = Object.fromEntries(packages.map((one) => [one.manifest.name, `file:${tarball(one, folder)}`]));
  const manifest = { name: 'consumer', private: true, type: 'module', dependencies: tarballs };
  writeFileSync(path.join(consumer, 'package.json'), JSON.stringify(manifest));
  writeFileSync(path.join(consumer, 'pnpm-workspace.yaml'), JSON.stringify({ overrides: tarballs }));
  await must('pnpm', ['install', '--offline', '--ignore-scripts'], consumer);
}

/** One file with everything in it, minified and shaken: what registers itself on import must survive that. */
async function runBundle(consumer: string): Promise<void> {
  const outDir = path.join(consumer, 'bundle');
  await build({
    root: consumer,
    configFile: false,
    logLevel: 'error',
    ssr: { noExternal: true },
    build: { ssr: 'main.mjs', outDir, minify: true },
  });
  // Away from node_modules, so that nothing but the bundle can be found.
  const alone = path.join(path.dirname(consumer), 'alone');
  mkdirSync(alone);
  cpSync(path.join(outDir, 'main.js'), path.join(alone, 'main.mjs'));
  await must(consumerNode.file, ['main.mjs'], alone);
}

const folder = mkdtempSync(path.join(tmpdir(), 'flambeau-pack-'));
try {
  await main(folder);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
