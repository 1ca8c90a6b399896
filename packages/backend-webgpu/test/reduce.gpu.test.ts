import { arange, type DType, manualSeed, ones, randint, randn, tensor, zeros } from '@flambeau/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { close, device, exact, open, same } from './compare.ts';

beforeAll(async () => {
  await open();
  manualSeed(1);
});

const special = tensor([
  [1, Number.NaN, 3, Number.POSITIVE_INFINITY],
  [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, 0],
  [-0, 0, 5, 5],
]);

describe('sums', () => {
  it('over any dimensions of contiguous and strided views', async () => {
    const x = randn(5, 6, 7, 3);
    for (const dims of [[0], [1], [3], [0, 2], [1, 3], [0, 1, 2, 3], [2, 3]]) {
      await same([x], (t) => t.sum(dims));
      await same([x], (t) => t.mean(dims, { keepdim: true }));
      await same([x], (t) => t.permute(2, 0, 3, 1).sum(dims));
      await same([x], (t) => t.narrow(2, 2, 4).narrow(0, 1, 3).sum(dims));
    }
    await same([randn(4, 1)], (t) => t.expand(4, 9).sum(1));
  });

  it('long rows, long columns, and few long reductions in two passes', async () => {
    await same([randn(3, 1000)], (t) => t.sum(1));
    await same([randn(1000, 70)], (t) => t.sum(0));
    await same([randn(3000, 40)], (t) => t.sum(0));
    await same([randn(300_000).abs()], (t) => [t.sum(), t.mean(), t.var()]);
    await same([randn(2, 100_000)], (t) => [t.sum(1), t.square().sum(1), t.std(1)]);
    await same([randn(100_000, 3)], (t) => [t.sum(0), t.t().sum(0)]);
  });

  it('more outputs than workgroups in one dimension', async () => {
    const column = randint(0, 10, [66_000, 1], { dtype: 'int32' });
    await same([column], (t) => t.expand(66_000, 257).sum(1), exact);
    await same([column], (t) => t.expand(66_000, 40).sum(1), exact);
  });

  it('of large positive numbers keep their precision', async () => {
    const n = 2 ** 20;
    const total = await ones(n, { device }).mul(1.1).sum().item();
    expect(Math.abs(total / (Math.fround(1.1) * n) - 1)).toBeLessThan(1e-6);
  });

  it('integers wrap around; bools are counted', async () => {
    await same([tensor([2 ** 31 - 1, 5, 7], { dtype: 'int32' })], (t) => t.sum(), exact);
    for (const dtype of ['int8', 'uint8', 'int16'] as DType[]) {
      const x = randint(0, 120, [4, 300], { dtype });
      await same([x], (t) => [t.sum(1), t.sum(1, { dtype }), t.prod(1, { dtype }), t.prod(0)], exact);
    }
    await same([randn(5, 100).gt(0)], (t) => [t.sum(), t.sum(0), t.prod(1), t.countNonzero()], exact);
  });

  it('of float16 and bfloat16', async () => {
    await same([randn(9, 50).to('float16')], (t) => [t.sum(1), t.amax(0)], { relative: 1e-3, absolute: 1e-3 });
    await same([randn(9, 50).to('bfloat16')], (t) => [t.sum(1), t.amin(0)], { relative: 8e-3, absolute: 8e-3 });
  });

  it('of nothing, of one element, and over no dimensions', async () => {
    await same([zeros(0, 3)], (t) => [t.sum(), t.sum(0), t.prod(0), t.sum(1)], exact);
    await same([tensor(4)], (t) => [t.sum(), t.amax(), t.argmax()], exact);
    await same([randn(3, 1)], (t) => [t.sum(1), t.amax(1)], exact);
  });

  it('of NaN and infinity', async () => {
    await same([special], (t) => [t.sum(1), t.sum(0), t.prod(1), t.nansum(1), t.mean(0)]);
  });
});

describe('products, logic and norms', () => {
  it('agree with the CPU', async () => {
    await same([randn(7, 33)], (t) => [t.prod(0), t.prod(1), t.norm(), t.logsumexp(1)], close);
    await same([randint(0, 2, [40, 9], { dtype: 'int32' })], (t) => [t.any(0), t.all(1), t.any(), t.all()], exact);
    await same([randn(3, 5000).gt(3.9)], (t) => [t.any(1), t.all(1), t.logicalNot().all(1)], exact);
  });
});

describe('extremes', () => {
  it('of random values, over rows, columns and everything', async () => {
    const x = randint(-50, 50, [37, 210], { dtype: 'int32' });
    for (const dtype of ['int32', 'float32', 'int8', 'float16', 'bfloat16'] as DType[]) {
      await same([x.to(dtype)], (t) => [t.amax(1), t.amin(0), t.argmax(1), t.argmin(0), t.argmax(), t.argmin()], exact);
      await same([x.to(dtype)], (t) => [...t.max(1), ...t.t().min(1)], exact);
    }
    await same([x.gt(0)], (t) => [t.amax(1), t.amin(0), t.argmax(1), t.argmin(0)], exact);
  });

  it('in two passes: the first of equal ones', async () => {
    const x = randint(0, 1000, [2, 200_000], { dtype: 'int32' });
    await same([x], (t) => [t.argmax(1), t.argmin(1), t.argmax(), t.amax(1)], exact);
    await same([x.to('float32')], (t) => [t.argmax(1), t.t().argmin(0), t.amin()], exact);
    await same([x.t().contiguous()], (t) => [t.argmax(0), t.argmin(0)], exact);
  });

  it('NaN wins, the first one; of infinities the first', async () => {
    await same([special], (t) => [t.amax(1), t.amin(1), t.argmax(1), t.argmin(1), t.argmax(0), t.argmin(0)], exact);
    const x = randn(3, 40_000);
    x.set([1, 17_000], Number.NaN);
    x.set([1, 33_333], Number.NaN);
    await same([x], (t) => [t.argmax(1), t.argmin(1), t.argmax(), t.amax(1), t.amin()], exact);
    await same([tensor([1, 2]).mul(0).sub(Number.POSITIVE_INFINITY)], (t) => [t.argmax(), t.amax()], exact);
  });

  it('positions count row-major through strides', async () => {
    await same(
      [arange(60).to('float32').reshape(3, 4, 5)],
      (t) => [t.permute(2, 0, 1).argmax(), t.permute(1, 2, 0).argmin(), t.neg().transpose(0, 2).argmax()],
      exact,
    );
  });
});
