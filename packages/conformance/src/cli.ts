/** @file `npm run conformance -- --golden DIR …`: runs PyTorch's goldens and says what differs. */

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as webgpu from '@flambeau/backend-webgpu';
import { setDefaultDevice } from 'flambeau';
import { type Area, folderSource, guessArea } from './area.ts';
import { areas } from './areas/index.ts';
import { formatReport, makeReport, type Report } from './report.ts';
import { ratioOf, runArea, type Totals } from './run.ts';
import { startWatchdog } from './watchdog.ts';

const usage = `usage: npm run conformance -- --golden DIR [options]

  --golden DIR      folder of one area's golden files, e.g. ../shared/golden/ops
  --area NAME       ${areas.map((area) => area.name).join(' | ')}; by default what the folder's INDEX.json says
  --tier LIST       tiers of ops, e.g. core,linalg; by default all
  --op LIST         only these ops (PyTorch's or our spelling)
  --device NAME     cpu (default) or webgpu
  --baseline FILE   only cases that passed in the run that wrote FILE with --json
  --json FILE       write the results as JSON
  --min RATIO       exit with 1 when passed / (passed + failed + known gaps) is below`;

/** Wrong use: the message goes out with the usage, and the exit code is 2. */
class UsageError extends Error {}

const list = (text: string | undefined): string[] | undefined => text?.split(',').map((word) => word.trim());

function readOptions(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        golden: { type: 'string' },
        area: { type: 'string' },
        tier: { type: 'string' },
        op: { type: 'string' },
        device: { type: 'string', default: 'cpu' },
        baseline: { type: 'string' },
        json: { type: 'string' },
        min: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** The folder and area that `--golden` and `--area` mean; DIR may also be the folder above the areas. */
function locate(golden: string | undefined, name: string | undefined): { folder: string; area: Area } {
  if (golden === undefined) throw new UsageError('--golden DIR is missing');
  if (!existsSync(golden) || !statSync(golden).isDirectory())
    throw new UsageError(`--golden: there is no folder ${golden}`);
  const given = areas.find((candidate) => candidate.name === name);
  const below = given?.goldens ?? name;
  const inside = below !== undefined && !existsSync(join(golden, 'INDEX.json')) && existsSync(join(golden, below));
  const folder = inside ? join(golden, below) : golden;
  const wanted = name ?? guessArea(folder);
  const area = areas.find((candidate) => candidate.name === wanted);
  const known = areas.map((candidate) => candidate.name).join(', ');
  if (wanted === undefined) throw new UsageError(`cannot tell the area of ${folder}; say --area (${known})`);
  if (area === undefined) throw new UsageError(`the runner has no area '${wanted}' yet; it knows ${known}`);
  return { folder, area };
}

function readMinimum(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const minimum = Number(text);
  if (text.trim() === '' || !(minimum >= 0 && minimum <= 1))
    throw new UsageError(`--min takes a ratio from 0 to 1, got '${text}'`);
  return minimum;
}

function readBaseline(file: string | undefined): Set<string> | undefined {
  if (file === undefined) return undefined;
  let report: Partial<Report>;
  try {
    report = JSON.parse(readFileSync(file, 'utf8')) as Partial<Report>;
  } catch (error) {
    throw new UsageError(`--baseline: ${(error as Error).message}`);
  }
  if (!Array.isArray(report.passed)) throw new UsageError(`--baseline: ${file} was not written by --json`);
  return new Set(report.passed);
}

async function useDevice(device: string): Promise<void> {
  if (device === 'cpu') return;
  if (device !== 'webgpu')
    throw new UsageError(`--device: '${device}' is not available; the devices here are: cpu, webgpu`);
  await webgpu.init();
  setDefaultDevice(device);
}

/** One line that overwrites itself, on terminals only. */
function progress(group: string, { passed, failed }: Totals): void {
  const { stderr } = process;
  if (stderr.isTTY) stderr.write(`\r\x1b[K${passed} passed, ${failed} failed  ${group}`);
}

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options.help) {
    console.log(usage);
    return 0;
  }
  const { folder, area } = locate(options.golden, options.area);
  const minimum = readMinimum(options.min);
  const baseline = readBaseline(options.baseline);
  await useDevice(options.device);
  const selection = { device: options.device, tiers: list(options.tier), ops: list(options.op) };
  const watchdog = startWatchdog();
  const groups = await runArea(area, folderSource(folder), selection, {
    only: baseline && ((group, id) => baseline.has(`${group}/${id}`)),
    onProgress: progress,
    onCase: watchdog.next,
  });
  await watchdog.stop();
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  if (groups.length === 0) throw new UsageError('no case matches --tier, --op and --baseline');
  const report = makeReport(area.name, options.device, groups);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 1)}\n`);
  console.log(formatReport(groups, report));
  const ratio = ratioOf(report.totals);
  if (minimum === undefined || ratio >= minimum) return 0;
  console.log(`ratio ${ratio.toFixed(4)} is below --min ${minimum}`);
  return 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${usage}`);
  process.exitCode = 2;
}
