import {
  arange,
  functional as F,
  full,
  manualSeed,
  randint,
  randn,
  type Tensor,
  tensor,
  zeros,
} from '@flambeau/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { device, exact, open, same, type Tolerance } from './compare.ts';

beforeAll(async () => {
  await open();
  manualSeed(3);
});

const mm = (a: Tensor, b: Tensor): Tensor => a.matmul(b);
/** Sums of K products of normal numbers. */
const near = (k: number): Tolerance => ({ relative: 1e-4, absolute: 2e-6 * k });

describe('matmul', () => {
  it('sizes around every tile, small and odd', async () => {
    const sizes = [1, 2, 3, 4, 7, 16, 17, 31, 33, 64, 65, 130];
    for (let i = 0; i < 60; i++) {
      const [m, n, k] = [0, 1, 2].map((j) => sizes[(i * (2 * j + 5) + 3 * j + (i >> 3)) % sizes.length]!) as [
        number,
        number,
        number,
      ];
      await same([randn(m, k), randn(k, n)], mm, near(k));
    }
  });

  it('transposed, strided, reversed and offset operands', async () => {
    for (const [m, n, k] of [
      [5, 9, 21],
      [40, 70, 33],
      [1, 100, 65],
      [90, 1, 70],
      [20, 130, 40],
      [130, 20, 40],
    ] as const) {
      await same([randn(k, m), randn(k, n)], (a, b) => a.t().matmul(b), near(k));
      await same([randn(m, k), randn(n, k)], (a, b) => a.matmul(b.t()), near(k));
      await same([randn(k, m), randn(n, k)], (a, b) => a.t().matmul(b.t()), near(k));
      await same(
        [randn(m + 3, 2 * k + 1), randn(k, n + 5)],
        (a, b) => a.at('3:', '1::2').matmul(b.at(':', '2:-3')),
        near(k),
      );
      await same([randn(m, k), randn(k, n)], (a, b) => a.flip([1]).matmul(b.flip([0, 1])), near(k));
      await same([randn(m, 1), randn(k, n)], (a, b) => a.expand([m, k]).matmul(b), near(k));
    }
  });

  it('batches, also repeated and permuted ones', async () => {
    await same([randn(3, 4, 5, 6), randn(3, 4, 6, 7)], mm, near(6));
    await same([randn(2, 1, 20, 6), randn(5, 6, 33)], mm, near(6));
    await same([randn(5, 3, 17, 8), randn(8, 9)], mm, near(8));
    await same([randn(3, 5, 17, 8), randn(8, 9)], (a, b) => a.transpose(0, 1).matmul(b.expand([5, 3, 8, 9])), near(8));
    await same(
      [randn(2, 33, 4, 16), randn(2, 33, 4, 16)],
      (q, k) => q.transpose(1, 2).matmul(k.permute(0, 2, 3, 1)),
      near(16),
    );
    await same([randn(4, 6), randn(3, 6)], (a, b) => a.unsqueeze(1).expand([4, 5, 6]).matmul(b.t()), near(6));
    await same(
      [randn(2, 3, 2, 3, 2, 4, 5), randn(2, 3, 2, 3, 2, 5, 4)],
      (a, b) => a.transpose(0, 2).matmul(b.transpose(1, 3).transpose(0, 2).transpose(1, 3)),
      near(5),
    );
  });

  it('many steps for few outputs', async () => {
    for (const [m, n, k] of [
      [1, 1, 40_000],
      [3, 2, 20_000],
      [10, 12, 5000],
      [70, 40, 3000],
      [1, 50, 980],
    ] as const) {
      await same([randn(m, k), randn(k, n)], mm, near(Math.sqrt(k) * 20));
      await same([randn(m, k), randn(n, k)], (a, b) => a.matmul(b.t()), near(Math.sqrt(k) * 20));
      await same(
        [randn(m, n), randn(m, k), randn(k, n)],
        (c, a, b) => c.addmm(a, b, { alpha: 0.5, beta: 2 }),
        near(Math.sqrt(k) * 20),
      );
    }
    await same([randn(30_000), randn(30_000)], (a, b) => a.dot(b), near(3000));
    await same([randn(50, 3000), randn(3000)], (a, b) => [a.mv(b), b.matmul(a.t())], near(1000));
  });

  it('bias, what is there, and a factor', async () => {
    for (const [m, n, k] of [
      [5, 3, 7],
      [100, 50, 60],
      [100, 10, 980],
      [1, 70, 200],
    ] as const) {
      await same([randn(m, k), randn(n, k), randn(n)], (x, w, b) => F.linear(x, w, b), near(k));
      await same([randn(m, k), randn(n, k), randn(2 * n)], (x, w, b) => F.linear(x, w, b.at('::2')), near(k));
      await same([randn(m, n), randn(m, k), randn(k, n)], (c, a, b) => c.addmm(a, b, { alpha: -3 }), near(3 * k));
    }
  });

  it('nothing to add up, and no outputs', async () => {
    await same([zeros(3, 0), zeros(0, 5)], mm, exact);
    await same([zeros(40, 0), zeros(50, 0), randn(50)], (x, w, b) => F.linear(x, w, b), exact);
    await same([zeros(0, 4), zeros(4, 5)], mm, exact);
    await same([zeros(2, 0, 4), zeros(2, 4, 5)], mm, exact);
  });

  it('integers wrap, half precision is summed in float32', async () => {
    await same(
      [randint(-100, 100, [30, 40], { dtype: 'int32' }), randint(-100, 100, [40, 20], { dtype: 'int32' })],
      mm,
      exact,
    );
    await same(
      [full([5, 9], 2 ** 30 + 7, { dtype: 'int32' }), full([9, 6], 2 ** 29 + 3, { dtype: 'int32' })],
      mm,
      exact,
    );
    await same(
      [randint(-100, 100, [20, 30], { dtype: 'int8' }), randint(-100, 100, [30, 9], { dtype: 'int8' })],
      mm,
      exact,
    );
    await same(
      [randint(0, 255, [20, 30], { dtype: 'uint8' }), randint(0, 255, [30, 9], { dtype: 'uint8' })],
      mm,
      exact,
    );
    for (const dtype of ['float16', 'bfloat16'] as const) {
      await same([randn(40, 50).to(dtype), randn(50, 30).to(dtype)], mm, { relative: 1e-2, absolute: 1e-2 });
      await same([randn(3, 900).to(dtype), randn(900, 3).to(dtype)], mm, { relative: 1e-2, absolute: 5e-2 });
    }
  });

  it('NaN and infinity stay in their rows and columns', async () => {
    for (const [m, n, k] of [
      [3, 3, 3],
      [40, 40, 20],
    ] as const) {
      const a = randn(m, k);
      const b = randn(k, n);
      a.at(1, 2).fill_(Number.NaN);
      a.at(2, 0).fill_(Number.POSITIVE_INFINITY);
      b.at(1, 0).fill_(Number.NEGATIVE_INFINITY);
      await same([a, b], mm, near(k));
    }
  });

  it('more workgroups than one dimension of a dispatch takes', async () => {
    await same([randn(70_000, 2, 3), randn(70_000, 3, 40)], mm, near(3));
  });

  it('writes what it says when an operand is of the same storage', async () => {
    const x = arange(0, 32, 1, { dtype: 'float32' }).view([2, 4, 4]).to(device);
    x.at(0).addmm_(x.at(1), x.at(1));
    const y = arange(0, 32, 1, { dtype: 'float32' }).view([2, 4, 4]);
    y.at(0).addmm_(y.at(1), y.at(1));
    expect(await x.toArray()).toEqual(await y.toArray());
  });

  it('backwards', async () => {
    await same(
      [randn(12, 30), randn(40, 30), randn(40), randn(12, 40)],
      (x, w, b, g) => {
        const inputs = [x, w, b].map((t) => t.detach().requiresGrad_());
        F.linear(inputs[0]!, inputs[1]!, inputs[2]!).mul(g).sum().backward();
        return inputs.map((t) => t.grad!);
      },
      near(40),
    );
    await same([tensor([[1, 2]]), randn(3, 2, 4)], (a, b) => a.matmul(b), near(2));
  });
});
