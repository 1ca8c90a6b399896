/** Examples run on WebGPU to their end: nothing in them is special to a device. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as webgpu from '@flambeau/backend-webgpu';
import { setDefaultDevice } from 'flambeau';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { example as basics } from '../src/basics.ts';
import type { Example } from '../src/example.ts';
import { example as spiral } from '../src/spiral.ts';

let out: string;
let printed: string[];

beforeAll(async () => {
  await webgpu.init();
  setDefaultDevice('webgpu');
});
afterAll(() => setDefaultDevice('cpu'));

beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'flambeau-examples-'));
  printed = [];
  vi.spyOn(console, 'log').mockImplementation((...parts: unknown[]) => void printed.push(parts.map(String).join(' ')));
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(out, { recursive: true });
});

async function run(example: Example): Promise<string> {
  await example.run({ data: null, device: 'webgpu', out, seed: 1, quick: true });
  return printed.join('\n');
}

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
