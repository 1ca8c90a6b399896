/** @file Tensors larger than what the device binds of a buffer: kernels see parts of them, and results are the CPU's. */
import {
  arange,
  functional as F,
  Generator,
  OutOfMemoryError,
  ones,
  rand,
  randint,
  randn,
  randperm,
  type Tensor,
  tidy,
  useDeterministicAlgorithms,
  zeros,
} from '@flambeau/tensor';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Session } from '../src/backend.ts';
import { memoryOf } from '../src/memory.ts';
import { device, limit, open, same } from './small-bindings.ts';

let session: Session;

beforeAll(async () => {
  session = await open();
});

const n = 200_003;
const wide = (): Tensor => randn(301, 1000);

describe('pointwise', () => {
  it('contiguous, strided, broadcast and sliced views', async () => {
    await same([randn(n)], (x) => [x.exp(), x.mul(2).add(x)]);
    await same([wide(), randn(1000), randn(301, 1)], (x, row, column) => [x.add(row), x.mul(column), row.add(column)]);
    await same([wide()], (x) => [
      x.t().contiguous(),
      x.t().add(x.view(1000, 301)),
      x.narrow(1, 10, 5).neg(),
      x.select(1, 999),
      x.flip(0, 1),
      x.sub(x.flip(0)),
      x.narrow(0, 1, 300).sub(x.narrow(0, 0, 300)),
      x.narrow(0, 299, 2).add(1),
    ]);
    await same([randn(7, 11, 13, 301)], (x) => [x.permute(3, 1, 0, 2).add(1), x.permute(2, 0, 3, 1).contiguous()]);
  });

  it('in place, also on parts', async () => {
    await same([wide(), randn(1000)], (x, row) => {
      const y = x.clone();
      y.add_(row).mul_(y);
      y.narrow(0, 200, 100).zero_();
      y.select(1, 3).add_(1);
      y.narrow(0, 0, 100).copy_(y.narrow(0, 100, 100));
      return y;
    });
  });

  it('other dtypes, NaN and infinity', async () => {
    const x = randn(n).mul(1e4);
    await same([x], (x) => [x.to('int32'), x.gt(0), x.to('float16').add(1), x.div(0), x.sub(x).div(0)]);
  });

  it('reads views, and sends and creates tensors', async () => {
    const x = wide().to(device);
    const values = (await x.t().toTypedArray()) as Float32Array;
    expect([...values.slice(0, 3)]).toEqual(await x.select(1, 0).narrow(0, 0, 3).toArray());
    await same([], () => [ones(n), arange(n), zeros(1)], 0);
    expect(await ones(n, { device }).sum().item()).toBe(n);
  });
});

describe('reductions', () => {
  it('of everything', async () => {
    const x = randn(n);
    await same([x], (x) => [
      x.sum(),
      x.mean(),
      x.amax(),
      x.amin(),
      x.argmax(),
      x.argmin(),
      x.norm(),
      x.std(),
      x.prod(),
    ]);
    await same([x], (x) => [x.gt(4).any(), x.gt(-9).all(), x.to('int32').sum()]);
    await same([zeros(n)], (x) => [x.argmax(), x.argmin()], 0);
  });

  it('along dimensions, on any layout', async () => {
    for (const view of [(x: Tensor) => x, (x: Tensor) => x.t(), (x: Tensor) => x.narrow(1, 3, 401).flip(0)]) {
      await same([wide()], (x) => {
        const y = view(x);
        return [0, 1].flatMap((dim) => [y.sum(dim), y.argmax(dim), y.amin(dim, true), y.mean(dim)]);
      });
      await same([wide()], (x) => [view(x).argmax(), view(x).sum()]);
    }
    await same([randn(7, 11, 13, 301)], (x) => [x.sum([0, 2]), x.sum([1, 3]), x.amax([0, 1, 2]), x.mean([0, 3])]);
  });

  it('with results that are large too', async () => {
    await same([randn(2, n)], (x) => [x.sum(0), x.argmax(0), x.t().sum(1)]);
    await same([randn(n, 2)], (x) => [x.sum(1), x.argmin(1)]);
    await same([randn(n)], (x) => x.expand(3, n).sum(0));
  });

  it('with the first of several extremes, and NaN', async () => {
    const x = zeros(n);
    x.narrow(0, 150_000, 50_000).fill_(1);
    await same([x], (x) => [x.argmax(), x.argmin()], 0);
    x.select(0, 170_001).fill_(Number.NaN);
    x.select(0, 190_001).fill_(Number.NaN);
    await same([x], (x) => [x.argmax(), x.argmin(), x.amax(), x.isnan().sum()], 0);
  });

  it('of nothing', async () => {
    await same([randn(n)], (x) => [x.narrow(0, n, 0).sum(), x.narrow(0, 5, 0).add(1)]);
  });
});

