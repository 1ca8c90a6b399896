/** @file One library on one workload, in a process of its own: prints what it measured as a line of JSON. */
import './gpu.ts';
import { measure } from '../src/measure.ts';
import type { Peer } from './peer.ts';

const [library, workload] = process.argv.slice(2) as [string, string];
const { peer } = (await import(`./${library}.ts`)) as { peer: Peer };
await peer.init();
const budget = {
  warmMs: Number(process.env.BENCH_WARM_MS ?? 250),
  budgetMs: Number(process.env.BENCH_BUDGET_MS ?? 1000),
};
const run = await peer.workloads[workload]!();
console.log(JSON.stringify(await measure(run, budget, peer.settle)));
process.exit(0);
