/** Examples run on WebGPU to their end: nothing in them is special to a device. */
import * as webgpu from '@flambeau/backend-webgpu';
import { setDefaultDevice } from 'flambeau';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { example as basics } from '../src/basics.ts';
import { example as spiral } from '../src/spiral.ts';
import { exampleRunner } from './runner.ts';

const runner = exampleRunner('webgpu');
const run = runner.run;

beforeAll(async () => {
  await webgpu.init();
  setDefaultDevice('webgpu');
});
afterAll(() => setDefaultDevice('cpu'));

describe('examples on WebGPU', () => {
  it('basics: shows tensors and gradients', async () => {
    const text = await run(basics);
    expect(text).toMatch(/tensor\(\[\[0\., 1\., 2\.\],/);
    expect(text).toMatch(/<PowBackward0>/);
    expect(text).toMatch(/tensor\(\[-0\.4794\], device='webgpu:0'\)/);
  });

  it('spiral: learns from batches and draws', { timeout: 180_000 }, async () => {
    expect(await run(spiral)).toMatch(/% of the points are on the right arm/);
  });
});