describe('along a dimension', () => {
  it('scans, sorts and softmax', async () => {
    for (const dim of [0, 1]) {
      await same(
        [wide()],
        (x) => [x.cumsum(dim), x.t().cumsum(dim), ...x.cummax(dim), ...x.cummin(dim), x.logcumsumexp(dim)],
        1e-3,
      );
    }
    await same([randn(n)], (x) => [x.cumsum(0), x.mul(0.01).exp().cumprod(0), ...x.cummax(0)], 1e-2);
    await same([randint(0, 9, [n], { dtype: 'int32' })], (x) => [x.cumsum(0), ...x.cummin(0)], 0);
    await same([wide()], (x) => [...x.sort(1), ...x.sort(1, true), ...x.sort(0), ...x.t().sort(1, true)]);
    await same([randn(90, 1000)], (x) => [...x.sort(1)]);
    await same([wide()], (x) => [F.softmax(x, 1), F.logSoftmax(x, 1), F.softmax(x.t(), 0)]);
    await same([wide()], (x) => {
      const leaf = x.detach().requiresGrad_();
      F.softmax(leaf, 1).square().sum().backward();
      return leaf.grad!;
    });
  });

  it('softmax of rows that are too long, which is composed', async () => {
    for (const softmax of [F.softmax, F.logSoftmax]) {
      await same([randn(n)], (x) => {
        const leaf = x.detach().requiresGrad_();
        const y = softmax(leaf, 0);
        y.narrow(0, 5, 3).sum().backward();
        return [y.detach(), leaf.grad!];
      });
    }
  });
});

describe('indices', () => {
  const at = randint(0, n, [n], { dtype: 'int32' });
  const few = randint(0, 300, [64], { dtype: 'int32' });

  it('gather and indexing', async () => {
    await same([randn(n), at], (x, i) => [x.gather(0, i), x.at(i), x.take(i), x.flip(0).at(i)], 0);
    await same([wide(), few], (x, i) => [x.indexSelect(0, i), x.at(i), x.at(i, i), x.t().indexSelect(1, i)], 0);
    await same([wide(), randint(0, 301, [40, 1000], { dtype: 'int32' })], (x, i) => x.gather(0, i), 0);
    await same([wide(), randint(0, 1000, [301, 400], { dtype: 'int32' })], (x, i) => x.gather(1, i), 0);
    await same([randn(40), randint(0, 40, [n], { dtype: 'int32' })], (x, i) => x.gather(0, i), 0);
  });

  it('scatter, in any order and in a fixed one', async () => {
    for (const fixed of [false, true]) {
      useDeterministicAlgorithms(fixed);
      try {
        await same([randn(n), at, randn(n)], (x, i, s) => [x.scatterAdd(0, i, s), x.scatter(0, i, 3)]);
        await same([wide(), few, randn(64, 1000)], (x, i, s) => [x.indexAdd(0, i, s), x.indexFill(0, i, 2)]);
        await same(
          [randn(40), randint(0, 40, [n], { dtype: 'int32' }), ones(n)],
          (x, i, s) => x.scatterAdd(0, i, s),
          1e-3,
        );
        await same(
          [wide(), randperm(1000, { dtype: 'int32' }).expand(301, 1000), wide()],
          (x, i, s) => x.scatter(1, i, s),
          0,
        );
      } finally {
        useDeterministicAlgorithms(false);
      }
    }
  });

  it('scatter between parts of one tensor', async () => {
    await same([randn(2, n), arange(1000, { dtype: 'int32' })], (x, i) => {
      const y = x.clone();
      y.select(0, 0).scatter_(0, i, y.select(0, 1).narrow(0, 7, 1000));
      y.select(0, 0).indexAdd_(0, i, y.select(0, 0).narrow(0, 500, 1000));
      return y;
    });
  });

  it('an embedding with its gradient', async () => {
    await same([wide(), randint(0, 301, [5, 9], { dtype: 'int32' })], (table, i) => {
      const leaf = table.detach().requiresGrad_();
      const out = F.embedding(i, leaf);
      out.square().sum().backward();
      return [out.detach(), leaf.grad!];
    });
  });
});

