/** Batches on WebGPU: samples stay where they are, what is made of numbers is on the default device. */
import '@flambeau/backend-cpu';
import * as webgpu from '@flambeau/backend-webgpu';
import { arange, manualSeed, setDefaultDevice, type Tensor } from '@flambeau/tensor';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DataLoader, defaultCollate, randomSplit, TensorDataset } from '../src/index.ts';

const gpu = 'webgpu:0';

beforeAll(() => webgpu.init());
beforeEach(() => setDefaultDevice('webgpu'));
afterEach(() => setDefaultDevice('cpu'));

const numbers = {
  length: 6,
  get: (i: number): [Float32Array, number, boolean] => [new Float32Array([i, i + 0.5]), i, i > 2],
};

describe('batches', () => {
  it('of numbers and arrays are made on the default device', async () => {
    const [x, y, z] = await new DataLoader(numbers, { batchSize: 3 }).first();
    for (const part of [x, y, z]) expect(part.device).toBe(gpu);
    expect(await x.toArray()).toEqual([
      [0, 0.5],
      [1, 1.5],
      [2, 2.5],
    ]);
    expect([y.dtype, await y.toArray()]).toEqual(['int32', [0, 1, 2]]);
    expect([z.dtype, await z.toArray()]).toEqual(['bool', [false, false, false]]);
    expect(defaultCollate([0.5, 1]).device).toBe(gpu);
  });

  it('of tensors stay where those are', async () => {
    for (const device of ['cpu', gpu]) {
      const set = new TensorDataset(arange(8, { dtype: 'float32', device }), arange(8, { device }));
      const [x, y] = (await new DataLoader(set, { batchSize: 4 }).first()) as [Tensor, Tensor];
      expect([x.device, y.device]).toEqual([device, device]);
      expect(await y.toArray()).toEqual([0, 1, 2, 3]);
    }
  });

  it('are shuffled and split as on the CPU: such draws are always made there', async () => {
    const order = async (): Promise<unknown[]> => {
      manualSeed(4);
      const set = new TensorDataset(arange(8));
      const seen: unknown[] = [];
      for await (const [x] of new DataLoader(set, { batchSize: 3, shuffle: true })) seen.push(await x!.toArray());
      const [first] = randomSplit(set, [5, 3]);
      for await (const [x] of new DataLoader(first!, { batchSize: 5 })) seen.push(await x!.toArray());
      return seen;
    };
    const there = await order();
    setDefaultDevice('cpu');
    expect(there).toEqual(await order());
  });
});
