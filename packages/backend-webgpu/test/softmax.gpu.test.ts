import { functional as F, manualSeed, randn, type Tensor, tensor, zeros } from '@flambeau/tensor';
import { beforeAll, describe, it } from 'vitest';
import { open, same } from './compare.ts';

beforeAll(async () => {
  await open();
  manualSeed(2);
});

describe('softmax and logSoftmax', () => {
  it('along any dimension, short and long, contiguous or not', async () => {
    const shapes = [[4, 10], [5, 300], [3, 5000], [600, 3], [2, 21, 400], [1, 1], [7]];
    for (const shape of shapes) {
      for (let d = 0; d < shape.length; d++) {
        await same([randn(shape).mul(5)], (t) => [t.softmax(d), t.logSoftmax(d)]);
        await same([randn(shape)], (t) => [t.transpose(0, -1).softmax(d), F.softmax(t.transpose(0, -1), d)]);
      }
    }
    await same([randn(9, 40)], (t) => t.narrow(1, 3, 30).narrow(0, 2, 5).softmax(1));
  });

  it('more rows than workgroups in one dimension', async () => {
    await same([randn(66_000, 20)], (t) => t.softmax(1));
  });

  it('large values, infinities and NaN', async () => {
    const inf = Number.POSITIVE_INFINITY;
    const x = tensor([
      [1000, 999, 0],
      [-inf, 0, 1],
      [-inf, -inf, -inf],
      [inf, 1, 2],
      [Number.NaN, 1, 2],
      [-1e30, 1e30, 0],
    ]);
    await same([x], (t) => [t.softmax(1), t.logSoftmax(1), t.softmax(0)]);
    await same([x.repeat(1, 200)], (t) => [t.softmax(1), t.logSoftmax(1)]);
  });

  it('in 16 bits, of nothing, and backwards', async () => {
    await same([randn(6, 50).to('float16')], (t) => t.softmax(1), { relative: 2e-3, absolute: 1e-4 });
    await same([zeros(0, 3)], (t) => t.softmax(1));
    await same([randn(6, 50), randn(6, 50)], (t, w) => {
      const x = t.detach().requiresGrad_();
      x.softmax(1).mul(w).sum().backward();
      return x.grad!;
    });
  });

  it('gradients along any dimension, of any layout, and of gradients', async () => {
    const back = (x: Tensor, w: Tensor, d: number, log: boolean): Tensor => {
      const leaf = x.detach().requiresGrad_();
      const y = log ? leaf.logSoftmax(d) : leaf.softmax(d);
      y.backward(w);
      return leaf.grad!;
    };
    for (const shape of [[4, 10], [5, 300], [2, 9000], [600, 3], [2, 21, 40], [7]]) {
      for (let d = 0; d < shape.length; d++) {
        await same([randn(shape), randn(shape)], (x, w) => [back(x, w, d, false), back(x, w, d, true)]);
        await same([randn(shape), randn([1])], (x, w) => [
          back(x.transpose(0, -1), w.expand(x.transpose(0, -1).shape), d, true),
        ]);
      }
    }
    await same([randn(5, 30)], (x) => {
      const leaf = x.detach().requiresGrad_();
      leaf.softmax(1).square().sum().backward(undefined, { createGraph: true });
      const slope = leaf.grad!;
      leaf.grad = null;
      slope.square().sum().backward();
      return leaf.grad!;
    });
  });
});
