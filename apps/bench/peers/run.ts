/**
 * @file Flambeau and the other libraries on WebGPU, workload by workload on the same adapter, each in a process of its own:
 * `npm run bench -- --peers [--filter REGEX] [--json]`. Installs the others first.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = fileURLToPath(new URL('.', import.meta.url));
const TIMEOUT_MS = Number(process.env.BENCH_TIMEOUT_MS ?? 600_000);
const names = ['train-mlp', 'train-cifar-net-b4', 'train-cifar-net-b64', 'train-mnist-cnn-b100'] as const;
const libraries = ['flambeau', 'jax', 'tfjs'] as const;

interface Result {
  readonly ms_median?: number;
  readonly ms_min?: number;
  readonly n?: number;
  readonly check?: number;
  /** Why there are no figures. */
  readonly cannot?: string;
}

function install(): void {
  if (existsSync(new URL('node_modules', import.meta.url))) return;
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: here,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('npm ci failed in apps/bench/peers');
}

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The last line of JSON that the process printed, or its error. */
function resultOf(library: string, workload: string): Result {
  const args =
    library === 'flambeau'
      ? [
          '--conditions=flambeau-source',
          script('../src/cli.ts'),
          '--device',
          'webgpu',
          '--json',
          '--filter',
          `^${workload}$`,
        ]
      : [script('worker.ts'), library, workload];
  const { stdout, stderr, error } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: TIMEOUT_MS });
  const line = stdout.split('\n').findLast((text) => text.startsWith('{'));
  if (line !== undefined) return JSON.parse(line) as Result;
  if (error !== undefined) return { cannot: `no result within ${TIMEOUT_MS / 1000} s` };
  return { cannot: /^\w*Error: .*$/m.exec(stderr)?.[0] ?? 'ended without a result' };
}

const format = ({ ms_median, ms_min, n, check, cannot }: Result): string =>
  cannot ?? `${ms_median!.toPrecision(4).padStart(9)} ms   min ${ms_min!.toPrecision(4)}   n ${n}   check ${check}`;

/** Whether the first loss agrees to four digits: that the same was computed. */
const agrees = (result: Result, ours: Result): boolean =>
  result.check === undefined || ours.check === undefined || Math.abs(result.check / ours.check - 1) < 1e-4;

const { values } = parseArgs({
  options: { filter: { type: 'string', default: '' }, json: { type: 'boolean', default: false } },
});
const filter = new RegExp(values.filter);
install();
for (const workload of names.filter((name) => filter.test(name))) {
  let ours: Result = {};
  for (const library of libraries) {
    const result = resultOf(library, workload);
    if (library === 'flambeau') ours = result;
    if (!agrees(result, ours)) process.exitCode = 1;
    const note = agrees(result, ours) ? '' : '   ANOTHER RESULT';
    if (values.json) console.log(JSON.stringify({ workload, library, ...result }));
    else console.log(`${workload.padEnd(22)}${library.padEnd(10)}${format(result)}${note}`);
  }
}
