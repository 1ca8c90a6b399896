// The examples in the READMEs run.
import { afterAll, describe, expect, it } from 'vitest';
import { blocks, makeFolder } from './readme-blocks.ts';

const folder = makeFolder();
afterAll(() => folder.remove());

describe('examples in READMEs', () => {
  it.each(blocks)('$name', { timeout: 60_000 }, (block) => {
    const { status, stderr } = folder.run(block);
    expect(status, stderr).toBe(0);
  });
});
