import { arange, functional as F, manualSeed, randint, randn, type Tensor, zeros } from '@flambeau/tensor';
import { beforeAll, describe, it } from 'vitest';
import { close, exact, open, same } from './compare.ts';

beforeAll(async () => {
  await open();
  manualSeed(5);
});

/** Results, then the gradient of the sum of squares. */
const withGradient =
  (run: (x: Tensor) => Tensor) =>
  (x: Tensor): Tensor[] => {
    const input = x.detach().requiresGrad_();
    const y = run(input);
    y.mul(y).sum().backward();
    return [y.detach(), input.grad!];
  };

describe('maxPool', () => {
  it('windows of all kinds, positions and gradients', async () => {
    for (const options of [
      {},
      { stride: 1 },
      { stride: 1, padding: 1 },
      { padding: 1, ceilMode: true },
      { stride: 2, dilation: 2 },
      { stride: 3, ceilMode: true },
    ]) {
      await same([randn(3, 2, 13, 11)], (x) => F.maxPool2d(x, 3, { ...options, returnIndices: true }), exact);
      await same(
        [randn(3, 2, 13, 11)],
        withGradient((x) => F.maxPool2d(x, 3, options)),
        close,
      );
    }
    await same([randn(3, 2, 20)], (x) => F.maxPool1d(x, 4, { stride: 3, padding: 1, returnIndices: true }), exact);
    await same(
      [randn(2, 2, 7, 8, 9)],
      withGradient((x) => F.maxPool3d(x, [2, 3, 2], { stride: [1, 2, 3], padding: 1 })),
      close,
    );
    await same(
      [randn(2, 9, 10, 3)],
      withGradient((x) => F.maxPool2d(x.permute(0, 3, 1, 2), 2)),
      close,
    );
    await same(
      [randn(6, 2, 9, 22)],
      (x) => F.maxPool2d(x.at('1::2', ':', '1:', '::2').flip([3]), 2, { returnIndices: true }),
      exact,
    );
  });

  it('first of equal values, NaN, infinity', async () => {
    await same(
      [randint(0, 3, [2, 3, 12, 12]).to('float32')],
      (x) => F.maxPool2d(x, 3, { stride: 2, returnIndices: true }),
      exact,
    );
    const x = randn(1, 2, 8, 8);
    x.at(0, 0, 3, 3).fill_(Number.NaN);
    x.at(0, 0, 3, 2).fill_(Number.NaN);
    x.at(0, 1, '0:4').fill_(Number.NEGATIVE_INFINITY);
    x.at(0, 1, 6, 6).fill_(Number.POSITIVE_INFINITY);
    await same([x], (t) => F.maxPool2d(t, 2, { returnIndices: true }), exact);
    await same([x], (t) => F.maxPool2d(t, 3, { stride: 1, padding: 1, returnIndices: true }), exact);
  });

  it('other dtypes, and nothing', async () => {
    await same(
      [randint(-9, 9, [2, 2, 9, 9], { dtype: 'int32' })],
      (x) => F.maxPool2d(x, 3, { padding: 1, returnIndices: true }),
      exact,
    );
    await same(
      [randn(2, 2, 9, 9).to('bfloat16')],
      withGradient((x) => F.maxPool2d(x, 3, { stride: 1 })),
      { relative: 1e-2, absolute: 1e-2 },
    );
    await same([zeros(0, 2, 9, 9)], (x) => F.maxPool2d(x, 3), exact);
  });
});

describe('avgPool', () => {
  it('windows of all kinds and gradients', async () => {
    for (const options of [
      {},
      { stride: 1 },
      { stride: 1, padding: 1 },
      { padding: 1, ceilMode: true },
      { padding: 1, countIncludePad: false },
      { divisorOverride: 5 },
      { stride: 4, ceilMode: true, padding: 1, countIncludePad: false },
    ]) {
      await same(
        [randn(3, 2, 13, 11)],
        withGradient((x) => F.avgPool2d(x, 3, options)),
        close,
      );
    }
    await same(
      [randn(3, 2, 20)],
      withGradient((x) => F.avgPool1d(x, 4, { stride: 3, padding: 1 })),
      close,
    );
    await same(
      [randn(2, 2, 7, 8, 9)],
      withGradient((x) => F.avgPool3d(x, [2, 3, 2], { stride: [1, 2, 3], padding: 1 })),
      close,
    );
    await same(
      [randn(2, 9, 10, 3)],
      withGradient((x) => F.avgPool2d(x.permute(0, 3, 1, 2), 2)),
      close,
    );
    await same(
      [randn(2, 9, 7, 7)],
      withGradient((x) => F.adaptiveAvgPool2d(x, 1)),
      close,
    );
  });

  it('other dtypes, and more workgroups than one dimension of a dispatch takes', async () => {
    await same([arange(0, 4, 1).to('float16').view([1, 1, 2, 2])], (x) => F.avgPool2d(x, 2), exact);
    await same([zeros(0, 2, 9, 9)], (x) => F.avgPool2d(x, 3), exact);
    await same([randn(1, 1, 4100, 4100)], (x) => F.maxPool2d(x, 1), exact);
  });
});
