import { describe, expect, it } from 'vitest';
import { allowedImports, checkWorkspace, importsOf, type PackageSources } from '../lib/imports.ts';
import type { Manifest } from '../lib/workspace.ts';

const entry = { '.': { default: './dist/index.js' } };

function pkg(folder: string, manifest: Partial<Manifest>, sources: Record<string, string>): PackageSources {
  const name = `@flambeau/${folder.split('/')[1]}`;
  return {
    folder,
    manifest: { name, version: '1.0.0', exports: entry, sideEffects: false, ...manifest },
    sources: new Map(Object.entries(sources)),
  };
}

const tensor = pkg('packages/tensor', {}, { 'src/index.ts': 'export const a = 1;' });
const peer = { peerDependencies: { '@flambeau/tensor': 'workspace:^' } };
const useTensor = "import { a } from '@flambeau/tensor';\nexport const b = a;";

describe('importsOf', () => {
  it('finds every way of naming a module, with its line', () => {
    const text = [
      "import type { A } from 'type';",
      "import { type B } from 'inline-type';",
      "import c, { type D } from 'static';",
      "export * from './all.ts';",
      "export type { E } from 'export-type';",
      "import './effect.ts';",
      "const f = await import('dynamic');",
      'const g = await import(`template`);',
      "type H = import('import-type').H;",
      "const w = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);",
      "// import 'comment'",
      `const s = "import 'string'";`,
      'export {};',
    ].join('\n');
    expect(importsOf('x.ts', text).map((one) => [one.specifier, one.kind, one.line])).toEqual([
      ['type', 'type', 1],
      ['inline-type', 'type', 2],
      ['static', 'static', 3],
      ['./all.ts', 'static', 4],
      ['export-type', 'type', 5],
      ['./effect.ts', 'effect', 6],
      ['dynamic', 'dynamic', 7],
      ['template', 'dynamic', 8],
      ['import-type', 'type', 9],
      ['./worker.ts', 'url', 10],
    ]);
  });

  it('rejects a source that does not parse', () => {
    expect(() => importsOf('broken.ts', 'const = 1')).toThrow(/broken\.ts/);
  });
});

describe('checkWorkspace', () => {
  it('accepts imports along the arrows', () => {
    expect(checkWorkspace([tensor, pkg('packages/nn', peer, { 'src/index.ts': useTensor })])).toEqual([]);
  });

  it('rejects imports against the arrows, type imports too', () => {
    const upward = pkg('packages/tensor', {}, { 'src/index.ts': "import type { b } from '@flambeau/nn';" });
    const nn = pkg('packages/nn', peer, { 'src/index.ts': useTensor });
    expect(checkWorkspace([upward, nn])).toEqual([
      "packages/tensor/src/index.ts:1 '@flambeau/nn': tensor may import no other package",
    ]);
  });

  it('wants tensor as a peer dependency of its siblings', () => {
    const ordinary = { dependencies: { '@flambeau/tensor': 'workspace:^' } };
    const problems = checkWorkspace([tensor, pkg('packages/nn', ordinary, { 'src/index.ts': useTensor })]);
    expect(problems).toEqual([
      `packages/nn/src/index.ts:1 '@flambeau/tensor': is not declared under "peerDependencies"`,
    ]);
  });

  it('names dependencies that nothing imports', () => {
    const problems = checkWorkspace([tensor, pkg('packages/nn', peer, { 'src/index.ts': 'export {};' })]);
    expect(problems).toEqual([
      "packages/nn/package.json: '@flambeau/tensor' is declared, but nothing in src imports it",
    ]);
  });

  it.each([
    ["import '@flambeau/tensor/src/index.ts';", /reaches into @flambeau\/tensor/],
    ["import '../../tensor/src/index.ts';", /leaves the sources of packages\/nn/],
    ["new Worker(new URL('../../tensor/src/w.ts', import.meta.url));", /leaves the sources/],
    ["import '@flambeau/nn';", /does not import itself/],
    ["import '@flambeau/tensor';", /declares that importing it has no effect/],
    ["import { x } from '@flambeau/nothing';", /no such package/],
    ["import { readFileSync } from 'fs';", /write 'node:fs'/],
    ["import { x } from 'left-pad';", /not declared in package\.json/],
    ["import './register.ts';", /list '\.\/src\/register\.ts' under "sideEffects"/],
  ])('rejects %s', (text, message) => {
    const nn = pkg('packages/nn', {}, { 'src/index.ts': text });
    expect(checkWorkspace([tensor, nn])).toEqual([expect.stringMatching(message)]);
  });

  it('lets an optional peer be loaded lazily only', () => {
    const optional = { peerDependencies: { sharp: '*' }, peerDependenciesMeta: { sharp: { optional: true } } };
    const lazy = pkg('packages/vision', optional, { 'src/index.ts': "export const s = () => import('sharp');" });
    const eager = pkg('packages/vision', optional, { 'src/index.ts': "import sharp from 'sharp';" });
    expect(checkWorkspace([lazy])).toEqual([]);
    expect(checkWorkspace([eager])).toEqual([expect.stringMatching(/optional peer/)]);
  });

  it('wants registering modules listed both as source and as built file', () => {
    const sources = { 'src/index.ts': "import './register.ts';", 'src/register.ts': 'globalThis.name;' };
    const listing = (...sideEffects: string[]) => checkWorkspace([pkg('packages/autograd', { sideEffects }, sources)]);
    expect(listing('./src/register.ts', './dist/index.js')).toEqual([]);
    expect(listing('./src/register.ts')).toEqual([expect.stringMatching(/no '\.\/dist/)]);
    expect(listing('./src/register.ts', './src/gone.ts', './dist/index.js')).toEqual([
      expect.stringMatching(/gone\.ts', which does not exist/),
    ]);
  });

  it('lets private packages import everything that they declare', () => {
    const app = pkg(
      'apps/bench',
      { private: true, dependencies: { '@flambeau/tensor': '*' } },
      { 'src/a.ts': useTensor },
    );
    expect(checkWorkspace([tensor, app])).toEqual([]);
  });
});

describe('allowedImports', () => {
  it('points one way', () => {
    const reaches = (from: string, to: string): boolean =>
      (allowedImports[from] ?? []).some((next) => next === to || reaches(next, to));
    expect(Object.keys(allowedImports).filter((name) => reaches(name, name))).toEqual([]);
  });
});
