// The examples in the READMEs run: every TypeScript block as a module of its own, on the packages' sources.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
// Inside the workspace, where its packages are found.
mkdirSync(path.join(root, 'out'), { recursive: true });
const folder = mkdtempSync(path.join(root, 'out', 'readme-'));
// Files that an example reads.
for (const name of ['package.json', 'README.md']) copyFileSync(path.join(root, name), path.join(folder, name));
afterAll(() => rmSync(folder, { recursive: true }));

const files = ['README.md', ...readdirSync(path.join(root, 'packages')).map((name) => `packages/${name}/README.md`)];

interface Block {
  readonly name: string;
  readonly code: string;
}

const blocks: Block[] = files.flatMap((file) => {
  const text = readFileSync(path.join(root, file), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code], i) => ({
    name: `${file}, block ${i + 1}`,
    code: code!,
  }));
});

describe('examples in READMEs', () => {
  it.each(blocks)('$name', { timeout: 60_000 }, ({ name, code }) => {
    const file = path.join(folder, `${name.replaceAll(/\W+/g, '-')}.ts`);
    writeFileSync(file, code);
    const args = ['--conditions=flambeau-source', file];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    expect(status, stderr).toBe(0);
  });
});
