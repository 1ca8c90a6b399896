// The TypeScript blocks in the READMEs, and how one is run: as a module of its own, on the packages' sources.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const files = ['README.md', ...readdirSync(path.join(root, 'packages')).map((name) => `packages/${name}/README.md`)];

export interface Block {
  readonly name: string;
  readonly code: string;
  /** Its fence says `ts cpu`: it uses what only the CPU has. */
  readonly cpuOnly: boolean;
}

export const blocks: Block[] = files.flatMap((file) => {
  const text = readFileSync(path.join(root, file), 'utf8');
  return [...text.matchAll(/^```ts( cpu)?\n(.*?)^```/gms)].map(([, cpu, code], i) => ({
    name: `${file}, block ${i + 1}`,
    code: code!,
    cpuOnly: cpu !== undefined,
  }));
});

export interface Folder {
  /** Runs a block, after the module `first` if there is one. @returns what it printed to stderr, and its exit status */
  run(block: Block, first?: string): { status: number | null; stderr: string };
  remove(): void;
}

/** A folder to run blocks in: inside the workspace, where its packages are found. */
export function makeFolder(): Folder {
  mkdirSync(path.join(root, 'out'), { recursive: true });
  const folder = mkdtempSync(path.join(root, 'out', 'readme-'));
  // Files that an example reads.
  for (const name of ['package.json', 'README.md']) copyFileSync(path.join(root, name), path.join(folder, name));
  const write = (name: string, code: string): string => {
    const file = path.join(folder, `${name.replaceAll(/\W+/g, '-')}.ts`);
    writeFileSync(file, code);
    return file;
  };
  return {
    run({ name, code }, first) {
      const before = first === undefined ? [] : ['--import', write('first', first)];
      const args = ['--conditions=flambeau-source', ...before, write(name, code)];
      return spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}