describe('random numbers', () => {
  it('fill all of a tensor, and permute', async () => {
    const x = await rand(n, { device }).cpu();
    expect(Math.abs(Number(await x.mean().item()) - 0.5)).toBeLessThan(0.01);
    expect(new Set((await x.toTypedArray()) as Float32Array).size).toBeGreaterThan(0.98 * n);
    // The numbers are those of a device that sees all at once.
    const [seeded, cut] = [new Generator().manualSeed(5), new Generator().manualSeed(5)];
    session.gpu.bindingLimit = 2 ** 30;
    const wanted = [
      await rand([3, n], { device, generator: seeded }).toTypedArray(),
      await rand(3, { device, generator: seeded }).toTypedArray(),
    ];
    session.gpu.bindingLimit = limit;
    const got = [
      await rand([3, n], { device, generator: cut }).toTypedArray(),
      await rand(3, { device, generator: cut }).toTypedArray(),
    ];
    expect(got.every((values, k) => values.every((value, i) => value === wanted[k]![i]))).toBe(true);
    const order = (await randperm(n, { device, dtype: 'int32' }).toTypedArray()) as Int32Array;
    expect(order.toSorted().every((value, i) => value === i)).toBe(true);
  });
});

describe('what cannot be cut', () => {
  it('is an error that says what does not fit, and changes nothing', async () => {
    const x = randn(n, { device });
    for (const op of [() => x.sort(0), () => F.conv1d(x.view(1, 1, n), ones(1, 1, 3, { device }))]) {
      expect(op).toThrow(OutOfMemoryError);
      expect(op).toThrow(/float32\[.*200003\].*see 524288 bytes.*chunk\(\)/);
    }
    await same([await x.cpu()], (x) => x.add(1));
  });

  it('is also a buffer beyond what the device has', () => {
    const { maxBufferSize } = session.gpu.limits;
    expect(() => zeros(Math.ceil(maxBufferSize / 4) + 1, { device })).toThrow(OutOfMemoryError);
  });
});

describe('memory', () => {
  it('that is destroyed takes its windows along', async () => {
    for (let round = 0; round < 2; round++) {
      const x = ones(n, { device });
      expect(
        await x
          .narrow(0, 1, n - 1)
          .sum()
          .item(),
      ).toBe(n - 1);
      x.dispose();
      session.memory.emptyCache();
    }
  });

  it('whose work failed is refused through windows too', async () => {
    const x = ones(n, { device });
    const part = x.narrow(0, 5, 100);
    await part.add(1).sum().item();
    memoryOf(x.storage).work = { error: new OutOfMemoryError('no memory for the test') };
    expect(() => part.add(1)).toThrow('no memory for the test');
  });

  it('that is not there for a part of a product is an error of the whole', async () => {
    const [a, b] = [ones([5, n], { device }), ones([n, 2], { device })];
    const allocate = session.memory.allocate.bind(session.memory);
    let calls = 0;
    // The first is the result, the second are sums of the first part.
    const spy = vi.spyOn(session.memory, 'allocate').mockImplementation((...args) => {
      if (++calls === 2) throw new OutOfMemoryError('no memory for sums');
      return allocate(...args);
    });
    expect(() => a.matmul(b)).toThrow('no memory for sums');
    spy.mockRestore();
    expect(await a.matmul(b).sum().item()).toBe(10 * n);
  });

  it('of many windows is bound anew', async () => {
    const x = arange(n, { device });
    let sum = zeros([], { device });
    for (let i = 0; i < 600; i++) sum = sum.add(x.select(0, 300 * i));
    expect(await sum.item()).toBe((300 * 599 * 600) / 2);
  });

  it('in scopes is not given back by them while it is used', async () => {
    useDeterministicAlgorithms(true);
    const x = zeros([n], { device });
    const index = arange(n, { device, dtype: 'int32' });
    tidy(() => x.scatterAdd_(0, index, ones(n, { device })).view(n).cumsum(0).sum());
    useDeterministicAlgorithms(false);
    expect(await x.sum().item()).toBe(n);
    expect(session.memory.stats.liveBytes).toBeGreaterThan(0);
  });
});
