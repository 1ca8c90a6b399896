import { type DType, manualSeed, randint, randn, tensor, zeros } from '@flambeau/tensor';
import { beforeAll, describe, it } from 'vitest';
import { exact, open, same } from './compare.ts';

beforeAll(async () => {
  await open();
  manualSeed(4);
});

describe('sort', () => {
  it('short rows along any dimension, both ways', async () => {
    for (const shape of [[1], [2], [3, 5], [4, 64], [3, 100, 6], [5, 1000], [2, 2048]]) {
      for (let d = 0; d < shape.length; d++) {
        await same([randn(shape)], (t) => [...t.sort(d), ...t.sort(d, true), t.argsort(d)], exact);
        await same([randn(shape)], (t) => [...t.transpose(0, -1).sort(d, true)], exact);
      }
    }
  });

  it('keeps the order of equal values', async () => {
    for (const dtype of ['int32', 'int8', 'uint8', 'int16', 'bool', 'float16', 'bfloat16'] as DType[]) {
      await same(
        [randint(0, 4, [3, 500], { dtype: 'int32' }).to(dtype)],
        (t) => [...t.sort(1), ...t.sort(1, true)],
        exact,
      );
    }
    await same([tensor([0, -0, 0, -0, 1])], (t) => [...t.sort(), ...t.sort(0, true)], exact);
    await same(
      [tensor([-(2 ** 31), 5, -5, 2 ** 31 - 1, 0], { dtype: 'int32' })],
      (t) => [...t.sort(), ...t.sort(0, true)],
      exact,
    );
  });

  it('long rows', async () => {
    await same([randn(3000)], (t) => [...t.sort(), ...t.sort(0, true)], exact);
    await same([randint(0, 50, [3, 10_000], { dtype: 'int32' })], (t) => [...t.sort(1), ...t.sort(1, true)], exact);
    await same([randn(5000, 3)], (t) => [...t.sort(0), ...t.t().narrow(1, 100, 4500).sort(1)], exact);
    await same([randn(100_000)], (t) => [...t.sort()], exact);
  });

  it('NaN is greatest, infinities in their places', async () => {
    const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
    const x = tensor([3, nan, -inf, inf, nan, 0, -1, inf]);
    await same(
      [x],
      (t) => [...t.sort(), ...t.sort(0, true), ...t.repeat(400).sort(), ...t.repeat(400).sort(0, true)],
      exact,
    );
  });

  it('what is made of it: topk, kthvalue, median, quantile', async () => {
    await same(
      [randn(5, 77)],
      (t) => [...t.topk(4), ...t.topk(3, 0, false), ...t.kthvalue(5), ...t.median(1), t.median()],
      exact,
    );
    await same([randn(5, 77)], (t) => t.quantile(0.3, 1));
  });

  it('nothing, and more rows than workgroups in one dimension', async () => {
    await same([zeros(0, 3)], (t) => [...t.sort(1), ...t.sort(0)], exact);
    await same([randint(0, 9, [66_000, 5], { dtype: 'int32' })], (t) => [...t.sort(1)], exact);
  });
});
