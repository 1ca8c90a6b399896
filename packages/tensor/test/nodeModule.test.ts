import * as path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FlambeauError } from '../src/index.ts';
import { nodeModule } from '../src/internal.ts';

afterEach(() => vi.unstubAllGlobals());

describe('nodeModule', () => {
  it('gives the modules of Node', () => {
    expect(nodeModule<typeof path>('node:path').join('a', 'b')).toBe(path.join('a', 'b'));
  });

  it.each([
    ['there is no process', undefined],
    ['a bundler has put an empty one there', { env: {} }],
  ])('says that files need Node where %s', (_, process) => {
    vi.stubGlobal('process', process);
    expect(() => nodeModule('node:fs')).toThrow(FlambeauError);
    expect(() => nodeModule('node:fs')).toThrow(/files need Node 20\.16 .* in a browser/);
  });
});
