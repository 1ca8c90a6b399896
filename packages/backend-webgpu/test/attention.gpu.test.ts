import { functional as F, manualSeed, noGrad, rand, randn, type Tensor, tensor, zeros } from '@flambeau/tensor';
import { beforeAll, describe, it } from 'vitest';
import { open, same } from './compare.ts';

beforeAll(async () => {
  await open();
  manualSeed(8);
});

const attend = F.scaledDotProductAttention;

describe('scaledDotProductAttention in one kernel', () => {
  it('of one row and of many, of small, odd and large heads', async () => {
    for (const [rows, keys, size, valueSize] of [
      [1, 1, 1, 1],
      [1, 50, 8, 8],
      [7, 3, 5, 9],
      [33, 40, 64, 64],
      [9, 70, 102, 30],
      [9, 17, 3, 130],
    ] as const) {
      const inputs = [randn(2, rows, size), randn(2, keys, size), randn(2, keys, valueSize)];
      await same(inputs, (q, k, v) => [attend(q, k, v), attend(q, k, v, { isCausal: true, scale: 0.7 })]);
    }
  });

  it('of heads too large for it', async () => {
    await same([randn(3, 600), randn(4, 600), randn(4, 700)], (q, k, v) => attend(q, k, v));
  });

  it('of heads that lie interleaved, and of batches that broadcast', async () => {
    await same([randn(2, 9, 3, 8), randn(2, 50, 3, 8), randn(2, 50, 3, 8)], (q, k, v) =>
      attend(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)),
    );
    await same([randn(4, 1, 10, 8), randn(3, 12, 8), randn(12, 8)], (q, k, v) => attend(q, k, v));
    await same([randn(10, 8), randn(8, 12), randn(6, 24)], (q, k, v) => attend(q, k.t(), v.at(':', '::2').t()));
  });

  it('with masks of numbers and of bools that broadcast', async () => {
    const inputs = [randn(2, 3, 12, 8), randn(2, 3, 50, 8), randn(2, 3, 50, 8)];
    await same([...inputs, randn(12, 50)], (q, k, v, mask) => attend(q!, k!, v!, mask!));
    await same([...inputs, randn(2, 1, 1, 50)], (q, k, v, mask) => attend(q!, k!, v!, mask!));
    await same([...inputs, rand(12, 50).gt(0.5)], (q, k, v, mask) => attend(q!, k!, v!, mask!));
    await same([...inputs, rand(3, 12, 1).gt(0.2)], (q, k, v, mask) => attend(q!, k!, v!, { attnMask: mask! }));
  });

  it('large scores, rows without keys, NaN and infinity', async () => {
    const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
    await same([randn(5, 8).mul(100), randn(70, 8).mul(100), randn(70, 8)], (q, k, v) => attend(q, k, v));
    const mask = zeros(3, 70);
    mask.set([0], -inf);
    mask.set([1, ':40'], -inf);
    await same([randn(3, 8), randn(70, 8), randn(70, 8), mask], (q, k, v, mask) => attend(q!, k!, v!, mask!));
    await same([tensor([[1], [nan], [inf], [-inf]]), randn(40, 1), randn(40, 2)], (q, k, v) => attend(q, k, v));
  });

  it('in 16 bits, and of nothing', async () => {
    const inputs = [randn(2, 9, 8), randn(2, 20, 8), randn(2, 20, 8)].map((x) => x.half());
    await same(inputs, (q, k, v) => attend(q!, k!, v!), { relative: 1e-2, absolute: 2e-3 });
    await same([zeros(0, 8), randn(3, 8), randn(3, 8)], (q, k, v) => attend(q, k, v));
    await same([zeros(0, 5, 8), zeros(0, 3, 8), zeros(0, 3, 8)], (q, k, v) => attend(q, k, v));
  });

  it('gradients, of the composition, and of gradients', async () => {
    const run = (q: Tensor, k: Tensor, v: Tensor): Tensor[] => {
      const leaves = [q, k, v].map((x) => x.detach().requiresGrad_()) as [Tensor, Tensor, Tensor];
      attend(...leaves, { isCausal: true })
        .sin()
        .sum()
        .backward(undefined, { createGraph: true });
      const slopes = leaves.map((x) => x.grad!);
      for (const x of leaves) x.grad = null;
      slopes[0]!.square().sum().backward();
      return [...slopes.map((x) => x.detach()), ...leaves.map((x) => x.grad!)];
    };
    await same([randn(2, 9, 8), randn(2, 9, 8), randn(2, 9, 8)], run, { relative: 1e-3, absolute: 1e-4 });
    await same([randn(9, 8), randn(9, 8), randn(9, 8)], (q, k, v) =>
      noGrad(() => attend(q.detach().requiresGrad_(), k, v)),
    );
  });
});
