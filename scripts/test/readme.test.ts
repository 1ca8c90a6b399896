// The examples in the READMEs run.
import { afterAll, describe, it } from 'vitest';
import { blocks, makeFolder } from './readme-blocks.ts';

const folder = makeFolder();
afterAll(() => folder.remove());

describe('examples in READMEs', () => {
  it.each(blocks)('$name', { timeout: 60_000 }, (block) => folder.run(block));
});
