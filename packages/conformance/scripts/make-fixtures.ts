/**
 * @file Takes a part of the golden data into fixtures/*.json.gz, for the tests:
 * `npm run exec -- node packages/conformance/scripts/make-fixtures.ts ../shared/golden`.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const target = new URL('../fixtures/', import.meta.url);

/** Encoded cases above this size are left out: the fixtures are to stay small. */
const largestCase = 12_000;

interface OpsCase {
  readonly id: string;
  readonly dtype: string;
  readonly error?: string;
  readonly grads?: unknown;
  readonly noncontiguous?: boolean;
  readonly inplace_ok?: boolean;
}

interface OpsFile {
  readonly cases: readonly OpsCase[];
}

/** What the tests should see of every op: the two smallest cases of each kind. */
const kinds: readonly ((golden: OpsCase) => boolean)[] = [
  (golden) => golden.error !== undefined,
  (golden) => golden.grads !== undefined && !golden.noncontiguous,
  (golden) => golden.noncontiguous === true,
  (golden) => golden.inplace_ok === true,
  (golden) => golden.error === undefined && golden.grads === undefined,
];

/** Shapes without elements, and single elements, show little: others come first. */
const dull = (golden: OpsCase): boolean => /"shape":\s?(\[\]|\[[^\]]*\b0\b)/.test(JSON.stringify(golden));

const sizeOf = (golden: OpsCase): number => JSON.stringify(golden).length + (dull(golden) ? largestCase : 0);

function pickCases(cases: readonly OpsCase[]): OpsCase[] {
  const picked = new Set<OpsCase>();
  for (const kind of kinds) {
    const sorted = cases.filter(kind).sort((a, b) => sizeOf(a) - sizeOf(b));
    for (const golden of sorted.slice(0, 2)) if (JSON.stringify(golden).length <= largestCase) picked.add(golden);
  }
  return cases.filter((golden) => picked.has(golden));
}

function opsFiles(folder: string, tiers: readonly string[]): Record<string, string> {
  const index = JSON.parse(readFileSync(join(folder, 'INDEX.json'), 'utf8')) as {
    index: { file: string; tier: string }[];
  };
  const entries = index.index.filter((entry) => tiers.includes(entry.tier));
  const files: Record<string, string> = { 'INDEX.json': JSON.stringify({ index: entries }) };
  for (const { file } of entries) {
    const text = readFileSync(join(folder, file), 'utf8');
    const content = JSON.parse(text) as OpsFile;
    const kept = new Set(pickCases(content.cases).map((golden) => golden.id));
    // Lines are kept as they are, since 2.0 and 2 differ there.
    const lines = text
      .split('\n')
      .filter((line) => !line.startsWith('{"id"') || kept.has((JSON.parse(line.replace(/,$/, '')) as OpsCase).id));
    files[file] = lines.join('\n').replace(/,(\s*\]\s*\}\s*)$/, '$1');
  }
  return files;
}

/** Files of an area with the cases that `pick` chooses. */
function filesOf(
  folder: string,
  pick: (cases: readonly object[]) => readonly object[] = (cases) => cases,
): Record<string, string> {
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  const read = (name: string): [string, string] => {
    const content = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { cases?: object[] };
    return [name, JSON.stringify(content.cases === undefined ? content : { ...content, cases: pick(content.cases) })];
  };
  return Object.fromEntries(names.map(read));
}

const lengthOf = (golden: object): number => JSON.stringify(golden).length;

const below = (largest: number) => (cases: readonly object[]) => cases.filter((golden) => lengthOf(golden) < largest);

/** The `count` smallest cases of each kind that `key` tells apart, in their order. */
const smallest = (count: number, key: (golden: never) => unknown) => (cases: readonly object[]) => {
  const seen = new Map<unknown, number>();
  const chosen = new Set<object>();
  for (const golden of [...cases].sort((a, b) => lengthOf(a) - lengthOf(b))) {
    const kind = key(golden as never);
    const taken = seen.get(kind) ?? 0;
    seen.set(kind, taken + 1);
    if (taken < count && lengthOf(golden) < largestCase) chosen.add(golden);
  }
  return cases.filter((golden) => chosen.has(golden));
};

function write(name: string, files: Record<string, string>): void {
  const bytes = gzipSync(JSON.stringify(files), { level: 9 });
  writeFileSync(new URL(`${name}.json.gz`, target), bytes);
  console.log(`${name}: ${Object.keys(files).length} files, ${(bytes.length / 1024).toFixed(0)} KiB`);
}

const golden = process.argv[2];
if (golden === undefined) throw new Error('usage: make-fixtures.ts GOLDEN_FOLDER');
mkdirSync(target, { recursive: true });
write('ops', opsFiles(join(golden, 'ops'), ['core', 'special', 'niche', 'fft-complex']));
write('ops-complex', opsFiles(join(golden, 'ops-complex'), ['core', 'niche', 'fft-complex']));
write('repr', filesOf(join(golden, 'repr')));
write('rng', filesOf(join(golden, 'rng'), below(20_000)));
write(
  'nn',
  filesOf(
    join(golden, 'nn'),
    smallest(3, ({ fn, train }: { fn?: string; train?: boolean }) => `${fn} ${train}`),
  ),
);
write(
  'optim',
  filesOf(
    join(golden, 'optim'),
    smallest(
      3,
      ({ optimizer, scheduler, fn }: { optimizer?: string; scheduler?: string; fn?: string }) =>
        `${scheduler ?? optimizer} ${fn}`,
    ),
  ),
);
