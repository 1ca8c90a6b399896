// The examples in the READMEs run on WebGPU as they are, once it is the default device.
import { afterAll, describe, expect, it } from 'vitest';
import { blocks, makeFolder } from './readme-blocks.ts';

const folder = makeFolder();
afterAll(() => folder.remove());

const useWebGpu = `
import * as webgpu from '@flambeau/backend-webgpu';
import { setDefaultDevice } from 'flambeau';
await webgpu.init();
setDefaultDevice('webgpu');
`;

describe('examples in READMEs, on WebGPU', () => {
  it.each(blocks.filter((block) => !block.cpuOnly))('$name', { timeout: 120_000 }, (block) => {
    const { status, stderr } = folder.run(block, useWebGpu);
    expect(status, stderr).toBe(0);
  });

  it.each(blocks.filter((block) => block.cpuOnly))(
    '$name is refused, with the remedy',
    { timeout: 120_000 },
    (block) => {
      const { status, stderr } = folder.run(block, useWebGpu);
      expect(status).toBe(1);
      expect(stderr).toMatch(/(DType|Device)Error: .*await x\.cpu\(\)/);
    },
  );
});
