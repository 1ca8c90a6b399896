/**
 * @file Tensors larger than the 128 MiB that WebGPU binds by default, and more workgroups than one dimension of a dispatch
 * takes (65,535). For that a few tens of them are laid out as if one dimension took three.
 */
import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import {
  functional as F,
  FlambeauError,
  fromTypedArray,
  ones,
  rand,
  randint,
  randn,
  type Tensor,
  useDeterministicAlgorithms,
} from '@flambeau/tensor';
import { registerBackend } from '@flambeau/tensor/internal';
import { beforeAll, describe, expect, it } from 'vitest';
import { openSession, type Session } from '../src/backend.ts';
import { openDevice } from '../src/device.ts';

const device = 'webgpu:3';
let session: Session;

beforeAll(async () => {
  session = openSession(await openDevice({}), device);
  registerBackend(session.backend);
});

describe('a tensor of more than 128 MiB', () => {
  it('is sent, computed with, summed, multiplied and read', async () => {
    const [n, m] = [4100, 8200];
    expect(n * m * 4).toBeGreaterThan(2 ** 27);
    const values = new Int32Array(n * m);
    for (let i = 0; i < values.length; i++) values[i] = i % 7;
    const total = values.reduce((sum, value) => sum + value, 0);
    const x = fromTypedArray(values, [n, m]).to(device);
    const back = await x.mul(2).add(1).toTypedArray();
    expect(values.findIndex((value, i) => back[i] !== 2 * value + 1)).toBe(-1);
    expect(await x.sum().item()).toBe(total);
    const product = await x
      .to('float32')
      .matmul(ones(m, 1, { device }))
      .toTypedArray();
    const row = (i: number): number => values.subarray(i * m, (i + 1) * m).reduce((sum, value) => sum + value, 0);
    for (const i of [0, 1, 4096, n - 1]) expect(product[i]).toBe(row(i));
  }, 120_000);
});

/** Expects the CPU's results from a device that lays workgroups out in rows of three. */
async function same(
  inputs: readonly Tensor[],
  run: (...inputs: Tensor[]) => Tensor | readonly Tensor[],
): Promise<void> {
  const { commands } = session;
  const most = commands.mostGroups;
  commands.mostGroups = 3;
  try {
    const [wanted, got] = [inputs, inputs.map((x) => x.to(device))].map((list) => [run(...list)].flat() as Tensor[]);
    for (const [i, result] of got!.entries()) {
      const [a, b] = [await result.cpu(), wanted![i]!];
      expect(a.shape).toEqual(b.shape);
      expect(await a.allclose(b, { rtol: 1e-4, atol: 1e-4 }), `result ${i} of ${run}`).toBe(true);
    }
  } finally {
    commands.mostGroups = most;
  }
}

describe('more workgroups than a dimension takes', () => {
  const n = 5000;
  const index = randint(0, n, [n], { dtype: 'int32' });

  it('map, reductions and scans', async () => {
    await same([randn(n)], (x) => [x.exp(), x.add(1)]);
    await same([randn(n, 2)], (x) => [x.select(1, 1).neg(), x.sum(1), x.cumsum(1)]);
    await same([randn(60, 300)], (x) => [x.amax(1), x.argmax(1), x.sum(0), x.cumsum(1), x.cummax(1).indices]);
    await same([randn(20_000)], (x) => [x.sum(), x.argmax(), x.cumsum(0), x.logcumsumexp(0)]);
    await same([randn(4, 5000)], (x) => x.t().sum(0));
  });

  it('sort and softmax', async () => {
    await same([randn(n)], (x) => [...x.sort(0)]);
    await same([randn(n, 2)], (x) => [...x.sort(1), F.softmax(x, 1)]);
    await same([randn(60, 300)], (x) => F.logSoftmax(x, 1));
  });

  it('gather, scatter and indexing', async () => {
    await same([randn(n), index], (x, i) => [x.gather(0, i), x.at(i), x.scatterAdd(0, i, x)]);
    await same([randn(n), index], (x, i) => x.scatter(0, i, 3));
    await same([randn(3, n), randn(4, n), randint(0, 3, [4, n], { dtype: 'int32' })], (x, s, i) => x.scatter(0, i, s));
    useDeterministicAlgorithms(true);
    try {
      await same([randn(n), randn(n), index], (x, s, i) => [x.scatterAdd(0, i, s), x.scatter(0, i, s)]);
    } finally {
      useDeterministicAlgorithms(false);
    }
  });

  it('products and convolutions', async () => {
    await same([randn(20, 3, 4), randn(20, 4, 2)], (a, b) => a.matmul(b));
    await same([randn(130, 70), randn(70, 150), randn(150)], (a, b, c) => F.linear(a, b.t(), c));
    await same([randn(3, 4000), randn(4000, 5)], (a, b) => a.matmul(b));
    await same([randn(2, 3, 40, 41), randn(4, 3, 3, 3)], (x, w) => {
      const [image, kernel] = [x.detach().requiresGrad_(), w.detach().requiresGrad_()];
      const out = F.conv2d(image, kernel, null, { padding: 1 });
      out.square().sum().backward();
      return [out.detach(), image.grad!, kernel.grad!];
    });
  });

  it('pooling and its gradients', async () => {
    for (const pool of [F.maxPool2d, F.avgPool2d] as const) {
      await same([randn(2, 3, 40, 41)], (x) => {
        const leaf = x.detach().requiresGrad_();
        const out = pool(leaf, 3, { stride: 2 });
        out.square().sum().backward();
        return [out.detach(), leaf.grad!];
      });
    }
  });

  it('random numbers', async () => {
    session.commands.mostGroups = 3;
    const x = await rand(50_000, { device }).cpu();
    session.commands.mostGroups = 65_535;
    expect(await x.view(50, 1000).mean(1).sub(0.5).abs().amax().item()).toBeLessThan(0.1);
    expect(new Set((await x.toTypedArray()) as Float32Array).size).toBeGreaterThan(49_000);
  });
});

describe('more elements than 32 bits count', () => {
  it('are an error, not a wrong number', () => {
    const repeated = ones(1, { device }).expand(2 ** 20, 2 ** 13);
    expect(() => repeated.sum()).toThrow(FlambeauError);
    expect(() => repeated.sum()).toThrow(/8589934592 elements/);
  });
});
