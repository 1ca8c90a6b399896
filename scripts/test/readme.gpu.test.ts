// The examples in the READMEs run on WebGPU as they are, once it is the default device.
import { afterAll, describe, it } from 'vitest';
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
  it.each(blocks)('$name', { timeout: 120_000 }, (block) => folder.run(block, useWebGpu));
});
