/** @file `npm start [-- --example NAME --data DIR --device cpu|webgpu --list]`. */
import { mkdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { init } from '@flambeau/backend-webgpu';
import { FlambeauError, setDefaultDevice } from 'flambeau';
import type { Example } from './example.ts';

const examples: Readonly<Record<string, () => Promise<{ example: Example }>>> = {
  digits: () => import('./digits.ts'),
  basics: () => import('./basics.ts'),
  regression: () => import('./regression.ts'),
  spiral: () => import('./spiral.ts'),
};

const usage = `usage: npm start [-- OPTIONS]
  --example NAME   which example to run (default: digits); --list names them
  --data DIR       folder with the data, where an example reads any
  --device DEVICE  cpu (default) or webgpu
  --out DIR        folder for results (default: out)
  --seed N         seed of all random numbers (default: 1)
  --quick          a short run, to see that everything works`;

async function list(): Promise<void> {
  for (const [name, load] of Object.entries(examples))
    console.log(`${name.padEnd(12)} ${(await load()).example.description}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      example: { type: 'string', default: 'digits' },
      data: { type: 'string' },
      device: { type: 'string', default: 'cpu' },
      out: { type: 'string', default: 'out' },
      seed: { type: 'string', default: '1' },
      quick: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return console.log(usage);
  if (values.list) return list();
  const load = Object.hasOwn(examples, values.example) ? examples[values.example] : undefined;
  if (load === undefined)
    throw new TypeError(`there is no example '${values.example}'; there are ${Object.keys(examples).join(', ')}`);
  const seed = Number(values.seed);
  if (!Number.isSafeInteger(seed)) throw new TypeError(`--seed must be an integer, got '${values.seed}'`);
  if (values.device.startsWith('webgpu')) await init();
  setDefaultDevice(values.device);
  await mkdir(values.out, { recursive: true });
  const { example } = await load();
  await example.run({ data: values.data ?? null, device: values.device, out: values.out, seed, quick: values.quick });
}

try {
  await main();
} catch (error) {
  // What a user can mend is said without a stack.
  const expected =
    error instanceof FlambeauError || error instanceof TypeError || (error as NodeJS.ErrnoException).code !== undefined;
  if (!expected || process.env.DEBUG) throw error;
  console.error(`\n${(error as Error).message}`);
  if (error instanceof TypeError) console.error(usage);
  process.exitCode = 1;
}
