/** @file `npm run bench -- [--filter REGEX] [--device cpu|webgpu] [--threads N] [--json] [--peers]`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as webgpu from '@flambeau/backend-webgpu';
import { DeviceError } from 'flambeau';
import { type Measurement, measure } from './measure.ts';
import type { Workloads } from './workload.ts';
import { attention } from './workloads/attention.ts';
import { layers } from './workloads/layers.ts';
import { ops } from './workloads/ops.ts';
import { training } from './workloads/training.ts';

const workloads: Workloads = { ...ops, ...layers, ...training, ...attention };

const usage = `usage: npm run bench -- [--filter REGEX] [--device cpu|webgpu] [--threads 1] [--json] [--list] [--peers]
Environment: BENCH_BUDGET_MS (1000), BENCH_WARM_MS (250); FLAMBEAU_CPU=js|wasm chooses the CPU kernels. --peers compares training on WebGPU with
other libraries, which it installs: see apps/bench/peers.`;

interface Options {
  readonly filter: RegExp;
  readonly device: string;
  readonly threads: number;
  readonly json: boolean;
}

/** Runs peers/run.ts, which lies outside of the workspace. */
function comparePeers(filter: string, json: boolean): void {
  const script = join(import.meta.dirname, '..', 'peers', 'run.ts');
  const { status } = spawnSync(process.execPath, [script, '--filter', filter, ...(json ? ['--json'] : [])], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}

function options(): Options | null {
  const { values } = parseArgs({
    options: {
      filter: { type: 'string', default: '' },
      device: { type: 'string', default: 'cpu' },
      threads: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      peers: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return null;
  }
  if (values.peers) {
    comparePeers(values.filter, values.json);
    return null;
  }
  const filter = new RegExp(values.filter);
  if (values.list) {
    for (const name of Object.keys(workloads)) if (filter.test(name)) console.log(name);
    return null;
  }
  const threads = Number(values.threads);
  if (threads !== 1)
    throw new RangeError(`--threads ${values.threads}: the CPU backend runs on one thread; leave the option away`);
  return { filter, device: values.device, threads, json: values.json };
}

function report(name: string, result: Measurement, { device, threads, json }: Options): void {
  if (json) {
    console.log(JSON.stringify({ workload: name, ...result, device, threads }));
    return;
  }
  const check = result.check === undefined ? '' : `   check ${result.check}`;
  console.log(
    `${name.padEnd(24)}${result.ms_median.toPrecision(4).padStart(10)} ms   min ${result.ms_min.toPrecision(4)}   n ${result.n}${check}`,
  );
}

async function main(): Promise<number> {
  const chosen = options();
  if (chosen === null) return 0;
  const names = Object.keys(workloads).filter((name) => chosen.filter.test(name));
  if (names.length === 0) throw new RangeError(`--filter matches none of: ${Object.keys(workloads).join(', ')}`);
  if (chosen.device.startsWith('webgpu')) await webgpu.init();
  const settle = chosen.device === 'cpu' ? null : webgpu.synchronize;
  const budget = {
    warmMs: Number(process.env.BENCH_WARM_MS ?? 250),
    budgetMs: Number(process.env.BENCH_BUDGET_MS ?? 1000),
  };
  for (const name of names) {
    const run = await workloads[name]!(chosen.device);
    report(name, await measure(run, budget, settle), chosen);
  }
  return 0;
}

try {
  process.exitCode = (await main()) || process.exitCode;
} catch (error) {
  if (
    !(
      error instanceof TypeError ||
      error instanceof RangeError ||
      error instanceof SyntaxError ||
      error instanceof DeviceError
    )
  )
    throw error;
  console.error(`bench: ${error.message}\n${usage}`);
  process.exitCode = 2;
}
