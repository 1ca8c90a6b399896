// `npm test`: every check of this workspace, one after the other, and a last line that sums them up. Checks without
// tests of their own count as one test each. Arguments go to vitest, and then nothing but vitest runs.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findChromium } from './lib/browser.ts';
import { runTool } from './lib/process.ts';
import { add, countTests, type Totals } from './lib/totals.ts';
import { readJson } from './lib/workspace.ts';

const node = process.execPath;
const checks: [name: string, tool: string, args: string[]][] = [
  ['lint', 'biome', ['check', '--error-on-warnings']],
  ['imports', node, ['scripts/check-imports.ts']],
  ['release plan', node, ['scripts/check-changesets.ts']],
  ['types', 'tsc', ['--noEmit']],
];

async function main(filters: string[]): Promise<void> {
  let totals: Totals = { passed: 0, failed: 0, skipped: 0 };
  const failures: string[] = [];
  const run = async (name: string, part: () => Promise<Totals>) => {
    heading(name);
    const result = await part();
    totals = add(totals, result);
    if (result.failed > 0) failures.push(name);
  };

  if (filters.length === 0) {
    for (const [name, tool, args] of checks) await run(name, () => check(tool, args));
  }
  await run('tests', () => vitest(['--project=unit', ...filters]));
  await run('GPU tests', () => gpuTests(filters));
  await run('browser tests', () => browserTests(filters));
  if (filters.length === 0) await run('packages', () => check(node, ['scripts/check-pack.ts']));

  heading('result');
  if (failures.length > 0) console.log(`Failed: ${failures.join(', ')}`);
  console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

function heading(name: string): void {
  console.log(`\n── ${name} ${'─'.repeat(Math.max(0, 76 - name.length))}`);
}

async function check(tool: string, args: string[]): Promise<Totals> {
  const status = await runTool(tool, args);
  return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 };
}

/** The tests of the WebGPU backend, where there is an adapter; elsewhere one skip that says so. */
async function gpuTests(filters: string[]): Promise<Totals> {
  const available = await runTool(node, ['--conditions=flambeau-source', 'scripts/has-webgpu.ts']);
  if (available === 0) return vitest(['--project=gpu', '--passWithNoTests', ...filters]);
  console.log(
    'SKIPPED: no WebGPU adapter here. With a GPU driver, or SwiftShader (apt-get install chromium-common libvulkan1), they run.',
  );
  return { passed: 0, failed: 0, skipped: 1 };
}

/** The tests in a real browser, where there is Chromium; elsewhere one skip that says so. */
async function browserTests(filters: string[]): Promise<Totals> {
  if (findChromium() !== null) return vitest(['--project=browser', '--passWithNoTests', ...filters]);
  console.log(
    'SKIPPED: no Chromium here. With one (apt-get install chromium, or its path in the environment variable CHROMIUM), they run.',
  );
  return { passed: 0, failed: 0, skipped: 1 };
}

async function vitest(args: string[]): Promise<Totals> {
  const folder = mkdtempSync(path.join(tmpdir(), 'flambeau-test-'));
  try {
    const report = path.join(folder, 'report.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const status = await runTool('vitest', ['run', ...reporters, ...args]);
    return countTests(status, () => readJson(report));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main(process.argv.slice(2));
