import { manualSeed, randint, randn, tensor, zeros } from '@flambeau/tensor';
import { beforeAll, describe, it } from 'vitest';
import { exact, open, same } from './compare.ts';

beforeAll(async () => {
  await open();
  manualSeed(3);
});

const loose = { relative: 1e-4, absolute: 2e-3 };

describe('scans', () => {
  it('sums and products along any dimension', async () => {
    for (const shape of [[7], [3, 20], [4, 300], [5, 9, 70], [2, 3000], [1500, 3], [40, 2000]]) {
      for (let d = 0; d < shape.length; d++) {
        await same([randn(shape)], (t) => [t.cumsum(d), t.logcumsumexp(d)], loose);
        await same([randint(-3, 4, shape, { dtype: 'int32' })], (t) => [t.cumsum(d), t.cumprod(d)], exact);
        await same([randn(shape).sign()], (t) => [t.cumprod(d), t.transpose(0, -1).cumsum(-1 - d)], exact);
      }
    }
  });

  it('rows so long that they are cut into chunks', async () => {
    await same([randint(-9, 9, [200_000], { dtype: 'int32' })], (t) => t.cumsum(0), exact);
    await same(
      [randint(-900, 900, [3, 50_000], { dtype: 'int32' })],
      (t) => [...t.cummax(1), ...t.cummin(1), t.cumsum(1)],
      exact,
    );
    await same([randn(2, 30_000)], (t) => [...t.cummax(1), t.logcumsumexp(1)], loose);
    await same([randint(-9, 9, [30_000, 2], { dtype: 'int32' })], (t) => [t.cumsum(0), ...t.t().cummin(1)], exact);
  });

  it('extremes with the latest position; NaN stays', async () => {
    const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
    await same([tensor([3, 1, 3, nan, 5, nan, 7])], (t) => [...t.cummax(0), ...t.cummin(0), t.cumsum(0)], exact);
    await same([tensor([-inf, -inf, 2, inf, inf, 1])], (t) => [...t.cummax(0), ...t.cummin(0), t.logcumsumexp(0)]);
    await same(
      [randint(0, 5, [6, 400], { dtype: 'int32' })],
      (t) => [...t.cummax(1), ...t.cummax(0), ...t.cummin(1)],
      exact,
    );
    await same([randint(0, 5, [2000, 70], { dtype: 'int32' })], (t) => [...t.cummax(0), ...t.cummin(1)], exact);
    const x = randn(2, 20_000);
    x.set([0, 9000], nan);
    await same([x], (t) => [...t.cummax(1), ...t.cummin(1)], exact);
  });

  it('small integers, bools, 16 bits, nothing and 0-d', async () => {
    await same(
      [randint(0, 100, [3, 50], { dtype: 'int8' })],
      (t) => [t.cumsum(1), t.cumsum(1, { dtype: 'int8' }), t.cumprod(1, { dtype: 'int8' })],
      exact,
    );
    await same([randn(3, 50).gt(0)], (t) => [t.cumsum(1), ...t.cummax(1)], exact);
    await same([randn(3, 50).to('float16')], (t) => t.cumsum(1), { relative: 2e-3, absolute: 2e-3 });
    await same([zeros(0, 3)], (t) => [t.cumsum(0), t.cumsum(1)]);
    await same([tensor(3)], (t) => t.cumsum(0));
  });

  it('more rows than workgroups in one dimension', async () => {
    await same([randint(0, 9, [66_000, 40], { dtype: 'int32' })], (t) => t.cumsum(1), exact);
  });
});
